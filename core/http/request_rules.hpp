/// What of a request may stand on the wire, the same for server, client, its printed form and the WebSocket.
/// Internal to core/http.
#pragma once

#include "http/message.hpp"

#include <string_view>

namespace callchain::http {

struct ClientRequest;

using webhook::is_field_value;
using webhook::is_token;

/// A name and a value that HTTP allows.
[[nodiscard]] bool is_well_formed(const Header& header);
/// Content-Length, Transfer-Encoding and Expect, which follow from the body and are the client's to write: a
/// second opinion of theirs is how requests are smuggled.
[[nodiscard]] bool is_framing_header(const Header& header);
/// Methods whose request has a Content-Length even where the body is empty. Source: RFC 9110 section 8.6.
[[nodiscard]] bool takes_body(std::string_view method);
/// Methods that may be sent a second time without being asked. Source: RFC 9110 section 9.2.2.
[[nodiscard]] bool is_idempotent(std::string_view method);

/// Why a request cannot be sent at all; empty: it can.
[[nodiscard]] std::string_view fault_of(const ClientRequest& request);

}  // namespace callchain::http
