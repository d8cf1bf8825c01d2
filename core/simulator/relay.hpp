/// A TCP balancer on loopback, as a platform's proxy in front of replicas is one.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace callchain::simulator {

struct RelaySettings {
    std::vector<std::uint16_t> backends;  ///< ports of 127.0.0.1; connection n goes to backends[n % size]
    /// Where not empty: connection n begins with a PROXY v1 header that names sources[n % size], IPv4.
    /// Source: HAProxy, "The PROXY protocol, versions 1 & 2", section 2.1.
    std::vector<std::string> sources = {};
};

/// Passes bytes on both ways, TLS as it is, and the end of each direction by itself; holds no more than 64
/// KiB of each. Where the backend cannot be reached or a side breaks off, both connections are closed. On a
/// thread of its own. Functions from any thread.
class Relay {
  public:
    /// Listens on a port of 127.0.0.1 that is free. Errors: bad_input for no backend and for a source that is
    /// no IPv4 address; io.
    [[nodiscard]] static Result<std::unique_ptr<Relay>> start(RelaySettings settings);
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    ~Relay();  ///< closes every connection; joins the thread

    [[nodiscard]] std::uint16_t port() const;

  private:
    struct State;
    explicit Relay(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace callchain::simulator
