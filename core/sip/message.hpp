/// SIP messages as values of our own: read through sofia-sip, which only message.cpp knows, and written by
/// one function.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::sip {

/// `name` or `name=value`, both as written; a quoted value with its quotes. Names compare without case.
struct Parameter {
    std::string name;
    std::optional<std::string> value = std::nullopt;
    friend bool operator==(const Parameter&, const Parameter&) = default;
};
struct Parameters {
    std::vector<Parameter> list;
    /// The value of the first of that name, "" where it has none; nullopt: no such parameter.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    /// Sets it in place, or adds it at the end.
    void set(std::string_view name, std::optional<std::string> value);
    void remove(std::string_view name);
    friend bool operator==(const Parameters&, const Parameters&) = default;
};

/// A sip, sips or tel URI, or any other: then only `scheme` and `rest` are filled.
/// Source: RFC 3261 section 19.1; RFC 3966.
struct Uri {
    std::string scheme;  ///< in lower case: "sip"
    std::string
        user;  ///< as written, escapes kept, with what follows a ';' in it (RFC 4904); tel: the number
    std::optional<std::string> password = std::nullopt;
    std::string host;  ///< as written; an IPv6 reference with its brackets
    std::optional<std::uint16_t> port = std::nullopt;
    Parameters parameters = {};
    std::string headers = {};  ///< behind '?', as written
    std::string rest = {};     ///< of a scheme that is neither sip, sips nor tel: all behind the colon
    friend bool operator==(const Uri&, const Uri&) = default;
};
/// Errors: bad_input for what is no URI by RFC 3261 section 25.1.
[[nodiscard]] Result<Uri> parse_uri(std::string_view text);
[[nodiscard]] std::string write_uri(const Uri& uri);

/// A value of From, To, Contact, Route, Record-Route. Source: RFC 3261 section 20.10.
struct NameAddress {
    std::string display_name;  ///< as written, a quoted one with its quotes; may be empty
    Uri uri;
    Parameters parameters = {};  ///< of the header, not of the URI
    /// The tag, or nullopt.
    [[nodiscard]] std::optional<std::string_view> tag() const { return parameters.find("tag"); }
    friend bool operator==(const NameAddress&, const NameAddress&) = default;
};
/// Errors: bad_input. The URI always comes out in angle brackets.
[[nodiscard]] Result<NameAddress> parse_name_address(std::string_view text);
[[nodiscard]] std::string write_name_address(const NameAddress& address);

/// One value of Via. Source: RFC 3261 section 20.42.
struct Via {
    std::string transport;  ///< as written: "TLS"
    std::string host;
    std::optional<std::uint16_t> port = std::nullopt;
    Parameters parameters = {};  ///< branch, rport, received, alias …
    [[nodiscard]] std::string_view branch() const { return parameters.find("branch").value_or(""); }
    friend bool operator==(const Via&, const Via&) = default;
};
[[nodiscard]] std::string write_via(const Via& via);

struct CSeq {
    std::uint32_t number = 0;
    std::string method;
    friend bool operator==(const CSeq&, const CSeq&) = default;
};

/// A header field. Of one that was folded the line ends and blanks have become one blank.
struct HeaderField {
    std::string name;  ///< as written; compact names ("v") stay
    std::string value;
    friend bool operator==(const HeaderField&, const HeaderField&) = default;
};
/// The long name of a compact one ("v": "Via"), else the name itself. Source: RFC 3261 section 7.3.3.
[[nodiscard]] std::string_view long_header_name(std::string_view name);

/// A request or a response: start line, header fields in their order, body. What is sent is built as this;
/// what was received has it beside its parsed form.
struct Message {
    // Of a request; `method` is empty in a response.
    std::string method;
    Uri uri;
    // Of a response; 0 in a request.
    int status = 0;
    std::string reason;

    std::vector<HeaderField> headers;
    std::string body;

    [[nodiscard]] bool is_request() const { return status == 0; }
    /// Values of all fields of that name, in order; compact names count. Comma-separated values stay
    /// together.
    [[nodiscard]] std::vector<std::string_view> values(std::string_view name) const;
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    void add(std::string_view name, std::string value);
    friend bool operator==(const Message&, const Message&) = default;
};

/// The one writer: CRLF line ends, Content-Length last, made from the body (one in `headers` is left out).
/// `via`: the value of a Via above all headers, which every hop adds to what it sends; where empty, none.
/// Errors: bad_input where a name, value or part of the start line has CR, LF or NUL, a name is no token, a
/// method is no token, or a status is not 100 to 699; nothing else can leave the process.
[[nodiscard]] Result<std::string> write_message(const Message& message, std::string_view via = {});
/// Whether write_message() would take it, without the writing. Errors: those of write_message().
[[nodiscard]] Result<void> check_writable(const Message& message);

/// A message that was read, with the fields that the machines work with.
struct Received {
    Message message;
    std::vector<Via> via;  ///< top first; at least one
    NameAddress from;
    NameAddress to;
    std::string call_id;
    CSeq cseq;
    std::vector<NameAddress> contact;
    bool contact_star = false;  ///< "Contact: *"
    std::vector<NameAddress> route;
    std::vector<NameAddress> record_route;
    std::optional<std::uint32_t> max_forwards;
    std::optional<std::uint64_t> content_length;
    std::vector<std::string> require;  ///< option tags
    std::vector<std::string> proxy_require;
    std::string version;  ///< "SIP/2.0", as received
};

/// Why a message cannot be taken. Where it is a request whose way back is known, `answer` is what to say.
struct Unreadable {
    std::string why;            ///< one sentence, safe to print
    std::optional<int> answer;  ///< 400, 413, 505 …; nullopt: drop it (a response, an ACK, no way back)
    std::string reason;         ///< for the answer's start line
};

/// Reads exactly one message; on a stream, framing has cut it out. Refuses NUL in the head before sofia-sip
/// sees it. On a datagram what is behind Content-Length is cut off and fewer bytes are an error
/// (RFC 3261 section 18.3); on a stream both are `exact` already.
/// What counts as unreadable: facts of sofia-sip's parser (no start line, msg_extract_errors,
/// sip_sanity_check, a truncated message), a CR or LF in the head that is not part of CRLF, and every needed
/// field that sofia-sip and our own reading of the bytes take differently. A method may be any token, and a
/// field that no machine needs may be malformed (section 8.2.2). Memory: the parsed form of sofia-sip is
/// freed before this returns. Source: RFC 3261 sections 7, 8.2.2, 18.3, 25.1.
enum class Carrier { datagram, stream };
[[nodiscard]] tl::expected<Received, Unreadable> parse_message(std::string_view bytes, Carrier carrier);

/// What RFC 3261 section 8.2 lets a UAS refuse before it looks at what the request is for; nullopt: nothing.
/// In this order: 505 another version, 416 a Request-URI of a scheme that is not ours, 483 Max-Forwards 0
/// (but OPTIONS, which is answered), 420 with Unsupported for what Require names beyond `supported`. CANCEL
/// is never refused for Require (section 8.2.2.3), ACK for nothing: no response answers it.
struct Refusal {
    int status = 400;
    std::string reason;
    std::vector<HeaderField> headers = {};
};
[[nodiscard]] std::optional<Refusal> check_request(const Received& request,
                                                   const std::vector<std::string>& supported);

}  // namespace callchain::sip
