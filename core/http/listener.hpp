/// Where a server listens: addresses as text, and the sockets for them.
#pragma once

#include "base/result.hpp"
#include "system/descriptor.hpp"
#include "system/socket_address.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callchain::http {

/// "192.0.2.1:8000", "[2001:db8::1]:8000". IPv4-mapped addresses in dotted form.
[[nodiscard]] std::string endpoint_text(const system::SocketAddress& address);
/// The same without the port and brackets.
[[nodiscard]] std::string host_text(const system::SocketAddress& address);

struct ListenRequest {
    std::string_view address;  ///< "host:port"
    unsigned sockets = 1;      ///< on one port, for one thread each
    bool fall_back_to_ipv4 = false;
};

/// Binds and listens; sockets do not block. With port 0 the first picks the port of all.
/// Errors: usage, naming the address and the reason, with a hint what to do.
[[nodiscard]] Result<std::vector<system::Descriptor>> open_listeners(const ListenRequest& request);

/// The address that a socket is bound to, as endpoint_text().
[[nodiscard]] std::string bound_endpoint(const system::Descriptor& socket);

}  // namespace callchain::http
