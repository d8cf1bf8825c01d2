/// What an intermediary passes on of a request, and to which target.
#pragma once

#include "webhook/capture.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace callchain::webhook {

/// The headers that are meant for more than the next hop, in order and as written: without Connection and
/// what it names, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding and Upgrade.
/// Source: RFC 9110 section 7.6.1.
[[nodiscard]] Headers without_hop_by_hop(const Headers& headers);

enum class HostHeader {
    of_target,  ///< left out: it follows from the URL that is asked for
    kept,
};
/// Of a request: those of without_hop_by_hop(), but Content-Length and Expect, which are for whoever sends
/// the body to say.
[[nodiscard]] Headers request_headers_to_pass_on(const Headers& headers, HostHeader host);

/// The target to ask for at a URL that has `configured` for its path and query (empty is read as "/"), where
/// a request came with the target `received`. A configured path that ends in '/' is a base, and the path of
/// the request goes behind it; any other path is the whole one. The request's query goes along in both cases,
/// behind one that is configured. Of an absolute target (RFC 9112 section 3.2.2) path and query count.
/// nullopt for what has no path: "*", or the authority of a CONNECT.
[[nodiscard]] std::optional<std::string> join_targets(std::string_view configured, std::string_view received);

/// The same for a whole URL: its scheme and authority with the joined target behind them.
[[nodiscard]] std::optional<std::string> join_url(std::string_view url, std::string_view received);

}  // namespace callchain::webhook
