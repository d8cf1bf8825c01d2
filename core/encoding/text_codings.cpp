#include "encoding/text_codings.hpp"

#include "base/text.hpp"
#include "encoding/charset.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace callchain::encoding {
namespace {

constexpr std::string_view kLowerHex = "0123456789abcdef";
constexpr std::string_view kUpperHex = "0123456789ABCDEF";

std::string write_hex(std::string_view bytes, std::string_view digits) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4U];
        out += digits[static_cast<unsigned char>(c) & 0xFU];
    }
    return out;
}

constexpr std::optional<unsigned> hex_value(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
    return std::nullopt;
}

// The byte that two hex digits at the start of `text` stand for.
std::optional<char> hex_pair(std::string_view text) {
    if (text.size() < 2) return std::nullopt;
    const auto high = hex_value(text[0]);
    const auto low = hex_value(text[1]);
    if (!high || !low) return std::nullopt;
    return static_cast<char>(*high << 4U | *low);
}

constexpr bool is_ascii_alphanumeric(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void append_percent(std::string& out, char c) {
    out += '%';
    out += kUpperHex[static_cast<unsigned char>(c) >> 4U];
    out += kUpperHex[static_cast<unsigned char>(c) & 0xFU];
}

void append_form_text(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (is_ascii_alphanumeric(c) || c == '*' || c == '-' || c == '.' || c == '_') {
            out += c;
        } else if (c == ' ') {
            out += '+';
        } else {
            append_percent(out, c);
        }
    }
}

struct Entity {
    std::string_view name;
    std::string_view text;
};
constexpr Entity kEntities[] = {{"&amp;", "&"},   {"&lt;", "<"},   {"&gt;", ">"},
                                {"&quot;", "\""}, {"&apos;", "'"}, {"&nbsp;", "\xC2\xA0"}};

// The length of a numeric reference (`&#39;`, `&#x27;`) at the start of `text`, whose character goes to
// `out`; 0 where there is none. Values beyond Unicode saturate and so become U+FFFD, as in HTML.
std::size_t append_numeric_reference(std::string& out, std::string_view text) {
    if (text.size() < 4 || text[1] != '#') return 0;
    const bool is_hex = text[2] == 'x' || text[2] == 'X';
    const unsigned base = is_hex ? 16 : 10;
    const std::size_t first = is_hex ? 3 : 2;
    std::uint32_t value = 0;
    std::size_t at = first;
    for (; at < text.size(); ++at) {
        const auto digit = hex_value(text[at]);
        if (!digit || *digit >= base) break;
        value = std::min<std::uint32_t>(value * base + *digit, 0x110000);
    }
    if (at == first || at == text.size() || text[at] != ';') return 0;
    append_utf8(out, value == 0 ? 0x110000 : value);
    return at + 1;
}

// As append_numeric_reference(), for every reference that we know.
std::size_t append_reference(std::string& out, std::string_view text) {
    for (const auto& entity : kEntities) {
        if (text.substr(0, entity.name.size()) != entity.name) continue;
        out += entity.text;
        return entity.name.size();
    }
    return append_numeric_reference(out, text);
}

// Reads a chunked body from front to back, RFC 9112 section 7.1.
class ChunkReader {
  public:
    explicit ChunkReader(std::string_view body) : body_(body) {}

    Result<std::string> read() {
        std::string out;
        for (;;) {
            const std::size_t size = CALLCHAIN_TRY(read_size());
            if (size == 0) break;
            if (body_.size() - at_ < size)
                return fail_at(body_.size(), ErrorCode::bad_input, "chunked body ends inside a chunk");
            out += body_.substr(at_, size);
            at_ += size;
            if (!CALLCHAIN_TRY(read_line()).empty())
                return fail_at(at_, ErrorCode::bad_input, "chunk is longer than its size says");
        }
        while (!CALLCHAIN_TRY(read_line()).empty()) continue;
        if (at_ != body_.size())
            return fail_at(at_, ErrorCode::bad_input, "bytes behind the end of the chunked body");
        return out;
    }

  private:
    Result<std::string_view> read_line() {
        const std::size_t end = body_.find("\r\n", at_);
        if (end == std::string_view::npos) {
            return fail_at(body_.size(), ErrorCode::bad_input,
                           "chunked body is not complete: a line end (CR LF) is missing");
        }
        const std::string_view line = body_.substr(at_, end - at_);
        at_ = end + 2;
        return line;
    }

    Result<std::size_t> read_size() {
        const std::size_t start = at_;
        const std::string_view line = CALLCHAIN_TRY(read_line());
        std::size_t size = 0;
        std::size_t digits = 0;
        for (; digits < line.size(); ++digits) {
            const auto digit = hex_value(line[digits]);
            if (!digit) break;
            // More than the body holds is refused by the caller, whatever the exact number.
            size = size > body_.size() ? size : size * 16 + *digit;
        }
        const std::string_view extension = trim_left(line.substr(digits));
        if (digits == 0 || (!extension.empty() && extension.front() != ';'))
            return fail_at(start, ErrorCode::bad_input, "chunk size is not a hexadecimal number");
        return size;
    }

    std::string_view body_;
    std::size_t at_ = 0;
};

}  // namespace

std::string to_hex(std::string_view bytes) { return write_hex(bytes, kLowerHex); }

std::string to_upper_hex(std::string_view bytes) { return write_hex(bytes, kUpperHex); }

Result<std::string> parse_hex(std::string_view text) {
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t at = 0; at < text.size(); at += 2) {
        if (const auto byte = hex_pair(text.substr(at))) {
            out += *byte;
            continue;
        }
        const std::size_t bad = hex_value(text[at]) ? at + 1 : at;
        if (bad == text.size())
            return fail_at(bad, ErrorCode::bad_input, "hex text has an odd number of digits");
        return fail_at(bad, ErrorCode::bad_input, "not a hex digit: \"" + visible(text.substr(bad, 1)) + '"');
    }
    return out;
}

std::string percent_decode(std::string_view text, PlusSign plus) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = text[at] == '%' ? hex_pair(text.substr(at + 1)) : std::nullopt;
        if (byte) {
            out += *byte;
            at += 2;
        } else {
            out += text[at] == '+' && plus == PlusSign::space ? ' ' : text[at];
        }
    }
    return out;
}

std::string percent_encode(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        if (is_ascii_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            out += c;
        } else {
            append_percent(out, c);
        }
    }
    return out;
}

FormFields parse_form(std::string_view body) {
    FormFields fields;
    for (const std::string_view pair : split(body, '&')) {
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        const std::string_view value = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
        fields.emplace_back(percent_decode(pair.substr(0, equals), PlusSign::space),
                            percent_decode(value, PlusSign::space));
    }
    return fields;
}

std::string write_form(const FormFields& fields) {
    std::string out;
    for (const auto& [name, value] : fields) {
        if (&name != &fields.front().first) out += '&';
        append_form_text(out, name);
        out += '=';
        append_form_text(out, value);
    }
    return out;
}

std::string html_unescape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t plain = std::min(text.find('&'), text.size());
        out += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty()) break;
        const std::size_t length = append_reference(out, text);
        if (length == 0) out += '&';
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

std::string html_escape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

Result<std::string> parse_chunked(std::string_view body) { return ChunkReader(body).read(); }

}  // namespace callchain::encoding
