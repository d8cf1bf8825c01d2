/// Base64 as senders write it and as careless readers take it.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace callchain::encoding {

/// Standard alphabet with padding. Source: RFC 4648 section 4.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// URL and filename safe alphabet, with padding. Source: RFC 4648 section 5.
[[nodiscard]] std::string to_base64url(std::string_view bytes);

/// What a reader of base64 tolerates. The default tolerates nothing.
struct Base64Rules {
    enum class Alphabet { standard, url_safe, either };
    /// optional: all of it or a part may be missing. excess_allowed: any number of '='.
    enum class Padding { required, optional, excess_allowed };
    enum class TrailingBits { must_be_zero, ignored };  ///< of the last sextet: canonical or not
    enum class ForeignBytes { refused, skipped };       ///< anything outside the alphabet and '='
    enum class AfterPadding { refused, ignored };       ///< whatever follows a complete padding
    Alphabet alphabet = Alphabet::standard;
    Padding padding = Padding::required;
    TrailingBits trailing_bits = TrailingBits::must_be_zero;
    ForeignBytes foreign_bytes = ForeignBytes::refused;
    AfterPadding after_padding = AfterPadding::refused;
};

/// RFC 4648 to the letter: standard alphabet, padding, no foreign bytes, zero trailing bits.
inline constexpr Base64Rules kStrictBase64{};
/// Node's Buffer.from(text, 'base64'): both alphabets, padding optional, foreign bytes skipped, ends at '='.
/// It never fails; a single left-over sextet is dropped. Source: Node.js, Buffer documentation, "base64".
inline constexpr Base64Rules kNodeBase64{
    Base64Rules::Alphabet::either, Base64Rules::Padding::optional, Base64Rules::TrailingBits::ignored,
    Base64Rules::ForeignBytes::skipped, Base64Rules::AfterPadding::ignored};

/// Errors: bad_input with the offset of the first byte that the rules refuse. A left-over single sextet is
/// refused unless foreign bytes are skipped and padding is not required. The message shows at most one byte,
/// and that one from outside the alphabet: the text may be a secret.
[[nodiscard]] Result<std::string> parse_base64(std::string_view text,
                                               const Base64Rules& rules = kStrictBase64);

}  // namespace callchain::encoding
