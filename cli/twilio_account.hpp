/// Whose account is asked at Twilio's API, where, and as whom: the same options for every command that asks.
#pragma once

#include "call_commands.hpp"
#include "context.hpp"
#include "secrets.hpp"

#include <CLI/App.hpp>
#include <initializer_list>
#include <string>

namespace callchain::cli {

struct TwilioAccountOptions {
    std::string sid;
    std::string api_key;
    std::string base_url;
    std::string edge;
    std::string region;
    SecretSources token;
    SecretSources api_secret;
};
void add_twilio_account_options(CLI::App& command, TwilioAccountOptions& options);

struct TwilioAccount {
    std::string sid;
    std::string user;             ///< the account, or the API key
    std::string secret;           ///< empty: none was given, which a dry run does without
    std::string secret_variable;  ///< the name that stands for it in what is shown
    std::string origin;           ///< scheme and host of the API
    /// The value of Authorization.
    [[nodiscard]] std::string basic() const;
    /// What is shown in place of user and secret: "AC…:$TWILIO_AUTH_TOKEN".
    [[nodiscard]] std::string shown() const;
    /// For curl, with a blank in front: the secret stays a variable of the shell that runs it.
    [[nodiscard]] std::string curl_option() const;
};
/// Problems: no account or one that is none, a key that is none, both a token and a key, no secret where
/// something is sent, an address that must not get it.
[[nodiscard]] TwilioAccount read_twilio_account(Context& context, const TwilioAccountOptions& options,
                                                const SendOptions& send, Problems& problems);

/// Scheme and host alone, which may get a secret; `name` is that of the option. Problems: any other.
[[nodiscard]] std::string checked_origin(std::string url, const char* name, Problems& problems);

/// What was given, else the first of these variables that is set and not empty.
[[nodiscard]] std::string value_or_variable(const std::string& given, const Context& context,
                                            std::initializer_list<const char*> names);

}  // namespace callchain::cli
