/// Lines of the text as they may be shown.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/lint.hpp"
#include "twiml/lint_rules.hpp"

#include <algorithm>
#include <array>

namespace callchain::twiml {
namespace {

constexpr auto kNpos = std::string_view::npos;
constexpr std::string_view kWithheld = "[withheld]";

bool is_name_character(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
           c == '.' || c == ':' || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

/// Names of what must not be shown, of attributes and of <Parameter>s alike.
bool names_a_secret(std::string_view name) {
    const auto lower = ascii_lower(name);
    const auto in = [&](std::string_view word) { return lower.find(word) != kNpos; };
    return in("password") || in("passwd") || in("username") || in("secret") || in("token") || in("apikey") ||
           in("api_key") || in("api-key") || in("authorization") || in("credential");
}

/// Where "user:password" stands in front of an '@' that belongs to the authority beginning at `at`; the user
/// part of a SIP URI alone is no secret.
std::size_t end_of_user_information(std::string_view text, std::size_t at) {
    constexpr std::size_t kLongest = 512;  // keeps the search linear
    const auto piece = text.substr(at, kLongest);
    const auto end = piece.find_first_of("/<>\"'@ \t\r\n?");
    return end != kNpos && piece[end] == '@' ? at + end : kNpos;
}

bool is_secret_character(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' ||
           c == '=' || c == '_' || c == '-';
}

}  // namespace

SourceLines::SourceLines(std::string_view text) : text_(text) {
    find_attributes();
    find_user_information();
    find_clear_secrets();
    std::sort(withheld_.begin(), withheld_.end(),
              [](const Range& a, const Range& b) { return a.begin < b.begin; });
}

void SourceLines::withhold(std::size_t begin, std::size_t end) {
    if (begin < end) withheld_.push_back({begin, end});
}

// Works on broken XML as well, so it does not ask where tags begin; name="…" is enough. A value whose quote
// does not close reaches to the end.
void SourceLines::find_attributes() {
    constexpr std::size_t kLongestBlanks = 64;  // bounds keep the search linear
    constexpr std::size_t kLongestName = 64;
    constexpr std::size_t kLongestLabel = 256;
    bool next_value_is_secret = false;
    Range last_value;
    for (auto equals = text_.find('='); equals != kNpos; equals = text_.find('=', equals + 1)) {
        std::size_t name_end = equals;
        while (name_end > 0 && is_ascii_blank(text_[name_end - 1]) && equals - name_end < kLongestBlanks)
            --name_end;
        std::size_t name_begin = name_end;
        while (name_begin > 0 && name_end - name_begin < kLongestName &&
               is_name_character(text_[name_begin - 1]))
            --name_begin;
        const auto name = text_.substr(name_begin, name_end - name_begin);
        std::size_t begin = equals + 1;
        while (begin < text_.size() && is_ascii_blank(text_[begin]) && begin - equals < kLongestBlanks)
            ++begin;
        if (name.empty() || begin >= text_.size()) continue;
        const bool is_value = name == "value";
        const bool is_name = name == "name";
        const bool is_secret = names_a_secret(name) || (is_value && next_value_is_secret);
        if (!is_secret && !is_value && !is_name) continue;

        const char quote = text_[begin];
        const bool is_quoted = quote == '"' || quote == '\'';
        const auto searched = is_secret ? text_ : text_.substr(0, begin + kLongestLabel);
        std::size_t end =
            is_quoted ? searched.find(quote, begin + 1) : searched.find_first_of(" \t\r\n>&;", begin);
        end = std::min(end, searched.size());
        begin += is_quoted ? 1U : 0U;
        begin = std::min(begin, end);
        if (is_secret) withhold(begin, end);
        if (is_value) last_value = {begin, end};
        next_value_is_secret = is_name && names_a_secret(text_.substr(begin, end - begin));
        // value="…" may stand in front of its name="…", in the same tag.
        const auto between =
            last_value.end < name_begin
                ? text_.substr(last_value.end, std::min(name_begin - last_value.end, kLongestName))
                : std::string_view("<");
        if (next_value_is_secret && between.find_first_of("<>") == kNpos)
            withhold(last_value.begin, last_value.end);
        if (is_secret) equals = std::max(equals, end - 1);
    }
}

void SourceLines::find_user_information() {
    for (auto colon = text_.find(':'); colon != kNpos; colon = text_.find(':', colon + 1)) {
        const auto scheme = text_.substr(colon >= 4 ? colon - 4 : 0, std::min<std::size_t>(colon, 4));
        if (text_.substr(colon, 3) == "://") {
            const auto end = end_of_user_information(text_, colon + 3);
            if (end != kNpos) withhold(colon + 3, end);
        } else if (ascii_lower(scheme).ends_with("sip") || ascii_lower(scheme).ends_with("sips")) {
            const auto end = end_of_user_information(text_, colon + 1);
            const auto password = text_.find(':', colon + 1);
            if (end != kNpos && password < end) withhold(password + 1, end);
        }
    }
}

// As base/redact.hpp does, but for the whole text at once: a window may begin or end within a secret.
void SourceLines::find_clear_secrets() {
    constexpr std::size_t kShortest = 16;
    for (const std::string_view kind : {"whsec_", "sk-"}) {
        for (auto at = text_.find(kind); at != kNpos; at = text_.find(kind, at)) {
            const auto tail = at + kind.size();
            auto end = tail;
            while (end < text_.size() && is_secret_character(text_[end])) ++end;
            if (end - tail >= kShortest) withhold(at, end);
            at = end;
        }
    }
}

SourceLine SourceLines::at(const Place& place, std::size_t most) const {
    const auto line_start = place.offset == 0 ? 0 : text_.rfind('\n', place.offset - 1) + 1;
    const auto line_end = std::min(text_.find_first_of("\r\n", place.offset), text_.size());
    const std::size_t in_front = most / 3;
    auto begin = place.offset - line_start > in_front ? place.offset - in_front : line_start;
    while (begin > line_start && (static_cast<unsigned char>(text_[begin]) & 0xC0U) == 0x80U) --begin;
    auto range =
        std::find_if(withheld_.begin(), withheld_.end(), [&](const Range& each) { return each.end > begin; });
    SourceLine line;
    if (begin > line_start) line.text = "…";
    std::string front;
    std::string behind;
    std::size_t at = begin;
    for (; at < line_end && count_characters(behind) < most;) {
        auto& side = at < place.offset ? front : behind;
        for (; range != withheld_.end() && range->end <= at; ++range) {
        }
        if (range != withheld_.end() && range->begin <= at) {
            side += kWithheld;
            at = range->end;
            continue;
        }
        auto stop = std::min(line_end, range == withheld_.end() ? text_.size() : range->begin);
        if (at < place.offset) stop = std::min(stop, place.offset);
        stop = std::min(stop, at + 2 * most);
        side += text_.substr(at, stop - at);
        at = stop;
    }
    front = visible(front);
    line.text += front;
    line.caret = count_characters(line.text);
    const auto room = most > line.caret ? most - line.caret : most / 3;
    line.text += visible_excerpt(behind, std::max(room, most / 3));
    if (at < line_end && !line.text.ends_with("…")) line.text += "…";
    return line;
}

SourceLine source_line(std::string_view text, const Place& place, std::size_t most) {
    return SourceLines(text).at(place, most);
}

std::string quoted(std::string_view value) {
    // The same rules as for a line; a value is one.
    constexpr std::size_t kMostShown = 100;
    const auto cut = value.substr(0, 1024);
    const auto first_line = SourceLines(cut).at({}, 1024).text;
    const bool plain = cut.find_first_of("\r\n") == kNpos;
    return "\"" + safe_excerpt(plain ? first_line : std::string(cut), kMostShown) + "\"";
}

}  // namespace callchain::twiml
