/// Messages for tests, written as text with plain line ends.
#pragma once

#include "base/text.hpp"
#include "sip/message.hpp"

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::sip {

/// The message of these lines. A test that writes one wrongly ends at once.
inline Received received(std::string_view lines) {
    const auto bytes = replace_all(lines, "\n", "\r\n");
    auto message = parse_message(bytes, Carrier::datagram);
    if (message) return *std::move(message);
    std::cerr << "a test's message cannot be read: " << message.error().why << "\n" << lines << "\n";
    std::abort();
}

/// "" for none. Borrows.
inline std::string_view or_empty(const std::optional<std::string>& text) {
    return text ? std::string_view(*text) : std::string_view();
}

/// The same message as one that we send.
inline Message sent(std::string_view lines) { return received(lines).message; }

}  // namespace callchain::sip
