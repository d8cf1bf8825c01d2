/// Remarks that need no key.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "diagnosis/webhook_diagnosis.hpp"
#include "encoding/base64.hpp"
#include "encoding/json_text.hpp"
#include "signature/standard_webhooks.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace callchain::diagnosis {
namespace {

constexpr std::string_view kRedactionMarks[] = {"[REDACTED]", "[redacted]", "[FILTERED]",
                                                "[Filtered]", "<redacted>", "[withheld]"};
constexpr std::string_view kPlaceholders[] = {
    "[object Object]", "undefined", "null", "None", "[object ArrayBuffer]", "[object ReadableStream]"};

// A JSON document that stops before it is finished, as logs and body limits leave it.
bool is_cut_json(std::string_view body) {
    const auto text = trim(body);
    if (text.empty() || (text.front() != '{' && text.front() != '[')) return false;
    const auto value = encoding::parse_json_text(text);
    return !value && value.error().code == ErrorCode::bad_input &&
           value.error().offset.value_or(0) >= text.size();
}

bool ends_in_ellipsis(std::string_view text) {
    const auto tail = trim_right(text);
    return tail.ends_with("…") || tail.ends_with("...");
}

struct Mask {
    std::string_view mark;
    std::size_t at;
};

// What callchain itself leaves of a telephone number, in its logs and bundles: "…4321".
std::optional<Mask> find_cut_number(std::string_view body) {
    constexpr std::string_view kCut = "…";
    constexpr std::size_t kDigits = 4;
    for (auto at = body.find(kCut); at != std::string_view::npos; at = body.find(kCut, at + kCut.size())) {
        const auto rest = body.substr(at + kCut.size());
        const auto* const end = std::find_if_not(rest.begin(), rest.end(), is_ascii_digit);
        if (end - rest.begin() == kDigits) return Mask{body.substr(at, kCut.size() + kDigits), at};
    }
    return std::nullopt;
}

// Stars between blanks are emphasis or a rule; stars that touch a word stand for a part of it.
std::optional<Mask> find_mask(std::string_view body) {
    for (const auto mark : kRedactionMarks) {
        if (const auto at = body.find(mark); at != std::string_view::npos) return Mask{mark, at};
    }
    for (auto at = body.find("***"); at != std::string_view::npos; at = body.find("***", at)) {
        const auto end = std::min(body.find_first_not_of('*', at), body.size());
        const bool free_in_front = at == 0 || is_ascii_blank(body[at - 1]);
        const bool free_behind = end == body.size() || is_ascii_blank(body[end]);
        if (!free_in_front || !free_behind) return Mask{"***", at};
        at = end;
    }
    return find_cut_number(body);
}

}  // namespace

std::vector<Finding> body_remarks(std::string_view body) {
    std::vector<Finding> remarks;
    const auto add = [&](std::string code, std::string detail) {
        remarks.push_back({std::move(code), Proof::hint, std::move(detail)});
    };
    if (body.empty()) {
        add("body_empty",
            "The body here has no bytes. A stream that something else read first looks like this.");
        return remarks;
    }
    const auto text = trim(body);
    if (std::find(std::begin(kPlaceholders), std::end(kPlaceholders), text) != std::end(kPlaceholders)) {
        add("body_object_placeholder",
            "The body is the text \"" + visible(text) + "\", which a program prints in place of an object.");
    }
    if (const auto at = body.find("\uFFFD"); at != std::string_view::npos) {
        add("body_replacement_characters", "U+FFFD stands at byte " + std::to_string(at) +
                                               ": bytes were decoded as the wrong charset and are lost.");
    }
    if (const auto mask = find_mask(body)) {
        add("body_redacted", "\"" + std::string(mask->mark) + "\" stands at byte " +
                                 std::to_string(mask->at) + ": something masked part of the body.");
    }
    if (body.starts_with("\x1f\x8b")) {
        add("body_gzip_encoded",
            "The body begins like gzip data; it does not decode to a body that was signed, or to more than "
            "is decoded here.");
    }
    if (is_cut_json(body) || ends_in_ellipsis(body)) {
        add("body_truncated",
            "The JSON document ends at byte " + std::to_string(body.size()) + " before it is complete.");
    }
    return remarks;
}

std::vector<Finding> signature_remarks(std::string_view signature) {
    std::vector<Finding> remarks;
    const auto add = [&](std::string code, std::string detail) {
        remarks.push_back({std::move(code), Proof::hint, std::move(detail)});
    };
    if (signature::has_only_ed25519(signature)) {
        add("signature_ed25519_only",
            "Every part is of version v1a (ed25519). It is made with a private key; no secret can verify "
            "it.");
        return remarks;
    }
    std::size_t parts = 0;
    char before = ' ';
    for (const char c : signature) {
        if (is_ascii_blank(before) && !is_ascii_blank(c)) ++parts;
        before = c;
    }
    if (parts > signature::kMostSignatureParts) {
        add("signature_too_many_parts", count_of(parts, "part") + "; the first " +
                                            std::to_string(signature::kMostSignatureParts) +
                                            " were looked at.");
    }
    for (const auto value : signature::signature_values(signature)) {
        const auto mac = encoding::parse_base64(value);
        if (mac && mac->size() == 32) continue;
        const bool cut = ends_in_ellipsis(value) || (value.size() < 44 && !value.ends_with('='));
        add(cut ? "signature_truncated" : "signature_malformed",
            "A part of " + count_of(value.size(), "character") +
                "; a signature is 44 characters of base64 that stand for 32 bytes.");
        break;
    }
    return remarks;
}

std::vector<Finding> header_remarks(const std::vector<std::pair<std::string, std::string>>& headers) {
    std::vector<Finding> remarks;
    for (const auto& [name, value] : headers) {
        const auto lower = ascii_lower(name);
        if (lower == "x-twilio-signature") {
            remarks.push_back(
                {"header_is_twilio",
                 Proof::hint,
                 "X-Twilio-Signature is there: this request comes from Twilio and is signed its way.",
                 {}});
        } else if (lower == "user-agent" && !value.starts_with("OpenAI/")) {
            remarks.push_back(
                {"header_not_openai",
                 Proof::hint,
                 "User-Agent is \"" + safe_excerpt(value, 60) + "\"; OpenAI's deliveries say OpenAI/1.0.",
                 {}});
        }
    }
    return remarks;
}

std::vector<Finding> secret_remarks(std::span<const signature::LabelledSecret> secrets) {
    std::vector<Finding> remarks;
    for (const auto& secret : secrets) {
        for (const auto& remark : signature::lint_secret(secret.text)) {
            remarks.push_back({std::string(remark.code),
                               Proof::hint,
                               "Secret \"" + secret.label + "\": " + remark.detail + ".",
                               {{"secret", secret.label}}});
        }
    }
    return remarks;
}

bool means_lost_evidence(std::string_view code) {
    constexpr std::array kCodes{std::string_view("body_replacement_characters"),
                                std::string_view("body_redacted"),
                                std::string_view("body_truncated"),
                                std::string_view("capture_body_shorter"),
                                std::string_view("signature_truncated"),
                                std::string_view("log_signature_cut"),
                                std::string_view("log_lossy_truncated"),
                                std::string_view("log_lossy_reordered")};
    return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

}  // namespace callchain::diagnosis
