/// All that a run of the whole chain is made of, before anything is started.
#pragma once

#include "simulator/meta.hpp"
#include "simulator/openai.hpp"
#include "simulator/twilio.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace callchain::simulator {

/// A proper chain, unless a fault changes it. Addresses and files are filled in when it is started.
struct Plan {
    MetaSettings meta;
    TwilioSettings twilio;
    OpenAiSettings openai;
    /// Over what the processes are given otherwise; an empty value takes a variable away.
    std::map<std::string, std::string> gateway = {};
    std::map<std::string, std::string> serve = {};

    bool with_gateway = true;  ///< false: the call starts at Twilio
    std::size_t calls = 1;
    double rate = 1;  ///< calls a second

    /// What OpenAI signs with for the endpoint of serve, and for the other one where there is one. serve
    /// holds the first, unless `serve` says otherwise.
    std::string secret;
    std::string other_secret;
    /// A second endpoint of the same project: another host that is subscribed as well, and accepts first.
    bool other_endpoint = false;
    /// Twilio's voice URL is answered with this document, in place of serve's: of somebody else's service.
    std::string foreign_twiml = {};
    std::chrono::seconds gateway_certificate_life{std::chrono::hours(90 * 24)};
    /// serve gets SIGTERM so long behind the bridging of a call, and SIGKILL at once behind it.
    std::optional<std::chrono::milliseconds> kills_serve = std::nullopt;
    /// serve is stopped in the middle of things once it is ready: its port takes connections, nobody answers.
    bool freezes_serve = false;
    /// A second gateway of the same settings; a balancer gives the connections to one and the other in turn.
    bool second_replica = false;
    /// The balancer tells of its connections, one after the other, that they come from these addresses.
    std::vector<std::string> peers_of_gateway = {};
};

/// What only this run knows.
struct RunSecrets {
    std::string meta_password;
    std::string twilio_password;
    std::string auth_token;
    std::string api_key;
    std::string secret;
    std::string other_secret;
};
/// Of 192 bytes that nobody can guess.
[[nodiscard]] RunSecrets make_secrets(const std::string& random_bytes);

/// The plan without a fault.
[[nodiscard]] Plan make_plan(const RunSecrets& secrets);

/// The environment of `gateway run` and of `serve` by that plan; `plan.twilio` and `plan.openai` are known.
struct Places {
    std::string folder = {};
    std::string ca_file = {};
    std::string gateway_certificate = {};
    std::string gateway_key = {};
    std::string gateway_name = "gateway";  ///< of its files
    std::uint16_t gateway_port = 0;        ///< where it listens
    std::uint16_t advertised_port = 0;     ///< where the others find it, directly or not
    std::string twilio_address = {};
    std::string twilio_api_url = {};
    std::string openai_url = {};
    std::string public_url = {};     ///< of serve, as Twilio knows it
    std::string serve_address = {};  ///< where it listens, once it does
};
[[nodiscard]] std::map<std::string, std::string> gateway_environment(const Plan& plan, const Places& places);
[[nodiscard]] std::map<std::string, std::string> serve_environment(const Plan& plan, const Places& places);
/// That of serve, and what our other commands read to reach the stand-ins.
[[nodiscard]] std::map<std::string, std::string> desk_environment(const Plan& plan, const Places& places);

}  // namespace callchain::simulator
