/// The structured log: one line an event, as JSON or as text, written by a thread of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace callchain::observe {

enum class Level { debug, info, warn, error };
[[nodiscard]] std::string_view name_of(Level level);

enum class LogForm { json, text };

using LogValue = std::variant<std::string, std::int64_t, double, bool>;

/// A named value. Names are snake_case. Text may come from outside: it is made safe when it is written.
struct LogField {
    std::string_view name;
    LogValue value;
};
using LogFields = std::vector<LogField>;

/// Strings that must never appear: each occurrence in a message or value is written as "[withheld]".
using LogSecrets = std::vector<std::string>;

/// One line without its end. JSON: time (RFC 3339, UTC, milliseconds), level, message, then the fields; keys
/// of that name among the fields get a `_` behind them. Text: `TIME LEVEL message name=value …`, values with
/// blanks or quotes in JSON quotes. In both: control characters visible, invalid UTF-8 as \xNN, secrets
/// withheld (base/redact, and `secrets`), values and the message cut at 4,096 characters. A number that is
/// not finite is `null`. Pure.
[[nodiscard]] std::string format_log_line(LogForm form, std::chrono::sys_time<std::chrono::milliseconds> time,
                                          Level level, std::string_view message, const LogFields& fields,
                                          const LogSecrets& secrets);

/// May be used from any thread. Lines are queued and written by one thread, which comes with the first line.
/// It sleeps for 20 ms while they gather, so that it is not woken for each; a warning or an error is written
/// at once, with all in front of it. Where the reader is slow and the queue (8,192 lines) is full the oldest
/// are dropped and counted, and a line says how many: a full pipe must not stop calls. Where 1,024 lines
/// wait, new ones of more than 4 KiB are dropped as well. The descriptor is borrowed, and stays blocking or
/// not, as it is.
class Log {
  public:
    struct Options {
        LogForm form = LogForm::json;
        Level threshold = Level::info;
        int descriptor = 1;
        LogSecrets secrets = {};
        /// Wall clock, asked on any thread; the system's where it is empty.
        std::function<std::chrono::sys_time<std::chrono::milliseconds>()> now = {};
    };
    explicit Log(Options options);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    /// Writes what is queued, for at most a second.
    ~Log();

    [[nodiscard]] bool enabled(Level level) const;
    void write(Level level, std::string_view message, const LogFields& fields = {});
    void debug(std::string_view message, const LogFields& fields = {}) {
        write(Level::debug, message, fields);
    }
    void info(std::string_view message, const LogFields& fields = {}) { write(Level::info, message, fields); }
    void warn(std::string_view message, const LogFields& fields = {}) { write(Level::warn, message, fields); }
    void error(std::string_view message, const LogFields& fields = {}) {
        write(Level::error, message, fields);
    }
    /// A line as it is, whatever the form: a webhook record. The caller vouches for it.
    void write_verbatim(std::string line);
    /// Waits until what was written so far is out, for at most a second.
    void flush();
    /// Lines that were dropped so far.
    [[nodiscard]] std::uint64_t dropped() const;

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace callchain::observe
