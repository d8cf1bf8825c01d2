#include "webhook/json_tokens.hpp"

#include "base/text.hpp"
#include "encoding/json_text.hpp"

#include <utility>

namespace callchain::webhook {

std::optional<JsonToken> JsonTokens::next() {
    if (fault_) return std::nullopt;
    skip_blanks();
    if (wants_ == Wants::nothing) return at_ == text_.size() ? std::nullopt : refuse();
    if (at_ == text_.size()) return refuse();
    if (wants_ == Wants::comma_or_end) {
        if (text_[at_] != ',') return close(text_[at_]);
        ++at_;
        skip_blanks();
        if (at_ == text_.size()) return refuse();
        wants_ = in_object_.back() ? Wants::name : Wants::value;
    }
    const char c = text_[at_];
    if (wants_ == Wants::name_or_end && c == '}') return close(c);
    if (wants_ == Wants::value_or_end && c == ']') return close(c);
    if (wants_ == Wants::name || wants_ == Wants::name_or_end) return read_name();
    return read_value(c);
}

void JsonTokens::skip_blanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
        ++at_;
    }
}

std::optional<JsonToken> JsonTokens::refuse() {
    fault_ = at_;
    return std::nullopt;
}

std::optional<JsonToken> JsonTokens::close(char c) {
    if (c != (in_object_.back() ? '}' : ']')) return refuse();
    const auto kind = in_object_.back() ? JsonToken::Kind::end_object : JsonToken::Kind::end_array;
    in_object_.pop_back();
    ++at_;
    end_value();
    return JsonToken{kind, at_ - 1, at_};
}

std::optional<JsonToken> JsonTokens::read_name() {
    const auto begin = at_;
    if (text_[at_] != '"' || !pass_string()) return refuse();
    const auto end = at_;
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != ':') return refuse();
    ++at_;
    wants_ = Wants::value;
    return JsonToken{JsonToken::Kind::name, begin, end};
}

std::optional<JsonToken> JsonTokens::read_value(char c) {
    if (c == '{') return open(JsonToken::Kind::begin_object);
    if (c == '[') return open(JsonToken::Kind::begin_array);
    const auto begin = at_;
    const bool is_text = c == '"';
    if (is_text ? !pass_string() : !pass_scalar()) return refuse();
    end_value();
    return JsonToken{is_text ? JsonToken::Kind::text : JsonToken::Kind::scalar, begin, at_};
}

std::optional<JsonToken> JsonTokens::open(JsonToken::Kind kind) {
    const bool is_object = kind == JsonToken::Kind::begin_object;
    in_object_.push_back(is_object);
    wants_ = is_object ? Wants::name_or_end : Wants::value_or_end;
    ++at_;
    return JsonToken{kind, at_ - 1, at_};
}

/// Leaves `at_` behind the string, or at what ends it too early.
bool JsonTokens::pass_string() {
    for (++at_; at_ < text_.size(); ++at_) {
        const char c = text_[at_];
        if (c == '"') {
            ++at_;
            return true;
        }
        if (static_cast<unsigned char>(c) < 0x20) return false;
        if (c == '\\' && at_ + 1 < text_.size()) ++at_;
    }
    return false;
}

bool JsonTokens::pass_scalar() {
    constexpr std::string_view kCharacters = "0123456789+-.eE";
    for (const std::string_view word : {"true", "false", "null"}) {
        if (!text_.substr(at_).starts_with(word)) continue;
        at_ += word.size();
        return true;
    }
    if (text_[at_] != '-' && !is_ascii_digit(text_[at_])) return false;
    while (at_ < text_.size() && kCharacters.find(text_[at_]) != std::string_view::npos) ++at_;
    return true;
}

std::optional<std::string> decode_json_string(std::string_view raw) {
    const auto inside = raw.substr(1, raw.size() - 2);
    if (inside.find('\\') == std::string_view::npos && is_utf8(inside)) return std::string(inside);
    auto value = encoding::parse_json_text(raw);
    if (!value) return std::nullopt;
    return std::move(value->text);
}

}  // namespace callchain::webhook
