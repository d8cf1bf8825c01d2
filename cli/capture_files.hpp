/// Captures as files: finding, reading and printing them, for show and tail.
#pragma once

#include "context.hpp"
#include "webhook/capture_summary.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace callchain::cli {

/// Whether a file in a folder is taken for a capture: by its end, ".http", and not hidden.
[[nodiscard]] bool has_capture_name(std::string_view name);

/// Paths of the captures in a folder, ascending by name, which is by time for those of serve.
/// Errors: io where it cannot be read.
[[nodiscard]] Result<std::vector<std::string>> captures_in(const std::string& folder);
[[nodiscard]] bool is_folder(const std::string& path);

struct CaptureFile {
    std::string path;
    std::string bytes;
    webhook::Capture capture;
    std::optional<std::chrono::sys_time<std::chrono::milliseconds>> time;  ///< of the name, else of the file
};
/// Errors: those of reading and of parse_capture(), with the path in front.
[[nodiscard]] Result<CaptureFile> read_capture_file(Context& context, const std::string& path);

/// What is printed beyond the summary.
struct ShowParts {
    bool headers = false;
    bool body = false;
};
/// The capture as a few lines of text.
void print_capture(Context& context, const CaptureFile& file, const ShowParts& parts);
/// The same on one line, for a list that grows.
void print_capture_line(Context& context, const CaptureFile& file);
/// The same as one line of JSON of the schema callchain.<command>/1.
void print_capture_json(Context& context, const CaptureFile& file, const ShowParts& parts);

}  // namespace callchain::cli
