/// What tells which transaction a message belongs to.
#pragma once

#include "sip/message.hpp"

#include <string>
#include <string_view>

namespace callchain::sip {

/// The branch of a client that follows RFC 3261: the magic cookie with something behind it. A bare cookie
/// identifies nothing; such a request is matched as RFC 2543 has it.
/// Source: RFC 3261 section 8.1.1.7, RFC 4475 section 3.2.1 (badbranch).
[[nodiscard]] bool identifies_transaction(std::string_view branch);

/// Branch and sent-by of a top Via; equal for equal transactions of one client, whatever the method. The
/// host compares without case, the branch as it is. Source: RFC 3261 sections 17.1.3, 17.2.3.
[[nodiscard]] std::string transaction_key(const Via& top);

/// The same for the request of a client of RFC 2543: Request-URI, From tag, Call-ID, CSeq number and top Via
/// (without what note_source() added). The To tag is compared apart, since an ACK carries that of the answer.
/// Never equal to a transaction_key(). Source: RFC 3261 section 17.2.3.
[[nodiscard]] std::string legacy_transaction_key(const Received& request);

/// The one of the two that is for this request.
[[nodiscard]] std::string server_key(const Received& request);

/// From tag, Call-ID and CSeq: equal for copies of one request that came by different ways.
/// Source: RFC 3261 section 8.2.2.2.
[[nodiscard]] std::string merge_key(const Received& request);

}  // namespace callchain::sip
