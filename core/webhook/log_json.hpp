/// JSON as it is found inside of log lines: possibly cut, escaped once too often, or with text around it.
/// Used by the readers of record.cpp and railway_log.cpp; whole documents are read by encoding/json_text.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

/// Tells, piece by piece, where a JSON object or array ends. Counts brackets outside of strings; no depth
/// limit is needed because nothing is stacked.
class JsonBalance {
  public:
    /// The number of bytes of `piece` up to and with the closing bracket of the value that the first piece
    /// began with, or nullopt while it is open. Not to be called again after that.
    [[nodiscard]] std::optional<std::size_t> feed(std::string_view piece);

  private:
    std::size_t depth_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
};

/// One member of an object, not decoded.
struct LogMember {
    std::string name;      ///< decoded
    std::string_view raw;  ///< the value as written: quotes or brackets included; borrows from the text read

    [[nodiscard]] bool is_string() const { return raw.starts_with('"'); }
    [[nodiscard]] bool is_nested() const { return raw.starts_with('{') || raw.starts_with('['); }
    /// A string's text with one layer of escapes undone; anything else as written.
    [[nodiscard]] std::string text() const;
};

struct LogObject {
    std::vector<LogMember> members;
    std::string_view raw;               ///< the object as written; borrows from the text read
    bool complete = false;              ///< false: the text ended inside, `members` holds what came before
    std::optional<LogMember> cut = {};  ///< the member in whose value the text ended, as far as it goes

    /// The first member of that name, or nullptr.
    [[nodiscard]] const LogMember* find(std::string_view name) const;
};

/// Most members that are kept of one object.
inline constexpr std::size_t kMostLogMembers = 1024;

/// Reads the object that `text` begins with; what stands behind it is left alone. nullopt: `text` does not
/// begin with an object, or its members are not JSON. Values are only delimited, not checked. Linear time.
[[nodiscard]] std::optional<LogObject> read_log_object(std::string_view text);

/// The elements of an array of objects, as far as they are objects; empty for anything else.
[[nodiscard]] std::vector<LogObject> read_log_objects(std::string_view array);

/// Undoes one layer of JSON string escapes; a backslash that begins no escape stays as it is.
[[nodiscard]] std::string remove_backslash_layer(std::string_view text);

}  // namespace callchain::webhook
