#include "observe/log.hpp"

#include "observe/line_writer.hpp"

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <utility>

namespace callchain::observe {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMostLines = 8192;
// While this many lines wait, long ones are not taken: a stuck reader must not cost gigabytes.
constexpr std::size_t kFewLines = 1024;
constexpr std::size_t kLongLine = 4096;
constexpr auto kPatience = std::chrono::seconds(1);

// Threads that are made in its scope get no signal, but for those that a fault raises in the thread itself.
// The thread of the log then never runs a handler of somebody else's, and a closed pipe is an error of
// write().
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigdelset(&all, fault);
        ::pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

// Runs on the thread of the log, except for the functions that say otherwise.
class DescriptorSink final : public spdlog::sinks::sink {
  public:
    /// Borrows all three.
    DescriptorSink(const Log::Options& options, spdlog::details::thread_pool& pool,
                   const std::atomic<std::uint64_t>& refused)
        : options_(options), pool_(pool), refused_(refused), writer_(options.descriptor) {}

    void log(const spdlog::details::log_msg& message) override {
        tell_of_drops();
        if (!writer_.write({message.payload.data(), message.payload.size()})) ++lost_;
        ++handled_;
        if (waiting_ == 0) return;
        const std::lock_guard lock(mutex_);
        progress_.notify_all();
    }
    void flush() override {}
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

    /// Any thread.
    void give_up_at(SteadyClock::time_point time) { writer_.give_up_at(time); }
    /// Any thread.
    [[nodiscard]] std::uint64_t dropped() const { return pool_.overrun_counter() + refused_ + lost_; }
    /// Any thread: waits until as many lines as that have left the queue, whichever way.
    void wait_for(std::uint64_t lines, SteadyClock::time_point until) {
        ++waiting_;
        std::unique_lock lock(mutex_);
        progress_.wait_until(lock, until, [&] { return handled_ + pool_.overrun_counter() >= lines; });
        --waiting_;
    }

  private:
    // At most once a second, since under load lines are dropped all the time, and before the last line.
    void tell_of_drops() {
        const auto total = dropped();
        if (total == told_) return;
        const auto now = SteadyClock::now();
        if (now < next_telling_ && pool_.queue_size() > 0) return;
        next_telling_ = now + std::chrono::seconds(1);
        const LogFields fields{{"dropped", static_cast<std::int64_t>(total - told_)}};
        constexpr std::string_view kMessage =
            "lines of this log were dropped: its reader is too slow, or failed";
        if (writer_.write(format_log_line(options_.form, options_.now(), Level::warn, kMessage, fields, {}) +
                          "\n"))
            told_ = total;
    }

    const Log::Options& options_;
    spdlog::details::thread_pool& pool_;
    const std::atomic<std::uint64_t>& refused_;
    LineWriter writer_;
    std::uint64_t told_ = 0;
    SteadyClock::time_point next_telling_;
    std::atomic<std::uint64_t> handled_ = 0;
    std::atomic<std::uint64_t> lost_ = 0;
    std::atomic<int> waiting_ = 0;
    std::mutex mutex_;
    std::condition_variable progress_;
};

}  // namespace

struct Log::State {
    explicit State(Options given) : options(std::move(given)) {
        if (options.now) return;
        options.now = [] {
            return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
        };
    }

    // The queue takes 3 MB and the thread starts, at the first line.
    void start() {
        {
            const SignalsBlocked blocked;
            pool = std::make_shared<spdlog::details::thread_pool>(kMostLines, 1);
        }
        sink = std::make_shared<DescriptorSink>(options, *pool, refused);
        logger = std::make_shared<spdlog::async_logger>("callchain", sink, pool,
                                                        spdlog::async_overflow_policy::overrun_oldest);
        running = true;
    }

    void post(std::string line) {
        std::call_once(started, [this] { start(); });
        line += '\n';
        if (line.size() > kLongLine && pool->queue_size() >= kFewLines) {
            ++refused;
            return;
        }
        // Counted first: flush() may wait for a line too many, never for one too few.
        ++posted;
        logger->log(spdlog::level::info, spdlog::string_view_t(line));
    }

    Options options;
    std::once_flag started;
    std::atomic<bool> running = false;
    std::atomic<std::uint64_t> posted = 0;
    std::atomic<std::uint64_t> refused = 0;
    // Two owners each, as spdlog wants it: this one, and the logger or the lines that wait.
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<DescriptorSink> sink;
    std::shared_ptr<spdlog::async_logger> logger;
};

Log::Log(Options options) : state_(std::make_unique<State>(std::move(options))) {}

Log::~Log() {
    if (!state_->running) return;
    state_->sink->give_up_at(SteadyClock::now() + kPatience);
    state_->pool.reset();  // waits for its thread, which writes what is queued
}

bool Log::enabled(Level level) const { return level >= state_->options.threshold; }

void Log::write(Level level, std::string_view message, const LogFields& fields) {
    if (!enabled(level)) return;
    const auto& options = state_->options;
    state_->post(format_log_line(options.form, options.now(), level, message, fields, options.secrets));
}

void Log::write_verbatim(std::string line) { state_->post(std::move(line)); }

void Log::flush() {
    if (state_->running) state_->sink->wait_for(state_->posted, SteadyClock::now() + kPatience);
}

std::uint64_t Log::dropped() const { return state_->running ? state_->sink->dropped() : 0; }

}  // namespace callchain::observe
