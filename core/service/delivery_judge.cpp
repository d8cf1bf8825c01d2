#include "service/delivery_judge.hpp"

#include "diagnosis/delivery.hpp"
#include "diagnosis/twilio_diagnosis.hpp"
#include "diagnosis/webhook_diagnosis.hpp"
#include "service/request_header.hpp"
#include "service/webhook_check.hpp"
#include "signature/twilio.hpp"
#include "webhook/passing_on.hpp"

#include <chrono>
#include <utility>

namespace callchain::service {
namespace {

using Verdict = Judgement::Verdict;
using Scheme = Judgement::Scheme;

constexpr std::string_view kTwilioHeader = "X-Twilio-Signature";
constexpr std::size_t kMostDiagnosedBody = std::size_t{64} << 10U;
constexpr std::uint64_t kMostHashedBytes = std::uint64_t{16} << 20U;  // some 50 ms of SHA-256

Scheme scheme_of(const http::Request& request) {
    if (diagnosis::scheme_of(request.headers) == diagnosis::Scheme::twilio) return Scheme::twilio;
    // Also where only some of them are there, or under their old names: that is a fault to tell of.
    return diagnosis::find_signature_headers(request.headers).missing.size() < 3 ? Scheme::standard
                                                                                 : Scheme::none;
}

void refuse(Judgement& judgement, std::string_view code, std::string detail) {
    judgement.verdict = Verdict::invalid;
    judgement.codes = {std::string(code)};
    judgement.detail = std::move(detail);
}

}  // namespace

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::valid:
            return "valid";
        case Verdict::invalid:
            return "invalid";
        case Verdict::no_signature:
            return "no_signature";
        case Verdict::no_secret:
            break;
    }
    return "no_secret";
}

Result<DeliveryJudge> DeliveryJudge::make(Secrets secrets) {
    DeliveryJudge judge(std::move(secrets));
    for (const auto& secret : judge.secrets_.webhook) {
        auto key = signature::read_secret(secret.text);
        if (!key) {
            key.error().message = "secret \"" + secret.label + "\": " + key.error().message;
            if (key.error().hint.empty())
                key.error().hint = "copy it again, whole: whsec_ and, as a rule, 44 characters";
            return tl::unexpected(std::move(key).error());
        }
        judge.keys_.emplace_back(crypto::HashAlgorithm::sha256, key->bytes);
    }
    for (const auto& token : judge.secrets_.tokens)
        judge.twilio_keys_.push_back(signature::twilio_key(token.text));
    return judge;
}

DeliveryJudge::DeliveryJudge(Secrets secrets) : secrets_(std::move(secrets)) {}

Judgement DeliveryJudge::check(const http::Request& request) const {
    Judgement judgement;
    judgement.scheme = scheme_of(request);
    if (judgement.scheme == Scheme::none) return judgement;
    judgement.verdict = Verdict::no_secret;
    if (judgement.scheme == Scheme::twilio)
        check_twilio(request, judgement);
    else
        check_standard(request, judgement);
    return judgement;
}

void DeliveryJudge::check_standard(const http::Request& request, Judgement& judgement) const {
    if (keys_.empty()) return;
    auto check = check_webhook_request(keys_, request);
    if (check.key_index) judgement.label = secrets_.webhook[*check.key_index].label;
    if (check.passes()) {
        judgement.verdict = Verdict::valid;
        return;
    }
    refuse(judgement, check.code, std::move(check.reason));
    judgement.proved = check.key_index.has_value();
}

std::vector<std::string> DeliveryJudge::urls_of(const http::Request& request) const {
    std::vector<std::string> urls;
    const auto add = [&](const std::string& base) {
        auto url = webhook::join_url(base, request.target);
        if (url && signature::split_url(*url)) urls.push_back(*std::move(url));
    };
    for (const auto& url : secrets_.public_urls) add(url);
    if (secrets_.public_urls.empty()) add("http://" + std::string(header(request, "Host")));
    return urls;
}

void DeliveryJudge::check_twilio(const http::Request& request, Judgement& judgement) const {
    if (twilio_keys_.empty()) return;
    if (request.headers.values(kTwilioHeader).size() > 1)
        return refuse(judgement, "header_duplicated", "the request has more than one X-Twilio-Signature");
    const auto check = signature::check_twilio(
        twilio_keys_, urls_of(request),
        {request.method, header(request, "Content-Type"), request.body, header(request, kTwilioHeader)});
    if (!check || check->mac == signature::Mac::differs)
        return refuse(judgement, "signature_mismatch",
                      "no token yields this signature for the URL that is taken for Twilio's");
    if (check->token_index) judgement.label = secrets_.tokens[*check->token_index].label;
    if (check->valid()) {
        judgement.verdict = Verdict::valid;
        return;
    }
    if (check->body == signature::BodyCheck::sha256_differs)
        refuse(judgement, "body_sha256_wrong", "the signature is right, and the body is not the one in it");
    else
        refuse(judgement, "body_sha256_missing",
               "the signature is that of the URL alone, and does not cover the body");
    judgement.proved = true;
}

void DeliveryJudge::explain(const http::Request& request, Judgement& judgement) const {
    if (judgement.codes != std::vector<std::string>{"signature_mismatch"}) return;
    if (request.body.size() > kMostDiagnosedBody) return;
    if (judgement.scheme == Scheme::twilio)
        explain_twilio(request, judgement);
    else
        explain_standard(request, judgement);
}

void DeliveryJudge::explain_standard(const http::Request& request, Judgement& judgement) const {
    diagnosis::WebhookMaterial material;
    material.secrets = secrets_.webhook;
    material.id = header(request, "webhook-id");
    material.timestamp = header(request, "webhook-timestamp");
    material.signature = header(request, "webhook-signature");
    material.body = request.body;
    material.headers = diagnosis::pairs_of(request.headers);
    diagnosis::SearchLimits limits;
    limits.most_hashed_bytes = kMostHashedBytes;
    const auto now = std::chrono::floor<std::chrono::seconds>(request.received_at);
    const auto report = diagnosis::diagnose_webhook(material, now, kWebhookTolerance, limits);
    if (!report || !diagnosis::has_proof(*report)) return;
    judgement.codes.clear();
    judgement.proved = true;
    for (const auto& finding : report->findings) {
        if (!diagnosis::proves_verdict(*report, finding)) continue;
        if (judgement.codes.empty()) judgement.detail = finding.detail;
        judgement.codes.push_back(finding.code);
    }
    if (report->secret) judgement.label = report->secret->label;
}

void DeliveryJudge::explain_twilio(const http::Request& request, Judgement& judgement) const {
    const auto content_type = header(request, "Content-Type");
    diagnosis::TwilioMaterial material;
    material.tokens = secrets_.tokens;
    material.signature = header(request, kTwilioHeader);
    for (auto& url : urls_of(request)) material.urls.push_back({std::move(url), "configuration"});
    material.method = request.method;
    material.content_type = content_type;
    material.body = request.body;
    material.target = request.target;
    material.headers = diagnosis::pairs_of(request.headers);
    diagnosis::TwilioSearchLimits limits;
    limits.most_hashed_bytes = kMostHashedBytes;
    const auto found = diagnosis::diagnose_twilio(material, limits);
    if (!found || found->explanations.empty()) return;
    const auto& explanation = found->explanations.front();
    judgement.codes.clear();
    judgement.proved = true;
    judgement.label = explanation.token_label;
    for (const auto& finding : explanation.findings) {
        if (judgement.codes.empty()) judgement.detail = finding.detail;
        judgement.codes.push_back(finding.code);
    }
}

}  // namespace callchain::service
