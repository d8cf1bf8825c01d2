#include "simulator/openai.hpp"

#include "http/upgrading_server.hpp"
#include "simulator/openai_calls.hpp"

#include <future>
#include <thread>
#include <utility>

namespace callchain::simulator {

struct OpenAi::State {
    State(const OpenAiSettings& settings, EventSink sink, std::function<void(OpenAiCall)> on_call)
        : http({.most_connections_per_host = 256, .proxies = http::ClientOptions::Proxies::none}),
          gate(settings.api_key, settings.fails_percent),
          endpoints(loop, http, gate, sink, settings.webhook_time),
          calls(loop, http, endpoints, gate, settings, std::move(sink), std::move(on_call)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        // First those whose handlers post to the loop or wait for it.
        server.reset();
        http.stop();
        // By two turns of the loop: what is still to be sent has been posted by the one that sent it.
        loop.post([this] { loop.post([this] { loop.stop(); }); });
        if (thread.joinable()) thread.join();
    }

    http::UpgradingHandlers handlers();
    void on_upgrade(const http::Request& request, std::optional<http::SocketEvents>& events,
                    std::optional<http::Response>& refusal);
    // Runs it on the loop's thread, which never waits for any other, and waits for it.
    template <class Work>
    auto in_loop(Work work) {
        std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
        auto result = task.get_future();
        loop.post([&task] { task(); });
        return result.get();
    }

    gateway::Loop loop;
    http::Client http;
    ApiGate gate;
    OpenAiEndpoints endpoints;
    OpenAiCalls calls;
    std::string sip_address;
    std::thread thread;
    std::unique_ptr<http::UpgradingServer> server;
};

http::UpgradingHandlers OpenAi::State::handlers() {
    return {.on_request =
                [this](http::Request request, std::function<void(http::Response)> answer) {
                    loop.post([this, request = std::move(request), answer = std::move(answer)] {
                        if (is_endpoint_path(request.path())) return endpoints.answer(request, answer);
                        answer(calls.answer(request));
                    });
                },
            .on_upgrade =
                [this](const http::Request& request, std::optional<http::SocketEvents>& events,
                       std::optional<http::Response>& refusal) { on_upgrade(request, events, refusal); }};
}

void OpenAi::State::on_upgrade(const http::Request& request, std::optional<http::SocketEvents>& events,
                               std::optional<http::Response>& refusal) {
    refusal = in_loop([&] { return calls.judge_upgrade(request); });
    if (refusal) return;
    const auto id = read_sideband_target(request.path(), request.query()).value_or("");
    events.emplace();
    events->on_open = [this, id](const http::UpgradedSocket& socket) {
        loop.post([this, id, socket] { calls.on_open(id, socket); });
    };
    events->on_text = [this, id](std::string text) {
        loop.post([this, id, text = std::move(text)] { calls.on_text(id, text); });
    };
    events->on_end = [this, id](int close_code) {
        loop.post([this, id, close_code] { calls.on_end(id, close_code); });
    };
}

Result<std::unique_ptr<OpenAi>> OpenAi::start(OpenAiSettings settings, EventSink sink,
                                              std::function<void(OpenAiCall)> on_call) {
    auto state = std::make_unique<State>(settings, std::move(sink), std::move(on_call));
    CALLCHAIN_TRY(state->endpoints.set(settings.endpoints));
    const auto bound = CALLCHAIN_TRY(state->calls.listen());
    state->sip_address = text_of(bound.front().endpoint);
    state->thread = std::thread([loop = &state->loop] { loop->run(); });
    state->server = CALLCHAIN_TRY(http::UpgradingServer::start(settings.api_listen, state->handlers()));
    return std::unique_ptr<OpenAi>(new OpenAi(std::move(state)));
}

OpenAi::OpenAi(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpenAi::~OpenAi() = default;

std::string OpenAi::sip_address() const { return state_->sip_address; }
std::string OpenAi::api_url() const { return "http://" + state_->server->address() + "/v1"; }
void OpenAi::set_endpoints(std::vector<WebhookEndpoint> endpoints) {
    state_->loop.post([kept = &state_->endpoints, endpoints = std::move(endpoints)] {
        static_cast<void>(kept->set(endpoints));
    });
}

}  // namespace callchain::simulator
