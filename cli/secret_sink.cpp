#include "secret_sink.hpp"

#include "base/text.hpp"
#include "secrets.hpp"
#include "system/descriptor.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace callchain::cli {
namespace {

constexpr std::size_t kMostShown = 200;
constexpr off_t kRoom = 4096;  // more than any secret has

std::string reason(int error) { return std::strerror(error); }

/// Whether there is room: takes it, and leaves the length as it is. File systems that cannot do so are
/// trusted.
int reserve(int number) {
    struct stat status {};
    if (::fstat(number, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    if (::fallocate(number, FALLOC_FL_KEEP_SIZE, status.st_size, kRoom) == 0) return 0;
    return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL ? 0 : errno;
}

/// While it lives, a pipe without a reader and a limit on file sizes are errors to tell, and not the end of
/// the program.
class WithoutWriteSignals {
  public:
    WithoutWriteSignals() = default;
    WithoutWriteSignals(const WithoutWriteSignals&) = delete;
    WithoutWriteSignals& operator=(const WithoutWriteSignals&) = delete;
    ~WithoutWriteSignals() {
        std::signal(SIGPIPE, pipe_before_);
        std::signal(SIGXFSZ, size_before_);
    }

  private:
    void (*pipe_before_)(int) = std::signal(SIGPIPE, SIG_IGN);
    void (*size_before_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

/// What is wrong already, so that it need not be found out with the secret at hand.
int known_fault(int number) {
    pollfd state{number, POLLOUT, 0};
    if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return EPIPE;
    struct stat status {};
    // Devices as /dev/full say so even of nothing.
    const WithoutWriteSignals quiet;
    if (::fstat(number, &status) == 0 && S_ISCHR(status.st_mode) && ::write(number, "", 0) < 0) return errno;
    return reserve(number);
}

/// The name of a new file is no use after a crash while its folder does not have it.
void sync_folder(const std::string& path) {
    const auto slash = path.find_last_of('/');
    const auto folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const int number = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (number < 0) return;
    ::fsync(number);
    ::close(number);
}

}  // namespace

Result<SecretSink> SecretSink::new_file(const std::string& path) {
    constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;
    const auto shown = safe_echo(path, kMostShown);
    const int number = ::open(path.c_str(), kNew, kOwnerOnly);
    if (number < 0)
        return fail(ErrorCode::io, "cannot make " + shown + ": " + reason(errno) + "; nothing was sent",
                    errno == EEXIST ? "a file that is there is not written over: name another one"
                                    : "the secret is shown once, so its file is made before it is asked for");
    SecretSink sink(number, path, shown + " (mode 0600)");
    // The umask may have taken more away than others' rights.
    if (::fchmod(number, kOwnerOnly) != 0)
        return fail(ErrorCode::io,
                    "cannot make " + shown + " private: " + reason(errno) + "; nothing was sent");
    if (const int error = reserve(number); error != 0)
        return fail(ErrorCode::io, "no room for " + shown + ": " + reason(error) + "; nothing was sent",
                    "name a file on another disk, or make room");
    return sink;
}

Result<SecretSink> SecretSink::descriptor(int number, Terminal terminal) {
    const auto name = "descriptor " + std::to_string(number);
    const int flags = ::fcntl(number, F_GETFL);
    if (flags < 0)
        return fail(ErrorCode::usage, name + " is not open; nothing was sent",
                    "open it in the shell: --to-fd 3 3>FILE, or give --to-file PATH");
    if ((flags & O_ACCMODE) == O_RDONLY)
        return fail(ErrorCode::usage, name + " is open for reading only; nothing was sent",
                    "open it for writing: --to-fd 3 3>FILE");
    if (terminal == Terminal::refused && ::isatty(number) == 1)
        return fail(ErrorCode::usage,
                    name + " is a terminal, where the secret would stay in the scrollback; nothing was sent",
                    "give --to-file PATH; --show allows it all the same");
    if (const int error = known_fault(number); error != 0)
        return fail(ErrorCode::io, "cannot write to " + name + ": " + reason(error) + "; nothing was sent",
                    "give --to-file PATH");
    return SecretSink(number, {}, name);
}

SecretSink::SecretSink(SecretSink&& other) noexcept
    : number_(std::exchange(other.number_, -1)),
      path_(std::move(other.path_)),
      where_(std::move(other.where_)) {}

SecretSink::~SecretSink() {
    if (number_ >= 0 && !path_.empty()) remove();
}

void SecretSink::remove() {
    struct stat ours {};
    struct stat there {};
    // Only the file that was made here: somebody may have put another in its place.
    const bool same = ::fstat(number_, &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
                      ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
    ::close(std::exchange(number_, -1));
    if (same) ::unlink(path_.c_str());
}

Result<void> SecretSink::write(std::string_view secret) {
    const WithoutWriteSignals quiet;
    const auto text = std::string(secret) + "\n";
    int error = system::write_all(number_, text);
    const auto ignored = [](int code) { return code == EINVAL || code == EROFS || code == ENOTSUP; };
    bool is_on_disk = false;
    if (error == 0) {
        int status = -1;
        while ((status = ::fsync(number_)) != 0 && errno == EINTR) {
        }
        is_on_disk = status == 0;
        if (!is_on_disk && !ignored(errno)) error = errno;
    }
    if (path_.empty()) {
        if (error == 0) return {};
        return fail(ErrorCode::io, "cannot write to " + where_ + ": " + reason(error));
    }
    if (error == 0 && ::ftruncate(number_, static_cast<off_t>(text.size())) != 0) error = errno;
    if (error == 0) {
        sync_folder(path_);
        // An interrupted close() has closed it. What is on the disk stays: nobody else has this secret.
        error = ::close(std::exchange(number_, -1)) == 0 || errno == EINTR ? 0 : errno;
        if (error == 0 || is_on_disk) return {};
        ::unlink(path_.c_str());
    } else {
        remove();
    }
    return fail(ErrorCode::io, "cannot write " + where_ + ": " + reason(error));
}

}  // namespace callchain::cli
