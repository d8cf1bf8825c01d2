/// The catalogue's words in the lines of `doctor`.
#pragma once

#include <string>
#include <string_view>

namespace callchain::doctor {

/// What to do about a finding; empty where there is no such code.
[[nodiscard]] std::string fix_of(std::string_view code);
/// "What happened: where and how", of a finding and its detail.
[[nodiscard]] std::string titled(std::string_view code, std::string_view detail);

}  // namespace callchain::doctor
