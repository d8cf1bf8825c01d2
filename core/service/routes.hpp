/// Which handler a request is for, and the answers that need none.
#pragma once

#include "http/message.hpp"

#include <string>

namespace callchain::service {

enum class Route { webhook, voice, dial_action, dial_status, health, wrong_method, none };

/// By path, without regard to a '/' at its end, and method.
[[nodiscard]] Route route_of(const http::Request& request);
/// 405 with Allow, for a path of ours. Source: RFC 9110 section 15.5.6.
[[nodiscard]] http::Response method_response(const http::Request& request);
/// 404, with the paths that there are.
[[nodiscard]] http::Response not_found_response();
/// The header by which one process is told from another, with a value that is drawn when it starts: whoever
/// asks a public address learns whether it leads to the process that answers on loopback.
inline constexpr const char* kInstanceHeader = "Callchain-Instance";

struct Health {
    bool draining = false;
    std::string readiness;  ///< JSON
    std::string instance;
};
/// /healthz: 200 as long as the process lives. /readyz: `readiness`, 503 while draining. Other paths: 404.
[[nodiscard]] http::Response health_response(const http::Request& request, const Health& health);

}  // namespace callchain::service
