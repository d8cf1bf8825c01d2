#include "service/gateway_check.hpp"

#include "base/http_date.hpp"
#include "base/internet_time.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "gateway/loop.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace callchain::service {
namespace {

using Outcome = Check::Outcome;
using std::chrono::seconds;

constexpr seconds kSoon = std::chrono::days(14);
constexpr seconds kClockSkew{60};
constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

std::string date_of(std::chrono::sys_seconds time) {
    return write_rfc3339(time, TimePrecision::seconds).substr(0, std::string_view("2026-11-28").size());
}

Check check_dates(const gateway::CertificateFacts& facts, std::chrono::sys_seconds now) {
    Check check{.name = "certificate-dates", .sentence = "good until " + date_of(facts.ends)};
    if (now >= facts.ends) {
        check.result = Outcome::fail;
        check.sentence = "it ended on " + date_of(facts.ends);
        check.remedy = "renew it: Meta does not call a gateway whose certificate has expired";
    } else if (now < facts.begins) {
        check.result = Outcome::fail;
        check.sentence = "it begins on " + date_of(facts.begins) + " only";
        check.remedy = "look at the clock of this host, or wait";
    } else if (facts.ends - now < kSoon) {
        check.result = Outcome::warn;
        check.sentence = "it ends in " + duration_of(facts.ends - now) + ", on " + date_of(facts.ends);
        check.remedy = "renew it, and look at why it was not renewed by itself";
    }
    return check;
}

bool is_out_of_date(const gateway::CertificateFacts& facts, std::chrono::sys_seconds now) {
    return now >= facts.ends || now < facts.begins;
}

// Which certificate of the chain is out of date, where it is not our own: of that another check speaks.
std::optional<Check> check_dates_above(const CertificateReport& report, std::chrono::sys_seconds now) {
    Check check{
        .result = Outcome::fail,
        .name = "certificate-chain",
        .remedy =
            "put the present intermediate certificates of the authority behind ours: fullchain.pem of "
            "a renewal has them"};
    for (const auto& one : report.above) {
        if (!is_out_of_date(one, now)) continue;
        check.sentence = one.subject + ", above ours in the chain, " +
                         (now >= one.ends ? "ended on " + date_of(one.ends)
                                          : "begins on " + date_of(one.begins) + " only");
        return check;
    }
    const auto& why = report.facts->verification;
    if (why.find("expired") == std::string::npos && why.find("not yet valid") == std::string::npos)
        return std::nullopt;
    check.sentence = "an authority above it is out of date: " + why;
    if (!is_out_of_date(*report.facts, now)) return check;
    return Check{Outcome::skipped, check.name, "not judged: " + why, {}};
}

Check check_chain(const CertificateReport& report, std::chrono::sys_seconds now) {
    const auto& facts = *report.facts;
    Check check{
        .name = "certificate-chain",
        .sentence = "the chain of " + count_of(facts.chain, "certificate") + " leads to an authority"};
    if (facts.verification.empty()) return check;
    if (report.known_to_ca_file) {
        check.result = Outcome::warn;
        check.sentence =
            "only CALLCHAIN_CA_FILE vouches for it, which Meta does not have: Meta will refuse it";
        check.remedy = "that is good for a lab; for Meta have it made by a public authority";
        return check;
    }
    if (auto dates = check_dates_above(report, now)) return *std::move(dates);
    check.result = Outcome::fail;
    check.sentence = facts.self_signed ? "it is self-signed, no authority vouches for it: Meta will refuse it"
                                       : "it leads to no authority that is known here: " + facts.verification;
    check.remedy =
        facts.chain == 1 && !facts.self_signed
            ? "put the intermediate certificates behind it in the same file: fullchain.pem, not cert.pem"
            : "have it made by a public authority: Meta's first answer to missing calls is the chain";
    return check;
}

std::string text_of(const gateway::PemSource& source) {
    if (source.path.empty()) return source.text;
    std::ifstream file(source.path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Each certificate by itself, our own left out. What cannot be read is left out as well: the chain as a whole
// has been read already.
std::vector<gateway::CertificateFacts> inspect_above(const PemPair& pem, std::chrono::sys_seconds now) {
    std::vector<gateway::CertificateFacts> above;
    const auto text = text_of(pem.certificate);
    for (auto at = text.find(kBegin); at != std::string::npos;) {
        const auto next = text.find(kBegin, at + kBegin.size());
        const auto end = text.find(kEnd, at);
        const bool is_own = at == text.find(kBegin);
        if (!is_own && end != std::string::npos) {
            auto one = gateway::inspect_certificate(
                {.path = {}, .text = text.substr(at, end + kEnd.size() - at)}, pem.key, {}, now);
            if (one) above.push_back(*std::move(one));
        }
        at = next;
    }
    return above;
}

bool ends_with(const Error& error, std::errc code) {
    return error.message.ends_with(std::generic_category().message(static_cast<int>(code)));
}

Check check_name(const gateway::CertificateFacts& facts, std::string_view host) {
    Check check{.name = "certificate-name"};
    const auto names = facts.names.empty() ? std::string("no name") : join(facts.names, ", ");
    if (host.empty()) {
        check.result = Outcome::skipped;
        check.sentence = "it is for " + names + "; what Meta calls is not known";
    } else if (gateway::certificate_covers(facts, host)) {
        check.sentence = "it is for " + std::string(host);
    } else {
        check.result = Outcome::fail;
        check.sentence = "it is for " + names + ", and not for " + std::string(host);
        check.remedy =
            "have one made for that name, or set CALLCHAIN_ADVERTISE and Meta's servers to one of it";
    }
    return check;
}

Check check_clock(const std::string& date, std::chrono::sys_seconds now) {
    Check check{.name = "clock"};
    const auto theirs = parse_http_date(date);
    if (!theirs) {
        check.result = Outcome::skipped;
        check.sentence = "not judged: the answer has no Date";
        return check;
    }
    const auto skew = now > *theirs ? now - *theirs : *theirs - now;
    check.sentence = "within " + duration_of(skew) + " of the other side's";
    if (skew > kClockSkew) {
        check.result = Outcome::warn;
        check.sentence = duration_of(skew) + " away from the other side's";
        check.remedy = "let the host keep its time by NTP: certificates are judged by it";
    }
    return check;
}

}  // namespace

std::vector<Check> check_configuration(const GatewayConfigResult& result) {
    std::vector<Check> checks;
    for (const auto& problem : result.problems)
        checks.push_back({Outcome::fail, "configuration", problem.message, problem.hint});
    for (const auto& warning : result.warnings) checks.push_back({Outcome::warn, "configuration", warning});
    if (checks.empty()) checks.push_back({Outcome::pass, "configuration", "nothing is missing"});
    return checks;
}

CertificateReport inspect_own_certificate(const PemPair& pem, const std::string& ca_file,
                                          std::chrono::sys_seconds now) {
    CertificateReport report{gateway::inspect_certificate(pem.certificate, pem.key, {}, now)};
    if (!report.facts || report.facts->verification.empty()) return report;
    report.above = inspect_above(pem, now);
    if (ca_file.empty()) return report;
    const auto by_file = gateway::inspect_certificate(pem.certificate, pem.key, ca_file, now);
    report.known_to_ca_file = by_file && by_file->verification.empty();
    return report;
}

std::vector<Check> check_certificate(const CertificateReport& report, std::string_view advertised_host,
                                     std::chrono::sys_seconds now) {
    const auto& facts = report.facts;
    if (!facts) return {{Outcome::fail, "certificate", facts.error().message, facts.error().hint}};
    std::vector<Check> checks{
        {Outcome::pass, "certificate", facts->subject + ", " + facts->key_kind + ", by " + facts->issuer}};
    checks.push_back(check_chain(report, now));
    checks.push_back(check_name(*facts, advertised_host));
    checks.push_back(check_dates(*facts, now));
    if (facts->key_fits)
        checks.push_back({Outcome::pass, "certificate-key", "the key belongs to it"});
    else
        checks.push_back({Outcome::fail, "certificate-key", "the key belongs to another certificate",
                          "TLS_CERT_PATH and TLS_KEY_PATH must be of one pair"});
    return checks;
}

Check check_advertised(const GatewayConfig& config) {
    const auto& inward = config.driver.inward;
    Check check{.name = "advertised"};
    if (inward.advertised_host.empty()) {
        check.sentence = "at the address that it is bound to";
        return check;
    }
    check.sentence = inward.advertised_host;
    if (inward.advertised_port) check.sentence += ":" + std::to_string(*inward.advertised_port);
    if (!config.advertised_from.empty()) check.sentence += ", by " + config.advertised_from;
    return check;
}

std::vector<Check> check_callers(const GatewayConfig& config) {
    const auto& admission = config.driver.admission;
    std::vector<std::string> ways;
    if (!admission.accounts.empty())
        ways.push_back("by digest of " + count_of(admission.accounts.size(), "number"));
    if (!admission.allow.empty() && admission.addresses_known)
        ways.push_back("from " + count_of(admission.allow.size(), "network"));
    const auto& server = config.driver.stack.transports.tls_server;
    if (server && !server->client_ca_file.empty()) ways.emplace_back("with a certificate");
    std::vector<Check> checks;
    if (!ways.empty())
        checks.push_back({Outcome::pass, "callers", "calls are taken " + join(ways, ", ")});
    else if (config.open_to_the_world)
        checks.push_back({Outcome::warn, "callers", "everybody who reaches the port can call at your cost",
                          "set META_SIP_USERNAME and META_SIP_PASSWORD, or CALLCHAIN_ALLOW"});
    else
        checks.push_back({Outcome::warn, "callers", "only this host can call",
                          "set META_SIP_USERNAME and META_SIP_PASSWORD, or CALLCHAIN_ALLOW"});
    if (admission.accounts.empty() && !ways.empty())
        checks.push_back(
            {Outcome::warn, "callers-digest", "Meta is not asked for its digest",
             "set META_SIP_USERNAME and META_SIP_PASSWORD: addresses and names can be had by others"});
    checks.push_back({Outcome::pass, "calls-to-whatsapp", config.driver.outward ? "on, by digest" : "off"});
    return checks;
}

Check check_port(const GatewayConfig& config) {
    Check check{.name = "port"};
    std::vector<std::string> addresses;
    gateway::TransportSettings settings;
    for (const auto& listener : config.driver.stack.transports.listeners) {
        addresses.push_back(listener.address);
        // TLS binds as TCP does; of the certificate the other checks speak.
        const bool udp = listener.transport == gateway::Transport::udp;
        settings.listeners.push_back(
            {udp ? gateway::Transport::udp : gateway::Transport::tcp, listener.address});
    }
    gateway::Loop loop;
    gateway::Transports transports(loop, settings, {});
    const auto bound = transports.listen();
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    if (bound) {
        check.sentence = join(addresses, ", ") + " is free";
        return check;
    }
    const bool is_taken = ends_with(bound.error(), std::errc::address_in_use);
    check.result = is_taken ? Outcome::warn : Outcome::fail;
    check.sentence = bound.error().message;
    check.remedy =
        is_taken
            ? "if the gateway runs there already, all is well; else stop what does, or choose another PORT"
            : bound.error().hint;
    return check;
}

bool is_address_fault(const Error& error) {
    return ends_with(error, std::errc::address_in_use) || ends_with(error, std::errc::address_not_available);
}

ProbeSettings twilio_probe(const GatewayConfig& config, bool invite) {
    const auto& inward = config.driver.inward;
    ProbeSettings probe;
    probe.target = {.scheme = "sip",
                    .user = inward.destination.empty() ? "probe" : inward.destination,
                    .host = inward.domain,
                    .port = inward.domain_port};
    if (inward.transport_b == gateway::Transport::tls) probe.target.parameters.set("transport", "tls");
    probe.transport = inward.transport_b;
    probe.invite = invite;
    probe.account = config.driver.twilio;
    if (!inward.advertised_host.empty()) probe.from_host = inward.advertised_host;
    probe.ca_file = config.driver.stack.transports.tls_ca_file;
    probe.dns_servers = config.driver.stack.dns.servers;
    probe.user_agent = config.driver.user_agent;
    return probe;
}

std::vector<Check> check_twilio(const ProbeSettings& asked, const Result<ProbeResult>& probe,
                                std::chrono::sys_seconds now) {
    if (!probe) return {{Outcome::fail, "twilio", probe.error().message, probe.error().hint}};
    using Verdict = ProbeResult::Verdict;
    if (probe->verdict == Verdict::unreachable) {
        const auto port = asked.target.port.value_or(sip::default_port(asked.transport));
        return {{Outcome::fail, "twilio-reachable", probe->why,
                 "check TWILIO_SIP_DOMAIN, DNS, and that this host may reach port " + std::to_string(port) +
                     " there by " + std::string(sip::name_of(asked.transport))}};
    }
    std::vector<Check> checks{{Outcome::pass, "twilio-reachable",
                               probe->peer + " answered " + std::to_string(probe->status) + " " +
                                   safe_excerpt(probe->reason, 80) + " in " +
                                   std::to_string(probe->took.count()) + " ms"}};
    if (!probe->tls_version.empty())
        checks.push_back({Outcome::pass, "twilio-tls",
                          probe->tls_version + ", and the certificate is for the domain's name"});
    Check credentials{.name = "twilio-credentials"};
    if (probe->verdict == Verdict::credentials_refused) {
        credentials.result = Outcome::fail;
        credentials.sentence = probe->why;
        credentials.remedy =
            "check TWILIO_SIP_USERNAME and TWILIO_SIP_PASSWORD against the credential list of the "
            "SIP Domain (callchain explain 32202)";
    } else if (probe->verdict == Verdict::call_began) {
        credentials.result = Outcome::warn;
        credentials.sentence = probe->why;
        credentials.remedy = "this side does not refuse unknown options: probe it by OPTIONS";
    } else if (probe->authenticated) {
        credentials.sentence = "they were taken";
    } else if (probe->verdict == Verdict::refused) {
        credentials.result = Outcome::warn;
        credentials.sentence = "not judged: " + probe->why;
    } else {
        credentials.result = Outcome::skipped;
        credentials.sentence = asked.invite ? "the INVITE was not challenged" : "OPTIONS was not challenged";
        if (!asked.invite)
            credentials.remedy = "--online=invite asks with an INVITE, which a SIP Domain does challenge";
    }
    checks.push_back(std::move(credentials));
    checks.push_back(check_clock(probe->date, now));
    return checks;
}

}  // namespace callchain::service
