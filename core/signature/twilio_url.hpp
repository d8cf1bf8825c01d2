/// The URL under a Twilio signature: cut up without changing a byte, and the forms of it that Twilio's own
/// helpers accept.
#pragma once

#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::signature {

/// An http or https URL in pieces as written; nothing is decoded or normalised.
struct UrlParts {
    std::string scheme;    ///< "https", in the case in which it was written
    std::string userinfo;  ///< with its '@'; empty where there is none
    std::string host;      ///< with the brackets of an IPv6 literal
    std::string port;      ///< with its ':'; empty where there is none
    std::string path;      ///< up to the first '?' or '#'; may be empty
    std::string query;     ///< with its '?'; empty where there is none
    std::string fragment;  ///< with its '#'; empty where there is none

    [[nodiscard]] bool is_https() const;
    /// The URL again, byte for byte.
    [[nodiscard]] std::string text() const;
};

/// The userinfo ends at the last '@' of the authority; the port starts at the first ':' behind it and behind
/// a
/// ']'. Errors: bad_input for what is no absolute http or https URL, has no host, or holds control
/// characters. The message shows no password. Source: twilio-node 6.2.0, lib/webhooks/webhooks.js, splitUrl.
[[nodiscard]] Result<UrlParts> split_url(std::string_view url);

/// The URL as a WHATWG URL parser writes it back, which is what JavaScript's `new URL(url).toString()` gives.
/// nullopt where such a parser refuses the URL, and for hosts that it would have to translate (letters
/// outside ASCII, IPv4 addresses in other than four decimal numbers) or text that is not UTF-8. Source:
/// WHATWG URL Standard, "URL parsing" and "URL serializing".
[[nodiscard]] std::optional<UrlParts> normalise_url(const UrlParts& url);

/// What was done to the URL as given. "Kept" adds the scheme's default port where the URL names none.
enum class UrlForm {
    port_removed,
    port_kept,
    normalised_port_removed,
    normalised_port_kept,
    requoted_port_removed,  ///< normalised, and the query written by Node's legacy querystring module
    requoted_port_kept,
};
enum class Userinfo { kept, removed };

struct UrlCandidate {
    std::string url;
    UrlForm form;
    Userinfo userinfo;  ///< kept where the URL has none
};

/// At most this many candidates come from one URL.
inline constexpr std::size_t kMostUrlCandidates = 12;

/// Every URL under which a signature is accepted for a webhook that is configured as `url`, likeliest first
/// and without repetitions. Twilio's back end writes the port or leaves it out, and other back ends signed an
/// escaped form of the query. A query with more than 1,000 pairs, or with values that are not UTF-8, has no
/// requoted form. Source: twilio-node 6.2.0, validateRequest; Twilio, "Webhooks security" (user name and
/// password).
[[nodiscard]] std::vector<UrlCandidate> url_candidates(const UrlParts& url);

/// In words, for a verdict: "as given, port removed"; "normalised, default port added or port kept".
[[nodiscard]] std::string_view describe(UrlForm form);

/// The first parameter of that name in the query, decoded as a form.
[[nodiscard]] std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

/// A URL that may be shown: the password replaced by "…", runs of eight and more digits in the query cut to
/// the last four, control characters made visible. Also for text that is no URL.
[[nodiscard]] std::string show_url(std::string_view url);

}  // namespace callchain::signature
