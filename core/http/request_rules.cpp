#include "http/request_rules.hpp"

#include "base/text.hpp"
#include "http/client.hpp"

#include <algorithm>
#include <array>

namespace callchain::http {
namespace {

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

bool is_well_formed(const Header& header) { return is_token(header.name) && is_field_value(header.value); }

bool is_framing_header(const Header& header) {
    return equal_ignoring_case(header.name, "Content-Length") ||
           equal_ignoring_case(header.name, "Transfer-Encoding") ||
           equal_ignoring_case(header.name, "Expect");
}

bool takes_body(std::string_view method) {
    constexpr std::array<std::string_view, 3> kMethods{"POST", "PUT", "PATCH"};
    return contains(kMethods, method);
}

bool is_idempotent(std::string_view method) {
    constexpr std::array<std::string_view, 6> kMethods{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    return contains(kMethods, method);
}

std::string_view fault_of(const ClientRequest& request) {
    if (!starts_with_ignoring_case(request.url, "https://") &&
        !starts_with_ignoring_case(request.url, "http://"))
        return "its URL is neither http nor https";
    // libcurl takes the next word for the host where there is none.
    const auto host = request.url.find("://") + 3;
    if (host == request.url.size() ||
        std::string_view("/?#").find(request.url[host]) != std::string_view::npos)
        return "its URL has no host";
    if (!is_token(request.method)) return "its method is none";
    if (!is_field_value(request.target) || request.target.find_first_of(" \t") != std::string::npos)
        return "its target has a character that HTTP does not allow";
    if (!std::all_of(request.headers.begin(), request.headers.end(), is_well_formed))
        return "a header has a character that HTTP does not allow";
    return {};
}

}  // namespace callchain::http
