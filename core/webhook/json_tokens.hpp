/// Steps through a JSON text and builds nothing: each token is a range of its bytes. For texts of which most
/// is passed over, and for changes that must leave every other byte alone.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

struct JsonToken {
    enum class Kind { begin_object, end_object, begin_array, end_array, name, text, scalar };
    Kind kind = Kind::scalar;
    std::size_t begin = 0;
    std::size_t end = 0;  ///< names and texts with their quotes
    [[nodiscard]] bool begins() const { return kind == Kind::begin_object || kind == Kind::begin_array; }
    [[nodiscard]] bool ends() const { return kind == Kind::end_object || kind == Kind::end_array; }
};

/// Holds the text to the grammar of RFC 8259 but for the inside of what is passed over: of strings only their
/// end is looked for (control characters are a fault), of numbers only the characters. Borrows the text. A
/// level of nesting costs one bit; a token costs nothing, however large it is.
class JsonTokens {
  public:
    explicit JsonTokens(std::string_view text) : text_(text) {}

    /// nullopt: behind the last token, or at a fault.
    [[nodiscard]] std::optional<JsonToken> next();
    /// Where the text is no JSON; its size, where it ends too early.
    [[nodiscard]] std::optional<std::size_t> fault() const { return fault_; }
    [[nodiscard]] std::string_view raw(const JsonToken& token) const {
        return text_.substr(token.begin, token.end - token.begin);
    }

  private:
    enum class Wants { value, value_or_end, name, name_or_end, comma_or_end, nothing };

    void skip_blanks();
    [[nodiscard]] std::optional<JsonToken> refuse();
    [[nodiscard]] std::optional<JsonToken> close(char c);
    [[nodiscard]] std::optional<JsonToken> read_name();
    [[nodiscard]] std::optional<JsonToken> read_value(char c);
    [[nodiscard]] std::optional<JsonToken> open(JsonToken::Kind kind);
    [[nodiscard]] bool pass_string();
    [[nodiscard]] bool pass_scalar();
    void end_value() { wants_ = in_object_.empty() ? Wants::nothing : Wants::comma_or_end; }

    std::string_view text_;
    std::size_t at_ = 0;
    Wants wants_ = Wants::value;
    std::vector<bool> in_object_;  ///< of each open container, the innermost last
    std::optional<std::size_t> fault_;
};

/// What a string literal (with its quotes) stands for; nullopt where it has an escape that stands for no
/// character (an unpaired surrogate), or bytes that are not UTF-8.
[[nodiscard]] std::optional<std::string> decode_json_string(std::string_view raw);

}  // namespace callchain::webhook
