/// SIP URIs as Twilio's <Sip> noun takes them: to text and back.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::twiml {

/// `;name` or `;name=value`, both without percent encoding. Source: RFC 3261 section 19.1.1.
struct SipUriParameter {
    std::string name;
    std::optional<std::string> value = {};

    bool operator==(const SipUriParameter&) const = default;
};

/// `?name=value`: a header of the INVITE that Twilio will send. Without percent encoding.
struct SipUriHeader {
    std::string name;
    std::string value;

    bool operator==(const SipUriHeader&) const = default;
};

/// scheme ":" [user "@"] host [":" port] parameters headers. Everything without percent encoding.
struct SipUri {
    std::string scheme = "sip";  ///< "sip" or "sips", lower case
    std::string user =
        {};  ///< with what stands behind its first ';', and with ":password" where there is one
    std::string host = {};  ///< a name, an IPv4 address, or an IPv6 address in brackets
    std::optional<std::uint16_t> port = {};
    std::vector<SipUriParameter> parameters = {};
    std::vector<SipUriHeader> headers = {};

    bool operator==(const SipUri&) const = default;
};

/// Reads a whole SIP URI; nothing may stand around it.
/// Errors: bad_input with the offset of the first byte that cannot be; a bad percent escape counts as one,
/// and so does that of a control character, since an escaped line end would begin a header of its own.
/// Source: RFC 3261 section 25.1, SIP-URI; for IPv6 addresses RFC 5954 section 4.1.
[[nodiscard]] Result<SipUri> parse_sip_uri(std::string_view text);

/// Writes what parse_sip_uri() reads back to an equal value, percent-encoding what the grammar reserves.
/// Errors: usage where the host, the scheme or a name cannot be written, or a control character stands
/// anywhere.
[[nodiscard]] Result<std::string> write_sip_uri(const SipUri& uri);

/// What Twilio knows of places that a call may leave it from, in small letters.
/// Source: Twilio, "TwiML Voice: <Sip>".
[[nodiscard]] std::span<const std::string_view> twilio_regions();
[[nodiscard]] std::span<const std::string_view> twilio_edges();

/// Whose SIP endpoint a host is, without regard to letter case.
enum class SipHost {
    openai,           ///< one of openai_sip_hosts()
    azure,            ///< "REGION.sip.ai.azure.com"
    openai_unknown,   ///< another host of OpenAI's, which takes no SIP calls as far as is known
    openai_misspelt,  ///< one or two edits away from one of the first two
    other,
};
/// Source: OpenAI, "Realtime API with SIP"; Microsoft, "Use the GPT Realtime API via SIP".
[[nodiscard]] std::span<const std::string_view> openai_sip_hosts();
[[nodiscard]] SipHost kind_of_host(std::string_view host);
/// The known host that is nearest in spelling, for SipHost::openai_misspelt; else empty.
[[nodiscard]] std::string meant_openai_host(std::string_view host);

/// A header of an INVITE that Twilio passes on from a SIP URI: X-… but not X-Twilio…, and four others.
/// Source: Twilio, "TwiML Voice: <Sip>", "Passing custom headers".
[[nodiscard]] bool is_header_passed_on(std::string_view name);
[[nodiscard]] bool is_header_of_twilio(std::string_view name);
/// The four others.
[[nodiscard]] std::span<const std::string_view> other_headers_passed_on();

}  // namespace callchain::twiml
