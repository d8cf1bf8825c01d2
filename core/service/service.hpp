/// `serve` as a whole: wires servers, client, calls and log together; starts, drains and stops them.
#pragma once

#include "base/result.hpp"
#include "observe/log.hpp"
#include "service/serve_config.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace callchain::service {

/// How run() ended.
enum class ServiceEnd {
    drained,      ///< everything under way was finished, or left to others by design
    cut_short,    ///< the time for draining was over first
    interrupted,  ///< a second signal asked to leave at once
};

class Service {
  public:
    /// Loads libcurl, opens the capture folder and binds the addresses. Errors: those of
    /// http::load_client_library(), http::Server and CaptureStore.
    [[nodiscard]] static Result<std::unique_ptr<Service>> start(const ServeConfig& config, observe::Log& log,
                                                                const std::string& version);
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service();

    [[nodiscard]] std::vector<std::string> addresses() const;  ///< "host:port"
    [[nodiscard]] std::string admin_address() const;           ///< empty: none

    /// From now on SIGTERM and SIGINT drain, a second one leaves at once, and SIGHUP reads the certificate
    /// again. One that comes before run() counts.
    void handle_signals();
    /// Serves until it is told to stop.
    [[nodiscard]] ServiceEnd run();

  private:
    struct State;
    explicit Service(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace callchain::service
