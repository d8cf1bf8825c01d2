/// The settings of the gateway, as `gateway run` and `gateway check` take them.
#pragma once

#include "context.hpp"
#include "secrets.hpp"
#include "service/gateway_config.hpp"

#include <CLI/App.hpp>
#include <map>
#include <string>
#include <vector>

namespace callchain::cli {

struct GatewayOptions {
    std::map<std::string, std::string, std::less<>> flags;  ///< by name, "--port"
    SecretSources twilio_passwords;
    SecretSources meta_passwords;
    SecretSources outward_passwords;
    bool open_to_the_world = false;
};

void add_gateway_options(CLI::App& command, GatewayOptions& options);

/// The inputs, and what already went wrong with their sources.
struct GatheredGateway {
    service::GatewayInputs inputs;
    std::vector<Error> problems;
    /// Of certificate and key, which `gateway check` has checks of its own for.
    std::vector<Error> certificate_problems;
};
[[nodiscard]] GatheredGateway gather_gateway(const GatewayOptions& options, const CLI::App& command,
                                             Context& context);

/// What may be shown of a setting: of secrets the number of characters.
[[nodiscard]] std::string shown_value(const config::Setting& setting);
[[nodiscard]] std::string shown_where(const config::Setting& setting, const GatewayOptions& options);

}  // namespace callchain::cli
