#include "webhook/log_body.hpp"

#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "encoding/json_text.hpp"
#include "encoding/text_codings.hpp"
#include "webhook/log_line.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace callchain::webhook {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMostPlaces = 8;  // brackets in one line at which an event is looked for
constexpr int kMostLayers = 3;
/// Members of an event's envelope, in the order in which OpenAI sends them.
constexpr std::array<std::string_view, 5> kEventMembers{"id", "object", "created_at", "type", "data"};

bool is_event(const LogObject& object) {
    const auto* kind = object.find("object");
    if (kind != nullptr && kind->text() == "event") return true;
    const auto* id = object.find("id");
    if (id == nullptr && object.cut && object.cut->name == "id") id = &*object.cut;
    return id != nullptr && id->text().starts_with("evt_");
}

/// What of `text` is a JSON event from its start on; `cut` where the text ends inside.
struct EventText {
    std::string_view json;
    bool cut = false;
};

std::optional<EventText> event_at(std::string_view text) {
    const auto object = read_log_object(text);
    if (!object || !is_event(*object)) return std::nullopt;
    return EventText{object->raw, !object->complete};
}

// The ellipsis with which a cut preview ends is the log's, not the body's.
std::string_view without_ellipsis(std::string_view text) {
    text = trim_right(text);
    for (const std::string_view mark : {"…", "..."}) {
        if (text.ends_with(mark)) return text.substr(0, text.size() - mark.size());
    }
    return text;
}

LoggedBody make_body(LoggedBody::Source source, const EventText& event, BodyChange change) {
    LoggedBody body;
    body.source = source;
    body.truncated = event.cut;
    body.candidates.push_back({std::string(event.cut ? without_ellipsis(event.json) : event.json), change});
    return body;
}

/// Undoes a Python bytes literal up to its closing quote. Source: Python, "String and Bytes literals".
std::optional<std::string> read_python_bytes(std::string_view text) {
    if (text.size() < 3 || text[0] != 'b' || (text[1] != '\'' && text[1] != '"')) return std::nullopt;
    constexpr std::string_view kLetters = "\\'\"abfnrtv";
    constexpr std::string_view kMeaning = "\\'\"\a\b\f\n\r\t\v";
    std::string out;
    for (std::size_t at = 2; at < text.size(); ++at) {
        if (text[at] == text[1]) return out;
        if (text[at] != '\\' || at + 1 == text.size()) {
            out += text[at];
            continue;
        }
        const char letter = text[++at];
        if (const auto row = kLetters.find(letter); row != kNone) {
            out += kMeaning[row];
        } else if (const auto byte = encoding::parse_hex(text.substr(at + 1, 2));
                   letter == 'x' && byte && byte->size() == 1) {
            out += *byte;
            at += 2;
        } else {
            out += {'\\', letter};
        }
    }
    return std::nullopt;
}

std::optional<LoggedBody> python_event(std::string_view text) {
    for (const std::string_view opening : {"b'{", "b\"{"}) {
        const auto at = text.find(opening);
        if (at == kNone) continue;
        const auto bytes = read_python_bytes(text.substr(at));
        if (!bytes) continue;
        if (const auto event = event_at(*bytes)) {
            auto body = make_body(LoggedBody::Source::python, *event, BodyChange::decoded);
            // A literal that was cut inside of its quotes still closes; what is behind the object is the
            // body's.
            if (!event->cut) body.candidates[0].bytes = *bytes;
            return body;
        }
    }
    return std::nullopt;
}

/// `text` holds the event's JSON, possibly escaped once more often than the sender did. Most likely first: if
/// the first name is in plain quotes the escapes are the sender's; else a layer is surplus.
std::optional<LoggedBody> event_in_text(std::string_view text, LoggedBody::Source source) {
    std::string unescaped;
    for (int depth = 0; depth <= kMostLayers; ++depth) {
        if (const auto event = event_at(text)) {
            const auto change = depth == 0 ? BodyChange::none : BodyChange::escapes_removed;
            auto body = make_body(source, *event, change);
            if (event->cut) return body;
            // Of a value that holds nothing else, blanks around the object belong to the body.
            if (source == LoggedBody::Source::text && trim(text) == event->json && text != event->json) {
                body.candidates.insert(body.candidates.begin(), {std::string(text), change});
            }
            auto less = remove_backslash_layer(event->json);
            if (less != event->json && encoding::parse_json_text(less)) {
                body.candidates.push_back({std::move(less), BodyChange::escapes_removed});
            }
            return body;
        }
        const auto second = text.find_first_not_of(" \t\r\n", std::min<std::size_t>(1, text.size()));
        if (second == kNone || text[second] != '\\') return std::nullopt;
        unescaped = remove_backslash_layer(text);
        text = unescaped;
    }
    return std::nullopt;
}

bool is_base64_char(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' ||
           c == '-' || c == '_';
}

/// A run of base64 that decodes to an event. `eyJ` is how `{"` begins in it.
std::optional<LoggedBody> base64_event(std::string_view text) {
    constexpr std::size_t kShortest = 40;
    std::size_t end = 0;
    for (auto at = text.find("eyJ"); at != kNone; at = text.find("eyJ", end)) {
        end = at;
        while (end < text.size() && is_base64_char(text[end])) ++end;
        const auto digits = text.substr(at, end - at);
        if (digits.size() < kShortest) continue;
        const auto whole = digits.size() % 4 == 1 ? digits.size() - 1 : digits.size();
        const auto bytes = encoding::parse_base64(digits.substr(0, whole), encoding::kNodeBase64);
        if (!bytes) continue;
        if (const auto event = event_at(*bytes)) {
            auto body = make_body(LoggedBody::Source::base64, *event, BodyChange::decoded);
            if (!event->cut) body.candidates[0].bytes = *bytes;
            return body;
        }
    }
    return std::nullopt;
}

/// An event as a member of some other object in the line.
std::optional<LoggedBody> nested_event(const LogObject& object) {
    for (const auto& member : object.members) {
        if (auto body = body_of_attribute(member.name, member)) return body;
    }
    return std::nullopt;
}

std::optional<LoggedBody> json_event(std::string_view text) {
    std::size_t place = text.find('{');
    for (std::size_t tries = 0; place != kNone && tries < kMostPlaces; ++tries) {
        const auto rest = text.substr(place);
        std::size_t next = place + 1;
        if (auto body = event_in_text(rest, LoggedBody::Source::line)) {
            const auto before =
                ascii_lower(text.substr(place < 40 ? 0 : place - 40, std::min<std::size_t>(place, 40)));
            const bool preview = before.find("preview") != kNone || before.find("first") != kNone;
            if (preview && body->truncated) body->source = LoggedBody::Source::preview;
            return body;
        }
        if (const auto object = read_log_object(rest)) {
            if (auto body = nested_event(*object)) return body;
            if (object->complete) next = place + object->raw.size();
        }
        place = text.find('{', next);
    }
    return std::nullopt;
}

/// `First bytes: 7b 22 69 64 22 3a`
std::optional<LoggedBody> hex_preview(std::string_view text) {
    const auto lower = ascii_lower(text.substr(0, 200));
    const auto label = lower.find("first");
    const auto colon = label == kNone ? kNone : lower.find(':', label);
    if (colon == kNone || lower.find("bytes") > colon) return std::nullopt;
    std::string digits;
    for (const char c : text.substr(colon + 1, kMostRecordedBodyBytes)) {
        if (c != ' ') digits += c;
    }
    const auto end = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
    const auto bytes = encoding::parse_hex(std::string_view(digits).substr(0, end - end % 2));
    if (!bytes || bytes->size() < 4) return std::nullopt;
    LoggedBody body;
    body.source = LoggedBody::Source::preview;
    body.truncated = true;
    body.candidates.push_back({*bytes, BodyChange::decoded});
    return body;
}

}  // namespace

std::optional<LoggedBody> find_logged_body(std::string_view text) {
    if (text.find("event") != kNone || text.find("evt_") != kNone) {
        if (auto body = python_event(text)) return body;
        if (auto body = json_event(text)) return body;
    }
    if (auto body = base64_event(text)) return body;
    return hex_preview(text);
}

std::optional<LoggedBody> body_of_attribute(std::string_view name, const LogMember& value) {
    if (value.raw.starts_with('{')) {
        const auto event = event_at(value.raw);
        if (!event) return std::nullopt;
        auto body = make_body(LoggedBody::Source::object, *event, BodyChange::none);
        body.reordered = true;
        return body;
    }
    if (!value.is_string()) return std::nullopt;
    auto text = value.text();
    // The platform's own interface hands attributes on as JSON texts: a string keeps its quotes, an object
    // its brackets, and only the first still has the bytes as they were logged.
    if (text.starts_with('"') && text.ends_with('"') && text.size() > 1) {
        text = remove_backslash_layer(std::string_view(text).substr(1, text.size() - 2));
    }
    const auto start = text.find_first_not_of(" \t\r\n");
    if (start != kNone && text[start] == '{') return event_in_text(text, LoggedBody::Source::text);
    if (text.find("b'{") == 0 || text.find("b\"{") == 0) return python_event(text);
    const bool named = ascii_lower(name).find("body") != std::string::npos;
    return named || text.starts_with("eyJ") ? base64_event(text) : std::nullopt;
}

std::optional<LoggedBody> body_of_members(const std::vector<LogMember>& members) {
    std::string json;
    for (const auto wanted : kEventMembers) {
        const auto at = std::find_if(members.begin(), members.end(),
                                     [&](const LogMember& member) { return member.name == wanted; });
        if (at == members.end()) return std::nullopt;
        if (wanted == "object" && at->text() != "event" && at->text() != "\"event\"") return std::nullopt;
        // `data` may have come as the text of an object; members that are strings keep their quotes.
        const auto inner = at->text();
        const bool object_as_text = at->is_string() && inner.starts_with('{');
        const bool doubly_quoted = at->is_string() && inner.size() > 1 && inner.starts_with('"');
        json += json.empty() ? "{\"" : ", \"";
        json += wanted;
        json += "\": ";
        json += object_as_text || doubly_quoted ? inner : std::string(at->raw);
    }
    LoggedBody body;
    body.source = LoggedBody::Source::object;
    body.reordered = true;
    body.candidates.push_back({json + "}", BodyChange::rebuilt});
    return body;
}

}  // namespace callchain::webhook
