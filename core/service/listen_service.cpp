#include "service/listen_service.hpp"

#include "http/loop.hpp"
#include "signature/twilio_url.hpp"

#include <csignal>
#include <limits>
#include <optional>
#include <utility>

namespace callchain::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kDrainStep{20};
constexpr milliseconds kAnswerTime{30'000};
constexpr milliseconds kBeyondForwarding{5'000};

// Every delivery is kept: the ring of files is the only bound, not a rate.
observe::CaptureStoreLimits store_limits(std::size_t most_files) {
    observe::CaptureStoreLimits limits;
    limits.most_files = most_files;
    limits.most_bytes = ListenService::kMostCaptureBytes;
    limits.burst = std::numeric_limits<unsigned>::max();
    limits.per_second = std::numeric_limits<unsigned>::max();
    return limits;
}

}  // namespace

struct ListenService::State {
    explicit State(ListenConfig given) : config(std::move(given)) {}

    ListenConfig config;
    http::Loop loop;
    std::unique_ptr<Reception> reception;
    std::unique_ptr<http::Server> server;

    // Of the loop's thread.
    ListenEnd end;
    bool draining = false;
    steady_clock::time_point drain_until{};
    http::Timer step;

    [[nodiscard]] Result<void> listen();
    void on_signal(int signal);
    void drain();
    void drain_step();
};

Result<void> ListenService::State::listen() {
    http::ServerOptions options;
    options.listen = {config.listen};
    options.limits.answer_time = kAnswerTime;
    if (config.reception.forward)
        options.limits.answer_time = config.reception.forward->time + kBeyondForwarding;
    http::ServerEvents events;
    events.on_refused = [this](int status, const std::string& peer) {
        reception->note_refused(status, peer);
    };
    server = CALLCHAIN_TRY(http::Server::start(
        std::move(options),
        [this](http::Request request, http::Responder responder) {
            reception->handle(std::move(request), std::move(responder));
        },
        std::move(events)));
    const auto& forward = config.reception.forward;
    if (forward && is_own_address(forward->url, server->addresses()))
        return fail(ErrorCode::usage,
                    "--forward-to " + signature::show_url(forward->url) +
                        " is the address that this listens on: every delivery would come back for ever",
                    "name the receiver behind it, or another --listen");
    return {};
}

void ListenService::State::on_signal(int signal) {
    if (draining) {
        end.at_once = true;
        return loop.stop();
    }
    end.signal = signal;
    drain();
}

void ListenService::State::drain() {
    if (std::exchange(draining, true)) return;
    drain_until = steady_clock::now() + kDrainTime;
    server->drain();
    drain_step();
}

void ListenService::State::drain_step() {
    const bool is_idle = reception->under_way() == 0 && server->connections() == 0;
    if (is_idle || steady_clock::now() >= drain_until) return loop.stop();
    step = loop.after(kDrainStep, [this] { drain_step(); });
}

ListenService::ListenService(std::unique_ptr<State> state) : state_(std::move(state)) {}

ListenService::~ListenService() {
    // The server first, so that no request arrives at a reception that has ended.
    if (state_->server) state_->server->stop();
    if (state_->reception) state_->reception->stop();
}

Result<std::unique_ptr<ListenService>> ListenService::start(const ListenConfig& config, DeliveryJudge judge,
                                                            Reception::Tells tells) {
    auto store =
        CALLCHAIN_TRY(observe::CaptureStore::open(config.captures, store_limits(config.most_captures)));
    std::unique_ptr<ListenService> service(new ListenService(std::make_unique<State>(config)));
    auto& state = *service->state_;
    state.reception =
        std::make_unique<Reception>(config.reception, std::move(judge), std::move(store), std::move(tells),
                                    [&state] { state.loop.post([&state] { state.drain(); }); });
    CALLCHAIN_TRY(state.listen());
    return service;
}

std::string ListenService::address() const { return state_->server->addresses().front(); }

void ListenService::handle_signals() {
    state_->loop.on_signals({SIGTERM, SIGINT}, [this](int signal) { state_->on_signal(signal); });
}

ListenEnd ListenService::run() {
    state_->reception->start();
    state_->loop.run();
    return state_->end;
}

}  // namespace callchain::service
