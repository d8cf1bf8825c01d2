/// HTTP requests and responses as values, on both sides of a connection.
#pragma once

#include "webhook/capture.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::http {

using webhook::Header;
using webhook::Headers;

/// A request as a server received it. `body` has the bytes that were sent: chunked framing is undone, content
/// codings are not.
struct Request {
    std::string method;   ///< "POST", as sent
    std::string target;   ///< as in the request line: "/openai/webhook?a=1"
    std::string version;  ///< "HTTP/1.1"
    Headers headers;
    std::string body;
    std::string peer;        ///< numeric address of the connection, IPv4-mapped ones in dotted form
    bool encrypted = false;  ///< the connection to us was TLS
    std::chrono::sys_time<std::chrono::milliseconds> received_at{};  ///< when the last byte had arrived

    /// The target up to its first '?'. Borrows.
    [[nodiscard]] std::string_view path() const {
        return std::string_view(target).substr(0, target.find('?'));
    }
    /// What follows the first '?', or nothing. Borrows.
    [[nodiscard]] std::string_view query() const {
        const auto mark = target.find('?');
        return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
    }
};

/// An answer. Content-Length, Date and Connection are the server's to write.
struct Response {
    int status = 200;
    std::string content_type = {};  ///< empty: no such header
    std::string body = {};
    std::vector<Header> headers = {};  ///< further ones
};

/// The reason phrase of RFC 9110 section 15 or, for 429 and 431, of RFC 6585; "" for any other status.
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace callchain::http
