/// One thing that was looked at, what was found, and what to do about it: the lines of `gateway check` and
/// `doctor`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::service {

struct Check {
    enum class Result { pass, warn, fail, skipped } result = Result::pass;
    std::string name;           ///< "certificate-name"; stable
    std::string sentence = {};  ///< what was found
    std::string remedy = {};
    std::string code = {};  ///< finding code whose page explains it; empty: none
};
[[nodiscard]] std::string_view name_of(Check::Result result);

/// The worst of them; skipped counts for nothing.
[[nodiscard]] Check::Result worst_of(const std::vector<Check>& checks);
[[nodiscard]] std::size_t how_many(const std::vector<Check>& checks, Check::Result result);

}  // namespace callchain::service
