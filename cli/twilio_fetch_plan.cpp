#include "base/redact.hpp"
#include "twilio_fetch.hpp"

#include <algorithm>

namespace callchain::cli {
namespace {

// Monitor's origin that belongs to the API's. Whatever stands in for the one stands in for the other: the
// credential goes nowhere else.
std::string monitor_of(const std::string& api_origin) {
    constexpr std::string_view kApi = "https://api.";
    const bool is_twilios = api_origin.starts_with(kApi) && api_origin.ends_with(".twilio.com");
    return is_twilios ? "https://monitor." + api_origin.substr(kApi.size()) : api_origin;
}

}  // namespace

http::ClientRequest fetch_request(const TwilioFetchPlan& plan, const std::string& url,
                                  const SendOptions& options) {
    http::ClientRequest request;
    request.method = "GET";
    request.url = url;
    request.headers = {{"Authorization", plan.account.basic()}, {"Accept", "application/json"}};
    request.total_time = std::chrono::seconds{options.timeout_s};
    request.connect_time = std::min(request.connect_time, request.total_time);
    return request;
}

Result<TwilioFetchPlan> plan_fetch(const TwilioFetchOptions& options, Context& context) {
    TwilioFetchPlan plan;
    Problems problems;
    if (!twilio::is_call_sid_text(options.call_sid))
        problems.add({ErrorCode::usage,
                      "a call is CA and 32 hex digits, not \"" + safe_echo(options.call_sid, 40) + "\"",
                      std::nullopt, "call_sid in the log of serve has it, and the console's call log"});
    plan.account = read_twilio_account(context, options.account, options.send, problems);
    const auto monitor = value_or_variable(options.monitor_url, context, {"CALLCHAIN_TWILIO_MONITOR_URL"});
    plan.monitor_origin = monitor.empty() ? monitor_of(plan.account.origin)
                                          : checked_origin(monitor, "--monitor-url", problems);
    if (!problems.texts.empty()) return tl::unexpected(problems.error(context));
    plan.first = fetch_request(
        plan, twilio::call_url(plan.account.origin, plan.account.sid, options.call_sid), options.send);
    return plan;
}

}  // namespace callchain::cli
