/// Judges one Standard Webhooks delivery and, where the answer is no, finds out why.
#pragma once

#include "base/result.hpp"
#include "diagnosis/report.hpp"
#include "diagnosis/search.hpp"
#include "signature/secret.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::diagnosis {

struct WebhookMaterial {
    std::vector<signature::LabelledSecret> secrets;
    std::string id;
    std::string timestamp;
    std::string signature;  ///< the header's text; empty with only a computed value
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;  ///< all others, for remarks about the sender
    std::optional<std::string> computed;                       ///< the value that the user's own code printed
    std::optional<std::uint64_t> expected_length;
    std::optional<std::string> expected_sha256;                         ///< hex, either case
    std::vector<std::pair<std::string, std::string>> other_deliveries;  ///< (id, timestamp)
    std::vector<Finding> remarks;  ///< of whoever read the input; they go into the report
    bool evidence_lost = false;    ///< the reader knows that the input is cut, masked or re-ordered
    /// Labels of the secrets that the receiving process had loaded, where its log says so; empty: all are its
    /// own.
    std::vector<std::string> loaded_labels;
};

/// The full judgement. Errors: usage or bad_input where nothing can be judged and nothing was proved: no
/// readable secret, or a timestamp that is no number.
[[nodiscard]] Result<Report> diagnose_webhook(const WebhookMaterial& material, std::chrono::sys_seconds now,
                                              std::chrono::seconds tolerance,
                                              const SearchLimits& limits = {});

/// Remarks that need no key: what is odd about a body, an id or a signature text by itself.
[[nodiscard]] std::vector<Finding> body_remarks(std::string_view body);
[[nodiscard]] std::vector<Finding> signature_remarks(std::string_view signature);
[[nodiscard]] std::vector<Finding> header_remarks(
    const std::vector<std::pair<std::string, std::string>>& headers);
/// The lint of every secret, with its label as evidence.
[[nodiscard]] std::vector<Finding> secret_remarks(std::span<const signature::LabelledSecret> secrets);

/// Which catalogue transformations turn `original` into `altered`, where one or two do; empty otherwise.
[[nodiscard]] std::vector<Finding> explain_body_change(std::string_view original, std::string_view altered);

/// True for the remarks that say that evidence was lost: a cut, masked or lossily converted body or
/// signature.
[[nodiscard]] bool means_lost_evidence(std::string_view code);

}  // namespace callchain::diagnosis
