/// What is kept of a refused delivery: a record line in the log, and a capture on disk where one was asked
/// for.
#pragma once

#include "http/message.hpp"
#include "observe/capture_store.hpp"
#include "observe/log.hpp"
#include "observe/token_bucket.hpp"
#include "service/job_thread.hpp"
#include "service/serve_config.hpp"
#include "service/service_metrics.hpp"
#include "signature/known_secrets.hpp"
#include "webhook/capture.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::service {

/// The request as it came.
[[nodiscard]] webhook::Capture capture_of(const http::Request& request);

/// Strangers cannot fill log or disk: one record a second, ten in a row; what was left out is counted, and
/// told in the next line. Any thread.
class Refusals {
  public:
    /// `store` may be null.
    Refusals(const ServeConfig& config, observe::Log& log, ServiceMetrics& metrics,
             std::unique_ptr<observe::CaptureStore> store);
    Refusals(const Refusals&) = delete;
    Refusals& operator=(const Refusals&) = delete;
    /// Writes the captures that wait.
    ~Refusals() = default;

    /// Whether a refusal at this moment may be logged; if not, it is counted.
    [[nodiscard]] bool may_log(observe::TokenBucket::Time now);
    /// Logs the webhook record, where it may be logged. `code` is a finding code, `reason` one sentence.
    /// Secrets of this service that stand in headers or body are withheld.
    void record(const http::Request& request, std::string_view code, std::string_view reason);
    /// Has the request written to the capture folder, where there is one; on a thread of its own, since a
    /// disk may be slow. At most 8 wait; what is beyond is counted.
    void capture(const http::Request& request);

  private:
    void write_capture(const std::string& bytes, observe::TokenBucket::Time received_at);

    observe::Log& log_;
    ServiceMetrics& metrics_;
    RecordMode mode_;
    std::vector<LoadedSecret> secrets_;
    signature::KnownSecrets known_;
    std::unique_ptr<observe::CaptureStore> store_;
    std::mutex mutex_;
    observe::TokenBucket bucket_{10, 1};
    std::uint64_t suppressed_ = 0;
    bool told_failure_ = false;  // of the thread that writes captures
    JobThread writer_;           // the last: its jobs need all of the above
};

}  // namespace callchain::service
