#include "diagnosis/twilio_diagnosis.hpp"

#include "base/text.hpp"
#include "diagnosis/body_forms.hpp"
#include "diagnosis/twilio_forms.hpp"
#include "diagnosis/twilio_hints.hpp"
#include "signature/twilio.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <unordered_set>
#include <utility>

namespace callchain::diagnosis {
namespace {

using signature::BodyRole;
using signature::UrlForm;

constexpr std::size_t kNoMatch = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kMostBodyFormBytes = std::size_t{32} << 20U;

/// One text that Twilio may have hashed as the URL.
struct SignedUrl {
    std::string text;
    BodyRole role;
    const UrlStep* step;
    bool combines;  // not a normalised form: with those, and another fault elsewhere, pairs would be too many
};

/// One text that it may have hashed behind the URL.
struct SignedText {
    std::string text;
    Steps steps = {};
    std::vector<BodyRole> roles = {};  // of the URLs that it makes sense with
    bool combines = true;
};

struct TokenKey {
    crypto::HmacKey key;
    std::size_t index;
    Steps steps;
};

class Search {
  public:
    Search(const TwilioMaterial& material, const TwilioSearchLimits& limits, TwilioScene scene)
        : material_(material),
          limits_(limits),
          scene_(std::move(scene)),
          targets_(signature_targets(material.signature)) {
        prepare_tokens();
        prepare_body();
        for (std::size_t i = 0; i < scene_.urls.size(); ++i)
            expand(bases_.emplace_back(UrlStep{scene_.urls[i], i}), exact_urls_);
    }

    [[nodiscard]] TwilioDiagnosis run() && {
        if (!targets_.empty()) {
            try_exact();
            if (best_cost_ > 1) try_single_faults();
            if (best_cost_ > 2) try_pairs();
        }
        return std::move(out_);
    }

  private:
    void prepare_tokens();
    void prepare_body();
    void prepare_texts();
    void expand(const UrlStep& step, std::vector<SignedUrl>& urls);
    void try_exact();
    void try_single_faults();
    void try_pairs();
    void try_pairs_of_parameters();
    void attempt(const SignedUrl& url, const SignedText& text, std::span<const TokenKey> keys);
    void attempt_plain(std::span<const SignedUrl> urls, std::span<const TokenKey> keys);
    void attempt_together(const SignedUrl& url, const SignedText& text, std::span<const TokenKey> keys);
    void record(const SignedUrl& url, const SignedText& text, const TokenKey& key, const Target& target);
    [[nodiscard]] const SignedText& plain(const SignedUrl& url) const {
        return url.role == BodyRole::parameters ? form_ : nothing_;
    }
    [[nodiscard]] bool spend(std::size_t bytes);
    bool is_new_text(const std::string& text) {
        return seen_texts_.insert(std::hash<std::string>{}(text)).second;
    }
    [[nodiscard]] Steps body_steps(const SignedUrl& url, const SignedText& text) const;
    [[nodiscard]] std::optional<Finding> token_remark(std::size_t index) const;

    const TwilioMaterial& material_;
    const TwilioSearchLimits& limits_;
    TwilioScene scene_;
    std::vector<Target> targets_;
    std::vector<TokenKey> exact_tokens_;
    std::vector<TokenKey> altered_tokens_;  // one fault
    std::vector<TokenKey> worse_tokens_;    // two
    std::deque<UrlStep> bases_;
    std::deque<UrlStep> altered_urls_;  // one fault; SignedUrl points into these
    std::unordered_set<std::string> seen_urls_;
    std::vector<SignedUrl> exact_urls_;
    std::vector<SignedUrl> single_urls_;
    bool body_in_reach_ = false;
    std::unordered_set<std::size_t>
        seen_texts_;  // hashes: the texts would be many, and a collision costs one candidate
    SignedText nothing_;
    SignedText form_;
    std::vector<FieldsStep> altered_fields_;
    std::vector<SignedText> single_texts_;
    std::uint64_t hashed_bytes_ = 0;
    bool exhausted_ = false;
    std::size_t best_cost_ = kNoMatch;
    std::set<std::set<std::string>> told_;  // code sets of the explanations
    TwilioDiagnosis out_;
};

void Search::prepare_tokens() {
    std::unordered_set<std::string> seen;
    const auto add = [&](std::vector<TokenKey>& keys, const TokenStep& step) {
        if (!seen.insert(step.text).second) return false;
        keys.push_back({signature::twilio_key(step.text), step.index, step.steps});
        return true;
    };
    std::vector<TokenStep> exact;
    for (std::size_t i = 0; i < material_.tokens.size(); ++i) {
        exact.push_back({material_.tokens[i].text, i});
        add(exact_tokens_, exact.back());
    }
    std::vector<TokenStep> singles;
    for (const auto& token : exact) {
        for (auto& step : alter(token)) {
            if (add(altered_tokens_, step)) singles.push_back(std::move(step));
        }
    }
    for (const auto& single : singles) {
        for (const auto& step : alter(single)) add(worse_tokens_, step);
    }
}

void Search::prepare_body() {
    const auto pairs = std::count(material_.body.begin(), material_.body.end(), '&') + 1;
    body_in_reach_ = material_.body.size() <= limits_.most_body_bytes &&
                     static_cast<std::size_t>(pairs) <= limits_.most_fields;
    scene_.fields = encoding::parse_form(material_.body);
    form_.text = signature::signed_parameters(scene_.fields);
}

SignedText text_of(FieldsStep step) {
    auto text = signature::signed_parameters(step.fields);
    std::vector<BodyRole> roles{BodyRole::parameters};
    if (!step.from_form) roles.push_back(BodyRole::uncovered);
    return {std::move(text), std::move(step.steps), std::move(roles)};
}

// Everything that one fault makes of the parameters; made only once the exact recipe has failed.
void Search::prepare_texts() {
    using enum BodyRole;
    const auto step_of = [](std::string_view code, std::string detail) {
        return Steps{{std::string(code), Proof::proved, std::move(detail), {}}};
    };
    single_texts_.push_back(
        {"",
         step_of("body_taken_as_form", "Twilio signed the URL alone; the body was read as a form here."),
         {parameters}});
    if (!form_.text.empty()) {
        single_texts_.push_back({form_.text,
                                 step_of("parameter_ignored",
                                         "Twilio signed the form parameters of the body; here they count "
                                         "for nothing, by the method, the Content-Type or bodySHA256."),
                                 {none, hashed, uncovered}});
    }
    if (!body_in_reach_ || !fits_one_by_one(scene_.fields)) out_.complete = false;
    if (!body_in_reach_) return;
    is_new_text(form_.text);
    is_new_text("");
    const auto add = [&](const FieldsStep& step, bool combines) {
        auto text = text_of(step);
        text.combines = combines;
        if (is_new_text(text.text)) single_texts_.push_back(std::move(text));
    };
    for (auto& step : alter(FieldsStep{scene_.fields}, scene_)) {
        add(step, true);
        altered_fields_.push_back(std::move(step));
    }
    const BodyForms forms(material_.body, Direction::received, kMostBodyFormBytes);
    if (forms.incomplete()) out_.complete = false;
    for (const auto& form : forms.singles()) {
        if (form.cost == 0) continue;
        FieldsStep step{encoding::parse_form(form.bytes)};
        for (const auto& fault : forms.explain(form)) {
            step.steps.push_back({std::string(fault.code), Proof::proved,
                                  "With that undone the parameters are those that Twilio signed.",
                                  fault.evidence});
        }
        add(step, form.reach == Reach::combines);
        if (form.reach == Reach::combines) altered_fields_.push_back(std::move(step));
    }
}

// Adds the candidates of a URL that were not there before.
void Search::expand(const UrlStep& step, std::vector<SignedUrl>& urls) {
    const signature::TwilioRequest request{material_.method, material_.content_type, material_.body,
                                           material_.signature};
    const auto role = signature::body_role(step.parts, request);
    for (auto& candidate : signature::url_candidates(step.parts)) {
        const bool as_given = candidate.form == UrlForm::port_removed || candidate.form == UrlForm::port_kept;
        if (seen_urls_.insert(candidate.url).second)
            urls.push_back(
                {std::move(candidate.url), role, &step, as_given && step.pairing == Pairing::with_others});
    }
}

bool Search::spend(std::size_t bytes) {
    if (out_.tried >= limits_.most_signatures || hashed_bytes_ + bytes > limits_.most_hashed_bytes) {
        out_.complete = false;
        exhausted_ = true;
        return false;
    }
    ++out_.tried;
    hashed_bytes_ += bytes;
    return true;
}

void Search::attempt(const SignedUrl& url, const SignedText& text, std::span<const TokenKey> keys) {
    for (const auto& key : keys) {
        if (!spend(url.text.size() + text.text.size())) return;
        const auto digest = key.key.sign({url.text, text.text});
        for (const auto& target : targets_) {
            if (crypto::equal_in_constant_time(digest.view(), target.bytes)) record(url, text, key, target);
        }
    }
}

void Search::attempt_plain(std::span<const SignedUrl> urls, std::span<const TokenKey> keys) {
    for (const auto& url : urls) attempt(url, plain(url), keys);
}

void Search::attempt_together(const SignedUrl& url, const SignedText& text, std::span<const TokenKey> keys) {
    if (std::find(text.roles.begin(), text.roles.end(), url.role) != text.roles.end())
        attempt(url, text, keys);
}

void Search::try_exact() { attempt_plain(exact_urls_, exact_tokens_); }

void Search::try_single_faults() {
    attempt_plain(exact_urls_, altered_tokens_);
    for (std::size_t i = 0; i < bases_.size(); ++i) {
        if (i >= limits_.most_urls_varied || bases_[i].parts.text().size() > limits_.most_url_bytes) {
            out_.complete = false;
            continue;
        }
        for (auto& step : alter(bases_[i], scene_))
            expand(altered_urls_.emplace_back(std::move(step)), single_urls_);
    }
    attempt_plain(single_urls_, exact_tokens_);
    prepare_texts();
    for (const auto& text : single_texts_) {
        for (const auto& url : exact_urls_) attempt_together(url, text, exact_tokens_);
    }
}

void Search::try_pairs() {
    attempt_plain(exact_urls_, worse_tokens_);
    attempt_plain(single_urls_, altered_tokens_);
    for (const auto& text : single_texts_) {
        for (const auto& url : exact_urls_) attempt_together(url, text, altered_tokens_);
    }
    for (const auto& step : altered_urls_) {
        if (step.pairing == Pairing::alone) continue;
        for (const auto& pair : alter(step, scene_)) {
            if (exhausted_) return;
            std::vector<SignedUrl> urls;
            if (pair.pairing == Pairing::with_others) expand(pair, urls);
            attempt_plain(urls, exact_tokens_);
        }
    }
    for (const auto& text : single_texts_) {
        for (const auto& url : single_urls_) {
            if (text.combines && url.combines) attempt_together(url, text, exact_tokens_);
        }
    }
    try_pairs_of_parameters();
}

void Search::try_pairs_of_parameters() {
    for (const auto& step : altered_fields_) {
        for (auto& pair : alter(step, scene_)) {
            if (exhausted_) return;
            const auto text = text_of(std::move(pair));
            if (!is_new_text(text.text)) continue;
            for (const auto& url : exact_urls_) {
                if (url.combines) attempt_together(url, text, exact_tokens_);
            }
        }
    }
}

std::optional<Finding> Search::token_remark(std::size_t index) const {
    const std::string label = visible(material_.tokens[index].label);
    if (ascii_lower(label).find("secondary") != std::string::npos)
        return Finding{"token_secondary",
                       Proof::proved,
                       "The token labelled \"" + label + "\" signed this request.",
                       {}};
    if (index == 0) return std::nullopt;
    return Finding{"token_other_label",
                   Proof::proved,
                   "The token labelled \"" + label + "\" signed this request, not the first one (\"" +
                       visible(material_.tokens[0].label) + "\").",
                   {}};
}

// What is wrong with the body although the signature over the URL is right.
Steps Search::body_steps(const SignedUrl& url, const SignedText& text) const {
    if (!text.steps.empty() || (url.role != BodyRole::hashed && url.role != BodyRole::uncovered)) return {};
    if (url.role == BodyRole::uncovered) {
        return {{"body_sha256_missing",
                 Proof::proved,
                 "Twilio signed this URL without bodySHA256, and the body is no form: nothing vouches for "
                 "the body.",
                 {}}};
    }
    const auto announced =
        signature::query_parameter(url.step->parts.query, signature::kBodyHashParameter).value_or("");
    if (announced == crypto::sha256_hex(material_.body)) return {};
    if (body_in_reach_) {
        const BodyForms forms(material_.body, Direction::received, kMostBodyFormBytes);
        for (const auto& form : forms.singles()) {
            if (crypto::sha256_hex(form.bytes) != announced) continue;
            Steps steps;
            for (const auto& fault : forms.explain(form)) {
                steps.push_back({std::string(fault.code), Proof::proved,
                                 "With that undone the body has the SHA-256 that stands in the signed URL.",
                                 fault.evidence});
            }
            return steps;
        }
    }
    return {{"body_sha256_wrong",
             Proof::proved,
             "The signature over the URL is right; the body here has another SHA-256 than the URL announces.",
             {{"body_sha256", crypto::sha256_hex(material_.body)},
              {"announced_sha256", visible_excerpt(announced, 64)},
              {"body_length", static_cast<std::int64_t>(material_.body.size())}}}};
}

void Search::record(const SignedUrl& url, const SignedText& text, const TokenKey& key, const Target& target) {
    TwilioExplanation explanation;
    auto& findings = explanation.findings;
    for (const auto& steps : {url.step->steps, text.steps, key.steps, target.steps, body_steps(url, text)})
        findings.insert(findings.end(), steps.begin(), steps.end());
    const std::size_t cost = findings.size();
    if (cost > best_cost_) return;
    if (cost < best_cost_) {
        out_.explanations.clear();
        told_.clear();
    }
    best_cost_ = cost;
    if (auto remark = token_remark(key.index)) findings.push_back(*std::move(remark));
    std::set<std::string> codes;
    for (const auto& finding : findings) codes.insert(finding.code);
    if (findings.empty() || !told_.insert(codes).second) return;
    explanation.token_index = key.index;
    explanation.token_label = material_.tokens[key.index].label;
    explanation.signed_url = signature::show_url(url.text);
    explanation.url_origin = material_.urls[url.step->origin].origin;
    for (auto& finding : findings) {
        finding.evidence.push_back({"signed_url", explanation.signed_url});
        finding.evidence.push_back({"token", visible(explanation.token_label)});
    }
    out_.explanations.push_back(std::move(explanation));
}

}  // namespace

std::vector<Finding> TwilioDiagnosis::findings() const {
    std::vector<Finding> all;
    std::set<std::string> seen;
    const auto add = [&](const Finding& finding) {
        if (seen.insert(finding.code).second) all.push_back(finding);
    };
    for (const auto& explanation : explanations)
        std::for_each(explanation.findings.begin(), explanation.findings.end(), add);
    // Hints of one code may speak of several tokens, so they are left out only where that code is proved.
    const auto proved = seen;
    for (const auto& hint : hints) {
        if (!proved.contains(hint.code)) all.push_back(hint);
    }
    return all;
}

Result<TwilioDiagnosis> diagnose_twilio(const TwilioMaterial& material, const TwilioSearchLimits& limits) {
    TwilioScene scene{
        material.method, material.content_type, material.body, material.target, material.headers, {}, {}};
    for (const auto& url : material.urls) scene.urls.push_back(CALLCHAIN_TRY(signature::split_url(url.url)));
    auto diagnosis = Search(material, limits, std::move(scene)).run();
    diagnosis.hints = twilio_hints(material);
    return diagnosis;
}

}  // namespace callchain::diagnosis
