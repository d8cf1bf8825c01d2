/// Pipes, and directories that vanish, for tests.
#pragma once

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace callchain::observe {

class Pipe {
  public:
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
        reader_ = ends[0];
        writer_ = ends[1];
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_reader();
        close_writer();
    }
    [[nodiscard]] int writer() const { return writer_; }
    void close_reader() { close_end(reader_); }
    void close_writer() { close_end(writer_); }
    /// As small as the system makes it: one page.
    void make_small() const { ::fcntl(writer_, F_SETPIPE_SZ, 4096); }
    void make_non_blocking() const { ::fcntl(writer_, F_SETFL, O_NONBLOCK); }
    /// From now on one read gives what one write wrote.
    void keep_writes_apart() const { ::fcntl(writer_, F_SETFL, O_DIRECT); }
    [[nodiscard]] std::string read_once() const {
        std::string out;
        read_some(out);
        return out;
    }
    /// What is in the pipe now.
    [[nodiscard]] std::string read_now() const {
        std::string out;
        pollfd wanted{reader_, POLLIN, 0};
        while (::poll(&wanted, 1, 0) > 0 && read_some(out) > 0) continue;
        return out;
    }
    /// Everything until it ends with `end`.
    [[nodiscard]] std::string read_until(std::string_view end) const {
        std::string out;
        while (!out.ends_with(end) && read_some(out) > 0) continue;
        return out;
    }
    /// Everything until the writer has closed, `at_once` bytes at a time.
    [[nodiscard]] std::string read_to_end(std::size_t at_once = 65'536) const {
        std::string out;
        while (read_some(out, at_once) > 0) continue;
        return out;
    }

  private:
    static void close_end(int& end) {
        if (end >= 0) ::close(std::exchange(end, -1));
    }
    ssize_t read_some(std::string& out, std::size_t at_once = 65'536) const {
        std::string piece(at_once, '\0');
        const auto count = ::read(reader_, piece.data(), piece.size());
        if (count > 0) out.append(piece, 0, static_cast<std::size_t>(count));
        return count;
    }

    int reader_ = -1;
    int writer_ = -1;
};

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "callchain-observe-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        path_ = pattern;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace callchain::observe
