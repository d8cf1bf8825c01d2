#include "http/response_writer.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace callchain::http {
namespace {

constexpr std::size_t kUsualHeadBytes = 256;

bool is_ours(std::string_view name) {
    constexpr std::array<std::string_view, 4> kOurs{"connection", "content-length", "date",
                                                    "transfer-encoding"};
    return std::any_of(kOurs.begin(), kOurs.end(),
                       [name](std::string_view ours) { return equal_ignoring_case(name, ours); });
}

bool is_plain(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7F;
    });
}

bool is_field_name(std::string_view name) {
    constexpr std::string_view kNotInNames = " \t\"(),/:;<=>?@[\\]{}";
    return !name.empty() && is_plain(name) && name.find_first_of(kNotInNames) == std::string_view::npos;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

void append_number(std::string& out, std::size_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

}  // namespace

void write_response(std::string& out, const Response& response, const ResponseFrame& frame) {
    const int status = response.status < 200 || response.status > 599 ? 500 : response.status;
    const bool bodiless = status == 204 || status == 304;
    out.reserve(out.size() + kUsualHeadBytes + response.body.size());
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::size_t>(status));
    out.append(" ").append(reason_phrase(status)).append("\r\nDate: ").append(frame.date).append("\r\n");
    if (!response.content_type.empty() && is_plain(response.content_type)) {
        append_field(out, "Content-Type", response.content_type);
    }
    if (!bodiless) {
        out.append("Content-Length: ");
        append_number(out, response.body.size());
        out.append("\r\n");
    }
    if (frame.connection == ResponseFrame::Connection::closes) out.append("Connection: close\r\n");
    if (frame.connection == ResponseFrame::Connection::stays_and_says_so) {
        out.append("Connection: keep-alive\r\n");
    }
    for (const auto& header : response.headers) {
        if (!is_field_name(header.name) || !is_plain(header.value) || is_ours(header.name)) continue;
        append_field(out, header.name, header.value);
    }
    out.append("\r\n");
    if (!bodiless && frame.body == ResponseFrame::Body::sent) out.append(response.body);
}

}  // namespace callchain::http
