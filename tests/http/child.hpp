/// A child process with its standard input and output as pipes; ended with the object.
#pragma once

#include <array>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace callchain::http {

class Child {
  public:
    explicit Child(const std::vector<std::string>& arguments) {
        std::array<int, 2> in{-1, -1};
        std::array<int, 2> out{-1, -1};
        if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) return;
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        std::vector<char*> pointers;
        auto copies = arguments;
        for (auto& argument : copies) pointers.push_back(argument.data());
        pointers.push_back(nullptr);
        if (posix_spawnp(&pid_, pointers[0], &actions, nullptr, pointers.data(), environ) != 0) pid_ = -1;
        posix_spawn_file_actions_destroy(&actions);
        close(in[0]);
        close(out[1]);
        in_ = in[1];
        out_ = out[0];
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    /// Ends its input and waits for it; a child that goes on all the same is killed when `kill` was called.
    ~Child() { wait(); }

    /// What it writes up to a line end, or up to the end of its output.
    std::string read_line() const { return read_bytes(Until::line_end); }
    std::string read_all() const { return read_bytes(Until::end); }
    void kill() const {
        if (pid_ > 0) ::kill(pid_, SIGKILL);
    }
    /// Its exit code, or -1.
    int wait() {
        for (int* descriptor : {&in_, &out_}) {
            if (*descriptor >= 0) close(*descriptor);
            *descriptor = -1;
        }
        if (pid_ <= 0) return code_;
        int status = 0;
        waitpid(pid_, &status, 0);
        pid_ = -1;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return code_;
    }

  private:
    enum class Until { line_end, end };
    std::string read_bytes(Until until) const {
        std::string text;
        char c = 0;
        while (out_ >= 0 && ::read(out_, &c, 1) == 1 && !(until == Until::line_end && c == '\n')) text += c;
        return text;
    }

    pid_t pid_ = -1;
    int in_ = -1;
    int out_ = -1;
    int code_ = -1;
};

}  // namespace callchain::http
