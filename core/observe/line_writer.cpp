#include "observe/line_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace callchain::observe {

LineWriter::LineWriter(int descriptor) : descriptor_(descriptor) {
    struct stat status {};
    // poll() has nothing to say about a file, and leaves out a descriptor below zero: write() tells what it
    // is.
    never_waits_ = descriptor < 0 || (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode));
}

void LineWriter::give_up_at(std::chrono::steady_clock::time_point time) {
    give_up_at_ = time.time_since_epoch().count();
}

std::size_t LineWriter::write(std::string_view lines) {
    if (torn_ && write_bytes("\n") != 1) return 0;
    const std::size_t count = write_bytes(lines);
    torn_ = count > 0 && lines[count - 1] != '\n';
    return count;
}

std::size_t LineWriter::write_bytes(std::string_view bytes) {
    std::size_t done = 0;
    while (done < bytes.size() && wait_for_room()) {
        // A pipe with room takes that much without blocking, and at once, even where others write to it.
        const auto piece = bytes.substr(done, PIPE_BUF);
        const auto count = ::write(descriptor_, piece.data(), piece.size());
        if (count > 0) {
            done += static_cast<std::size_t>(count);
        } else if (count == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
            break;
        }
    }
    return done;
}

// The descriptor is as a rule a blocking one, and a thread that hangs in write() cannot be ended.
bool LineWriter::wait_for_room() const {
    constexpr int kSliceMilliseconds = 50;
    while (Clock::now().time_since_epoch().count() < give_up_at_) {
        if (never_waits_) return true;
        pollfd wanted{descriptor_, POLLOUT, 0};
        // An error shows in write(), which knows its name.
        const int ready = ::poll(&wanted, 1, kSliceMilliseconds);
        if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
    }
    return false;
}

}  // namespace callchain::observe
