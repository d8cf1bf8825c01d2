/// Where secrets come from: variables, files and descriptors, never the command line.
#pragma once

#include "base/result.hpp"
#include "context.hpp"
#include "signature/secret.hpp"

#include <CLI/App.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::cli {

/// The three options of one kind of secret, e.g. --secret-env, --secret-file and --secret-fd.
struct SecretSources {
    std::vector<std::string> variables;
    std::vector<std::string> files;
    std::vector<std::string> descriptors;
    [[nodiscard]] bool empty() const { return variables.empty() && files.empty() && descriptors.empty(); }
};

/// Adds `--<name>-env`, `--<name>-file` and `--<name>-fd`. `what` completes "Variable that holds …".
void add_secret_options(CLI::App& command, const std::string& name, const std::string& what,
                        SecretSources& sources);

/// Reads every source; a list in one source becomes several secrets (`label`, `label#2`, …). With no source
/// given, reads `default_variable` if that is set. Errors: usage naming every source that is missing, empty
/// or malformed, all at once; never a value.
[[nodiscard]] Result<std::vector<signature::LabelledSecret>> read_secrets(
    Context& context, const SecretSources& sources, const std::string& default_variable);

/// The variable that stands for the one secret in a command that is shown: the one that was named, without
/// its label, else `default_variable`.
[[nodiscard]] std::string shown_variable(const SecretSources& sources, const std::string& default_variable);

/// True for text that must not be echoed: a webhook secret or an API key stands in it, or it has the form of
/// a Twilio auth token.
[[nodiscard]] bool looks_like_secret(std::string_view text);

/// What may be echoed of an argument: an excerpt, or only its length where it is one long word that could be
/// a key.
[[nodiscard]] std::string safe_echo(std::string_view argument, std::size_t most);

/// How to pass a secret, for the hint of an error.
inline constexpr const char* kSecretHint =
    "secrets are read from a variable (--secret-env NAME), a file (--secret-file PATH) or a descriptor "
    "(--secret-fd N), never from the command line, where "
    "every user of the machine can see them; a Twilio token likewise: --auth-token-env, --auth-token-file, "
    "--auth-token-fd; an API key: --api-key-env, --api-key-file, --api-key-fd";

}  // namespace callchain::cli
