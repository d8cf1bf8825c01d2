/// The sockets that the gateway listens on.
#pragma once

#include "base/result.hpp"
#include "gateway/flow.hpp"
#include "system/descriptor.hpp"

#include <string>

namespace callchain::gateway {

/// Binds, and for TCP and TLS listens; the socket does not block. "[::]" serves IPv4 as well, and becomes
/// "0.0.0.0" on a host without IPv6. Datagram sockets report the peers' ICMP errors and the address at which
/// each datagram came. Errors: usage, naming the address and the reason, with a hint what to do.
[[nodiscard]] Result<system::Descriptor> open_listening_socket(Transport transport,
                                                               const std::string& address);

}  // namespace callchain::gateway
