#include "encoding/base64.hpp"

#include "base/text.hpp"

#include <array>
#include <cstdint>

namespace callchain::encoding {
namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Table = std::array<std::uint8_t, 256>;
constexpr std::uint8_t kForeign = 0xFF;
constexpr std::size_t kPadsAfter[4] = {0, 0, 2, 1};  // by the number of characters in the last group

constexpr std::size_t index_of(char c) { return static_cast<unsigned char>(c); }

constexpr Table make_table(std::string_view first, std::string_view second) {
    Table table{};
    for (auto& value : table) value = kForeign;
    for (std::size_t i = 0; i < 64; ++i) {
        table[index_of(first[i])] = static_cast<std::uint8_t>(i);
        table[index_of(second[i])] = static_cast<std::uint8_t>(i);
    }
    return table;
}

const Table& table_of(Base64Rules::Alphabet alphabet) {
    static constexpr Table kTables[] = {make_table(kStandard, kStandard), make_table(kUrlSafe, kUrlSafe),
                                        make_table(kStandard, kUrlSafe)};
    return kTables[static_cast<std::size_t>(alphabet)];
}

std::string write_base64(std::string_view bytes, std::string_view alphabet) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = (bits << 8U) | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            out += i <= group.size() ? alphabet[(bits >> (18U - 6U * i)) & 0x3FU] : '=';
    }
    return out;
}

// One byte from outside the alphabet is shown; the characters around it may belong to a secret and are not.
tl::unexpected<Error> foreign_byte(std::string_view text, std::size_t at) {
    const char c = text[at];
    std::string hint = "copy the value again, without quotes, blanks or line ends";
    if (c == '-' || c == '_') hint = "'-' and '_' belong to the url-safe alphabet; this one has '+' and '/'";
    if (c == '+' || c == '/') hint = "'+' and '/' belong to the standard alphabet; this one has '-' and '_'";
    return fail_at(at, ErrorCode::bad_input,
                   "base64 has a foreign byte: \"" + visible(text.substr(at, 1)) + '"', std::move(hint));
}

// Reads from the first '=' to the end of the text. `pads` counts the '=' that complete the last group.
Result<void> read_padding(std::string_view text, std::size_t at, std::size_t needed,
                          const Base64Rules& rules) {
    const Table& table = table_of(rules.alphabet);
    const bool ends_here = rules.after_padding == Base64Rules::AfterPadding::ignored;
    std::size_t pads = 0;
    for (; at < text.size(); ++at) {
        const bool is_foreign = text[at] != '=' && table[index_of(text[at])] == kForeign;
        if (is_foreign && rules.foreign_bytes == Base64Rules::ForeignBytes::skipped) continue;
        if (text[at] == '=' && (pads < needed || rules.padding == Base64Rules::Padding::excess_allowed)) {
            ++pads;
        } else if (ends_here) {
            break;
        } else if (text[at] == '=') {
            return fail_at(at, ErrorCode::bad_input, "base64 has more '=' than its length needs",
                           "a character was lost, or '=' was added: copy the value again");
        } else if (is_foreign) {
            return foreign_byte(text, at);
        } else {
            return fail_at(at, ErrorCode::bad_input, "base64 goes on behind its padding",
                           "two values may have been joined: give one at a time");
        }
    }
    if (rules.padding == Base64Rules::Padding::required && pads < needed) {
        return fail_at(at, ErrorCode::bad_input,
                       "base64 padding is cut off: " + std::to_string(needed) + " '=' needed, " +
                           std::to_string(pads) + " there",
                       "copy the value again, up to and with the '=' at its end");
    }
    return {};
}

// Judges the characters of the last, incomplete group; `last` is the offset of the last of them.
Result<void> check_tail(std::uint32_t bits, std::size_t tail, std::size_t last, const Base64Rules& rules) {
    const bool drops_one = rules.foreign_bytes == Base64Rules::ForeignBytes::skipped &&
                           rules.padding != Base64Rules::Padding::required;
    if (tail == 1 && !drops_one) {
        return fail_at(last, ErrorCode::bad_input, "base64 ends in a single left-over character",
                       "a character was lost or added: copy the value again");
    }
    const std::uint32_t unused = tail == 2 ? bits & 0xFU : tail == 3 ? bits & 0x3U : 0;
    if (unused != 0 && rules.trailing_bits == Base64Rules::TrailingBits::must_be_zero) {
        return fail_at(last, ErrorCode::bad_input,
                       "base64 is not canonical: its last character has bits set that carry no data",
                       "the end of the value was changed or mistyped: copy it again");
    }
    return {};
}

void append_group(std::string& out, std::uint32_t bits, std::size_t sextets) {
    bits <<= 6U * (4 - sextets);
    for (std::size_t i = 0; i + 1 < sextets; ++i) out += static_cast<char>((bits >> (16U - 8U * i)) & 0xFFU);
}

}  // namespace

std::string to_base64(std::string_view bytes) { return write_base64(bytes, kStandard); }

std::string to_base64url(std::string_view bytes) { return write_base64(bytes, kUrlSafe); }

Result<std::string> parse_base64(std::string_view text, const Base64Rules& rules) {
    const Table& table = table_of(rules.alphabet);
    std::string out;
    out.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t bits = 0;
    std::size_t in_group = 0;
    std::size_t last = 0;
    std::size_t at = 0;
    for (; at < text.size() && text[at] != '='; ++at) {
        const std::uint8_t sextet = table[index_of(text[at])];
        if (sextet == kForeign) {
            if (rules.foreign_bytes == Base64Rules::ForeignBytes::refused) return foreign_byte(text, at);
            continue;
        }
        bits = (bits << 6U) | sextet;
        last = at;
        if (++in_group == 4) {
            append_group(out, bits, 4);
            bits = 0;
            in_group = 0;
        }
    }
    CALLCHAIN_TRY(check_tail(bits, in_group, last, rules));
    CALLCHAIN_TRY(read_padding(text, at, kPadsAfter[in_group], rules));
    append_group(out, bits, in_group);
    return out;
}

}  // namespace callchain::encoding
