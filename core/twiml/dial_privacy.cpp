#include "twiml/dial_privacy.hpp"

#include "base/characters.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace callchain::twiml {
namespace {

constexpr std::size_t kShownDigits = 4;
constexpr auto kNpos = std::string_view::npos;

/// The length of the word at `at` if it is a Sid (two letters and 32 hex digits), a UUID or a longer hex
/// number; else 0.
std::size_t id_length(std::string_view text, std::size_t at) {
    constexpr std::size_t kFewestHex = 32;
    std::size_t end = at;
    while (end < text.size() && (is_ascii_letter_or_digit(text[end]) || text[end] == '-')) ++end;
    auto word = text.substr(at, end - at);
    if (word.size() == kFewestHex + 2 && is_ascii_letter(word[0]) && is_ascii_letter(word[1]))
        word.remove_prefix(2);
    if (word.find('-') != kNpos && (word.size() != 36 || std::ranges::count(word, '-') != 4)) return 0;
    const auto digits = std::ranges::count_if(word, is_ascii_hex_digit);
    const bool all = static_cast<std::size_t>(digits + std::ranges::count(word, '-')) == word.size();
    return all && static_cast<std::size_t>(digits) >= kFewestHex ? end - at : 0;
}

/// The length of what people put between two digits of a number, 0 for anything else. '+' begins the next
/// one.
std::size_t separator_length(std::string_view text, std::size_t at) {
    if (std::string_view(" -.()\t").find(text[at]) != kNpos) return 1;
    // No-break space; hyphens and dashes; narrow no-break space.
    constexpr std::array<std::string_view, 7> kLong{"\xC2\xA0",     "\xE2\x80\x90", "\xE2\x80\x91",
                                                    "\xE2\x80\x92", "\xE2\x80\x93", "\xE2\x80\x94",
                                                    "\xE2\x80\xAF"};
    const auto rest = text.substr(at);
    for (const auto each : kLong)
        if (rest.starts_with(each)) return each.size();
    return 0;
}

struct DigitRun {
    std::string digits;
    std::size_t end = 0;  ///< behind the last digit
};

DigitRun digits_at(std::string_view text, std::size_t at) {
    DigitRun run;
    while (at < text.size()) {
        if (is_ascii_digit(text[at])) {
            run.digits += text[at++];
            run.end = at;
        } else if (const auto length = separator_length(text, at); length > 0) {
            at += length;
        } else {
            break;
        }
    }
    return run;
}

/// Whether text like 2026-01-06 stands there, alone or with an hour behind it.
bool is_date(std::string_view run) {
    if (run.size() != 10 && !(run.size() == 13 && run[10] == ' ')) return false;
    return (run.starts_with("19") || run.starts_with("20")) && run[4] == '-' && run[7] == '-' &&
           (run[5] == '0' || run[5] == '1') && run[8] <= '3' && is_ascii_digit(run[8]) &&
           std::ranges::count_if(run, is_ascii_digit) == (run.size() == 10 ? 8 : 10);
}

/// BR. in front of the place, and no letter in front of that.
bool is_behind_country(std::string_view text, std::size_t at) {
    return at >= 3 && text[at - 1] == '.' && is_ascii_letter(text[at - 2]) && is_ascii_letter(text[at - 3]) &&
           (at == 3 || !is_ascii_letter_or_digit(text[at - 4]));
}

constexpr std::array<std::string_view, 10> kPrivateParts{
    "token", "secret",    "password",   "passwd",      "auth",
    "key",   "signature", "credential", "sipusername", "callername"};

bool is_value_end(char c) {
    return is_ascii_blank(c) || std::string_view("&\"'`,;<>()[]{}|\\").find(c) != kNpos;
}

std::string without_named_values(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto start = at;
        while (at < text.size() && (is_ascii_letter_or_digit(text[at]) || text[at] == '_' || text[at] == '-'))
            ++at;
        out += text.substr(start, at - start);
        if (at >= text.size()) break;
        const bool named = text[at] == '=' && at > start && is_private_name(text.substr(start, at - start));
        out += text[at++];
        if (!named) continue;
        std::size_t end = at;
        while (end < text.size() && !is_value_end(text[end])) ++end;
        if (end > at) out += "(withheld)";
        at = end;
    }
    return out;
}

/// Where the authority of a URL begins whose first colon is at `colon`: behind "//", behind sip:, or in front
/// of a user whose password the colon introduces; or npos.
std::size_t authority_at(std::string_view text, std::size_t colon) {
    constexpr std::size_t kLongestUser = 64;
    constexpr std::array<std::string_view, 6> kOthers{"tel", "mailto", "whatsapp", "client", "urn", "acct"};
    if (text.substr(colon).starts_with("://")) return colon + 3;
    std::size_t start = colon;
    while (start > 0 && colon - start < kLongestUser &&
           (is_ascii_letter_or_digit(text[start - 1]) ||
            std::string_view("._-+%").find(text[start - 1]) != kNpos))
        --start;
    const auto scheme = ascii_lower(text.substr(start, colon - start));
    if (scheme == "sip" || scheme == "sips") return colon + 1;
    const bool first = start == 0 || is_value_end(text[start - 1]) || text[start - 1] == '=';
    return first && !scheme.empty() && std::ranges::find(kOthers, scheme) == kOthers.end() ? start : kNpos;
}

std::string without_passwords(std::string_view text) {
    std::string out;
    std::size_t copied = 0;
    for (auto colon = text.find(':'); colon != kNpos; colon = text.find(':', std::max(colon + 1, copied))) {
        const auto start = authority_at(text, colon);
        if (start == kNpos) continue;
        std::size_t end = start;
        while (end < text.size() && !is_ascii_blank(text[end]) &&
               std::string_view("/?#\"'<>").find(text[end]) == kNpos)
            ++end;
        const auto authority = text.substr(start, end - start);
        const auto at = authority.rfind('@');
        const auto password = authority.find(':');
        if (at == kNpos || password == kNpos || password > at) continue;
        out += text.substr(copied, start + password + 1 - copied);
        out += "(withheld)";
        copied = start + at;
    }
    out += text.substr(copied);
    return out;
}

std::size_t characters_of(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); ++count)
        at += std::max<std::size_t>(1, utf8_sequence_length(text.substr(at)));
    return count;
}

}  // namespace

std::string mask_phone_numbers(std::string_view text) {
    constexpr std::size_t kFewestDigits = 7;
    constexpr std::size_t kFewestOfUserId = 5;
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (is_ascii_letter_or_digit(text[at]) && (at == 0 || !is_ascii_letter_or_digit(text[at - 1]))) {
            if (const auto length = id_length(text, at); length > 0) {
                out += text.substr(at, length);
                at += length;
                continue;
            }
        }
        if (!is_ascii_digit(text[at])) {
            out += text[at++];
            continue;
        }
        const auto run = digits_at(text, at);
        const auto fewest = is_behind_country(text, at) ? kFewestOfUserId : kFewestDigits;
        const auto shown = text.substr(at, run.end - at);
        if (run.digits.size() >= fewest && !is_date(shown)) {
            out += "…";
            out += run.digits.substr(run.digits.size() - kShownDigits);
        } else {
            out += shown;
        }
        at = run.end;
    }
    return out;
}

std::string withhold_credentials(std::string_view text) {
    return without_passwords(without_named_values(text));
}

bool is_private_name(std::string_view name) {
    std::string plain;
    for (const char c : ascii_lower(name))
        if (is_ascii_letter_or_digit(c)) plain += c;
    return std::ranges::any_of(kPrivateParts,
                               [&plain](auto part) { return plain.find(part) != std::string::npos; });
}

std::string show_text(std::string_view text, std::size_t most) {
    // Secrets first: a mask in the middle of one would hide from the search that it is one.
    constexpr std::size_t kLooked = 4096;
    const auto plain = withhold_secrets(text.substr(0, 4 * most + kLooked));
    return safe_excerpt(mask_phone_numbers(withhold_credentials(plain)), most);
}

std::string show_parameter(std::string_view name, std::string_view value, std::size_t most) {
    if (value.empty() || !is_private_name(name)) return show_text(value, most);
    return std::string("(withheld, ").append(count_of(characters_of(value), "character")).append(")");
}

}  // namespace callchain::twiml
