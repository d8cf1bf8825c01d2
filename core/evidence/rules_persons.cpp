#include "base/characters.hpp"
#include "base/text.hpp"
#include "evidence/mask.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace callchain::evidence::rules {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kFewestDigits = 7;
constexpr std::size_t kMostDigits = 15;  // Source: ITU-T E.164 section 6
constexpr std::size_t kShownDigits = 4;

// Telephone numbers --------------------------------------------------------------------------------------

// In front of a number, in lower case. Behind the first ones people put separators into it; behind "sip:" an
// address would look like a number.
constexpr std::array<std::string_view, 9> kLooseSigns{"+",    "%2b",  "%252b",  "u002b", "x2b",
                                                      "#43;", "tel:", "tel%3a", "#x2b;"};
constexpr std::array<std::string_view, 7> kSigns{"sip:",   "sips:",     "sip%3a",     "sips%3a",
                                                 "wa.me/", "whatsapp:", "whatsapp%3a"};
// Members and parameters that hold one.
constexpr std::array<std::string_view, 16> kNames{
    "from",         "to",           "caller", "called", "account",      "user",     "username",
    "phone",        "number",       "wa_id",  "msisdn", "phone_number", "callerid", "display_phone_number",
    "recipient_id", "forwardedfrom"};

template <std::size_t N>
bool ends_with_one_of(std::string_view text, const std::array<std::string_view, N>& ends) {
    return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) {
        return text.size() >= end.size() && equal_ignoring_case(text.substr(text.size() - end.size()), end);
    });
}

bool has_loose_sign(std::string_view before) {
    if (!ends_with_one_of(before, kLooseSigns)) return false;
    // Within base64 a '+' is a letter.
    if (!before.ends_with('+')) return true;
    const auto sign = before.size() - 1;
    return sign == 0 || !(is_ascii_letter_or_digit(before[sign - 1]) || before[sign - 1] == '/') ||
           ends_with_one_of(before.substr(0, sign), kSigns);
}

// `"from":"`, `from=`, `From: `, with the layers of quotes that logs add.
bool has_name(std::string_view before) {
    constexpr std::string_view kBetween = "\"'\\ :=>\t";
    constexpr std::size_t kMostBetween = 12;
    auto at = before.size();
    bool separated = false;
    while (at > 0 && before.size() - at < kMostBetween && kBetween.find(before[at - 1]) != kNone) {
        separated = separated || before[at - 1] == ':' || before[at - 1] == '=';
        --at;
    }
    if (!separated) return false;
    const auto end = at;
    while (at > 0 && (is_ascii_letter_or_digit(before[at - 1]) || before[at - 1] == '_')) --at;
    // The letter of an escape, as in \nFrom, is no part of the name.
    if (at > 0 && before[at - 1] == '\\' && at < end) ++at;
    const auto name = ascii_lower(before.substr(at, end - at));
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool is_separator(char c) { return std::string_view(" -.()").find(c) != kNone; }

struct Number {
    std::size_t length = 0;  // of the text, up to its last digit
    std::string digits = {};
};

Number number_at(std::string_view text, bool with_separators) {
    constexpr std::size_t kEnough =
        20;  // more are no number, and a long row of them is not read again and again
    Number number;
    for (std::size_t at = 0; at < text.size() && (!with_separators || number.digits.size() < kEnough); ++at) {
        if (is_ascii_digit(text[at])) {
            number.digits += text[at];
            number.length = at + 1;
        } else if (with_separators && at > 0 && at == number.length && text[at] == '+') {
            continue;  // the blank of a form
        } else if (with_separators && at > 0 && at == number.length && text.substr(at, 3) == "%20") {
            at += 2;  // that of a URL
        } else if (!with_separators || !is_separator(text[at]) || at > number.length + 1) {
            break;  // three separators in a row end it, too
        }
    }
    return number;
}

constexpr std::size_t kFewestOfNational = 8;

/// A known number as people write it, with separators and perhaps zeros in front, but without a sign.
bool take_spaced(std::string_view text, const Numbers& known, Number& number) {
    if (known.empty()) return false;
    auto spaced = number_at(text, true);
    const auto first = spaced.digits.find_first_not_of('0');
    if (first == std::string::npos || !known.contains(spaced.digits.substr(first))) return false;
    number = std::move(spaced);
    return true;
}

/// Calls `take` with each run that may be one, in order, and what stands in front of it; it returns what to
/// write in its place.
template <class Take>
std::string rewrite_numbers(std::string_view text, const Numbers& known, const Take& take) {
    constexpr std::size_t kMostBefore = 48;
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (!is_ascii_digit(text[at]) && text[at] != '(') {
            out += text[at++];
            continue;
        }
        const auto from = at > kMostBefore ? at - kMostBefore : 0;
        const auto before = text.substr(from, at - from);
        const bool loose = has_loose_sign(before);
        auto number = number_at(text.substr(at), loose);
        // Two numbers in a row.
        if (number.digits.size() > kMostDigits) number = number_at(text.substr(at), false);
        const bool within_word =
            !before.empty() && (is_ascii_letter(before.back()) || before.back() == '_') && !loose;
        const bool has_sign = loose || ends_with_one_of(before, kSigns) || (!within_word && has_name(before));
        const bool is_known =
            !has_sign && (known.contains(number.digits) || take_spaced(text.substr(at), known, number));
        const auto step = std::max<std::size_t>(number.length, 1);
        const auto run = text.substr(at, step);
        at += step;
        out += number.digits.size() < kFewestDigits ? std::string(run)
                                                    : take(run, number.digits, has_sign || is_known);
    }
    return out;
}

// Mail ----------------------------------------------------------------------------------------------------

bool is_local_character(char c) {
    return is_ascii_letter_or_digit(c) || std::string_view(".!#$&'*+/=?^_`{|}~-").find(c) != kNone;
}
bool is_domain_character(char c) { return is_ascii_letter_or_digit(c) || c == '.' || c == '-'; }

// The parts of a Call-ID look like an address, and are needed.
bool looks_like_id(std::string_view local) {
    constexpr std::size_t kLongId = 16;
    return local.size() >= kLongId &&
           std::count_if(local.begin(), local.end(), [](char c) { return is_ascii_digit(c); }) >= 4;
}

bool is_mail_domain(std::string_view domain) {
    const auto dot = domain.rfind('.');
    if (dot == kNone || dot == 0) return false;
    const auto top = domain.substr(dot + 1);
    return top.size() >= 2 && std::all_of(top.begin(), top.end(), is_ascii_letter);
}

// Names ---------------------------------------------------------------------------------------------------

constexpr std::string_view kName = "[name]";

/// Where the display name in front of an address that begins at `at` stands; empty: there is none.
std::pair<std::size_t, std::size_t> name_before(std::string_view text, std::size_t at) {
    auto end = at;
    while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
    if (end == 0) return {0, 0};
    if (text[end - 1] == '"') {
        auto close = end - 1;
        std::size_t slashes = 0;
        while (close > 0 && text[close - 1] == '\\') --close, ++slashes;
        const auto quote = std::string(slashes, '\\') + "\"";
        const auto open = close == 0 ? kNone : text.rfind(quote, close - 1);
        // The quote of a JSON string that begins with the address is no display name.
        if (open == kNone || end == at) return {0, 0};
        return {open + quote.size(), close};
    }
    auto start = end;
    while (start > 0 && std::string_view(":,\r\n\"\\<>=").find(text[start - 1]) == kNone) --start;
    while (start < end && text[start] == ' ') ++start;
    return {start, end};
}

bool is_name(std::string_view text) {
    return !text.empty() && text != kName && text.size() <= 200 &&
           std::any_of(text.begin(), text.end(), [](char c) {
               return is_ascii_letter_or_digit(c) || static_cast<unsigned char>(c) >= 0x80;
           });
}

std::string mask_display_names(std::string_view text, std::size_t& count) {
    std::string out;
    std::size_t kept = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto here = text.substr(at, 12);
        const bool opens = here.starts_with('<') || starts_with_ignoring_case(here, "\\u003c");
        if (!opens) continue;
        const auto uri = here.substr(here.starts_with('<') ? 1 : 6);
        if (!starts_with_ignoring_case(uri, "sip") && !starts_with_ignoring_case(uri, "tel:")) continue;
        const auto [start, end] = name_before(text, at);
        if (start < kept || end <= start || !is_name(text.substr(start, end - start))) continue;
        out += text.substr(kept, start - kept);
        out += kName;
        ++count;
        kept = end;
    }
    return out + std::string(text.substr(kept));
}

/// CallerName and ProfileName of forms and JSON.
std::string mask_named_names(std::string text, std::size_t& count) {
    for (const std::string_view name : {"callername", "profilename", "caller_name", "profile_name"}) {
        const auto lower = ascii_lower(text);
        std::string out;
        std::size_t kept = 0;
        for (auto at = lower.find(name); at != std::string::npos; at = lower.find(name, at + 1)) {
            const auto start = text.find_first_not_of("\"'\\ :=>", at + name.size());
            if (start == std::string::npos || start == at + name.size() || start < kept) continue;
            const auto end = std::min(text.find_first_of("\"'\\&\r\n,;}", start), text.size());
            if (!is_name(std::string_view(text).substr(start, end - start))) continue;
            out.append(text, kept, start - kept).append(kName);
            ++count;
            kept = end;
        }
        text = out + text.substr(kept);
    }
    return text;
}

}  // namespace

std::string mask_numbers(std::string_view text, const Numbers& known, std::size_t& count) {
    return rewrite_numbers(text, known, [&](std::string_view run, const std::string& digits, bool is_one) {
        if (!is_one) return std::string(run);
        ++count;
        return "…" + digits.substr(digits.size() - kShownDigits);
    });
}

Numbers find_numbers(std::string_view text) {
    Numbers found;
    (void)rewrite_numbers(text, {}, [&](std::string_view run, const std::string& digits, bool has_sign) {
        // The national form is the end of the international one.
        for (std::size_t left = digits.size(); has_sign && left >= kFewestOfNational && left <= kMostDigits;
             --left)
            found.insert(digits.substr(digits.size() - left));
        return std::string(run);
    });
    return found;
}

std::string mask_mail(std::string_view text, std::size_t& count) {
    constexpr std::string_view kEncoded = "%40";
    // Either sign is looked for only behind its last place, so that the work grows with the length of the
    // text.
    std::size_t plain = text.find('@');
    std::size_t encoded = text.find(kEncoded);
    const auto next = [&](std::size_t from) {
        if (plain < from) plain = text.find('@', from);
        if (encoded < from) encoded = text.find(kEncoded, from);
        return std::min(plain, encoded);
    };
    std::string out;
    std::size_t kept = 0;
    for (auto at = next(0); at != kNone; at = next(at + 1)) {
        auto start = at;
        while (start > kept && is_local_character(text[start - 1])) --start;
        const auto behind = at + (text[at] == '@' ? 1 : kEncoded.size());
        auto end = behind;
        while (end < text.size() && is_domain_character(text[end])) ++end;
        auto local = text.substr(start, at - start);
        // In a form or a query the name of the parameter is no part of it.
        if (const auto sign = local.find_last_of("=&?"); sign != kNone) local.remove_prefix(sign + 1);
        start = at - local.size();
        const auto before = text.substr(0, start);
        // Of a SIP URI, or what is left of a number.
        const bool is_other = before.ends_with(':') || before.ends_with("…") ||
                              (before.ends_with('%') && starts_with_ignoring_case(local, "3a"));
        if (local.empty() || is_other || !is_mail_domain(text.substr(behind, end - behind)) ||
            looks_like_id(local))
            continue;
        out += text.substr(kept, start - kept);
        out += "…";
        ++count;
        kept = at;
    }
    return out + std::string(text.substr(kept));
}

std::string mask_names(std::string_view text, std::size_t& count) {
    return mask_named_names(mask_display_names(text, count), count);
}

std::string mask_addresses(std::string_view text, std::size_t& count) {
    constexpr std::string_view kCandidate = "candidate:";
    constexpr std::size_t kAddress = 4;  // of the words; RFC 8839 section 5.1
    std::string out;
    std::size_t kept = 0;
    for (auto at = text.find(kCandidate); at != kNone; at = text.find(kCandidate, at + 1)) {
        const auto end = std::min(text.find_first_of("\r\n\\\"", at), text.size());
        std::vector<std::string> words;
        for (const auto word : split(text.substr(at, end - at), ' ')) words.emplace_back(word);
        const auto type = std::find(words.begin(), words.end(), "typ");
        const bool is_relay = type != words.end() && type + 1 != words.end() && *(type + 1) == "relay";
        for (std::size_t i = 0; i < words.size(); ++i) {
            const bool hide = (i == kAddress && !is_relay) || (i > 0 && words[i - 1] == "raddr");
            if (!hide || words[i] == "[address]") continue;
            words[i] = "[address]";
            ++count;
        }
        out += text.substr(kept, at - kept);
        out += join(words, " ");
        kept = end;
    }
    return out + std::string(text.substr(kept));
}

}  // namespace callchain::evidence::rules
