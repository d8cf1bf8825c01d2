/// Twilio's error and warning codes that this chain can meet: what Twilio says, and what it means here.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::twilio {

/// How Twilio's list files a code. unknown: no text of it could be had.
enum class Level { error, warning, unknown };

/// One code. All text is English, plain ASCII and our own; pages are wrapped by whoever prints them.
struct ErrorPage {
    int code = 0;
    Level level = Level::unknown;
    std::string_view title;  ///< Twilio's documented meaning, one line, no full stop
    std::string_view cause;  ///< our reading: how it comes about in this chain, in sentences
    std::string_view fix;    ///< what to do, in the imperative, in sentences
    std::string_view as_of;  ///< the date of the text of Twilio's that `title` and `level` were taken from
    std::string_view more = {};  ///< our reading at length, where the code needs it
    int last = 0;                ///< the last code of a range that is explained as one; 0: this code alone
};

/// All codes, ascending. Source: Twilio, "Error and Warning Dictionary"; the list of all codes of
/// 2023-05-15, and newer pages of single codes where `as_of` is later. `cause` and `more` are ours.
[[nodiscard]] std::span<const ErrorPage> error_pages();
/// nullptr where the code is none of ours.
[[nodiscard]] const ErrorPage* find_error(int code);
/// The codes that we know in the same hundred as `code`, nearest first, at most `most`.
[[nodiscard]] std::vector<int> nearest_errors(int code, std::size_t most);

/// "error", "warning", "unknown".
[[nodiscard]] std::string_view level_name(Level level);
/// Twilio's page of the code, whether we know the code or not.
[[nodiscard]] std::string error_url(int code);

}  // namespace callchain::twilio
