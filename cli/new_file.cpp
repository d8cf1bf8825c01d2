#include "new_file.hpp"

#include "secrets.hpp"
#include "system/descriptor.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace callchain::cli {
namespace {

constexpr std::size_t kMostShown = 200;

}  // namespace

Result<NewFile> NewFile::make(const std::string& path) {
    constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;
    const int number = ::open(path.c_str(), kNew, kOwnerOnly);
    if (number < 0) {
        const int error = errno;
        return fail(ErrorCode::io, "cannot make " + safe_echo(path, kMostShown) + ": " + std::strerror(error),
                    error == EEXIST ? "a file that is there is not written over: name another one"
                                    : "name a file in a folder that is there and can be written");
    }
    return NewFile(number, path);
}

NewFile::NewFile(NewFile&& other) noexcept
    : number_(std::exchange(other.number_, -1)), path_(std::exchange(other.path_, {})) {}

NewFile::~NewFile() { remove(); }

void NewFile::remove() {
    if (number_ < 0) return;
    ::close(number_);
    number_ = -1;
    ::unlink(path_.c_str());
}

Result<void> NewFile::write(std::string_view bytes) {
    // A limit on file sizes is an error to tell, and not the end of the program.
    auto* const before = std::signal(SIGXFSZ, SIG_IGN);
    int error = system::write_all(number_, bytes);
    if (error == 0 && ::fsync(number_) != 0 && errno != EINVAL && errno != EINTR)
        error = errno;  // a pipe or a device has none; EINTR leaves it to the kernel
    std::signal(SIGXFSZ, before);
    if (error == 0 && ::close(std::exchange(number_, -1)) != 0) {
        error = errno;
        ::unlink(path_.c_str());
    }
    if (error == 0) return {};
    remove();
    return fail(
        ErrorCode::io,
        "cannot write " + safe_echo(path_, kMostShown) + ": " + std::strerror(error) + "; nothing was kept",
        "make room, or name a file on another disk");
}

}  // namespace callchain::cli
