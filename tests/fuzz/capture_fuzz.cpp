/// A capture that was parsed must write and parse again to the same request; an error must point into the
/// input.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "webhook/capture.hpp"
#include "webhook/diff.hpp"
#include "webhook/event.hpp"

#include <cstdint>

using namespace callchain;
using namespace callchain::webhook;

namespace {

// A body that was taken out of its framing needs a length of its own.
Capture with_own_length(Capture capture) {
    std::erase_if(capture.headers.fields, [](const Header& field) {
        return equal_ignoring_case(field.name, "content-length") ||
               equal_ignoring_case(field.name, "transfer-encoding");
    });
    capture.headers.fields.push_back({"Content-Length", std::to_string(capture.body.size())});
    return capture;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto parsed = parse_capture(bytes);
    if (!parsed) {
        require(!parsed.error().message.empty() && !parsed.error().hint.empty());
        require(parsed.error().offset.value_or(0) <= size);
        require(parsed.error().message == visible(parsed.error().message));
        return 0;
    }
    require(parsed->body.size() <= size);
    const auto capture = with_own_length(*parsed);
    const auto again = parse_capture(write_capture(capture));
    require(again.has_value() && again->remarks.empty());
    require(again->method == capture.method && again->target == capture.target &&
            again->version == capture.version);
    require(diff_bodies(again->body, capture.body).equal());
    require(diff_headers(again->headers, capture.headers).equal());

    const auto identity = read_event_identity(capture.body);
    require(identity.id.value_or("").size() <= size);
    const auto difference = diff_bodies(bytes, capture.body);
    require(difference.common_prefix + difference.common_suffix <= capture.body.size());
    return 0;
}
