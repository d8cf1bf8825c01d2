#include "base/text.hpp"
#include "capture_files.hpp"
#include "commands.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ostream>
#include <poll.h>
#include <set>
#include <sys/inotify.h>
#include <unistd.h>

namespace callchain::cli {
namespace {

struct TailOptions {
    std::string folder;
    int lines = 10;
    bool no_follow = false;
};

volatile std::sig_atomic_t caught_signal = 0;

// SIGINT and SIGTERM wait until ppoll() lets them in: none is lost between a look at the flag and the wait.
class SignalGuard {
  public:
    SignalGuard() {
        sigset_t blocked;
        ::sigemptyset(&blocked);
        struct sigaction action {};
        action.sa_handler = [](int signal) { caught_signal = signal; };
        for (const int signal : {SIGINT, SIGTERM}) {
            ::sigaddset(&blocked, signal);
            ::sigaction(signal, &action, nullptr);
        }
        ::sigprocmask(SIG_BLOCK, &blocked, &before_);
    }
    [[nodiscard]] const sigset_t* open_mask() const { return &before_; }

  private:
    sigset_t before_{};
};

// The names of files that were finished in a folder, as inotify(7) tells them.
class FolderWatch {
  public:
    FolderWatch() : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}
    FolderWatch(const FolderWatch&) = delete;
    FolderWatch& operator=(const FolderWatch&) = delete;
    ~FolderWatch() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] Result<void> watch(const std::string& folder) const {
        constexpr std::uint32_t kEvents =
            IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
        if (fd_ >= 0 && ::inotify_add_watch(fd_, folder.c_str(), kEvents) >= 0) return {};
        return fail(ErrorCode::io,
                    "cannot watch " + visible_excerpt(folder, 200) + ": " + std::strerror(errno),
                    "name the folder of CALLCHAIN_CAPTURE_DIR");
    }
    struct News {
        std::vector<std::string> names;
        bool folder_gone = false;
        bool lost_some = false;
    };
    /// Waits for news or a signal.
    [[nodiscard]] News wait(const sigset_t* open_mask) const {
        News news;
        struct pollfd waiting {
            fd_, POLLIN, 0
        };
        if (::ppoll(&waiting, 1, nullptr, open_mask) <= 0) return news;
        constexpr std::size_t kBufferBytes = 16'384;
        alignas(struct inotify_event) std::array<char, kBufferBytes> buffer{};
        const auto got = ::read(fd_, buffer.data(), buffer.size());
        for (ssize_t at = 0; at < got;) {
            struct inotify_event event {};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* name = buffer.data() + at + sizeof event;
            if (event.len > 0) news.names.emplace_back(name);
            news.folder_gone =
                news.folder_gone || (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0;
            news.lost_some = news.lost_some || (event.mask & IN_Q_OVERFLOW) != 0;
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
        return news;
    }

  private:
    int fd_;
};

class Tail {
  public:
    Tail(const TailOptions& options, Context& context) : options_(options), context_(context) {}

    Result<int> run() {
        const SignalGuard signals;
        const FolderWatch watch;
        // Before the list is read: what comes in between is seen twice rather than never.
        if (!options_.no_follow) CALLCHAIN_TRY(watch.watch(options_.folder));
        const auto past = CALLCHAIN_TRY(captures_in(options_.folder));
        const auto shown = std::min(past.size(), static_cast<std::size_t>(options_.lines));
        for (auto at = past.end() - static_cast<std::ptrdiff_t>(shown); at != past.end(); ++at) print(*at);
        listed_ = {past.begin(), past.end()};
        if (options_.no_follow) return kDone;
        return follow(watch, signals);
    }

  private:
    Result<int> follow(const FolderWatch& watch, const SignalGuard& signals) {
        for (;;) {
            const auto news = watch.wait(signals.open_mask());
            for (const auto& name : news.names) on_file(name);
            if (news.lost_some)
                context_.say(
                    "callchain: tail: too many files at once: some were not shown; callchain show lists all");
            if (caught_signal != 0) return caught_signal == SIGINT ? kInterrupted : kDone;
            if (news.folder_gone)
                return fail(ErrorCode::io,
                            "the folder " + visible_excerpt(options_.folder, 200) + " is gone");
        }
    }

    void on_file(const std::string& name) {
        if (!has_capture_name(name)) return;
        const auto path = options_.folder + (options_.folder.ends_with('/') ? "" : "/") + name;
        if (listed_.erase(path) == 0) print(path);
    }

    void print(const std::string& path) {
        const auto file = read_capture_file(context_, path);
        // The ring may have dropped it already, and a file of somebody else is none of ours.
        if (!file) return context_.detail(file.error().message);
        if (context_.output.json)
            print_capture_json(context_, *file, {});
        else
            print_capture_line(context_, *file);
    }

    const TailOptions& options_;
    Context& context_;
    std::set<std::string> listed_;
};

}  // namespace

void define_tail(CLI::App& command, Context& context) {
    constexpr int kMostLines = 100'000;
    auto options = std::make_shared<TailOptions>();
    command.add_option("folder", options->folder, "The folder, as in CALLCHAIN_CAPTURE_DIR")
        ->required()
        ->type_name("DIR");
    command.add_option("--lines", options->lines, "So many that are there already come first")
        ->check(CLI::Range(0, kMostLines))
        ->capture_default_str()
        ->type_name("N");
    command.add_flag("--no-follow", options->no_follow, "End behind those");
    add_common_options(command, context);
    set_footer(
        command,
        "Each line: time, request, length of the body, webhook-id, type of the event, call id, file. With "
        "--json one\ndocument a line. callchain show FILE shows more of one.\n"
        "Exit codes: 0 done, or ended by SIGTERM, 2 usage, or a folder that cannot be read, 130 ended by "
        "Ctrl-C.",
        {"callchain tail samples/two-hops --no-follow",
         "callchain tail samples --lines 2 --no-follow --json"});
    set_body(command, context, [options, &context] {
        const auto done = Tail(*options, context).run();
        return done ? *done : context.report_error(done.error());
    });
}

}  // namespace callchain::cli
