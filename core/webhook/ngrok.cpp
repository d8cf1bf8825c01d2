/// The requests that ngrok's agent keeps for its inspector.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "encoding/json_text.hpp"
#include "webhook/recorded_request.hpp"

#include <algorithm>
#include <utility>

namespace callchain::webhook {
namespace {

using encoding::JsonValue;

constexpr std::size_t kMostTimeBytes = 64;
constexpr std::string_view kAgentHint =
    "the agent answers it at http://127.0.0.1:4040/api/requests/http (curl -s, the whole answer)";

/// The text of a member, or nothing.
std::string text_of(const JsonValue& object, std::string_view name) {
    const auto* member = object.find(name);
    if (member == nullptr || member->kind != JsonValue::Kind::string) return {};
    return member->text;
}

/// `headers` lists the values by name: {"Accept": ["*/*"]}.
Headers read_headers(const JsonValue& request) {
    Headers headers;
    const auto* by_name = request.find("headers");
    if (by_name == nullptr || by_name->kind != JsonValue::Kind::object) return headers;
    for (std::size_t i = 0; i < by_name->items.size(); ++i) {
        const auto& values = by_name->items[i];
        if (values.kind == JsonValue::Kind::string)
            headers.fields.push_back({by_name->names[i], std::string(trim(values.text))});
        for (const auto& value : values.items) {
            if (value.kind != JsonValue::Kind::string) continue;
            headers.fields.push_back({by_name->names[i], std::string(trim(value.text))});
        }
    }
    return headers;
}

/// The bytes behind the first empty line, where `raw` begins with a request line; else all of them.
std::string_view body_in(std::string_view raw, std::string_view method) {
    if (method.empty() || !raw.starts_with(std::string(method) + " ")) return raw;
    const auto end = raw.find("\r\n\r\n");
    if (end == std::string_view::npos) return {};
    return raw.substr(end + 4);
}

struct Read {
    Capture capture;
    std::string remark;
};

/// The request from its parts, with `why` as the remark.
Read put_together(const JsonValue& request, std::string_view body, std::string_view why) {
    Read read;
    read.capture.method = text_of(request, "method");
    read.capture.target = split_request_url(text_of(request, "uri")).target;
    read.capture.version = request_version(text_of(request, "proto"));
    read.capture.headers = read_headers(request);
    read.capture.body = body;
    read.remark = why;
    const auto declared = content_length(read.capture.headers);
    if (declared && *declared != body.size()) {
        read.remark += "; the body has " + count_of(body.size(), "byte") + " and Content-Length says " +
                       with_thousands(*declared);
    }
    return read;
}

Read read_request(const JsonValue& request) {
    const auto encoded = text_of(request, "raw");
    const auto raw = encoding::parse_base64(encoded);
    if (encoded.empty() || !raw) {
        return put_together(request, "", "ngrok gave no bytes of the request (raw), so its body is missing");
    }
    auto capture = parse_capture(*raw);
    const auto method = text_of(request, "method");
    const auto body = body_in(*raw, method);
    if (capture) {
        Read read{*std::move(capture), ""};
        for (const auto& remark : std::exchange(read.capture.remarks, {})) {
            read.remark += (read.remark.empty() ? "" : "; ") + remark.detail;
        }
        return read;
    }
    if (body.size() == raw->size()) {
        return put_together(request, body,
                            "ngrok gave the body alone: the headers are those that it lists, in its order");
    }
    return put_together(
        request, body,
        "the request is put together from ngrok's list, since its bytes do not read as one: " +
            capture.error().message);
}

tl::unexpected<Error> no_answer(std::string message) {
    return fail_at(0, ErrorCode::bad_input, std::move(message), std::string(kAgentHint));
}

}  // namespace

Result<Recordings> read_ngrok_requests(std::string_view json) {
    const auto answer = encoding::parse_json_text(json);
    if (!answer) {
        auto error = answer.error();
        error.message = "this is not what ngrok's agent answers: " + error.message;
        error.hint = kAgentHint;
        return tl::unexpected(std::move(error));
    }
    const auto* requests = answer->find("requests");
    if (requests == nullptr || requests->kind != JsonValue::Kind::array) {
        // The agent's own errors: {"error_code": 100, "status_code": 404, "msg": "…"}.
        const auto said = text_of(*answer, "msg");
        if (said.empty())
            return no_answer("this is not what ngrok's agent answers: it has no list \"requests\"");
        return no_answer("ngrok's agent says: " + safe_excerpt(said, 120));
    }
    RecordingShelf shelf;
    const auto count = requests->items.size();
    for (std::size_t number = 1; number <= count; ++number) {
        const auto& item = requests->items[count - number];  // the newest stands first
        const auto* request = item.find("request");
        if (request == nullptr || request->kind != JsonValue::Kind::object) continue;
        auto read = read_request(*request);
        if (!looks_signed(read.capture.headers)) continue;
        shelf.add({std::move(read.capture), text_of(item, "start").substr(0, kMostTimeBytes),
                   std::move(read.remark), number});
    }
    return std::move(shelf).take(count);
}

}  // namespace callchain::webhook
