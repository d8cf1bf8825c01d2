/// Reads the few fields that a reply needs straight from the bytes: for requests that the parser cannot take,
/// and as a second opinion that fuzzing holds against it.
#pragma once

#include "sip/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::sip {

struct RawMessage {
    std::string start_line;
    std::string method;  ///< of a request, else empty
    int status = 0;      ///< of a response
    std::string uri;     ///< of a request, as written
    std::string version;
    std::vector<std::string> via;  ///< values as written, one for each comma-separated part, in order
    std::string from;
    std::string to;
    std::string call_id;
    std::string cseq;  ///< as written
    std::optional<std::string> content_length;
    std::size_t head_bytes = 0;  ///< start line, headers, empty line
};

/// nullopt: no start line of SIP, or no end of the headers. Missing fields are empty. Folded lines are joined
/// by a blank; of a field that comes twice (but Via) the first counts. Linear; never reads behind the head.
/// Source: RFC 3261 sections 7.1 to 7.3.
[[nodiscard]] std::optional<RawMessage> read_raw(std::string_view bytes);

/// The response that RFC 3261 section 8.2.6 asks for, as bytes, from such a request: Via, From, To (with
/// `tag` where it has none), Call-ID and CSeq copied. nullopt where there is no Via, or it is an ACK.
[[nodiscard]] std::optional<Message> raw_response(const RawMessage& request, int status,
                                                  std::string_view reason, std::string_view tag);

}  // namespace callchain::sip
