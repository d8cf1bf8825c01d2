#include "sdp/document.hpp"

#include "base/text.hpp"
#include "sdp/shown_line.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <string>

namespace callchain::sdp {
namespace {

constexpr std::size_t kMostShownInError = 60;
constexpr std::string_view kKnownTypes = "vosiuepcbtrzkam";

std::string line_prefix(std::size_t number) { return "line " + std::to_string(number) + ": "; }

/// What the first bytes say of a text that cannot be SDP, or nothing.
std::string_view foreign_encoding(std::string_view text) {
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") ||
        text.starts_with(std::string_view("v\0", 2)) || text.starts_with(std::string_view("\0v", 2))) {
        return "it is in UTF-16; save it again as UTF-8";
    }
    if (text.starts_with("\xef\xbb\xbf"))
        return "it begins with a byte order mark; save it again without one";
    return {};
}

Result<void> check_start(std::string_view text) {
    if (text.empty()) {
        return fail(ErrorCode::bad_input, "the session description is empty",
                    "an INVITE without a body carries no offer; there is nothing to filter");
    }
    if (text.size() > kMostBytes) {
        return fail(ErrorCode::limit,
                    count_of(text.size(), "byte") + " are more than a SIP message may have here (" +
                        count_of(kMostBytes, "byte") + ")",
                    "give the body of one INVITE or answer only");
    }
    const auto encoding = foreign_encoding(text);
    if (!encoding.empty())
        return fail_at(0, ErrorCode::bad_input, "this is no SDP: " + std::string(encoding));
    if (text.starts_with("v=0\n") || text.starts_with("v=0\r\n") || text == "v=0") return {};
    if (text.starts_with("v=0\r")) {
        return fail_at(3, ErrorCode::bad_input, "line 1: a CR without LF",
                       "lines end in CRLF (RFC 8866 section 5); a lone LF is tolerated, a lone CR is not");
    }
    if (text.starts_with("v=")) {
        const bool escaped = text.find("\\n") != std::string_view::npos;
        return fail_at(
            0, ErrorCode::bad_input,
            escaped ? "line 1: the line ends are written as \\r\\n, not sent as such"
                    : "line 1: only version 0 of SDP exists: " +
                          shown_line(text.substr(0, text.find('\n')), kMostShownInError),
            escaped ? "the body was copied out of JSON or of code: unescape it first, e.g. printf '%b' BODY"
                    : "");
    }
    const bool whole_message = text.starts_with("INVITE ") || text.starts_with("SIP/2.0 ");
    return fail_at(0, ErrorCode::bad_input, "this is no SDP: it does not begin with v=0",
                   whole_message ? "this is a whole SIP message; give its body, from v=0 on"
                                 : "the first line of a session description is v=0");
}

/// Splits off the line at `offset`. Errors: bad_input for NUL, a bare CR, an empty line, or no `x=` in front.
Result<Line> next_line(std::string_view text, std::size_t offset, std::size_t number) {
    const auto newline = text.find('\n', offset);
    const auto end = newline == std::string_view::npos ? text.size() : newline + 1;
    Line line;
    line.bytes = text.substr(offset, end - offset);
    auto content = line.bytes;
    if (newline != std::string_view::npos) content.remove_suffix(1);
    if (newline != std::string_view::npos && content.ends_with('\r')) content.remove_suffix(1);
    if (const auto* nul = static_cast<const char*>(std::memchr(content.data(), '\0', content.size()));
        nul != nullptr) {
        return fail_at(static_cast<std::size_t>(nul - text.data()), ErrorCode::bad_input,
                       line_prefix(number) + "a NUL byte",
                       "something was appended to or overwritten in the body");
    }
    if (const auto cr = content.find('\r'); cr != std::string_view::npos) {
        return fail_at(offset + cr, ErrorCode::bad_input, line_prefix(number) + "a CR without LF",
                       "lines end in CRLF (RFC 8866 section 5); a lone LF is tolerated, a lone CR is not");
    }
    if (content.empty()) {
        // At the very end it is an editor's or a log's; in front of anything else the body is not what it
        // seems.
        if (text.find_first_not_of("\r\n", offset) == std::string_view::npos) return line;
        return fail_at(
            offset, ErrorCode::bad_input, line_prefix(number) + "an empty line",
            "the session description ends there; what follows may be the rest of a multipart body");
    }
    if (content.size() < 2 || content[1] != '=' || kKnownTypes.find(content[0]) == std::string_view::npos) {
        return fail_at(offset, ErrorCode::bad_input,
                       line_prefix(number) + "not a line of SDP: " + shown_line(content, kMostShownInError),
                       "each line is a known letter, '=' and a value, without blanks around '='");
    }
    line.type = content[0];
    line.value = content.substr(2);
    return line;
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    words.reserve(16);
    while (true) {
        const auto start = text.find_first_not_of(' ');
        if (start == std::string_view::npos) return words;
        text.remove_prefix(start);
        const auto end = std::min(text.find(' '), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

std::optional<std::uint16_t> port_of(std::string_view text) {
    const auto slash = text.find('/');
    const auto port = parse_decimal(text.substr(0, slash));
    if (!port || *port > 65535) return std::nullopt;
    if (slash != std::string_view::npos && parse_decimal(text.substr(slash + 1)).value_or(0) < 1)
        return std::nullopt;
    return static_cast<std::uint16_t>(*port);
}

/// Source: RFC 8866 section 5.14.
Result<Media> read_media(const Line& line, std::size_t number, std::size_t offset) {
    auto words = words_of(line.value);
    if (words.size() < 3) {
        return fail_at(offset, ErrorCode::bad_input,
                       line_prefix(number) + "m= needs a type, a port, a protocol and formats: " +
                           shown_line(line.value, kMostShownInError));
    }
    Media media;
    media.type = words[0];
    media.port_text = words[1];
    media.protocol = words[2];
    const auto port = port_of(words[1]);
    if (!port) {
        return fail_at(
            offset, ErrorCode::bad_input,
            line_prefix(number) + "the port of m= is no number up to 65535: " + shown_line(words[1], 20),
            "samples in documentation are often masked; take the body from a real call");
    }
    media.port = *port;
    words.erase(words.begin(), words.begin() + 3);
    media.formats = std::move(words);
    if (media.formats.empty()) {
        return fail_at(offset, ErrorCode::bad_input,
                       line_prefix(number) + "m= has no format: " + shown_line(line.value, kMostShownInError),
                       "at least one is required, even where the port is 0");
    }
    return media;
}

/// X and * are what samples in documentation have in place of an address.
bool is_masked(std::string_view text) { return text.find_first_not_of("Xx*.-") == std::string_view::npos; }

bool is_host_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
    });
}

bool is_address(int family, std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.size() >= copy.size()) return false;
    std::copy(text.begin(), text.end(), copy.begin());
    std::array<unsigned char, 16> ignored{};
    return inet_pton(family, copy.data(), ignored.data()) == 1;
}

/// `IN IP4 192.0.2.1`, also a name for the address, and with /ttl and /count behind a multicast one.
/// Source: RFC 8866 section 5.7.
bool is_connection(std::string_view value) {
    const auto words = words_of(value);
    if (words.size() != 3 || words[0] != "IN") return false;
    const auto slash = std::min(words[2].find('/'), words[2].size());
    const auto address = words[2].substr(0, slash);
    if (words[2].find_first_not_of("0123456789/", slash) != std::string_view::npos || is_masked(address))
        return false;
    const bool only_digits_and_dots = address.find_first_not_of("0123456789.") == std::string_view::npos;
    const bool is_name = !only_digits_and_dots && is_host_name(address);
    if (words[1] == "IP4") return is_address(AF_INET, address) || is_name;
    return words[1] == "IP6" && (is_address(AF_INET6, address) || is_name);
}

/// Every live audio stream needs an address, its own or the session's; what will be refused needs none.
/// Source: RFC 8866 section 5.7.
Result<void> check_connections(const Document& document, std::string_view text) {
    const auto has_connection = [&](std::size_t first, std::size_t end) {
        return std::any_of(document.lines.begin() + static_cast<std::ptrdiff_t>(first),
                           document.lines.begin() + static_cast<std::ptrdiff_t>(end),
                           [](const Line& line) { return line.type == 'c'; });
    };
    if (has_connection(0, document.session_end)) return {};
    for (const auto& media : document.media) {
        const bool goes_on = media.port != 0 && media.is_audio() && media.is_rtp();
        if (!goes_on || has_connection(media.first, media.end)) continue;
        return fail_at(static_cast<std::size_t>(document.lines[media.first].bytes.data() - text.data()),
                       ErrorCode::bad_input,
                       line_prefix(media.first + 1) + "no c= line gives this stream an address",
                       "one c= line stands in front of the first m= line, or one below each");
    }
    return {};
}

/// One v=, o= and s=, and nothing of the session part below an m= line. Source: RFC 8866 section 9.
Result<void> check_order(const Document& document, const Line& line, std::size_t number, std::size_t offset) {
    const bool once = line.type == 'v' || line.type == 'o' || line.type == 's';
    const bool repeated = once && std::any_of(document.lines.begin(), document.lines.end(),
                                              [&](const Line& other) { return other.type == line.type; });
    if (repeated) {
        return fail_at(offset, ErrorCode::bad_input, line_prefix(number) + "a second " + line.type + "= line",
                       "two session descriptions stand in one body; only one may");
    }
    constexpr std::string_view kSessionOnly = "osueptrz";
    if (!document.media.empty() && line.type != 0 && kSessionOnly.find(line.type) != std::string_view::npos) {
        return fail_at(
            offset, ErrorCode::bad_input,
            line_prefix(number) + line.type + "= stands below an m= line, but belongs to the session part",
            "lines were moved, or two descriptions stand behind each other");
    }
    return {};
}

}  // namespace

Attribute attribute_of(const Line& line) {
    const auto colon = line.value.find(':');
    if (colon == std::string_view::npos) return {trim(line.value), {}};
    return {trim(line.value.substr(0, colon)), line.value.substr(colon + 1)};
}

bool Media::is_rtp() const {
    const auto at = protocol.find("RTP/");
    return at == 0 || (at != std::string_view::npos && protocol[at - 1] == '/');
}

std::size_t Document::text_bytes() const {
    std::size_t bytes = 0;
    for (const auto& line : lines) bytes += line.bytes.size();
    return bytes;
}

bool Media::is_audio() const { return equal_ignoring_case(type, "audio"); }

Result<Document> parse_document(std::string_view text) {
    CALLCHAIN_TRY(check_start(text));
    Document document;
    document.lines.reserve(32);
    document.media.reserve(2);
    for (std::size_t offset = 0; offset < text.size();) {
        const auto number = document.lines.size() + 1;
        const auto line = CALLCHAIN_TRY(next_line(text, offset, number));
        CALLCHAIN_TRY(check_order(document, line, number, offset));
        if (line.type == 'c' && !is_connection(line.value)) {
            return fail_at(
                offset, ErrorCode::bad_input,
                line_prefix(number) + "c= has no address: " + shown_line(line.value, kMostShownInError),
                "samples in documentation are often masked; take the body from a real call");
        }
        if (line.type == 'm') {
            auto media = CALLCHAIN_TRY(read_media(line, number, offset));
            media.first = number - 1;
            if (!document.media.empty()) document.media.back().end = media.first;
            document.media.push_back(std::move(media));
        }
        document.lines.push_back(line);
        offset += line.bytes.size();
    }
    document.session_end = document.media.empty() ? document.lines.size() : document.media.front().first;
    if (!document.media.empty()) document.media.back().end = document.lines.size();
    CALLCHAIN_TRY(check_connections(document, text));
    return document;
}

}  // namespace callchain::sdp
