/// No line is lost or made, no key of SDP is left, and no secret that is known by its form.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "gateway/redact_message.hpp"

#include <cstdint>

using namespace callchain;
using namespace callchain::gateway;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    const auto shown = redact_message(message);
    const auto before = split(message, '\n');
    const auto after = split(shown, '\n');
    require(after.size() == before.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
        // A password is at least 22 characters long (RFC 8839 section 5.4).
        if (before[i].starts_with("a=ice-pwd:") && before[i].size() > 30) require(after[i] != before[i]);
    }
    require(find_clear_secret(shown) == std::string_view::npos);
    return 0;
}
