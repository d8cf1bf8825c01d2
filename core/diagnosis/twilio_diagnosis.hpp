/// Why an X-Twilio-Signature does not match: every explanation that a recomputed signature proves.
#pragma once

#include "base/result.hpp"
#include "diagnosis/finding.hpp"
#include "signature/public_url.hpp"
#include "signature/secret.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// One request and what is known around it. Everything but `urls` borrows from the caller.
struct TwilioMaterial {
    std::span<const signature::LabelledSecret> tokens;
    std::string_view signature;  ///< the value of X-Twilio-Signature; empty where it is missing
    std::vector<signature::RebuiltUrl> urls =
        {};  ///< absolute, each with its origin ("--url", "Host, …"), likeliest first
    std::string_view method = "POST";
    std::string_view content_type = {};
    std::string_view body = {};
    std::string_view target = {};          ///< of the request line, where there is one
    signature::HeaderFields headers = {};  ///< as received
};

/// Bounds of one search.
struct TwilioSearchLimits {
    std::uint64_t most_signatures = 20'000;                       ///< HMACs that are computed
    std::uint64_t most_hashed_bytes = std::uint64_t{128} << 20U;  ///< bytes that go through them
    std::size_t most_body_bytes = std::size_t{1} << 20U;          ///< a longer body is taken only as it is
    std::size_t most_fields = 1'000;                              ///< a form with more is taken only as it is
    std::size_t most_url_bytes = 4'096;                           ///< a longer URL is taken only as it is
    std::size_t most_urls_varied = 3;                             ///< further URLs are taken only as they are
};

/// One way in which the signature comes out right.
struct TwilioExplanation {
    std::vector<Finding> findings;  ///< one or two faults; behind them, where it applies, token_secondary or
                                    ///< token_other_label, which do not count as a fault
    std::string token_label;
    std::size_t token_index = 0;  ///< of the token, as given or cleaned
    std::string signed_url;       ///< as it may be shown (signature::show_url)
    std::string url_origin;       ///< of the URL that it was derived from
};

struct TwilioDiagnosis {
    std::vector<TwilioExplanation> explanations;  ///< all of the fewest faults, one per set of codes; proved
    std::vector<Finding> hints;  ///< what looks odd about tokens, header, body and URL; not proved
    std::uint64_t tried = 0;     ///< signatures that were computed
    bool complete = true;        ///< false: a limit was reached, some candidates were not tried

    /// The findings of all explanations, then the hints, without repeating a code.
    [[nodiscard]] std::vector<Finding> findings() const;
};

/// Undoes what may have happened to URL, parameters, body, token and signature text: nothing first, then one
/// fault, then two, and stops behind the first of these that reproduces the signature. It explains and never
/// accepts: whether a request is valid is check_twilio()'s to say. For a valid request it gives no
/// explanation, except that one is returned with only token_secondary or token_other_label where not the
/// first token signed it. A body whose hash is not the one in the URL is body_sha256_wrong, or the fault of
/// the body that restores the hash. No finding holds a token, a password, or the value of a parameter.
/// Deterministic. Errors: bad_input where a URL is no absolute http or https URL.
[[nodiscard]] Result<TwilioDiagnosis> diagnose_twilio(const TwilioMaterial& material,
                                                      const TwilioSearchLimits& limits = {});

}  // namespace callchain::diagnosis
