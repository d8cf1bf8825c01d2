/// Checks of this host: files, ports, limits. I/O, but nothing leaves the machine.
#pragma once

#include "doctor/material.hpp"
#include "service/check.hpp"

#include <vector>

namespace callchain::doctor {

/// Who may read the files that variables were read from.
[[nodiscard]] std::vector<service::Check> check_env_files(const Material& material);
/// Whether the port of `serve` is free, or `serve` has it already. Asks whoever is there over loopback.
[[nodiscard]] std::vector<service::Check> check_ports(const Material& material);
/// How many descriptors there are, and for how many calls that is enough.
[[nodiscard]] std::vector<service::Check> check_descriptors(const Material& material);
/// Whether refused deliveries can be kept. Makes nothing.
[[nodiscard]] std::vector<service::Check> check_captures(const Material& material);
/// The certificates that OpenAI's and Twilio's are held against.
[[nodiscard]] std::vector<service::Check> check_ca_store(const Material& material);
/// Certificate, callers and port of the gateway, as `gateway check` has them; names begin with "gateway".
[[nodiscard]] std::vector<service::Check> check_gateway(const Material& material);

/// The port of "host:port".
[[nodiscard]] std::string port_of(std::string_view address);

/// `serve` of this host, where it answers on its port; with TLS, on that of its operators.
struct Neighbour {
    enum class Kind {
        nobody,   ///< the connection was refused
        serve,    ///< ours
        other,    ///< something else has the port, or does not speak HTTP
        unknown,  ///< somebody speaks TLS there, as serve would; nobody can ask by that name from here
    } kind = Kind::nobody;
    std::string instance = {};  ///< of ours
    std::string words = {};     ///< of another: what is known of it
};
[[nodiscard]] Neighbour ask_port(const Material& material, const service::ServeConfig& config);

}  // namespace callchain::doctor
