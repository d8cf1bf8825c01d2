/// From a request, as captured or as given by options, to what the diagnosis works on.
#pragma once

#include "diagnosis/webhook_diagnosis.hpp"
#include "webhook/capture.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::diagnosis {

enum class Scheme { standard, twilio };

/// By the headers that are there: X-Twilio-Signature and none of Standard Webhooks' means Twilio.
[[nodiscard]] Scheme scheme_of(const webhook::Headers& headers);

/// The three signature headers and the remarks on how they were found: under `webhook-*`, as `svix-*`, or
/// under a name that a framework made of them. Of a header that came twice the values are joined by ", ",
/// which is what HTTP libraries hand to the application (RFC 9110 section 5.3).
struct SignatureHeaders {
    std::string id;
    std::string timestamp;
    std::string signature;
    std::vector<std::string> missing;  ///< names, e.g. "webhook-id"
    std::vector<Finding> remarks;
};
[[nodiscard]] SignatureHeaders find_signature_headers(const webhook::Headers& headers);

/// Remarks of the capture reader as findings.
[[nodiscard]] std::vector<Finding> capture_findings(const webhook::Capture& capture);

/// Names and values, for header_remarks() and the Twilio diagnosis.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> pairs_of(const webhook::Headers& headers);

}  // namespace callchain::diagnosis
