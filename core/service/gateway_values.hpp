/// Addresses, users and switches, as people write them in the settings of the gateway.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::service {

/// The items of a list divided by commas and line ends, without the blanks around them; empty ones are left
/// out.
[[nodiscard]] std::vector<std::string> items_of(std::string_view list);

/// "host", "host:port", "[v6]:port"; where it is allowed with ";transport=" behind it.
struct HostAddress {
    std::string host;
    std::optional<std::uint16_t> port = std::nullopt;
    std::string transport = {};  ///< in lower case; empty: none was named
};
enum class TransportBehind { allowed, refused };
/// Errors: usage for anything else, with the part that is too much: a scheme, a user, other parameters,
/// headers, port 0.
[[nodiscard]] Result<HostAddress> parse_host_address(std::string_view text, TransportBehind behind);

/// Whether `text` can stand as it is in front of the @ of a SIP URI. Errors: usage, with what to write
/// instead. Source: RFC 3261 section 25.1, user.
[[nodiscard]] Result<void> check_sip_user(std::string_view text);
/// `text` so that it can: what may not stand there becomes %XX, a % as well.
[[nodiscard]] std::string escape_sip_user(std::string_view text);

/// "true", "1", "yes", "on" and their opposites, in any case; nullopt: neither.
[[nodiscard]] std::optional<bool> parse_switch(std::string_view word);

}  // namespace callchain::service
