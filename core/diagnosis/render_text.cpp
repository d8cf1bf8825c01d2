#include "base/text.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/render.hpp"
#include "diagnosis/report.hpp"

#include <algorithm>

namespace callchain::diagnosis {
namespace {

constexpr std::size_t kWidth = 96;
constexpr std::string_view kIndent = "    ";

std::string evidence_text(const EvidenceValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return visible(*text);
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    return std::get<bool>(value) ? "yes" : "no";
}

std::string secret_text(const SecretSummary& secret, const Report& report) {
    std::string out = secret.label + ", " + count_of(secret.characters, "character");
    if (!secret.mask.empty()) out += ", " + visible(secret.mask);
    if (!secret.fingerprint.empty()) return out + ", fingerprint " + secret.fingerprint;
    return report.scheme == "twilio" ? out : out + ", no fingerprint (not read as base64)";
}

// The proved findings tell the cause; a mere age is told by the verdict already.
const Finding* first_cause(const Report& report) {
    const auto is_cause = [&](const Finding& finding) { return proves_verdict(report, finding); };
    const auto found = std::find_if(report.findings.begin(), report.findings.end(), is_cause);
    return found == report.findings.end() ? nullptr : &*found;
}

std::string valid_line(const Report& report) {
    std::string out = "the signature is right";
    if (report.secret) out += ", signed with \"" + report.secret->label + "\"";
    if (report.url) out += ", for " + visible(*report.url);
    if (report.age && report.freshness != FreshnessVerdict::unknown)
        out += ", " + duration_of(*report.age) + (report.age->count() < 0 ? " ahead" : " ago");
    return out;
}

std::string invalid_line(const Report& report) {
    const bool stale = report.mac == MacVerdict::matches && report.freshness != FreshnessVerdict::fresh &&
                       report.age.has_value();
    if (stale) {
        return "the MAC is right, the timestamp is " + duration_of(*report.age) +
               (report.age->count() < 0 ? " ahead of" : " behind") + " the clock";
    }
    const auto* cause = first_cause(report);
    if (cause == nullptr) return "the signature does not match, and no cause could be proved";
    const auto* entry = find_entry(cause->code);
    return entry != nullptr ? std::string(entry->title) : cause->code;
}

std::string verdict_line(const Report& report, Colour colour) {
    switch (report.verdict) {
        case Verdict::valid:
            return paint("VALID", Paint::green, colour) + ": " + valid_line(report);
        case Verdict::invalid:
            return paint("INVALID", Paint::red, colour) + ": " + invalid_line(report);
        case Verdict::cannot_tell:
            break;
    }
    return paint("CANNOT TELL", Paint::yellow, colour) +
           ": nothing could be proved, and part of the evidence is lost";
}

std::string computed_line(const Report& report, Colour colour) {
    if (report.computed.empty()) return {};
    std::string out = paint("PRINTED VALUE", Paint::bold, colour) + ": ";
    if (report.computed == "right") return out + "it is right, the code that printed it follows the recipe\n";
    if (report.computed == "unexplained")
        return out + "no recipe of the catalogue yields it under these secrets\n";
    for (const auto& finding : report.findings) {
        const auto explains = [](const Evidence& evidence) { return evidence.name == "explains"; };
        if (std::none_of(finding.evidence.begin(), finding.evidence.end(), explains)) continue;
        const auto* entry = find_entry(finding.code);
        return out + "explained. " + (entry != nullptr ? std::string(entry->title) : finding.code) + "\n";
    }
    return out + "explained\n";
}

void add_line(std::string& out, std::string_view name, const std::string& text) {
    if (text.empty()) return;
    std::string column(name);
    column.resize(12, ' ');
    out += "  " + column + text + "\n";
}

void add_findings(std::string& out, const Report& report, Proof proof, std::string_view heading,
                  Colour colour) {
    bool first = true;
    for (const auto& finding : report.findings) {
        if (finding.proof != proof || finding.code == "signature_mismatch") continue;
        if (first) out += "\n" + paint(heading, Paint::bold, colour) + "\n";
        first = false;
        out += finding_text(finding, colour);
    }
}

void add_evidence(std::string& out, const Report& report, Colour colour) {
    out += "\n" + paint("evidence", Paint::bold, colour) + "\n";
    const std::string hash = report.body_sha256.empty() ? "" : ", SHA-256 " + report.body_sha256;
    const std::string body = report.body_known ? count_of(report.body_length, "byte") + hash : "not known";
    add_line(out, "signed", report.signed_as.empty() ? std::string{} : report.signed_as + " + body");
    add_line(out, "body", body);
    add_line(out, "received", report.received_signature);
    add_line(out, "expected",
             report.expected_signature.empty() || report.mac == MacVerdict::matches
                 ? std::string{}
                 : report.expected_signature + "  (exact recipe under \"" + report.expected_under + "\")");
    add_line(out, "url", report.url ? visible(*report.url) : std::string{});
    add_line(out, "", report.url_origin.empty() ? std::string{} : "from " + visible(report.url_origin));
    if (report.secret) add_line(out, "secret", secret_text(*report.secret, report));
    for (const auto& secret : report.secrets) {
        if (!report.secret || secret.label != report.secret->label)
            add_line(out, report.secret ? "other" : "secret", secret_text(secret, report));
    }
}

void add_list(std::string& out, std::string_view heading, const std::vector<std::string>& lines,
              Colour colour) {
    if (lines.empty()) return;
    out += "\n" + paint(heading, Paint::bold, colour) + "\n";
    for (const auto& line : lines) out += "  - " + wrap_text(visible(line), kWidth, kIndent) + "\n";
}

}  // namespace

std::string paint(std::string_view text, Paint style, Colour colour) {
    if (colour == Colour::off) return std::string(text);
    constexpr std::string_view kCodes[] = {"1", "1;31", "1;32", "1;33", "2"};
    return "\x1b[" + std::string(kCodes[static_cast<std::size_t>(style)]) + "m" + std::string(text) +
           "\x1b[0m";
}

std::string finding_text(const Finding& finding, Colour colour) {
    const auto* entry = find_entry(finding.code);
    std::string out =
        "  " + paint(finding.code, finding.proof == Proof::proved ? Paint::red : Paint::yellow, colour);
    if (entry != nullptr) out += ": " + std::string(entry->title);
    out += "\n";
    if (!finding.detail.empty())
        out += std::string(kIndent) + wrap_text(visible(finding.detail), kWidth, kIndent) + "\n";
    std::string facts;
    for (const auto& evidence : finding.evidence)
        facts += (facts.empty() ? "" : ", ") + evidence.name + "=" + evidence_text(evidence.value);
    if (!facts.empty()) out += std::string(kIndent) + paint(facts, Paint::faint, colour) + "\n";
    if (entry != nullptr && !entry->fix.empty())
        out += std::string(kIndent) + "fix: " + wrap_text(entry->fix, kWidth, "         ") + "\n";
    return out;
}

std::string render_text(const Report& report, Colour colour) {
    std::string out = verdict_line(report, colour) + "\n" + computed_line(report, colour);
    add_findings(out, report, Proof::proved, "cause, proved by recomputing the signature", colour);
    add_evidence(out, report, colour);
    add_findings(
        out, report, Proof::hint,
        has_proof(report) || report.verdict == Verdict::valid ? "also noticed" : "noticed, not proved",
        colour);
    add_list(out, "excluded", report.excluded, colour);
    add_list(out, "next", report.next_steps, colour);
    if (const auto* cause = first_cause(report); cause != nullptr && report.verdict != Verdict::valid) {
        out += "\nmore: callchain explain " + cause->code + "\n";
    }
    if (report.tried > 0)
        out += paint("\n" + count_of(report.tried, "signature") + " computed\n", Paint::faint, colour);
    return out;
}

}  // namespace callchain::diagnosis
