#include "sip/header_lines.hpp"

#include "base/text.hpp"
#include "sip/grammar.hpp"

#include <algorithm>

namespace callchain::sip {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

/// "SIP/" digits "." digits.
bool is_version(std::string_view text) {
    if (!starts_with_ignoring_case(text, "SIP/")) return false;
    text.remove_prefix(4);
    const auto dot = text.find('.');
    constexpr std::uint64_t kMost = 999;
    return dot != std::string_view::npos && parse_number(text.substr(0, dot), kMost) &&
           parse_number(text.substr(dot + 1), kMost);
}

/// Without blanks at either end, nor folds.
std::string_view trim_line_ends(std::string_view text) {
    // Not find_first_not_of(), which asks memchr() about every single character.
    const auto is_left_out = [](char c) { return is_blank(c) || c == '\r' || c == '\n'; };
    while (!text.empty() && is_left_out(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_left_out(text.back())) text.remove_suffix(1);
    return text;
}

std::optional<StartLine> parse_status_line(std::string_view line, std::string_view version) {
    auto rest = trim_blanks(line.substr(version.size()));
    constexpr std::size_t kDigits = 3;
    const auto status = parse_number(rest.substr(0, kDigits), 699);
    if (rest.size() < kDigits || !status || *status < 100) return std::nullopt;
    rest.remove_prefix(kDigits);
    if (!rest.empty() && !is_blank(rest.front())) return std::nullopt;
    return StartLine{{}, {}, static_cast<int>(*status), trim_blanks(rest), version};
}

}  // namespace

std::optional<HeadText> find_head(std::string_view bytes) {
    std::size_t start = 0;
    while (bytes.substr(start).starts_with(kLineEnd)) start += kLineEnd.size();
    HeadText head;
    for (auto begin = start; true;) {
        const auto newline = bytes.find('\n', begin);
        if (newline == std::string_view::npos) return std::nullopt;
        const auto line = bytes.substr(begin, newline - begin);
        if (!is_ended_by_cr(line)) return std::nullopt;
        if (line.size() == 1) {
            head.fields = bytes.substr(start, begin - start).substr(head.start_line.size() + kLineEnd.size());
            head.bytes = newline + 1;
            return head;
        }
        if (begin == start)
            head.start_line = line.substr(0, line.size() - 1);
        else if (is_blank(line.front()))
            head.is_folded = true;
        begin = newline + 1;
    }
}

std::string FieldLine::unfolded() const {
    if (!is_folded) return std::string(value);
    std::string text;
    for (auto rest = value; true;) {
        const auto end = rest.find('\r');
        const auto line = trim_blanks(rest.substr(0, end));
        if (!text.empty() && !line.empty()) text += ' ';
        text += line;
        if (end == std::string_view::npos) return text;
        rest.remove_prefix(end + kLineEnd.size());
    }
}

std::optional<FieldLine> take_field(std::string_view& fields) {
    if (fields.empty()) return std::nullopt;
    FieldLine field;
    auto end = fields.find('\n');
    while (end + 1 < fields.size() && is_blank(fields[end + 1])) {
        field.is_folded = true;
        end = fields.find('\n', end + 1);
    }
    const auto line = fields.substr(0, end - 1);
    fields.remove_prefix(end + 1);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return field;
    // Blanks may stand in front of the colon, but not in front of the name: that would be a folded line.
    auto name = line.substr(0, colon);
    while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
    if (is_token(name)) field.name = name;
    field.value = trim_line_ends(line.substr(colon + 1));
    return field;
}

std::optional<StartLine> parse_start_line(std::string_view line) {
    const auto first_end = std::min(line.find_first_of(" \t"), line.size());
    const auto first = line.substr(0, first_end);
    if (is_version(first)) return parse_status_line(line, first);
    const auto trimmed = trim_blanks(line);
    const auto last_blank = trimmed.find_last_of(" \t");
    if (!is_token(first) || last_blank == std::string_view::npos || last_blank <= first_end)
        return std::nullopt;
    const auto version = trimmed.substr(last_blank + 1);
    const auto uri = trim_blanks(trimmed.substr(first_end, last_blank - first_end));
    if (!is_version(version) || uri.empty()) return std::nullopt;
    return StartLine{first, uri, 0, {}, version};
}

}  // namespace callchain::sip
