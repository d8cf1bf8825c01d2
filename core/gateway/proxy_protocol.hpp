/// The header by which a TCP proxy tells whose connection it passes on. Pure: bytes in, addresses out.
#pragma once

#include "gateway/flow.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::gateway {

/// No header is longer: 107 bytes of version 1, 536 of version 2, which is what a receiver has to take.
constexpr std::size_t kMostProxyHeaderBytes = 536;

struct ProxyHeader {
    enum class State {
        partial,  ///< a beginning: ask again with these bytes and more
        complete,
        refused,  ///< no header, or a wrong one; `why` says it
    };
    State state = State::partial;
    std::size_t bytes = 0;  ///< of a complete one; what stands behind belongs to the connection
    /// Whose connection it is. nullopt: the proxy's own (LOCAL: it looks whether we are there), or it does
    /// not know (UNKNOWN, UNSPEC); then the address of the connection counts.
    std::optional<Endpoint> client = std::nullopt;
    std::string why = {};
};

/// Reads the beginning of a connection. Never reads behind the header; additions of version 2 (TLV) are
/// passed over.
/// Source: HAProxy, "The PROXY protocol, versions 1 & 2", sections 2.1 and 2.2.
[[nodiscard]] ProxyHeader read_proxy_header(std::string_view bytes);

}  // namespace callchain::gateway
