#include "service/routes.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace callchain::service {
namespace {

struct Row {
    std::string_view path;
    Route route;
    std::string_view allow;  ///< as the Allow header has it
};
constexpr std::array<Row, 6> kRows{{{"/openai/webhook", Route::webhook, "POST"},
                                    {"/twilio/voice", Route::voice, "GET, POST"},
                                    {"/twilio/dial-action", Route::dial_action, "POST"},
                                    {"/twilio/dial-status", Route::dial_status, "POST"},
                                    {"/healthz", Route::health, "GET, HEAD"},
                                    {"/readyz", Route::health, "GET, HEAD"}}};

const Row* row_of(std::string_view path) {
    if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    const auto* found =
        std::find_if(kRows.begin(), kRows.end(), [&](const Row& row) { return row.path == path; });
    return found == kRows.end() ? nullptr : found;
}

bool allows(const Row& row, std::string_view method) {
    const auto at = row.allow.find(method);
    return !method.empty() && at != std::string_view::npos && method.find(' ') == std::string_view::npos &&
           (at + method.size() == row.allow.size() || row.allow[at + method.size()] == ',') &&
           (at == 0 || row.allow[at - 1] == ' ');
}

http::Response text(int status, std::string body) {
    return {status, "text/plain; charset=utf-8", std::move(body), {}};
}

}  // namespace

Route route_of(const http::Request& request) {
    const auto* row = row_of(request.path());
    if (row == nullptr) return Route::none;
    return allows(*row, request.method) ? row->route : Route::wrong_method;
}

http::Response method_response(const http::Request& request) {
    const auto* row = row_of(request.path());
    auto response = text(405, "this path takes " + std::string(row->allow) + "\n");
    response.headers = {{"Allow", std::string(row->allow)}};
    return response;
}

http::Response not_found_response() {
    std::string body = "not found; there is:\n";
    for (const auto& row : kRows) body += "  " + std::string(row.path) + "\n";
    return text(404, std::move(body));
}

http::Response health_response(const http::Request& request, const Health& health) {
    const auto* row = row_of(request.path());
    if (row == nullptr || row->route != Route::health) return text(404, "not found\n");
    if (!allows(*row, request.method)) return method_response(request);
    auto response =
        row->path == "/healthz"
            ? text(200, "ok\n")
            : http::Response{health.draining ? 503 : 200, "application/json", health.readiness, {}};
    response.headers = {{kInstanceHeader, health.instance}};
    return response;
}

}  // namespace callchain::service
