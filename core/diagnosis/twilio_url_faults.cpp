#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/twilio_faults.hpp"
#include "encoding/base64.hpp"
#include "signature/twilio.hpp"

#include <algorithm>
#include <array>

namespace callchain::diagnosis {
namespace {

using encoding::PlusSign;
using signature::UrlParts;
using Changes = std::vector<UrlChange>;

constexpr std::size_t kMostPathSegments = 8;
constexpr std::size_t kMostQueryPairs = 64;
constexpr std::size_t kMostPermutedPairs = 4;

std::string quoted(std::string_view text) { return "\"" + visible_excerpt(text, 80) + "\""; }

UrlParts with(UrlParts url, std::string UrlParts::*piece, std::string text) {
    url.*piece = std::move(text);
    return url;
}

void add(Changes& changes, const UrlParts& url, std::string UrlParts::*piece, std::string text,
         std::string detail, Pairing pairing = Pairing::with_others) {
    if (url.*piece != text)
        changes.push_back({with(url, piece, std::move(text)), std::move(detail), pairing});
}

// What no header and no other URL names was only guessed.
Pairing pairing_of(const std::string& where) { return where.empty() ? Pairing::alone : Pairing::with_others; }

std::string origin_of(const std::string& where) { return where.empty() ? "" : " (from " + where + ")"; }

struct Found {
    std::string text;
    std::string where;
};

void add_found(std::vector<Found>& all, std::string text, std::string where) {
    const auto same = [&](const Found& other) { return other.text == text; };
    if (!text.empty() && std::none_of(all.begin(), all.end(), same))
        all.push_back({std::move(text), std::move(where)});
}

// Every "host" or "host:port" that the request or the other URLs name.
std::vector<Found> authorities(const TwilioScene& scene) {
    constexpr std::array<std::string_view, 7> kHostHeaders{
        "Host",        "X-Forwarded-Host", "X-Original-Host", "X-Host", "X-Forwarded-Server",
        "X-Real-Host", "Forwarded"};
    std::vector<Found> found;
    for (const auto& [name, value] : scene.headers) {
        for (const auto known : kHostHeaders) {
            if (!equal_ignoring_case(name, known)) continue;
            if (known == "Forwarded") {
                add_found(found, signature::parse_forwarded(value).host, std::string(known));
                continue;
            }
            for (const auto element : split(value, ','))
                add_found(found, std::string(trim(element)), std::string(known));
        }
    }
    for (const auto& url : scene.urls) add_found(found, url.host + url.port, "another of the URLs");
    return found;
}

// Every path with its query that stands in the request line, a proxy's header, or another URL.
std::vector<UrlParts> known_targets(const TwilioScene& scene) {
    constexpr std::array<std::string_view, 6> kTargetHeaders{"X-Original-URI",  "X-Original-URL",
                                                             "X-Forwarded-URI", "X-Rewrite-URL",
                                                             "X-Request-URI",   "X-Original-Path"};
    std::vector<UrlParts> found;
    const auto add_target = [&](std::string_view target) {
        const bool absolute = !target.starts_with('/');
        if (auto parts =
                signature::split_url(absolute ? std::string(target) : "https://host" + std::string(target)))
            found.push_back(*std::move(parts));
    };
    if (!scene.target.empty()) add_target(scene.target);
    for (const auto& [name, value] : scene.headers) {
        const auto same = [&, &header = name](std::string_view known) {
            return equal_ignoring_case(header, known);
        };
        if (std::any_of(kTargetHeaders.begin(), kTargetHeaders.end(), same) && !value.empty())
            add_target(value);
    }
    found.insert(found.end(), scene.urls.begin(), scene.urls.end());
    return found;
}

Changes undo_scheme(const UrlParts& url, const TwilioScene&) {
    const std::string other = url.is_https() ? "http" : "https";
    return {{with(url, &UrlParts::scheme, other),
             "Twilio asked for " + other + "://, the URL here says " + ascii_lower(url.scheme) + "://."}};
}

Changes undo_host(const UrlParts& url, const TwilioScene& scene) {
    Changes changes;
    const auto try_host = [&](const std::string& host, const std::string& where) {
        add(changes, url, &UrlParts::host, host,
            "Twilio asked for the host " + quoted(host) + origin_of(where) + ", the URL here names " +
                quoted(url.host) + ".");
    };
    for (const auto& [authority, where] : authorities(scene)) {
        if (const auto parts = signature::split_url("https://" + authority)) try_host(parts->host, where);
    }
    try_host(url.host.starts_with("www.") ? url.host.substr(4) : "www." + url.host, "");
    try_host(ascii_lower(url.host), "");
    if (url.host.ends_with('.')) try_host(url.host.substr(0, url.host.size() - 1), "");
    return changes;
}

Changes undo_port(const UrlParts& url, const TwilioScene& scene) {
    std::vector<Found> ports;
    for (const auto& [authority, where] : authorities(scene)) {
        if (const auto parts = signature::split_url("https://" + authority))
            add_found(ports, parts->port, where);
    }
    for (const auto& [name, value] : scene.headers) {
        const auto port = std::string(signature::first_of_list(value));
        if (equal_ignoring_case(name, "X-Forwarded-Port") && parse_decimal(port))
            add_found(ports, ":" + port, name);
    }
    for (const char* usual : {":443", ":80", ":8443", ":8080", ":3000", ":5000", ":8000"})
        add_found(ports, usual, "");
    Changes changes;
    for (const auto& [port, where] : ports) {
        add(changes, url, &UrlParts::port, port,
            "Twilio signed the URL with port " + visible_excerpt(port.substr(1), 8) + origin_of(where) +
                ", here it has " +
                (url.port.empty() ? "none." : "port " + visible_excerpt(url.port.substr(1), 8) + "."),
            pairing_of(where));
    }
    return changes;
}

Changes undo_slash(const UrlParts& url, const TwilioScene&) {
    Changes changes;
    const bool has_slash = url.path.ends_with('/');
    if (has_slash) {
        add(changes, url, &UrlParts::path, url.path.substr(0, url.path.size() - 1),
            "Twilio asked for the path without the slash at its end.");
    } else {
        add(changes, url, &UrlParts::path, url.path + "/",
            "Twilio asked for the path with a slash at its end.");
    }
    return changes;
}

Changes undo_double_slash(const UrlParts& url, const TwilioScene&) {
    Changes changes;
    add(changes, url, &UrlParts::path, replace_all(url.path, "//", "/"),
        "Twilio asked for the path with single slashes; here it has two in a row.");
    if (url.path.size() > 1 && !url.path.starts_with("//")) {
        add(changes, url, &UrlParts::path, "/" + url.path,
            "Twilio asked for a path with two slashes in front, as a base URL that ends in a slash gives; "
            "they were merged.");
    }
    return changes;
}

Changes undo_prefix(const UrlParts& url, const TwilioScene& scene) {
    std::vector<Found> prefixes;
    for (const auto& [name, value] : scene.headers) {
        auto prefix = signature::first_of_list(value);
        while (prefix.ends_with('/')) prefix.remove_suffix(1);
        const bool usable = prefix.starts_with('/') && prefix.find_first_of("?#") == std::string_view::npos;
        if (usable &&
            (equal_ignoring_case(name, "X-Forwarded-Prefix") || equal_ignoring_case(name, "X-Script-Name")))
            add_found(prefixes, std::string(prefix), name);
    }
    for (const auto& known : known_targets(scene)) {
        if (known.path.size() > url.path.size() && known.path.ends_with(url.path))
            add_found(prefixes, known.path.substr(0, known.path.size() - url.path.size()),
                      "another path of this request");
    }
    for (const char* usual :
         {"/api", "/v1", "/api/v1", "/app", "/twilio", "/webhook", "/webhooks", "/prod", "/default"})
        add_found(prefixes, usual, "");
    Changes changes;
    for (const auto& [prefix, where] : prefixes) {
        add(changes, url, &UrlParts::path, prefix + url.path,
            "Twilio asked for a path that begins with " + quoted(prefix) + origin_of(where) +
                "; it was stripped.",
            pairing_of(where));
    }
    auto rest = std::string_view(url.path);
    for (std::size_t n = 0; n < kMostPathSegments; ++n) {
        const auto slash = rest.find('/', 1);
        if (slash == std::string_view::npos) break;
        rest.remove_prefix(slash);
        add(changes, url, &UrlParts::path, std::string(rest),
            "Twilio asked for a path that begins at " + quoted(rest) + "; " +
                quoted(std::string_view(url.path).substr(0, url.path.size() - rest.size())) + " was added.");
    }
    return changes;
}

Changes undo_path_case(const UrlParts& url, const TwilioScene& scene) {
    Changes changes;
    add(changes, url, &UrlParts::path, ascii_lower(url.path), "Twilio asked for the path in lower case.");
    for (const auto& known : known_targets(scene)) {
        if (equal_ignoring_case(known.path, url.path))
            add(changes, url, &UrlParts::path, known.path,
                "Twilio asked for the path as " + quoted(known.path) + ".");
    }
    return changes;
}

Changes undo_path_coding(const UrlParts& url, const TwilioScene&) {
    Changes changes;
    add(changes, url, &UrlParts::path, encoding::percent_decode(url.path, PlusSign::literal),
        "Twilio signed the path without percent-encoding.");
    add(changes, url, &UrlParts::path, replace_all(encoding::percent_encode(url.path), "%2F", "/"),
        "Twilio signed the path percent-encoded; something decoded it.");
    return changes;
}

Changes undo_path_rewrite(const UrlParts& url, const TwilioScene& scene) {
    Changes changes;
    for (const auto& known : known_targets(scene)) {
        if (equal_ignoring_case(known.path, url.path) || known.path.ends_with(url.path) ||
            url.path.ends_with(known.path))
            continue;
        add(changes, url, &UrlParts::path, known.path,
            "Twilio asked for the path " + quoted(known.path) + ", the URL here has " + quoted(url.path) +
                ".");
    }
    return changes;
}

std::vector<std::string> query_pairs(const UrlParts& url) {
    std::vector<std::string> pairs;
    if (url.query.size() < 2) return pairs;
    for (const auto pair : split(std::string_view(url.query).substr(1), '&')) pairs.emplace_back(pair);
    return pairs;
}

Changes undo_query_order(const UrlParts& url, const TwilioScene&) {
    Changes changes;
    auto pairs = query_pairs(url);
    if (pairs.size() < 2 || pairs.size() > kMostQueryPairs) return changes;
    const auto try_order = [&](const std::vector<std::string>& order) {
        std::vector<std::string> names;
        for (const auto& pair : order) names.push_back(visible_excerpt(pair.substr(0, pair.find('=')), 40));
        add(changes, url, &UrlParts::query, "?" + join(order, "&"),
            "Twilio signed the query in the order " + visible_excerpt(join(names, ", "), 200) + ".");
    };
    if (pairs.size() > kMostPermutedPairs) {
        std::reverse(pairs.begin(), pairs.end());
        try_order(pairs);
    }
    std::stable_sort(pairs.begin(), pairs.end());
    try_order(pairs);
    while (pairs.size() <= kMostPermutedPairs && std::next_permutation(pairs.begin(), pairs.end()))
        try_order(pairs);
    return changes;
}

// As JavaScript's encodeURIComponent writes each name and value.
std::string component_query(const encoding::FormFields& fields) {
    std::vector<std::string> pairs;
    for (const auto& [name, value] : fields)
        pairs.push_back(encoding::percent_encode(name) + "=" + encoding::percent_encode(value));
    return "?" + join(pairs, "&");
}

std::string hex_digits_in(std::string_view query, bool upper) {
    std::string out(query);
    for (std::size_t i = 0; i + 2 < out.size(); ++i) {
        if (out[i] == '%')
            out.replace(i + 1, 2,
                        upper ? ascii_upper(out.substr(i + 1, 2)) : ascii_lower(out.substr(i + 1, 2)));
    }
    return out;
}

Changes undo_query_coding(const UrlParts& url, const TwilioScene&) {
    Changes changes;
    if (url.query.size() < 2) return changes;
    const auto fields = encoding::parse_form(std::string_view(url.query).substr(1));
    const auto try_query = [&](std::string query, std::string_view how) {
        add(changes, url, &UrlParts::query, std::move(query),
            "Twilio signed the query " + std::string(how) + ".");
    };
    try_query(encoding::percent_decode(url.query, PlusSign::literal),
              "without percent-encoding; here it is encoded");
    try_query(encoding::percent_decode(url.query, PlusSign::space),
              "without percent-encoding; here it is encoded");
    try_query(component_query(fields), "percent-encoded; here it is decoded or encoded another way");
    try_query("?" + encoding::write_form(fields),
              "encoded as a form (blank as '+'); here it is written another way");
    try_query(replace_all(url.query, "+", "%20"), "with %20 where '+' stands here");
    try_query(replace_all(url.query, "%20", "+"), "with '+' where %20 stands here");
    try_query(replace_all(url.query, " ", "%20"), "with %20 where a blank stands here");
    try_query(replace_all(url.query, " ", "+"), "with '+' where a blank stands here");
    try_query(replace_all(url.query, "&amp;", "&"), "with '&' where \"&amp;\" stands here");
    try_query(hex_digits_in(url.query, true), "with upper-case hex digits behind '%'");
    try_query(hex_digits_in(url.query, false), "with lower-case hex digits behind '%'");
    return changes;
}

std::string joined_query(const UrlParts& url, std::string_view more) {
    return (url.query.size() > 1 ? url.query + "&" : "?") + std::string(more);
}

Changes undo_query_loss(const UrlParts& url, const TwilioScene& scene) {
    Changes changes;
    for (const auto& known : known_targets(scene)) {
        if (known.query.size() > url.query.size()) {
            add(changes, url, &UrlParts::query, known.query,
                "Twilio asked for the URL with a query of " +
                    count_of(query_pairs(known).size(), "parameter") +
                    ", as another place of this request still has it.");
        }
    }
    if (!signature::query_parameter(url.query, signature::kBodyHashParameter)) {
        const auto hash = std::string(signature::kBodyHashParameter) + "=" + crypto::sha256_hex(scene.body);
        add(changes, url, &UrlParts::query, joined_query(url, hash),
            "Twilio asked for the URL with the query parameter bodySHA256, which is missing here.");
    }
    if (!scene.fields.empty() && scene.body.size() <= 8192) {
        add(changes, url, &UrlParts::query, joined_query(url, scene.body),
            "Twilio sent the parameters in the query (GET), not in a body.");
    }
    return changes;
}

Changes undo_query_addition(const UrlParts& url, const TwilioScene&) {
    Changes changes;
    const auto pairs = query_pairs(url);
    add(changes, url, &UrlParts::query, "", "Twilio asked for the URL without a query.");
    if (pairs.size() < 2 || pairs.size() > kMostQueryPairs) return changes;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        auto others = pairs;
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
        add(changes, url, &UrlParts::query, "?" + join(others, "&"),
            "Twilio asked for the URL without the query parameter " +
                quoted(pairs[i].substr(0, pairs[i].find('='))) + ".");
    }
    return changes;
}

// Twilio sends the user and password of a configured URL as Basic credentials.
Changes undo_userinfo(const UrlParts& url, const TwilioScene& scene) {
    Changes changes;
    for (const auto& [name, value] : scene.headers) {
        if (!equal_ignoring_case(name, "Authorization") || !starts_with_ignoring_case(value, "Basic "))
            continue;
        const auto pair = encoding::parse_base64(trim(std::string_view(value).substr(6)));
        if (!pair) continue;
        const std::string detail =
            "Twilio signed the URL with the user name and password that stand in the Authorization header.";
        add(changes, url, &UrlParts::userinfo, *pair + "@", detail);
        const auto colon = std::min(pair->find(':'), pair->size());
        const auto password =
            encoding::percent_encode(std::string_view(*pair).substr(std::min(colon + 1, pair->size())));
        add(changes, url, &UrlParts::userinfo,
            encoding::percent_encode(std::string_view(*pair).substr(0, colon)) +
                (password.empty() ? "" : ":" + password) + "@",
            detail);
    }
    return changes;
}

Changes undo_fragment(const UrlParts& url, const TwilioScene&) {
    Changes changes;
    add(changes, url, &UrlParts::fragment, "", "Twilio never signs what stands behind '#'.");
    return changes;
}

constexpr std::array kUrlFaults{
    UrlFault{"url_scheme", Pairing::with_others, undo_scheme},
    UrlFault{"url_host", Pairing::with_others, undo_host},
    UrlFault{"url_port", Pairing::with_others, undo_port},
    UrlFault{"url_fragment", Pairing::with_others, undo_fragment},
    UrlFault{"url_path_slash", Pairing::with_others, undo_slash},
    UrlFault{"url_path_double_slash", Pairing::with_others, undo_double_slash},
    UrlFault{"url_path_prefix", Pairing::with_others, undo_prefix},
    UrlFault{"url_path_case", Pairing::with_others, undo_path_case},
    UrlFault{"url_path_decoded", Pairing::with_others, undo_path_coding},
    UrlFault{"url_path_rewritten", Pairing::with_others, undo_path_rewrite},
    UrlFault{"url_query_missing", Pairing::with_others, undo_query_loss},
    UrlFault{"url_query_added", Pairing::with_others, undo_query_addition},
    UrlFault{"url_query_decoded", Pairing::with_others, undo_query_coding},
    UrlFault{"url_userinfo", Pairing::with_others, undo_userinfo},
    UrlFault{"url_query_order", Pairing::alone, undo_query_order},
};

}  // namespace

std::span<const UrlFault> url_faults() { return kUrlFaults; }

}  // namespace callchain::diagnosis
