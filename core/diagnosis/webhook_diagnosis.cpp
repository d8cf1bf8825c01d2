#include "diagnosis/webhook_diagnosis.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/body_forms.hpp"
#include "encoding/base64.hpp"
#include "signature/standard_webhooks.hpp"

#include <algorithm>
#include <set>

namespace callchain::diagnosis {
namespace {

using signature::LabelledSecret;

constexpr std::size_t kShownSignatureCharacters = 16;

// The secrets that can be read as they are, with their key schedules; `index` points into the material.
struct Readable {
    std::size_t index;
    signature::SecretKey key;
};

std::vector<Readable> readable_secrets(std::span<const LabelledSecret> secrets) {
    std::vector<Readable> out;
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        if (auto key = signature::read_secret(secrets[i].text)) out.push_back({i, *std::move(key)});
    }
    return out;
}

class Diagnosis {
  public:
    Diagnosis(const WebhookMaterial& material, const SearchLimits& limits)
        : material_(material), limits_(limits) {}

    Result<Report> run(std::chrono::sys_seconds now, std::chrono::seconds tolerance) {
        describe_input();
        tolerance_ = tolerance;
        judge_age(now, tolerance);
        if (!material_.signature.empty()) judge_signature();
        if (material_.computed) explain_computed();
        settle_verdict();
        if (auto error = unjudgeable()) return tl::unexpected(*std::move(error));
        return std::move(report_);
    }

  private:
    const LabelledSecret& secret(std::size_t index) const { return material_.secrets[index]; }
    std::string subject() const {
        return material_.signature.empty() ? material_.computed.value_or("") : material_.signature;
    }

    void describe_input() {
        report_.judges_delivery = !material_.signature.empty();
        report_.body_length = material_.body.size();
        report_.body_sha256 = crypto::sha256_hex(material_.body);
        report_.signed_as =
            safe_excerpt(material_.id, 60) + "." + safe_excerpt(material_.timestamp, 40) + ".";
        report_.received_signature = safe_excerpt(subject(), 3 + kShownSignatureCharacters);
        for (const auto& each : material_.secrets) report_.secrets.push_back(summarize_secret(each));
        readable_ = readable_secrets(material_.secrets);
        if (readable_.empty()) return;
        const crypto::HmacKey key(crypto::HashAlgorithm::sha256, readable_.front().key.bytes);
        const auto expected = signature::sign_webhook(key, material_.id, material_.timestamp, material_.body);
        report_.expected_signature = visible_excerpt(expected, 3 + kShownSignatureCharacters);
        report_.expected_under = secret(readable_.front().index).label;
    }

    void judge_age(std::chrono::sys_seconds now, std::chrono::seconds tolerance) {
        const auto sent_at = signature::parse_timestamp(material_.timestamp);
        if (!sent_at) {
            timestamp_error_ = sent_at.error();
            return;
        }
        if (*sent_at < now - tolerance)
            report_.freshness = FreshnessVerdict::too_old;
        else if (*sent_at > now + tolerance)
            report_.freshness = FreshnessVerdict::too_new;
        else
            report_.freshness = FreshnessVerdict::fresh;
        report_.age = now - *sent_at;
    }

    // ---- the signature as received ----

    void judge_signature() {
        report_.mac = MacVerdict::differs;
        for (const auto& each : readable_) {
            if (!matches_exactly(each.key.bytes)) continue;
            report_.mac = MacVerdict::matches;
            accept(each);
            break;
        }
        if (report_.mac == MacVerdict::matches) {
            note_age(Proof::proved);
            return;
        }
        note(Finding{"signature_mismatch",
                     Proof::hint,
                     "Under no secret given does the exact recipe yield the received signature.",
                     {}});
        run_search(material_.signature, Direction::received);
        note_age(Proof::hint);
    }

    bool matches_exactly(std::string_view key_bytes) const {
        const crypto::HmacKey key(crypto::HashAlgorithm::sha256, key_bytes);
        const auto mac = encoding::to_base64(
            key.sign({material_.id, ".", material_.timestamp, ".", material_.body}).view());
        const auto values = signature::signature_values(material_.signature);
        return std::any_of(values.begin(), values.end(), [&](std::string_view value) {
            return crypto::equal_in_constant_time(mac, value);
        });
    }

    void accept(const Readable& match) {
        const auto& used = secret(match.index);
        report_.secret = summarize_secret(used);
        for (const auto hint : match.key.hints) {
            note({std::string(hint),
                  Proof::hint,
                  "Secret \"" + used.label + "\" was read all the same, and the signature matches.",
                  {{"secret", used.label}}});
        }
        const auto is_bare = [&](std::string_view part) {
            return part.find(',') == std::string_view::npos && !part.empty();
        };
        const auto parts = split(material_.signature, ' ');
        if (std::all_of(parts.begin(), parts.end(), is_bare)) {
            note({"signature_version_missing",
                  Proof::proved,
                  "The signature stands there without \"v1,\". OpenAI's SDKs take it, the Standard Webhooks "
                  "libraries do not.",
                  {}});
        }
        const bool loaded = material_.loaded_labels.empty() || contains(material_.loaded_labels, used.label);
        const bool of_first_source = used.source == material_.secrets.front().source;
        if (!loaded || (material_.loaded_labels.empty() && !of_first_source)) note_other_label(used, loaded);
        wrong_secret_loaded_ = !loaded;
    }

    void note_other_label(const LabelledSecret& used, bool loaded) {
        std::string detail = "The secret \"" + used.label + "\" signed this delivery, ";
        std::vector<Evidence> evidence{{"secret", used.label}};
        if (loaded) {
            detail += "not \"" + material_.secrets.front().label + "\", which was named first.";
        } else {
            detail += "but the log says that the process had loaded \"" +
                      join(material_.loaded_labels, "\", \"") + "\".";
            evidence.push_back({"loaded", join(material_.loaded_labels, ",")});
        }
        note({"secret_other_label", Proof::proved, std::move(detail), std::move(evidence)});
    }

    static bool contains(const std::vector<std::string>& list, std::string_view value) {
        return std::find(list.begin(), list.end(), value) != list.end();
    }

    void note_age(Proof proof) {
        if (report_.freshness != FreshnessVerdict::too_old && report_.freshness != FreshnessVerdict::too_new)
            return;
        const bool old = report_.freshness == FreshnessVerdict::too_old;
        std::string detail = "The timestamp lies " + duration_of(*report_.age) +
                             (old ? " in the past; " : " in the future; ") +
                             count_of(static_cast<std::uint64_t>(tolerance_.count()), "second") +
                             " are tolerated.";
        if (proof == Proof::proved)
            detail += " The MAC is right: this is a genuine delivery, " +
                      std::string(old ? "replayed or late." : "or a clock is wrong.");
        note({old ? "timestamp_too_old" : "timestamp_too_new",
              proof,
              std::move(detail),
              {{"age_seconds", std::int64_t{report_.age->count()}}}});
    }

    // ---- the search ----

    void run_search(std::string_view value, Direction direction) {
        if (limits_.most_faults == 0) return;
        SearchMaterial search_material{material_.secrets,   material_.id,
                                       material_.timestamp, value,
                                       material_.body,      material_.other_deliveries};
        const auto result = search(search_material, direction, limits_);
        report_.tried += result.tried;
        report_.complete = report_.complete && result.complete;
        for (const auto& match : result.matches) note_match(match, direction, result.matches.size() > 1);
        if (result.matches.empty()) note_nothing_found(result, direction);
    }

    void note_match(const Match& match, Direction direction, bool one_of_several) {
        if (match.secret && !report_.secret && direction == Direction::received)
            report_.secret = summarize_secret(secret(*match.secret));
        for (const auto& fault : match.faults) {
            Finding finding{std::string(fault.code), Proof::proved, {}, fault.evidence};
            finding.detail = outcome_text(match, direction);
            if (match.secret) {
                finding.detail += " under the secret \"" + secret(*match.secret).label + "\"";
                finding.evidence.push_back({"secret", secret(*match.secret).label});
            }
            finding.detail += match.faults.size() > 1 ? ", together with the other fault." : ".";
            if (!match.secret && direction == Direction::received) {
                finding.detail +=
                    " No secret is needed for that: anybody can have made this signature, and it proves "
                    "nothing about the sender.";
            }
            if (one_of_several) finding.detail += " Equally simple explanations are listed with it.";
            if (direction == Direction::computed)
                finding.evidence.push_back({"explains", std::string("computed")});
            if (fault.code.starts_with("secret_") && match.secret)
                note_service_view(*match.secret, match.key, finding);
            note(std::move(finding));
        }
        if (!match.secret || direction == Direction::computed || material_.loaded_labels.empty()) return;
        const auto& used = secret(*match.secret);
        if (!contains(material_.loaded_labels, used.label)) note_other_label(used, false);
    }

    static std::string outcome_text(const Match& match, Direction direction) {
        const bool cut = std::any_of(match.faults.begin(), match.faults.end(),
                                     [](const Fault& fault) { return fault.code == "signature_truncated"; });
        const bool received = direction == Direction::received;
        if (cut)
            return std::string("Every character that is left of the ") +
                   (received ? "signature" : "printed value") + " is reproduced";
        return received ? "With this undone, the received signature is reproduced byte for byte"
                        : "A recipe with this fault yields the printed value, byte for byte,";
    }

    // `serve` forgives quotes and blanks around a secret; the SDKs do not. Say which of the two this is.
    void note_service_view(std::size_t index, std::string_view key, Finding& finding) const {
        const auto lenient = signature::read_secret(signature::without_wrapping(secret(index).text));
        const auto strict = signature::read_secret(secret(index).text);
        const bool accepts = lenient && lenient->bytes == key && !(strict && strict->bytes == key);
        finding.evidence.push_back({"serve_would_accept", accepts});
        if (accepts) finding.detail += " serve accepts this, the SDKs do not.";
    }

    void note_nothing_found(const SearchResult& result, Direction direction) {
        const std::string what =
            direction == Direction::received ? "the received signature" : "the printed value";
        if (result.space.signatures == 0) {
            nothing_compared_ = true;
            report_.excluded.push_back("nothing could be compared: " + what +
                                       " is no base64 or hex of a MAC, in any reading");
            return;
        }
        const std::string bound =
            result.complete ? "" : " (of those tried: a bound on memory or work was reached)";
        report_.excluded.push_back("no single fault and no pair of faults of the catalogue yields " + what +
                                   bound + ": " + count_of(result.space.keys, "key form") + " of " +
                                   count_of(material_.secrets.size(), "secret") + ", " +
                                   count_of(result.space.contents, "signed content") + ", " +
                                   count_of(result.space.bodies, "body", "bodies") + ", " +
                                   count_of(result.space.signatures, "reading") + " of the signature");
    }

    void explain_computed() {
        const auto& value = *material_.computed;
        for (const auto& each : readable_) {
            const crypto::HmacKey key(crypto::HashAlgorithm::sha256, each.key.bytes);
            const auto right = key.sign({material_.id, ".", material_.timestamp, ".", material_.body});
            const auto values = signature::signature_values(value);
            const bool is_right = std::any_of(values.begin(), values.end(), [&](std::string_view v) {
                return v == encoding::to_base64(right.view());
            });
            if (!is_right) continue;
            computed_is_right_ = true;
            report_.computed = "right";
            if (!report_.secret) report_.secret = summarize_secret(secret(each.index));
            if (material_.signature.empty()) report_.mac = MacVerdict::matches;
            return;
        }
        if (material_.signature.empty()) report_.mac = MacVerdict::differs;
        const auto before = report_.findings.size();
        run_search(value, Direction::computed);
        report_.computed = report_.findings.size() > before ? "explained" : "unexplained";
    }

    // ---- what is left to say ----

    void settle_verdict() {
        const bool right = report_.mac == MacVerdict::matches && !wrong_secret_loaded_;
        const bool judges_time = !material_.signature.empty();
        if (right && (!judges_time || report_.freshness == FreshnessVerdict::fresh)) {
            report_.verdict = Verdict::valid;
        } else {
            report_.verdict = Verdict::invalid;
            explain_failure();
        }
        for (const auto& remark : material_.remarks) note(remark);
        for (const auto& each : material_.secrets) {
            const auto key = signature::read_secret(each.text);
            if (!key)
                note({"secret_unreadable",
                      Proof::hint,
                      "Secret \"" + each.label + "\": " + key.error().message + ".",
                      {{"secret", each.label}}});
        }
        compare_with_expectations();
        const bool lost = material_.evidence_lost || shorter_than_expected() ||
                          std::any_of(report_.findings.begin(), report_.findings.end(), [](const Finding& f) {
                              return means_lost_evidence(f.code) && f.proof == Proof::hint;
                          });
        if (report_.mac != MacVerdict::matches && !has_proof(report_) && lost)
            report_.verdict = Verdict::cannot_tell;
        // The bare fact is worth saying only while nothing better is known.
        if (has_proof(report_))
            std::erase_if(report_.findings, [](const Finding& f) { return f.code == "signature_mismatch"; });
        std::stable_sort(report_.findings.begin(), report_.findings.end(),
                         [](const Finding& a, const Finding& b) {
                             return a.proof == Proof::proved && b.proof != Proof::proved;
                         });
        if (report_.mac == MacVerdict::differs && !has_proof(report_)) add_next_steps();
    }

    void explain_failure() {
        if (timestamp_error_) {
            const bool signed_as_text = report_.mac == MacVerdict::matches;
            note({"timestamp_malformed",
                  signed_as_text ? Proof::proved : Proof::hint,
                  timestamp_error_->message + ".",
                  {}});
        }
        if (report_.mac == MacVerdict::matches) return;
        if (has_proof(report_)) return;
        for (auto& remark : body_remarks(material_.body)) note(std::move(remark));
        for (auto& remark : signature_remarks(subject())) note(std::move(remark));
        for (auto& remark : header_remarks(material_.headers)) note(std::move(remark));
        for (auto& remark : secret_remarks(material_.secrets)) note(std::move(remark));
        if (material_.id.starts_with("evt_"))
            note({"id_is_event_id",
                  Proof::hint,
                  "The webhook-id begins with evt_, as event ids do; delivery ids begin with wh_.",
                  {}});
        report_.excluded.push_back(
            "the clock: SDKs report a stale timestamp as \"too old\" or \"too new\", never as a mismatch");
    }

    bool shorter_than_expected() const {
        return material_.expected_length && material_.body.size() < *material_.expected_length;
    }

    void compare_with_expectations() {
        if (material_.expected_length && *material_.expected_length != material_.body.size()) {
            const auto is = static_cast<std::int64_t>(material_.body.size());
            const auto was = static_cast<std::int64_t>(*material_.expected_length);
            note({"body_length_differs",
                  Proof::hint,
                  "The body here has " + count_of(material_.body.size(), "byte") + ", " +
                      count_of(*material_.expected_length, "byte") + " were expected.",
                  {{"length", is}, {"expected_length", was}}});
        }
        if (!material_.expected_sha256) return;
        if (equal_ignoring_case(*material_.expected_sha256, report_.body_sha256)) {
            report_.excluded.push_back("a change of the body since its SHA-256 was taken: the two agree");
            return;
        }
        note({"body_sha256_differs",
              Proof::hint,
              "The body here is not the one whose SHA-256 was given.",
              {{"sha256", report_.body_sha256},
               {"expected_sha256", ascii_lower(*material_.expected_sha256)}}});
        if (limits_.most_faults > 0) explain_expected_hash();
    }

    // A hash of the original is an oracle too: it needs no key, and proves nothing about the signature.
    void explain_expected_hash() {
        BodyForms forms(material_.body, Direction::received, limits_.most_variant_bytes);
        const auto wanted = ascii_lower(*material_.expected_sha256);
        for (const auto* list : {&forms.singles(), &forms.pairs()}) {
            for (const auto& form : *list) {
                if (form.cost == 0 || crypto::sha256_hex(form.bytes) != wanted) continue;
                for (const auto& fault : forms.explain(form)) {
                    note({std::string(fault.code), Proof::hint,
                          "With this undone, the body has the expected SHA-256.", fault.evidence});
                }
                return;
            }
        }
    }

    void add_next_steps() {
        if (report_.verdict == Verdict::cannot_tell || material_.body.empty() || nothing_compared_) {
            report_.next_steps.push_back(
                "get the body and the signature whole, as they arrived: nothing can be decided from what is "
                "left of them. "
                "docs/webhook-record.md shows how a service logs a delivery so that this always works");
            return;
        }
        report_.next_steps.push_back(
            "the key is most likely not among the secrets given: compare the fingerprints above with those "
            "of the service that receives the webhook, and "
            "look up which endpoint of the OpenAI project has this URL: each endpoint has a secret of its "
            "own");
        report_.next_steps.push_back(
            "if that secret is lost, rotate it with keep_old_secret_active_for_24_hours, set the new one, "
            "and send the endpoint a test event");
        report_.next_steps.push_back(
            "to exclude the body, record it where it arrives (raw bytes, before any parser) and compare it "
            "with: callchain diff-webhook A B");
    }

    std::optional<Error> unjudgeable() const {
        if (has_proof(report_) || report_.mac == MacVerdict::matches || computed_is_right_)
            return std::nullopt;
        if (timestamp_error_ && !material_.signature.empty()) return timestamp_error_;
        if (!readable_.empty() || material_.secrets.empty()) return std::nullopt;
        std::vector<std::string> causes;
        for (const auto& each : material_.secrets) {
            const auto key = signature::read_secret(each.text);
            if (!key) causes.push_back("secret \"" + each.label + "\": " + key.error().message);
        }
        return Error{
            ErrorCode::usage, join(causes, "; "), std::nullopt,
            "copy the secret again, whole, from the endpoint's page; it is whsec_ and 44 characters"};
    }

    void note(Finding finding) {
        const auto same = [&](const Finding& other) {
            return other.code == finding.code && other.detail == finding.detail;
        };
        const auto proved = [&](const Finding& other) {
            return other.code == finding.code && other.proof == Proof::proved;
        };
        if (std::any_of(report_.findings.begin(), report_.findings.end(), same)) return;
        if (finding.proof == Proof::hint &&
            std::any_of(report_.findings.begin(), report_.findings.end(), proved))
            return;
        report_.findings.push_back(std::move(finding));
    }

    const WebhookMaterial& material_;
    SearchLimits limits_;
    std::chrono::seconds tolerance_{};
    Report report_;
    std::vector<Readable> readable_;
    std::optional<Error> timestamp_error_;
    bool wrong_secret_loaded_ = false;
    bool computed_is_right_ = false;
    bool nothing_compared_ = false;
};

}  // namespace

SecretSummary summarize_secret(const LabelledSecret& secret) {
    SecretSummary summary{secret.label, signature::mask_secret(secret.text),
                          signature::fingerprint(secret.text), 0};
    for (auto rest = std::string_view(secret.text); !rest.empty(); ++summary.characters) {
        rest.remove_prefix(std::max<std::size_t>(utf8_sequence_length(rest), 1));
    }
    return summary;
}

bool proves_verdict(const Report& report, const Finding& finding) {
    const auto explains = [](const Evidence& evidence) { return evidence.name == "explains"; };
    const bool of_printed_value = std::any_of(finding.evidence.begin(), finding.evidence.end(), explains);
    return finding.proof == Proof::proved && !(of_printed_value && report.judges_delivery);
}

bool has_proof(const Report& report) {
    return std::any_of(report.findings.begin(), report.findings.end(),
                       [&](const Finding& f) { return proves_verdict(report, f); });
}

Result<Report> diagnose_webhook(const WebhookMaterial& material, std::chrono::sys_seconds now,
                                std::chrono::seconds tolerance, const SearchLimits& limits) {
    if (material.signature.empty() && !material.computed) {
        return fail(ErrorCode::usage, "there is no signature to judge",
                    "webhook-signature is \"v1,\" and 44 characters");
    }
    return Diagnosis(material, limits).run(now, tolerance);
}

std::vector<Finding> explain_body_change(std::string_view original, std::string_view altered) {
    std::vector<Finding> findings;
    if (original == altered) return findings;
    BodyForms forms(altered, Direction::received, SearchLimits{}.most_variant_bytes);
    for (const auto* list : {&forms.singles(), &forms.pairs()}) {
        for (const auto& form : *list) {
            if (form.bytes != original) continue;
            for (auto& fault : forms.explain(form)) {
                findings.push_back({std::string(fault.code), Proof::hint,
                                    "Undoing it turns the second body into the first, byte for byte.",
                                    std::move(fault.evidence)});
            }
            return findings;
        }
    }
    return findings;
}

}  // namespace callchain::diagnosis
