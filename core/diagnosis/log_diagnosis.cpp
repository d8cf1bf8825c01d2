#include "diagnosis/log_diagnosis.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/webhook_diagnosis.hpp"

#include <algorithm>

namespace callchain::diagnosis {
namespace {

using webhook::LoggedDelivery;
using webhook::LoggedField;

// A search takes up to a quarter of a second; a log that repeats one failure is told by its first deliveries.
constexpr std::size_t kMostSearches = 12;
constexpr std::size_t kMostOtherDeliveries = 32;
constexpr std::size_t kMostBodyCandidates = 4;

// serve names the webhook of each call, and has verified it before.
std::string of_calls(std::size_t lines) {
    if (lines == 0) return {};
    return " " + count_of(lines, "line") + (lines == 1 ? " is" : " are") +
           " of calls, whose webhooks serve had verified: nothing was refused there.";
}

bool fits(const webhook::LoggedMask& mask, std::string_view secret) {
    const auto text = signature::without_wrapping(secret);
    if (!mask.fingerprint.empty()) return signature::fingerprint(text) == mask.fingerprint;
    return text.size() > mask.head.size() + mask.tail.size() && text.starts_with(mask.head) &&
           text.ends_with(mask.tail);
}

std::string lacking(const LoggedField& field, const std::string& name) {
    if (field.whole()) return {};
    return field.state == LoggedField::State::cut
               ? name + " is cut in the log (\"" + safe_excerpt(field.text, 40) + "\")"
               : name + " is not in the log";
}

int rank(Verdict verdict) {
    switch (verdict) {
        case Verdict::invalid:
            return 2;
        case Verdict::cannot_tell:
            return 1;
        case Verdict::valid:
            break;
    }
    return 0;
}

class LogDiagnosis {
  public:
    explicit LogDiagnosis(const LogMaterial& material) : material_(material) {}

    LogReport run() {
        compare_masks();
        for (std::size_t i = 0; i < material_.reading.deliveries.size(); ++i) judge(i);
        choose_overall();
        add_log_findings();
        return std::move(out_);
    }

  private:
    void compare_masks() {
        for (const auto& mask : material_.reading.masks) {
            MaskVerdict verdict{mask.text, mask.first_line, {}};
            for (const auto& secret : material_.secrets) {
                if (fits(mask, secret.text)) verdict.labels.push_back(secret.label);
            }
            for (const auto& label : verdict.labels) {
                if (std::find(loaded_.begin(), loaded_.end(), label) == loaded_.end())
                    loaded_.push_back(label);
            }
            if (verdict.labels.empty()) unknown_masks_.push_back(mask.text);
            out_.masks.push_back(std::move(verdict));
        }
        // A process whose secret is not at hand loaded that one, whichever of ours may fit the delivery.
        if (loaded_.empty()) loaded_ = unknown_masks_;
    }

    std::vector<std::string> missing_of(const LoggedDelivery& delivery,
                                        const std::vector<std::string>& bodies) const {
        std::vector<std::string> missing;
        const std::pair<const LoggedField&, const char*> fields[] = {
            {delivery.id, "webhook-id"},
            {delivery.timestamp, "webhook-timestamp"},
            {delivery.signature, "webhook-signature"}};
        for (const auto& [field, name] : fields) {
            // Of a cut signature the beginning still tells something.
            const bool usable = std::string_view(name) == "webhook-signature" &&
                                field.state == LoggedField::State::cut && field.text.size() > 20;
            if (auto text = lacking(field, name); !text.empty() && !usable)
                missing.push_back(std::move(text));
        }
        if (bodies.empty()) missing.push_back("the body is not in the log: give it with --body FILE");
        if (material_.secrets.empty())
            missing.push_back(
                "no secret was given: name one with --secret-env, --secret-file or OPENAI_WEBHOOK_SECRET");
        return missing;
    }

    // The given body goes with every delivery whose logged length and hash it does not contradict.
    std::vector<std::string> bodies_of(const LoggedDelivery& delivery) const {
        std::vector<std::string> bodies;
        const bool alone = material_.reading.deliveries.size() == 1;
        if (material_.body) {
            const bool length = !delivery.body_length || *delivery.body_length == material_.body->size();
            const bool hash =
                !delivery.body_sha256.whole() ||
                equal_ignoring_case(delivery.body_sha256.text, crypto::sha256_hex(*material_.body));
            if (alone || (length && hash)) bodies.push_back(*material_.body);
        } else if (delivery.body && !is_mere_preview(delivery)) {
            for (const auto& candidate : delivery.body->candidates) {
                if (bodies.size() < kMostBodyCandidates) bodies.push_back(candidate.bytes);
            }
        }
        return bodies;
    }

    // A few bytes that the service showed on purpose are no body.
    static bool is_mere_preview(const LoggedDelivery& delivery) {
        if (delivery.body->source != webhook::LoggedBody::Source::preview) return false;
        return !delivery.body_length ||
               delivery.body->candidates.front().bytes.size() < *delivery.body_length;
    }

    WebhookMaterial material_of(const LoggedDelivery& delivery, std::string body) const {
        WebhookMaterial material;
        material.secrets = material_.secrets;
        material.id = delivery.id.text;
        material.timestamp = delivery.timestamp.text;
        material.signature = delivery.signature.text;
        material.body = std::move(body);
        material.computed = material_.computed;
        material.loaded_labels = loaded_;
        material.expected_length =
            material_.expected_length ? material_.expected_length : delivery.body_length;
        material.expected_sha256 = material_.expected_sha256;
        if (!material.expected_sha256 && delivery.body_sha256.whole())
            material.expected_sha256 = delivery.body_sha256.text;
        if (delivery.user_agent) material.headers.emplace_back("user-agent", *delivery.user_agent);
        if (!material_.body && delivery.body) {
            if (delivery.body->reordered)
                note_loss(
                    material, "log_lossy_reordered",
                    "The log pipeline took the body apart; its members may be in another order than signed.");
            if (delivery.body->truncated)
                note_loss(material, "log_lossy_truncated", "The log shows only the beginning of the body.");
        }
        if (delivery.signature.state == LoggedField::State::cut) {
            note_loss(material, "log_signature_cut", "The log shows only the beginning of the signature.");
        }
        for (const auto& other : material_.reading.deliveries) {
            if (&other == &delivery || !other.id.whole() || !other.timestamp.whole()) continue;
            if (material.other_deliveries.size() < kMostOtherDeliveries)
                material.other_deliveries.emplace_back(other.id.text, other.timestamp.text);
        }
        return material;
    }

    static void note_loss(WebhookMaterial& material, std::string code, std::string detail) {
        material.remarks.push_back({std::move(code), Proof::hint, std::move(detail), {}});
        material.evidence_lost = true;
    }

    void judge(std::size_t index) {
        const auto& delivery = material_.reading.deliveries[index];
        const auto bodies = bodies_of(delivery);
        LoggedVerdict verdict{index, missing_of(delivery, bodies), {}};
        if (verdict.missing.empty())
            judge_bodies(delivery, bodies, verdict);
        else
            explain_missing(delivery, bodies, verdict);
        out_.deliveries.push_back(std::move(verdict));
    }

    void judge_bodies(const LoggedDelivery& delivery, const std::vector<std::string>& bodies,
                      LoggedVerdict& verdict) {
        bool first = true;
        for (const auto& body : bodies) {
            auto report = judge_one(delivery, body, {0, 0, std::uint64_t{1} << 30U});
            if (first || report.mac == MacVerdict::matches) verdict.report = std::move(report);
            if (verdict.report.mac == MacVerdict::matches) return;
            first = false;
        }
        if (searches_ >= kMostSearches) {
            ++out_.not_searched;
            return;
        }
        ++searches_;
        for (const auto& body : bodies) {
            auto report = judge_one(delivery, body, {});
            const bool proved = has_proof(report);
            if (proved || &body == &bodies.front()) verdict.report = std::move(report);
            if (proved) return;
        }
    }

    Report judge_one(const LoggedDelivery& delivery, const std::string& body, const SearchLimits& limits) {
        const auto material = material_of(delivery, body);
        const auto received =
            delivery.record && delivery.record->received_at
                ? std::optional(std::chrono::floor<std::chrono::seconds>(*delivery.record->received_at))
                : material_.now;
        const auto sent = parse_decimal(delivery.timestamp.text);
        const auto now = received.value_or(std::chrono::sys_seconds(std::chrono::seconds(sent.value_or(0))));
        auto report = diagnose_webhook(material, now, material_.tolerance, limits);
        if (!report) {
            Report failed;
            failed.verdict = Verdict::cannot_tell;
            failed.body_known = false;
            failed.findings.push_back({"log_headers_missing", Proof::hint, report.error().message + ".", {}});
            return failed;
        }
        if (!received) {
            report->freshness = FreshnessVerdict::unknown;
            report->age.reset();
        }
        return *std::move(report);
    }

    void explain_missing(const LoggedDelivery& delivery, const std::vector<std::string>& bodies,
                         LoggedVerdict& verdict) const {
        Report& report = verdict.report;
        report.verdict = Verdict::cannot_tell;
        for (const auto& secret : material_.secrets) report.secrets.push_back(summarize_secret(secret));
        report.received_signature = safe_excerpt(delivery.signature.text, 19);
        if (delivery.id.whole() && delivery.timestamp.whole())
            report.signed_as =
                safe_excerpt(delivery.id.text, 60) + "." + safe_excerpt(delivery.timestamp.text, 40) + ".";
        report.body_known = delivery.body_length.has_value();
        report.body_length = delivery.body_length.value_or(0);
        if (delivery.body_sha256.whole()) report.body_sha256 = delivery.body_sha256.text;
        std::vector<std::string> headers;
        for (const auto& [field, name] : {std::pair{&delivery.id, "webhook-id"},
                                          {&delivery.timestamp, "webhook-timestamp"},
                                          {&delivery.signature, "webhook-signature"}}) {
            if (auto text = lacking(*field, name); !text.empty()) headers.push_back(std::move(text));
        }
        if (!headers.empty())
            report.findings.push_back({"log_headers_missing", Proof::hint, join(headers, "; ") + ".", {}});
        if (delivery.signature.state == LoggedField::State::cut) {
            report.findings.push_back(
                {"log_signature_cut",
                 Proof::hint,
                 "What is left of the signature is \"" + safe_excerpt(delivery.signature.text, 40) + "\".",
                 {}});
        }
        if (bodies.empty()) {
            std::string detail = "The body was not logged";
            if (material_.body)
                detail = "The body given with --body has another length or SHA-256 than this delivery's";
            if (delivery.body_length) detail += "; it had " + count_of(*delivery.body_length, "byte");
            report.findings.push_back({"log_body_missing", Proof::hint, detail + ".", {}});
        }
        report.next_steps = verdict.missing;
    }

    void choose_overall() {
        if (out_.deliveries.empty()) {
            out_.overall.verdict = Verdict::cannot_tell;
            out_.overall.body_known = false;
            out_.overall.findings.push_back({"log_headers_missing",
                                             Proof::hint,
                                             "No webhook delivery was recognised in " +
                                                 count_of(material_.reading.shape.lines, "line") + "." +
                                                 of_calls(material_.reading.call_lines),
                                             {}});
            return;
        }
        const auto telling =
            std::max_element(out_.deliveries.begin(), out_.deliveries.end(),
                             [](const LoggedVerdict& a, const LoggedVerdict& b) {
                                 const auto weight = [](const LoggedVerdict& v) {
                                     return rank(v.report.verdict) * 2 + (has_proof(v.report) ? 1 : 0);
                                 };
                                 return weight(a) < weight(b);
                             });
        out_.overall = telling->report;
        const auto& delivery = material_.reading.deliveries[telling->delivery];
        if (out_.overall.verdict == Verdict::valid && delivery.error &&
            delivery.error->complaint == webhook::SdkComplaint::mismatch) {
            out_.overall.next_steps.push_back(
                "the service refused this delivery, which is right under \"" + out_.overall.secret->label +
                "\": it had another secret loaded, or checked another body than the one logged. Compare its "
                "secret's fingerprint, and let "
                "it check the raw bytes before any parser");
        }
        const bool unknown_key = out_.overall.mac == MacVerdict::differs &&
                                 out_.overall.verdict == Verdict::invalid && !has_proof(out_.overall);
        if (unknown_key && !loaded_.empty() && unknown_masks_.empty()) {
            out_.overall.next_steps.insert(out_.overall.next_steps.begin(),
                                           "the log shows that the process had loaded \"" +
                                               join(loaded_, "\", \"") +
                                               "\", and that secret did not sign this delivery: give the "
                                               "secrets of the project's other endpoints too, "
                                               "each with a label, and this command names the one that did");
        }
    }

    void add_log_findings() {
        auto& findings = out_.overall.findings;
        for (const auto& mask : out_.masks) {
            if (!mask.labels.empty()) {
                findings.push_back({"log_secret_mask_matches",
                                    Proof::hint,
                                    "The log shows " + mask.mask + ", which is the mask of the secret \"" +
                                        join(mask.labels, "\" and \"") + "\".",
                                    {{"mask", mask.mask}, {"secret", join(mask.labels, ",")}}});
            } else if (!material_.secrets.empty()) {
                findings.push_back(
                    {"log_secret_mask_differs",
                     Proof::hint,
                     "The log shows " + mask.mask + ", and none of the secrets given has that mask.",
                     {{"mask", mask.mask}}});
            }
        }
        for (const auto& loss : material_.reading.losses) {
            const bool cut = loss.kind == webhook::LogLoss::Kind::line_cut ||
                             loss.kind == webhook::LogLoss::Kind::line_too_long;
            if (cut)
                findings.push_back({"log_lossy_truncated",
                                    Proof::hint,
                                    "Line " + std::to_string(loss.line) + ": " + loss.detail + ".",
                                    {}});
        }
    }

    const LogMaterial& material_;
    LogReport out_;
    std::vector<std::string> loaded_;
    std::vector<std::string> unknown_masks_;
    std::size_t searches_ = 0;
};

}  // namespace

LogReport diagnose_log(const LogMaterial& material) { return LogDiagnosis(material).run(); }

}  // namespace callchain::diagnosis
