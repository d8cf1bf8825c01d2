/// The configuration of `gateway run` and `gateway check`: settings, and what they are read into.
#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "gateway/call_driver.hpp"
#include "observe/log.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace callchain::service {

/// Every setting of the gateway, in the order in which people look for them. Source: the environment of the
/// first gateway, and ours.
[[nodiscard]] std::span<const config::SettingSpec> gateway_settings();

struct GatewayConfig {
    gateway::DriverSettings driver;
    std::string admin_listen = "127.0.0.1:9465";  ///< empty: none
    std::chrono::seconds drain{30};
    observe::LogForm log_form = observe::LogForm::json;
    observe::Level log_level = observe::Level::info;
    std::string trace_file = {};  ///< "-": standard error; empty: no trace
    bool nobody_checked = false;  ///< neither list nor digest nor client certificate
    bool open_to_the_world = false;
    bool use_tls = true;
    std::string advertised_from = {};  ///< which setting says how others reach us; empty: as we are bound
    std::vector<std::string> secrets;  ///< never to be printed
};

/// What is known of the certificate, so that a missing CALLCHAIN_ADVERTISE can be filled in.
struct GatewayInputs {
    config::Settings settings;
    bool open_to_the_world = false;         ///< --open-to-the-world
    std::string railway_port = {};          ///< RAILWAY_TCP_APPLICATION_PORT
    std::string railway_proxy_domain = {};  ///< RAILWAY_TCP_PROXY_DOMAIN
    std::string railway_proxy_port = {};    ///< RAILWAY_TCP_PROXY_PORT
    std::vector<std::string> certificate_names =
        {};  ///< and addresses of the certificate, where it could be read
    bool log_to_terminal = false;
};

/// All problems at once: with one there is no config. Warnings are for the start's log.
struct GatewayConfigResult {
    std::optional<GatewayConfig> config;
    std::vector<Error> problems;
    std::vector<std::string> warnings;
};
[[nodiscard]] GatewayConfigResult read_gateway_config(const GatewayInputs& inputs);

/// Certificate and key as these settings have them. Both empty: none is configured.
struct PemPair {
    gateway::PemSource certificate;
    gateway::PemSource key;
};
[[nodiscard]] PemPair pem_of(const config::Settings& settings);

/// Prefixes of Meta's network, as `CALLCHAIN_ALLOW=meta` means them, and the day of the list.
[[nodiscard]] const std::vector<config::Network>& meta_networks();
[[nodiscard]] std::string_view meta_networks_date();
/// Twilio's signalling networks, as `CALLCHAIN_ALLOW_TWILIO=twilio` means them.
[[nodiscard]] const std::vector<config::Network>& twilio_networks();

}  // namespace callchain::service
