/// The parts of `twilio fetch`: what is asked, the asking, and what is printed.
#pragma once

#include "call_commands.hpp"
#include "context.hpp"
#include "diagnosis/call_post_mortem.hpp"
#include "http/client.hpp"
#include "timeline/timeline.hpp"
#include "twilio/call_resources.hpp"
#include "twilio_account.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace callchain::cli {

struct TwilioFetchOptions {
    std::string call_sid;
    TwilioAccountOptions account;
    std::string monitor_url;
    std::vector<std::string> logs;
    std::string save;
    bool wait = false;
    SendOptions send;
};

struct TwilioFetchPlan {
    TwilioAccount account;
    std::string monitor_origin;
    http::ClientRequest first;  ///< the call itself
};
/// Errors: usage, all problems at once.
[[nodiscard]] Result<TwilioFetchPlan> plan_fetch(const TwilioFetchOptions& options, Context& context);
[[nodiscard]] http::ClientRequest fetch_request(const TwilioFetchPlan& plan, const std::string& url,
                                                const SendOptions& options);

/// An answer as it came, for --save.
struct FetchedResource {
    std::string what;      ///< "call", "notifications", …
    std::string call_sid;  ///< of the call that it is about; empty for the account's alerts
    std::string url;
    std::string body;
};
/// What could not be had, and why.
struct MissingPart {
    std::string what;
    std::string call_sid;
    twilio::FetchOutcome outcome = twilio::FetchOutcome::done;  ///< done: not asked for, see `why`
    int status = 0;
    std::string why;
};
struct Fetched {
    twilio::FetchOutcome outcome = twilio::FetchOutcome::network_failure;  ///< of the call itself
    int status = 0;
    twilio::FetchError error;
    std::string failure;
    bool nothing_was_sent = false;
    twilio::CallFile file;
    std::vector<FetchedResource> resources;
    std::vector<MissingPart> missing;
    std::size_t requests = 0;
    int tries = 1;
    std::chrono::milliseconds duration{};
};
/// Asks for everything, one request behind the other. nullopt: interrupted.
[[nodiscard]] std::optional<Fetched> fetch_call(const TwilioFetchPlan& plan,
                                                const TwilioFetchOptions& options, Context& context);

/// What is said of a call that could be had.
struct FetchReport {
    diagnosis::PostMortem verdict;
    timeline::Timeline timeline;
    std::size_t other_calls = 0;  ///< in the logs
};
[[nodiscard]] FetchReport report_on(const Fetched& fetched, std::vector<timeline::Event> of_logs);

[[nodiscard]] nlohmann::ordered_json fetch_plan_json(const TwilioFetchPlan& plan,
                                                     const TwilioFetchOptions& options);
enum class Numbers { masked, whole };
/// The document callchain.twilio-fetch/1.
[[nodiscard]] nlohmann::ordered_json fetch_json(const TwilioFetchPlan& plan,
                                                const TwilioFetchOptions& options, const Fetched& fetched,
                                                const FetchReport& report, Numbers numbers);
/// What --save keeps: the same, with the answers as they came, and without credentials.
[[nodiscard]] std::string saved_document(const TwilioFetchPlan& plan, const TwilioFetchOptions& options,
                                         const Fetched& fetched, const FetchReport& report);
void print_fetched(const TwilioFetchOptions& options, const Fetched& fetched, const FetchReport& report,
                   Context& context);
void show_fetch_plan(const TwilioFetchPlan& plan, const TwilioFetchOptions& options, Context& context);
/// Prints why the call could not be had, and returns the exit code.
int report_not_fetched(const Fetched& fetched, const Context& context);

}  // namespace callchain::cli
