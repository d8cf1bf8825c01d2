#include "observe/log.hpp"

#include "observe/line_writer.hpp"
#include "system/signals_blocked.hpp"

#include <climits>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace callchain::observe {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMostLines = 8192;
// While this many lines wait, long ones are not taken: a stuck reader must not cost gigabytes.
constexpr std::size_t kFewLines = 1024;
constexpr std::size_t kLongLine = 4096;
constexpr auto kPatience = std::chrono::seconds(1);
// Lines that come within this time of each other share one waking of the thread and one write().
constexpr auto kGathering = std::chrono::milliseconds(20);

enum class Urgency { may_gather, at_once };

}  // namespace

/// The queue, and the thread that empties it. Any thread may call the public functions.
class Log::State {
  public:
    explicit State(Options given) : options(std::move(given)), writer_(options.descriptor) {
        if (options.now) return;
        options.now = [] {
            return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
        };
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State();

    void post(std::string line, Urgency urgency);
    void flush();
    [[nodiscard]] std::uint64_t dropped() const;

    Options options;

  private:
    using Lock = std::unique_lock<std::mutex>;

    [[nodiscard]] bool take(std::string line);
    [[nodiscard]] bool start_thread();

    // On the thread of the log:
    void run();
    void gather(Lock& lock);
    void write_some(Lock& lock);
    [[nodiscard]] std::string take_some();
    [[nodiscard]] std::uint64_t write_lines(std::string_view lines);
    void tell_of_drops(std::uint64_t total, bool more_wait);

    mutable std::mutex mutex_;          // of all down to the thread
    std::condition_variable wake_;      // the thread has something to do
    std::condition_variable progress_;  // for flush()
    std::deque<std::string> queue_;     // oldest first, each with its line end
    bool urgent_ = false;               // what waits is not to be gathered any longer
    bool stopping_ = false;
    std::uint64_t posted_ = 0;  // lines that were put into the queue
    std::uint64_t done_ = 0;    // of these, those that are through, whichever way
    std::uint64_t dropped_ = 0;
    std::thread thread_;

    LineWriter writer_;
    std::uint64_t told_ = 0;  // of the drops
    SteadyClock::time_point next_telling_;
};

Log::State::~State() {
    {
        const Lock lock(mutex_);
        if (!thread_.joinable()) return;
        stopping_ = true;
        writer_.give_up_at(SteadyClock::now() + kPatience);
    }
    wake_.notify_one();
    thread_.join();
}

void Log::State::post(std::string line, Urgency urgency) {
    line += '\n';
    bool wakes = false;
    {
        const Lock lock(mutex_);
        if (!take(std::move(line))) return;
        const bool hurries = urgency == Urgency::at_once || queue_.size() >= kFewLines;
        // Behind the first line the thread sleeps on, until what has gathered is worth a write().
        wakes = queue_.size() == 1 || (hurries && !urgent_);
        urgent_ = urgent_ || hurries;
    }
    if (wakes) wake_.notify_one();
}

/// False where there is no place for the line.
bool Log::State::take(std::string line) {
    if ((line.size() > kLongLine && queue_.size() >= kFewLines) || !start_thread()) {
        ++dropped_;
        return false;
    }
    if (queue_.size() == kMostLines) {
        queue_.pop_front();
        ++dropped_;
        ++done_;
    }
    queue_.push_back(std::move(line));
    ++posted_;
    return true;
}

/// With the first line. False where the system has no thread left.
bool Log::State::start_thread() {
    if (thread_.joinable()) return true;
    const system::SignalsBlocked blocked;
    try {
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
        return false;
    }
    return true;
}

void Log::State::flush() {
    Lock lock(mutex_);
    const auto lines = posted_;
    if (done_ >= lines) return;
    urgent_ = true;
    wake_.notify_one();
    progress_.wait_until(lock, SteadyClock::now() + kPatience, [&] { return done_ >= lines; });
}

std::uint64_t Log::State::dropped() const {
    const Lock lock(mutex_);
    return dropped_;
}

void Log::State::run() {
    Lock lock(mutex_);
    while (!stopping_ || !queue_.empty()) {
        gather(lock);
        while (!queue_.empty()) write_some(lock);
        urgent_ = false;
    }
}

/// Until there are lines, and until they are worth a write().
void Log::State::gather(Lock& lock) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    wake_.wait_for(lock, kGathering, [this] { return stopping_ || urgent_; });
}

void Log::State::write_some(Lock& lock) {
    const auto waited = queue_.size();
    const auto lines = take_some();
    const auto count = waited - queue_.size();
    const auto dropped = dropped_;
    const bool more_wait = !queue_.empty();
    lock.unlock();
    tell_of_drops(dropped, more_wait);
    const auto lost = write_lines(lines);
    lock.lock();
    dropped_ += lost;
    done_ += count;
    progress_.notify_all();
}

/// As many of the oldest lines as a pipe takes in one piece, so that lines of other processes do not come
/// between; but one at least.
std::string Log::State::take_some() {
    std::string lines = std::move(queue_.front());
    queue_.pop_front();
    while (!queue_.empty() && lines.size() + queue_.front().size() <= PIPE_BUF) {
        lines += queue_.front();
        queue_.pop_front();
    }
    return lines;
}

/// How many of them were lost. Behind one that failed the next is tried.
std::uint64_t Log::State::write_lines(std::string_view lines) {
    std::uint64_t lost = 0;
    for (auto written = writer_.write(lines); written < lines.size(); written = writer_.write(lines)) {
        lines.remove_prefix(lines.find('\n', written) + 1);
        ++lost;
    }
    return lost;
}

/// At most once a second, since under load lines are dropped all the time, and before the last lines.
void Log::State::tell_of_drops(std::uint64_t total, bool more_wait) {
    if (total == told_) return;
    const auto now = SteadyClock::now();
    if (now < next_telling_ && more_wait) return;
    next_telling_ = now + std::chrono::seconds(1);
    const LogFields fields{{"dropped", static_cast<std::int64_t>(total - told_)}};
    constexpr std::string_view kMessage = "lines of this log were dropped: its reader is too slow, or failed";
    const auto line = format_log_line(options.form, options.now(), Level::warn, kMessage, fields, {}) + "\n";
    if (writer_.write(line) == line.size()) told_ = total;
}

Log::Log(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Log::~Log() = default;

bool Log::enabled(Level level) const { return level >= state_->options.threshold; }

void Log::write(Level level, std::string_view message, const LogFields& fields) {
    if (!enabled(level)) return;
    const auto& options = state_->options;
    state_->post(format_log_line(options.form, options.now(), level, message, fields, options.secrets),
                 level >= Level::warn ? Urgency::at_once : Urgency::may_gather);
}

void Log::write_verbatim(std::string line) { state_->post(std::move(line), Urgency::may_gather); }

void Log::flush() { state_->flush(); }

std::uint64_t Log::dropped() const { return state_->dropped(); }

}  // namespace callchain::observe
