/// One thing that was looked at, what was found, and what to do about it: the lines of `gateway check` and
/// `doctor`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::service {

struct Check {
    enum class Outcome { pass, warn, fail, skipped } result = Outcome::pass;
    std::string name;           ///< "certificate-name"; stable
    std::string sentence = {};  ///< what was found
    std::string remedy = {};    ///< what to do about it; empty where nothing is
    std::string code = {};      ///< finding code whose page explains it; empty: none
};
[[nodiscard]] std::string_view name_of(Check::Outcome result);

/// The worst of them; skipped counts for nothing.
[[nodiscard]] Check::Outcome worst_of(const std::vector<Check>& checks);
[[nodiscard]] std::size_t how_many(const std::vector<Check>& checks, Check::Outcome result);

}  // namespace callchain::service
