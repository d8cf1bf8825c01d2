/// Checks of what is configured: no file, clock or socket is touched but through Material.
#pragma once

#include "doctor/material.hpp"
#include "service/check.hpp"

#include <vector>

namespace callchain::doctor {

/// Which variables are set, which of two wins, and which nobody reads.
[[nodiscard]] std::vector<service::Check> check_environment(const Material& material);
/// Problems and warnings of `serve`, or one pass.
[[nodiscard]] std::vector<service::Check> check_serve(const Material& material);
/// The form of secrets, keys and tokens: label, mask and fingerprint are shown, never the value.
[[nodiscard]] std::vector<service::Check> check_secrets(const Material& material);
/// Which platform this is, and what is known to go wrong there. Source: the platforms' documentation, as
/// docs/design/doctor.md lists it.
[[nodiscard]] std::vector<service::Check> check_platform(const Material& material);

}  // namespace callchain::doctor
