/// Lines of the text as they may be shown.
#include "base/characters.hpp"
#include "base/ipv4.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/lint.hpp"
#include "twiml/lint_rules.hpp"

#include <algorithm>
#include <charconv>

namespace callchain::twiml {
namespace {

constexpr auto kNpos = std::string_view::npos;
constexpr std::string_view kWithheld = "[withheld]";

bool is_name_character(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
           c == '.' || c == ':' || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

/// Names of what must not be shown, of attributes, <Parameter>s, headers and parts of a query alike. Better a
/// harmless value withheld than a secret shown.
bool names_a_secret(std::string_view name) {
    const auto lower = ascii_lower(name);
    if (lower == "finishonkey") return false;
    for (const std::string_view word :
         {"passw", "passphrase", "username", "secret", "token", "apikey", "api_key", "api-key",
          "authorization", "credential", "bearer", "jwt", "pwd", "signature"})
        if (lower.find(word) != kNpos) return true;
    // Parts of other words (passports, author, design) unless they end one.
    for (const std::string_view word : {"auth", "pass", "key", "sig"}) {
        for (auto at = lower.find(word); at != kNpos; at = lower.find(word, at + 1)) {
            const auto end = at + word.size();
            const bool next_word = end < name.size() && name[end] >= 'A' && name[end] <= 'Z';
            if (end == name.size() || next_word || !is_ascii_letter(lower[end])) return true;
        }
    }
    return false;
}

/// Reads a reference to a character of ASCII that divides nothing in XML, e.g. "&#58;": its length, or 0.
std::size_t read_reference(std::string_view text, char& character) {
    constexpr std::size_t kLongest = 12;
    if (!text.starts_with("&#")) return 0;
    const auto end = text.substr(0, kLongest).find(';');
    if (end == kNpos) return 0;
    auto digits = text.substr(2, end - 2);
    const bool hexadecimal = digits.starts_with('x');
    if (hexadecimal) digits.remove_prefix(1);
    int value = 0;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
    if (error != std::errc{} || stop != digits.data() + digits.size() || value <= ' ' || value >= 0x7F)
        return 0;
    character = static_cast<char>(value);
    return std::string_view("\"'<>&").find(character) == kNpos ? end + 1 : 0;
}

bool is_secret_character(char c) {
    return is_ascii_letter_or_digit(c) || c == '+' || c == '/' || c == '=' || c == '_' || c == '-';
}

/// "host" or "host:port", and nothing that a password in clear may have brought along.
bool is_plain_authority(std::string_view text) {
    const auto colon =
        text.starts_with('[') ? text.find(':', std::min(text.find(']'), text.size())) : text.find(':');
    const auto host = text.substr(0, colon);
    if (colon != kNpos && !parse_decimal(text.substr(colon + 1))) return false;
    return std::all_of(host.begin(), host.end(), [](char c) {
        return is_ascii_letter_or_digit(c) || c == '.' || c == '-' || c == '_' || c == '[' || c == ']' ||
               c == ':';
    });
}

/// Whether ":5061;" or ":8443/" begins `text`.
bool is_port_of_more(std::string_view text) {
    const auto end = text.find_first_not_of("0123456789", 1);
    return end != kNpos && end > 1 && end <= 6 && std::string_view("/?#;").find(text[end]) != kNpos;
}

bool may_stand_between_digits(char c) { return std::string_view(" -.()").find(c) != kNpos; }

}  // namespace

SourceLines::SourceLines(std::string_view text) : source_(text) {
    resolve_references();
    find_attributes();
    find_user_information();
    find_clear_secrets();
    find_bearers();
    find_numbers();
    std::stable_sort(withheld_.begin(), withheld_.end(),
                     [](const Range& a, const Range& b) { return a.begin < b.begin; });
    for (auto& range : withheld_) {
        range.begin = offset_of(range.begin);
        range.end = offset_of(range.end);
    }
}

// "sip&#58;bob&#58;…" is "sip:bob:…" to Twilio.
void SourceLines::resolve_references() {
    text_ = source_;
    if (source_.find("&#") == kNpos) return;
    for (std::size_t at = 0; at < source_.size();) {
        char character = source_[at];
        const auto length = read_reference(source_.substr(at), character);
        resolved_ += character;
        offsets_.push_back(at);
        at += std::max<std::size_t>(length, 1);
    }
    offsets_.push_back(source_.size());
    text_ = resolved_;
}

std::size_t SourceLines::offset_of(std::size_t at) const { return offsets_.empty() ? at : offsets_[at]; }

void SourceLines::withhold(std::size_t begin, std::size_t end) {
    if (begin < end) withheld_.push_back({begin, end, std::string(kWithheld)});
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
            is_quoted ? searched.find(quote, begin + 1) : searched.find_first_of(" \t\r\n<>\"&;", begin);
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

// Whatever has the form of user information, in URLs and SIP URIs and in what should have been one. A
// password may hold what RFC 3986 would have escaped, so it ends at the last '@' before the text does.
void SourceLines::find_user_information() {
    for (auto colon = text_.find(':'); colon != kNpos; colon = text_.find(':', colon + 1)) {
        const auto end = std::min(text_.find_first_of("<>\" \t\r\n", colon), text_.size());
        const auto last = text_.substr(colon, end - colon).rfind('@');
        if (last != kNpos) withhold_user_information(colon, colon + last);
        colon = std::max(colon, end - 1);
    }
}

void SourceLines::withhold_user_information(std::size_t first_colon, std::size_t last) {
    bool host_seen = false;  // only behind a host a colon and digits are a port
    std::size_t seen = first_colon;
    for (auto colon = first_colon; colon < last; colon = text_.find(':', colon + 1)) {
        const auto scheme =
            ascii_lower(text_.substr(colon >= 4 ? colon - 4 : 0, std::min<std::size_t>(colon, 4)));
        const auto rest = text_.substr(colon);
        host_seen |= text_.substr(seen, colon - seen).find('@') != kNpos;
        seen = colon;
        if (rest.starts_with("://")) {
            if (!is_plain_authority(rest.substr(3, rest.find_first_of("/?#", 3) - 3)))
                return withhold(colon + 3, last);
            host_seen = true;
            continue;
        }
        // The user part of a SIP URI alone is no secret.
        if (scheme.ends_with("sip") || scheme == "sips" || (host_seen && is_port_of_more(rest))) continue;
        return withhold(colon + 1, last);
    }
}

// "Bearer eyJ…", also without the one or the other.
void SourceLines::find_bearers() {
    constexpr std::size_t kShortest = 16;
    const auto lower = ascii_lower(text_);
    for (const std::string_view word : {"bearer", "eyj"}) {
        for (auto at = lower.find(word); at != kNpos; at = lower.find(word, at + 1)) {
            auto begin = at;
            if (word == "bearer") {
                begin += word.size();
                while (begin < text_.size() && (is_ascii_blank(text_[begin]) || text_[begin] == ':')) ++begin;
                if (text_.substr(begin).starts_with("%20")) begin += 3;
            }
            auto end = begin;
            while (end < text_.size() && (is_secret_character(text_[end]) || text_[end] == '.')) ++end;
            const auto token = text_.substr(begin, end - begin);
            const bool has_digit = std::any_of(token.begin(), token.end(), is_ascii_digit);
            if (word == "eyj" ? token.size() >= kShortest && text_.substr(at, 3) == "eyJ"
                              : token.size() >= 6 && has_digit)
                withhold(begin, end);
            at = std::max(at, end == 0 ? 0 : end - 1);
        }
    }
}

// Phone numbers keep their last four digits, as show_number() has it. Digits behind letters and '_' are ids.
void SourceLines::find_numbers() {
    constexpr std::size_t kFewestMasked = 7;
    for (std::size_t at = text_.find_first_of("0123456789"); at < text_.size();
         at = text_.find_first_of("0123456789", at)) {
        const auto begin = at;
        auto end = at;
        std::string digits;
        for (; at < text_.size() && (is_ascii_digit(text_[at]) || may_stand_between_digits(text_[at]));
             ++at) {
            if (!is_ascii_digit(text_[at])) continue;
            digits += text_[at];
            end = at + 1;
        }
        const char before = begin == 0 ? ' ' : text_[begin - 1];
        const bool escaped_plus = begin >= 3 && equal_ignoring_case(text_.substr(begin - 3, 3), "%2b");
        const bool is_id = (is_ascii_letter(before) || before == '_') && !escaped_plus;
        if (digits.size() < kFewestMasked || is_id || parse_ipv4(trim(text_.substr(begin, end - begin))))
            continue;
        withheld_.push_back({begin, end, "…" + digits.substr(digits.size() - 4)});
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
            if (end - tail >= kShortest) withheld_.push_back({at, end, std::string(kind).append(kWithheld)});
            at = end;
        }
    }
}

SourceLine SourceLines::at(const Place& place, std::size_t most) const {
    const auto line_start = place.offset == 0 ? 0 : source_.rfind('\n', place.offset - 1) + 1;
    const auto line_end = std::min(source_.find_first_of("\r\n", place.offset), source_.size());
    const std::size_t in_front = most / 3;
    auto begin = place.offset - line_start > in_front ? place.offset - in_front : line_start;
    while (begin > line_start && (static_cast<unsigned char>(source_[begin]) & 0xC0U) == 0x80U) --begin;
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
            side += range->shown;
            at = range->end;
            continue;
        }
        auto stop = std::min(line_end, range == withheld_.end() ? source_.size() : range->begin);
        if (at < place.offset) stop = std::min(stop, place.offset);
        stop = std::min(stop, at + 2 * most);
        side += source_.substr(at, stop - at);
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

std::string SourceLines::shown(std::size_t begin, std::size_t end) const {
    std::string out;
    for (const auto& range : withheld_) {
        if (range.end <= begin) continue;
        if (range.begin >= end) break;
        if (range.begin > begin) out += source_.substr(begin, range.begin - begin);
        out += range.shown;
        begin = range.end;
    }
    return begin < end ? out + std::string(source_.substr(begin, end - begin)) : out;
}

std::string shown_value(std::string_view value, std::size_t most) {
    return safe_excerpt(SourceLines(value).shown(0, value.size()), most);
}

std::string quoted(std::string_view value) {
    constexpr std::size_t kMostShown = 100;
    return "\"" + shown_value(value, kMostShown) + "\"";
}

std::string excerpt_of(std::string_view text, std::size_t begin, std::size_t end, std::size_t most) {
    begin = std::min(begin, text.size());
    return "\"" + safe_excerpt(SourceLines(text).shown(begin, std::min(end, text.size())), most) + "\"";
}

}  // namespace callchain::twiml
