/// A shell command that runs beside the loop, its output in a file and its input silent but for what is
/// typed.
#pragma once

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace callchain::gateway {

class Process {
  public:
    explicit Process(const std::string& command) {
        std::string name = std::filesystem::temp_directory_path() / "callchain-output-XXXXXX";
        ::close(::mkstemp(name.data()));
        output_ = name;
        auto shell = std::string("exec ") + command + " >" + output_ + " 2>&1";
        std::string sh = "sh";
        std::string c = "-c";
        char* const arguments[] = {sh.data(), c.data(), shell.data(), nullptr};
        int input[2] = {-1, -1};
        if (::pipe2(input, O_CLOEXEC) != 0) return;
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
        if (::posix_spawnp(&pid_, "sh", &actions, nullptr, arguments, environ) != 0) pid_ = -1;
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(input[0]);
        input_ = input[1];
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() {
        if (!has_ended()) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        ::close(input_);
        std::filesystem::remove(output_);
    }

    /// Does not wait.
    bool has_ended() {
        if (pid_ < 0) return true;
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == 0) return false;
        pid_ = -1;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return true;
    }
    [[nodiscard]] int code() const { return code_; }
    [[nodiscard]] std::string output() const {
        std::ostringstream all;
        all << std::ifstream(output_).rdbuf();
        return all.str();
    }
    /// Into its input. False: not all of it was taken.
    [[nodiscard]] bool type(const std::string& text) const {
        return ::write(input_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    }
    [[nodiscard]] bool has_written(const std::string& text) const {
        return output().find(text) != std::string::npos;
    }

  private:
    pid_t pid_ = -1;
    int code_ = -1;
    int input_ = -1;  // open as long as this: some programs end with their input
    std::string output_;
};

}  // namespace callchain::gateway
