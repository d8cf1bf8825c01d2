/// The two SIP servers of the chain: whom Twilio dials, and whom the gateway dials.
#include "base/text.hpp"
#include "doctor/online_checks.hpp"
#include "service/gateway_check.hpp"
#include "service/gateway_probe.hpp"

namespace callchain::doctor {

using service::Check;
using Outcome = Check::Outcome;

std::vector<Check> check_sip(const Material& material) {
    const auto& config = *material.serve->result.config;
    service::ProbeSettings probe;
    probe.target = {.scheme = "sip", .user = config.voice.project_id, .host = config.voice.host, .port = {}};
    probe.target.parameters.set("transport", "tls");
    probe.ca_file = config.ca_file;
    probe.dns_servers = material.value("CALLCHAIN_DNS_SERVERS");
    probe.patience = material.patience;
    probe.user_agent = "callchain/" + material.version;
    const auto result = service::run_probe(probe);
    if (!result) return {{Outcome::warn, "sip", result.error().message, result.error().hint}};
    // Whether it answers OPTIONS is its own affair: that it is there, with a certificate for its name, is
    // enough.
    if (!result->tls_version.empty())
        return {{Outcome::pass, "sip",
                 config.voice.host + " is reached by " + result->tls_version +
                     ", and its certificate is for that name"}};
    return {{Outcome::warn, "sip", visible(result->why),
             "calls are dialled from Twilio, not from here: what this host cannot reach Twilio may; look at "
             "the name "
             "in CALLCHAIN_SIP_HOST"}};
}

std::vector<Check> check_twilio_domain(const Material& material) {
    auto asked = service::twilio_probe(*material.gateway->result.config, material.invites);
    asked.patience = material.patience;
    auto checks = service::check_twilio(asked, service::run_probe(asked), material.now);
    for (auto& check : checks)
        check.name = check.name.starts_with("twilio-") ? "twilio-domain-" + check.name.substr(7)
                     : check.name == "twilio"          ? "twilio-domain"
                                                       : "twilio-domain-" + check.name;
    return checks;
}

}  // namespace callchain::doctor
