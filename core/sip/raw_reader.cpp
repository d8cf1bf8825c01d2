#include "sip/raw_reader.hpp"

#include "base/text.hpp"
#include "sip/grammar.hpp"
#include "sip/header_lines.hpp"

#include <algorithm>

namespace callchain::sip {
namespace {

void keep_first(std::string& text, const FieldLine& field) {
    if (text.empty()) text = field.unfolded();
}

void read_field(RawMessage& message, const FieldLine& field) {
    const auto name = long_header_name(field.name);
    if (equal_ignoring_case(name, "Via")) {
        const auto value = field.unfolded();
        ListValues values(value);
        while (const auto part = values.next()) message.via.emplace_back(*part);
    } else if (equal_ignoring_case(name, "From")) {
        keep_first(message.from, field);
    } else if (equal_ignoring_case(name, "To")) {
        keep_first(message.to, field);
    } else if (equal_ignoring_case(name, "Call-ID")) {
        keep_first(message.call_id, field);
    } else if (equal_ignoring_case(name, "CSeq")) {
        keep_first(message.cseq, field);
    } else if (equal_ignoring_case(name, "Content-Length") && !message.content_length) {
        message.content_length = field.unfolded();
    }
}

/// Whether a value of To has a tag, be the rest of it as malformed as it likes.
bool has_tag(std::string_view to) {
    if (const auto address = parse_name_address(to)) return address->tag().has_value();
    for (auto rest = to; true;) {
        const auto semicolon = find_outside(rest, ';');
        if (semicolon == std::string_view::npos) return false;
        rest = trim_blanks(rest.substr(semicolon + 1));
        if (!starts_with_ignoring_case(rest, "tag")) continue;
        if (trim_blanks(rest.substr(3)).starts_with('=')) return true;
    }
}

}  // namespace

std::optional<RawMessage> read_raw(std::string_view bytes) {
    const auto head = find_head(bytes);
    if (!head) return std::nullopt;
    const auto start = parse_start_line(head->start_line);
    if (!start) return std::nullopt;
    RawMessage message;
    message.start_line = head->start_line;
    message.method = start->method;
    message.status = start->status;
    message.uri = start->uri;
    message.version = start->version;
    message.head_bytes = head->bytes;
    auto fields = head->fields;
    while (const auto field = take_field(fields)) read_field(message, *field);
    return message;
}

std::optional<Message> raw_response(const RawMessage& request, int status, std::string_view reason,
                                    std::string_view tag) {
    if (request.via.empty() || request.method.empty() || request.method == "ACK") return std::nullopt;
    Message response;
    response.status = status;
    response.reason = reason;
    for (const auto& via : request.via) response.add("Via", via);
    if (!request.from.empty()) response.add("From", request.from);
    if (!request.to.empty()) {
        constexpr int kTrying = 100;
        const bool needs_tag = status != kTrying && !tag.empty() && !has_tag(request.to);
        response.add("To", needs_tag ? request.to + ";tag=" + std::string(tag) : request.to);
    }
    if (!request.call_id.empty()) response.add("Call-ID", request.call_id);
    if (!request.cseq.empty()) response.add("CSeq", request.cseq);
    // A NUL that came in cannot go out, so that such a request cannot be answered.
    const bool can_be_written =
        std::all_of(response.headers.begin(), response.headers.end(),
                    [](const HeaderField& field) { return is_line_safe(field.value); });
    if (!can_be_written) return std::nullopt;
    return response;
}

}  // namespace callchain::sip
