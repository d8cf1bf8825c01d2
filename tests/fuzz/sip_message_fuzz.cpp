/// What parses as a SIP message is written and parses again to an equal value, and so does each of its parts;
/// what is refused says why, and whether it can be answered.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "sip/message.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

namespace callchain::sip {
namespace {

bool is_content_length(const HeaderField& field) {
    return equal_ignoring_case(long_header_name(field.name), "Content-Length");
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7F'; });
}

void check_again(const Received& first, const Received& second) {
    require(second.message.method == first.message.method && second.message.uri == first.message.uri);
    require(second.message.status == first.message.status && second.message.reason == first.message.reason);
    require(second.message.body == first.message.body);
    auto headers = first.message.headers;
    std::erase_if(headers, is_content_length);
    require(is_content_length(second.message.headers.back()));
    headers.push_back(second.message.headers.back());
    require(second.message.headers == headers);
    require(second.via == first.via && !first.via.empty());
    require(second.from == first.from && second.to == first.to);
    require(second.call_id == first.call_id && second.cseq == first.cseq);
    require(second.contact == first.contact && second.contact_star == first.contact_star);
    require(second.route == first.route && second.record_route == first.record_route);
    require(second.max_forwards == first.max_forwards);
    require(second.content_length == first.message.body.size());
    require(second.require == first.require && second.proxy_require == first.proxy_require);
}

void check_address(std::string_view text) {
    if (const auto uri = parse_uri(text)) {
        const auto again = parse_uri(write_uri(*uri));
        require(again.has_value() && *again == *uri);
    }
    if (const auto address = parse_name_address(text)) {
        const auto again = parse_name_address(write_name_address(*address));
        require(again.has_value() && *again == *address);
    }
}

void check_message(std::string_view text, Carrier carrier) {
    const auto message = parse_message(text, carrier);
    if (!message) {
        const auto& why = message.error();
        require(!why.why.empty() && is_printable(why.why) && why.reason.empty() != why.answer.has_value());
        return;
    }
    const auto written = write_message(message->message);
    require(written.has_value());
    const auto again = parse_message(*written, Carrier::stream);
    require(again.has_value());
    check_again(*message, *again);
    (void)check_request(*message, {"replaces"});
    for (const auto& via : message->via) require(!write_via(via).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_address(text);
    check_message(text, Carrier::datagram);
    check_message(text, Carrier::stream);
    return 0;
}

}  // namespace callchain::sip
