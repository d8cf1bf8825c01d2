#include "webhook/log_statements.hpp"

#include "base/text.hpp"
#include "webhook/log_json.hpp"
#include "webhook/log_line.hpp"

#include <utility>

namespace callchain::webhook {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMostJoinedLines = 1024;
constexpr std::size_t kMostJoinedBytes = std::size_t{256} << 10U;
constexpr std::size_t kMostFieldLines = 16;

/// Whether `line` may go on with what `first` began. Only a new statement has a time of its own.
bool continues(const LogLine& first, const LogLine& line) {
    return !trim(line.full()).empty() && !begins_fact(line.text()) && line.time().empty() &&
           (first.prefixed() || !line.prefixed());
}

/// Whether the JSON from the bracket on is worth looking for its end.
bool is_of_interest(std::string_view text) {
    return text.find("evt_") != kNone || text.find("\"event\"") != kNone ||
           text.find(kRecordMessage) != kNone || text.find("\"message\"") != kNone;
}

}  // namespace

LogLine::LogLine(std::string_view raw, std::size_t number) : raw_(raw), number_(number) {
    if (raw.find('\x1b') != kNone) {
        auto plain = without_colours(raw);
        plain_ = std::move(plain.text);
        colours_ = plain.removed;
    }
    const auto prefix = split_prefix(full());
    text_at_ = full().size() - prefix.rest.size();
    time_ = prefix.time;
}

const LogLine* StatementReader::peek(std::size_t ahead) {
    while (ahead_.size() <= ahead && !rest_.empty()) ahead_.push_back(read_line());
    return ahead < ahead_.size() ? &ahead_[ahead] : nullptr;
}

LogLine StatementReader::read_line() {
    const auto end = rest_.find('\n');
    auto raw = rest_.substr(0, end);
    rest_.remove_prefix(end == kNone ? rest_.size() : end + 1);
    auto& shape = reading_.shape;
    ++shape.lines;
    if (raw.ends_with('\r')) {
        raw.remove_suffix(1);
        ++shape.carriage_returns;
    }
    if (raw.size() > kMostLogLineBytes) {
        raw = raw.substr(0, kMostLogLineBytes);
        ++shape.long_lines_cut;
        if (reading_.losses.size() < kMostLogRemarks) {
            reading_.losses.push_back(
                {LogLoss::Kind::line_too_long, shape.lines, "only the first 4 MiB of the line were read"});
        }
    }
    LogLine line(raw, shape.lines);
    shape.colours += line.colours();
    if (line.prefixed()) ++shape.prefixes;
    return line;
}

Statement StatementReader::take(std::size_t lines, Statement statement) {
    reading_.shape.joined += lines - 1;
    statement.first = ahead_.front().number();
    statement.last = statement.first + lines - 1;
    statement.time = ahead_.front().time();
    ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(lines));
    return statement;
}

// A body, record or envelope whose brackets are open at the end of its line.
std::optional<Statement> StatementReader::join_json(const LogLine& first) {
    const auto text = first.text();
    const auto place = text.find('{');
    if (place == kNone) return std::nullopt;
    const bool printed_over_lines = trim(text.substr(place)) == "{";
    if (!printed_over_lines && (text.ends_with('}') || !is_of_interest(text))) return std::nullopt;
    JsonBalance balance;
    if (balance.feed(text.substr(place))) return std::nullopt;
    Statement joined;
    joined.text = text;
    joined.join = printed_over_lines ? BodyChange::joined_with_newlines : BodyChange::joined;
    if (!printed_over_lines) joined.with_blanks = text;
    std::size_t ahead = 1;
    for (; ahead < kMostJoinedLines && joined.text.size() < kMostJoinedBytes; ++ahead) {
        const auto* line = peek(ahead);
        if (line == nullptr) break;
        if (printed_over_lines ? trim(line->text()).empty() : !continues(first, *line)) break;
        const auto piece = printed_over_lines || first.prefixed() ? line->text() : line->full();
        if (printed_over_lines) joined.text += '\n';
        joined.text += piece;
        if (!printed_over_lines) joined.with_blanks.append(" ").append(piece);
        if (balance.feed(piece)) return take(ahead + 1, std::move(joined));
    }
    no_join_before_ = first.number() + ahead;
    return std::nullopt;
}

// A line of headers, masks or an error that was cut in the middle of a value or between two.
std::optional<Statement> StatementReader::join_fields(const LogLine& first, Unfinished what) {
    Statement joined;
    joined.text = first.text();
    std::size_t ahead = 1;
    for (; ahead < kMostFieldLines; ++ahead) {
        const auto* line = peek(ahead);
        if (line == nullptr || !continues(first, *line)) break;
        const auto piece = trim_right(line->full());
        const bool apart = begins_with_key(piece) ||
                           (what == Unfinished::masks && joined.text.ends_with(',')) ||
                           (piece.starts_with("v1,") && joined.text.ends_with('='));
        if (apart && !joined.text.ends_with(' ')) joined.text += ' ';
        joined.text += piece;
        if (unfinished(joined.text) != what) return take(ahead + 1, std::move(joined));
    }
    no_join_before_ = first.number() + ahead;
    return std::nullopt;
}

std::optional<Statement> StatementReader::next() {
    // The look ahead adds lines behind this one; a deque leaves it in place.
    const auto* first = peek(0);
    if (first == nullptr) return std::nullopt;
    if (first->number() >= no_join_before_) {
        if (auto joined = join_json(*first)) return joined;
        if (const auto what = unfinished(first->text()); what != Unfinished::no) {
            if (auto joined = join_fields(*first, what)) return joined;
        }
    }
    Statement statement;
    statement.text = first->text();
    return take(1, std::move(statement));
}

}  // namespace callchain::webhook
