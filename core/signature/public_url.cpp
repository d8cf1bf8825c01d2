#include "signature/public_url.hpp"

#include "base/text.hpp"
#include "signature/twilio_url.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace callchain::signature {
namespace {

std::string_view find_header(const HeaderFields& headers, std::string_view name) {
    for (const auto& [key, value] : headers) {
        if (equal_ignoring_case(key, name)) return trim(value);
    }
    return {};
}

// Splits at separators outside of quoted strings.
std::vector<std::string_view> split_unquoted(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    bool quoted = false;
    std::size_t start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && quoted) {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (text[i] == separator && !quoted) {
            parts.push_back(text.substr(start, i - start));
            start = i + 1;
        }
    }
    parts.push_back(text.substr(start));
    return parts;
}

std::string unquote(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
    text = text.substr(1, text.size() - 2);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        out += text[i];
    }
    return out;
}

bool is_scheme(std::string_view text) {
    return equal_ignoring_case(text, "http") || equal_ignoring_case(text, "https");
}

// A path, query or host that could carry the URL's end or another URL's beginning is no claim worth trying.
bool is_path(std::string_view text) {
    return text.starts_with('/') && text.find_first_of("?# \"") == std::string_view::npos;
}
bool is_authority(std::string_view text) {
    return !text.empty() && text.find_first_of("/?#@ \"\\,") == std::string_view::npos;
}

struct HostClaim {
    std::string host;
    std::string host_origin;
    std::string proto;  // empty: ask X-Forwarded-Proto
};

std::vector<HostClaim> host_claims(const HeaderFields& headers) {
    std::vector<HostClaim> claims;
    const auto add = [&](std::string_view host, std::string_view origin, std::string proto) {
        if (is_authority(host)) claims.push_back({std::string(host), std::string(origin), std::move(proto)});
    };
    const auto forwarded = parse_forwarded(find_header(headers, "Forwarded"));
    add(forwarded.host, "Forwarded", forwarded.proto);
    for (const std::string_view name : {"X-Forwarded-Host", "X-Original-Host", "Host"})
        add(first_of_list(find_header(headers, name)), name, forwarded.host.empty() ? forwarded.proto : "");
    return claims;
}

struct Choice {
    std::string text;
    std::string origin;  // empty: nothing worth naming
};

std::vector<Choice> scheme_choices(const HostClaim& claim, const HeaderFields& headers) {
    if (is_scheme(claim.proto)) return {{ascii_lower(claim.proto), "Forwarded"}};
    const auto proto = first_of_list(find_header(headers, "X-Forwarded-Proto"));
    if (is_scheme(proto)) return {{ascii_lower(proto), "X-Forwarded-Proto"}};
    return {{"https", "scheme assumed"}, {"http", "scheme assumed"}};
}

// With the port first: the candidates of such a URL hold the one without it, but not the default port.
std::vector<Choice> port_choices(const HostClaim& claim, const HeaderFields& headers) {
    const auto port = first_of_list(find_header(headers, "X-Forwarded-Port"));
    const auto number = parse_decimal(port);
    const bool usable = number && *number > 0 && *number <= 65'535 && *number != 443 && *number != 80;
    const auto host = split_url("https://" + claim.host);
    if (!usable || !host || !host->port.empty()) return {{}};
    return {{":" + std::to_string(*number), "X-Forwarded-Port"}, {}};
}

std::vector<Choice> prefix_choices(std::string_view target, const HeaderFields& headers) {
    auto prefix = first_of_list(find_header(headers, "X-Forwarded-Prefix"));
    while (prefix.ends_with('/')) prefix.remove_suffix(1);
    if (!is_path(prefix) || target.starts_with(prefix)) return {{}};
    return {{std::string(prefix), "X-Forwarded-Prefix"}, {}};
}

std::string describe_origin(const HostClaim& claim, std::initializer_list<const Choice*> choices) {
    std::string out = claim.host_origin;
    for (const auto* choice : choices) {
        if (!choice->origin.empty() && choice->origin != claim.host_origin) out += ", " + choice->origin;
    }
    return out;
}

void add_url(std::vector<RebuiltUrl>& urls, std::string url, std::string origin) {
    const auto same = [&](const RebuiltUrl& other) { return other.url == url; };
    if (urls.size() >= kMostRebuiltUrls || std::any_of(urls.begin(), urls.end(), same)) return;
    if (split_url(url)) urls.push_back({std::move(url), std::move(origin)});
}

}  // namespace

std::string_view first_of_list(std::string_view value) { return trim(value.substr(0, value.find(','))); }

ForwardedElement parse_forwarded(std::string_view value) {
    ForwardedElement element;
    for (const auto pair : split_unquoted(split_unquoted(value, ',').front(), ';')) {
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        const auto name = trim(pair.substr(0, equals));
        const auto text = unquote(trim(pair.substr(equals + 1)));
        if (equal_ignoring_case(name, "host")) element.host = text;
        if (equal_ignoring_case(name, "proto")) element.proto = text;
    }
    return element;
}

std::vector<RebuiltUrl> rebuild_urls(std::string_view target, const HeaderFields& headers) {
    std::vector<RebuiltUrl> urls;
    if (!target.starts_with('/')) {
        add_url(urls, std::string(target), "request target");
        return urls;
    }
    for (const auto& claim : host_claims(headers)) {
        for (const auto& prefix : prefix_choices(target, headers)) {
            for (const auto& port : port_choices(claim, headers)) {
                for (const auto& scheme : scheme_choices(claim, headers)) {
                    add_url(urls,
                            scheme.text + "://" + claim.host + port.text + prefix.text + std::string(target),
                            describe_origin(claim, {&scheme, &port, &prefix}));
                }
            }
        }
    }
    return urls;
}

}  // namespace callchain::signature
