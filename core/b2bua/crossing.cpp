#include "b2bua/crossing.hpp"

#include "base/callchain_id.hpp"
#include "base/text.hpp"
#include "sip/status.hpp"
#include "twilio/error_codes.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace callchain::b2bua {
namespace {

constexpr std::string_view kWhatsAppPrefix = "x-wa-meta-";
constexpr std::uint32_t kUsualMaxForwards = 70;  // RFC 3261 section 8.1.1.6

// As a header name of Meta's is compared: its own pages spell some with underscores.
std::string hyphened(std::string_view name) { return replace_all(name, "_", "-"); }

bool is_whatsapp_header(std::string_view name) {
    return starts_with_ignoring_case(hyphened(name), kWhatsAppPrefix);
}

std::optional<std::string_view> whatsapp_value(const sip::Message& message, std::string_view name) {
    for (const auto& field : message.headers)
        if (equal_ignoring_case(hyphened(field.name), name)) return field.value;
    return std::nullopt;
}

sip::Uri sip_uri(std::string_view user, std::string_view host, std::optional<std::uint16_t> port,
                 sip::Transport transport) {
    sip::Uri uri{.scheme = "sip", .user = std::string(user), .host = std::string(host), .port = port};
    // Over UDP and TCP a peer knows which by how the request comes.
    if (transport == sip::Transport::tls) uri.parameters.set("transport", "tls");
    return uri;
}

// The number up to what RFC 4904 may put behind it.
std::string number_of(std::string_view user) { return std::string(split(user, ';').front()); }

sip::NameAddress from_of(const sip::Received& invite, const CallSettings& settings) {
    sip::NameAddress from;
    from.uri = sip_uri({}, settings.advertised_host, std::nullopt, sip::Transport::udp);
    if (settings.from_user == FromUser::caller) {
        from.display_name = invite.from.display_name;
        from.uri.user = number_of(invite.from.uri.user);
    } else {
        from.uri.user = settings.from_name;
    }
    return from;
}

void add_whatsapp_headers(const sip::Message& from, std::vector<sip::HeaderField>& to) {
    for (const auto& field : from.headers) {
        if (!is_whatsapp_header(field.name)) continue;
        // Both spellings of one header are one header.
        const auto name = hyphened(field.name);
        const bool is_there = std::any_of(to.begin(), to.end(), [&name](const sip::HeaderField& other) {
            return equal_ignoring_case(other.name, name);
        });
        if (!is_there) to.push_back({name, field.value});
    }
}

sip::HeaderField field_of(std::string_view name, std::string value) {
    return {std::string(name), std::move(value)};
}

void carry(const sip::Message& from, std::string_view name, std::vector<sip::HeaderField>& to) {
    for (const auto value : from.values(name)) to.push_back(field_of(name, std::string(value)));
}

int status_from_twilio(int status) {
    constexpr std::array kAsTheyAre{404, 480, 486, 487, 488, 603};
    if (std::find(kAsTheyAre.begin(), kAsTheyAre.end(), status) != kAsTheyAre.end()) return status;
    if (status == 401 || status == 403 || status == 407) return 503;
    if (status == 408) return 504;
    if (status >= 600) return 603;
    // Another 4xx is about our request and nothing that Meta's could mend: this call, now.
    if (status >= 400 && status < 500) return 480;
    return 503;
}

int status_from_meta(int status) { return status == 401 || status == 407 || status < 400 ? 503 : status; }

// Where one of our own settings is the cure, it is named before the page of the code.
std::string_view setting_for(int twilio_error) {
    switch (twilio_error) {
        case 32106:
            return "Set CALLCHAIN_TWILIO_FROM=username, so that From carries the digest's user. ";
        case 32201:
            return "This host's address is not on the domain's IP access control list; use a credential list "
                   "instead (TWILIO_SIP_USERNAME, TWILIO_SIP_PASSWORD). ";
        case 32202:
            return "Check TWILIO_SIP_USERNAME and TWILIO_SIP_PASSWORD against the domain's credential list. ";
        case 32207:
            return "The domain has Secure Media off, and SRTP was offered: switch it on, and set "
                   "CALLCHAIN_TWILIO_SECURE_MEDIA=on. ";
        case 32208:
            return "The domain has Secure Media on, and plain RTP was offered: set "
                   "CALLCHAIN_TWILIO_SECURE_MEDIA=on and let Meta offer SDES. ";
        case 32209:
            return "The domain has Secure Media on, which needs TLS: set CALLCHAIN_TWILIO_TRANSPORT=tls and "
                   "CALLCHAIN_TWILIO_SECURE_MEDIA=on. ";
        default:
            return {};
    }
}

std::string page_of(const twilio::ErrorPage& page) {
    std::string text(page.title);
    text += ". ";
    text += page.cause;
    text += ' ';
    text += page.fix;
    return text;
}

}  // namespace

sip::HeaderField contact_toward(Leg leg, const CallSettings& settings) {
    const auto transport =
        settings.advertised_transport.value_or(leg == Leg::a ? settings.transport_a : settings.transport_b);
    sip::NameAddress contact;
    contact.uri =
        sip_uri("callchain", settings.advertised_host, settings.advertised_port, sip::Transport::udp);
    if (transport != sip::Transport::udp)
        contact.uri.parameters.set("transport", ascii_lower(sip::name_of(transport)));
    return field_of("Contact", sip::write_name_address(contact));
}

sip::Message make_leg_b_invite(const sip::Received& invite, const CallSettings& settings,
                               const LegNames& names, std::string_view callchain_id, std::string_view sdp) {
    const auto called = number_of(invite.message.uri.user);
    sip::Message message;
    message.method = "INVITE";
    message.uri = sip_uri(settings.destination.empty() ? called : settings.destination, settings.domain,
                          settings.domain_port, settings.transport_b);
    const auto left = invite.max_forwards.value_or(kUsualMaxForwards);
    message.add("Max-Forwards", std::to_string(left == 0 ? 0 : left - 1));
    auto from = from_of(invite, settings);
    from.parameters.set("tag", names.local_tag);
    message.add("From", sip::write_name_address(from));
    message.add("To", "<" + sip::write_uri(message.uri) + ">");
    message.add("Call-ID", names.call_id);
    message.add("CSeq", std::to_string(names.cseq) + " INVITE");
    message.headers.push_back(contact_toward(Leg::b, settings));
    message.add("Allow", std::string(kAllow));
    message.add("User-Agent", settings.user_agent);
    if (settings.direction == sdp::Direction::meta_to_twilio) {
        message.add(kCallchainIdHeader, std::string(callchain_id));
        if (settings.pass_caller) message.add(kCallerHeader, number_of(invite.from.uri.user));
    }
    if (settings.pass_whatsapp_headers) add_whatsapp_headers(invite.message, message.headers);
    carry(invite.message, "User-to-User", message.headers);
    if (!sdp.empty()) {
        message.add("Content-Type", "application/sdp");
        message.body = sdp;
    }
    return message;
}

std::vector<sip::HeaderField> headers_of_bye(const sip::Received& bye, const CallSettings& settings) {
    std::vector<sip::HeaderField> headers;
    carry(bye.message, "Reason", headers);
    if (settings.pass_whatsapp_headers) add_whatsapp_headers(bye.message, headers);
    return headers;
}

FailureAnswer map_failure(const sip::Received& response, sdp::Direction direction) {
    const bool from_twilio = direction == sdp::Direction::meta_to_twilio;
    const int status = response.message.status;
    FailureAnswer answer;
    answer.status = from_twilio ? status_from_twilio(status) : status_from_meta(status);
    if (answer.status == status) answer.reason = response.message.reason;
    carry(response.message, "Reason", answer.headers);
    carry(response.message, "Warning", answer.headers);
    return answer;
}

std::optional<TwilioError> twilio_error_of(const sip::Received& response) {
    const auto value = response.message.find("X-Twilio-Error");
    if (!value) return std::nullopt;
    const auto text = trim(*value);
    const auto end = std::find_if_not(text.begin(), text.end(), is_ascii_digit);
    const auto digits = static_cast<std::size_t>(end - text.begin());
    const auto code = parse_decimal(text.substr(0, digits));
    if (!code || *code > 999'999) return std::nullopt;
    return TwilioError{static_cast<int>(*code), std::string(trim(text.substr(digits)))};
}

std::string explain_failure(const sip::Received& response, sdp::Direction direction) {
    std::string text;
    if (direction == sdp::Direction::meta_to_twilio) {
        if (const auto error = twilio_error_of(response)) {
            text = setting_for(error->code);
            if (const auto* page = twilio::find_error(error->code)) return text + page_of(*page);
            if (!text.empty()) return text;
            text = "Twilio's error " + std::to_string(error->code) + ": " +
                   visible_excerpt(error->text, 200) + ". ";
        }
    }
    const auto* page = sip::find_status(response.message.status);
    if (const auto warning = response.message.find("Warning");
        warning && direction == sdp::Direction::twilio_to_meta)
        text = "Meta says: " + visible_excerpt(*warning, 300) + ". ";
    if (page == nullptr) return text;
    text += direction == sdp::Direction::meta_to_twilio ? page->twilio : page->meta;
    if (!page->fix.empty()) {
        if (!text.empty() && text.back() != ' ') text += ' ';
        text += page->fix;
    }
    return text;
}

std::string wacid_of(const sip::Received& request) {
    if (const auto value = whatsapp_value(request.message, "x-wa-meta-wacid"))
        return std::string(trim(*value));
    constexpr std::string_view kMark = "wacid.";
    const auto at = request.call_id.find(kMark);
    return at == std::string::npos ? std::string() : request.call_id.substr(at);
}

std::optional<std::uint32_t> call_duration_of(const sip::Received& bye) {
    const auto value = whatsapp_value(bye.message, "x-wa-meta-call-duration");
    if (!value) return std::nullopt;
    const auto seconds = parse_decimal(trim(*value));
    if (!seconds || *seconds > 0xFFFF'FFFFLL) return std::nullopt;
    return static_cast<std::uint32_t>(*seconds);
}

}  // namespace callchain::b2bua
