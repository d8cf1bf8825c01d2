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
/// /healthz: 200 as long as the process lives. /readyz: `readiness` as JSON, 503 while draining. Other paths:
/// 404.
[[nodiscard]] http::Response health_response(const http::Request& request, bool draining,
                                             const std::string& readiness);

}  // namespace callchain::service
