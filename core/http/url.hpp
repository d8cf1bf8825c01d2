/// What is read out of a URL before it is handed on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::http {

/// An http, https, ws or wss URL.
struct UrlParts {
    std::string scheme;     ///< in lower case
    std::string host;       ///< in lower case; an IPv6 address without its brackets
    std::string authority;  ///< for a Host header: the port only where it is not the scheme's own
    std::string target;     ///< path and query, at least "/"
    std::uint16_t port = 0;
    bool has_path = false;  ///< a path was written, if only "/"

    [[nodiscard]] bool encrypted() const { return scheme == "https" || scheme == "wss"; }
    /// 127.0.0.0/8, ::1 in any spelling, or exactly "localhost".
    [[nodiscard]] bool loopback() const;
};

/// Reads what two readers cannot understand in two ways, and nothing else. nullopt: another scheme, userinfo,
/// a fragment, a percent sign in the host, an address of fewer than four numbers, an empty label or a final
/// dot, an empty port, and any character that RFC 3986 does not allow (blanks, controls, backslashes …).
[[nodiscard]] std::optional<UrlParts> read_url(std::string_view url);

/// The host and port of any URL, for a message: without userinfo, path and query, safe to print.
[[nodiscard]] std::string shown_host(std::string_view url);

}  // namespace callchain::http
