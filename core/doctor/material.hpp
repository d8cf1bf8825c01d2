/// What `doctor` looks at: variables, and what `serve` and the gateway make of them.
#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "service/gateway_config.hpp"
#include "service/serve_config.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::doctor {

/// A variable that the environment and a file both set.
struct Shadowed {
    std::string name;
    std::string file;
    bool differs = false;  ///< the two values are not the same
};

struct ServeSide {
    service::ServeInputs inputs;
    service::ServeConfigResult result;
};
struct GatewaySide {
    service::GatewayInputs inputs;
    service::GatewayConfigResult result;
};

struct Material {
    std::chrono::sys_seconds now{};
    std::string version;
    /// The value that counts, with its file; nullopt: not set.
    config::VariableLookup variable;
    std::vector<std::string> names;  ///< of all variables, of the environment and of files
    std::vector<Shadowed> shadowed;
    std::vector<std::string> env_files;  ///< paths of the files that were read
    std::string own_file_left_out;  ///< why ./.env was not read, where it is there; empty: it was, or is not
    std::vector<std::string> own_hosts;  ///< of the public URLs, as diagnosis::host_of_url() writes them
    std::optional<ServeSide> serve;      ///< nullopt: not looked at
    std::optional<GatewaySide> gateway;
    bool online = false;
    bool invites = false;                       ///< the SIP Domain is asked by an INVITE, not by OPTIONS
    std::chrono::milliseconds patience{5'000};  ///< for one question
    std::function<std::string(std::size_t)> random;

    /// The value of a variable; empty where it is not set.
    [[nodiscard]] std::string value(const std::string& name) const;
    [[nodiscard]] bool is_set(const std::string& name) const { return !value(name).empty(); }
};

/// What is needed to ask OpenAI, whatever else is wrong with the configuration.
struct ApiAccess {
    std::string base_url;
    std::string key;
    std::string project;  ///< may be empty
};
/// Errors: usage, saying what is missing; a base URL that must not get the key.
[[nodiscard]] Result<ApiAccess> api_access(const Material& material);

/// The webhook secrets, one each, without their wrapping; also where the configuration has other problems.
[[nodiscard]] std::vector<signature::LabelledSecret> webhook_secrets(const Material& material);

}  // namespace callchain::doctor
