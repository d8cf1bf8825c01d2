#include "gateway/flow.hpp"

namespace callchain::gateway {

std::string text_of(const Endpoint& endpoint) {
    const auto port = ":" + std::to_string(endpoint.port);
    return endpoint.address.find(':') == std::string::npos ? endpoint.address + port
                                                           : "[" + endpoint.address + "]" + port;
}

}  // namespace callchain::gateway
