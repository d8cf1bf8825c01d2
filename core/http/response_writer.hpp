/// An answer as bytes.
#pragma once

#include "http/message.hpp"

#include <string>
#include <string_view>

namespace callchain::http {

/// What an answer needs to know of its request and its connection.
struct ResponseFrame {
    enum class Connection { stays, stays_and_says_so, closes };  ///< the second is for HTTP/1.0 clients
    enum class Body { sent, left_off };                          ///< the second is for HEAD
    std::string_view date = {};                                  ///< as write_http_date() has it
    Connection connection = Connection::stays;
    Body body = Body::sent;
};

/// Appends the answer. Headers that would break the framing are left off: those with control characters, and
/// Content-Length, Transfer-Encoding, Date and Connection, which are ours. 204 and 304 have no body and no
/// length. A status outside of 200 to 599 becomes 500.
/// Source: RFC 9112 sections 4 and 6.3; RFC 9110 sections 6.4.1 and 8.6.
void write_response(std::string& out, const Response& response, const ResponseFrame& frame);

}  // namespace callchain::http
