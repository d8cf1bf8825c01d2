#include "signature/url_normal_form.hpp"

#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "signature/twilio_url.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <limits>
#include <map>

namespace callchain::signature {
namespace {

// The percent-encode sets of the URL Standard, without the control and non-ASCII bytes that all of them hold.
constexpr std::string_view kUserinfoSet = " \"#<>?`{}/:;=@[\\]^|";
constexpr std::string_view kPathSet = " \"#<>?`{}";
constexpr std::string_view kSpecialQuerySet = " \"#<>'";
constexpr std::string_view kFragmentSet = " \"<>`";
constexpr std::string_view kForbiddenInDomain = " #/:<>?@[\\]^|%";

bool is_outside_printable(char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E;
}

void append_percent(std::string& out, char c) {
    out += '%';
    out += encoding::to_upper_hex({&c, 1});
}

std::string encode_with(std::string_view text, std::string_view set) {
    std::string out;
    for (const char c : text) {
        if (is_outside_printable(c) || set.find(c) != std::string_view::npos) {
            append_percent(out, c);
        } else {
            out += c;
        }
    }
    return out;
}

std::string normal_userinfo(std::string_view userinfo) {
    if (userinfo.ends_with('@')) userinfo.remove_suffix(1);
    const auto colon = std::min(userinfo.find(':'), userinfo.size());
    std::string out = encode_with(userinfo.substr(0, colon), kUserinfoSet);
    const auto password = userinfo.substr(std::min(colon + 1, userinfo.size()));
    if (!password.empty()) out += ":" + encode_with(password, kUserinfoSet);
    return out.empty() ? out : out + "@";
}

using Groups = std::array<std::uint16_t, 8>;

struct Run {
    std::size_t start = 0;
    std::size_t length = 0;
};

Run longest_zero_run(const Groups& groups) {
    Run best;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        Run run{i, 0};
        while (i < groups.size() && groups[i] == 0) ++run.length, ++i;
        if (run.length > best.length) best = run;
    }
    return best.length >= 2 ? best : Run{};
}

// "URL serializing", IPv6 serializer: unlike inet_ntop it never writes a dotted quad.
std::string write_ipv6(const Groups& groups) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const Run run = longest_zero_run(groups);
    std::string out = "[";
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (run.length > 0 && i == run.start) {
            out += i == 0 ? "::" : ":";
            i += run.length - 1;
            continue;
        }
        bool leading = true;
        for (int shift = 12; shift >= 0; shift -= 4) {
            const unsigned digit = (unsigned{groups[i]} >> static_cast<unsigned>(shift)) & 0xFU;
            leading = leading && digit == 0 && shift > 0;
            if (!leading) out += kDigits[digit];
        }
        if (i + 1 < groups.size()) out += ':';
    }
    return out + "]";
}

std::optional<std::string> normal_ipv6(std::string_view host) {
    if (!host.ends_with(']')) return std::nullopt;
    const std::string address(host.substr(1, host.size() - 2));
    std::array<unsigned char, 16> bytes{};
    if (inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return std::nullopt;
    Groups groups{};
    for (std::size_t i = 0; i < groups.size(); ++i)
        groups[i] = static_cast<std::uint16_t>((unsigned{bytes[2 * i]} << 8U) | bytes[2 * i + 1]);
    return write_ipv6(groups);
}

bool looks_like_number(std::string_view label) {
    const bool hex = starts_with_ignoring_case(label, "0x") &&
                     label.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
    return !label.empty() && (hex || std::all_of(label.begin(), label.end(), is_ascii_digit));
}

bool is_dotted_quad(const std::string& host) {
    std::array<unsigned char, 4> bytes{};
    return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
}

std::optional<std::string> normal_host(std::string_view host) {
    if (host.starts_with('[')) return normal_ipv6(host);
    const std::string domain = ascii_lower(encoding::percent_decode(host, encoding::PlusSign::literal));
    const auto refused = [](char c) {
        return is_outside_printable(c) || kForbiddenInDomain.find(c) != std::string_view::npos;
    };
    if (domain.empty() || std::any_of(domain.begin(), domain.end(), refused)) return std::nullopt;
    auto labels = split(domain, '.');
    if (labels.size() > 1 && labels.back().empty()) labels.pop_back();
    if (looks_like_number(labels.back()) && !is_dotted_quad(domain)) return std::nullopt;
    return domain;
}

std::optional<std::string> normal_port(std::string_view port, bool is_https) {
    if (port.size() <= 1) return "";
    const auto number = parse_decimal(port.substr(1));
    if (!number || *number > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    return *number == (is_https ? 443 : 80) ? "" : ":" + std::to_string(*number);
}

bool is_dots(std::string_view segment, std::string_view dots) {
    return ascii_lower(replace_all(replace_all(segment, "%2e", "."), "%2E", ".")) == dots;
}

std::string normal_path(std::string_view path) {
    const std::string slashed = replace_all(path, "\\", "/");
    auto segments = split(slashed, '/');
    segments.erase(segments.begin());
    std::vector<std::string_view> kept;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const bool last = i + 1 == segments.size();
        const bool up = is_dots(segments[i], "..");
        if (up && !kept.empty()) kept.pop_back();
        if (!up && !is_dots(segments[i], ".")) {
            kept.push_back(segments[i]);
        } else if (last) {
            kept.emplace_back();
        }
    }
    std::string out;
    for (const auto segment : kept) out += "/" + encode_with(segment, kPathSet);
    return out.empty() ? "/" : out;
}

// Characters that querystring.escape leaves alone.
std::string legacy_escape(std::string_view text) {
    constexpr std::string_view kPlain = "!'()*-._~";
    std::string out;
    for (const char c : text) {
        const bool alphanumeric = is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (alphanumeric || kPlain.find(c) != std::string_view::npos) {
            out += c;
        } else {
            append_percent(out, c);
        }
    }
    return out;
}

// JavaScript objects list such names first, in ascending order. Source: ECMA-262, OrdinaryOwnPropertyKeys.
std::optional<std::int64_t> array_index(std::string_view name) {
    constexpr std::int64_t kMostIndex = 4'294'967'294;
    const auto number = parse_decimal(name);
    if (!number || *number > kMostIndex || std::to_string(*number) != name) return std::nullopt;
    return number;
}

// Names in the order of their first appearance, indices first; the pairs of one name behind each other.
encoding::FormFields regrouped(encoding::FormFields fields) {
    constexpr std::int64_t kBehindAllIndices = std::int64_t{1} << 32U;
    std::map<std::string_view, std::int64_t> places;
    for (const auto& [name, value] : fields) {
        const auto seen = static_cast<std::int64_t>(places.size());
        places.try_emplace(name, array_index(name).value_or(kBehindAllIndices + seen));
    }
    std::vector<std::pair<std::int64_t, std::size_t>> order;
    for (std::size_t i = 0; i < fields.size(); ++i) order.emplace_back(places.at(fields[i].first), i);
    std::sort(order.begin(), order.end());
    encoding::FormFields out;
    for (const auto& [place, index] : order) out.push_back(fields[index]);
    return out;
}

}  // namespace

std::optional<UrlParts> normalise_url(const UrlParts& url) {
    if (!is_utf8(url.text())) return std::nullopt;
    const auto host = normal_host(url.host);
    const auto port = normal_port(url.port, url.is_https());
    if (!host || !port) return std::nullopt;
    UrlParts trimmed = url;
    // The parser drops blanks behind the URL, wherever it ends.
    std::string& last = !url.fragment.empty() ? trimmed.fragment
                        : !url.query.empty()  ? trimmed.query
                                              : trimmed.path;
    last.erase(last.find_last_not_of(' ') + 1);
    UrlParts out;
    out.scheme = ascii_lower(url.scheme);
    out.userinfo = normal_userinfo(url.userinfo);
    out.host = *host;
    out.port = *port;
    out.path = normal_path(trimmed.path);
    const auto encode_behind_mark = [](std::string_view text, std::string_view set) {
        return text.empty() ? std::string() : text.front() + encode_with(text.substr(1), set);
    };
    out.query = encode_behind_mark(trimmed.query, kSpecialQuerySet);
    out.fragment = encode_behind_mark(trimmed.fragment, kFragmentSet);
    return out;
}

std::optional<std::string> requote_query(std::string_view url) {
    constexpr std::size_t kMostPairs = 1000;
    const auto mark = url.find('?');
    if (mark == std::string_view::npos || mark + 1 == url.size()) return std::string(url);
    const auto query = url.substr(mark + 1);
    if (static_cast<std::size_t>(std::count(query.begin(), query.end(), '&')) >= kMostPairs)
        return std::nullopt;
    std::string out(url.substr(0, mark + 1));
    for (const auto& [name, value] : regrouped(encoding::parse_form(query))) {
        if (!is_utf8(name) || !is_utf8(value)) return std::nullopt;
        if (out.size() > mark + 1) out += '&';
        out += legacy_escape(name) + "=" + legacy_escape(value);
    }
    return out;
}

}  // namespace callchain::signature
