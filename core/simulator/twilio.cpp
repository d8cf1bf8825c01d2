#include "simulator/twilio.hpp"

#include "http/server.hpp"
#include "simulator/twilio_rest.hpp"
#include "simulator/twilio_switch.hpp"

#include <thread>
#include <utility>

namespace callchain::simulator {
namespace {

TwilioRestSettings rest_settings_of(const TwilioSettings& settings) {
    TwilioRestSettings rest{.account_sid = settings.account_sid,
                            .credentials = {{settings.account_sid, settings.auth_token}},
                            .fails_percent = settings.api_fails_percent,
                            .forgets_calls = settings.api_forgets_calls};
    if (!settings.api_key.empty()) rest.credentials.emplace_back(settings.api_key, settings.api_key_secret);
    return rest;
}

}  // namespace

struct Twilio::State {
    State(const TwilioSettings& settings, EventSink sink, std::function<void(TwilioCall)> on_call)
        : http({.ca_file = settings.ca_file,
                .user_agent = "TwilioProxy/1.1",
                .most_connections_per_host = 256,
                .proxies = http::ClientOptions::Proxies::none}),
          rest(rest_settings_of(settings)),
          calls(loop, http, settings.api_listen.empty() ? nullptr : &ledger, settings, std::move(sink),
                std::move(on_call)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        // First those whose handlers post to the loop, which must be there to take it.
        if (server) server->stop();
        http.stop();
        // By two turns of the loop: what is still to be sent has been posted by the one that sent it.
        loop.post([this] { loop.post([this] { loop.stop(); }); });
        if (thread.joinable()) thread.join();
    }

    Result<void> start_api(const std::string& listen);

    gateway::Loop loop;
    http::Client http;
    TwilioLedger ledger;
    TwilioRest rest;
    TwilioSwitch calls;
    std::string address;
    std::thread thread;
    std::unique_ptr<http::Server> server;
};

Result<void> Twilio::State::start_api(const std::string& listen) {
    server = CALLCHAIN_TRY(http::Server::start({.listen = {listen}}, [this](http::Request request,
                                                                            http::Responder responder) {
        // Work for the loop must be copied.
        auto kept = std::make_shared<http::Responder>(std::move(responder));
        loop.post([this, request = std::move(request), kept] { kept->send(rest.answer(ledger, request)); });
    }));
    return {};
}

Result<std::unique_ptr<Twilio>> Twilio::start(const TwilioSettings& settings, EventSink sink,
                                              std::function<void(TwilioCall)> on_call) {
    auto state = std::make_unique<State>(settings, std::move(sink), std::move(on_call));
    const auto bound = CALLCHAIN_TRY(state->calls.listen());
    state->address = text_of(bound.front().endpoint);
    state->thread = std::thread([loop = &state->loop] { loop->run(); });
    if (!settings.api_listen.empty()) CALLCHAIN_TRY(state->start_api(settings.api_listen));
    return std::unique_ptr<Twilio>(new Twilio(std::move(state)));
}

Twilio::Twilio(std::unique_ptr<State> state) : state_(std::move(state)) {}
Twilio::~Twilio() = default;

std::string Twilio::address() const { return state_->address; }

std::string Twilio::api_url() const {
    return state_->server ? "http://" + state_->server->addresses().front() : std::string();
}

void Twilio::place_call(std::chrono::milliseconds talk) {
    state_->loop.post([calls = &state_->calls, talk] { calls->place_call(talk); });
}

void Twilio::set_voice_url(std::string url) {
    state_->loop.post([calls = &state_->calls, url = std::move(url)] { calls->set_voice_url(url); });
}

void Twilio::set_openai(Endpoint openai) {
    state_->loop.post([calls = &state_->calls, openai = std::move(openai)] { calls->set_openai(openai); });
}

}  // namespace callchain::simulator
