#include "doctor/host_checks.hpp"

#include "base/endpoint.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "http/tls_store.hpp"
#include "observe/capture_directory.hpp"
#include "service/gateway_check.hpp"
#include "service/gateway_values.hpp"
#include "service/routes.hpp"

#include <cerrno>
#include <cstring>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <variant>

namespace callchain::doctor {
namespace {

using service::Check;
using Outcome = Check::Outcome;

constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20U;

// One address of `serve`, with what it would listen with there.
Check free_address(const std::string& name, http::ServerOptions options) {
    const auto address = options.listen.front();
    const auto bound = http::Server::start(std::move(options), [](http::Request, http::Responder) {});
    if (bound) return {Outcome::pass, name, address + " is free"};
    return {Outcome::fail, name, bound.error().message, bound.error().hint};
}

std::vector<Check> free_addresses(const service::ServeConfig& config) {
    http::ServerOptions options;
    options.listen = {config.listen};
    options.tls = config.tls;
    options.fall_back_to_ipv4 = !config.listen_chosen;
    std::vector<Check> checks{free_address("ports", std::move(options))};
    if (config.admin_listen.empty()) return checks;
    if (port_of(config.admin_listen) == port_of(config.listen) && port_of(config.listen) != "0") {
        checks.push_back(
            {Outcome::fail, "ports-admin",
             "CALLCHAIN_ADMIN_LISTEN has the port of the service itself, " + port_of(config.listen),
             "choose another one, or off"});
        return checks;
    }
    http::ServerOptions admin;
    admin.listen = {config.admin_listen};
    checks.push_back(free_address("ports-admin", std::move(admin)));
    return checks;
}

// Both on one host read one PORT.
std::optional<Check> one_port_for_two(const Material& material) {
    if (!material.gateway || !material.gateway->result.config) return std::nullopt;
    const auto& serve = *material.serve->result.config;
    for (const auto& listener : material.gateway->result.config->driver.stack.transports.listeners) {
        if (listener.transport == gateway::Transport::udp ||
            port_of(listener.address) != port_of(serve.listen) || port_of(serve.listen) == "0")
            continue;
        return Check{
            Outcome::fail, "ports-shared",
            "serve and the gateway would both listen on port " + port_of(serve.listen),
            "they are two services: give each its own variables, or set CALLCHAIN_LISTEN of one; on Railway "
            "make two services"};
    }
    return std::nullopt;
}

std::string folder_above(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const auto slash = path.find_last_of('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

Check new_folder(const std::string& path) {
    const auto above = folder_above(path);
    if (::access(above.c_str(), W_OK | X_OK) == 0)
        return {Outcome::pass, "captures", safe_excerpt(path, 100) + " is made when serve starts"};
    const std::string words = std::strerror(errno);
    return {Outcome::fail, "captures",
            safe_excerpt(path, 100) + " is not there, and cannot be made in " + safe_excerpt(above, 100) +
                ": " + words,
            "name a folder in CALLCHAIN_CAPTURE_DIR that this user may make; under systemd: StateDirectory="};
}

Check kept_captures(const std::string& path) {
    const auto directory = observe::CaptureDirectory::open(path);
    if (!directory) return {Outcome::fail, "captures", directory.error().message, directory.error().hint};
    const auto files = directory->list();
    if (!files) return {Outcome::fail, "captures", files.error().message, files.error().hint};
    Check check{.name = "captures",
                .sentence = safe_excerpt(path, 100) + ": " + count_of(files->size(), "capture")};
    if (::access(path.c_str(), W_OK) != 0) {
        check.result = Outcome::fail;
        check.sentence = safe_excerpt(path, 100) + " cannot be written: " + std::strerror(errno);
        check.remedy = "mount it for writing, or name another folder in CALLCHAIN_CAPTURE_DIR";
        return check;
    }
    struct statvfs disk {};
    if (::statvfs(path.c_str(), &disk) != 0) return check;
    const auto left = std::uint64_t{disk.f_bavail} * disk.f_frsize / kMegabyte;
    if (left >= 64) return check;
    check.result = Outcome::warn;
    check.sentence += "; the disk has " + std::to_string(left) + " MiB left";
    check.remedy = "make room: up to 64 MiB of captures are kept, and none is written to a full disk";
    return check;
}

}  // namespace

std::vector<Check> check_env_files(const Material& material) {
    std::vector<Check> checks;
    for (const auto& path : material.env_files) {
        struct stat status {};
        if (path == "-" || ::stat(path.c_str(), &status) != 0) continue;
        const bool is_open = S_ISREG(status.st_mode) && (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
        Check check{.name = "env-files", .sentence = safe_excerpt(path, 100) + " is for its owner alone"};
        if (is_open) {
            check.result = Outcome::warn;
            check.sentence = "others on this host may read " + safe_excerpt(path, 100);
            check.remedy = "chmod 600 it: secrets stand in it";
        }
        checks.push_back(std::move(check));
    }
    if (!material.own_file_left_out.empty())
        checks.push_back({Outcome::warn, "env-files", material.own_file_left_out,
                          "make it yours and closed to others (chmod 600 .env), or name it with --env-file"});
    if (checks.empty()) checks.push_back({Outcome::skipped, "env-files", "no file of variables was read"});
    return checks;
}

std::string port_of(std::string_view address) {
    return std::to_string(parse_endpoint(address).value_or(Endpoint{}).port);
}

namespace {

http::ClientResult ask_health(const Material& material, const std::string& address) {
    http::Client client({.user_agent = "callchain/" + material.version,
                         .body_bytes = 1'024,
                         .proxies = http::ClientOptions::Proxies::none});
    http::ClientRequest request;
    request.method = "GET";
    request.url =
        "http://" + text_of(seen_from_its_host(parse_endpoint(address).value_or(Endpoint{}))) + "/healthz";
    request.connect_time = std::chrono::seconds{1};
    request.total_time = std::chrono::seconds{2};
    return client.perform(request);
}

// Its certificate is for a name from outside, so it is asked where it speaks no TLS.
Neighbour ask_behind_tls(const Material& material, const service::ServeConfig& config) {
    using Kind = Neighbour::Kind;
    const auto main = ask_health(material, config.listen);
    const auto* failure = std::get_if<http::ClientFailure>(&main);
    if (failure != nullptr && failure->kind == http::ClientFailure::Kind::connect) return {};
    if (config.admin_listen.empty()) return {Kind::unknown, {}, {}};
    const auto admin = ask_health(material, config.admin_listen);
    const auto* response = std::get_if<http::ClientResponse>(&admin);
    const auto instance =
        response == nullptr ? std::nullopt : response->headers.find(service::kInstanceHeader);
    if (!instance) return {Kind::unknown, {}, {}};
    return {Kind::serve, safe_excerpt(*instance, 40), {}};
}

}  // namespace

Neighbour ask_port(const Material& material, const service::ServeConfig& config) {
    using Kind = Neighbour::Kind;
    if (port_of(config.listen) == "0") return {};
    if (config.tls) return ask_behind_tls(material, config);
    const auto result = ask_health(material, config.listen);
    if (const auto* failure = std::get_if<http::ClientFailure>(&result)) {
        if (failure->kind == http::ClientFailure::Kind::connect) return {};
        return {Kind::other, {}, "it does not answer as an HTTP server does"};
    }
    const auto& response = std::get<http::ClientResponse>(result);
    if (const auto instance = response.headers.find(service::kInstanceHeader))
        return {Kind::serve, safe_excerpt(*instance, 40), {}};
    const auto server = response.headers.find("server").value_or("");
    return {Kind::other,
            {},
            "it answers " + std::to_string(response.status) +
                (server.empty() ? std::string() : ", as \"" + safe_excerpt(server, 60) + "\"")};
}

std::vector<Check> check_ports(const Material& material) {
    const auto& config = *material.serve->result.config;
    if (auto shared = one_port_for_two(material)) return {*std::move(shared)};
    const auto neighbour = ask_port(material, config);
    const auto port = port_of(config.listen);
    switch (neighbour.kind) {
        case Neighbour::Kind::nobody:
            return free_addresses(config);
        case Neighbour::Kind::serve:
            return {{Outcome::pass, "ports", "serve runs on port " + port + " already"}};
        case Neighbour::Kind::unknown:
            return {{Outcome::warn, "ports",
                     "port " + port + " is taken, and whether by serve cannot be told: it speaks TLS",
                     "set CALLCHAIN_ADMIN_LISTEN, where it can be asked; ss -ltnp shows who it is"}};
        case Neighbour::Kind::other:
            break;
    }
    return {{Outcome::fail, "ports", "something else has port " + port + ": " + neighbour.words,
             "stop it, or choose another PORT (ss -ltnp shows who it is)"}};
}

std::vector<Check> check_descriptors(const Material& /*material*/) {
    // A call has two connections of its own and shares others; half are left for whoever knocks.
    constexpr rlim_t kPerCall = 4;
    constexpr rlim_t kEnough = 4'096;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return {{Outcome::skipped, "descriptors", std::string("not known: ") + std::strerror(errno)}};
    const bool is_endless = limit.rlim_max == RLIM_INFINITY;
    Check check{.name = "descriptors"};
    check.sentence = is_endless
                         ? "no limit"
                         : with_thousands(limit.rlim_max) + " may be open, which is enough for about " +
                               count_of(limit.rlim_max / kPerCall, "call") + " at a time";
    if (!is_endless && limit.rlim_max < kEnough) {
        check.result = Outcome::warn;
        check.remedy =
            "raise the hard limit: LimitNOFILE= of the unit, --ulimit of the container, or ulimit -Hn";
    }
    return {check};
}

std::vector<Check> check_captures(const Material& material) {
    const auto path = material.value("CALLCHAIN_CAPTURE_DIR");
    if (path.empty())
        return {{Outcome::skipped, "captures",
                 "CALLCHAIN_CAPTURE_DIR is not set: refused deliveries are told in the log alone"}};
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 && errno == ENOENT) return {new_folder(path)};
    return {kept_captures(path)};
}

std::vector<Check> check_ca_store(const Material& material) {
    const auto given = material.value("CALLCHAIN_CA_FILE");
    const auto store = http::inspect_ca_store(given, material.now);
    Check check{.name = "ca-store"};
    if (!store) {
        check.result = Outcome::fail;
        check.sentence = store.error().message;
        check.remedy = given.empty()
                           ? "install the package ca-certificates, or name a PEM file in CALLCHAIN_CA_FILE"
                           : "name a PEM file that this user may read in CALLCHAIN_CA_FILE, or take it "
                             "away: the system's authorities count then";
        return {check};
    }
    check.sentence =
        visible_excerpt(store->path, 100) + ": " + count_of(store->certificates, "authority", "authorities");
    if (store->in_date == 0) {
        check.result = Outcome::fail;
        check.sentence += ", none of them in date by the clock of this host";
        check.remedy = "look at the clock; else install a newer ca-certificates";
    } else if (given.empty() && material.is_set("SSL_CERT_FILE")) {
        check.result = Outcome::warn;
        check.sentence +=
            "; SSL_CERT_FILE is set, which OpenSSL reads and libcurl does not: the sideband would trust "
            "other authorities than the API";
        check.remedy = "say it in CALLCHAIN_CA_FILE, which both follow";
    }
    return {check};
}

std::vector<Check> check_gateway(const Material& material) {
    const auto& [inputs, result] = *material.gateway;
    auto checks = service::check_configuration(result);
    const auto pem = service::pem_of(inputs.settings);
    const bool uses_tls = service::parse_switch(inputs.settings.value("USE_TLS")).value_or(true);
    const bool has_certificate = !pem.certificate.path.empty() || !pem.certificate.text.empty();
    const auto take = [&](std::vector<Check> more) {
        checks.insert(checks.end(), std::make_move_iterator(more.begin()),
                      std::make_move_iterator(more.end()));
    };
    if (has_certificate && uses_tls) {
        const auto host = result.config ? result.config->driver.inward.advertised_host : std::string();
        take(service::check_certificate(
            service::inspect_own_certificate(pem, inputs.settings.value("CALLCHAIN_CA_FILE"), material.now),
            host, material.now));
    }
    if (result.config) {
        take({service::check_advertised(*result.config)});
        take(service::check_callers(*result.config));
        take({service::check_port(*result.config)});
    }
    for (auto& check : checks) check.name = "gateway-" + check.name;
    return checks;
}

}  // namespace callchain::doctor
