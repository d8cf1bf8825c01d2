#include "service/gateway_config.hpp"

#include "base/endpoint.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "config/settings_reader.hpp"
#include "gateway/tls_certificate.hpp"
#include "service/gateway_values.hpp"
#include "sip/message.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace callchain::service {
namespace {

constexpr std::size_t kLooksLikeId = 15;  // phone numbers are shorter in every country that has WhatsApp

constexpr std::chrono::seconds kPastTheCall{60};

bool is_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_ascii_digit);
}

class Reader : config::SettingsReader {
  public:
    explicit Reader(const GatewayInputs& inputs) : SettingsReader(inputs.settings), in_(inputs) {}

    GatewayConfigResult read() && {
        read_transport();
        read_who();
        read_listen();
        read_advertised();
        read_twilio();
        read_outward();
        read_times();
        read_log();
        share_settings();
        GatewayConfigResult result;
        result.warnings = std::move(warnings_);
        result.problems = std::move(problems_);
        if (result.problems.empty()) result.config = std::move(config_);
        return result;
    }

  private:
    void read_transport() {
        const auto& word = settings_.value("USE_TLS");
        if (const auto tls = parse_switch(word))
            config_.use_tls = *tls;
        else
            refuse("USE_TLS", "\"" + safe_excerpt(word, 40) + "\" is neither true nor false");
        transports().tls_ca_file = settings_.value("CALLCHAIN_CA_FILE");
        config_.driver.stack.dns.servers = settings_.value("CALLCHAIN_DNS_SERVERS");
        warn_of_unused_certificates();
        if (!config_.use_tls)
            return warn("USE_TLS=false: calls come by UDP and TCP, unencrypted; Meta speaks TLS alone");
        auto pem = pem_of(settings_);
        const bool certificate = !pem.certificate.path.empty() || !pem.certificate.text.empty();
        const bool key = !pem.key.path.empty() || !pem.key.text.empty();
        if (!certificate || !key)
            problem(certificate ? "the key of the certificate is not set"
                    : key       ? "the certificate of the key is not set"
                                : "neither certificate nor key is set, and USE_TLS is true",
                    "set TLS_CERT_PATH and TLS_KEY_PATH, or TLS_CERT_PEM and TLS_KEY_PEM; USE_TLS=false is "
                    "for labs");
        gateway::TlsServerSettings server{.certificate = std::move(pem.certificate),
                                          .key = std::move(pem.key)};
        server.client_ca_file = settings_.value("CALLCHAIN_CLIENT_CA_FILE");
        if (!server.client_ca_file.empty())
            server.client_certificate = gateway::TlsServerSettings::ClientCertificate::require;
        transports().tls_server = std::move(server);
    }

    void warn_of_unused_certificates() {
        for (const auto& [path, text] :
             {std::pair{"TLS_CERT_PATH", "TLS_CERT_PEM"}, std::pair{"TLS_KEY_PATH", "TLS_KEY_PEM"}}) {
            if (config_.use_tls && settings_.is_set(path) && settings_.is_set(text))
                warn(std::string(text) + " is not used: " + path + " is set, and goes before it");
            for (const auto* name : {path, text})
                if (!config_.use_tls && settings_.is_set(name))
                    warn(std::string(name) + " is not used: USE_TLS is false");
        }
    }

    // Who may call

    void read_who() {
        config_.open_to_the_world = in_.open_to_the_world;
        auto& admission = config_.driver.admission;
        admission.allow = networks("CALLCHAIN_ALLOW", "meta", meta_networks());
        if (allows_meta())
            warn("CALLCHAIN_ALLOW=meta is the list of " + std::string(meta_networks_date()) +
                 ": Meta adds networks; the digest is the real proof");
        read_accounts();
        if (auto list = take("CALLCHAIN_PROXY_PROTOCOL_FROM",
                             config::parse_networks(settings_.value("CALLCHAIN_PROXY_PROTOCOL_FROM"))))
            transports().proxy_protocol_from = *std::move(list);
        if (const auto most = number("CALLCHAIN_MAX_CALLS", 1'000'000))
            admission.most_calls = static_cast<std::size_t>(*most);
        if (admission.most_calls == 0) refuse("CALLCHAIN_MAX_CALLS", "0 would let nobody in");
        if (const auto rate = number("CALLCHAIN_CALLS_PER_SECOND", 1'000'000)) {
            if (*rate == 0) refuse("CALLCHAIN_CALLS_PER_SECOND", "0 would let nobody in");
            admission.calls_per_second = static_cast<double>(*rate);
        }
        read_algorithms();
        if (is_behind_railway() && transports().proxy_protocol_from.empty()) {
            // The proxy's address stands in for everybody's.
            admission.addresses_known = false;
            transports().limits.connections_per_address = 0;
            warn(
                "behind Railway's TCP proxy callers have no address of their own: lists and limits by "
                "address "
                "are off");
            if (admission.accounts.empty())
                problem("behind Railway's TCP proxy META_SIP_USERNAME and META_SIP_PASSWORD are needed",
                        "addresses are lost there, and nothing else tells Meta from anybody");
        }
        config_.nobody_checked = admission.allow.empty() && admission.accounts.empty() &&
                                 settings_.value("CALLCHAIN_CLIENT_CA_FILE").empty();
        if (config_.nobody_checked && in_.open_to_the_world)
            warn(
                "--open-to-the-world: whoever reaches the port can call at your cost; set META_SIP_USERNAME "
                "and META_SIP_PASSWORD, or CALLCHAIN_ALLOW");
        read_strict_mode();
    }

    void read_strict_mode() {
        if (!settings_.is_set("CALLCHAIN_CLIENT_CA_FILE")) return;
        if (!config_.use_tls) return refuse("CALLCHAIN_CLIENT_CA_FILE", "needs TLS", "set USE_TLS=true");
        if (config_.driver.admission.accounts.empty())
            warn(
                "CALLCHAIN_CLIENT_CA_FILE: whoever has any certificate of these authorities can call, "
                "whatever name is in it; set META_SIP_USERNAME and META_SIP_PASSWORD as well");
        warn(
            "CALLCHAIN_CLIENT_CA_FILE: Twilio shows no certificate, so its BYE is refused where it comes by "
            "a connection of its own, and the call ends only when CALLCHAIN_KEEPALIVE_SECONDS finds it gone; "
            "without this setting the digest proves who calls");
    }

    [[nodiscard]] bool allows_meta() const {
        const auto items = items_of(replace_all(settings_.value("CALLCHAIN_ALLOW"), " ", ","));
        return std::any_of(items.begin(), items.end(),
                           [](const std::string& item) { return equal_ignoring_case(item, "meta"); });
    }

    [[nodiscard]] bool is_behind_railway() const {
        return !in_.railway_port.empty() || !in_.railway_proxy_port.empty() ||
               !in_.railway_proxy_domain.empty();
    }

    std::vector<config::Network> networks(std::string_view name, std::string_view word,
                                          const std::vector<config::Network>& known) {
        std::vector<config::Network> list;
        std::string rest;
        for (const auto& item : items_of(replace_all(settings_.value(name), " ", ","))) {
            if (equal_ignoring_case(item, word))
                list.insert(list.end(), known.begin(), known.end());
            else
                rest += item + ",";
        }
        if (auto parsed = take(name, config::parse_networks(rest)))
            list.insert(list.end(), parsed->begin(), parsed->end());
        return list;
    }

    void read_accounts() {
        const auto users = items_of(settings_.value("META_SIP_USERNAME"));
        const auto passwords = items_of(settings_.value("META_SIP_PASSWORD"));
        config_.secrets.insert(config_.secrets.end(), passwords.begin(), passwords.end());
        if (users.size() != passwords.size())
            return problem("META_SIP_USERNAME has " + count_of(users.size(), "number") +
                               ", and META_SIP_PASSWORD " + count_of(passwords.size(), "password"),
                           "each number has the password in the same place of the other list");
        for (std::size_t index = 0; index < users.size(); ++index) {
            auto user = users[index];
            if (user.starts_with('+')) {
                warn("META_SIP_USERNAME: the + in front of " + show_number(user) +
                     " was taken off: Meta's digest has the digits alone");
                user.erase(0, 1);
            }
            if (!is_digits(user))
                warn("META_SIP_USERNAME: \"" + show_number(user) +
                     "\" is no number: Meta's digest has the digits of the business number");
            else if (user.size() >= kLooksLikeId)
                warn("META_SIP_USERNAME: " + show_number(user) +
                     " looks like a phone_number_id: the digest has the digits of the business number, "
                     "without +");
            config_.driver.admission.accounts.push_back({user, passwords[index]});
        }
        config_.driver.meta = config_.driver.admission.accounts;
    }

    void read_algorithms() {
        auto& algorithms = config_.driver.admission.algorithms;
        algorithms.clear();
        for (const auto& name : items_of(settings_.value("CALLCHAIN_DIGEST_ALGORITHM"))) {
            if (equal_ignoring_case(name, "MD5"))
                algorithms.push_back(sip::DigestAlgorithm::md5);
            else if (equal_ignoring_case(name, "SHA-256"))
                algorithms.push_back(sip::DigestAlgorithm::sha256);
            else
                refuse("CALLCHAIN_DIGEST_ALGORITHM",
                       "\"" + safe_excerpt(name, 40) + "\" is not one of MD5, SHA-256");
        }
        if (items_of(settings_.value("CALLCHAIN_DIGEST_ALGORITHM")).empty())
            refuse("CALLCHAIN_DIGEST_ALGORITHM", "names none: MD5 is what Meta answers");
    }

    // Where

    // A variable that Railway sets: a bad value is blamed on it, and on none of ours.
    std::optional<std::uint16_t> railways_port(std::string_view name, const std::string& text) {
        if (text.empty()) return std::nullopt;
        const auto port = config::parse_port(text);
        if (port && *port != 0) return *port;
        problem(std::string(name) + ": \"" + safe_excerpt(text, 40) + "\" is no port",
                "Railway sets it to the port of its TCP proxy; remove a value that was set by hand");
        return std::nullopt;
    }

    std::uint16_t read_port() {
        const std::uint16_t usual = config_.use_tls ? 5061 : 5060;
        if (!in_.railway_port.empty())
            return railways_port("RAILWAY_TCP_APPLICATION_PORT", in_.railway_port).value_or(usual);
        if (!settings_.is_set("PORT")) return usual;
        return take("PORT", config::parse_port(settings_.value("PORT"))).value_or(usual);
    }

    // Which port counts, where there are two.
    void warn_of_other_port(std::uint16_t port) {
        if (port_ == port) return;
        if (!in_.railway_port.empty())
            warn("RAILWAY_TCP_APPLICATION_PORT is " + std::to_string(port) +
                 ", and CALLCHAIN_LISTEN has port " + std::to_string(port_) +
                 ": Railway's proxy finds nobody there");
        else if (settings_.is_set("PORT"))
            warn("PORT is not used: CALLCHAIN_LISTEN has a port, " + std::to_string(port_));
    }

    // A list of IPv4 networks refuses whoever comes by IPv6, without a word to him.
    void warn_of_ipv6() {
        const auto& admission = config_.driver.admission;
        const auto& listeners = transports().listeners;
        const bool is_bound = std::any_of(listeners.begin(), listeners.end(), [](const auto& listener) {
            return listener.address.starts_with("[") && !listener.address.starts_with("[::1]");
        });
        if (!allows_meta() || !admission.addresses_known || !is_bound) return;
        if (!std::all_of(admission.allow.begin(), admission.allow.end(), &config::is_ipv4)) return;
        warn(
            "CALLCHAIN_ALLOW=meta has no IPv6 networks, and the gateway listens by IPv6 as well: who comes "
            "that way is not let in; publish no AAAA record for its name, or add Meta's networks of IPv6");
    }

    void read_listen() {
        const auto port = read_port();
        port_ = port;
        const bool loopback_only = config_.nobody_checked && !in_.open_to_the_world;
        auto listen = std::string(loopback_only ? "127.0.0.1:" : "[::]:") + std::to_string(port);
        if (settings_.is_set("CALLCHAIN_LISTEN")) {
            auto chosen =
                take("CALLCHAIN_LISTEN", config::parse_listen_address(settings_.value("CALLCHAIN_LISTEN")));
            if (!chosen) return;
            listen = *std::move(chosen);
            const auto chosen_at = parse_endpoint(listen).value_or(Endpoint{{}, port});
            host_ = chosen_at.address;
            port_ = chosen_at.port;
            warn_of_other_port(port);
            if (loopback_only && !is_loopback(host_))
                refuse("CALLCHAIN_LISTEN", listen + " can be reached by others, and nobody is checked",
                       "set META_SIP_USERNAME and META_SIP_PASSWORD, or CALLCHAIN_ALLOW; or say "
                       "--open-to-the-world");
        } else if (loopback_only) {
            host_ = "127.0.0.1";
            warn(
                "nobody is checked, so only this host can call (127.0.0.1): set META_SIP_USERNAME and "
                "META_SIP_PASSWORD, or CALLCHAIN_ALLOW");
        }
        using gateway::Transport;
        if (config_.use_tls)
            transports().listeners = {{Transport::tls, listen}};
        else
            transports().listeners = {{Transport::udp, listen}, {Transport::tcp, listen}};
        warn_of_ipv6();
        config_.admin_listen.clear();
        if (settings_.value("CALLCHAIN_ADMIN_LISTEN") == "off") return;
        if (auto admin = take("CALLCHAIN_ADMIN_LISTEN",
                              config::parse_listen_address(settings_.value("CALLCHAIN_ADMIN_LISTEN"))))
            config_.admin_listen = *std::move(admin);
    }

    // How others reach us: named, else by the certificate, else by Railway's proxy, else as we are bound.
    void read_advertised() {
        auto& inward = config_.driver.inward;
        proxy_port_ = railways_port("RAILWAY_TCP_PROXY_PORT", in_.railway_proxy_port);
        if (settings_.is_set("CALLCHAIN_ADVERTISE")) {
            if (!read_advertise()) return;
        } else if (settings_.is_set("PUBLIC_IP")) {
            if (!read_public_ip()) return;
        } else if (config_.use_tls) {
            // A name that stands for many is none to be called by.
            const auto name = std::find_if(in_.certificate_names.begin(), in_.certificate_names.end(),
                                           [](const std::string& one) { return !one.starts_with("*."); });
            if (name != in_.certificate_names.end()) advertise(*name, std::nullopt, "the certificate");
        } else if (!in_.railway_proxy_domain.empty()) {
            if (auto address = parse_host_address(in_.railway_proxy_domain, TransportBehind::refused);
                address && !address->port)
                advertise(address->host, std::nullopt, "RAILWAY_TCP_PROXY_DOMAIN");
            else
                return problem("RAILWAY_TCP_PROXY_DOMAIN: \"" + safe_excerpt(in_.railway_proxy_domain, 80) +
                                   "\" is no name of a host",
                               "Railway sets it; remove a value that was set by hand");
        }
        const bool wildcard = host_.empty() || is_unspecified(host_);
        if (!inward.advertised_host.empty()) {
            if (inward.advertised_port == 0) {
                inward.advertised_port.reset();
                warn("port 0 picks a free port, which nobody outside knows: Contact has " +
                     inward.advertised_host +
                     " without one; choose a PORT, or name the port from outside "
                     "behind CALLCHAIN_ADVERTISE");
            }
        } else if (wildcard) {
            problem("how Meta and Twilio reach this gateway is not known",
                    "set CALLCHAIN_ADVERTISE to a name in the certificate (with the port from outside), or "
                    "PUBLIC_IP in a lab without TLS");
        }
        if (inward.advertised_host.empty()) return;
        config_.driver.stack.sent_by = inward.advertised_host;
        config_.driver.stack.sent_by_port = inward.advertised_port;
    }

    void advertise(std::string host, std::optional<std::uint16_t> port, std::string from) {
        auto& inward = config_.driver.inward;
        inward.advertised_host = std::move(host);
        inward.advertised_port = port;
        if (!port && proxy_port_) from += ", with the port of RAILWAY_TCP_PROXY_PORT";
        if (!port) inward.advertised_port = proxy_port_.value_or(port_);
        config_.advertised_from = std::move(from);
    }

    bool read_advertise() {
        auto address = take("CALLCHAIN_ADVERTISE", parse_host_address(settings_.value("CALLCHAIN_ADVERTISE"),
                                                                      TransportBehind::allowed));
        if (!address) return false;
        using gateway::Transport;
        auto& transport = config_.driver.inward.advertised_transport;
        for (const auto one : {Transport::udp, Transport::tcp, Transport::tls})
            if (address->transport == ascii_lower(sip::name_of(one))) transport = one;
        if (!address->transport.empty() && !transport)
            refuse("CALLCHAIN_ADVERTISE", "transport is none of tls, tcp, udp");
        if (settings_.is_set("PUBLIC_IP"))
            warn("PUBLIC_IP is not used: CALLCHAIN_ADVERTISE is set, and goes before it");
        if (address->port && proxy_port_ && address->port != proxy_port_)
            warn("CALLCHAIN_ADVERTISE has port " + std::to_string(*address->port) +
                 ", and Railway's proxy is reached at " + std::to_string(*proxy_port_) +
                 " (RAILWAY_TCP_PROXY_PORT)");
        if (is_behind_railway() && !address->port && !proxy_port_)
            warn(
                "CALLCHAIN_ADVERTISE has no port, and Railway's proxy has one of its own: name it behind "
                "the host, or no request comes by a new connection");
        check_advertised(address->host);
        advertise(address->host, address->port, "CALLCHAIN_ADVERTISE");
        return true;
    }

    bool read_public_ip() {
        if (config_.use_tls)
            warn("PUBLIC_IP is for UDP and TCP: with TLS Meta needs a name; set CALLCHAIN_ADVERTISE");
        auto address =
            take("PUBLIC_IP", parse_host_address(settings_.value("PUBLIC_IP"), TransportBehind::refused));
        if (!address) return false;
        if (address->port) {
            refuse("PUBLIC_IP", "has a port, and is an address alone",
                   "the port is PORT's; where it is another one from outside, set CALLCHAIN_ADVERTISE to "
                   "ADDRESS:PORT instead");
            return false;
        }
        advertise(address->host, std::nullopt, "PUBLIC_IP");
        return true;
    }

    void check_advertised(const std::string& host) {
        if (!in_.railway_proxy_domain.empty() && equal_ignoring_case(host, in_.railway_proxy_domain))
            warn(
                "CALLCHAIN_ADVERTISE is Railway's own name, for which nobody gets a certificate: use a CNAME "
                "of yours to it");
        if (!config_.use_tls || in_.certificate_names.empty()) return;
        const bool named =
            std::any_of(in_.certificate_names.begin(), in_.certificate_names.end(),
                        [&](const std::string& name) { return gateway::name_covers(name, host); });
        if (!named)
            warn("CALLCHAIN_ADVERTISE " + host + " is not in the certificate (" +
                 join(in_.certificate_names, ", ") + "): Meta will not call");
    }

    // Toward Twilio

    void read_twilio() {
        auto& inward = config_.driver.inward;
        for (const std::string_view name :
             {"TWILIO_SIP_DOMAIN", "TWILIO_SIP_USERNAME", "TWILIO_SIP_PASSWORD"})
            if (!settings_.is_set(name))
                problem(std::string(name) + " is not set",
                        "the SIP Domain and its credential list are in the Twilio console, Voice, Manage");
        if (settings_.is_set("TWILIO_SIP_DOMAIN")) {
            if (auto address = take(
                    "TWILIO_SIP_DOMAIN",
                    parse_host_address(settings_.value("TWILIO_SIP_DOMAIN"), TransportBehind::refused))) {
                inward.domain = address->host;
                inward.domain_port = address->port;
            }
        }
        config_.driver.twilio = {settings_.value("TWILIO_SIP_USERNAME"),
                                 settings_.value("TWILIO_SIP_PASSWORD")};
        if (!config_.driver.twilio.password.empty())
            config_.secrets.push_back(config_.driver.twilio.password);
        inward.destination = sip_user("TWILIO_DESTINATION");
        using gateway::Transport;
        if (const auto at = choice("CALLCHAIN_TWILIO_TRANSPORT", {"tls", "tcp", "udp"}))
            inward.transport_b = std::array{Transport::tls, Transport::tcp, Transport::udp}.at(*at);
        if (const auto at = choice("CALLCHAIN_TWILIO_SECURE_MEDIA", {"on", "off"}))
            inward.secure_media = *at == 0 ? sdp::SecureMedia::on : sdp::SecureMedia::off;
        if (inward.secure_media == sdp::SecureMedia::on && inward.transport_b != Transport::tls)
            problem("CALLCHAIN_TWILIO_SECURE_MEDIA=on needs CALLCHAIN_TWILIO_TRANSPORT=tls",
                    "Twilio takes SRTP by TLS alone (its error 32209)");
        check_way_back();
        read_from();
        if (auto keep =
                take("CALLCHAIN_KEEP_CODECS", sdp::parse_keep_list(settings_.value("CALLCHAIN_KEEP_CODECS"))))
            inward.keep = *std::move(keep);
        if (const auto at = choice("CALLCHAIN_PASS_CALLER", {"off", "on"})) inward.pass_caller = *at == 1;
        if (const auto at = choice("CALLCHAIN_PASS_WHATSAPP_HEADERS", {"off", "on"}))
            inward.pass_whatsapp_headers = *at == 1;
        if (settings_.is_set("WEBHOOK_URL"))
            warn("WEBHOOK_URL is not used: set the voice URL of the SIP Domain in the Twilio console");
    }

    // What Contact toward Twilio names must be listened on, or its BYE finds nobody.
    void check_way_back() {
        using gateway::Transport;
        auto& inward = config_.driver.inward;
        if (config_.use_tls && inward.transport_b == Transport::udp)
            refuse("CALLCHAIN_TWILIO_TRANSPORT", "udp needs USE_TLS=false: with TLS there is no UDP socket",
                   "set it to tls, by which alone Twilio takes the SRTP that Meta demands; udp is for labs");
        const auto& named = inward.advertised_transport;
        if (named && config_.use_tls && named != Transport::tls)
            warn("CALLCHAIN_ADVERTISE names transport=" + ascii_lower(sip::name_of(*named)) +
                 ", and TLS alone is listened on: nobody can reach the gateway for what belongs to a call "
                 "(BYE); leave it out");
        if (named) return;  // by who knows what is in front
        // Twilio may well come back by another transport than it was called by.
        if (config_.use_tls && inward.transport_b == Transport::tcp)
            inward.advertised_transport = Transport::tls;
        if (!config_.use_tls && inward.transport_b == Transport::tls)
            warn(
                "USE_TLS=false, and Twilio is called by TLS: Contact names TLS, on which nobody listens, so "
                "a BYE of Twilio's by a new connection is lost; set USE_TLS=true, or, where a balancer in "
                "front ends TLS, CALLCHAIN_ADVERTISE=NAME:PORT;transport=tls");
    }

    std::string sip_user(std::string_view name) {
        const auto& text = settings_.value(name);
        if (text.empty()) return {};
        if (const auto checked = check_sip_user(text); !checked)
            refuse(name, checked.error().message, checked.error().hint);
        return text;
    }

    void read_from() {
        auto& inward = config_.driver.inward;
        const auto& from = settings_.value("CALLCHAIN_TWILIO_FROM");
        if (equal_ignoring_case(from, "username")) {
            inward.from_user = b2bua::FromUser::username;
            inward.from_name = escape_sip_user(config_.driver.twilio.username);
        } else if (!equal_ignoring_case(from, "caller")) {
            inward.from_user = b2bua::FromUser::fixed;
            inward.from_name = sip_user("CALLCHAIN_TWILIO_FROM");
        }
    }

    void read_outward() {
        auto& admission = config_.driver.admission;
        const auto& user = settings_.value("CALLCHAIN_OUTWARD_USERNAME");
        const auto& password = settings_.value("CALLCHAIN_OUTWARD_PASSWORD");
        admission.allow_outward = networks("CALLCHAIN_ALLOW_TWILIO", "twilio", twilio_networks());
        if (user.empty() != password.empty())
            return problem(
                "CALLCHAIN_OUTWARD_USERNAME and CALLCHAIN_OUTWARD_PASSWORD go together, and only one "
                "of them is set");
        if (user.empty()) return;
        config_.secrets.push_back(password);
        if (admission.accounts.empty())
            problem(
                "calls to WhatsApp need META_SIP_USERNAME and META_SIP_PASSWORD",
                "Meta challenges them; and without a digest from Meta the directions cannot be told apart");
        for (const auto& account : admission.accounts)
            if (account.username == user)
                problem("CALLCHAIN_OUTWARD_USERNAME is one of META_SIP_USERNAME",
                        "give Twilio a user of its own: by it the direction is known");
        if (!settings_.value("CALLCHAIN_CLIENT_CA_FILE").empty())
            problem("CALLCHAIN_CLIENT_CA_FILE and CALLCHAIN_OUTWARD_USERNAME do not go together",
                    "Twilio has no client certificate to show");
        admission.outward = sip::DigestAccount{user, password};
        auto outward = config_.driver.inward;
        outward.direction = sdp::Direction::twilio_to_meta;
        outward.destination.clear();
        if (auto address = take(
                "CALLCHAIN_META_DOMAIN",
                parse_host_address(settings_.value("CALLCHAIN_META_DOMAIN"), TransportBehind::refused))) {
            outward.domain = address->host;
            outward.domain_port = address->port;
        }
        const auto from = sip_user("CALLCHAIN_OUTWARD_FROM");
        outward.from_user = from.empty() ? b2bua::FromUser::caller : b2bua::FromUser::fixed;
        outward.from_name = from;
        outward_ = std::move(outward);
    }

    void read_times() {
        auto& inward = config_.driver.inward;
        const auto seconds = [this](std::string_view name, std::int64_t most, std::chrono::seconds& into) {
            if (const auto value = number(name, most)) into = std::chrono::seconds(*value);
        };
        seconds("CALLCHAIN_RING_SECONDS", 3'600, inward.ring);
        seconds("CALLCHAIN_MAX_CALL_SECONDS", 604'800, inward.most_length);
        seconds("CALLCHAIN_KEEPALIVE_SECONDS", 86'400, inward.keep_alive);
        seconds("CALLCHAIN_DRAIN_SECONDS", 86'400, config_.drain);
        // The connection that a call came by stays as long as a call may: it is the one way back that is
        // proved.
        if (inward.most_length.count() == 0 || inward.most_length >= transports().limits.idle_time)
            transports().limits.idle_time =
                inward.most_length.count() == 0 ? std::chrono::hours(24) : inward.most_length + kPastTheCall;
        if (inward.ring.count() == 0) refuse("CALLCHAIN_RING_SECONDS", "0 would let no call ring");
    }

    void read_log() {
        using observe::Level;
        using observe::LogForm;
        config_.log_form = in_.log_to_terminal ? LogForm::text : LogForm::json;
        if (settings_.is_set("CALLCHAIN_LOG")) {
            if (const auto form = choice("CALLCHAIN_LOG", {"json", "text"}))
                config_.log_form = *form == 0 ? LogForm::json : LogForm::text;
        }
        if (const auto level = choice("CALLCHAIN_LOG_LEVEL", {"debug", "info", "warn", "error"}))
            config_.log_level = std::array{Level::debug, Level::info, Level::warn, Level::error}.at(*level);
        config_.trace_file = settings_.value("CALLCHAIN_TRACE");
        config_.driver.trace_call = settings_.value("CALLCHAIN_TRACE_CALL");
    }

    // What both directions have in common is set in one, and the realm needs the advertised host.
    void share_settings() {
        auto& driver = config_.driver;
        driver.inward.transport_a = config_.use_tls ? gateway::Transport::tls : gateway::Transport::udp;
        const auto& realm = settings_.value("CALLCHAIN_DIGEST_REALM");
        driver.admission.realm = !realm.empty()                           ? realm
                                 : !driver.inward.advertised_host.empty() ? driver.inward.advertised_host
                                                                          : "callchain";
        if (!outward_) return;
        if (driver.inward.transport_a != gateway::Transport::tls && outward_->domain == "wa.meta.vc")
            problem("calls to WhatsApp need USE_TLS=true: Meta speaks TLS alone",
                    "CALLCHAIN_META_DOMAIN names a stand-in in a lab");
        // Meta is reached as it reaches us, Twilio likewise.
        outward_->transport_a = driver.inward.transport_b;
        outward_->transport_b = driver.inward.transport_a;
        outward_->ring = driver.inward.ring;
        outward_->most_length = driver.inward.most_length;
        outward_->keep_alive = driver.inward.keep_alive;
        driver.outward = std::move(outward_);
    }

    gateway::TransportSettings& transports() { return config_.driver.stack.transports; }

    const GatewayInputs& in_;
    GatewayConfig config_;
    std::optional<b2bua::CallSettings> outward_;
    std::string host_;  // that is listened on; empty: all
    std::uint16_t port_ = 0;
    std::optional<std::uint16_t> proxy_port_;  // of Railway's TCP proxy, from outside
};

}  // namespace

GatewayConfigResult read_gateway_config(const GatewayInputs& inputs) { return Reader(inputs).read(); }

PemPair pem_of(const config::Settings& settings) {
    const auto source = [&](std::string_view path, std::string_view text) {
        gateway::PemSource pem;
        pem.path = settings.value(path);
        if (pem.path.empty()) pem.text = settings.value(text);
        return pem;
    };
    return {source("TLS_CERT_PATH", "TLS_CERT_PEM"), source("TLS_KEY_PATH", "TLS_KEY_PEM")};
}

}  // namespace callchain::service
