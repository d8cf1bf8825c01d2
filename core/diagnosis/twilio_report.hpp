/// Judges one Twilio request and puts the answer into the report that all schemes share.
#pragma once

#include "base/result.hpp"
#include "diagnosis/report.hpp"
#include "diagnosis/twilio_diagnosis.hpp"

namespace callchain::diagnosis {

/// check_twilio() decides, diagnose_twilio() explains. Errors: usage where there is no token or no URL;
/// bad_input where a URL is no absolute http or https URL.
[[nodiscard]] Result<Report> judge_twilio(const TwilioMaterial& material);

/// Adds what the reader of the input noticed; where that means that evidence was lost, and nothing is proved,
/// an invalid signature becomes one that cannot be told.
void add_reader_remarks(Report& report, const std::vector<Finding>& remarks);

}  // namespace callchain::diagnosis
