#include "service/replay_driver.hpp"

#include <algorithm>
#include <utility>

namespace callchain::service {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {
constexpr milliseconds kMostMadeUp{20};
}

// Shared with the answers that are under way, which may come when the driver has gone.
struct ReplayDriver::State : std::enable_shared_from_this<ReplayDriver::State> {
    State(http::Loop& of_loop, ApiSender sender, ReplayShape of_shape, MakeRequest maker, OnAnswer answer,
          std::function<void()> done)
        : loop(of_loop),
          send(std::move(sender)),
          shape(of_shape),
          make(std::move(maker)),
          on_answer(std::move(answer)),
          on_done(std::move(done)) {}

    void start() {
        started = next_due = Clock::now();
        send_more();
    }

    // Begins what may be begun now, and sees to it that it is called again when more may.
    void send_more() {
        while (!over() && under_way < shape.concurrency) {
            if (const auto wait = std::min(wait_for_next(), time_left()); wait.count() > 0) {
                timer = loop.after(wait, [this] { send_more(); });
                return;
            }
            send_one();
        }
        finish_if_over();
    }

    void send_one() {
        const auto number = begun++;
        ++under_way;
        // Timers wake late; what is made up for is bounded, so that the rate is never passed by much.
        if (shape.per_second)
            next_due = std::max(next_due, Clock::now() - kMostMadeUp) +
                       std::chrono::duration_cast<Clock::duration>(
                           std::chrono::duration<double>(1.0 / *shape.per_second));
        send(make(number), [self = weak_from_this(), &loop = loop, number](http::ClientResult result) {
            loop.post([self, number, result = std::move(result)]() mutable {
                if (const auto state = self.lock()) state->on_result(number, std::move(result));
            });
        });
    }

    void on_result(std::size_t number, http::ClientResult result) {
        --under_way;
        if (on_answer) on_answer(number, std::move(result));
        send_more();
    }

    // How long until the rate allows the next one.
    [[nodiscard]] milliseconds wait_for_next() const {
        if (!shape.per_second) return milliseconds{0};
        return std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(next_due - Clock::now()));
    }

    [[nodiscard]] milliseconds time_left() const {
        return std::max(milliseconds{0},
                        std::chrono::ceil<milliseconds>(started + shape.most_time - Clock::now()));
    }

    [[nodiscard]] bool over() {
        if (begun >= shape.count || stopped) return true;
        if (Clock::now() - started < shape.most_time) return false;
        out_of_time = true;
        return true;
    }

    void finish_if_over() {
        if (under_way > 0 || !over() || finished) return;
        finished = true;
        timer.cancel();
        if (on_done) on_done();
    }

    http::Loop& loop;
    ApiSender send;
    ReplayShape shape;
    MakeRequest make;
    OnAnswer on_answer;
    std::function<void()> on_done;

    Clock::time_point started;
    Clock::time_point next_due;
    http::Timer timer;
    std::size_t begun = 0;
    std::size_t under_way = 0;
    bool stopped = false;
    bool out_of_time = false;
    bool finished = false;
};

ReplayDriver::ReplayDriver(http::Loop& loop, ApiSender send, ReplayShape shape, MakeRequest make,
                           OnAnswer on_answer, std::function<void()> on_done)
    : state_(std::make_shared<State>(loop, std::move(send), shape, std::move(make), std::move(on_answer),
                                     std::move(on_done))) {}
ReplayDriver::~ReplayDriver() { state_->timer.cancel(); }

void ReplayDriver::start() {
    state_->loop.post([self = std::weak_ptr(state_)] {
        if (const auto state = self.lock()) state->start();
    });
}

void ReplayDriver::stop() {
    state_->stopped = true;
    state_->timer.cancel();
    state_->finish_if_over();
}

std::size_t ReplayDriver::begun() const { return state_->begun; }
bool ReplayDriver::out_of_time() const { return state_->out_of_time; }

}  // namespace callchain::service
