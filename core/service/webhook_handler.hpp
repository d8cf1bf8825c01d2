/// POST /openai/webhook: verify, route by type, take each call up once.
#pragma once

#include "crypto/hash.hpp"
#include "http/server.hpp"
#include "service/call_registry.hpp"
#include "service/calls.hpp"
#include "service/diagnosis_worker.hpp"
#include "service/refusals.hpp"
#include "service/serve_config.hpp"
#include "service/service_metrics.hpp"
#include "service/webhook_check.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <string_view>
#include <vector>

namespace callchain::service {

/// Everything is borrowed and outlives the handler.
struct WebhookContext {
    const ServeConfig& config;
    CallRegistry& registry;
    Calls& calls;
    http::Loop& loop;  ///< of `calls`
    Refusals& refusals;
    DiagnosisWorker& diagnosis;
    observe::Log& log;
    ServiceMetrics& metrics;
    const std::atomic<bool>& draining;
};

/// Answers: 200 to a verified delivery, whatever becomes of the accept (a retried call event is dead); 400 to
/// a verified one that is no event, or announces a call without a usable id; 401 where signature, header or
/// time is bad or missing; 503 while draining, or where the registry is full of calls under way.
class WebhookHandler {
  public:
    explicit WebhookHandler(WebhookContext context);
    /// Any thread; does not block.
    void handle(http::Request request, http::Responder responder) const;

  private:
    void refuse(http::Request request, http::Responder responder, const WebhookCheck& refusal) const;
    void take(const http::Request& request, openai::CallEvent event, http::Responder responder,
              SteadyTime received) const;

    WebhookContext context_;
    std::vector<crypto::HmacKey> keys_;
};

}  // namespace callchain::service
