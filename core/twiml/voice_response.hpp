/// The document that answers Twilio's voice request: dial OpenAI's SIP endpoint.
#pragma once

#include "base/result.hpp"
#include "twiml/sip_uri.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::twiml {

/// `<Response><Dial …><Sip …>sip:proj_…@sip.api.openai.com;transport=tls…</Sip></Dial></Response>`. What is
/// empty is not written. Region, edge and secure are parameters of Twilio's: they choose where the call
/// leaves Twilio and whether its media are encrypted, and say nothing of a region at OpenAI. Source: Twilio,
/// "TwiML Voice: <Dial>", "TwiML Voice: <Sip>"; OpenAI, "Realtime API with SIP".
struct VoiceResponse {
    std::string project_id;  ///< "proj_…": OpenAI routes by the user part of the URI
    std::string host =
        "sip.api.openai.com";  ///< or "sip-eu.api.openai.com" for EU residency; may end in :port
    std::string region = {};   ///< e.g. "br1"; not beside `edge`
    std::string edge = {};     ///< e.g. "sao-paulo"
    bool secure = false;       ///< SRTP; OpenAI's published URI goes without
    std::vector<SipUriHeader> headers = {};  ///< of the INVITE to OpenAI

    std::string caller_id;  ///< E.164, see business_number()
    std::string action = {};
    std::string method = {};       ///< of `action`; empty: Twilio's default, POST. So are the other methods.
    bool answer_on_bridge = true;  ///< the caller hears ringing until OpenAI answers
    std::optional<std::chrono::seconds> timeout = {};     ///< 5 to 600; none: Twilio's default, 30
    std::optional<std::chrono::seconds> time_limit = {};  ///< 1 to 86,400; none: Twilio's default, 14,400
    std::string record = {};                              ///< e.g. "record-from-answer-dual"
    std::string recording_status_callback = {};
    std::string recording_status_callback_method = {};
    std::vector<std::string> recording_status_callback_events = {};
    std::string refer_url = {};  ///< asked when OpenAI sends a REFER; without it a transfer fails
    std::string refer_method = {};

    std::string status_callback = {};  ///< on <Sip>: <Dial> has none
    std::string status_callback_method = {};
    std::vector<std::string> status_callback_events = {};
};

/// One remark about the configuration. `option` is that of `callchain twiml`: "--action".
struct VoiceRemark {
    std::string option;
    std::string message;
    std::string hint = {};       ///< what to do; may be empty
    std::string_view code = {};  ///< of the rule of lint_twiml() that says the same; empty: none does
};

struct VoiceRemarks {
    std::vector<VoiceRemark> problems;  ///< with one of these there is no document
    std::vector<VoiceRemark> warnings;  ///< Twilio or OpenAI may not do what is meant
};

/// All that is wrong, and all that looks wrong, at once.
[[nodiscard]] VoiceRemarks check_voice_response(const VoiceResponse& response);

/// What lint_twiml() has against a document of ours, but for mere information and what `known` says already,
/// so that the two never disagree. `option` is empty where it comes from none alone.
[[nodiscard]] std::vector<VoiceRemark> judge_document(std::string_view document,
                                                      const std::vector<VoiceRemark>& known = {});

/// The text of <Sip>. Errors: as write_voice_response().
[[nodiscard]] Result<std::string> write_voice_uri(const VoiceResponse& response);

/// The whole document, in the bytes that Twilio's own library for Node.js writes.
/// Errors: usage, with all problems of check_voice_response() in one message.
[[nodiscard]] Result<std::string> write_voice_response(const VoiceResponse& response);

/// "--a: message (hint)", without the option where it is empty.
[[nodiscard]] std::string text_of(const VoiceRemark& remark);

/// Problems as one Error: a single one with its own hint, several behind each other with their hints among
/// them. `problems` must not be empty.
[[nodiscard]] Error error_of(const std::vector<VoiceRemark>& problems);

}  // namespace callchain::twiml
