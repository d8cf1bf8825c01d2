#include "capture_files.hpp"

#include "base/internet_time.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "base_name.hpp"
#include "json_output.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sys/stat.h>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostCaptureBytes = std::size_t{64} << 20U;
constexpr std::size_t kMostShown = 200;

std::string shown_target(const webhook::CaptureSummary& summary) {
    return safe_excerpt(webhook::mask_telephone_numbers(summary.target), kMostShown);
}

std::string time_of(const CaptureFile& file) { return file.time ? write_rfc3339(*file.time) : "-"; }

Json visible_or_null(const std::optional<std::string>& text) {
    return text ? Json(visible(*text)) : Json(nullptr);
}

std::string event_in_words(const webhook::EventIdentity& event) {
    if (!event.type && !event.id) return "none in the body";
    std::string text = visible_excerpt(event.type.value_or("(no type)"), kMostShown);
    if (event.id) text += ", " + visible_excerpt(*event.id, kMostShown);
    if (const auto& call = event.call()) text += ", call " + visible_excerpt(*call, kMostShown);
    return text;
}

void print_body(std::ostream& out, std::string_view body) {
    if (body.ends_with('\n')) body.remove_suffix(1);
    for (const auto line : split(body, '\n')) out << "    " << visible(line) << "\n";
}

const char* word_of(webhook::CaptureRemark::Kind kind) {
    return kind == webhook::CaptureRemark::Kind::shorter_than_declared ? "shorter_than_declared"
                                                                       : "one_line_end_more";
}

}  // namespace

bool has_capture_name(std::string_view name) { return name.ends_with(".http") && !name.starts_with('.'); }

bool is_folder(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<std::vector<std::string>> captures_in(const std::string& folder) {
    std::error_code error;
    std::vector<std::string> paths;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
        if (has_capture_name(at->path().filename().string())) paths.push_back(at->path().string());
    }
    if (error)
        return fail(ErrorCode::io,
                    "cannot read the folder " + visible_excerpt(folder, kMostShown) + ": " + error.message());
    std::sort(paths.begin(), paths.end());
    return paths;
}

Result<CaptureFile> read_capture_file(Context& context, const std::string& path) {
    CaptureFile file;
    file.path = path;
    file.bytes = CALLCHAIN_TRY(context.read_input(path, kMostCaptureBytes));
    auto capture = webhook::parse_capture(file.bytes);
    if (!capture) {
        auto error = capture.error();
        error.message = visible_excerpt(path, kMostShown) + ": " + error.message;
        return tl::unexpected(std::move(error));
    }
    file.capture = *std::move(capture);
    file.time = webhook::time_of_capture_name(base_name(path));
    struct stat status {};
    if (!file.time && path != "-" && ::stat(path.c_str(), &status) == 0)
        file.time = std::chrono::sys_seconds{std::chrono::seconds{status.st_mtime}};
    return file;
}

void print_capture(Context& context, const CaptureFile& file, const ShowParts& parts) {
    const auto summary = webhook::summarize_capture(file.capture);
    auto& out = context.out;
    out << visible_excerpt(file.path, kMostShown) << "\n";
    out << "  time        " << time_of(file) << "\n";
    out << "  request     " << visible_excerpt(summary.method, kMostShown) << " " << shown_target(summary)
        << "\n";
    out << "  webhook-id  " << visible_excerpt(summary.webhook_id.value_or("none"), kMostShown) << "\n";
    out << "  body        " << count_of(summary.body_length, "byte") << ", SHA-256 " << summary.body_sha256
        << "\n";
    out << "  event       " << event_in_words(summary.event) << "\n";
    for (const auto& header : summary.signatures)
        out << "  signed      " << visible_excerpt(header.name, kMostShown) << ": "
            << safe_excerpt(header.value, kMostShown) << "\n";
    for (const auto& remark : file.capture.remarks) out << "  remark      " << visible(remark.detail) << "\n";
    if (parts.headers) {
        out << "  headers\n";
        for (const auto& header : file.capture.headers.fields)
            out << "    " << visible(header.name) << ": " << visible(webhook::shown_header_value(header))
                << "\n";
    }
    if (parts.body) {
        out << "  as received\n";
        print_body(out, file.capture.body);
    }
}

void print_capture_line(Context& context, const CaptureFile& file) {
    const auto summary = webhook::summarize_capture(file.capture);
    context.out << time_of(file) << "  " << visible_excerpt(summary.method, kMostShown) << " "
                << shown_target(summary) << "  " << count_of(summary.body_length, "byte") << "  "
                << visible_excerpt(summary.webhook_id.value_or("-"), kMostShown) << "  "
                << visible_excerpt(summary.event.type.value_or("-"), kMostShown) << "  "
                << visible_excerpt(summary.event.call().value_or("-"), kMostShown) << "  "
                << visible_excerpt(base_name(file.path), kMostShown) << std::endl;
}

void print_capture_json(Context& context, const CaptureFile& file, const ShowParts& parts) {
    const auto summary = webhook::summarize_capture(file.capture);
    Json json{{"schema", "callchain." + context.command + "/1"},
              {"tool_version", CALLCHAIN_VERSION},
              {"file", visible(file.path)},
              {"time", file.time ? Json(write_rfc3339(*file.time)) : Json(nullptr)},
              {"method", visible(summary.method)},
              {"target", visible(webhook::mask_telephone_numbers(summary.target))},
              {"webhook_id", visible_or_null(summary.webhook_id)},
              {"body", {{"length", summary.body_length}, {"sha256", summary.body_sha256}}},
              {"event",
               {{"type", visible_or_null(summary.event.type)},
                {"id", visible_or_null(summary.event.id)},
                {"created_at", visible_or_null(summary.event.created_at)},
                {"call_id", visible_or_null(summary.event.call())}}},
              {"signatures", Json::array()},
              {"remarks", Json::array()}};
    for (const auto& header : summary.signatures)
        json["signatures"].push_back(
            {{"name", visible(header.name)}, {"value", visible(withhold_secrets(header.value))}});
    for (const auto& remark : file.capture.remarks)
        json["remarks"].push_back({{"kind", word_of(remark.kind)}, {"detail", visible(remark.detail)}});
    if (parts.headers) {
        json["headers"] = Json::array();
        for (const auto& header : file.capture.headers.fields)
            json["headers"].push_back(
                {{"name", visible(header.name)}, {"value", visible(webhook::shown_header_value(header))}});
    }
    if (parts.body) json["body"]["text"] = visible(file.capture.body);
    context.out << json_line(json) << std::endl;
}

}  // namespace callchain::cli
