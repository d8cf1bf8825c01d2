#include "base/text.hpp"
#include "encoding/charset.hpp"
#include "encoding/json_text.hpp"
#include "openai/sideband.hpp"

#include <array>
#include <optional>

namespace callchain::openai {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// An opening mark and the marks that close it. German „…“ and English “…” share one of theirs.
struct QuotePair {
    std::string_view open;
    std::array<std::string_view, 2> close;
};
constexpr std::array<QuotePair, 7> kQuotePairs{{{"\"", {"\"", ""}},
                                                {"'", {"'", ""}},
                                                {"“", {"”", ""}},
                                                {"„", {"“", "”"}},
                                                {"‘", {"’", ""}},
                                                {"«", {"»", ""}},
                                                {"‹", {"›", ""}}}};
constexpr std::array<std::string_view, 11> kQuoteMarks{"\"", "'", "“", "”", "„", "‘",
                                                       "’",  "«", "»", "‹", "›"};

/// Letters and digits: ASCII ones, and what is beyond Latin-1's signs but not punctuation.
bool is_word(char32_t c) {
    if (c < 0x80) return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'0' && c <= U'9');
    return c >= 0xC0 && c != 0xD7 && c != 0xF7 && !(c >= 0x2000 && c <= 0x206F) &&
           !(c >= 0x3000 && c <= 0x303F);
}
bool word_starts(std::string_view text) {
    return !text.empty() && is_word(encoding::first_code_point(text).value);
}
bool word_ends(std::string_view text) {
    auto at = text.size();
    while (at > 0) {
        --at;
        if ((static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U) break;
    }
    return word_starts(text.substr(at));
}
/// The apostrophe of "it's" and "d'água", straight or typographic.
bool is_apostrophe(std::string_view text, std::size_t at, std::string_view mark) {
    return (mark == "'" || mark == "’") && word_ends(text.substr(0, at)) &&
           word_starts(text.substr(at + mark.size()));
}
/// A straight quote can open only where no word ends: the plural's apostrophe ("the dogs' bowl") does not.
bool can_open(std::string_view text, std::size_t at, std::string_view mark) {
    return (mark != "'" && mark != "\"") || !word_ends(text.substr(0, at));
}

std::size_t find_close(std::string_view text, std::size_t from, const QuotePair& pair) {
    for (auto at = from; at < text.size(); ++at) {
        for (const auto mark : pair.close) {
            if (!mark.empty() && text.substr(at).starts_with(mark) && !is_apostrophe(text, at, mark))
                return at;
        }
    }
    return kNone;
}

struct Quoted {
    std::string_view inside;
    std::size_t end = 0;  ///< offset behind the closing mark
};

std::optional<Quoted> quoted_at(std::string_view text, std::size_t at) {
    for (const auto& pair : kQuotePairs) {
        if (!text.substr(at).starts_with(pair.open) || !can_open(text, at, pair.open)) continue;
        const auto begin = at + pair.open.size();
        const auto end = find_close(text, begin, pair);
        if (end == kNone) continue;
        // The marks that close a pair are as long as its opening one.
        return Quoted{trim(text.substr(begin, end - begin)), end + pair.open.size()};
    }
    return std::nullopt;
}

/// What stands in the first pair of quotes that holds anything. Borrows.
std::optional<std::string_view> first_quoted(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto quoted = quoted_at(text, at);
        if (quoted && !quoted->inside.empty()) return quoted->inside;
        at = quoted ? quoted->end : at + 1;
    }
    return std::nullopt;
}

std::size_t find_colon(std::string_view text) {
    for (auto at = text.find(':'); at != kNone; at = text.find(':', at + 1)) {
        const bool in_a_time =
            at > 0 && at + 1 < text.size() && is_ascii_digit(text[at - 1]) && is_ascii_digit(text[at + 1]);
        if (!in_a_time) return at;
    }
    return kNone;
}

std::string_view without_quotes(std::string_view text) {
    for (bool changed = true; changed;) {
        changed = false;
        text = trim(text);
        for (const auto mark : kQuoteMarks) {
            if (text.starts_with(mark)) {
                text.remove_prefix(mark.size());
                changed = true;
            }
            if (text.ends_with(mark)) {
                text.remove_suffix(mark.size());
                changed = true;
            }
        }
    }
    return text;
}

/// Offset behind "Diga" or "Say" where the text begins with that as a whole word.
std::optional<std::size_t> end_of_command(std::string_view text) {
    for (const std::string_view word : {"diga", "say"}) {
        if (starts_with_ignoring_case(text, word) && !word_starts(text.substr(word.size())))
            return word.size();
    }
    return std::nullopt;
}

std::string instructions_to_say(std::string_view phrase) {
    return "Say the text below to the caller now, word for word, in the language in which it is written. Add "
           "nothing before or after it, leave nothing out, do not translate or answer it.\n\n" +
           std::string(phrase);
}

std::string member(std::string_view name, std::string_view text) {
    return encoding::quote_json(name) + ':' + encoding::quote_json(text);
}

}  // namespace

std::string unwrap_phrase(std::string_view configured) {
    const auto text = trim(configured);
    const auto command_end = end_of_command(text);
    if (!command_end) return std::string(text);
    const auto rest = text.substr(*command_end);
    if (const auto quoted = first_quoted(rest)) return std::string(*quoted);
    const auto colon = find_colon(rest);
    return std::string(without_quotes(colon == kNone ? rest : rest.substr(colon + 1)));
}

std::string speak_message(std::string_view phrase, Dialect dialect, std::string_view event_id) {
    const auto instructions = instructions_to_say(phrase);
    const auto id = event_id.empty() ? std::string() : ',' + member("event_id", event_id);
    if (dialect == Dialect::live) {
        return '{' + member("type", "session.instructions.append") + id + R"(,"delegation_id":null,)" +
               member("content", instructions) + '}';
    }
    // Without tools: a response that is to be one phrase must not end in a function call.
    return '{' + member("type", "response.create") + id + R"(,"response":{)" +
           member("instructions", instructions) + R"(,"tool_choice":"none"}})";
}

std::string function_result_message(std::string_view call_id, std::string_view output) {
    return '{' + member("type", "conversation.item.create") + R"(,"item":{)" +
           member("type", "function_call_output") + ',' + member("call_id", call_id) + ',' +
           member("output", output) + "}}";
}

}  // namespace callchain::openai
