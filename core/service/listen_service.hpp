/// `listen` as a whole: the server in front of the reception of deliveries; start, drain and stop.
#pragma once

#include "base/result.hpp"
#include "service/reception.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace callchain::service {

struct ListenConfig {
    std::string listen;                  ///< "host:port"; port 0: a free one
    std::string captures;                ///< folder, made where it is missing
    std::size_t most_captures = 10'000;  ///< the oldest go
    ReceptionSettings reception;
};

/// How run() ended.
struct ListenEnd {
    int signal = 0;        ///< the first one that came; 0: enough deliveries
    bool at_once = false;  ///< a second signal came while it was ending
};

class ListenService {
  public:
    static constexpr std::chrono::milliseconds kDrainTime{5'000};
    static constexpr std::uint64_t kMostCaptureBytes = std::uint64_t{1} << 30U;

    /// Opens the folder and binds the address. `tells` is called on a thread of its own, one call at a time.
    /// Errors: those of CaptureStore and http::Server; usage where passing on would lead back here.
    [[nodiscard]] static Result<std::unique_ptr<ListenService>> start(const ListenConfig& config,
                                                                      DeliveryJudge judge,
                                                                      Reception::Tells tells);
    ListenService(const ListenService&) = delete;
    ListenService& operator=(const ListenService&) = delete;
    /// Tells what is left, which waits for nothing but `tells`.
    ~ListenService();

    [[nodiscard]] std::string address() const;  ///< "host:port"
    /// From now on SIGTERM and SIGINT end run(), a second one at once.
    void handle_signals();
    /// Until a signal, or the reception has had enough; then what is under way is finished, within
    /// kDrainTime. `tells` is not called before.
    [[nodiscard]] ListenEnd run();

  private:
    struct State;
    explicit ListenService(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace callchain::service
