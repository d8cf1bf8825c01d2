/// `gateway run` as a whole: wires driver, admin listener, log, metrics and signals; starts, drains and
/// stops.
#pragma once

#include "base/result.hpp"
#include "observe/log.hpp"
#include "service/gateway_config.hpp"
#include "service/service.hpp"

#include <memory>
#include <string>
#include <vector>

namespace callchain::service {

class GatewayService {
  public:
    /// Binds the addresses. Errors: those of CallDriver::listen() and http::Server, io for the trace file.
    [[nodiscard]] static Result<std::unique_ptr<GatewayService>> start(const GatewayConfig& config,
                                                                       observe::Log& log);
    GatewayService(const GatewayService&) = delete;
    GatewayService& operator=(const GatewayService&) = delete;
    ~GatewayService();

    [[nodiscard]] std::vector<std::string> addresses() const;  ///< "tls:192.0.2.1:5061"
    [[nodiscard]] std::string admin_address() const;           ///< empty: none

    /// From now on SIGTERM and SIGINT drain, a second one hangs up and leaves, SIGHUP reads the certificate
    /// again, SIGUSR1 turns the trace on and off. One that comes before run() counts.
    void handle_signals();
    /// Serves until it is told to stop.
    [[nodiscard]] ServiceEnd run();

  private:
    struct State;
    explicit GatewayService(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace callchain::service
