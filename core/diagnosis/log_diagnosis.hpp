/// Judges the deliveries that a log tells of, as far as the log allows.
#pragma once

#include "diagnosis/report.hpp"
#include "signature/secret.hpp"
#include "webhook/railway_log.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

struct LogMaterial {
    const webhook::LogReading& reading;
    std::vector<signature::LabelledSecret> secrets;
    std::optional<std::string> body;  ///< given beside the log
    std::optional<std::string> expected_sha256;
    std::optional<std::uint64_t> expected_length;
    std::optional<std::string> computed;
    std::optional<std::chrono::sys_seconds> now;  ///< only where the user gave a time: a log is never fresh
    std::chrono::seconds tolerance{300};
};

/// What one delivery of the log came to.
struct LoggedVerdict {
    std::size_t delivery = 0;          ///< index into the reading
    std::vector<std::string> missing;  ///< what would be needed to verify it, in words
    Report report;
};

/// How a mask in the log compares with the secrets at hand.
struct MaskVerdict {
    std::string mask;
    std::size_t first_line = 0;
    std::vector<std::string> labels;  ///< of the secrets that have this mask
};

struct LogReport {
    std::vector<MaskVerdict> masks;
    std::vector<LoggedVerdict> deliveries;
    Report overall;                ///< the most telling delivery's, with what the log as a whole says
    std::size_t not_searched = 0;  ///< deliveries for which only the exact recipe was tried
};

/// Never fails: what cannot be judged says why.
[[nodiscard]] LogReport diagnose_log(const LogMaterial& material);

[[nodiscard]] std::string render_log_text(const LogReport& report, const webhook::LogReading& reading,
                                          Colour colour);
[[nodiscard]] std::string render_log_json(const LogReport& report, const webhook::LogReading& reading,
                                          std::string_view tool_version);

}  // namespace callchain::diagnosis
