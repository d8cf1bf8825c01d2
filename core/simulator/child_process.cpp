#include "simulator/child_process.hpp"

#include "system/descriptor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <mutex>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace callchain::simulator {
namespace {

using std::chrono::milliseconds;
using system::Descriptor;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMostLine = std::size_t{64} << 10U;
constexpr int kCannotRun = 127;  // as the shell says it

struct Pipe {
    Descriptor read;
    Descriptor write;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return fail(ErrorCode::io, std::string("cannot make a pipe: ") + std::strerror(errno));
    // Above the three that become() puts in place, even where ours were closed.
    Pipe pipe;
    const Descriptor low_read(ends[0]);
    const Descriptor low_write(ends[1]);
    pipe.read = Descriptor(::fcntl(low_read.number(), F_DUPFD_CLOEXEC, 3));
    pipe.write = Descriptor(::fcntl(low_write.number(), F_DUPFD_CLOEXEC, 3));
    if (!pipe.read || !pipe.write)
        return fail(ErrorCode::io, std::string("cannot make a pipe: ") + std::strerror(errno));
    return pipe;
}

// What exec wants, made before fork: between the two nothing may allocate.
struct Words {
    explicit Words(const ChildSettings& settings) {
        arguments.push_back(settings.program);
        arguments.insert(arguments.end(), settings.arguments.begin(), settings.arguments.end());
        for (const auto& [name, value] : settings.environment) variables.push_back(name + "=" + value);
        for (auto& one : arguments) argv.push_back(one.data());
        for (auto& one : variables) envp.push_back(one.data());
        argv.push_back(nullptr);
        envp.push_back(nullptr);
    }
    std::vector<std::string> arguments;
    std::vector<std::string> variables;
    std::vector<char*> argv;
    std::vector<char*> envp;
};

// In the child, behind fork: async-signal-safe calls alone. Tells errno through `trouble` where it fails.
[[noreturn]] void become(const ChildSettings& settings, Words& words, int out, int err, int trouble,
                         pid_t parent) {
    const auto give_up = [trouble] {
        const int error = errno;
        static_cast<void>(!::write(trouble, &error, sizeof error));
        ::_exit(kCannotRun);
    };
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(kCannotRun);  // it died before it could be told
    ::setpgid(0, 0);                                 // an interrupt at the terminal is ours to pass on
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || ::dup2(nothing, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) give_up();
    // What our own parent left open is no business of the child. Where the kernel lacks it, ours are marked
    // anyway.
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (!settings.folder.empty() && ::chdir(settings.folder.c_str()) != 0) give_up();
    ::execve(settings.program.c_str(), words.argv.data(), words.envp.data());
    give_up();
    ::_exit(kCannotRun);
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// The process and all of its group. Only while it has not been waited for: its number is taken until then.
void kill_group(pid_t pid) { ::kill(-pid, SIGKILL); }

int reap(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return 128 + SIGKILL;
    return code_of(status);
}

struct Spawned {
    pid_t pid = -1;
    Descriptor out;
    Descriptor err;
};

Result<Spawned> spawn(const ChildSettings& settings) {
    auto out = CALLCHAIN_TRY(make_pipe());
    auto err = CALLCHAIN_TRY(make_pipe());
    auto trouble = CALLCHAIN_TRY(make_pipe());
    Words words(settings);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return fail(ErrorCode::io, std::string("cannot start a process: ") + std::strerror(errno));
    if (pid == 0)
        become(settings, words, out.write.number(), err.write.number(), trouble.write.number(), parent);
    trouble.write = Descriptor();
    int error = 0;
    // Ends with exec, which closes the other end.
    ssize_t count = 0;
    do {
        count = ::read(trouble.read.number(), &error, sizeof error);
    } while (count < 0 && errno == EINTR);
    if (count == static_cast<ssize_t>(sizeof error)) {
        reap(pid);
        return fail(ErrorCode::io, "cannot run " + settings.program + ": " + std::strerror(error));
    }
    return Spawned{pid, std::move(out.read), std::move(err.read)};
}

// Reads both until both have ended, or the other end of `stop` is closed and there is nothing left to read: a
// grandchild that left the group may hold them open for ever. `take(which, bytes)` with 0 for stdout.
template <class Take>
void read_both(int out, int err, int stop, Take take) {
    std::array<pollfd, 3> wanted{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
    std::array<char, 16'384> bytes{};
    while (wanted[0].fd >= 0 || wanted[1].fd >= 0) {
        if (::poll(wanted.data(), wanted.size(), -1) < 0) {
            if (errno == EINTR) continue;
            return;
        }
        if (wanted[2].revents != 0 && wanted[0].revents == 0 && wanted[1].revents == 0) return;
        for (std::size_t which = 0; which < 2; ++which) {
            if (wanted[which].fd < 0 || wanted[which].revents == 0) continue;
            const auto count = ::read(wanted[which].fd, bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0)
                wanted[which].fd = -1;
            else
                take(which, std::string_view(bytes.data(), static_cast<std::size_t>(count)));
        }
    }
}

}  // namespace

struct ChildProcess::State {
    pid_t pid = -1;
    Descriptor out;
    Descriptor err;
    Descriptor copy;  // of the output
    Pipe stop;        // its write end closed: the reader ends
    std::function<void(const std::string&)> on_line;
    std::thread reader;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> lines;
    bool output_ended = false;
    std::optional<int> code;

    void read();
    void take_line(std::string line);
    std::optional<int> poll_code();
};

void ChildProcess::State::take_line(std::string line) {
    if (copy.number() >= 0) {
        const auto whole = line + "\n";
        static_cast<void>(!::write(copy.number(), whole.data(), whole.size()));  // a full disk ends no call
    }
    if (on_line) on_line(line);
    {
        const std::lock_guard lock(mutex);
        lines.push_back(std::move(line));
    }
    changed.notify_all();
}

void ChildProcess::State::read() {
    std::array<std::string, 2> partial;
    read_both(out.number(), err.number(), stop.read.number(), [&](std::size_t which, std::string_view bytes) {
        auto& text = partial[which];
        for (const char c : bytes) {
            if (c != '\n' && text.size() < kMostLine) {
                text += c;
            } else {
                take_line(std::exchange(text, {}));
                if (c != '\n') text += c;
            }
        }
    });
    for (auto& text : partial)
        if (!text.empty()) take_line(std::move(text));
    {
        const std::lock_guard lock(mutex);
        output_ended = true;
    }
    changed.notify_all();
}

// Under the mutex. Only looks: the process is reaped by the destructor, so that until then its number, which
// is that of its group as well, cannot become another's.
std::optional<int> ChildProcess::State::poll_code() {
    if (code) return code;
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == pid)
        code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return code;
}

ChildProcess::ChildProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(
    ChildSettings settings, std::function<void(const std::string& line)> on_line) {
    auto state = std::make_unique<State>();
    if (!settings.output_file.empty()) {
        constexpr int kOwnerOnly = 0600;
        state->copy = Descriptor(
            ::open(settings.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kOwnerOnly));
        if (state->copy.number() < 0)
            return fail(ErrorCode::io, "cannot make " + settings.output_file + ": " + std::strerror(errno));
    }
    state->on_line = std::move(on_line);
    state->stop = CALLCHAIN_TRY(make_pipe());
    auto spawned = CALLCHAIN_TRY(spawn(settings));
    state->pid = spawned.pid;
    state->out = std::move(spawned.out);
    state->err = std::move(spawned.err);
    state->reader = std::thread([of = state.get()] { of->read(); });
    return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(state)));
}

ChildProcess::~ChildProcess() {
    kill_group(state_->pid);  // what it left behind as well
    reap(state_->pid);
    state_->stop.write.close();
    state_->reader.join();
}

int ChildProcess::pid() const { return state_->pid; }

std::optional<std::string> ChildProcess::wait_for_line(const std::string& text, milliseconds most) {
    std::unique_lock lock(state_->mutex);
    std::size_t seen = 0;
    std::optional<std::string> found;
    state_->changed.wait_for(lock, most, [&] {
        for (; seen < state_->lines.size(); ++seen) {
            if (state_->lines[seen].find(text) == std::string::npos) continue;
            found = state_->lines[seen];
            return true;
        }
        return state_->output_ended;
    });
    return found;
}

void ChildProcess::signal(int number) {
    const std::lock_guard lock(state_->mutex);
    if (!state_->poll_code()) ::kill(state_->pid, number);
}

std::optional<int> ChildProcess::wait(milliseconds most) {
    const auto end = SteadyClock::now() + most;
    while (true) {
        {
            const std::lock_guard lock(state_->mutex);
            if (const auto code = state_->poll_code()) return code;
        }
        if (SteadyClock::now() >= end) return std::nullopt;
        std::this_thread::sleep_for(milliseconds(5));
    }
}

int ChildProcess::stop(milliseconds most) {
    signal(SIGTERM);
    if (const auto code = wait(most)) return *code;
    signal(SIGKILL);
    return wait(milliseconds(10'000)).value_or(128 + SIGKILL);
}

Result<Finished> run_to_end(const ChildSettings& settings, milliseconds most) {
    auto stop = CALLCHAIN_TRY(make_pipe());
    const auto spawned = CALLCHAIN_TRY(spawn(settings));
    Finished finished;
    std::atomic<bool> ended{false};
    std::atomic<bool> killed{false};
    // Whoever reads hangs for as long as the process lives.
    std::thread watch([&] {
        const auto end = SteadyClock::now() + most;
        while (!ended && SteadyClock::now() < end) std::this_thread::sleep_for(milliseconds(5));
        if (ended) return;
        killed = true;
        kill_group(spawned.pid);
        stop.write.close();
    });
    read_both(spawned.out.number(), spawned.err.number(), stop.read.number(),
              [&](std::size_t which, std::string_view bytes) {
                  (which == 0 ? finished.output : finished.errors).append(bytes);
              });
    // It may live on without its output: the watch ends only when it does.
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(spawned.pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    ended = true;
    watch.join();
    kill_group(spawned.pid);
    finished.code = reap(spawned.pid);
    if (killed)
        return fail(ErrorCode::limit,
                    settings.program + " took longer than " + std::to_string(most.count()) + " ms");
    return finished;
}

}  // namespace callchain::simulator
