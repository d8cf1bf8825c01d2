/// What may happen to a body between sender and receiver: one row per cause, with its undoing and its doing.
#pragma once

#include "diagnosis/forms.hpp"
#include "encoding/json_text.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// A body that rows look at. Its JSON tree is made once, when the first row asks. Borrows `bytes`.
class BodyText {
  public:
    explicit BodyText(std::string_view bytes) : bytes_(bytes) {}
    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    /// nullptr where the body is no JSON object or array.
    [[nodiscard]] const encoding::JsonValue* json() const;

  private:
    std::string_view bytes_;
    mutable bool parsed_ = false;
    mutable std::unique_ptr<encoding::JsonValue> json_;
};

struct BodyVariant {
    std::string bytes;
    std::vector<Evidence> evidence = {};
};
using BodyVariants = std::vector<BodyVariant>;
[[nodiscard]] BodyVariants one_variant(std::string bytes);
/// No variant where `bytes` are those of `body`.
[[nodiscard]] BodyVariants variant_if_changed(const BodyText& body, std::string bytes);

/// A larger document is written in the common styles only: hundreds of copies of a megabyte help nobody.
inline constexpr std::size_t kMostStyledBytes = std::size_t{128} << 10U;

/// Which rows are worth applying to the outcome of another row.
enum class RowKind {
    structure,    ///< something around or throughout the text
    json_styles,  ///< the many ways to write the same JSON document
    constant,     ///< the outcome does not depend on the body
};

struct BodyRow {
    std::string_view code;  ///< finding code, body_…
    RowKind kind;
    /// Originals that `body` may have been before this happened to it; nullptr where it cannot be undone.
    BodyVariants (*undo)(const BodyText& body);
    /// What `body` becomes when this happens to it; nullptr where that says nothing.
    BodyVariants (*redo)(const BodyText& body);
};

/// The tables, in the order in which causes are tried: commonest first.
[[nodiscard]] std::span<const BodyRow> json_body_rows();
[[nodiscard]] std::span<const BodyRow> text_body_rows();
[[nodiscard]] std::span<const BodyRow> coding_body_rows();

/// The few styles worth trying on the outcome of another row: those of the sender, and the commonest others.
[[nodiscard]] BodyVariants main_json_styles(const BodyText& body);

}  // namespace callchain::diagnosis
