/// HTTP content codings, undone under a limit; and gzip, made the ways in which senders make it.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::encoding {

enum class ContentCoding { gzip, zlib, raw_deflate, brotli, zstd };

/// Most bytes that one decoding may yield.
inline constexpr std::size_t kMostDecodedBytes = std::size_t{8} << 20U;

/// The bytes before the coding was applied. The whole input must be one complete stream (gzip: or several
/// members, RFC 1952 section 2.2), with nothing behind it.
/// Errors: bad_input where it is not that; limit where it would yield more than `most_bytes`.
[[nodiscard]] Result<std::string> decode_content(std::string_view bytes, ContentCoding coding,
                                                 std::size_t most_bytes = kMostDecodedBytes);

/// Cheap look at the first bytes: can this be a stream of that coding at all? brotli and raw_deflate have no
/// signature, so for them it only excludes what begins like JSON or is empty.
[[nodiscard]] bool may_be_coded(std::string_view bytes, ContentCoding coding);

/// The same bytes as gzip streams of zlib at levels 1, 6 and 9 with the header variants that common senders
/// write (no time stamp; operating system "Unix" or "unknown"; with the extra-flags byte set and zero).
[[nodiscard]] std::vector<std::string> gzip_variants(std::string_view bytes);

}  // namespace callchain::encoding
