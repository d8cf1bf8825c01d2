/// A SIP message without what may not be shown. Pure.
#pragma once

#include <string>
#include <string_view>

namespace callchain::gateway {

/// The message, its lines where they were, with these withheld: of digest the values of response, nonce,
/// cnonce, nextnonce, rspauth and opaque; of other schemes the credentials whole; cookies and Identity
/// (its token holds both numbers); of SDP the keys
/// (`a=crypto`, `k=`, `a=key-mgmt`) and ICE passwords; what looks like a key of OpenAI or a webhook; and
/// telephone numbers but for their last four digits. A number is a run of seven digits or more behind '+',
/// "sip:", "sips:", "tel:", "whatsapp:", `username=` or a quotation mark; behind '+' and "tel:" the
/// separators of RFC 3966 may stand in it. Linear.
[[nodiscard]] std::string redact_message(std::string_view message);

}  // namespace callchain::gateway
