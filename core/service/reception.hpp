/// Takes deliveries: records each, judges it, passes on what may be, answers, and tells what became of it.
#pragma once

#include "http/server.hpp"
#include "observe/capture_store.hpp"
#include "service/delivery_judge.hpp"
#include "service/forwarder.hpp"
#include "service/job_thread.hpp"
#include "service/refusals.hpp"
#include "webhook/capture_summary.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace callchain::service {

struct ReceptionSettings {
    /// Answered in every case that is not passed on; without it 200 to what passes, or where there is no
    /// secret at all, and 401 to the rest.
    std::optional<int> status = {};
    std::optional<ForwardSettings> forward = {};
    bool forward_unverified = false;    ///< also what does not pass
    std::uint64_t most_deliveries = 0;  ///< further ones are answered 503; 0: no end
};

/// What became of one delivery.
struct DeliveryReport {
    std::chrono::sys_time<std::chrono::milliseconds> received_at;
    std::string peer;
    webhook::CaptureSummary summary;
    Judgement judgement;
    int status = 0;  ///< that was answered
    bool passed_on = false;
    std::optional<int> upstream_status = {};
    std::string upstream_failure;          ///< why the answer is not the upstream's; empty: it is
    std::chrono::microseconds duration{};  ///< from the last byte of the request to the answer
    std::string file;                      ///< name of its capture; empty: there is none
    std::string not_recorded;              ///< why there is none
};

/// The request path checks, answers and passes on; disk, search for causes and `tell` are on a thread of
/// their own. So much may wait for that thread; what comes beyond is answered 503 and not taken.
class Reception {
  public:
    static constexpr std::size_t kMostUnderWay = 1'000;
    static constexpr std::size_t kMostBytesUnderWay = std::size_t{64} << 20U;  ///< of bodies

    struct Tells {
        std::function<bool(DeliveryReport)> delivery;  ///< false: nobody wants to hear of more
        std::function<void(std::string)> remark;  ///< of what was no delivery, one line, at a bounded rate
    };
    /// `on_enough` is called behind the last of most_deliveries, or where `tells` says that it is enough.
    Reception(ReceptionSettings settings, DeliveryJudge judge, std::unique_ptr<observe::CaptureStore> store,
              Tells tells, std::function<void()> on_enough);
    Reception(const Reception&) = delete;
    Reception& operator=(const Reception&) = delete;
    /// As stop().
    ~Reception();

    /// Starts the thread that tells; what was taken before waits for it.
    void start();
    /// Any thread; does not block.
    void handle(http::Request request, http::Responder responder);
    /// The server refused what was no request, or none that it takes. Any thread.
    void note_refused(int status, const std::string& peer);
    /// Deliveries that were taken and not told of.
    [[nodiscard]] std::size_t under_way() const { return under_way_; }
    /// Ends what is being passed on, tells what is left, and joins the thread. No handle() behind it.
    void stop();

  private:
    struct Taken;
    [[nodiscard]] bool take(std::size_t bytes);
    void leave(std::size_t bytes);
    void answer(const std::shared_ptr<Taken>& taken, http::Response response);
    void record(Taken& taken);
    void tell(Taken& taken);
    void remark(std::string text);

    ReceptionSettings settings_;
    DeliveryJudge judge_;
    std::unique_ptr<observe::CaptureStore> store_;
    Tells tells_;
    std::function<void()> on_enough_;
    std::uint64_t told_ = 0;  ///< of the thread that tells
    std::unique_ptr<Forwarder> forwarder_;
    std::atomic<std::uint64_t> taken_{0};
    std::atomic<std::size_t> under_way_{0};
    std::atomic<std::size_t> bytes_under_way_{0};
    std::mutex mutex_;  ///< of the two below
    observe::TokenBucket remarks_{10, 1};
    std::uint64_t remarks_left_out_ = 0;
    JobThread jobs_;  ///< the last: its jobs need all of the above
};

}  // namespace callchain::service
