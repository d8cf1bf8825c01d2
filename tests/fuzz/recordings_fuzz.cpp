/// What is found in a recording stays within its bounds and can be written as a capture; an edit that
/// succeeds yields JSON that has the value at its path.
#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "fuzz/require.hpp"
#include "webhook/json_edit.hpp"
#include "webhook/json_tokens.hpp"
#include "webhook/recordings.hpp"
#include "webhook/replay.hpp"

#include <cstdint>

using namespace callchain;
using namespace callchain::webhook;

namespace {

void require_bounds(const Result<Recordings>& read, std::size_t size) {
    if (!read) {
        require(read.error().offset.value_or(0) <= size);
        require(read.error().message == visible(read.error().message));
        return;
    }
    std::size_t body_bytes = 0;
    std::size_t last = 0;
    for (const auto& recording : read->found) {
        require(recording.number > last && recording.number <= read->requests);
        last = recording.number;
        body_bytes += recording.capture.body.size();
        require(recording.capture.remarks.empty());
        const auto plan = plan_replay(recording.capture);
        if (!plan) continue;
        // What may be sent again reads as one request, whatever the recorder wrote.
        const auto again = parse_capture(write_delivery(plan->delivery, plan->delivery.target, "a.example"));
        require(again.has_value() && again->body == recording.capture.body);
        require(again->headers.fields.size() == plan->delivery.headers.fields.size() + 2);
    }
    require(body_bytes <= kMostRecordingBytes && body_bytes <= size);
    require(read->found.size() <= kMostRecordings);
    require(read->found.size() + read->left_out <= read->requests);
}

void require_tokens_agree(std::string_view text) {
    if (!encoding::parse_json_text(text)) return;
    JsonTokens tokens(text);
    while (tokens.next()) continue;
    require(!tokens.fault());
}

/// The value at the path, of members with one name the last; "-" is the last item.
const encoding::JsonValue* at_path(const encoding::JsonValue& root, const std::vector<std::string>& path) {
    const auto* value = &root;
    for (const auto& step : path) {
        const encoding::JsonValue* found = nullptr;
        for (std::size_t i = 0; i < value->items.size(); ++i) {
            const bool is_last = i + 1 == value->items.size();
            const auto name = value->names.empty() ? std::to_string(i) : value->names[i];
            if (name == step || (value->names.empty() && step == "-" && is_last)) found = &value->items[i];
        }
        require(found != nullptr);
        value = found;
    }
    return value;
}

/// `bytes` are the argument of an edit, a line end, and the body.
void require_edit(std::string_view bytes) {
    const auto line_end = std::min(bytes.find('\n'), bytes.size());
    const auto edit = parse_json_edit(bytes.substr(0, line_end));
    if (!edit) {
        require(edit.error().message == visible(edit.error().message));
        return;
    }
    const auto body = bytes.substr(std::min(line_end + 1, bytes.size()));
    const auto result = edit_json(body, *edit);
    if (!result) return;
    const auto parsed = encoding::parse_json_text(*result);
    require(parsed.has_value());
    const auto* value = at_path(*parsed, edit->path);
    const auto as_json = encoding::parse_json_text(edit->value);
    const bool is_text = value->kind == encoding::JsonValue::Kind::string && value->text == edit->value;
    require((as_json && *as_json == *value) || (edit->as == JsonEdit::As::text && is_text));
    // Done once more, it changes nothing.
    if (edit->path.back() != "-") require(edit_json(*result, *edit) == result.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    require_bounds(read_har(bytes), size);
    require_bounds(read_ngrok_requests(bytes), size);
    require_tokens_agree(bytes);
    require_edit(bytes);
    return 0;
}
