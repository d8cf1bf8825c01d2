/// The bodies that the sender may have signed, given the one that is here.
#pragma once

#include "diagnosis/forms.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace callchain::diagnosis {

struct BodyForm {
    std::string bytes;
    Faults faults;  ///< empty: the body as it is
    int cost = 0;
    Reach reach = Reach::combines;
    std::string between = {};  ///< with two faults: the body after the first step
};

/// Makes the forms of one body: singles at once, pairs when asked for. No two have equal bytes.
class BodyForms {
  public:
    /// Borrows `body`. Units: `most_bytes` is the memory that all forms together may take.
    BodyForms(std::string_view body, Direction direction, std::size_t most_bytes);

    /// The body itself first, then everything one fault away.
    [[nodiscard]] const std::vector<BodyForm>& singles() const { return singles_; }
    /// Everything two faults away. Made on the first call.
    [[nodiscard]] const std::vector<BodyForm>& pairs();
    /// True where forms were left out because of the memory bound.
    [[nodiscard]] bool incomplete() const { return incomplete_; }

    /// The faults of a form that matched, with what re-serialisation did told exactly. Reading JSON is too
    /// dear to do it for forms that do not match.
    [[nodiscard]] Faults explain(const BodyForm& form) const;

  private:
    struct Step;
    void add(Step step, std::vector<BodyForm>& forms);
    void apply_rows(const BodyForm& base, std::vector<BodyForm>& forms);

    std::string_view body_;
    Direction direction_;
    std::size_t bytes_left_;
    bool incomplete_ = false;
    bool pairs_made_ = false;
    std::unordered_set<std::string_view> seen_;
    std::vector<BodyForm> singles_;
    std::vector<BodyForm> pairs_;
};

}  // namespace callchain::diagnosis
