#include "service/gateway_values.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "sip/message.hpp"

#include <algorithm>
#include <array>

namespace callchain::service {
namespace {

constexpr std::string_view kUserHint =
    "letters, digits and -_.!~*'()&=+$,;?/ may stand there, anything else as %XX";

std::string quoted(std::string_view text) { return "\"" + safe_excerpt(text, 80) + "\""; }

bool stands_in_a_user(char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    // mark and user-unreserved of RFC 3261 section 25.1.
    return is_letter || is_ascii_digit(c) ||
           std::string_view("-_.!~*'()&=+$,;?/").find(c) != std::string_view::npos;
}

bool is_any_of(std::string_view word, const std::array<std::string_view, 4>& words) {
    return std::any_of(words.begin(), words.end(),
                       [word](std::string_view one) { return equal_ignoring_case(one, word); });
}

}  // namespace

std::vector<std::string> items_of(std::string_view list) {
    std::vector<std::string> items;
    const auto commas = replace_all(list, "\n", ",");
    for (const auto item : split(commas, ','))
        if (const auto text = trim(item); !text.empty()) items.emplace_back(text);
    return items;
}

Result<HostAddress> parse_host_address(std::string_view text, TransportBehind behind) {
    const auto uri = sip::parse_uri("sip:" + std::string(trim(text)));
    if (!uri || uri->host.empty() || !uri->user.empty())
        return fail(ErrorCode::usage, quoted(text) + " is no host with an optional port",
                    "write it as NAME or NAME:PORT, without sip: in front");
    if (uri->port && *uri->port == 0)
        return fail(ErrorCode::usage, quoted(text) + " has port 0, at which nobody can be reached");
    HostAddress address{uri->host, uri->port};
    if (!uri->headers.empty())
        return fail(ErrorCode::usage, quoted(text) + " has headers behind the ?, which nothing here reads",
                    "leave them out");
    for (const auto& parameter : uri->parameters.list) {
        const bool is_transport = equal_ignoring_case(parameter.name, "transport");
        if (!is_transport || behind == TransportBehind::refused || !address.transport.empty())
            return fail(ErrorCode::usage,
                        quoted(text) + " has ;" + safe_excerpt(parameter.name, 40) +
                            " behind the host, which nothing here reads",
                        is_transport && behind == TransportBehind::refused
                            ? "leave it out: CALLCHAIN_TWILIO_TRANSPORT and USE_TLS say it"
                            : "leave it out");
        address.transport = ascii_lower(parameter.value.value_or(""));
    }
    return address;
}

Result<void> check_sip_user(std::string_view text) {
    const auto uri = sip::parse_uri("sip:" + std::string(text) + "@host");
    if (uri && uri->user == text && !uri->password) return {};
    const bool is_address = text.find('@') != std::string_view::npos ||
                            starts_with_ignoring_case(text, "sip:") ||
                            starts_with_ignoring_case(text, "sips:");
    return fail(ErrorCode::usage, quoted(text) + " cannot stand in front of the @ of a SIP URI",
                is_address ? "give the user alone: what stands between sip: and @" : std::string(kUserHint));
}

std::string escape_sip_user(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (stands_in_a_user(c))
            escaped += c;
        else
            escaped += "%" + encoding::to_upper_hex({&c, 1});
    }
    return escaped;
}

std::optional<bool> parse_switch(std::string_view word) {
    if (is_any_of(word, {"true", "1", "yes", "on"})) return true;
    if (is_any_of(word, {"false", "0", "no", "off"})) return false;
    return std::nullopt;
}

}  // namespace callchain::service
