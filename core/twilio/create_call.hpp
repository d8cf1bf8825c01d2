/// An outbound WhatsApp call through Twilio's REST API: what is sent, and what the answer means.
#pragma once

#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::twilio {

/// One call. One of `url`, `twiml` and `application_sid` says what happens when it is answered.
struct CreateCall {
    std::string to = {};    ///< as people write it: "+55 61 …", with or without "whatsapp:"
    std::string from = {};  ///< the WhatsApp sender, likewise
    std::string url = {};
    std::string twiml = {};  ///< a document; at most 4,000 characters
    std::string application_sid = {};
    std::string status_callback = {};  ///< told all four stages of the call
    std::optional<int> ring_seconds = {};
};

/// "whatsapp:+5561…": blanks, '-', '.' and parentheses among the digits go; no country is guessed.
/// Errors: usage, showing the last four digits at most. Source: ITU-T E.164 section 6; Twilio, "WhatsApp
/// Business Calling".
[[nodiscard]] Result<std::string> whatsapp_address(std::string_view number);

/// The fields of the form, in order. Errors: usage, all problems in one message.
/// Source: Twilio, "Create a Call resource".
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> create_call_form(
    const CreateCall& call);

/// …/2010-04-01/Accounts/AC….json: the account itself. Errors: as calls_url().
[[nodiscard]] Result<std::string> account_url(std::string_view base, std::string_view account_sid);
/// …/2010-04-01/Accounts/AC…/Calls.json below `base`, which has no path.
/// Errors: usage for a base that is no http or https origin, or an account that is not AC and 32 hex digits.
[[nodiscard]] Result<std::string> calls_url(std::string_view base, std::string_view account_sid);

/// Named results of the request; a name never changes its meaning.
enum class CallOutcome {
    queued,              ///< 201: Twilio has the call, and will ring
    refused,             ///< 4xx with or without a code of Twilio's
    credential_refused,  ///< 401, 403, or 20003
    rate_limited,        ///< 429 or 20429
    server_error,        ///< 5xx: whether the call was made is not known
    not_sent,            ///< no connection: it was certainly not made
    unknown_fate,        ///< sent, and no answer: the telephone may ring
    unexpected_answer,   ///< anything else
};
[[nodiscard]] std::string_view name_of(CallOutcome outcome);
/// One or two sentences: what it means, and what to do.
[[nodiscard]] std::string_view meaning_of(CallOutcome outcome);

struct CallAnswer {
    CallOutcome outcome = CallOutcome::unexpected_answer;
    std::string sid;          ///< "CA…", where the call was made
    std::string call_status;  ///< "queued"
    int code = 0;             ///< of Twilio's error; 0: none
    std::string message;      ///< of Twilio's error, made visible and cut
};
/// Reads both forms of Twilio's errors: {code, message, more_info, status} and RFC 9457.
[[nodiscard]] CallAnswer read_call_answer(int status, std::string_view body);

}  // namespace callchain::twilio
