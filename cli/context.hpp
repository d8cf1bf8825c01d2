/// What a command may touch: streams, environment, clock, and how the user wants output.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "config/settings.hpp"
#include "diagnosis/report.hpp"

#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace callchain::cli {

inline constexpr int kDone = 0;        ///< the answer is yes
inline constexpr int kNo = 1;          ///< done, and the answer is no
inline constexpr int kUsage = 2;       ///< usage, or input that cannot be read or parsed
inline constexpr int kCannotTell = 3;  ///< nothing proved, and evidence is known to be lost
inline constexpr int kRefused = 4;     ///< a credential was refused by the other side
inline constexpr int kPeerError = 5;   ///< the other side answered with an error
inline constexpr int kNetwork = 6;     ///< network failure or timeout
inline constexpr int kInternal = 70;   ///< a fault of our own
inline constexpr int kInterrupted = 130;

enum class ColourChoice { automatic, always, never };

/// Options that every command takes.
struct OutputOptions {
    bool json = false;
    bool quiet = false;
    int verbose = 0;
    ColourChoice colour = ColourChoice::automatic;
};

/// Handed to every command. One thread.
class Context {
  public:
    Context(std::ostream& out_stream, std::ostream& err_stream, const Clock& wall_clock,
            std::function<std::optional<std::string>(const std::string&)> environment)
        : out(out_stream), err(err_stream), clock(wall_clock), environment_(std::move(environment)) {}

    std::ostream& out;  ///< results
    std::ostream& err;  ///< talk and errors
    const Clock& clock;
    OutputOptions output;
    std::vector<std::string> env_files;
    std::string own_env_file;  ///< what was done with ./.env: "read .env"; empty where there is none
    std::string command;       ///< "verify-sig": where, in error messages
    int exit_code = kDone;
    bool out_is_terminal = false;
    bool err_is_terminal = false;

    /// The real environment wins over files, a later file over an earlier one.
    [[nodiscard]] std::optional<std::string> variable(const std::string& name) const;
    /// The same, and the file that it stands in; that is empty for the real environment.
    [[nodiscard]] std::optional<config::Variable> variable_with_origin(const std::string& name) const;
    void add_variables(const std::vector<std::pair<std::string, std::string>>& assignments,
                       const std::string& file);
    /// What the real environment alone has, and the files alone: for whoever says which of them wins.
    [[nodiscard]] std::optional<std::string> real_variable(const std::string& name) const {
        return environment_(name);
    }
    [[nodiscard]] const std::map<std::string, config::Variable>& file_variables() const {
        return from_files_;
    }

    [[nodiscard]] diagnosis::Colour colour_of_out() const { return colour(out_is_terminal); }
    [[nodiscard]] diagnosis::Colour colour_of_err() const { return colour(err_is_terminal); }

    /// The bytes of a file, or of standard input for "-", which may be asked for once a run.
    /// Errors: io where it cannot be read; limit above `most_bytes`; usage where standard input was used
    /// before.
    [[nodiscard]] Result<std::string> read_input(const std::string& path, std::size_t most_bytes);

    /// A remark on stderr, unless --quiet.
    void say(const std::string& line) const;
    /// A remark on stderr with --verbose.
    void detail(const std::string& line) const;
    /// Prints `callchain: <command>: <message>` and the hint, or with --json one object; returns the exit
    /// code.
    int report_error(const Error& error) const;
    /// The same for a request that failed; `code` is kRefused, kPeerError or kNetwork, and is returned.
    int report_failure(int code, const std::string& message, const std::string& hint) const;

  private:
    [[nodiscard]] diagnosis::Colour colour(bool terminal) const;
    void report(const std::string& code, const Error& error) const;

    std::function<std::optional<std::string>(const std::string&)> environment_;
    std::map<std::string, config::Variable> from_files_;
    bool stdin_used_ = false;
};

/// The exit code that an error ends in.
[[nodiscard]] int exit_code_of(ErrorCode code);

}  // namespace callchain::cli
