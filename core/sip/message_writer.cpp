#include "base/text.hpp"
#include "sip/grammar.hpp"

#include <algorithm>

namespace callchain::sip {
namespace {

bool is_content_length(const HeaderField& field) {
    return equal_ignoring_case(long_header_name(field.name), "Content-Length");
}

/// The Request-URI stands between blanks, so that one inside would end it.
bool is_request_uri(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c != '\x7F'; });
}

Result<std::string> write_start_line(const Message& message) {
    if (message.is_request()) {
        const auto uri = write_uri(message.uri);
        if (!is_token(message.method)) return fail(ErrorCode::bad_input, "the method is no token");
        if (!is_request_uri(uri))
            return fail(ErrorCode::bad_input, "the Request-URI has a blank or control character");
        return message.method + ' ' + uri + " SIP/2.0\r\n";
    }
    constexpr int kLowest = 100;
    constexpr int kHighest = 699;
    if (message.status < kLowest || message.status > kHighest)
        return fail(ErrorCode::bad_input, "the status is not one of 100 to 699");
    if (!is_line_safe(message.reason))
        return fail(ErrorCode::bad_input, "the reason phrase has CR, LF or NUL");
    return "SIP/2.0 " + std::to_string(message.status) + ' ' + message.reason + "\r\n";
}

Result<void> check_field(const HeaderField& field) {
    if (!is_token(field.name))
        return fail(ErrorCode::bad_input, "a header name is no token: " + visible_excerpt(field.name, 40));
    if (!is_line_safe(field.value))
        return fail(ErrorCode::bad_input, "the value of " + field.name + " has CR, LF or NUL");
    return {};
}

std::size_t size_of(const Message& message) {
    constexpr std::size_t kStartLineAndLength = 160;
    constexpr std::size_t kColonAndEnd = 4;
    auto size = kStartLineAndLength + message.body.size();
    for (const auto& field : message.headers) size += field.name.size() + field.value.size() + kColonAndEnd;
    return size;
}

}  // namespace

Result<void> check_writable(const Message& message) {
    CALLCHAIN_TRY(write_start_line(message));
    for (const auto& field : message.headers)
        if (!is_content_length(field)) CALLCHAIN_TRY(check_field(field));
    return {};
}

Result<std::string> write_message(const Message& message) {
    auto text = CALLCHAIN_TRY(write_start_line(message));
    text.reserve(size_of(message));
    for (const auto& field : message.headers) {
        if (is_content_length(field)) continue;
        CALLCHAIN_TRY(check_field(field));
        text += field.name;
        text += ": ";
        text += field.value;
        text += "\r\n";
    }
    text += "Content-Length: ";
    text += std::to_string(message.body.size());
    text += "\r\n\r\n";
    text += message.body;
    return text;
}

}  // namespace callchain::sip
