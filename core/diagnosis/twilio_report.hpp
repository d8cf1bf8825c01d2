/// Judges one Twilio request and puts the answer into the report that all schemes share.
#pragma once

#include "base/result.hpp"
#include "diagnosis/report.hpp"
#include "diagnosis/twilio_diagnosis.hpp"

namespace callchain::diagnosis {

/// check_twilio() decides, diagnose_twilio() explains. Errors: usage where there is no token or no URL;
/// bad_input where a URL is no absolute http or https URL.
[[nodiscard]] Result<Report> judge_twilio(const TwilioMaterial& material);

}  // namespace callchain::diagnosis
