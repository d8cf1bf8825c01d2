/// What Twilio makes of a TwiML document: the steps it runs, and what it complains about. Pure.
#pragma once

#include "sip/message.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace callchain::simulator {

/// What Twilio would file under one of its numbers.
struct TwilioProblem {
    int code = 0;     ///< of Twilio's error and warning dictionary
    std::string why;  ///< one sentence, safe to print
    friend bool operator==(const TwilioProblem&, const TwilioProblem&) = default;
};

/// One <Sip>.
struct SipNoun {
    sip::Uri uri;                           ///< Request-URI: without headers, and without what is for Twilio
    std::vector<sip::HeaderField> headers;  ///< of the INVITE, from behind the '?'
    bool secure = false;                    ///< ;secure=true: SRTP
    std::string username = {};
    std::string password = {};
    std::string status_callback = {};
    std::string status_callback_method = "POST";
    std::vector<std::string> status_callback_events =
        {};  ///< "initiated", "ringing", "answered", "completed"
};

struct DialStep {
    std::string caller_id = {};  ///< as written; empty: inherited from the caller
    std::string action = {};     ///< as written, may be relative; empty: the document goes on
    std::string method = "POST";
    bool answer_on_bridge = false;  ///< the attribute, where <Dial> is the first verb
    std::chrono::seconds timeout{30};
    std::optional<std::chrono::seconds> time_limit = std::nullopt;
    std::vector<SipNoun> sips = {};
    std::optional<TwilioProblem> fault = std::nullopt;  ///< why nobody can be dialled; then `sips` is empty
};
struct SayStep {
    std::string text;
};
struct RejectStep {
    int status = 404;  ///< of SIP: "busy" is 486, else 404
};
struct HangUpStep {};
struct PauseStep {
    std::chrono::seconds length{1};
};
struct RedirectStep {
    std::string url;  ///< as written, may be relative
    std::string method = "POST";
};
using Step = std::variant<DialStep, SayStep, RejectStep, HangUpStep, PauseStep, RedirectStep>;

struct Script {
    std::vector<Step> steps;
    std::vector<TwilioProblem> warnings;                  ///< the call goes on
    std::optional<TwilioProblem> failure = std::nullopt;  ///< no document: the call ends; then nothing else
};

/// Dial with Sip, Say, Reject, Hangup, Pause and Redirect are steps; everything else is skipped with 12200,
/// although Twilio runs more. Of several <Sip> Twilio calls all at once; here they come one behind the other.
/// Source: Twilio, "TwiML Voice: <Dial>", "<Sip>", "<Reject>", and its error and warning dictionary.
[[nodiscard]] Script read_script(std::string_view document);

/// Whether that caller id, or the one inherited from `caller`, may be shown to a SIP endpoint. nullopt: it
/// may. 13214 for one inherited from a SIP leg, 13224 for one that has the prefix of another kind of leg
/// ("whatsapp:+…", "client:…"), 13247 for other characters than letters, digits and "+-_.".
[[nodiscard]] std::optional<TwilioProblem> check_caller_id(const DialStep& dial, std::string_view caller);
/// The one that is shown.
[[nodiscard]] std::string shown_caller_id(const DialStep& dial, std::string_view caller);

/// "<Dial callerId=…1869 answerOnBridge><Sip>", "<Say><Hangup>", "<Response/>": for a line of a timeline.
[[nodiscard]] std::string summary_of(const Script& script);

}  // namespace callchain::simulator
