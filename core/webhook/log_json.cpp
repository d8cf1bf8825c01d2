#include "webhook/log_json.hpp"

#include "base/text.hpp"
#include "encoding/charset.hpp"
#include "encoding/text_codings.hpp"

#include <algorithm>
#include <utility>

namespace callchain::webhook {
namespace {

/// Offset behind the string literal that begins at `at`, or nullopt where it does not end.
std::optional<std::size_t> end_of_string(std::string_view text, std::size_t at) {
    for (++at; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            return at + 1;
        }
    }
    return std::nullopt;
}

/// Offset behind the value that begins at `at`, or nullopt where it does not end.
std::optional<std::size_t> end_of_value(std::string_view text, std::size_t at) {
    if (text[at] == '"') return end_of_string(text, at);
    if (text[at] == '{' || text[at] == '[') {
        const auto length = JsonBalance{}.feed(text.substr(at));
        if (!length) return std::nullopt;
        return at + *length;
    }
    const auto end = text.find_first_of(",}] \t\r\n", at);
    if (end == std::string_view::npos || end == at) return std::nullopt;
    return end;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    while (at < text.size() && is_ascii_blank(text[at])) ++at;
    return at;
}

std::optional<char32_t> code_unit_at(std::string_view text, std::size_t at) {
    if (text.substr(at, 2) != "\\u" || text.size() < at + 6) return std::nullopt;
    const auto bytes = encoding::parse_hex(text.substr(at + 2, 4));
    if (!bytes) return std::nullopt;
    return static_cast<char32_t>(static_cast<unsigned char>((*bytes)[0])) << 8U |
           static_cast<unsigned char>((*bytes)[1]);
}

/// Appends the character of the \uXXXX at `at` (with its second half, if any) and returns the offset behind
/// it; `at` where there is none. A lone surrogate is none: it has no UTF-8.
std::size_t append_unicode_escape(std::string& out, std::string_view text, std::size_t at) {
    const auto first = code_unit_at(text, at);
    if (!first || (*first >= 0xDC00 && *first <= 0xDFFF)) return at;
    if (*first < 0xD800 || *first > 0xDBFF) {
        encoding::append_utf8(out, *first);
        return at + 6;
    }
    const auto second = code_unit_at(text, at + 6);
    if (!second || *second < 0xDC00 || *second > 0xDFFF) return at;
    encoding::append_utf8(out, 0x10000 + ((*first - 0xD800) << 10U) + (*second - 0xDC00));
    return at + 12;
}

}  // namespace

std::optional<std::size_t> JsonBalance::feed(std::string_view piece) {
    for (std::size_t at = 0; at < piece.size(); ++at) {
        const char c = piece[at];
        if (in_string_) {
            if (escaped_) {
                escaped_ = false;
            } else if (c == '\\') {
                escaped_ = true;
            } else if (c == '"') {
                in_string_ = false;
            }
        } else if (c == '"') {
            in_string_ = true;
        } else if (c == '{' || c == '[') {
            ++depth_;
        } else if ((c == '}' || c == ']') && depth_ > 0 && --depth_ == 0) {
            return at + 1;
        }
    }
    return std::nullopt;
}

std::string LogMember::text() const {
    if (!is_string()) return std::string(raw);
    const auto end = end_of_string(raw, 0);
    return remove_backslash_layer(end ? raw.substr(1, *end - 2) : raw.substr(1));
}

const LogMember* LogObject::find(std::string_view name) const {
    const auto at = std::find_if(members.begin(), members.end(),
                                 [&](const LogMember& member) { return member.name == name; });
    return at == members.end() ? nullptr : &*at;
}

std::optional<LogObject> read_log_object(std::string_view text) {
    if (!text.starts_with('{')) return std::nullopt;
    LogObject object;
    object.raw = text;
    std::size_t at = skip_blanks(text, 1);
    if (at < text.size() && text[at] == '}') {
        object.raw = text.substr(0, at + 1);
        object.complete = true;
        return object;
    }
    while (at < text.size()) {
        if (text[at] != '"') return std::nullopt;
        const auto name_end = end_of_string(text, at);
        if (!name_end) return object;
        const auto name = text.substr(at + 1, *name_end - at - 2);
        at = skip_blanks(text, *name_end);
        if (at == text.size()) return object;
        if (text[at] != ':') return std::nullopt;
        at = skip_blanks(text, at + 1);
        if (at == text.size()) return object;
        const auto value_end = end_of_value(text, at);
        if (!value_end) {
            object.cut = LogMember{remove_backslash_layer(name), text.substr(at)};
            return object;
        }
        if (object.members.size() < kMostLogMembers) {
            object.members.push_back({remove_backslash_layer(name), text.substr(at, *value_end - at)});
        }
        at = skip_blanks(text, *value_end);
        if (at == text.size()) return object;
        if (text[at] == '}') {
            object.raw = text.substr(0, at + 1);
            object.complete = true;
            return object;
        }
        if (text[at] != ',') return std::nullopt;
        at = skip_blanks(text, at + 1);
    }
    return object;
}

std::vector<LogObject> read_log_objects(std::string_view array) {
    std::vector<LogObject> objects;
    if (!array.starts_with('[')) return objects;
    for (auto at = skip_blanks(array, 1); at < array.size() && array[at] == '{';) {
        auto object = read_log_object(array.substr(at));
        if (!object || !object->complete || objects.size() == kMostLogMembers) return objects;
        at = skip_blanks(array, at + object->raw.size());
        objects.push_back(*std::move(object));
        if (at < array.size() && array[at] == ',') at = skip_blanks(array, at + 1);
    }
    return objects;
}

std::string remove_backslash_layer(std::string_view text) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeaning = "\"\\/\b\f\n\r\t";
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto escape = text.find('\\', at);
        out += text.substr(at, escape - at);
        if (escape == std::string_view::npos) break;
        const auto letter =
            escape + 1 < text.size() ? kLetters.find(text[escape + 1]) : std::string_view::npos;
        if (letter != std::string_view::npos) {
            out += kMeaning[letter];
            at = escape + 2;
            continue;
        }
        at = append_unicode_escape(out, text, escape);
        if (at == escape) {
            out += '\\';
            at = escape + 1;
        }
    }
    return out;
}

}  // namespace callchain::webhook
