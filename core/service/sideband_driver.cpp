#include "service/sideband_driver.hpp"

#include "base/redact.hpp"
#include "openai/call_outcome.hpp"

#include <map>
#include <optional>
#include <utility>

namespace callchain::service {
namespace {

using openai::SidebandAction;
using openai::SidebandEnded;
using openai::SidebandEvent;
using openai::SidebandTimer;
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMostDetail = 300;

class WebSocketConnection final : public SidebandConnection {
  public:
    explicit WebSocketConnection(std::unique_ptr<http::WebSocket> socket) : socket_(std::move(socket)) {}
    void send(std::string text) override { socket_->send(std::move(text)); }
    void close() override { socket_->close(); }

  private:
    std::unique_ptr<http::WebSocket> socket_;
};

SidebandEnded::How how_of(http::WebSocketEnd::Kind kind) {
    using Kind = http::WebSocketEnd::Kind;
    switch (kind) {
        case Kind::closed:
            return SidebandEnded::How::closed;
        case Kind::closed_by_peer:
            return SidebandEnded::How::closed_by_peer;
        case Kind::lost:
            return SidebandEnded::How::lost;
        case Kind::refused:
            return SidebandEnded::How::refused;
        case Kind::failed:
            return SidebandEnded::How::failed;
        case Kind::timeout:
            break;
    }
    return SidebandEnded::How::timeout;
}

// A refused upgrade tells its reason in the body, a close frame in its text; that, status and code say all
// there is.
SidebandEnded ended_of(const http::WebSocketEnd& end) {
    SidebandEnded ended{how_of(end.kind), end.http_status, end.close_code, {}};
    if (end.kind == http::WebSocketEnd::Kind::refused) {
        const auto answer = openai::read_api_answer(end.http_status, end.http_body, {}, {}, {});
        ended.message = answer.error_code.empty() ? answer.error_message : answer.error_code;
    } else if (end.kind == http::WebSocketEnd::Kind::closed_by_peer) {
        ended.message = safe_excerpt(end.close_reason, kMostDetail);
    } else {
        ended.message = end.message;
    }
    return ended;
}

}  // namespace

OpenSideband web_socket_opener(http::Loop& loop, SidebandOptions options) {
    return [&loop, options = std::move(options)](http::WebSocketEvents events) {
        http::WebSocketOptions socket;
        socket.url = options.url;
        socket.headers.push_back({"Authorization", "Bearer " + options.api_key});
        if (!options.user_agent.empty()) socket.headers.push_back({"User-Agent", options.user_agent});
        socket.ca_file = options.ca_file;
        socket.connect_time = options.connect_time;
        return std::make_unique<WebSocketConnection>(
            http::WebSocket::connect(loop, std::move(socket), std::move(events)));
    };
}

struct SidebandDriver::State : std::enable_shared_from_this<SidebandDriver::State> {
    State(http::Loop& its_loop, openai::SidebandSettings settings, OpenSideband its_opener,
          SidebandCallbacks its_callbacks)
        : loop(its_loop),
          machine(std::move(settings)),
          open(std::move(its_opener)),
          callbacks(std::move(its_callbacks)) {}

    [[nodiscard]] SidebandNote note_of(const SidebandAction& action) const {
        return {action.text, action.detail,
                std::chrono::duration_cast<milliseconds>(SteadyClock::now() - started)};
    }

    void step(const SidebandEvent& event) { perform(machine.step(event)); }

    void perform(const std::vector<SidebandAction>& actions) {
        closes_in_this_step = false;
        for (const auto& action : actions) perform_one(action);
    }

    void perform_one(const SidebandAction& action) {
        using What = SidebandAction::What;
        switch (action.what) {
            case What::connect:
                return connect();
            case What::send:
                if (connection) connection->send(action.text);
                return;
            case What::set_timer:
                timers[action.timer] =
                    loop.after(action.delay, [this, which = action.timer] { step(SidebandTimer{which}); });
                return;
            case What::cancel_timer:
                timers.erase(action.timer);
                return;
            case What::hang_up:
                return hang_up();
            case What::close:
                closes_in_this_step = connection != nullptr;
                if (connection) connection->close();
                return;
            case What::note:
                if (callbacks.on_note) callbacks.on_note(note_of(action));
                return;
            case What::finished:
                finish = note_of(action);
                timers.clear();
                // Its close frame is still to be sent. A machine that ends in a later step waits no longer.
                if (!closes_in_this_step) report();
                return;
        }
    }

    void connect() {
        const auto self = weak_from_this();
        const auto number = ++connections;
        http::WebSocketEvents events;
        events.on_open = [self, number] {
            with(self, number, [](State& at) { at.step({openai::SidebandOpened{}}); });
        };
        events.on_text = [self, number](std::string text) {
            with(self, number, [&](State& at) { at.step(openai::SidebandText{std::move(text)}); });
        };
        // Behind the connection's own frame: what follows may replace or drop it.
        events.on_end = [self, number, &its_loop = loop](http::WebSocketEnd end) {
            its_loop.post([self, number, ended = ended_of(end)] {
                with(self, number, [&](State& at) { at.on_end(ended); });
            });
        };
        connection = open(std::move(events));
    }

    // Runs `work` unless the driver is gone or the event is of a connection that was replaced.
    template <class Work>
    static void with(const std::weak_ptr<State>& weak, unsigned number, Work work) {
        const auto self = weak.lock();
        if (self && self->connections == number) work(*self);
    }

    void on_end(const SidebandEnded& ended) {
        connection.reset();
        if (finish) return report();
        step(ended);
    }

    void hang_up() {
        if (!callbacks.hang_up) {
            loop.post([weak = weak_from_this()] {
                if (const auto self = weak.lock())
                    self->step(openai::SidebandHungUp{false, "no way to hang up"});
            });
            return;
        }
        callbacks.hang_up([weak = weak_from_this(), &its_loop = loop](openai::SidebandHungUp result) {
            its_loop.post([weak, result = std::move(result)] {
                if (const auto self = weak.lock()) self->step(result);
            });
        });
    }

    void report() {
        // The callback may destroy the driver, and with it what runs here.
        loop.post([weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self || !self->callbacks.on_finished) return;
            self->connection.reset();
            std::exchange(self->callbacks.on_finished, nullptr)(*self->finish);
        });
    }

    http::Loop& loop;
    openai::Sideband machine;
    OpenSideband open;
    SidebandCallbacks callbacks;
    std::unique_ptr<SidebandConnection> connection;
    std::map<SidebandTimer::Which, http::Timer> timers;  // each belongs to this object and cannot outlive it
    std::optional<SidebandFinish> finish;
    SteadyClock::time_point started = SteadyClock::now();
    unsigned connections = 0;
    bool closes_in_this_step = false;
};

SidebandDriver::SidebandDriver(http::Loop& loop, openai::SidebandSettings settings, OpenSideband open,
                               SidebandCallbacks callbacks)
    : state_(std::make_shared<State>(loop, std::move(settings), std::move(open), std::move(callbacks))) {}

SidebandDriver::SidebandDriver(http::Loop& loop, openai::SidebandSettings settings, SidebandOptions options,
                               SidebandCallbacks callbacks)
    : SidebandDriver(loop, std::move(settings), web_socket_opener(loop, std::move(options)),
                     std::move(callbacks)) {}

SidebandDriver::~SidebandDriver() = default;

void SidebandDriver::start() {
    state_->started = SteadyClock::now();
    state_->perform(state_->machine.start());
}

void SidebandDriver::drain() { state_->step(openai::SidebandDrain{}); }
bool SidebandDriver::is_attached() const { return state_->machine.is_attached(); }
bool SidebandDriver::is_finished() const { return state_->machine.is_finished(); }

}  // namespace callchain::service
