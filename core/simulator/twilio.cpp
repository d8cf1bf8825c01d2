#include "simulator/twilio.hpp"

#include "simulator/twilio_switch.hpp"

#include <thread>
#include <utility>

namespace callchain::simulator {

struct Twilio::State {
    State(TwilioSettings settings, EventSink sink, std::function<void(TwilioCall)> on_call)
        : http({.ca_file = settings.ca_file,
                .user_agent = "TwilioProxy/1.1",
                .most_connections_per_host = 256,
                .proxies = http::ClientOptions::Proxies::none}),
          calls(loop, http, std::move(settings), std::move(sink), std::move(on_call)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        // First: its answers are posted to the loop, which must be there to take them.
        http.stop();
        // By two turns of the loop: what is still to be sent has been posted by the one that sent it.
        loop.post([this] { loop.post([this] { loop.stop(); }); });
        if (thread.joinable()) thread.join();
    }

    gateway::Loop loop;
    http::Client http;
    TwilioSwitch calls;
    std::string address;
    std::thread thread;
};

Result<std::unique_ptr<Twilio>> Twilio::start(TwilioSettings settings, EventSink sink,
                                              std::function<void(TwilioCall)> on_call) {
    auto state = std::make_unique<State>(std::move(settings), std::move(sink), std::move(on_call));
    const auto bound = CALLCHAIN_TRY(state->calls.listen());
    state->address = gateway::text_of(bound.front().endpoint);
    state->thread = std::thread([loop = &state->loop] { loop->run(); });
    return std::unique_ptr<Twilio>(new Twilio(std::move(state)));
}

Twilio::Twilio(std::unique_ptr<State> state) : state_(std::move(state)) {}
Twilio::~Twilio() = default;

std::string Twilio::address() const { return state_->address; }

void Twilio::place_call(std::chrono::milliseconds talk) {
    state_->loop.post([calls = &state_->calls, talk] { calls->place_call(talk); });
}

void Twilio::set_voice_url(std::string url) {
    state_->loop.post([calls = &state_->calls, url = std::move(url)] { calls->set_voice_url(url); });
}

void Twilio::set_openai(gateway::Endpoint openai) {
    state_->loop.post([calls = &state_->calls, openai = std::move(openai)] { calls->set_openai(openai); });
}

}  // namespace callchain::simulator
