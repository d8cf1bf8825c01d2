/// JSON read from front to back, without a tree: for texts of which only a few members are wanted.
#pragma once

#include "base/result.hpp"

#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::encoding {

enum class JsonKind { null, boolean, number, string, array, object };

/// Nesting that is read.
inline constexpr std::size_t kMostJsonDepth = 256;

/// A string of a JSON text as it stands between its quotes, already checked. Borrows from the text.
class JsonString {
  public:
    JsonString(std::string_view raw, bool has_escapes) : raw_(raw), has_escapes_(has_escapes) {}

    [[nodiscard]] std::string text() const;  ///< decoded UTF-8
    [[nodiscard]] bool operator==(std::string_view decoded) const {
        return has_escapes_ ? text() == decoded : raw_ == decoded;
    }

  private:
    std::string_view raw_;
    bool has_escapes_;
};

/// Reads one text, value by value, and checks all of it on the way. Whoever has been told of a member or an
/// item takes its value, by exactly one of the functions for that. Behind a fault nothing comes any more, so
/// that only end() needs to be asked:
///
///     if (json.enter_object()) {
///         while (const auto name = json.next_member()) {
///             if (*name == "id") id = json.take_string();
///             else json.skip();
///         }
///     }
///     CALLCHAIN_TRY(json.end());
///
/// Source: RFC 8259, strictly: no byte-order mark, no bytes that are not UTF-8, no unpaired surrogates. Never
/// recurses on the input.
class JsonReader {
  public:
    /// Borrows the text.
    explicit JsonReader(std::string_view text);

    /// Of the value that comes next; nothing where none does.
    [[nodiscard]] std::optional<JsonKind> next_kind();

    /// Each takes the next value. Where it is of another kind it is passed over, whatever it is.
    [[nodiscard]] bool enter_object();
    [[nodiscard]] bool enter_array();
    [[nodiscard]] std::optional<JsonString> take_string();
    [[nodiscard]] std::optional<std::string_view> take_number();  ///< its token as written. Borrows the text
    [[nodiscard]] std::optional<bool> take_boolean();
    void skip();

    /// Of the innermost object: the name of the next member; nothing at its end, which leaves it.
    [[nodiscard]] std::optional<JsonString> next_member();
    /// Of the innermost array: whether another item comes; false at its end, which leaves it.
    [[nodiscard]] bool next_item();

    /// Call it behind the value. Errors: bad_input with offset for what is not JSON, or goes on behind it;
    /// limit for nesting deeper than kMostJsonDepth.
    [[nodiscard]] Result<void> end();

  private:
    [[nodiscard]] bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
    bool take(char c);
    void skip_blanks();
    [[nodiscard]] bool comes(char first);
    void enter(JsonKind kind);
    void leave();
    [[nodiscard]] bool next_of(char closing, std::string_view wanted);

    void pass_scalar_or_enter();
    void pass_word(std::string_view word);
    bool pass_digits();
    void pass_number();
    JsonString pass_string();
    JsonString pass_odd_string(std::size_t start);
    bool pass_escape();

    void unexpected(std::string_view wanted);
    void refuse(ErrorCode code, std::string message, std::string hint = {});

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;                    ///< containers that are open
    std::bitset<kMostJsonDepth> is_object_{};  ///< each of them
    bool behind_a_value_ = false;              ///< so that a comma or a bracket comes next
    std::optional<Error> fault_;
};

}  // namespace callchain::encoding
