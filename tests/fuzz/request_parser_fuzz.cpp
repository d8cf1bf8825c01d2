/// A request that our rules and Beast's parser let pass must have one meaning only: read the same however its
/// bytes are cut up, framed in one way, within its limits, and read again to itself when it is written out
/// plainly.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "http/request_parser.hpp"
#include "http/request_rules.hpp"
#include "webhook/capture.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

using namespace callchain;
using http::RequestParser;

namespace {

constexpr std::size_t kHeaderBytes = 512;
constexpr std::size_t kBodyBytes = 256;

struct Outcome {
    RequestParser parser;
    std::size_t used = 0;
};

/// Offers the bytes in pieces of 1 to `most`, unused ones again, as a connection does.
Outcome read(std::string_view bytes, std::size_t most, std::size_t header_bytes = kHeaderBytes) {
    Outcome outcome{RequestParser(header_bytes, kBodyBytes)};
    std::size_t offered = 0;
    for (std::size_t piece = 0; offered < bytes.size(); ++piece) {
        offered = std::min(bytes.size(), offered + 1 + piece % most);
        for (;;) {
            const auto before = outcome.parser.state();
            outcome.used += outcome.parser.feed(bytes.substr(outcome.used, offered - outcome.used));
            if (outcome.parser.state() == before) break;
        }
    }
    return outcome;
}

void require_same(Outcome& a, Outcome& b) {
    require(a.parser.state() == b.parser.state());
    require(a.parser.refusal().status == b.parser.refusal().status);
    require(a.parser.refusal().why == b.parser.refusal().why);
    require(a.parser.request().target == b.parser.request().target);
    require(a.parser.request().body == b.parser.request().body);
    if (a.parser.state() == RequestParser::State::complete) require(a.used == b.used);
}

std::size_t count(const http::Request& request, std::string_view name) {
    const auto& fields = request.headers.fields;
    return static_cast<std::size_t>(std::count_if(fields.begin(), fields.end(), [name](const auto& field) {
        return equal_ignoring_case(field.name, name);
    }));
}

void require_one_meaning(const http::Request& request) {
    const auto lengths = count(request, "Content-Length");
    const auto codings = count(request, "Transfer-Encoding");
    require(lengths + codings <= 1);
    require(request.body.empty() || lengths + codings == 1);
    if (lengths == 1) {
        const auto length = request.headers.find("Content-Length").value_or("");
        require(length.find_first_not_of("0123456789") == std::string_view::npos);
        require(length.substr(std::min(length.find_first_not_of('0'), length.size() - 1)) ==
                std::to_string(request.body.size()));
    }
    if (codings == 1) {
        require(equal_ignoring_case(request.headers.find("Transfer-Encoding").value_or(""), "chunked"));
    }
    require(request.version == "HTTP/1.0" ? codings == 0 && count(request, "Host") <= 1
                                          : count(request, "Host") == 1);
    require(http::is_token(request.method));
    require(!request.target.empty() && request.target.find_first_of(" \t\r\n") == std::string::npos);
    require(http::is_field_value(request.target));
    for (const auto& field : request.headers.fields) require(http::is_well_formed(field));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    auto whole = read(bytes, std::max<std::size_t>(size, 1));
    auto single = read(bytes, 1);
    auto pieces = read(bytes, 7);
    require_same(whole, single);
    require_same(whole, pieces);
    const auto& request = whole.parser.request();
    require(request.body.size() <= kBodyBytes);
    if (whole.parser.state() != RequestParser::State::complete) return 0;
    require_one_meaning(request);

    webhook::Capture plain{.method = request.method, .target = request.target, .version = "HTTP/1.1"};
    plain.headers.fields = {{"Host", "a"}, {"Content-Length", std::to_string(request.body.size())}};
    plain.body = request.body;
    auto again = read(webhook::write_capture(plain), 64, 2 * kHeaderBytes);
    require(again.parser.request().body == request.body);
    require(again.parser.request().target == request.target);
    return 0;
}
