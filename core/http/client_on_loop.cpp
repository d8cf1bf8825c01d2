#include "http/client_on_loop.hpp"

#include "http/client_transfers.hpp"
#include "http/loop_state.hpp"

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace callchain::http {
namespace {

using Clock = Transfers::Clock;
using boost::asio::posix::stream_descriptor;
using std::chrono::milliseconds;

// A descriptor of libcurl's, which alone opens and closes it.
struct Watch {
    Watch(boost::asio::io_context& io, curl_socket_t socket) : descriptor(io, socket) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { leave(); }

    // At once, not when the last handler forgets it: the number may be another descriptor's a moment later.
    void leave() {
        if (descriptor.is_open()) descriptor.release();
    }

    stream_descriptor descriptor;
    int wanted = CURL_POLL_NONE;
    bool waits_to_read = false;
    bool waits_to_write = false;
};

class Driver : public std::enable_shared_from_this<Driver> {
  public:
    Driver(Loop& loop, ClientOptions options);

    void send(ClientRequest request, std::function<void(ClientResult)> done);
    void stop();
    [[nodiscard]] milliseconds delay() const { return transfers_.delay(); }

    // Called from within libcurl's functions: none of them may be called here.
    void on_socket(curl_socket_t socket, int what);
    void on_timer(long delay_ms);

  private:
    void wait(const std::shared_ptr<Watch>& watch);
    void wait_for(const std::shared_ptr<Watch>& watch, stream_descriptor::wait_type event);
    void act_soon();
    void act(curl_socket_t socket, int events);
    void set_timer();
    void on_time();

    boost::asio::io_context& io_;
    boost::asio::steady_timer timer_;
    std::optional<Clock::time_point> timer_at_;  // when it fires
    std::optional<Clock::time_point> curl_due_;  // when libcurl wants to be called
    bool acts_soon_ = false;
    bool stopped_ = false;
    std::vector<std::unique_ptr<Transfer>> taken_;  // since the loop's last turn
    std::map<curl_socket_t, std::shared_ptr<Watch>> watches_;
    // Destroyed before the watches: libcurl takes its descriptors back from them.
    Transfers transfers_;
};

extern "C" int callchain_on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) {
    try {
        static_cast<Driver*>(user)->on_socket(socket, what);
    } catch (...) {
        // Not watched: its transfer ends at its deadline.
    }
    return 0;
}

extern "C" int callchain_on_timer(CURLM*, long delay_ms, void* user) {
    static_cast<Driver*>(user)->on_timer(delay_ms);
    return 0;
}

Driver::Driver(Loop& loop, ClientOptions options)
    : io_(loop.state().io), timer_(io_), transfers_(std::move(options)) {
    auto* multi = transfers_.multi();
    if (multi == nullptr) {
        stopped_ = true;  // every request is answered with failure_when_stopped()
        return;
    }
    curl().multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &callchain_on_socket);
    curl().multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl().multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &callchain_on_timer);
    curl().multi_setopt(multi, CURLMOPT_TIMERDATA, this);
}

void Driver::send(ClientRequest request, std::function<void(ClientResult)> done) {
    auto transfer = new_transfer(std::move(request), std::move(done));
    if (stopped_) return call_back(transfer->done, failure_when_stopped(transfer->request));
    taken_.push_back(std::move(transfer));
    act_soon();
}

void Driver::stop() {
    if (std::exchange(stopped_, true)) return;
    timer_.cancel();
    transfers_.stop();
    for (const auto& transfer : std::exchange(taken_, {}))
        call_back(transfer->done, failure_when_stopped(transfer->request));
}

void Driver::on_socket(curl_socket_t socket, int what) {
    const auto found = watches_.find(socket);
    if (what == CURL_POLL_REMOVE) {
        if (found == watches_.end()) return;
        found->second->leave();
        watches_.erase(found);
        return;
    }
    auto watch = found != watches_.end() ? found->second : std::make_shared<Watch>(io_, socket);
    if (found == watches_.end()) watches_.emplace(socket, watch);
    watch->wanted = what;
    wait(watch);
}

void Driver::wait(const std::shared_ptr<Watch>& watch) {
    if ((watch->wanted & CURL_POLL_IN) != 0) wait_for(watch, stream_descriptor::wait_read);
    if ((watch->wanted & CURL_POLL_OUT) != 0) wait_for(watch, stream_descriptor::wait_write);
}

void Driver::wait_for(const std::shared_ptr<Watch>& watch, stream_descriptor::wait_type event) {
    const bool reads = event == stream_descriptor::wait_read;
    if (std::exchange(reads ? watch->waits_to_read : watch->waits_to_write, true)) return;
    // The watch is held weakly: what was taken off, perhaps closed and made anew, is told nothing.
    watch->descriptor.async_wait(
        event, [weak = weak_from_this(), weak_watch = std::weak_ptr(watch), reads](const auto& error) {
            const auto watch_of = weak_watch.lock();
            const auto self = weak.lock();
            if (!self || !watch_of) return;
            (reads ? watch_of->waits_to_read : watch_of->waits_to_write) = false;
            if ((watch_of->wanted & (reads ? CURL_POLL_IN : CURL_POLL_OUT)) == 0) return;
            const int ready = reads ? CURL_CSELECT_IN : CURL_CSELECT_OUT;
            const auto socket = watch_of->descriptor.native_handle();
            self->act(socket, error ? CURL_CSELECT_ERR : ready);
            if (const auto still = self->watches_.find(socket);
                still != self->watches_.end() && still->second == watch_of)
                self->wait(watch_of);
        });
}

void Driver::on_timer(long delay_ms) {
    if (delay_ms < 0) {
        curl_due_.reset();
    } else {
        curl_due_ = Clock::now() + milliseconds{delay_ms};
    }
}

void Driver::act_soon() {
    if (std::exchange(acts_soon_, true)) return;
    boost::asio::post(io_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->stopped_) return;
        self->acts_soon_ = false;
        for (auto& transfer : std::exchange(self->taken_, {})) self->transfers_.take(std::move(transfer));
        self->curl_due_.reset();
        self->act(CURL_SOCKET_TIMEOUT, 0);
    });
}

void Driver::act(curl_socket_t socket, int events) {
    int running = 0;
    transfers_.turn(curl().multi_socket_action(transfers_.multi(), socket, events, &running));
    set_timer();
}

void Driver::set_timer() {
    const auto now = Clock::now();
    if (curl_due_ && *curl_due_ <= now) return act_soon();
    const auto due = std::min(transfers_.first_deadline(), curl_due_.value_or(Clock::time_point::max()));
    if (due == Clock::time_point::max()) return;
    // One that fires early looks again: most transfers are over before any time of theirs is.
    if (timer_at_ && *timer_at_ <= due) return;
    timer_at_ = due;
    timer_.expires_at(due);
    timer_.async_wait([weak = weak_from_this()](const auto& error) {
        if (const auto self = weak.lock(); self && !error) self->on_time();
    });
}

void Driver::on_time() {
    timer_at_.reset();
    if (stopped_) return;
    if (curl_due_ && *curl_due_ <= Clock::now()) {
        curl_due_.reset();
        return act(CURL_SOCKET_TIMEOUT, 0);
    }
    transfers_.turn(CURLM_OK);
    set_timer();
}

}  // namespace

struct ClientOnLoop::State : Driver {
    using Driver::Driver;
};

ClientOnLoop::ClientOnLoop(Loop& loop, ClientOptions options)
    : state_(std::make_shared<State>(loop, std::move(options))) {}

ClientOnLoop::~ClientOnLoop() { stop(); }

void ClientOnLoop::send(ClientRequest request, std::function<void(ClientResult)> done) {
    state_->send(std::move(request), std::move(done));
}

std::chrono::milliseconds ClientOnLoop::delay() const { return state_->delay(); }

void ClientOnLoop::stop() { state_->stop(); }

}  // namespace callchain::http
