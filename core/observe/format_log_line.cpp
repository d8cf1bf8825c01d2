#include "base/internet_time.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "observe/log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace callchain::observe {
namespace {

constexpr std::size_t kMostCharacters = 4096;
constexpr std::string_view kWithheld = "[withheld]";

// Bytes that are the same before and after everything that is done to a value.
constexpr std::array<bool, 256> kPlain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x7F; ++c) plain[c] = c != '"' && c != '\\';
    return plain;
}();

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
}

// Most values are short and plain and hold no secret: they are copied, and nothing else is done to them.
bool is_harmless(std::string_view text, const LogSecrets& secrets) {
    if (text.size() > kMostCharacters || !is_plain(text)) return false;
    const bool has_own = std::any_of(secrets.begin(), secrets.end(), [text](const std::string& secret) {
        return !secret.empty() && text.find(secret) != std::string_view::npos;
    });
    return !has_own && find_clear_secret(text) == std::string_view::npos;
}

// The places of our own secrets in a text, from left to right. Each secret is looked for only behind its last
// place, so that the work grows with the length of the text.
class OwnSecrets {
  public:
    OwnSecrets(std::string_view text, const LogSecrets& secrets) : text_(text) {
        for (const auto& secret : secrets) {
            if (!secret.empty()) next_.push_back({secret, text.find(secret)});
        }
    }

    struct Place {
        std::size_t at = std::string_view::npos;
        std::size_t end = std::string_view::npos;
    };
    // The first one at or behind `from`, together with those that overlap it; npos where there is none.
    Place next(std::size_t from) {
        Place found;
        for (auto& one : next_) {
            if (one.at < from) one.at = text_.find(one.secret, from);
            found.at = std::min(found.at, one.at);
        }
        if (found.at == std::string_view::npos) return found;
        found.end = found.at;
        for (bool grown = true; grown;) {
            grown = false;
            for (auto& one : next_) {
                for (; one.at <= found.end; one.at = text_.find(one.secret, one.at + 1)) {
                    grown = grown || one.at + one.secret.size() > found.end;
                    found.end = std::max(found.end, one.at + one.secret.size());
                }
            }
        }
        return found;
    }

  private:
    struct Next {
        std::string_view secret;
        std::size_t at = 0;
    };
    std::string_view text_;
    std::vector<Next> next_;
};

// The first `most` bytes of `text` with our own secrets withheld, also one that ends behind them.
std::string without_own_secrets(std::string_view text, std::size_t most, const LogSecrets& secrets) {
    std::size_t longest = 0;
    for (const auto& secret : secrets) longest = std::max(longest, secret.size());
    OwnSecrets places(text.substr(0, most + longest), secrets);
    text = text.substr(0, most);
    std::string out;
    std::size_t at = 0;
    for (auto place = places.next(0); place.at < text.size(); place = places.next(at)) {
        out += text.substr(at, place.at - at);
        out += kWithheld;
        at = std::min(place.end, text.size());
    }
    return out + std::string(text.substr(at));
}

// What may be written of a text that is not harmless. It still needs quotes.
std::string safe_value(std::string_view text, const LogSecrets& secrets) {
    // No character is longer than four bytes; what is behind can only be wanted where secrets made it
    // shorter.
    constexpr std::size_t kMostBytes = 4 * kMostCharacters;
    std::string out = safe_excerpt(without_own_secrets(text, kMostBytes, secrets), kMostCharacters);
    if (text.size() > kMostBytes && !out.ends_with("…")) out += "…";
    return out;
}

void append_json(std::string& out, std::string_view text, const LogSecrets& secrets) {
    if (!is_harmless(text, secrets)) {
        out += encoding::quote_json(safe_value(text, secrets));
        return;
    }
    out += '"';
    out += text;
    out += '"';
}

void append_bare(std::string& out, std::string_view text, const LogSecrets& secrets) {
    if (is_harmless(text, secrets)) {
        out += text;
    } else {
        out += safe_value(text, secrets);
    }
}

void append_text(std::string& out, std::string_view text, const LogSecrets& secrets) {
    const std::size_t start = out.size();
    append_bare(out, text, secrets);
    const std::string_view written = std::string_view(out).substr(start);
    const bool needs_quotes =
        std::any_of(written.begin(), written.end(), [](char c) { return c == ' ' || c == '"'; });
    if (!written.empty() && !needs_quotes) return;
    const std::string quoted = encoding::quote_json(written);
    out.replace(start, std::string::npos, quoted);
}

// Names are ours: nothing is looked for in one that is plain.
void append_json_name(std::string& out, std::string_view name) {
    if (!is_plain(name)) return append_json(out, name, {});
    out += '"';
    out += name;
    out += '"';
}

template <class Number>
void append_number(std::string& out, Number number) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
    out.append(buffer.data(), end);
}

void append_value(std::string& out, LogForm form, const LogValue& value, const LogSecrets& secrets) {
    if (const auto* text = std::get_if<std::string>(&value)) {
        form == LogForm::json ? append_json(out, *text, secrets) : append_text(out, *text, secrets);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
        append_number(out, *number);
    } else if (const auto* real = std::get_if<double>(&value)) {
        // JSON has no word for the others.
        std::isfinite(*real) ? append_number(out, *real) : void(out += "null");
    } else {
        out += std::get<bool>(value) ? "true" : "false";
    }
}

std::string json_line(const std::string& time, Level level, std::string_view message, const LogFields& fields,
                      const LogSecrets& secrets) {
    std::string out;
    out.reserve(512);
    out.append(R"({"time":")").append(time).append(R"(","level":")").append(name_of(level));
    out += R"(","message":)";
    append_json(out, message, secrets);
    for (const auto& field : fields) {
        out += ',';
        append_json_name(out, field.name);
        if (field.name == "time" || field.name == "level" || field.name == "message")
            out.insert(out.size() - 1, 1, '_');
        out += ':';
        append_value(out, LogForm::json, field.value, secrets);
    }
    out += '}';
    return out;
}

std::string text_line(const std::string& time, Level level, std::string_view message, const LogFields& fields,
                      const LogSecrets& secrets) {
    std::string out;
    out.reserve(512);
    out.append(time).append(" ").append(name_of(level)).append(" ");
    append_bare(out, message, secrets);
    for (const auto& field : fields) {
        out += ' ';
        append_bare(out, field.name, {});
        out += '=';
        append_value(out, LogForm::text, field.value, secrets);
    }
    return out;
}

}  // namespace

std::string_view name_of(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            break;
    }
    return "error";
}

std::string format_log_line(LogForm form, std::chrono::sys_time<std::chrono::milliseconds> time, Level level,
                            std::string_view message, const LogFields& fields, const LogSecrets& secrets) {
    const std::string when = write_rfc3339(time);
    return form == LogForm::json ? json_line(when, level, message, fields, secrets)
                                 : text_line(when, level, message, fields, secrets);
}

}  // namespace callchain::observe
