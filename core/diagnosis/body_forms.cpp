#include "diagnosis/body_forms.hpp"

#include "diagnosis/body_rows.hpp"
#include "diagnosis/json_change.hpp"

#include <array>
#include <span>
#include <utility>

namespace callchain::diagnosis {
namespace {

constexpr std::string_view kStyleCode = "body_json_reserialized";
// Two faults of the body are tried up to this many forms; the commonest rows come first.
constexpr std::size_t kMostPairs = 8000;

std::array<std::span<const BodyRow>, 3> tables() {
    return {text_body_rows(), json_body_rows(), coding_body_rows()};
}

bool is_style_code(std::string_view code) {
    return code == kStyleCode || code == "body_json_null_dropped" || code == "body_json_null_added";
}

}  // namespace

BodyVariants one_variant(std::string bytes) {
    BodyVariants variants;
    variants.push_back({std::move(bytes)});
    return variants;
}

BodyVariants variant_if_changed(const BodyText& body, std::string bytes) {
    return bytes == body.bytes() ? BodyVariants{} : one_variant(std::move(bytes));
}

// One row's outcome, on its way to becoming a form.
struct BodyForms::Step {
    BodyVariant variant;
    std::string_view code;
    const BodyForm* base;
    Reach reach;
    bool by_signer;
};

BodyForms::BodyForms(std::string_view body, Direction direction, std::size_t most_bytes)
    : body_(body), direction_(direction), bytes_left_(most_bytes) {
    // Views in seen_ point into the forms' strings, short ones included: the vectors must not move them.
    singles_.reserve(4096);
    singles_.push_back({std::string(body), {}, 0});
    seen_.insert(singles_.back().bytes);
    const BodyText text(singles_.front().bytes);
    incomplete_ = body.size() > kMostStyledBytes && text.json() != nullptr;
    const auto apply = [&](bool undo) {
        const bool with_the_grain = undo == (direction_ == Direction::received);
        const Reach reach = with_the_grain ? Reach::combines : Reach::alone;
        for (const auto table : tables()) {
            for (const auto& row : table) {
                auto* const step = undo ? row.undo : row.redo;
                if (step == nullptr) continue;
                // What is constant explains a value that code printed, never a delivery: no sender signs "".
                if (row.kind == RowKind::constant && direction_ == Direction::received) continue;
                if (bytes_left_ < 2 * body_.size()) {
                    incomplete_ = true;
                    return;
                }
                for (auto& variant : step(text)) {
                    const bool dear = row.kind == RowKind::constant || row.kind == RowKind::json_styles;
                    add({std::move(variant), row.code, &singles_.front(), dear ? Reach::alone : reach,
                         !with_the_grain},
                        singles_);
                }
            }
        }
    };
    apply(direction == Direction::received);
    apply(direction != Direction::received);
    // The sender's likely spellings are worth combining with a wrong key or a wrong order of content.
    for (const auto& variant : main_json_styles(text)) {
        for (auto& form : singles_) {
            if (form.bytes == variant.bytes) form.reach = Reach::combines;
        }
    }
}

void BodyForms::add(Step step, std::vector<BodyForm>& forms) {
    const std::size_t size = step.variant.bytes.size() + step.base->bytes.size();
    if (seen_.contains(step.variant.bytes)) return;
    if (forms.size() == forms.capacity() || size > bytes_left_) {
        incomplete_ = true;
        return;
    }
    bytes_left_ -= size;
    Fault fault{step.code, std::move(step.variant.evidence)};
    if (step.by_signer) {
        fault.evidence.push_back(
            {"done_by",
             std::string(direction_ == Direction::received ? "the signing side" : "the printing code")});
    }
    BodyForm form{std::move(step.variant.bytes), step.base->faults + Faults{std::move(fault)},
                  step.base->cost + 1, step.reach};
    if (step.base->cost > 0) form.between = step.base->bytes;
    forms.push_back(std::move(form));
    seen_.insert(forms.back().bytes);
}

void BodyForms::apply_rows(const BodyForm& base, std::vector<BodyForm>& forms) {
    const BodyText text(base.bytes);
    for (const auto table : tables()) {
        for (const auto& row : table) {
            auto* const step = direction_ == Direction::received ? row.undo : row.redo;
            if (step == nullptr || row.kind != RowKind::structure) continue;
            for (auto& variant : step(text))
                add({std::move(variant), row.code, &base, Reach::alone, false}, forms);
        }
    }
    for (auto& variant : main_json_styles(text))
        add({std::move(variant), kStyleCode, &base, Reach::alone, false}, forms);
}

const std::vector<BodyForm>& BodyForms::pairs() {
    if (pairs_made_) return pairs_;
    pairs_made_ = true;
    pairs_.reserve(kMostPairs);
    for (std::size_t i = 1; i < singles_.size(); ++i) {
        // Making what cannot be kept costs as much as making what can.
        if (bytes_left_ < 2 * body_.size()) {
            incomplete_ = true;
            break;
        }
        if (singles_[i].reach == Reach::combines) apply_rows(singles_[i], pairs_);
    }
    return pairs_;
}

Faults BodyForms::explain(const BodyForm& form) const {
    Faults faults = form.faults;
    std::string_view before = body_;
    for (std::size_t i = 0; i < faults.size(); ++i) {
        const std::string_view after =
            i + 1 == faults.size() ? std::string_view(form.bytes) : std::string_view(form.between);
        if (is_style_code(faults[i].code)) {
            // Undoing leads from what was altered to the original, doing the other way.
            auto evidence = std::move(faults[i].evidence);
            const bool undone = direction_ == Direction::received;
            faults[i] = undone ? describe_json_change(after, before) : describe_json_change(before, after);
            faults[i].evidence.insert(faults[i].evidence.end(), evidence.begin(), evidence.end());
        }
        before = after;
    }
    return faults;
}

}  // namespace callchain::diagnosis
