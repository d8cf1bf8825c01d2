#include "service/refusals.hpp"

#include "crypto/hash.hpp"
#include "webhook/record.hpp"

#include <algorithm>
#include <utility>

namespace callchain::service {
namespace {

std::vector<signature::LabelledSecret> all_secrets(const ServeConfig& config) {
    std::vector<signature::LabelledSecret> secrets{{"OPENAI_API_KEY", config.api_key}};
    for (const auto& secret : config.webhook_secrets) secrets.push_back(secret.secret);
    secrets.insert(secrets.end(), config.twilio_tokens.begin(), config.twilio_tokens.end());
    return secrets;
}

webhook::RecordedSecret recorded(const LoadedSecret& secret) {
    return {secret.secret.label, secret.secret.text.size(), signature::fingerprint(secret.secret.text),
            signature::mask_secret(secret.secret.text)};
}

}  // namespace

webhook::Capture capture_of(const http::Request& request) {
    webhook::Capture capture;
    capture.method = request.method;
    capture.target = request.target;
    capture.version = request.version;
    capture.headers = request.headers;
    capture.body = request.body;
    return capture;
}

Refusals::Refusals(const ServeConfig& config, observe::Log& log, ServiceMetrics& metrics,
                   std::unique_ptr<observe::CaptureStore> store)
    : log_(log),
      metrics_(metrics),
      mode_(config.record),
      secrets_(config.webhook_secrets),
      known_(all_secrets(config)),
      store_(std::move(store)) {
    if (store_) writer_.start();
}

bool Refusals::may_log(observe::TokenBucket::Time now) {
    std::uint64_t left_out = 0;
    {
        const std::lock_guard lock(mutex_);
        if (!bucket_.take(now)) {
            ++suppressed_;
            metrics_.records_suppressed.add();
            return false;
        }
        left_out = std::exchange(suppressed_, 0);
    }
    if (left_out > 0)
        log_.warn("refusals were left out of the log for their rate",
                  {{"refusals", static_cast<std::int64_t>(left_out)}});
    return true;
}

void Refusals::record(const http::Request& request, std::string_view code, std::string_view reason) {
    if (!may_log(request.received_at)) return;
    webhook::WebhookRecord record;
    // A sender that has a secret in the wrong place must not have it written down here.
    const auto header = [&](std::string_view name) {
        const auto value = request.headers.find(name);
        return value ? std::optional(known_.withhold(*value)) : std::nullopt;
    };
    record.webhook_id = header("webhook-id");
    record.webhook_timestamp = header("webhook-timestamp");
    record.webhook_signature = header("webhook-signature");
    record.user_agent = header("user-agent");
    record.content_type = header("content-type");
    record.body_length = request.body.size();
    record.body_sha256 = crypto::sha256_hex(request.body);
    if (mode_ == RecordMode::full) {
        if (known_.withhold(request.body) == request.body)
            record.body = request.body;
        else
            record.body_left_out = "a secret of this service stands in it";
    }
    record.received_at = request.received_at;
    record.verdict = std::string(code);
    record.reason = std::string(reason);
    for (const auto& secret : secrets_) record.secrets.push_back(recorded(secret));
    log_.write_verbatim(webhook::write_webhook_record(record));
}

void Refusals::capture(const http::Request& request) {
    if (!store_) return;
    constexpr std::size_t kMostWaiting = 8;
    {
        // Asked and added in one piece: two threads must not both find room for one.
        const std::lock_guard lock(mutex_);
        if (writer_.waiting() >= kMostWaiting) return metrics_.captures.add("rate_limited");
        writer_.add([this, bytes = webhook::write_capture(capture_of(request)), at = request.received_at] {
            write_capture(bytes, at);
        });
    }
}

void Refusals::write_capture(const std::string& bytes, observe::TokenBucket::Time received_at) {
    using observe::CaptureOutcome;
    const auto written = store_->write(bytes, received_at);
    switch (written.outcome) {
        case CaptureOutcome::written:
            metrics_.captures.add("written");
            told_failure_ = false;
            return log_.info("refused delivery captured", {{"capture", written.name}});
        case CaptureOutcome::rate_limited:
            return metrics_.captures.add("rate_limited");
        case CaptureOutcome::failed:
            break;
    }
    metrics_.captures.add("failed");
    // A full disk stays full for a while: once is enough.
    if (!std::exchange(told_failure_, true)) log_.warn("captures cannot be written", {{"why", written.why}});
}

}  // namespace callchain::service
