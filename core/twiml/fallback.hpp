/// The documents for a call that does not go on: refused, or left over when a dial failed.
#pragma once

#include "base/result.hpp"

#include <string>

namespace callchain::twiml {

/// What the caller gets. Source: Twilio, "TwiML Voice: <Say>, <Reject>, <Redirect>, <Hangup>".
struct Fallback {
    enum class Verb {
        hang_up,   ///< <Hangup/>
        say,       ///< <Say>, then <Hangup/>
        reject,    ///< <Reject>: the call is never answered nor billed; only as the first verb of a call
        redirect,  ///< <Redirect>: another document takes over
    };
    enum class Reason { rejected, busy };

    Verb verb = Verb::hang_up;
    std::string text = {};      ///< say: what is said; at most 4,096 characters
    std::string language = {};  ///< say: e.g. "pt-BR"; empty: Twilio's default
    std::string voice = {};     ///< say: e.g. "Polly.Camila"; empty: Twilio's default
    Reason reason = Reason::rejected;
    std::string url = {};     ///< redirect: absolute http(s) URL
    std::string method = {};  ///< redirect: "GET" or "POST"; empty: Twilio's default, POST
};

/// The whole document, in the bytes that Twilio's own library for Node.js writes.
/// Errors: usage, naming the member that is missing or cannot stand in XML 1.0.
[[nodiscard]] Result<std::string> write_fallback(const Fallback& fallback);

}  // namespace callchain::twiml
