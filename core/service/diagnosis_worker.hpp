/// Finds out on a thread of its own why deliveries were refused, few at a time: the request path only checks.
#pragma once

#include "observe/log.hpp"
#include "service/service_metrics.hpp"
#include "signature/public_url.hpp"
#include "signature/secret.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace callchain::service {

/// A refused webhook delivery of OpenAI's.
struct RefusedWebhook {
    std::string id;
    std::string timestamp;
    std::string signature;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::chrono::sys_seconds received_at;
};

/// A refused request of Twilio's.
struct RefusedTwilio {
    std::string signature;
    std::vector<signature::RebuiltUrl> urls;
    std::string method;
    std::string content_type;
    std::string body;
    std::string target;
    signature::HeaderFields headers;
};

/// Bounds: a queue of 4, one a second, 50 ms of work, bodies of at most 64 KiB. What is beyond is counted and
/// not diagnosed; the log record and the captures have it. The result is one log line.
class DiagnosisWorker {
  public:
    struct Limits {
        std::size_t most_queued = 4;
        std::chrono::milliseconds interval{1'000};
        std::size_t most_body_bytes = std::size_t{64} << 10U;
        std::uint64_t most_hashed_bytes = std::uint64_t{16} << 20U;  ///< about 50 ms of SHA-256
    };
    DiagnosisWorker(std::vector<signature::LabelledSecret> secrets,
                    std::vector<signature::LabelledSecret> tokens, observe::Log& log,
                    ServiceMetrics& metrics);
    DiagnosisWorker(std::vector<signature::LabelledSecret> secrets,
                    std::vector<signature::LabelledSecret> tokens, observe::Log& log, ServiceMetrics& metrics,
                    Limits limits);
    DiagnosisWorker(const DiagnosisWorker&) = delete;
    DiagnosisWorker& operator=(const DiagnosisWorker&) = delete;
    ~DiagnosisWorker();

    /// Any thread; never blocks.
    void offer(RefusedWebhook refused) { offer_any(std::move(refused)); }
    void offer(RefusedTwilio refused) { offer_any(std::move(refused)); }

  private:
    using Refused = std::variant<RefusedWebhook, RefusedTwilio>;
    void offer_any(Refused refused);
    void work();
    void diagnose(const RefusedWebhook& refused);
    void diagnose(const RefusedTwilio& refused);

    std::vector<signature::LabelledSecret> secrets_;
    std::vector<signature::LabelledSecret> tokens_;
    observe::Log& log_;
    ServiceMetrics& metrics_;
    Limits limits_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Refused> queue_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace callchain::service
