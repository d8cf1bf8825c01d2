#include "diagnosis/twilio_report.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/webhook_diagnosis.hpp"
#include "signature/twilio.hpp"

#include <algorithm>

namespace callchain::diagnosis {
namespace {

constexpr std::size_t kShownSignatureCharacters = 12;

// A token has no decoding, so nothing of it is hashed for show: label, length and mask only.
SecretSummary summarize_token(const signature::LabelledSecret& token) {
    auto summary = summarize_secret(token);
    summary.fingerprint.clear();
    return summary;
}

void accept(const signature::TwilioCheck& check, const TwilioMaterial& material, Report& report) {
    report.verdict = Verdict::valid;
    report.mac = MacVerdict::matches;
    report.secret = summarize_token(material.tokens[*check.token_index]);
    report.url = signature::show_url(check.candidate->url);
    report.url_origin = material.urls[*check.url_index].origin + ", " +
                        std::string(signature::describe(check.candidate->form));
}

}  // namespace

void add_reader_remarks(Report& report, const std::vector<Finding>& remarks) {
    const bool lost = std::any_of(remarks.begin(), remarks.end(),
                                  [](const Finding& remark) { return means_lost_evidence(remark.code); });
    if (lost && report.verdict == Verdict::invalid && report.mac == MacVerdict::differs && !has_proof(report))
        report.verdict = Verdict::cannot_tell;
    report.findings.insert(report.findings.end(), remarks.begin(), remarks.end());
}

Result<Report> judge_twilio(const TwilioMaterial& material) {
    if (material.tokens.empty())
        return fail(ErrorCode::usage, "no auth token given, and TWILIO_AUTH_TOKEN is not set");
    if (material.urls.empty()) {
        return fail(ErrorCode::usage, "no URL given, and the request names none",
                    "pass the address that is configured at Twilio: --url https://host/path");
    }
    std::vector<crypto::HmacKey> keys;
    for (const auto& token : material.tokens) keys.push_back(signature::twilio_key(token.text));
    std::vector<std::string> urls;
    for (const auto& url : material.urls) urls.push_back(url.url);
    const auto check = CALLCHAIN_TRY(signature::check_twilio(
        keys, urls, {material.method, material.content_type, material.body, material.signature}));

    Report report;
    report.scheme = "twilio";
    report.body_length = material.body.size();
    report.body_sha256 = crypto::sha256_hex(material.body);
    report.received_signature = visible_excerpt(material.signature, kShownSignatureCharacters);
    for (const auto& token : material.tokens) report.secrets.push_back(summarize_token(token));
    report.mac = check.mac == signature::Mac::matches ? MacVerdict::matches : MacVerdict::differs;
    if (check.valid()) accept(check, material, report);

    auto diagnosis = CALLCHAIN_TRY(diagnose_twilio(material));
    report.tried = diagnosis.tried;
    report.complete = diagnosis.complete;
    if (!check.valid() && report.mac == MacVerdict::differs) {
        report.findings.push_back(
            {"signature_mismatch",
             Proof::hint,
             "Under no token and no form of the URL does the exact recipe yield the received signature.",
             {}});
    }
    for (auto& finding : diagnosis.findings()) {
        const bool only_remark = finding.code == "token_secondary" || finding.code == "token_other_label";
        if (check.valid() && !only_remark) continue;
        report.findings.push_back(std::move(finding));
    }
    std::stable_sort(report.findings.begin(), report.findings.end(), [](const Finding& a, const Finding& b) {
        return a.proof == Proof::proved && b.proof != Proof::proved;
    });
    if (!check.valid() && !diagnosis.explanations.empty()) {
        report.secret = summarize_token(material.tokens[diagnosis.explanations.front().token_index]);
        report.url = diagnosis.explanations.front().signed_url;
    }
    if (!check.valid() && !has_proof(report)) {
        report.excluded.push_back(
            "no single fault and no pair of faults of URL, parameters, body and token yields the signature" +
            std::string(report.complete ? ""
                                        : ", of those that were tried: the search stopped at its bound"));
        report.next_steps.push_back(
            "compare the URL character by character with the one configured at Twilio, and pass it with "
            "--url");
        report.next_steps.push_back(
            "check that the token is the primary auth token of the account or subaccount that owns the call");
    }
    return report;
}

}  // namespace callchain::diagnosis
