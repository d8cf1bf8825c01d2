/// One of our own programs as a process, with its output.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callchain::simulator {

struct ChildSettings {
    std::string program;  ///< a path
    std::vector<std::string> arguments = {};
    std::map<std::string, std::string> environment = {};  ///< the whole of it: nothing is inherited
    std::string folder;                                   ///< working directory
    std::string output_file;  ///< gets a copy of stdout and stderr, line by line as they come
};

/// Dies with us: PR_SET_PDEATHSIG is set, so the thread that starts it must outlive it. A process group of
/// its own, killed as a whole at the end; stdin is /dev/null. Functions from any thread.
class ChildProcess {
  public:
    /// `on_line` for each line of stdout and stderr, on the child's reader thread. Errors: io.
    [[nodiscard]] static Result<std::unique_ptr<ChildProcess>> start(
        ChildSettings settings, std::function<void(const std::string& line)> on_line);
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();  ///< SIGKILL where it still runs; waits for it

    [[nodiscard]] int pid() const;
    /// Waits for a line of its output that holds `text`. nullopt: it ended, or it took longer.
    [[nodiscard]] std::optional<std::string> wait_for_line(const std::string& text,
                                                           std::chrono::milliseconds most);
    void signal(int number);
    /// Its exit code, or 128 + the signal. nullopt: still running after `most`.
    [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds most);
    /// SIGTERM, `most` of time, then SIGKILL. The exit code.
    int stop(std::chrono::milliseconds most);

  private:
    struct State;
    explicit ChildProcess(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// Runs a program to its end. `output` has stdout alone; stderr goes to `errors`. Errors: io, and limit where
/// it took longer than `most` (it is killed).
struct Finished {
    int code = 0;
    std::string output;
    std::string errors;
};
[[nodiscard]] Result<Finished> run_to_end(const ChildSettings& settings, std::chrono::milliseconds most);

}  // namespace callchain::simulator
