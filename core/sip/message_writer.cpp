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

Result<void> append_start_line(std::string& text, const Message& message) {
    if (message.is_request()) {
        if (!is_token(message.method)) return fail(ErrorCode::bad_input, "the method is no token");
        text += message.method;
        text += ' ';
        const auto uri = text.size();
        append_uri(text, message.uri);
        if (!is_request_uri(std::string_view(text).substr(uri)))
            return fail(ErrorCode::bad_input, "the Request-URI has a blank or control character");
        text += " SIP/2.0\r\n";
        return {};
    }
    constexpr int kLowest = 100;
    constexpr int kHighest = 699;
    if (message.status < kLowest || message.status > kHighest)
        return fail(ErrorCode::bad_input, "the status is not one of 100 to 699");
    if (!is_line_safe(message.reason))
        return fail(ErrorCode::bad_input, "the reason phrase has CR, LF or NUL");
    text += "SIP/2.0 ";
    text += std::to_string(message.status);
    text += ' ';
    text += message.reason;
    text += "\r\n";
    return {};
}

Result<void> check_field(std::string_view name, std::string_view value) {
    if (!is_token(name))
        return fail(ErrorCode::bad_input, "a header name is no token: " + visible_excerpt(name, 40));
    if (!is_line_safe(value))
        return fail(ErrorCode::bad_input, "the value of " + std::string(name) + " has CR, LF or NUL");
    return {};
}

Result<void> append_field(std::string& text, std::string_view name, std::string_view value) {
    CALLCHAIN_TRY(check_field(name, value));
    text += name;
    text += ": ";
    text += value;
    text += "\r\n";
    return {};
}

std::size_t room_for_start_line(const Message& message) {
    constexpr std::size_t kVersionStatusAndEnd = 16;
    return message.method.size() + room_for(message.uri) + message.reason.size() + kVersionStatusAndEnd;
}

std::size_t room_for(const Message& message, std::string_view via) {
    constexpr std::size_t kViaAndLength = 54;  // their names and ends, the number and the empty line
    constexpr std::size_t kColonAndEnd = 4;
    auto room = room_for_start_line(message) + via.size() + kViaAndLength + message.body.size();
    for (const auto& field : message.headers) room += field.name.size() + field.value.size() + kColonAndEnd;
    return room;
}

}  // namespace

Result<void> check_writable(const Message& message) {
    std::string start_line;
    start_line.reserve(room_for_start_line(message));
    CALLCHAIN_TRY(append_start_line(start_line, message));
    for (const auto& field : message.headers)
        if (!is_content_length(field)) CALLCHAIN_TRY(check_field(field.name, field.value));
    return {};
}

Result<std::string> write_message(const Message& message, std::string_view via) {
    std::string text;
    text.reserve(room_for(message, via));
    CALLCHAIN_TRY(append_start_line(text, message));
    if (!via.empty()) CALLCHAIN_TRY(append_field(text, "Via", via));
    for (const auto& field : message.headers)
        if (!is_content_length(field)) CALLCHAIN_TRY(append_field(text, field.name, field.value));
    text += "Content-Length: ";
    text += std::to_string(message.body.size());
    text += "\r\n\r\n";
    text += message.body;
    return text;
}

}  // namespace callchain::sip
