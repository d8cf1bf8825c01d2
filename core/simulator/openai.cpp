#include "simulator/openai.hpp"

#include "simulator/openai_calls.hpp"
#include "simulator/openai_messages.hpp"

#include <thread>
#include <utility>

namespace callchain::simulator {

struct OpenAi::State {
    State(OpenAiSettings settings, EventSink sink, std::function<void(OpenAiCall)> on_call)
        : authorization("Bearer " + settings.api_key),
          http({.most_connections_per_host = 256, .proxies = http::ClientOptions::Proxies::none}),
          calls(loop, http, std::move(settings), std::move(sink), std::move(on_call)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        // What posts to the loop goes first.
        server.reset();
        http.stop();
        loop.stop();
        if (thread.joinable()) thread.join();
    }

    [[nodiscard]] std::optional<http::Response> refuse_key(const http::Request& request) const {
        if (request.headers.find("Authorization").value_or("") == authorization) return std::nullopt;
        return api_error(401, "invalid_api_key", "Incorrect API key provided.");
    }
    void on_request(http::Request request, std::function<void(http::Response)> answer);
    void on_upgrade(const http::Request& request, std::optional<http::SocketEvents>& events,
                    std::optional<http::Response>& refusal);

    const std::string authorization;
    gateway::Loop loop;
    http::Client http;
    OpenAiCalls calls;
    std::string sip_address;
    std::thread thread;
    std::unique_ptr<http::UpgradingServer> server;
};

void OpenAi::State::on_request(http::Request request, std::function<void(http::Response)> answer) {
    if (auto refusal = refuse_key(request)) return answer(*std::move(refusal));
    const auto path = read_api_path(request.path());
    if (path.call_id.empty() || request.method != "POST")
        return answer(api_error(404, "unknown_url", "Unknown request URL."));
    loop.post([this, path, body = std::move(request.body), answer = std::move(answer)] {
        calls.on_api(path.call_id, path.verb, body, answer);
    });
}

void OpenAi::State::on_upgrade(const http::Request& request, std::optional<http::SocketEvents>& events,
                               std::optional<http::Response>& refusal) {
    refusal = refuse_key(request);
    if (refusal) return;
    const auto call_id = sideband_call(request);
    if (call_id.empty() || !calls.is_attachable(call_id)) {
        refusal = api_error(404, "call_id_not_found", "No call found with that id.");
        return;
    }
    events = http::SocketEvents{
        .on_open =
            [this, call_id](http::UpgradedSocket socket) {
                loop.post([this, call_id, socket] { calls.on_attached(call_id, socket); });
            },
        .on_text =
            [this, call_id](std::string text) {
                loop.post([this, call_id, text = std::move(text)] { calls.on_text(call_id, text); });
            },
        .on_end = [this, call_id](int) { loop.post([this, call_id] { calls.on_detached(call_id); }); }};
}

Result<std::unique_ptr<OpenAi>> OpenAi::start(OpenAiSettings settings, EventSink sink,
                                              std::function<void(OpenAiCall)> on_call) {
    const auto api_listen = settings.api_listen;
    auto state = std::make_unique<State>(std::move(settings), std::move(sink), std::move(on_call));
    const auto bound = CALLCHAIN_TRY(state->calls.listen());
    state->sip_address = gateway::text_of(bound.front().endpoint);
    auto* const of = state.get();
    state->thread = std::thread([of] { of->loop.run(); });
    state->server = CALLCHAIN_TRY(http::UpgradingServer::start(
        api_listen,
        {.on_request =
             [of](http::Request request, std::function<void(http::Response)> answer) {
                 of->on_request(std::move(request), std::move(answer));
             },
         .on_upgrade =
             [of](const http::Request& request, std::optional<http::SocketEvents>& events,
                  std::optional<http::Response>& refusal) { of->on_upgrade(request, events, refusal); }}));
    return std::unique_ptr<OpenAi>(new OpenAi(std::move(state)));
}

OpenAi::OpenAi(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpenAi::~OpenAi() = default;

std::string OpenAi::sip_address() const { return state_->sip_address; }
std::string OpenAi::api_url() const { return "http://" + state_->server->address() + "/v1"; }

void OpenAi::set_endpoints(std::vector<WebhookEndpoint> endpoints) {
    state_->loop.post(
        [calls = &state_->calls, endpoints = std::move(endpoints)] { calls->set_endpoints(endpoints); });
}

}  // namespace callchain::simulator
