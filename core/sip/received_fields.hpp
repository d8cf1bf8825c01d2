/// What the machines work with, read from the lines of a head as written. Internal to core/sip.
#pragma once

#include "base/result.hpp"
#include "sip/header_lines.hpp"
#include "sip/message.hpp"

namespace callchain::sip {

/// Fills in everything of an empty Received but the body. Errors: bad_input, in words that hold nothing of
/// the message, for a start line or a needed field that is malformed, missing, or there twice. Fields that no
/// machine needs may be malformed (RFC 3261 section 8.2.2).
[[nodiscard]] Result<void> read_fields(Received& received, const HeadText& head);

}  // namespace callchain::sip
