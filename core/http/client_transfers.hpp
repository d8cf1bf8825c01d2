/// The transfers of one client in libcurl's multi handle, and those that wait for their turn. Internal to
/// core/http.
#pragma once

#include "http/client_transfer.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace callchain::http {

struct FreeMulti {
    void operator()(CURLM* multi) const { curl().multi_cleanup(multi); }
};

/// Who owns it drives libcurl, by polling or by the descriptors of a loop, and calls turn() behind that. One
/// thread, but for delay().
class Transfers {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Transfers(ClientOptions options);
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;
    /// stop() has been called, or nothing was ever taken.
    ~Transfers() = default;

    /// nullptr: there is no libcurl or no memory for it, and nothing may be taken.
    [[nodiscard]] CURLM* multi() const { return multi_.get(); }

    /// Starts it at its turn. A request that cannot be sent at all is answered here and now.
    void take(std::unique_ptr<Transfer> transfer);
    /// Answers what is over and what is late, and starts others in their place. Where libcurl failed as a
    /// whole, all that were under way are answered with that.
    void turn(CURLMcode performed);
    /// Answers everything with ClientFailure::closed.
    void stop();

    /// When turn() has to be called although libcurl has nothing to tell; time_point::max(): nothing is under
    /// way.
    [[nodiscard]] Clock::time_point first_deadline() const;
    /// As Client::delay(). Any thread.
    [[nodiscard]] std::chrono::milliseconds delay() const;

  private:
    using Key = std::pair<Clock::time_point, Transfer*>;

    void start(std::unique_ptr<Transfer> transfer);
    void start_waiting();
    void finish_completed();
    void finish_late();
    void finish(Transfer& transfer, ClientResult result);
    void finish_all(CURLMcode code);

    const ClientOptions options_;
    std::unique_ptr<CURLM, FreeMulti> multi_;
    std::vector<Easy> spare_;
    std::map<Key, std::unique_ptr<Transfer>> running_;  // the next deadline first
    // For others to end: first come, first served.
    std::map<std::uint64_t, std::unique_ptr<Transfer>> waiting_;
    std::set<std::pair<Clock::time_point, std::uint64_t>> waiting_ends_;  // the deadline of each
    std::uint64_t last_waiting_ = 0;
    std::atomic<Clock::rep> waits_since_ = 0;  // the first of these; 0: there is none
};

}  // namespace callchain::http
