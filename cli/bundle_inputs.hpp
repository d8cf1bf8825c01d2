/// What `bundle` reads: logs, captures, traces, what Twilio keeps, and every secret that must not be in it.
#pragma once

#include "context.hpp"
#include "evidence/bundle.hpp"
#include "secrets.hpp"

#include <string>
#include <vector>

namespace callchain::cli {

struct BundleOptions {
    std::string out;
    std::vector<std::string> logs;
    std::vector<std::string> captures;
    std::vector<std::string> traces;
    std::vector<std::string> twilio;
    std::string call;
    std::string audience;
    std::vector<std::string> revealed;
    std::vector<std::string> public_urls;
    SecretSources secrets;
    SecretSources tokens;
    bool list = false;
};

/// Reads and judges. Errors: those of reading; usage for secrets that cannot be read; limit above 64 MiB for
/// one input, or 256 MiB for all.
[[nodiscard]] Result<evidence::Request> read_bundle_inputs(const BundleOptions& options, Context& context);

}  // namespace callchain::cli
