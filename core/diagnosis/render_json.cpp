#include "base/text.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/render.hpp"
#include "diagnosis/report.hpp"
#include "encoding/json_document.hpp"

#include <nlohmann/json.hpp>

namespace callchain::diagnosis {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::valid:
            return "valid";
        case Verdict::invalid:
            return "invalid";
        case Verdict::cannot_tell:
            break;
    }
    return "cannot_tell";
}

const char* name_of(MacVerdict mac) {
    switch (mac) {
        case MacVerdict::matches:
            return "matches";
        case MacVerdict::differs:
            return "differs";
        case MacVerdict::unknown:
            break;
    }
    return "unknown";
}

const char* name_of(FreshnessVerdict freshness) {
    switch (freshness) {
        case FreshnessVerdict::fresh:
            return "fresh";
        case FreshnessVerdict::too_old:
            return "too_old";
        case FreshnessVerdict::too_new:
            return "too_new";
        case FreshnessVerdict::unknown:
            break;
    }
    return "unknown";
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(visible(text)); }

Json secret_json(const SecretSummary& secret) {
    return {{"label", secret.label},
            {"length", secret.characters},
            {"mask", text_or_null(secret.mask)},
            {"fingerprint", text_or_null(secret.fingerprint)}};
}

}  // namespace

nlohmann::ordered_json finding_json(const Finding& finding) {
    const auto* entry = find_entry(finding.code);
    Json evidence = Json::object();
    for (const auto& [name, value] : finding.evidence) {
        if (const auto* text = std::get_if<std::string>(&value))
            evidence[name] = visible(*text);
        else if (const auto* number = std::get_if<std::int64_t>(&value))
            evidence[name] = *number;
        else
            evidence[name] = std::get<bool>(value);
    }
    return {{"code", finding.code},
            {"proved", finding.proof == Proof::proved},
            {"title", entry != nullptr ? std::string(entry->title) : finding.code},
            {"detail", visible(finding.detail)},
            {"fix", entry != nullptr ? std::string(entry->fix) : std::string{}},
            {"evidence", std::move(evidence)}};
}

nlohmann::ordered_json report_json(const Report& report, std::string_view tool_version) {
    Json document{{"schema", "callchain.verify-sig/1"}, {"tool_version", std::string(tool_version)}};
    document["scheme"] = report.scheme;
    document["verdict"] = name_of(report.verdict);
    document["mac"] = name_of(report.mac);
    document["freshness"] = name_of(report.freshness);
    document["age_seconds"] = report.age ? Json(report.age->count()) : Json(nullptr);
    document["secret"] = report.secret ? secret_json(*report.secret) : Json(nullptr);
    document["secrets"] = Json::array();
    for (const auto& secret : report.secrets) document["secrets"].push_back(secret_json(secret));
    if (!report.computed.empty()) document["computed"] = report.computed;
    if (report.url) document["url"] = visible(*report.url);
    document["body"] = {{"length", report.body_known ? Json(report.body_length) : Json(nullptr)},
                        {"sha256", text_or_null(report.body_sha256)}};
    document["signature"] = {{"received", text_or_null(report.received_signature)},
                             {"expected", text_or_null(report.expected_signature)}};
    document["findings"] = Json::array();
    for (const auto& finding : report.findings) document["findings"].push_back(finding_json(finding));
    document["tried"] = report.tried;
    document["complete"] = report.complete;
    document["excluded"] = report.excluded;
    document["next_steps"] = report.next_steps;
    return document;
}

std::string render_json(const Report& report, std::string_view tool_version) {
    return encoding::json_document(report_json(report, tool_version)) + "\n";
}

}  // namespace callchain::diagnosis
