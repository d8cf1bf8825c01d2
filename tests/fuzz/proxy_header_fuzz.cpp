/// The beginning of a connection reads the same however it arrives: each shorter piece of a header is a part
/// of it, what stands behind it changes nothing, and none is longer than it may be.
#include "fuzz/require.hpp"
#include "gateway/proxy_protocol.hpp"

#include <algorithm>
#include <cstdint>

using namespace callchain;
using namespace callchain::gateway;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = read_proxy_header(bytes);
    if (whole.state == ProxyHeader::State::complete) {
        require(whole.bytes > 0 && whole.bytes <= std::min(size, kMostProxyHeaderBytes));
        const auto alone = read_proxy_header(bytes.substr(0, whole.bytes));
        require(alone.state == ProxyHeader::State::complete && alone.bytes == whole.bytes &&
                alone.client == whole.client);
    }
    require((whole.state == ProxyHeader::State::refused) == !whole.why.empty());
    // A peer that is only slow is not refused, and a partial one does not wait for ever.
    bool refused = false;
    for (std::size_t length = 0; length <= std::min(size, kMostProxyHeaderBytes); ++length) {
        const auto piece = read_proxy_header(bytes.substr(0, length));
        const bool is_before_the_end = whole.state == ProxyHeader::State::complete && length < whole.bytes;
        if (is_before_the_end) require(piece.state == ProxyHeader::State::partial);
        if (refused) require(piece.state == ProxyHeader::State::refused);
        refused = refused || piece.state == ProxyHeader::State::refused;
    }
    if (size >= kMostProxyHeaderBytes) require(whole.state != ProxyHeader::State::partial);
    return 0;
}
