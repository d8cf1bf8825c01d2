/// Responses to requests that were received.
#pragma once

#include "sip/message.hpp"

#include <string_view>

namespace callchain::sip {

/// The response that RFC 3261 section 8.2.6 asks for: the Via fields in their order (as they stand in
/// `request.via`, with what the transport has added to the top one), From, To, Call-ID and CSeq as they came;
/// `tag` in To where it had none, unless `tag` is empty (a 100 needs none); Timestamp into a 100.
/// Record-Route, as it came, into 101 to 299 to an INVITE without a To tag, since these establish a dialog
/// (section 12.1.1). An empty reason is filled in from status.hpp. Contact, Allow and the rest are the
/// caller's.
[[nodiscard]] Message make_response(const Received& request, int status, std::string_view reason,
                                    std::string_view tag);

}  // namespace callchain::sip
