#include "http/client.hpp"

#include "http/client_transfers.hpp"
#include "system/signals_blocked.hpp"

#include <algorithm>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

namespace callchain::http {
namespace {

using Clock = Transfers::Clock;
using std::chrono::milliseconds;

constexpr milliseconds kIdlePoll{60'000};

}  // namespace

struct Client::State {
    explicit State(ClientOptions options);
    ~State() { stop(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void send(ClientRequest request, std::function<void(ClientResult)> done);
    void stop();
    [[nodiscard]] milliseconds delay() const { return transfers_.delay(); }

  private:
    void run();
    bool take_queue();
    void wait();

    Transfers transfers_;  // the thread's, while it runs

    std::mutex mutex_;  // of the two below
    std::vector<std::unique_ptr<Transfer>> queue_;
    bool stopping_ = false;

    std::mutex join_mutex_;
    std::thread thread_;
};

Client::State::State(ClientOptions options) : transfers_(std::move(options)) {
    if (transfers_.multi() == nullptr) {
        stopping_ = true;  // every request is answered with failure_when_stopped()
        return;
    }
    const system::SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
}

void Client::State::send(ClientRequest request, std::function<void(ClientResult)> done) {
    auto transfer = new_transfer(std::move(request), std::move(done));
    std::unique_lock lock(mutex_);
    if (stopping_) {
        lock.unlock();
        return call_back(transfer->done, failure_when_stopped(transfer->request));
    }
    const bool first = queue_.empty();  // the thread has not been woken for an earlier one
    queue_.push_back(std::move(transfer));
    lock.unlock();
    if (first) curl().multi_wakeup(transfers_.multi());
}

void Client::State::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    if (transfers_.multi() == nullptr) return;  // there is no thread
    curl().multi_wakeup(transfers_.multi());
    const std::lock_guard joining(join_mutex_);
    if (thread_.joinable()) thread_.join();
}

void Client::State::run() {
    while (take_queue()) {
        int running = 0;
        transfers_.turn(curl().multi_perform(transfers_.multi(), &running));
        wait();
    }
    std::vector<std::unique_ptr<Transfer>> left;
    {
        const std::lock_guard lock(mutex_);
        left.swap(queue_);
    }
    transfers_.stop();
    for (const auto& transfer : left) call_back(transfer->done, failure_when_stopped(transfer->request));
}

// False once the client is stopping.
bool Client::State::take_queue() {
    std::vector<std::unique_ptr<Transfer>> queue;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return false;
        queue.swap(queue_);
    }
    for (auto& transfer : queue) transfers_.take(std::move(transfer));
    return true;
}

void Client::State::wait() {
    auto most = kIdlePoll;
    if (const auto first = transfers_.first_deadline(); first != Clock::time_point::max())
        most = std::clamp(std::chrono::ceil<milliseconds>(first - Clock::now()), milliseconds{0}, kIdlePoll);
    const auto code =
        curl().multi_poll(transfers_.multi(), nullptr, 0, static_cast<int>(most.count()), nullptr);
    if (code == CURLM_OK) return;
    transfers_.turn(code);
    std::this_thread::sleep_for(milliseconds{10});  // not to spin, should it fail again at once
}

Client::Client(ClientOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Client::~Client() = default;

void Client::send(ClientRequest request, std::function<void(ClientResult)> done) {
    state_->send(std::move(request), std::move(done));
}

ClientResult Client::perform(ClientRequest request) {
    // Shared with the client's thread, which may still be inside set_value() when get() returns.
    const auto promise = std::make_shared<std::promise<ClientResult>>();
    auto future = promise->get_future();
    send(std::move(request), [promise](ClientResult result) { promise->set_value(std::move(result)); });
    return future.get();
}

void Client::stop() { state_->stop(); }

std::chrono::milliseconds Client::delay() const { return state_->delay(); }

Result<void> load_client_library() {
    const auto& library = curl_library();
    if (!library) return tl::unexpected(library.error());
    return {};
}

std::string curl_version_text() {
    const auto& library = curl_library();
    if (!library) return "none";
    constexpr std::string_view kPrefix = "libcurl/";
    std::string_view text = library->version();
    if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
    return std::string(text);
}

}  // namespace callchain::http
