/// The traps of the platforms that the service and the gateway run on, as far as they show in the
/// environment.
#include "base/endpoint.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "doctor/host_checks.hpp"
#include "doctor/settings_checks.hpp"
#include "http/url.hpp"

#include <algorithm>
#include <utility>

namespace callchain::doctor {
namespace {

using service::Check;
using Outcome = Check::Outcome;
using std::chrono::seconds;

// A service whose drain is over still closes what is left, and its log, before it ends.
constexpr seconds kPastTheDrain{5};

enum class Platform { railway, fly, render, kubernetes, systemd, none };

Platform platform_of(const Material& material) {
    const auto any = [&](std::initializer_list<const char*> names) {
        return std::any_of(names.begin(), names.end(),
                           [&](const char* name) { return material.is_set(name); });
    };
    if (any({"RAILWAY_ENVIRONMENT_NAME", "RAILWAY_ENVIRONMENT", "RAILWAY_PROJECT_ID", "RAILWAY_SERVICE_ID"}))
        return Platform::railway;
    if (any({"FLY_APP_NAME", "FLY_MACHINE_ID"})) return Platform::fly;
    if (any({"RENDER", "RENDER_SERVICE_ID"})) return Platform::render;
    if (any({"KUBERNETES_SERVICE_HOST"})) return Platform::kubernetes;
    if (any({"INVOCATION_ID"})) return Platform::systemd;
    return Platform::none;
}

// ", service "bridge"", or nothing where the platform does not say it.
std::string named(const Material& material, const char* what, const char* variable) {
    const auto value = material.value(variable);
    return value.empty() ? std::string() : std::string(", ") + what + " \"" + safe_excerpt(value, 60) + "\"";
}

Check which_platform(const Material& material, Platform platform) {
    Check check{.name = "platform"};
    switch (platform) {
        case Platform::railway:
            check.sentence = "Railway" + named(material, "service", "RAILWAY_SERVICE_NAME") +
                             named(material, "environment", "RAILWAY_ENVIRONMENT_NAME");
            break;
        case Platform::fly:
            check.sentence =
                "Fly.io" + named(material, "app", "FLY_APP_NAME") + named(material, "region", "FLY_REGION");
            break;
        case Platform::render:
            check.sentence = "Render" + named(material, "service", "RENDER_SERVICE_NAME");
            break;
        case Platform::kubernetes:
            check.sentence = "Kubernetes";
            break;
        case Platform::systemd:
            check.sentence = "started by systemd";
            break;
        case Platform::none:
            check.sentence = "none that is known here";
            break;
    }
    return check;
}

/// Gathers what is wrong with one side on one platform.
class Traps {
  public:
    explicit Traps(const Material& material) : material_(material) {}

    void railway() {
        if (const auto* config = serve()) {
            railway_port(config->listen);
            railway_draining(config->drain);
            railway_domain(*config);
            kept_files(config->capture_dir, "RAILWAY_VOLUME_MOUNT_PATH");
            if (config->log_form == observe::LogForm::text)
                add(Outcome::warn, "platform-log",
                    "the log is text; Railway splits it into lines without fields",
                    "leave CALLCHAIN_LOG away: on Railway it is JSON by itself, a line an event");
        }
        if (material_.gateway) railway_gateway();
        add(Outcome::skipped, "platform-replicas", "how many replicas there are cannot be seen from within",
            "calls are spread over replicas at random: exactly one for the gateway; for serve read "
            "docs/reliability.md first");
    }

    void fly() {
        if (const auto* config = serve()) {
            kept_files(config->capture_dir, nullptr);
            add(Outcome::skipped, "platform-stop",
                "kill_timeout and auto_stop_machines of fly.toml cannot be seen from within",
                "set kill_timeout above the drain of " + duration_of(config->drain) +
                    " (Fly's default is 5 seconds), and min_machines_running = 1: a machine that sleeps "
                    "answers "
                    "its first webhook late");
        }
        const auto* config = gateway();
        if (config == nullptr || config->use_tls) return;
        const auto listen = listens_at(*config);
        if (is_of_every_address(listen))
            add(Outcome::warn, "platform-udp",
                "UDP listens on " + visible_excerpt(listen, 60) + ", where Fly.io delivers none",
                "set CALLCHAIN_LISTEN to the numeric address of fly-global-services (getent hosts "
                "fly-global-services shows it), with the same port inside and outside, and take a dedicated "
                "IPv4 address: Fly.io has no public UDP over IPv6");
    }

    void render() {
        if (material_.gateway)
            add(Outcome::fail, "platform-sip",
                "Render has no public port for SIP: its web services take HTTP, its private ones nothing "
                "from "
                "outside",
                "run the gateway on a machine of its own, on Fly.io, or behind a TCP proxy of Railway's");
        if (const auto* config = serve()) {
            if (material_.value("RENDER_SERVICE_TYPE") == "pserv")
                add(Outcome::fail, "platform-private",
                    "a private service of Render's: neither Twilio nor OpenAI reaches it",
                    "make it a web service");
            const auto host = material_.value("RENDER_EXTERNAL_HOSTNAME");
            if (!host.empty() && config->public_urls.empty())
                add(Outcome::warn, "platform-domain",
                    "CALLCHAIN_PUBLIC_URL is not set; Render calls this service " + visible_excerpt(host, 80),
                    "set CALLCHAIN_PUBLIC_URL=https://" + visible_excerpt(host, 80));
            kept_files(config->capture_dir, nullptr);
            add(Outcome::skipped, "platform-stop",
                "the instance type and maxShutdownDelaySeconds cannot be seen from within",
                "a free instance sleeps, and its first webhook waits until the call is given up: take a paid "
                "one; keep maxShutdownDelaySeconds (30) above the drain of " +
                    duration_of(config->drain));
        }
    }

    /// Wherever a proxy or a port mapping stands in front, loopback is out of reach.
    void any_container() {
        if (const auto* config = serve(); config != nullptr && is_at_loopback(config->listen))
            loopback(config->listen);
        if (const auto* config = gateway(); config != nullptr && is_at_loopback(listens_at(*config)))
            loopback(listens_at(*config));
    }

    [[nodiscard]] std::vector<Check> take() && { return std::move(checks_); }

  private:
    void add(Outcome result, std::string name, std::string sentence, std::string remedy) {
        checks_.push_back({result, std::move(name), std::move(sentence), std::move(remedy)});
    }

    [[nodiscard]] const service::ServeConfig* serve() const {
        return material_.serve && material_.serve->result.config ? &*material_.serve->result.config : nullptr;
    }
    [[nodiscard]] const service::GatewayConfig* gateway() const {
        return material_.gateway && material_.gateway->result.config ? &*material_.gateway->result.config
                                                                     : nullptr;
    }
    [[nodiscard]] static std::string listens_at(const service::GatewayConfig& config) {
        const auto& listeners = config.driver.stack.transports.listeners;
        return listeners.empty() ? std::string() : listeners.front().address;
    }

    static bool is_of_every_address(const std::string& address) {
        return is_unspecified(parse_endpoint(address).value_or(Endpoint{}).address);
    }
    static bool is_at_loopback(const std::string& address) {
        return is_loopback(parse_endpoint(address).value_or(Endpoint{}).address);
    }

    void loopback(const std::string& address) {
        add(Outcome::fail, "platform-listen",
            "it listens on " + address + ": whatever stands in front of it here comes from outside",
            "leave CALLCHAIN_LISTEN away, or write [::]:" + port_of(address));
    }

    void railway_port(const std::string& listen) {
        const auto port = material_.value("PORT");
        if (port.empty())
            return add(Outcome::warn, "platform-port",
                       "PORT is not set; it listens on " + port_of(listen) + ", which Railway has to guess",
                       "set PORT, and the same as target port of the domain (settings, networking)");
        if (parse_decimal(trim(port)) != parse_decimal(port_of(listen)))
            add(Outcome::fail, "platform-port",
                "it listens on " + port_of(listen) + ", and Railway sends to PORT, which is " +
                    visible_excerpt(port, 20),
                "take CALLCHAIN_LISTEN away");
        if (listen.starts_with("0.0.0.0:"))
            add(Outcome::warn, "platform-ipv6",
                "it listens on IPv4 alone; the private network of an environment made before October 2025 "
                "has "
                "IPv6 alone",
                "take CALLCHAIN_LISTEN away: [::] takes both");
    }

    void railway_draining(seconds drain) {
        const auto text = material_.value("RAILWAY_DEPLOYMENT_DRAINING_SECONDS");
        if (!text.empty() && !parse_decimal(text))
            return add(
                Outcome::warn, "platform-draining",
                "RAILWAY_DEPLOYMENT_DRAINING_SECONDS is \"" + safe_excerpt(text, 40) +
                    "\", which is no number",
                "write seconds, digits alone: " + std::to_string(drain.count() + kPastTheDrain.count()));
        const auto given = parse_decimal(text).value_or(0);
        const auto enough = drain.count() + kPastTheDrain.count();
        if (given >= enough) return;
        add(Outcome::warn, "platform-draining",
            given == 0
                ? "RAILWAY_DEPLOYMENT_DRAINING_SECONDS is not set: a deployment kills the old process at "
                  "once, with the calls that ring"
                : "RAILWAY_DEPLOYMENT_DRAINING_SECONDS is " + std::to_string(given) +
                      ", and the drain takes up to " + duration_of(drain),
            "set RAILWAY_DEPLOYMENT_DRAINING_SECONDS=" + std::to_string(enough));
    }

    void railway_domain(const service::ServeConfig& config) {
        if (config.public_urls.empty())
            add(Outcome::warn, "platform-domain",
                "this service has no public domain: neither Twilio nor OpenAI reaches it",
                "generate one (settings, networking, public networking); RAILWAY_PUBLIC_DOMAIN then has it");
    }

    // A file system that a deployment throws away is a bad place for evidence.
    void kept_files(const std::string& folder, const char* volume_variable) {
        if (folder.empty()) return;
        const auto volume = volume_variable == nullptr ? std::string() : material_.value(volume_variable);
        const bool climbs = folder.find("/..") != std::string::npos;
        const bool is_kept = !climbs && !volume.empty() &&
                             (folder == volume || folder + "/" == volume ||
                              folder.starts_with(volume.ends_with('/') ? volume : volume + "/"));
        if (is_kept) return;
        add(Outcome::warn, "platform-files",
            "captures go to " + visible_excerpt(folder, 100) +
                ", which the next deployment throws away unless a volume is mounted there",
            "mount a volume there, or fetch the captures before you deploy; the record lines of the log "
            "stay");
    }

    void railway_gateway() {
        const auto domain = material_.value("RAILWAY_TCP_PROXY_DOMAIN");
        const auto port = material_.value("RAILWAY_TCP_PROXY_PORT");
        if (domain.empty() || port.empty())
            add(Outcome::warn, "platform-tcp-proxy", "this service has no TCP proxy: Meta does not reach it",
                "make one (settings, networking, TCP proxy) for the gateway's port");
        const auto overlap = parse_decimal(material_.value("RAILWAY_DEPLOYMENT_OVERLAP_SECONDS")).value_or(0);
        if (overlap > 0)
            add(Outcome::warn, "platform-overlap",
                "RAILWAY_DEPLOYMENT_OVERLAP_SECONDS is " + std::to_string(overlap) +
                    ": two gateways run then, and half of the requests within calls meet the wrong one (481)",
                "take it away for the gateway");
        const auto* config = gateway();
        if (config == nullptr) return;
        railway_draining(config->drain);
        if (!config->use_tls)
            add(Outcome::fail, "platform-udp",
                "USE_TLS=false: Railway brings in no UDP, its TCP proxy ends no TLS, and Meta speaks TLS "
                "alone",
                "set USE_TLS=true, TLS_CERT_PATH and TLS_KEY_PATH (or TLS_CERT_PEM and TLS_KEY_PEM)");
        railway_advertised(*config, port);
    }

    void railway_advertised(const service::GatewayConfig& config, const std::string& proxy_port) {
        const auto& inward = config.driver.inward;
        if (proxy_port.empty() || !inward.advertised_port) return;
        if (std::to_string(*inward.advertised_port) == proxy_port) return;
        add(Outcome::fail, "platform-advertise",
            "it says that it is reached at port " + std::to_string(*inward.advertised_port) +
                ", and Railway's TCP proxy has " + visible_excerpt(proxy_port, 20),
            "set CALLCHAIN_ADVERTISE to your name and port " + visible_excerpt(proxy_port, 20));
    }

    const Material& material_;
    std::vector<Check> checks_;
};

}  // namespace

std::vector<Check> check_platform(const Material& material) {
    const auto platform = platform_of(material);
    Traps traps(material);
    if (platform == Platform::railway) traps.railway();
    if (platform == Platform::fly) traps.fly();
    if (platform == Platform::render) traps.render();
    if (platform != Platform::none && platform != Platform::systemd) traps.any_container();
    auto checks = std::move(traps).take();
    checks.insert(checks.begin(), which_platform(material, platform));
    return checks;
}

}  // namespace callchain::doctor
