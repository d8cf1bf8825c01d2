#include "webhook/json_edit.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "webhook/json_tokens.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace callchain::webhook {
namespace {

using encoding::JsonStyle;

constexpr std::size_t kMostShown = 60;
constexpr std::size_t kMostNamesShown = 12;
constexpr std::string_view kJsonBlanks = " \t\r\n";
constexpr std::string_view kFormsHint =
    "write data.call_id=rtc_1, /data/call_id=rtc_1 (JSON pointer) or, for a value that is JSON, "
    "created_at:=1";

tl::unexpected<Error> bad_argument(std::string message, std::string_view hint = kFormsHint) {
    return fail(ErrorCode::usage, std::move(message), std::string(hint));
}

tl::unexpected<Error> no_json(std::string_view value) {
    return bad_argument("the value behind ':=' is no JSON: \"" + safe_excerpt(value, kMostShown) + "\"",
                        "a text behind ':=' stands in double quotes; behind '=' it stands as it is");
}

std::string_view without_blanks_around(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(kJsonBlanks), text.size()));
    return text.substr(0, text.find_last_not_of(kJsonBlanks) + 1);
}

/// RFC 6901 section 4: "~1" first and then "~0", so that "~01" is "~1"; here in one pass.
Result<std::string> unescape_step(std::string_view step) {
    std::string name;
    for (std::size_t at = 0; at < step.size(); ++at) {
        if (step[at] != '~') {
            name += step[at];
            continue;
        }
        const auto code = step.substr(at + 1, 1);
        if (code != "0" && code != "1") {
            return bad_argument("a '~' of the JSON pointer is followed by neither 0 nor 1: \"" +
                                    safe_excerpt(step, kMostShown) + "\"",
                                "in a JSON pointer ~ is written ~0, and / is written ~1");
        }
        name += code == "0" ? '~' : '/';
        ++at;
    }
    return name;
}

Result<std::vector<std::string>> read_path(std::string_view path) {
    if (path.empty()) return bad_argument("there is no path in front of the '='");
    std::vector<std::string> steps;
    if (path.front() == '/') {
        for (const auto step : split(path.substr(1), '/')) {
            steps.push_back(CALLCHAIN_TRY(unescape_step(step)));
        }
        return steps;
    }
    for (const auto step : split(path, '.')) {
        if (step.empty()) {
            return bad_argument("the path \"" + safe_excerpt(path, kMostShown) +
                                "\" has an empty step between its dots");
        }
        steps.emplace_back(step);
    }
    return steps;
}

/// A member or an item of a container, as ranges of the text.
struct Item {
    std::optional<JsonToken> name;  ///< of a member
    std::size_t begin = 0;          ///< of the name, else of the value
    std::size_t value = 0;
    std::size_t end = 0;
};

/// Goes over what is directly in the container that begins at `at` of a valid text.
class Items {
  public:
    Items(std::string_view text, std::size_t at) : tokens_(text.substr(at)), offset_(at) {
        const auto opening = tokens_.next();
        open_ = opening && opening->begins();
    }
    std::optional<Item> next() {
        auto token = open_ ? tokens_.next() : std::nullopt;
        if (!token || token->ends()) return std::nullopt;
        Item item;
        item.begin = token->begin + offset_;
        if (token->kind == JsonToken::Kind::name) {
            item.name = JsonToken{token->kind, token->begin + offset_, token->end + offset_};
            token = tokens_.next();
        }
        if (!token) return std::nullopt;
        item.value = token->begin + offset_;
        for (std::size_t depth = token->begins() ? 1 : 0; token && depth > 0;) {
            token = tokens_.next();
            if (token && token->begins()) ++depth;
            if (token && token->ends()) --depth;
        }
        if (!token) return std::nullopt;
        item.end = token->end + offset_;
        return item;
    }

  private:
    JsonTokens tokens_;
    std::size_t offset_;
    bool open_ = false;
};

std::optional<std::string> name_of(std::string_view text, const Item& item) {
    if (!item.name) return std::nullopt;
    return decode_json_string(text.substr(item.name->begin, item.name->end - item.name->begin));
}

/// What a step of the path finds in a container.
struct Look {
    std::optional<Item> found;  ///< the last one of that name
    std::optional<Item> last;
    std::optional<Item> before_last;
    std::size_t count = 0;
};

Look look(std::string_view text, std::size_t at, std::string_view step) {
    const bool is_array = text[at] == '[';
    // RFC 6901 section 4: an index has no leading zero.
    const auto index = step.size() > 1 && step[0] == '0' ? std::nullopt : parse_decimal(step);
    Look result;
    Items items(text, at);
    while (const auto item = items.next()) {
        const bool is_it = is_array ? index && static_cast<std::size_t>(*index) == result.count
                                    : name_of(text, *item) == step;
        if (is_it) result.found = item;
        result.before_last = std::exchange(result.last, item);
        ++result.count;
    }
    return result;
}

/// The first separator of the text outside of its strings, with the blanks around it; empty where there is
/// none that stands within one line.
std::string first_separator(std::string_view text, char separator) {
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c == '\\') ++at;
            in_string = c != '"';
            continue;
        }
        in_string = c == '"';
        if (c != separator) continue;
        const auto before = text.find_last_not_of(kJsonBlanks, at - 1) + 1;
        const auto behind = text.find_first_not_of(kJsonBlanks, at + 1);
        const auto whole = text.substr(before, behind - before);
        if (whole.find('\n') == std::string_view::npos) return std::string(whole);
    }
    return {};
}

std::string name_separator(std::string_view text, const std::optional<Item>& sibling) {
    if (sibling && sibling->name) {
        return std::string(text.substr(sibling->name->end, sibling->value - sibling->name->end));
    }
    auto first = first_separator(text, ':');
    return first.empty() ? ": " : first;
}

/// What stands between two items of the container that begins at `at`.
std::string item_separator(std::string_view text, std::size_t at, const Look& there) {
    if (there.before_last) {
        return std::string(text.substr(there.before_last->end, there.last->begin - there.before_last->end));
    }
    const auto before = text.substr(at + 1, there.last->begin - at - 1);
    if (before.find('\n') != std::string_view::npos) return "," + std::string(before);
    auto first = first_separator(text, ',');
    if (!first.empty()) return first;
    return name_separator(text, std::nullopt).ends_with(' ') ? ", " : ",";
}

std::size_t nesting_of(std::string_view json) {
    std::size_t depth = 0;
    std::size_t deepest = 0;
    JsonTokens tokens(json);
    while (const auto token = tokens.next()) {
        if (token->begins()) deepest = std::max(deepest, ++depth);
        if (token->ends()) --depth;
    }
    return deepest;
}

std::string quote_like(std::string_view body, std::string_view text) {
    // OpenAI's sender escapes what is not ASCII, as Python does by default; a body that has such characters
    // as they are was written otherwise.
    const bool is_ascii =
        std::all_of(body.begin(), body.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    return encoding::quote_json(text, is_ascii ? JsonStyle::NonAscii::escaped : JsonStyle::NonAscii::literal);
}

/// The new value as it is to stand in the body, where now a value begins with `old` ('"' where none stands).
/// Errors: usage for no JSON where it must be JSON; limit where the body would be nested too deeply.
Result<std::string> new_value(std::string_view body, const JsonEdit& edit, char old) {
    const bool must_be_json = edit.as == JsonEdit::As::json;
    if (!must_be_json && (old == '"' || !encoding::parse_json_text(edit.value))) {
        return quote_like(body, edit.value);
    }
    if (must_be_json && !encoding::parse_json_text(edit.value)) return no_json(edit.value);
    if (edit.path.size() + nesting_of(edit.value) > encoding::kMostJsonDepth) {
        return fail(ErrorCode::limit,
                    "the changed body would be nested deeper than " +
                        std::to_string(encoding::kMostJsonDepth) + " levels",
                    "no receiver takes a body like that: replace a value further up");
    }
    return std::string(without_blanks_around(edit.value));
}

std::string path_to(const JsonEdit& edit, std::size_t steps) {
    if (steps == 0) return "the body";
    std::vector<std::string> names(edit.path.begin(), edit.path.begin() + static_cast<std::ptrdiff_t>(steps));
    return "\"" + safe_excerpt(join(names, "."), kMostShown) + "\"";
}

std::string members_hint(std::string_view body, std::size_t at) {
    std::vector<std::string> names;
    std::size_t count = 0;
    Items items(body, at);
    while (const auto item = items.next()) {
        if (++count > kMostNamesShown) continue;
        names.push_back(safe_excerpt(name_of(body, *item).value_or("?"), kMostShown));
    }
    if (count == 0) return "that object is empty";
    const auto more = count - names.size();
    return "it has " + join(names, ", ") + (more > 0 ? " and " + with_thousands(more) + " more" : "");
}

/// `step` is the index of the step that leads nowhere, in the value that begins at `at`.
tl::unexpected<Error> leads_nowhere(std::string_view body, const JsonEdit& edit, std::size_t step,
                                    std::size_t at) {
    const auto where = path_to(edit, step);
    const auto name = "\"" + safe_excerpt(edit.path[step], kMostShown) + "\"";
    const auto shown =
        edit.shown.empty() ? std::string("the path") : "\"" + safe_excerpt(edit.shown, kMostShown) + "\"";
    const auto message = shown + " leads nowhere: ";
    if (body[at] == '{') {
        return fail(ErrorCode::bad_input, message + where + " has no member " + name, members_hint(body, at));
    }
    if (body[at] != '[') {
        return fail(ErrorCode::bad_input,
                    message + where + " is no object and no array, so it has no " + name,
                    "end the path there, or replace that value with :=");
    }
    const auto count = look(body, at, edit.path[step]).count;
    return fail(ErrorCode::bad_input, message + where + " is an array without an item " + name,
                count == 0 ? "it is empty; \"-\" as the last step adds an item"
                           : "it has items 0 to " + with_thousands(count - 1) +
                                 "; \"-\" as the last step adds one behind them");
}

/// The body with one more member or item at the end of the container that begins at `at`.
Result<std::string> with_one_more(std::string_view body, const JsonEdit& edit, std::size_t at,
                                  const Look& there) {
    std::string item;
    if (body[at] == '{') item = quote_like(body, edit.path.back()) + name_separator(body, there.last);
    item += CALLCHAIN_TRY(new_value(body, edit, '"'));
    const auto place = there.last ? there.last->end : at + 1;
    if (there.last) item = item_separator(body, at, there) + item;
    return std::string(body.substr(0, place)) + item + std::string(body.substr(place));
}

}  // namespace

Result<JsonEdit> parse_json_edit(std::string_view argument) {
    const auto equals = argument.find('=');
    if (equals == std::string_view::npos) {
        return bad_argument("there is no '=' in \"" + safe_excerpt(argument, kMostShown) + "\"");
    }
    if (!is_utf8(argument)) return bad_argument("the path or the value is not UTF-8");
    const bool as_json = equals > 0 && argument[equals - 1] == ':';
    const auto path = argument.substr(0, equals - (as_json ? 1 : 0));
    const auto value = argument.substr(equals + 1);
    JsonEdit edit;
    edit.path = CALLCHAIN_TRY(read_path(path));
    edit.as = as_json ? JsonEdit::As::json : JsonEdit::As::text;
    edit.value = value;
    edit.shown = path;
    if (as_json && !encoding::parse_json_text(value)) return no_json(value);
    return edit;
}

Result<std::string> edit_json(std::string_view body, const JsonEdit& edit) {
    if (auto valid = encoding::parse_json_text(body); !valid) {
        auto error = std::move(valid).error();
        error.message = "the body cannot be changed: " + error.message;
        return tl::unexpected(std::move(error));
    }
    const auto whole = without_blanks_around(body);
    Item place;
    place.value = body.find_first_not_of(kJsonBlanks);
    place.end = place.value + whole.size();
    for (std::size_t step = 0; step < edit.path.size(); ++step) {
        const auto at = place.value;
        const bool is_last = step + 1 == edit.path.size();
        const auto there = look(body, at, edit.path[step]);
        const bool adds = body[at] == '{' || (body[at] == '[' && edit.path[step] == "-");
        if (!there.found && is_last && adds) return with_one_more(body, edit, at, there);
        if (!there.found) return leads_nowhere(body, edit, step, at);
        place = *there.found;
    }
    const auto value = CALLCHAIN_TRY(new_value(body, edit, body[place.value]));
    return std::string(body.substr(0, place.value)) + value + std::string(body.substr(place.end));
}

bool adds_member(std::string_view body, const JsonEdit& edit) {
    if (!edit_json(body, edit)) return false;
    auto at = body.find_first_not_of(kJsonBlanks);
    for (const auto& step : edit.path) {
        const auto there = look(body, at, step);
        if (!there.found) return true;
        at = there.found->value;
    }
    return false;
}

}  // namespace callchain::webhook
