#include "base/redact.hpp"
#include "base/text.hpp"
#include "diagnosis/log_diagnosis.hpp"
#include "diagnosis/render.hpp"
#include "encoding/json_document.hpp"

#include <nlohmann/json.hpp>

namespace callchain::diagnosis {
namespace {

using Json = nlohmann::ordered_json;
using webhook::LoggedField;

constexpr std::size_t kMostListed = 50;

const char* word_of(const Report& report) {
    switch (report.verdict) {
        case Verdict::valid:
            return "valid";
        case Verdict::invalid:
            return "INVALID";
        case Verdict::cannot_tell:
            break;
    }
    return "cannot tell";
}

std::string shape_text(const webhook::LogReading& reading) {
    const auto& shape = reading.shape;
    std::string out =
        count_of(shape.lines, "line") + ", " +
        (reading.deliveries.size() == 1 ? "1 delivery"
                                        : count_of(reading.deliveries.size(), "delivery", "deliveries")) +
        ", " + count_of(reading.masks.size(), "secret mask");
    std::vector<std::string> undone;
    if (shape.json_lines > 0) undone.push_back(count_of(shape.json_lines, "JSON line") + " unpacked");
    if (shape.colours > 0) undone.push_back(count_of(shape.colours, "colour code") + " taken out");
    if (shape.prefixes > 0)
        undone.push_back(count_of(shape.prefixes, "line prefix", "line prefixes") + " taken off");
    if (shape.joined > 0) undone.push_back(count_of(shape.joined, "wrapped line") + " joined");
    return undone.empty() ? out : out + "; " + join(undone, ", ");
}

std::string lines_text(const webhook::LoggedDelivery& delivery) {
    const auto first = std::to_string(delivery.first_line);
    return delivery.first_line == delivery.last_line
               ? "line " + first
               : "lines " + first + "-" + std::to_string(delivery.last_line);
}

std::string delivery_line(const LoggedVerdict& verdict, const webhook::LogReading& reading) {
    const auto& delivery = reading.deliveries[verdict.delivery];
    std::string out = "  " + lines_text(delivery) + ": " + word_of(verdict.report) + ", " +
                      (delivery.id.text.empty() ? "no id" : safe_excerpt(delivery.id.text, 60));
    if (delivery.body_length) out += ", " + count_of(*delivery.body_length, "byte");
    if (delivery.error) out += ", logged as \"" + visible_excerpt(delivery.error->text, 120) + "\"";
    out += "\n";
    // With one delivery the report above says it already.
    if (reading.deliveries.size() > 1) {
        for (const auto& missing : verdict.missing) out += "    missing: " + missing + "\n";
    }
    return out;
}

Json field_json(const LoggedField& field) {
    const char* state = field.state == LoggedField::State::whole ? "whole"
                        : field.state == LoggedField::State::cut ? "cut"
                                                                 : "absent";
    return {{"state", state},
            {"text", field.text.empty() ? Json(nullptr) : Json(safe_excerpt(field.text, 4096))}};
}

Json delivery_json(const LoggedVerdict& verdict, const webhook::LoggedDelivery& delivery) {
    Json out{{"first_line", delivery.first_line},
             {"last_line", delivery.last_line},
             {"verdict", verdict.report.verdict == Verdict::valid     ? "valid"
                         : verdict.report.verdict == Verdict::invalid ? "invalid"
                                                                      : "cannot_tell"},
             {"webhook_id", field_json(delivery.id)},
             {"webhook_timestamp", field_json(delivery.timestamp)},
             {"webhook_signature", field_json(delivery.signature)},
             {"body_sha256", field_json(delivery.body_sha256)}};
    out["body_length"] = delivery.body_length ? Json(*delivery.body_length) : Json(nullptr);
    out["body_in_log"] = delivery.body.has_value();
    out["error"] = delivery.error ? Json(visible(delivery.error->text)) : Json(nullptr);
    out["missing"] = verdict.missing;
    out["findings"] = Json::array();
    for (const auto& finding : verdict.report.findings) out["findings"].push_back(finding_json(finding));
    return out;
}

}  // namespace

std::string render_log_text(const LogReport& report, const webhook::LogReading& reading, Colour colour) {
    std::string out = render_text(report.overall, colour);
    out += "\n" + paint("log", Paint::bold, colour) + "\n  " + shape_text(reading) + "\n";
    for (const auto& mask : report.masks) {
        out += "  secret " + visible(mask.mask) + " (line " + std::to_string(mask.first_line) + ")" +
               (mask.labels.empty() ? std::string(report.overall.secrets.empty()
                                                      ? ": no secret was given to compare"
                                                      : ": none of the secrets given has this mask")
                                    : ": has the mask of " + join(mask.labels, ", ")) +
               "\n";
    }
    for (std::size_t i = 0; i < report.deliveries.size() && i < kMostListed; ++i) {
        out += delivery_line(report.deliveries[i], reading);
    }
    if (report.deliveries.size() > kMostListed)
        out += "  and " + count_of(report.deliveries.size() - kMostListed, "delivery", "deliveries") +
               " more (--json lists all)\n";
    constexpr std::size_t kMostShown = 5;
    std::size_t shown = 0;
    for (const auto& loss : reading.losses) {
        // What a delivery lacks is told with the delivery.
        using enum webhook::LogLoss::Kind;
        const bool of_the_log = loss.kind == line_cut || loss.kind == line_too_long ||
                                loss.kind == deliveries_dropped || loss.kind == bodies_dropped;
        if (!of_the_log || ++shown > kMostShown) continue;
        out += "  lost: line " + std::to_string(loss.line) + ": " + visible(loss.detail) + "\n";
    }
    if (shown > kMostShown)
        out += "  and " + count_of(shown - kMostShown, "loss", "losses") + " more (--json lists all)\n";
    if (report.not_searched > 0)
        out += "  of " + count_of(report.not_searched, "delivery", "deliveries") +
               " only the exact recipe was tried\n";
    if (!reading.clear_secret_lines.empty()) {
        out += "  line " + std::to_string(reading.clear_secret_lines.front()) +
               " holds a whole secret: rotate it, and do not pass this log on\n";
    }
    return out;
}

std::string render_log_json(const LogReport& report, const webhook::LogReading& reading,
                            std::string_view tool_version) {
    Json document = report_json(report.overall, tool_version);
    Json log{{"lines", reading.shape.lines},
             {"json_lines", reading.shape.json_lines},
             {"colours", reading.shape.colours},
             {"prefixes", reading.shape.prefixes},
             {"joined", reading.shape.joined}};
    log["masks"] = Json::array();
    for (const auto& mask : report.masks)
        log["masks"].push_back(
            {{"mask", visible(mask.mask)}, {"line", mask.first_line}, {"labels", mask.labels}});
    log["deliveries"] = Json::array();
    for (const auto& verdict : report.deliveries)
        log["deliveries"].push_back(delivery_json(verdict, reading.deliveries[verdict.delivery]));
    log["losses"] = Json::array();
    for (const auto& loss : reading.losses)
        log["losses"].push_back({{"line", loss.line}, {"detail", visible(loss.detail)}});
    log["clear_secret_lines"] = reading.clear_secret_lines;
    log["not_searched"] = report.not_searched;
    document["log"] = std::move(log);
    return encoding::json_document(document) + "\n";
}

}  // namespace callchain::diagnosis
