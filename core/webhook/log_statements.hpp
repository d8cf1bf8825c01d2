/// Divides a log into what the service said: lines, cleaned, and put together again where a copy had wrapped
/// them.
#pragma once

#include "webhook/log_facts.hpp"
#include "webhook/railway_log.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::webhook {

/// One line, without its line end. Borrows from the log unless colours had to be taken out.
class LogLine {
  public:
    LogLine(std::string_view raw, std::size_t number);
    [[nodiscard]] std::string_view full() const { return colours_ > 0 ? std::string_view(plain_) : raw_; }
    /// Without prefix.
    [[nodiscard]] std::string_view text() const { return full().substr(text_at_); }
    [[nodiscard]] const std::string& time() const { return time_; }
    [[nodiscard]] bool prefixed() const { return text_at_ > 0; }
    [[nodiscard]] std::size_t number() const { return number_; }
    [[nodiscard]] std::size_t colours() const { return colours_; }

  private:
    std::string_view raw_;
    std::string plain_;
    std::string time_;
    std::size_t text_at_ = 0;
    std::size_t number_ = 0;
    std::size_t colours_ = 0;
};

/// One statement of the service: a line, or several that a copy had wrapped.
struct Statement {
    std::string text;
    std::string with_blanks;  ///< the same joined with blanks; empty where nothing was joined
    BodyChange join = BodyChange::none;
    std::string time;
    std::size_t first = 0;  ///< lines, from 1
    std::size_t last = 0;
};

class StatementReader {
  public:
    /// Borrows both; counts what it undoes into `reading.shape`.
    StatementReader(std::string_view bytes, LogReading& reading) : rest_(bytes), reading_(reading) {}

    /// nullopt behind the last one.
    [[nodiscard]] std::optional<Statement> next();

  private:
    const LogLine* peek(std::size_t ahead);
    LogLine read_line();
    Statement take(std::size_t lines, Statement statement);
    std::optional<Statement> join_json(const LogLine& first);
    std::optional<Statement> join_fields(const LogLine& first, Unfinished what);

    std::string_view rest_;
    LogReading& reading_;
    std::deque<LogLine> ahead_;
    std::size_t no_join_before_ = 0;  ///< a failed look ahead is not made again from within its lines
};

}  // namespace callchain::webhook
