#include "service/forwarder.hpp"

#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "http/resolve.hpp"
#include "http/url.hpp"

#include <algorithm>
#include <memory>
#include <netdb.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace callchain::service {
namespace {

constexpr std::chrono::milliseconds kConnectTime{3'000};
constexpr std::size_t kMostConnections = 256;

http::ClientOptions client_options(const ForwardSettings& settings) {
    http::ClientOptions options;
    options.ca_file = settings.ca_file;
    options.most_connections_per_host = kMostConnections;
    return options;
}

Forwarded failed(int status, std::string why) {
    Forwarded forwarded;
    forwarded.response = {status, "text/plain; charset=utf-8", "callchain listen: " + why + "\n", {}};
    forwarded.failure = std::move(why);
    return forwarded;
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// Only an address of this host can be bound.
bool is_of_this_host(const std::string& address) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_DGRAM;
    wanted.ai_flags = AI_NUMERICHOST;
    addrinfo* list = nullptr;
    if (::getaddrinfo(address.c_str(), nullptr, &wanted, &list) != 0) return false;
    const std::unique_ptr<addrinfo, FreeAddresses> owned(list);
    const int socket = ::socket(list->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return false;
    const bool bound = ::bind(socket, list->ai_addr, list->ai_addrlen) == 0;
    ::close(socket);
    return bound;
}

// Both numeric. A connection to "any" arrives at the loopback interface.
bool arrives_at(const std::string& address, const std::string& listening) {
    if (is_unspecified(listening)) return is_of_this_host(address);
    return address == listening || (is_unspecified(address) && is_loopback(listening));
}

}  // namespace

std::optional<http::ClientRequest> forwarded_request(const http::Request& request,
                                                     const ForwardSettings& settings) {
    const auto url = http::read_url(settings.url);
    const auto target = url ? webhook::join_targets(url->target, request.target) : std::nullopt;
    if (!target) return std::nullopt;
    http::ClientRequest made;
    made.method = request.method;
    made.url = settings.url;
    made.target = *target;
    made.headers = webhook::request_headers_to_pass_on(request.headers, settings.host).fields;
    made.body = request.body;
    made.form = http::ClientRequest::Form::as_given;
    made.connect_time = std::min(kConnectTime, settings.time);
    made.total_time = settings.time;
    return made;
}

Forwarded forwarded_answer(http::ClientResult result) {
    if (const auto* failure = std::get_if<http::ClientFailure>(&result))
        return failed(failure->kind == http::ClientFailure::Kind::timeout ? 504 : 502, failure->message);
    auto& answer = std::get<http::ClientResponse>(result);
    const auto status = answer.status;
    Forwarded forwarded;
    if (answer.body_cut) {
        forwarded =
            failed(502, "the answer is longer than " + count_of(http::ClientOptions{}.body_bytes, "byte") +
                            ", and would arrive cut");
    } else if (status < 200 || status > 599) {
        forwarded = failed(502, "the answer has the status " + std::to_string(status) + ", which is none");
    } else {
        forwarded.response.status = status;
        forwarded.response.headers = webhook::without_hop_by_hop(answer.headers).fields;
        forwarded.response.body = std::move(answer.body);
    }
    forwarded.status = status;
    return forwarded;
}

Forwarder::Forwarder(ForwardSettings settings)
    : settings_(std::move(settings)), client_(client_options(settings_)) {}

void Forwarder::send(const http::Request& request, std::function<void(Forwarded)> done) {
    auto made = forwarded_request(request, settings_);
    if (!made) return done(failed(502, "its target has no path that could be asked for"));
    client_.send(*std::move(made), [done = std::move(done)](http::ClientResult result) {
        done(forwarded_answer(std::move(result)));
    });
}

bool is_own_address(const std::string& url, const std::vector<std::string>& listening) {
    const auto parts = http::read_url(url);
    if (!parts) return false;
    // A name without an address now is one that passing on will tell of.
    const auto addresses = http::resolve_host(parts->host).value_or(std::vector<std::string>{});
    return std::any_of(listening.begin(), listening.end(), [&](const std::string& own) {
        const auto place = parse_endpoint(own);
        return place && place->port == parts->port &&
               std::any_of(addresses.begin(), addresses.end(),
                           [&](const std::string& address) { return arrives_at(address, place->address); });
    });
}

}  // namespace callchain::service
