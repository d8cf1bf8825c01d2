#include "base/text.hpp"
#include "evidence/mask.hpp"

#include <algorithm>
#include <array>

namespace callchain::evidence::rules {
namespace {

constexpr std::string_view kWithheld = "[withheld]";
constexpr std::size_t kNone = std::string_view::npos;

// Names whose value is a secret, in lower case.
constexpr std::array<std::string_view, 6> kHeaders{"authorization", "proxy-authorization", "cookie",
                                                   "set-cookie",    "x-api-key",           "identity"};
constexpr std::array<std::string_view, 6> kDigest{"response", "nonce",   "cnonce",
                                                  "opaque",   "rspauth", "nextnonce"};
constexpr std::array<std::string_view, 4> kWords{"secret", "token", "apikey", "authtoken"};
constexpr std::array<std::string_view, 10> kTails{"_secret",   "-secret",    "_token",  "-token",
                                                  "_password", "-password",  "_passwd", "api_key",
                                                  "api-key",   "private_key"};

enum class NameKind { none, header, digest, word, variable };

template <std::size_t N>
bool is_in(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

NameKind kind_of(std::string_view name) {
    constexpr std::size_t kLongest = 80;
    if (name.size() > kLongest) return NameKind::none;
    const auto lower = ascii_lower(name);
    if (is_in(kHeaders, lower)) return NameKind::header;
    if (is_in(kDigest, lower)) return NameKind::digest;
    if (is_in(kWords, lower)) return NameKind::word;
    if (lower == "password" || lower == "passwd" || lower == "pwd") return NameKind::variable;
    const bool has_tail = std::any_of(kTails.begin(), kTails.end(),
                                      [&](std::string_view tail) { return lower.ends_with(tail); });
    return has_tail ? NameKind::variable : NameKind::none;
}

bool is_name_character(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
    return at;
}

/// The quote at `at`, with the backslashes in front of it; empty where there is none.
std::string_view quote_at(std::string_view text, std::size_t at) {
    auto end = at;
    while (end < text.size() && text[end] == '\\') ++end;
    if (end >= text.size() || (text[end] != '"' && text[end] != '\'')) return {};
    return text.substr(at, end + 1 - at);
}

struct Value {
    std::size_t at = kNone;
    std::string_view quote = {};
};

/// Where the text begins whose quotes begin at `at`: platforms put quotes of their own around those of a
/// service.
Value value_at(std::string_view text, std::size_t at) {
    Value value{at, quote_at(text, at)};
    value.at += value.quote.size();
    for (auto inner = quote_at(text, value.at); !value.quote.empty() && inner.size() > value.quote.size();
         inner = quote_at(text, value.at)) {
        value.quote = inner;
        value.at += inner.size();
    }
    return value;
}

/// `"key":"NAME","value":"…"`, as some platforms write attributes.
std::optional<Value> attribute_value(std::string_view text, std::size_t at, std::string_view quote) {
    at = skip_blanks(text, at);
    if (quote.empty() || at >= text.size() || text[at] != ',') return std::nullopt;
    at = skip_blanks(text, at + 1);
    const auto name = std::string(quote) + "value" + std::string(quote);
    if (text.substr(at, name.size()) != name) return std::nullopt;
    at = skip_blanks(text, at + name.size());
    if (at >= text.size() || text[at] != ':') return std::nullopt;
    at = skip_blanks(text, at + 1);
    return value_at(text, at);
}

/// Where the value of the name that ends at `at` begins; none where no value follows.
std::optional<Value> value_behind(std::string_view text, std::size_t at, NameKind kind) {
    const auto closing = quote_at(text, at);
    at += closing.size();
    if (auto value = attribute_value(text, at, closing)) return value;
    at = skip_blanks(text, at);
    if (at >= text.size() || (text[at] != ':' && text[at] != '=')) return std::nullopt;
    const bool is_colon = text[at] == ':';
    if (kind == NameKind::digest && is_colon) return std::nullopt;
    // "the secret: each endpoint …" is a sentence, "NAME:50:" a list.
    if (is_colon && closing.empty() && kind == NameKind::word) return std::nullopt;
    ++at;
    if (!is_colon && at < text.size() && text[at] == '>') ++at;
    const auto start = skip_blanks(text, at);
    const auto opening = quote_at(text, start);
    if (is_colon && closing.empty() && start == at && opening.empty() && kind != NameKind::header)
        return std::nullopt;
    return value_at(text, start);
}

/// The quote that ends a text: with as many backslashes as the one that began it, or fewer.
std::size_t closing_quote(std::string_view text, const Value& value) {
    for (auto at = text.find(value.quote.back(), value.at); at != kNone;
         at = text.find(value.quote.back(), at + 1)) {
        auto start = at;
        while (start > value.at && text[start - 1] == '\\') --start;
        if (at - start < value.quote.size()) return start;
    }
    return text.size();
}

std::size_t end_of(std::string_view text, const Value& value, NameKind kind) {
    if (!value.quote.empty()) return closing_quote(text, value);
    // A header goes on to the end of its line, within a JSON string to \r or the string's end.
    for (auto at = value.at; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\r' || c == '\n') return at;
        if (c == '\\' && kind == NameKind::header) {
            const auto escaped = std::min(text.find_first_not_of('\\', at), text.size());
            if (escaped == text.size() || text[escaped] == 'r' || text[escaped] == 'n') return at;
            at = escaped;  // a quote of the header's own
            continue;
        }
        if (c == '"' && (at + 1 == text.size() || std::string_view(",}]\r\n").find(text[at + 1]) != kNone))
            return at;
        if (kind != NameKind::header && std::string_view(" \t&,;\"'<>})]\\").find(c) != kNone) return at;
    }
    return text.size();
}

bool is_worth_withholding(std::string_view value) {
    constexpr std::array<std::string_view, 6> kNothing{"", "null", "none", "true", "false", kWithheld};
    return !is_in(kNothing, ascii_lower(trim(value))) && !value.starts_with('{') && !value.starts_with('[');
}

/// From `begin` to `end`, from left to right.
std::string withhold_between(std::string_view text, std::string_view begin, std::string_view ends,
                             std::size_t& count) {
    std::string out;
    std::size_t at = 0;
    const auto lower = ascii_lower(text);
    for (auto found = lower.find(begin); found != kNone; found = lower.find(begin, at)) {
        const auto start = found + begin.size();
        const auto end = std::min(text.find_first_of(ends, start), text.size());
        out += text.substr(at, start - at);
        const auto value = text.substr(start, end - start);
        const bool hide = is_worth_withholding(value);
        out += hide ? kWithheld : value;
        count += hide ? 1 : 0;
        at = end;
    }
    return out + std::string(text.substr(at));
}

/// The user part of URLs: https://user:password@host.
std::string withhold_userinfo(std::string_view text, std::size_t& count) {
    std::string out;
    std::size_t at = 0;
    for (auto found = text.find("://"); found != kNone; found = text.find("://", at)) {
        const auto start = found + 3;
        const auto end = std::min(text.find_first_of("/?# \t\r\n\"'\\<>", start), text.size());
        const auto authority = text.substr(start, end - start);
        const auto sign = authority.rfind('@');
        out += text.substr(at, start - at);
        if (sign != kNone && authority.substr(0, sign) != kWithheld) {
            out.append(kWithheld).append(authority.substr(sign));
            ++count;
        } else {
            out += authority;
        }
        at = end;
    }
    return out + std::string(text.substr(at));
}

std::string withhold_pem(std::string_view text, std::size_t& count) {
    constexpr std::string_view kBegin = "PRIVATE KEY-----";
    std::string out;
    std::size_t at = 0;
    for (auto found = text.find(kBegin); found != kNone; found = text.find(kBegin, at)) {
        const auto start = found + kBegin.size();
        const auto end = std::min(text.find("-----END", start), text.size());
        out += text.substr(at, start - at);
        out += kWithheld;
        ++count;
        const auto behind = text.find(kBegin, end);
        const auto next = behind == kNone ? end : behind + kBegin.size();
        out += text.substr(end, next - end);
        at = next;
    }
    return out + std::string(text.substr(at));
}

/// `k=` of SDP, which is a whole line.
std::string withhold_key_lines(std::string_view text, std::size_t& count) {
    std::string out;
    std::size_t at = 0;
    for (auto found = text.find("k="); found != kNone; found = text.find("k=", found + 2)) {
        const auto before = text.substr(0, found);
        if (!before.empty() && !before.ends_with('\n') && !before.ends_with("\\n")) continue;
        const auto start = found + 2;
        const auto end = std::min(text.find_first_of("\r\n\\\"", start), text.size());
        out += text.substr(at, start - at);
        out += kWithheld;
        ++count;
        at = end;
        found = std::max(found, end == 0 ? 0 : end - 1);
    }
    return out + std::string(text.substr(at));
}

bool is_token_character(char c) { return is_name_character(c) || c == '.'; }

/// JSON Web Tokens: three parts, the first of which begins as `{"` does in base64.
std::string withhold_web_tokens(std::string_view text, std::size_t& count) {
    std::string out;
    std::size_t at = 0;
    for (auto found = text.find("eyJ"); found != kNone;) {
        auto end = found;
        while (end < text.size() && is_token_character(text[end])) ++end;
        const auto run = text.substr(found, end - found);
        found = text.find("eyJ", end);
        if (std::count(run.begin(), run.end(), '.') < 2) continue;
        out += text.substr(at, end - run.size() - at);
        out += kWithheld;
        ++count;
        at = end;
    }
    return out + std::string(text.substr(at));
}

}  // namespace

std::string withhold_named(std::string_view text, std::size_t& count) {
    std::string out;
    std::size_t kept = 0;
    for (std::size_t at = 0; at < text.size();) {
        // The letter of an escape, as in \nCookie, is no part of the name.
        if (text[at] == '\\' && at + 1 < text.size()) {
            at += 2;
            continue;
        }
        if (!is_name_character(text[at])) {
            ++at;
            continue;
        }
        const auto start = at;
        while (at < text.size() && is_name_character(text[at])) ++at;
        const auto kind = kind_of(text.substr(start, at - start));
        if (kind == NameKind::none) continue;
        const auto value = value_behind(text, at, kind);
        if (!value) continue;
        // An object or a list has names of its own.
        if (text.substr(value->at, 1) == "{" || text.substr(value->at, 1) == "[") continue;
        const auto end = end_of(text, *value, kind);
        if (!is_worth_withholding(text.substr(value->at, end - value->at))) continue;
        out += text.substr(kept, value->at - kept);
        out += kWithheld;
        ++count;
        kept = at = end;
    }
    return out + std::string(text.substr(kept));
}

std::string withhold_marked(std::string_view text, std::size_t& count) {
    constexpr std::string_view kEnds = " \t\r\n\\\"'";
    auto out = withhold_between(text, "inline:", kEnds, count);
    out = withhold_between(out, "ice-pwd:", kEnds, count);
    out = withhold_between(out, "a=key-mgmt:", "\r\n\\\"", count);
    out = withhold_between(out, "bearer ", " \t\r\n\\\"',;", count);
    out = withhold_userinfo(out, count);
    out = withhold_pem(out, count);
    out = withhold_web_tokens(out, count);
    return withhold_key_lines(out, count);
}

}  // namespace callchain::evidence::rules
