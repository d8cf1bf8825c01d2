#include "sip/message.hpp"

#include "base/text.hpp"
#include "sip/grammar.hpp"
#include "sip/header_lines.hpp"
#include "sip/raw_reader.hpp"
#include "sip/received_fields.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_alloc.h>

namespace callchain::sip {
namespace {

struct DestroyMessage {
    void operator()(msg_t* message) const { msg_destroy(message); }
};
using Parsed = std::unique_ptr<msg_t, DestroyMessage>;

// What sofia is told where it does not know the method: of those it refuses some tokens ("+", "%" and "`"),
// and every one that is shorter than a method of its own with the same first letter ("PING").
constexpr std::string_view kStandIn = "X-OTHER";
constexpr std::array<std::string_view, 14> kMethodsOfSofia = {
    "INVITE", "ACK",    "CANCEL",  "BYE",       "OPTIONS", "REGISTER", "INFO",
    "PRACK",  "UPDATE", "MESSAGE", "SUBSCRIBE", "NOTIFY",  "REFER",    "PUBLISH"};

bool sofia_knows(std::string_view method) {
    return std::find(kMethodsOfSofia.begin(), kMethodsOfSofia.end(), method) != kMethodsOfSofia.end();
}

std::string_view text_of(const char* text) { return text == nullptr ? std::string_view() : text; }

/// Escapes undone: sofia undoes those that need not be.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto number_of = [&](std::size_t at) {
            const char c = text[at];
            return static_cast<unsigned>(is_ascii_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        };
        if (text[i] == '%' && i + 2 < text.size()) {
            plain += static_cast<char>(number_of(i + 1) * 16 + number_of(i + 2));
            i += 2;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

bool same_unescaped(std::string_view ours, std::string_view theirs) {
    return ours == theirs || unescaped(ours) == unescaped(theirs);
}

bool same(const Parameters& ours, const msg_param_t* theirs) {
    std::size_t count = 0;
    for (; theirs != nullptr && theirs[count] != nullptr; ++count) {
        if (count >= ours.list.size()) return false;
        const auto& [name, value] = ours.list[count];
        const std::string_view text = theirs[count];
        if (!text.starts_with(name)) return false;
        const auto rest = text.substr(name.size());
        if (value ? !rest.starts_with('=') || rest.substr(1) != *value : !rest.empty()) return false;
    }
    return count == ours.list.size();
}

bool same_port(std::optional<std::uint16_t> ours, const char* theirs) {
    const auto port = parse_number(text_of(theirs), 65'535);
    return ours ? port == *ours : theirs == nullptr;
}

bool same(const Uri& ours, const url_t& theirs) {
    if (!equal_ignoring_case(ours.scheme, text_of(theirs.url_scheme))) return false;
    if (!ours.rest.empty()) return true;
    // Of a telephone number it takes "#" for the beginning of a fragment.
    auto user = std::string_view(ours.user);
    if (ours.scheme == "tel") user = user.substr(0, user.find('#'));
    return same_unescaped(user, text_of(theirs.url_user)) &&
           equal_ignoring_case(ours.host, text_of(theirs.url_host)) && same_port(ours.port, theirs.url_port);
}

bool same(const Via& ours, const sip_via_t& theirs) {
    const auto protocol = text_of(theirs.v_protocol);
    return equal_ignoring_case(ours.transport, protocol.substr(protocol.rfind('/') + 1)) &&
           ours.host == text_of(theirs.v_host) && same_port(ours.port, theirs.v_port) &&
           same(ours.parameters, theirs.v_params);
}

bool same(const NameAddress& ours, const sip_addr_t& theirs) {
    return ours.display_name == text_of(theirs.a_display) && same(ours.uri, theirs.a_url[0]) &&
           same(ours.parameters, theirs.a_params);
}
bool same(const NameAddress& ours, const sip_contact_t& theirs) {
    return ours.display_name == text_of(theirs.m_display) && same(ours.uri, theirs.m_url[0]) &&
           same(ours.parameters, theirs.m_params);
}
bool same(const NameAddress& ours, const sip_route_t& theirs) {
    return ours.display_name == text_of(theirs.r_display) && same(ours.uri, theirs.r_url[0]) &&
           same(ours.parameters, theirs.r_params);
}

const sip_via_t* next_of(const sip_via_t& via) { return via.v_next; }
const sip_contact_t* next_of(const sip_contact_t& contact) { return contact.m_next; }
const sip_route_t* next_of(const sip_route_t& route) { return route.r_next; }

template <class Ours, class Theirs>
bool same(const std::vector<Ours>& ours, const Theirs* theirs) {
    for (const auto& value : ours) {
        if (theirs == nullptr || !same(value, *theirs)) return false;
        theirs = next_of(*theirs);
    }
    return theirs == nullptr;
}

bool same(const std::vector<std::string>& ours, const msg_list_t* theirs) {
    std::size_t count = 0;
    for (; theirs != nullptr; theirs = theirs->k_next) {
        for (const auto* item = theirs->k_items; item != nullptr && *item != nullptr; ++item) {
            if (count >= ours.size() || ours[count] != *item) return false;
            ++count;
        }
    }
    return count == ours.size();
}

bool same_contacts(const Received& ours, const sip_contact_t* theirs) {
    if (!ours.contact_star) return same(ours.contact, theirs);
    return ours.contact.empty() && theirs != nullptr && theirs->m_next == nullptr &&
           theirs->m_url->url_type == url_any;
}

bool same_start_line(const Received& ours, const sip_t& theirs, std::string_view method) {
    const auto& message = ours.message;
    if (const auto* request = theirs.sip_request) {
        return message.is_request() && method == text_of(request->rq_method_name) &&
               same(message.uri, request->rq_url[0]) &&
               equal_ignoring_case(ours.version, text_of(request->rq_version));
    }
    return !message.is_request() && theirs.sip_status->st_status == message.status &&
           equal_ignoring_case(ours.version, text_of(theirs.sip_status->st_version));
}

/// The first field that sofia reads otherwise than we do; empty where there is none. Only where two readers
/// agree is a message what it seems to be.
std::string_view difference(const Received& ours, const sip_t& theirs, std::string_view method) {
    if (!same_start_line(ours, theirs, method)) return "the start line";
    if (!same(ours.via, theirs.sip_via)) return "Via";
    if (!same(ours.from, theirs.sip_from[0])) return "From";
    if (!same(ours.to, theirs.sip_to[0])) return "To";
    if (ours.call_id != text_of(theirs.sip_call_id->i_id)) return "Call-ID";
    if (ours.cseq.number != theirs.sip_cseq->cs_seq) return "CSeq";
    if (method != text_of(theirs.sip_cseq->cs_method_name)) return "CSeq";
    if (!same_contacts(ours, theirs.sip_contact)) return "Contact";
    if (!same(ours.route, theirs.sip_route)) return "Route";
    if (!same(ours.record_route, theirs.sip_record_route)) return "Record-Route";
    if (!same(ours.require, theirs.sip_require)) return "Require";
    if (!same(ours.proxy_require, theirs.sip_proxy_require)) return "Proxy-Require";
    const auto* hops = theirs.sip_max_forwards;
    if (ours.max_forwards.has_value() != (hops != nullptr) || (hops && hops->mf_count != *ours.max_forwards))
        return "Max-Forwards";
    const auto* length = theirs.sip_content_length;
    if (ours.content_length.has_value() != (length != nullptr) ||
        (length && length->l_length != *ours.content_length))
        return "Content-Length";
    return {};
}

/// The same message for sofia: folded lines joined, and a method that it takes.
std::string in_plain_form(const Received& received, std::string_view method, std::string_view body) {
    const auto& message = received.message;
    std::string text;
    if (message.is_request())
        text = std::string(method) + ' ' + write_uri(message.uri) + ' ' + received.version + "\r\n";
    else
        text = received.version + ' ' + std::to_string(message.status) + ' ' + message.reason + "\r\n";
    for (const auto& field : message.headers) {
        text += field.name + ": ";
        if (equal_ignoring_case(field.name, "CSeq"))
            text += std::to_string(received.cseq.number) + ' ' + std::string(method);
        else
            text += field.value;
        text += "\r\n";
    }
    text += "\r\n";
    text += body;
    return text;
}

auto refused(std::string why) { return fail(ErrorCode::bad_input, std::move(why)); }

/// What sofia-sip says of the message. Its parsed form lives no longer than this call.
Result<void> check_with_sofia(const Received& received, const HeadText& head, std::string_view bytes,
                              std::string_view body) {
    const bool knows_method = sofia_knows(received.cseq.method);
    const auto method = knows_method ? std::string_view(received.cseq.method) : kStandIn;
    const bool is_plain = knows_method && !head.is_folded;
    const auto text = is_plain ? std::string() : in_plain_form(received, method, body);
    if (!is_plain) bytes = text;

    // Its fields stay in its own copy of the bytes: another copy of each would be for a message that changes.
    constexpr int kNoFlags = 0;
    const Parsed parsed(
        msg_make(sip_default_mclass(), kNoFlags, bytes.data(), static_cast<ssize_t>(bytes.size())));
    const auto* sip = parsed ? sip_object(parsed.get()) : nullptr;
    if (sip == nullptr || (sip->sip_request == nullptr && sip->sip_status == nullptr))
        return refused("the start line is none of SIP");
    // Errors of fields that no machine needs do not count (RFC 3261 section 8.2.2); whether the others that
    // it could not read are there is seen below.
    if ((msg_extract_errors(parsed.get()) & (sip_mask_request | sip_mask_response)) != 0)
        return refused("a header field that every message needs is malformed");
    if ((sip->sip_flags & MSG_FLG_TRUNC) != 0) return refused("the body is shorter than Content-Length says");
    if (sip_sanity_check(sip) < 0) return refused("a part that every message needs is missing or malformed");
    const auto field = difference(received, *sip, method);
    if (!field.empty()) return refused(std::string(field) + " can be read in two ways");
    return {};
}

/// Source: RFC 3261 section 18.3.
Result<std::string_view> body_of(const Received& received, std::string_view behind_head, Carrier carrier) {
    if (!received.content_length) {
        if (carrier == Carrier::stream) return refused("there is no Content-Length");
        return behind_head;
    }
    if (behind_head.size() < *received.content_length)
        return refused("the body is shorter than Content-Length says");
    const auto body = behind_head.substr(0, static_cast<std::size_t>(*received.content_length));
    if (carrier == Carrier::stream && body.size() != behind_head.size())
        return refused("the body is longer than Content-Length says");
    return body;
}

Result<void> read_message(Received& received, std::string_view bytes, Carrier carrier) {
    const auto head = find_head(bytes);
    if (!head) return refused("there is no start line, or no end of the headers");
    if (bytes.substr(0, head->bytes).find('\0') != std::string_view::npos)
        return refused("there is a NUL in the head");
    CALLCHAIN_TRY(read_fields(received, *head));
    const auto body = CALLCHAIN_TRY(body_of(received, bytes.substr(head->bytes), carrier));
    const auto begin = static_cast<std::size_t>(head->start_line.data() - bytes.data());
    const auto exact = bytes.substr(begin, head->bytes - begin + body.size());
    CALLCHAIN_TRY(check_with_sofia(received, *head, exact, body));
    if (!received.message.is_request() && !equal_ignoring_case(received.version, "SIP/2.0"))
        return refused("it is a response of another version of SIP");
    received.message.body = body;
    return {};
}

Unreadable unreadable(std::string_view bytes, std::string why) {
    const auto raw = read_raw(bytes);
    if (!raw || !raw_response(*raw, 400, "Bad Request", {})) return {std::move(why), std::nullopt, {}};
    if (!equal_ignoring_case(raw->version, "SIP/2.0")) return {std::move(why), 505, "Version Not Supported"};
    return {std::move(why), 400, "Bad Request"};
}

}  // namespace

tl::expected<Received, Unreadable> parse_message(std::string_view bytes, Carrier carrier) {
    tl::expected<Received, Unreadable> result;
    if (auto read = read_message(*result, bytes, carrier); !read)
        result = tl::unexpected(unreadable(bytes, std::move(read.error().message)));
    return result;
}

}  // namespace callchain::sip
