/// The settings of the service, as `serve` and `doctor` take them.
#pragma once

#include "context.hpp"
#include "secrets.hpp"
#include "service/serve_config.hpp"

#include <string>
#include <vector>

namespace callchain::cli {

/// The secrets that options name; a kind without any comes from its variable.
struct ServeSources {
    SecretSources webhook_secrets;
    SecretSources api_keys;
    SecretSources tokens;
};

/// The inputs, and what already went wrong with their sources.
struct GatheredServe {
    service::ServeInputs inputs;
    std::vector<Error> problems;
};
[[nodiscard]] GatheredServe gather_serve(const ServeSources& sources, const config::FlagLookup& flags,
                                         Context& context);

}  // namespace callchain::cli
