/// The messages that transactions make by themselves, and what a server adds to a request before it answers.
#pragma once

#include "sip/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace callchain::sip {

/// Notes in the top Via of `request.via` where it came from: `received` where sent-by is not that address or
/// the client asks with `rport`, and the port as the value of `rport` where it asks. make_response() copies
/// it. `address` is numeric, IPv6 without brackets. Source: RFC 3261 section 18.2.1, RFC 3581 section 4.
void note_source(Received& request, std::string_view address, std::uint16_t port);

/// What is left of an INVITE when ACK and CANCEL are all that may have to be made of it: Request-URI, top
/// Via, Route, From, To, Call-ID, CSeq.
[[nodiscard]] Message core_of_invite(const Message& invite, std::string via);

/// The ACK to a final answer that is no 2xx; `to` is the To of that answer.
/// Source: RFC 3261 section 17.1.1.3.
[[nodiscard]] Message ack_of(const Message& core, std::string_view to);

/// Source: RFC 3261 section 9.1.
[[nodiscard]] Message cancel_of(const Message& core);

}  // namespace callchain::sip
