/// The number that a call to OpenAI shows as its caller: always one of the business, always E.164.
#pragma once

#include "base/characters.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>

namespace callchain::twiml {

/// What is known when the document is made. Empty or blank: not there.
struct CallerIdSources {
    std::string configured = {};  ///< TWILIO_SIP_CALLER_ID, or --caller-id
    std::string to = {};          ///< `To` of Twilio's request
    std::string called = {};      ///< `Called`, its older twin
};

struct CallerId {
    enum class Origin { configured, to, called };
    std::string number;  ///< is_e164()
    Origin origin = Origin::configured;
};

/// The configured number, else that of `To`, else that of `Called`. The number is validated and never
/// guessed: Twilio refuses a <Dial> whose callerId it inherits from a WhatsApp or SIP leg (13214), so none is
/// no answer.
///
/// Configured, as people type it: `whatsapp:` in front is dropped, and so are blanks, '-', '.' and
/// parentheses among the digits. Of a request: `whatsapp:` in front is dropped, and of a `sip:` or `sips:`
/// URI the user part is taken, unescaped, up to its first ';' or ':'. What is left is E.164 or is not passed
/// on.
///
/// Errors: usage. The message names TWILIO_SIP_CALLER_ID and shows of a number its last four digits. A
/// configured number that cannot be used is an error even where the request has one.
[[nodiscard]] Result<CallerId> business_number(const CallerIdSources& sources);

}  // namespace callchain::twiml
