/// Every finding code of the project with its title, fix and page: the one source for `explain`, the man
/// page, the text output and the JSON.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// One row. All text is English, plain, without mark-up; pages are wrapped by whoever prints them.
struct CatalogueEntry {
    std::string_view code;   ///< snake_case, subject first; never changes its meaning
    std::string_view title;  ///< what happened, one line, no full stop
    std::string_view fix;    ///< what to do, in the imperative, one or two sentences; empty for a bare remark
    std::string_view page;   ///< two to six sentences: how it comes about, how it shows, how to be sure
};

/// All rows, grouped by subject in the order of the catalogue's sections, alphabetically within one.
[[nodiscard]] std::span<const CatalogueEntry> catalogue();
/// nullptr where there is no such code.
[[nodiscard]] const CatalogueEntry* find_entry(std::string_view code);
/// The codes nearest in spelling to `code`, best first, at most three; for "did you mean".
[[nodiscard]] std::vector<std::string_view> nearest_codes(std::string_view code);

}  // namespace callchain::diagnosis
