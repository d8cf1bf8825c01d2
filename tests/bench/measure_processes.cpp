// measure_processes ROUNDS -- COMMAND… [-- COMMAND…]…: runs the commands in turn, ROUNDS times over, and
// prints one line per run: number of the command, exit code, wall time and CPU time in microseconds, peak
// memory in KiB.
//
// A small program of its own, not a script: a child's peak memory counts from that of the process that starts
// it.

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <spawn.h>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

struct Run {
    int exit_code = -1;
    std::int64_t wall_us = 0;
    std::int64_t cpu_us = 0;
    std::int64_t peak_kib = 0;
};

using Command = std::vector<char*>;  // ends in nullptr, as posix_spawn wants it

std::vector<Command> read_commands(std::span<char*> words) {
    std::vector<Command> commands;
    for (char* word : words) {
        if (std::string_view(word) == "--") {
            commands.emplace_back();
        } else if (!commands.empty()) {
            commands.back().push_back(word);
        }
    }
    for (Command& command : commands) command.push_back(nullptr);
    return commands;
}

std::int64_t microseconds(const timeval& time) {
    return std::int64_t{time.tv_sec} * 1'000'000 + std::int64_t{time.tv_usec};
}

// Output is thrown away, the environment is empty: what is measured is the program, not what it is told.
bool measure(const Command& command, const posix_spawn_file_actions_t& silence, Run& run) {
    std::array<char*, 1> environment{nullptr};
    pid_t child = 0;
    const auto start = std::chrono::steady_clock::now();
    if (posix_spawn(&child, command[0], &silence, nullptr, command.data(), environment.data()) != 0)
        return false;
    int status = 0;
    rusage usage{};
    if (wait4(child, &status, 0, &usage) != child) return false;
    const auto wall = std::chrono::steady_clock::now() - start;
    run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    run.wall_us = std::chrono::duration_cast<std::chrono::microseconds>(wall).count();
    run.cpu_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    run.peak_kib = usage.ru_maxrss;
    return true;
}

int fail(const char* what) {
    std::fprintf(stderr, "measure_processes: %s: %s\n", what, std::strerror(errno));
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::span<char*> words(argv, static_cast<std::size_t>(argc));
    const auto commands = read_commands(words);
    int rounds = 0;
    if (words.size() > 1) {
        const std::string_view number = words[1];
        std::from_chars(number.data(), number.data() + number.size(), rounds);
    }
    if (rounds < 1 || commands.empty()) {
        std::fputs("usage: measure_processes ROUNDS -- COMMAND... [-- COMMAND...]...\n", stderr);
        return 2;
    }

    posix_spawn_file_actions_t silence{};
    if (posix_spawn_file_actions_init(&silence) != 0) return fail("posix_spawn_file_actions_init");
    posix_spawn_file_actions_addopen(&silence, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&silence, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&silence, STDERR_FILENO, "/dev/null", O_WRONLY, 0);

    for (int round = 0; round < rounds; ++round) {
        for (std::size_t index = 0; index < commands.size(); ++index) {
            Run run;
            if (!measure(commands[index], silence, run)) return fail(commands[index][0]);
            std::printf("%zu %d %lld %lld %lld\n", index, run.exit_code, static_cast<long long>(run.wall_us),
                        static_cast<long long>(run.cpu_us), static_cast<long long>(run.peak_kib));
        }
    }
    posix_spawn_file_actions_destroy(&silence);
    return 0;
}
