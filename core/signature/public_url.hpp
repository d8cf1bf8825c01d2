/// The public URLs that a request seen behind proxies may have been sent to.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::signature {

/// Name and value of each header, as received, in order.
using HeaderFields = std::vector<std::pair<std::string, std::string>>;

/// Of a list header ("https, http") the first element, which the proxy nearest to the client wrote.
/// Borrows from `value`.
[[nodiscard]] std::string_view first_of_list(std::string_view value);

/// One element of `Forwarded`; the values without their quotes, empty where absent.
struct ForwardedElement {
    std::string host;
    std::string proto;
};
/// The first element. Source: RFC 7239 section 4.
[[nodiscard]] ForwardedElement parse_forwarded(std::string_view value);

struct RebuiltUrl {
    std::string url;
    std::string origin;  ///< "X-Forwarded-Host, X-Forwarded-Proto"; "Host, scheme assumed"
};

/// At most this many URLs are rebuilt from one request.
inline constexpr std::size_t kMostRebuiltUrls = 32;

/// Public URLs that this request may have been sent to, likeliest first: the request target where it is
/// absolute, else the target under each host named by Forwarded, X-Forwarded-Host, X-Original-Host and Host,
/// with the scheme of Forwarded or X-Forwarded-Proto (both schemes where neither is there), with
/// X-Forwarded-Port and without, with X-Forwarded-Prefix and without. Every URL passes split_url(). These
/// headers are claims of whoever sent the request: a service may use the result only where a proxy it trusts
/// wrote them; offline it is an aid. Source: RFC 7239; RFC 9112 section 3.2; MDN, "X-Forwarded-Host",
/// "X-Forwarded-Proto".
[[nodiscard]] std::vector<RebuiltUrl> rebuild_urls(std::string_view target, const HeaderFields& headers);

}  // namespace callchain::signature
