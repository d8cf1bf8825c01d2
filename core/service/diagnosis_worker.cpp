#include "service/diagnosis_worker.hpp"

#include "base/text.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/twilio_diagnosis.hpp"
#include "diagnosis/webhook_diagnosis.hpp"
#include "service/webhook_check.hpp"

#include <utility>

namespace callchain::service {
namespace {

using diagnosis::Finding;
using diagnosis::Proof;

std::string codes_of(const std::vector<Finding>& findings, Proof proof) {
    std::vector<std::string> codes;
    for (const auto& finding : findings) {
        if (finding.proof == proof) codes.push_back(finding.code);
    }
    return codes.empty() ? "none" : join(codes, " ");
}

/// One log line: what is proved comes first, with its fix, since that is what the reader came for.
observe::LogFields fields_of(const std::vector<Finding>& findings, std::uint64_t tried) {
    observe::LogFields fields{{"proved", codes_of(findings, Proof::proved)},
                              {"hints", codes_of(findings, Proof::hint)},
                              {"tried", static_cast<std::int64_t>(tried)}};
    for (const auto& finding : findings) {
        if (finding.proof != Proof::proved) continue;
        const auto* entry = diagnosis::find_entry(finding.code);
        fields.push_back({"cause", entry == nullptr ? finding.code : std::string(entry->title)});
        fields.push_back({"detail", finding.detail});
        if (entry != nullptr) fields.push_back({"fix", std::string(entry->fix)});
        break;
    }
    return fields;
}

}  // namespace

DiagnosisWorker::DiagnosisWorker(std::vector<signature::LabelledSecret> secrets,
                                 std::vector<signature::LabelledSecret> tokens, observe::Log& log,
                                 ServiceMetrics& metrics)
    : DiagnosisWorker(std::move(secrets), std::move(tokens), log, metrics, Limits{}) {}

DiagnosisWorker::DiagnosisWorker(std::vector<signature::LabelledSecret> secrets,
                                 std::vector<signature::LabelledSecret> tokens, observe::Log& log,
                                 ServiceMetrics& metrics, Limits limits)
    : secrets_(std::move(secrets)),
      tokens_(std::move(tokens)),
      log_(log),
      metrics_(metrics),
      limits_(limits),
      thread_([this] { work(); }) {}

DiagnosisWorker::~DiagnosisWorker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void DiagnosisWorker::offer_any(Refused refused) {
    const auto body = std::visit([](const auto& one) { return one.body.size(); }, refused);
    {
        const std::lock_guard lock(mutex_);
        if (body > limits_.most_body_bytes || queue_.size() >= limits_.most_queued) {
            metrics_.diagnoses_skipped.add();
            return;
        }
        queue_.push_back(std::move(refused));
    }
    wake_.notify_one();
}

void DiagnosisWorker::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        const auto refused = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        std::visit([this](const auto& one) { diagnose(one); }, refused);
        metrics_.diagnoses.add();
        lock.lock();
        // The pause is what keeps a flood of forgeries from taking a core.
        wake_.wait_for(lock, limits_.interval, [this] { return stopping_; });
    }
}

void DiagnosisWorker::diagnose(const RefusedWebhook& refused) {
    diagnosis::WebhookMaterial material;
    material.secrets = secrets_;
    material.id = refused.id;
    material.timestamp = refused.timestamp;
    material.signature = refused.signature;
    material.body = refused.body;
    material.headers = refused.headers;
    diagnosis::SearchLimits limits;
    limits.most_hashed_bytes = limits_.most_hashed_bytes;
    const auto report = diagnosis::diagnose_webhook(material, refused.received_at, kWebhookTolerance, limits);
    observe::LogFields fields{{"webhook_id", refused.id}};
    if (!report) {
        fields.push_back({"error", report.error().message});
        return log_.warn("refused delivery could not be diagnosed", fields);
    }
    for (auto& field : fields_of(report->findings, report->tried)) fields.push_back(std::move(field));
    if (!diagnosis::has_proof(*report))
        fields.push_back({"next", report->next_steps.empty() ? "" : report->next_steps.front()});
    log_.warn("refused delivery diagnosed", fields);
}

void DiagnosisWorker::diagnose(const RefusedTwilio& refused) {
    diagnosis::TwilioMaterial material;
    material.tokens = tokens_;
    material.signature = refused.signature;
    material.urls = refused.urls;
    material.method = refused.method;
    material.content_type = refused.content_type;
    material.body = refused.body;
    material.target = refused.target;
    material.headers = refused.headers;
    diagnosis::TwilioSearchLimits limits;
    limits.most_hashed_bytes = limits_.most_hashed_bytes;
    const auto found = diagnosis::diagnose_twilio(material, limits);
    if (!found)
        return log_.warn("refused request of Twilio could not be diagnosed",
                         {{"error", found.error().message}});
    auto fields = fields_of(found->findings(), found->tried);
    if (!found->explanations.empty()) {
        fields.push_back({"signed_url", found->explanations.front().signed_url});
        fields.push_back({"token", found->explanations.front().token_label});
    } else {
        fields.push_back(
            {"next",
             "compare CALLCHAIN_PUBLIC_URL with the address that Twilio has, and the token with the "
             "account's: callchain doctor --online --only public-url,twilio-account"});
    }
    log_.warn("refused request of Twilio diagnosed", fields);
}

}  // namespace callchain::service
