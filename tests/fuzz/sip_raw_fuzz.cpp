/// The raw reader and the parser read the same: where both take a message, its start line and the fields of
/// an answer agree, and every answer that the raw reader makes can be written and read.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "sip/grammar.hpp"
#include "sip/raw_reader.hpp"

#include <cstdint>
#include <string>

namespace callchain::sip {
namespace {

/// As text with each run of blanks, tabs among them, made one.
std::string squeezed(std::string_view text) {
    std::string result;
    for (const char c : text)
        if (!is_blank(c))
            result += c;
        else if (!result.empty() && result.back() != ' ')
            result += ' ';
    return result;
}

void check_agreement(const RawMessage& raw, const Received& parsed, std::string_view bytes) {
    require(raw.method == parsed.message.method && raw.status == parsed.message.status);
    require(raw.version == parsed.version);
    if (parsed.message.is_request()) {
        const auto uri = parse_uri(raw.uri);
        require(uri.has_value() && *uri == parsed.message.uri);
    }
    require(raw.call_id == parsed.call_id);
    const auto from = parse_name_address(raw.from);
    const auto to = parse_name_address(raw.to);
    require(from.has_value() && *from == parsed.from && to.has_value() && *to == parsed.to);
    require(squeezed(raw.cseq).ends_with(" " + parsed.cseq.method));
    require(parse_decimal(raw.cseq.substr(0, raw.cseq.find_first_of(" \t"))) == parsed.cseq.number);
    require(raw.via.size() == parsed.via.size());
    require(raw.content_length.has_value() == parsed.content_length.has_value());
    if (raw.content_length)
        require(static_cast<std::uint64_t>(parse_decimal(*raw.content_length).value_or(-1)) ==
                *parsed.content_length);
    require(bytes.substr(raw.head_bytes).starts_with(parsed.message.body));
}

void check_response(const RawMessage& raw, int status) {
    const auto response = raw_response(raw, status, "Bad Request", "t");
    if (!response) return;
    const auto written = write_message(*response);
    require(written.has_value());
    const auto again = read_raw(*written);
    require(again.has_value() && again->status == status);
    require(again->via.size() == raw.via.size() && again->call_id == raw.call_id);
    require(again->from == raw.from && again->to.starts_with(raw.to) && again->cseq == raw.cseq);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto raw = read_raw(bytes);
    const auto parsed = parse_message(bytes, Carrier::datagram);
    require(!parsed || raw);
    if (!raw) {
        require(!parsed.error().answer.has_value());
        return 0;
    }
    require(raw->head_bytes <= size && raw->head_bytes >= raw->start_line.size());
    if (parsed) check_agreement(*raw, *parsed, bytes);
    check_response(*raw, 400);
    check_response(*raw, 100);
    if (!parsed && parsed.error().answer) require(raw_response(*raw, 400, "x", "t").has_value());
    return 0;
}

}  // namespace callchain::sip
