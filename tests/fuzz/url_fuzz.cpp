/// A URL that is read has one meaning: only characters that may stand in one, and the same parts when they
/// are written out again. Joining a received target to it leaves scheme and host as they are.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "http/url.hpp"
#include "webhook/passing_on.hpp"

#include <algorithm>
#include <cstdint>

using namespace callchain;
using http::UrlParts;

namespace {

bool is_safe(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c > ' ' && c < '\x7F' && c != '\\' && c != '#'; });
}

std::string written(const UrlParts& url) {
    const bool bracketed = url.host.find(':') != std::string::npos;
    return url.scheme + "://" + (bracketed ? "[" + url.host + "]" : url.host) + ":" +
           std::to_string(url.port) + url.target;
}

void check_parts(const UrlParts& url) {
    require(is_safe(url.host) && is_safe(url.authority) && is_safe(url.target));
    require(url.target.starts_with('/') && url.port != 0);
    require(url.host == ascii_lower(url.host) && url.host.find_first_of("@/?%") == std::string::npos);
    require(url.authority.find('@') == std::string::npos);
    const auto again = http::read_url(written(url));
    require(again && again->host == url.host && again->authority == url.authority &&
            again->port == url.port && again->scheme == url.scheme && again->target == url.target &&
            again->loopback() == url.loopback());
}

/// `bytes` are what is configured, a line end, and the target of a request.
void check_joined(std::string_view bytes) {
    const auto line_end = std::min(bytes.find('\n'), bytes.size());
    const auto configured = bytes.substr(0, line_end);
    const auto url = http::read_url(configured);
    if (!url) return;
    const auto joined = webhook::join_url(configured, bytes.substr(std::min(line_end + 1, bytes.size())));
    const auto parts = joined ? http::read_url(*joined) : std::nullopt;
    if (!parts) return;
    require(parts->scheme == url->scheme && parts->authority == url->authority && parts->port == url->port);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto url = http::read_url(text)) check_parts(*url);
    const auto shown = http::shown_host(text);
    require(!shown.empty() && visible(shown) == shown && shown.find('@') == std::string::npos);
    check_joined(text);
    return 0;
}
