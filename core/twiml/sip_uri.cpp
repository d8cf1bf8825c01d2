#include "twiml/sip_uri.hpp"

#include "base/characters.hpp"
#include "base/ipv4.hpp"
#include "base/nearest_words.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "twiml/verbs.hpp"

#include <algorithm>
#include <array>

namespace callchain::twiml {
namespace {

constexpr auto kNpos = std::string_view::npos;

constexpr std::array<std::string_view, 8> kRegions{"us1", "us2", "ie1", "de1", "sg1", "jp1", "br1", "au1"};
// One of Twilio's tables has san-jose in place of umatilla; the call goes out all the same.
constexpr std::array<std::string_view, 9> kEdges{"ashburn",   "umatilla", "san-jose",  "dublin", "frankfurt",
                                                 "singapore", "tokyo",    "sao-paulo", "sydney"};
constexpr std::array<std::string_view, 3> kHosts{"sip.api.openai.com", "sip-eu.api.openai.com",
                                                 "sip-in.api.openai.com"};
constexpr std::string_view kAzureHosts = ".sip.ai.azure.com";
constexpr std::array<std::string_view, 4> kOtherHeaders{"User-to-User", "Remote-Party-ID",
                                                        "P-Preferred-Identity", "P-Called-Party-ID"};

// What may stand unescaped, beside letters and digits. Source: RFC 3261 section 25.1.
constexpr std::string_view kMark = "-_.!~*'()";
constexpr std::string_view kUserUnreserved = "&=+$,;?/";
constexpr std::string_view kPasswordUnreserved = "&=+$,";
constexpr std::string_view kParameterUnreserved = "[]/:&+$";
constexpr std::string_view kHeaderUnreserved = "[]/?:+$";

bool is_hex_digit(char c) { return is_ascii_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; }
bool is_plain(char c, std::string_view also) {
    return is_ascii_letter_or_digit(c) || kMark.find(c) != kNpos || also.find(c) != kNpos;
}

// A piece of the whole text, so that every error can say where it is.
struct Piece {
    std::string_view text;
    std::size_t offset = 0;

    [[nodiscard]] Piece from(std::size_t begin, std::size_t count = kNpos) const {
        return {text.substr(begin, count), offset + begin};
    }
};

tl::unexpected<Error> bad(std::size_t offset, const std::string& what, std::string hint = {}) {
    return fail_at(offset, ErrorCode::bad_input,
                   "not a SIP URI: " + what + " at byte " + std::to_string(offset), std::move(hint));
}

std::string quoted(char c) { return "\"" + visible(std::string_view(&c, 1)) + "\""; }

// 1*( unreserved / escaped / one of `also` ), decoded.
Result<std::string> decode(Piece piece, std::string_view also, const std::string& what) {
    if (piece.text.empty()) return bad(piece.offset, "an empty " + what);
    std::string out;
    for (std::size_t i = 0; i < piece.text.size(); ++i) {
        char c = piece.text[i];
        if (c == '%') {
            const auto digits = piece.text.substr(i + 1, 2);
            const auto byte = encoding::parse_hex(digits);
            if (digits.size() != 2 || !byte)
                return bad(piece.offset + i, "a % without two hex digits in the " + what,
                           "a % itself is written %25");
            c = byte->front();
            // An escaped CR LF would begin a line of its own in the INVITE.
            if (is_control(c)) return bad(piece.offset + i, "an escaped control character in the " + what);
            i += 2;
        } else if (!is_plain(c, also)) {
            return bad(
                piece.offset + i,
                (what == "password" ? std::string("a reserved byte") : quoted(c)) + " in the " + what,
                is_control(c) ? "" : "a byte that is reserved there is written as % and two hex digits");
        }
        out += c;
    }
    return out;
}

std::string encode(std::string_view text, std::string_view also) {
    std::string out;
    for (const char c : text) {
        if (is_plain(c, also))
            out += c;
        else
            out += "%" + encoding::to_upper_hex({&c, 1});
    }
    return out;
}

// The first ':' stands between user and password, unless there is nothing in front of it.
std::size_t find_password(std::string_view user) {
    const auto colon = user.find(':');
    return colon == 0 ? kNpos : colon;
}

Result<std::string> parse_user(Piece piece) {
    const auto colon = piece.text.find(':');
    auto user = CALLCHAIN_TRY(decode(piece.from(0, colon), kUserUnreserved, "user part"));
    if (colon == kNpos) return user;
    const auto password = piece.from(colon + 1);
    user += ':';
    if (!password.text.empty()) user += CALLCHAIN_TRY(decode(password, kPasswordUnreserved, "password"));
    return user;
}

std::string write_user(std::string_view user) {
    const auto colon = find_password(user);
    if (colon == kNpos) return encode(user, kUserUnreserved);
    return encode(user.substr(0, colon), kUserUnreserved) + ":" +
           encode(user.substr(colon + 1), kPasswordUnreserved);
}

// Groups in "a:b:c", or -1. An IPv4 address may stand for the last two.
int count_groups(std::string_view text, bool may_end_in_ipv4) {
    if (text.empty()) return 0;
    int count = 0;
    const auto groups = split(text, ':');
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (may_end_in_ipv4 && i + 1 == groups.size() && parse_ipv4(groups[i])) return count + 2;
        if (groups[i].empty() || groups[i].size() > 4 ||
            !std::all_of(groups[i].begin(), groups[i].end(), is_hex_digit))
            return -1;
        ++count;
    }
    return count;
}

// Eight groups, or fewer around one "::". Source: RFC 5954 section 4.1, which mends RFC 3261's rule.
bool is_ipv6(std::string_view text) {
    const auto gap = text.find("::");
    if (gap == kNpos) return count_groups(text, true) == 8;
    const int front = count_groups(text.substr(0, gap), false);
    const int back = count_groups(text.substr(gap + 2), true);
    return front >= 0 && back >= 0 && front + back <= 7;
}

bool is_label(std::string_view label) {
    return !label.empty() && is_ascii_letter_or_digit(label.front()) &&
           is_ascii_letter_or_digit(label.back()) && std::all_of(label.begin(), label.end(), [](char c) {
               return is_ascii_letter_or_digit(c) || c == '-';
           });
}

// A fault of a host: where in it, and what.
struct HostFault {
    std::size_t at = 0;
    std::string what;
};

std::optional<HostFault> fault_of_host(std::string_view host) {
    if (host.empty()) return HostFault{0, "no host"};
    if (host.front() == '[') {
        if (host.back() == ']' && is_ipv6(host.substr(1, host.size() - 2))) return std::nullopt;
        return HostFault{0, "no IPv6 address in brackets"};
    }
    if (parse_ipv4(host)) return std::nullopt;
    for (std::size_t i = 0; i < host.size(); ++i) {
        if (!is_ascii_letter_or_digit(host[i]) && host[i] != '-' && host[i] != '.')
            return HostFault{i, quoted(host[i]) + " in the host"};
    }
    auto labels = split(host, '.');
    if (labels.size() > 1 && labels.back().empty()) labels.pop_back();  // the root's dot
    std::size_t at = 0;
    for (const auto& label : labels) {
        if (!is_label(label))
            return HostFault{at, label.empty() ? "an empty label in the host"
                                               : "a host label that begins or ends with \"-\""};
        at += label.size() + 1;
    }
    if (is_ascii_letter(labels.back().front())) return std::nullopt;
    return HostFault{at - labels.back().size() - 1, "a host whose last label begins with a digit"};
}

Result<std::uint16_t> parse_port(Piece piece) {
    if (piece.text.empty()) return bad(piece.offset, "no port behind the colon");
    const auto end = std::find_if_not(piece.text.begin(), piece.text.end(), is_ascii_digit);
    if (end != piece.text.end())
        return bad(piece.offset + static_cast<std::size_t>(end - piece.text.begin()),
                   quoted(*end) + " in the port");
    const auto zeros = std::min(piece.text.find_first_not_of('0'), piece.text.size() - 1);
    const auto value = parse_decimal(piece.text.substr(zeros));
    if (!value || *value > 65535) return bad(piece.offset, "a port above 65535");
    return static_cast<std::uint16_t>(*value);
}

Result<void> parse_host_and_port(Piece piece, SipUri& uri) {
    // The colons of an IPv6 address are not the port's.
    const auto bracket = piece.text.starts_with('[') ? piece.text.find(']') : 0;
    const auto colon = piece.text.find(':', bracket == kNpos ? piece.text.size() : bracket);
    uri.host = piece.text.substr(0, colon);
    if (const auto fault = fault_of_host(uri.host)) return bad(piece.offset + fault->at, fault->what);
    if (colon != kNpos) uri.port = CALLCHAIN_TRY(parse_port(piece.from(colon + 1)));
    return {};
}

Result<void> parse_parameters(Piece piece, SipUri& uri) {
    std::size_t at = 0;
    for (const auto& text : split(piece.text, ';')) {
        const auto parameter = piece.from(at, text.size());
        const auto equals = text.find('=');
        SipUriParameter parsed {
            CALLCHAIN_TRY(decode(parameter.from(0, equals), kParameterUnreserved, "parameter name"))
        };
        if (equals != kNpos)
            parsed.value =
                CALLCHAIN_TRY(decode(parameter.from(equals + 1), kParameterUnreserved, "parameter value"));
        uri.parameters.push_back(std::move(parsed));
        at += text.size() + 1;
    }
    return {};
}

Result<void> parse_headers(Piece piece, SipUri& uri) {
    std::size_t at = 0;
    for (const auto& text : split(piece.text, '&')) {
        const auto header = piece.from(at, text.size());
        const auto equals = text.find('=');
        if (equals == kNpos) return bad(header.offset + text.size(), "a header without \"=\"");
        SipUriHeader parsed {
            CALLCHAIN_TRY(decode(header.from(0, equals), kHeaderUnreserved, "header name"))
            , {}
        };
        if (equals + 1 < text.size())
            parsed.value = CALLCHAIN_TRY(decode(header.from(equals + 1), kHeaderUnreserved, "header value"));
        uri.headers.push_back(std::move(parsed));
        at += text.size() + 1;
    }
    return {};
}

tl::unexpected<Error> cannot_write(const std::string& what) {
    return fail(ErrorCode::usage, "no SIP URI can be written: " + what);
}

Result<void> check_for_writing(const SipUri& uri) {
    const auto controlled = [](std::string_view text) {
        return std::any_of(text.begin(), text.end(), is_control);
    };
    if (uri.scheme != "sip" && uri.scheme != "sips")
        return cannot_write("the scheme is neither sip nor sips: \"" + safe_excerpt(uri.scheme, 20) + "\"");
    if (controlled(uri.user)) return cannot_write("a control character in the user part");
    if (const auto fault = fault_of_host(uri.host))
        return cannot_write(fault->what + ": \"" + safe_excerpt(uri.host, 80) + "\"");
    for (const auto& [name, value] : uri.parameters) {
        const auto shown = "parameter \"" + safe_excerpt(name, 40) + "\"";
        if (name.empty()) return cannot_write("a parameter without a name");
        if (value && value->empty()) return cannot_write(shown + " has an empty value");
        if (controlled(name) || controlled(value.value_or("")))
            return cannot_write("a control character in " + shown);
    }
    for (const auto& [name, value] : uri.headers) {
        if (name.empty()) return cannot_write("a header without a name");
        if (controlled(name) || controlled(value))
            return cannot_write("a control character in header \"" + safe_excerpt(name, 40) + "\"");
    }
    return {};
}

}  // namespace

Result<SipUri> parse_sip_uri(std::string_view text) {
    const Piece whole{text};
    const auto colon = text.find(':');
    SipUri uri;
    uri.scheme = ascii_lower(text.substr(0, colon));
    if (colon == kNpos || (uri.scheme != "sip" && uri.scheme != "sips"))
        return bad(0, "it begins with neither \"sip:\" nor \"sips:\"");

    // '@' may stand unescaped nowhere else; ';' and '?' may stand in the user part.
    auto rest = whole.from(colon + 1);
    if (const auto at = rest.text.find('@'); at != kNpos) {
        uri.user = CALLCHAIN_TRY(parse_user(rest.from(0, at)));
        rest = rest.from(at + 1);
    }
    const auto question = rest.text.find('?');
    const auto headers = question == kNpos ? Piece{} : rest.from(question + 1);
    rest = rest.from(0, question);
    const auto semicolon = rest.text.find(';');
    CALLCHAIN_TRY(parse_host_and_port(rest.from(0, semicolon), uri));
    if (semicolon != kNpos) CALLCHAIN_TRY(parse_parameters(rest.from(semicolon + 1), uri));
    if (question != kNpos) CALLCHAIN_TRY(parse_headers(headers, uri));
    return uri;
}

Result<std::string> write_sip_uri(const SipUri& uri) {
    CALLCHAIN_TRY(check_for_writing(uri));
    std::string out = uri.scheme + ":";
    if (!uri.user.empty()) out += write_user(uri.user) + "@";
    out += uri.host;
    if (uri.port) out += ":" + std::to_string(*uri.port);
    for (const auto& [name, value] : uri.parameters) {
        out += ";" + encode(name, kParameterUnreserved);
        if (value) out += "=" + encode(*value, kParameterUnreserved);
    }
    for (std::size_t i = 0; i < uri.headers.size(); ++i) {
        out += i == 0 ? '?' : '&';
        out += encode(uri.headers[i].name, kHeaderUnreserved) + "=" +
               encode(uri.headers[i].value, kHeaderUnreserved);
    }
    return out;
}

std::span<const std::string_view> twilio_regions() { return kRegions; }
std::span<const std::string_view> twilio_edges() { return kEdges; }
std::span<const std::string_view> openai_sip_hosts() { return kHosts; }
std::span<const std::string_view> other_headers_passed_on() { return kOtherHeaders; }

std::string meant_openai_host(std::string_view host) {
    constexpr std::size_t kLongest = 253;  // Source: RFC 1035 section 2.3.4
    constexpr std::size_t kMostEdits = 2;
    if (host.size() > kLongest) return {};
    const auto slip = [](std::string_view a, std::string_view b) {
        const auto edits = edit_distance(ascii_lower(a), ascii_lower(b));
        return edits > 0 && edits <= kMostEdits;
    };
    for (const auto known : kHosts)
        if (slip(host, known)) return std::string(known);
    const auto dot = host.find('.');
    if (dot == kNpos || dot == 0 || !slip(host.substr(dot), kAzureHosts)) return {};
    return std::string(host.substr(0, dot)).append(kAzureHosts);
}

SipHost kind_of_host(std::string_view host) {
    auto lower = ascii_lower(host);
    if (lower.ends_with('.')) lower.pop_back();  // the root's dot
    if (std::find(kHosts.begin(), kHosts.end(), lower) != kHosts.end()) return SipHost::openai;
    if (lower.ends_with(kAzureHosts) && lower.size() > kAzureHosts.size()) return SipHost::azure;
    if (lower == "openai.com" || lower.ends_with(".openai.com")) return SipHost::openai_unknown;
    return meant_openai_host(lower).empty() ? SipHost::other : SipHost::openai_misspelt;
}

bool is_header_of_twilio(std::string_view name) { return starts_with_ignoring_case(name, "X-Twilio"); }

bool is_header_passed_on(std::string_view name) {
    if (starts_with_ignoring_case(name, "X-")) return name.size() > 2 && !is_header_of_twilio(name);
    return std::any_of(kOtherHeaders.begin(), kOtherHeaders.end(),
                       [&](std::string_view known) { return equal_ignoring_case(name, known); });
}

}  // namespace callchain::twiml
