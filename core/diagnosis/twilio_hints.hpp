/// What can be said of a Twilio request by looking at it, without computing anything.
#pragma once

#include "diagnosis/twilio_diagnosis.hpp"

#include <vector>

namespace callchain::diagnosis {

/// Hints, none proved: shape of the tokens and of the signature, a body or header that is missing, a URL that
/// Twilio cannot have asked for. The URLs must be absolute.
[[nodiscard]] std::vector<Finding> twilio_hints(const TwilioMaterial& material);

}  // namespace callchain::diagnosis
