#include "diagnosis/twilio_forms.hpp"

#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "signature/secret_cleaning.hpp"

#include <algorithm>

namespace callchain::diagnosis {
namespace {

Steps plus(const Steps& steps, std::string_view code, std::string detail) {
    Steps out = steps;
    out.push_back({std::string(code), Proof::proved, std::move(detail), {}});
    return out;
}

struct SignatureStep {
    std::string text;
    Steps steps;
};

std::vector<SignatureStep> alter(const SignatureStep& from) {
    std::vector<SignatureStep> out;
    for (const auto& fault : signature_faults()) {
        for (auto& change : fault.undo(from.text))
            out.push_back({std::move(change.text), plus(from.steps, fault.code, std::move(change.detail))});
    }
    return out;
}

void add_target(std::vector<Target>& targets, const SignatureStep& step) {
    if (!signature::is_twilio_signature(step.text)) return;
    auto bytes = encoding::parse_base64(step.text);
    const auto same = [&](const Target& other) { return other.bytes == *bytes; };
    if (std::none_of(targets.begin(), targets.end(), same))
        targets.push_back({*std::move(bytes), step.steps});
}

}  // namespace

std::vector<UrlStep> alter(const UrlStep& from, const TwilioScene& scene) {
    std::vector<UrlStep> out;
    const auto rows = url_faults();
    for (std::size_t i = from.next_row; i < rows.size(); ++i) {
        for (auto& change : rows[i].undo(from.parts, scene)) {
            const bool alone = rows[i].pairing == Pairing::alone || change.pairing == Pairing::alone;
            out.push_back({std::move(change.url), from.origin,
                           plus(from.steps, rows[i].code, std::move(change.detail)), i + 1,
                           alone ? Pairing::alone : Pairing::with_others});
        }
    }
    return out;
}

std::vector<FieldsStep> alter(const FieldsStep& from, const TwilioScene& scene) {
    std::vector<FieldsStep> out;
    const auto rows = fields_faults();
    for (std::size_t i = from.next_row; i < rows.size(); ++i) {
        for (auto& change : rows[i].undo(from.fields, scene)) {
            out.push_back({std::move(change.fields), plus(from.steps, rows[i].code, std::move(change.detail)),
                           rows[i].twice == Twice::yes ? i : i + 1,
                           from.from_form && rows[i].code != "body_form_as_json"});
        }
    }
    return out;
}

std::vector<TokenStep> alter(const TokenStep& from) {
    std::vector<TokenStep> out;
    const auto apply = [&](const signature::SecretCleaning& cleaning) {
        if (auto text = cleaning.apply(from.text)) {
            out.push_back(
                {*std::move(text), from.index,
                 plus(from.steps, cleaning.code, "With that undone the auth token signs this request.")});
        }
    };
    for (const auto& cleaning : signature::secret_cleanings()) apply(cleaning);
    for (const auto& fault : token_faults()) apply(fault);
    return out;
}

std::vector<Target> signature_targets(std::string_view text) {
    std::vector<Target> targets;
    const SignatureStep exact{std::string(text), {}};
    add_target(targets, exact);
    constexpr std::size_t kLongestText = 1024;
    if (!targets.empty() || text.size() > kLongestText) return targets;
    const auto singles = alter(exact);
    for (const auto& single : singles) add_target(targets, single);
    for (const auto& single : singles) {
        for (const auto& pair : alter(single)) add_target(targets, pair);
    }
    return targets;
}

}  // namespace callchain::diagnosis
