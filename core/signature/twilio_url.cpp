#include "signature/twilio_url.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "signature/url_normal_form.hpp"

#include <algorithm>
#include <array>

namespace callchain::signature {
namespace {

constexpr std::string_view kUrlHint =
    "give the whole URL as it stands in Twilio's console, e.g. "
    "https://bridge.example.com/twilio/voice?trace=1";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; }

tl::unexpected<Error> no_url(std::string_view url, std::size_t offset, std::string_view why) {
    // What looks like no address may be a secret in the wrong place.
    const bool is_word = url.find_first_of("./: ") == std::string_view::npos;
    const auto shown = is_word ? "(" + count_of(url.size(), "character") + ")"
                               : "\"" + safe_excerpt(show_url(url), 120) + "\"";
    return fail_at(offset, ErrorCode::bad_input,
                   "not an absolute http or https URL: " + std::string(why) + ": " + shown,
                   std::string(kUrlHint));
}

std::string_view default_port(const UrlParts& url) { return url.is_https() ? ":443" : ":80"; }

UrlParts without_port(UrlParts url) {
    url.port.clear();
    return url;
}

UrlParts with_port(UrlParts url) {
    if (url.port.empty()) url.port = default_port(url);
    return url;
}

UrlParts without_userinfo(UrlParts url) {
    url.userinfo.clear();
    return url;
}

void add_candidate(std::vector<UrlCandidate>& candidates, std::string url, UrlForm form, Userinfo userinfo) {
    const auto same = [&](const UrlCandidate& other) { return other.url == url; };
    if (std::none_of(candidates.begin(), candidates.end(), same))
        candidates.push_back({std::move(url), form, userinfo});
}

void add_forms(std::vector<UrlCandidate>& candidates, const UrlParts& url, Userinfo userinfo) {
    add_candidate(candidates, without_port(url).text(), UrlForm::port_removed, userinfo);
    add_candidate(candidates, with_port(url).text(), UrlForm::port_kept, userinfo);
}

void add_normalised_forms(std::vector<UrlCandidate>& candidates, const UrlParts& url, Userinfo userinfo) {
    const auto normal = normalise_url(url);
    if (!normal) return;
    const std::string bare = without_port(*normal).text();
    const std::string ported = with_port(*normal).text();
    add_candidate(candidates, bare, UrlForm::normalised_port_removed, userinfo);
    add_candidate(candidates, ported, UrlForm::normalised_port_kept, userinfo);
    if (const auto requoted = requote_query(bare))
        add_candidate(candidates, *requoted, UrlForm::requoted_port_removed, userinfo);
    if (const auto requoted = requote_query(ported))
        add_candidate(candidates, *requoted, UrlForm::requoted_port_kept, userinfo);
}

// The password of "user:password@host", wherever it stands in the text.
std::string without_password(std::string_view text) {
    const auto scheme = text.find("://");
    const auto start = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto at = text.substr(0, text.find_first_of("/?#", start)).rfind('@');
    const auto colon = text.find(':', start);
    if (at == std::string_view::npos || at < start || colon == std::string_view::npos || colon > at)
        return std::string(text);
    return std::string(text.substr(0, colon + 1)) + "…" + std::string(text.substr(at));
}

std::string without_long_numbers(std::string_view text) {
    constexpr std::size_t kShortestCut = 8;
    constexpr std::size_t kShown = 4;
    constexpr std::size_t kShortestHash = 40;  // hex digits of SHA-1: a hash holds long numbers and is none
    constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
    std::string out;
    while (!text.empty()) {
        const auto hex = std::min(text.find_first_not_of(kHexDigits), text.size());
        if (hex >= kShortestHash) {
            out += text.substr(0, hex);
            text.remove_prefix(hex);
            continue;
        }
        std::size_t digits = 0;
        while (digits < text.size() && is_ascii_digit(text[digits])) ++digits;
        if (digits >= kShortestCut) {
            out.append("…").append(text.substr(digits - kShown, kShown));
        } else {
            out += text.substr(0, digits);
        }
        text.remove_prefix(digits);
        if (text.empty()) break;
        out += text.front();
        text.remove_prefix(1);
    }
    return out;
}

}  // namespace

bool UrlParts::is_https() const { return equal_ignoring_case(scheme, "https"); }

std::string UrlParts::text() const {
    return scheme + "://" + userinfo + host + port + path + query + fragment;
}

Result<UrlParts> split_url(std::string_view url) {
    const auto colon = url.find("://");
    if (colon == std::string_view::npos) return no_url(url, 0, "it has no scheme");
    UrlParts parts;
    parts.scheme = url.substr(0, colon);
    if (!equal_ignoring_case(parts.scheme, "http") && !equal_ignoring_case(parts.scheme, "https"))
        return no_url(url, 0, "its scheme is another");
    const auto control = std::find_if(url.begin(), url.end(), is_control);
    if (control != url.end())
        return no_url(url, static_cast<std::size_t>(control - url.begin()), "it holds a control character");

    auto rest = url.substr(colon + 3);
    const auto authority = rest.substr(0, rest.find_first_of("/?#"));
    rest.remove_prefix(authority.size());
    const auto at = authority.rfind('@');
    const auto host_start = at == std::string_view::npos ? 0 : at + 1;
    const auto bracket = authority.find(']', host_start);
    const auto port = authority.find(':', bracket == std::string_view::npos ? host_start : bracket);
    parts.userinfo = authority.substr(0, host_start);
    parts.host = authority.substr(host_start, std::min(port, authority.size()) - host_start);
    if (port != std::string_view::npos) parts.port = authority.substr(port);
    if (parts.host.empty()) return no_url(url, colon + 3, "it names no host");

    const auto path_end = std::min(rest.find_first_of("?#"), rest.size());
    const auto query_end = std::min(rest.find('#'), rest.size());
    parts.path = rest.substr(0, path_end);
    parts.query = rest.substr(path_end, query_end - path_end);
    parts.fragment = rest.substr(query_end);
    return parts;
}

std::vector<UrlCandidate> url_candidates(const UrlParts& url) {
    std::vector<UrlCandidate> candidates;
    const bool has_userinfo = !url.userinfo.empty();
    const auto bare = without_userinfo(url);
    add_forms(candidates, url, Userinfo::kept);
    if (has_userinfo) add_forms(candidates, bare, Userinfo::removed);
    add_normalised_forms(candidates, url, Userinfo::kept);
    if (has_userinfo) add_normalised_forms(candidates, bare, Userinfo::removed);
    return candidates;
}

std::string_view describe(UrlForm form) {
    switch (form) {
        case UrlForm::port_removed:
            return "as given, port removed";
        case UrlForm::port_kept:
            return "as given, port kept or the default one added";
        case UrlForm::normalised_port_removed:
            return "normalised, port removed";
        case UrlForm::normalised_port_kept:
            return "normalised, port kept or the default one added";
        case UrlForm::requoted_port_removed:
            return "normalised, query quoted anew, port removed";
        case UrlForm::requoted_port_kept:
            break;
    }
    return "normalised, query quoted anew, port kept or the default one added";
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
    if (query.starts_with('?')) query.remove_prefix(1);
    for (auto& [key, value] : encoding::parse_form(query)) {
        if (key == name) return std::move(value);
    }
    return std::nullopt;
}

std::string show_url(std::string_view url) {
    const std::string shown = without_password(url);
    const auto query = std::min(shown.find('?'), shown.size());
    return visible(shown.substr(0, query) + without_long_numbers(std::string_view(shown).substr(query)));
}

}  // namespace callchain::signature
