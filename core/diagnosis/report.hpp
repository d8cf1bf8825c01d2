/// The answer of verify-sig as a value: what was judged, how, and why; rendered as text or JSON.
#pragma once

#include "diagnosis/finding.hpp"
#include "signature/secret.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

enum class Verdict {
    valid,        ///< signature right as received under a secret as configured, and fresh
    invalid,      ///< not so
    cannot_tell,  ///< nothing could be proved and evidence is known to be lost
};

/// What may be shown of one secret.
struct SecretSummary {
    std::string label;
    std::string mask;         ///< empty for short secrets
    std::string fingerprint;  ///< empty for a secret that is read as raw text, or not at all
    std::size_t characters = 0;
};
[[nodiscard]] SecretSummary summarize_secret(const signature::LabelledSecret& secret);

enum class MacVerdict { matches, differs, unknown };
enum class FreshnessVerdict { fresh, too_old, too_new, unknown };

struct Report {
    std::string scheme = "standard";  ///< "standard" (Standard Webhooks) or "twilio"
    Verdict verdict = Verdict::invalid;
    MacVerdict mac = MacVerdict::unknown;
    FreshnessVerdict freshness = FreshnessVerdict::unknown;  ///< unknown for Twilio, which signs no time
    std::optional<std::chrono::seconds> age;  ///< now minus the timestamp; negative for the future
    std::optional<SecretSummary> secret;      ///< the one that matched, exactly or with a fault
    std::vector<SecretSummary> secrets;       ///< all that were tried
    std::string url_origin;  ///< Twilio: where that URL was taken from, and in which form it matched
    std::string
        computed;  ///< what became of a printed value: "right", "explained", "unexplained"; empty: none
    std::optional<std::string> url;  ///< Twilio: the URL whose signature matched
    bool body_known = true;          ///< false: nothing is known of it, and the two members below are empty
    std::size_t body_length = 0;
    std::string body_sha256;
    std::string signed_as;           ///< what precedes the body in the signed bytes, made visible
    std::string received_signature;  ///< made visible, cut to its first characters
    bool judges_delivery = true;     ///< false: only a printed value was given, no received signature
    std::string expected_under;      ///< label of the secret under which that is
    std::string expected_signature;  ///< first characters; empty where no secret could be read
    std::vector<Finding> findings;   ///< proved first
    std::vector<std::string>
        excluded;  ///< sentences: what is known not to be the cause, and how widely was searched
    std::vector<std::string> next_steps;
    std::uint64_t tried = 0;  ///< signatures computed
    bool complete = true;     ///< false: a bound was reached, some candidates were not tried
};

/// True where that finding is proved and about the signature that the verdict is on, not about a printed
/// value beside it.
[[nodiscard]] bool proves_verdict(const Report& report, const Finding& finding);
/// True where any finding does.
[[nodiscard]] bool has_proof(const Report& report);

enum class Colour { off, on };
/// For a terminal: verdict, proved cause and fix, evidence, what was excluded. Ends with a line end.
[[nodiscard]] std::string render_text(const Report& report, Colour colour);
/// One JSON document, schema `callchain.verify-sig/1`, indented; ends with a line end.
[[nodiscard]] std::string render_json(const Report& report, std::string_view tool_version);

}  // namespace callchain::diagnosis
