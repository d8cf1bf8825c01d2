#include "base/text.hpp"
#include "http/client.hpp"
#include "simulator/chain_parts.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace callchain::simulator {

struct OtherEndpoint::State {
    std::string api_key;
    std::string api_url;
    http::Client client{{.proxies = http::ClientOptions::Proxies::none}};
    std::unique_ptr<http::Server> server;

    void receive(const http::Request& request, http::Responder responder) {
        responder.send({.status = 200});
        const auto event = nlohmann::json::parse(request.body, nullptr, false);
        const auto call = event.is_object() && event.contains("data") && event["data"].is_object()
                              ? event["data"].value("call_id", std::string())
                              : std::string();
        if (call.empty()) return;
        client.send(
            {.url = api_url + "/realtime/calls/" + call + "/accept",
             .headers = {{"Authorization", "Bearer " + api_key}, {"Content-Type", "application/json"}},
             .body = R"({"type":"realtime","model":"gpt-realtime"})"},
            [](const http::ClientResult&) {});
    }
};

OtherEndpoint::OtherEndpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}

OtherEndpoint::~OtherEndpoint() {
    state_->server->stop();
    state_->client.stop();
}

Result<std::unique_ptr<OtherEndpoint>> OtherEndpoint::start(std::string api_key, std::string api_url) {
    auto state = std::make_unique<State>();
    state->api_key = std::move(api_key);
    state->api_url = std::move(api_url);
    state->server = CALLCHAIN_TRY(http::Server::start(
        {.listen = {"127.0.0.1:0"}}, [of = state.get()](http::Request request, http::Responder responder) {
            of->receive(request, std::move(responder));
        }));
    return std::unique_ptr<OtherEndpoint>(new OtherEndpoint(std::move(state)));
}

std::string OtherEndpoint::url() const {
    return "http://" + state_->server->addresses().front() + "/openai/webhook";
}

Result<std::uint16_t> free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    const bool bound =
        socket >= 0 && ::bind(socket, any, size) == 0 && ::getsockname(socket, any, &size) == 0;
    if (socket >= 0) ::close(socket);
    if (!bound) return fail(ErrorCode::io, "no port is free on 127.0.0.1");
    return ntohs(address.sin_port);
}

}  // namespace callchain::simulator
