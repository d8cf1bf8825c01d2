#include "base/text.hpp"
#include "commands.hpp"
#include "endpoints_common.hpp"
#include "json_output.hpp"
#include "new_file.hpp"
#include "timeline/from_log.hpp"
#include "twilio_fetch.hpp"

#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

constexpr std::size_t kMostLogBytes = std::size_t{64} << 20U;

// Before anything is asked for: a log that cannot be read need cost no request.
Result<std::vector<timeline::Event>> read_logs(const TwilioFetchOptions& options, Context& context) {
    std::vector<timeline::Event> events;
    for (const auto& path : options.logs) {
        const auto text = CALLCHAIN_TRY(context.read_input(path, kMostLogBytes));
        auto log = timeline::events_of_log(text);
        const auto name = visible_excerpt(path, 200);
        if (log.events.empty())
            context.say("callchain: " + context.command + ": " + name +
                        ": no line of serve or gateway run in it");
        if (log.without_time > 0)
            context.say("callchain: " + context.command + ": " + name + ": " +
                        count_of(log.without_time, "line") + " without a time left out");
        events.insert(events.end(), std::make_move_iterator(log.events.begin()),
                      std::make_move_iterator(log.events.end()));
    }
    return events;
}

int run(const TwilioFetchOptions& options, Context& context) {
    const auto plan = plan_fetch(options, context);
    if (!plan) return context.report_error(plan.error());
    if (options.send.only_shows()) {
        show_fetch_plan(*plan, options, context);
        return kDone;
    }
    auto events = read_logs(options, context);
    if (!events) return context.report_error(events.error());
    std::optional<NewFile> file;
    if (options.save == "-")
        return context.report_error({ErrorCode::usage, "--save takes the name of a new file, and - is none",
                                     std::nullopt, "--json prints the document on standard output"});
    if (!options.save.empty()) {
        auto made = NewFile::make(options.save);
        if (!made) return context.report_error(made.error());
        file.emplace(*std::move(made));
    }
    const auto fetched = fetch_call(*plan, options, context);
    if (!fetched) {
        context.say("callchain: " + context.command + ": interrupted");
        return kInterrupted;
    }
    const bool done = fetched->outcome == twilio::FetchOutcome::done;
    const auto report = done ? report_on(*fetched, *std::move(events)) : FetchReport{};
    if (context.output.json)
        print_document(context, fetch_json(*plan, options, *fetched, report, Numbers::masked));
    if (!done) return report_not_fetched(*fetched, context);
    if (!context.output.json) print_fetched(options, *fetched, report, context);
    if (!file) return kDone;
    if (const auto written = file->write(saved_document(*plan, options, *fetched, report)); !written)
        return context.report_error(written.error());
    context.say("callchain: " + context.command + ": saved " + visible_excerpt(options.save, 200) +
                " (mode 0600): with whole telephone numbers, for callchain bundle --twilio");
    return kDone;
}

void add_credential_options(CLI::App& command, TwilioFetchOptions& options) {
    constexpr const char* kGroup = "How to send";
    constexpr int kLongestTimeout = 600;
    add_twilio_account_options(command, options.account);
    command
        .add_option("--monitor-url", options.monitor_url,
                    "The same of Monitor, which has the alerts; else CALLCHAIN_TWILIO_MONITOR_URL")
        ->type_name("URL")
        ->group(kGroup);
    command.add_option("--timeout", options.send.timeout_s, "Longest wait for each answer")
        ->check(CLI::Range(1, kLongestTimeout))
        ->capture_default_str()
        ->type_name("SECONDS")
        ->group(kGroup);
    add_send_options(command, options.send);
}

}  // namespace

void add_twilio_fetch(CLI::App& twilio, Context& context) {
    auto options = std::make_shared<TwilioFetchOptions>();
    auto* command = twilio.add_subcommand(
        "fetch", "What became of a call: all that Twilio keeps of it, joined with our own log");
    command->add_option("call_sid", options->call_sid, "The call, CA…")->required()->type_name("CALL_SID");
    command
        ->add_option("--log", options->logs, "Log of serve or gateway run, JSON lines or Railway's; to join")
        ->allow_extra_args(false)
        ->type_name("FILE");
    command
        ->add_option("--save", options->save,
                     "Keep all that was fetched in a new file (mode 0600), with whole telephone numbers")
        ->type_name("FILE");
    command->add_flag("--wait", options->wait,
                      "Ask again for up to 15 s where a call that ended just now has no notifications yet");
    add_credential_options(*command, *options);
    add_common_options(*command, context);
    set_footer(
        *command,
        "Reads the call, its legs, notifications, webhooks and alerts, and changes nothing. A part that "
        "cannot "
        "be had\nis named, and the rest is shown. Telephone numbers are cut to their last four digits.\n"
        "Exit codes: 0 the call could be had, whatever became of it, 2 usage, or a file that cannot be read "
        "or "
        "written,\n4 account, key or token refused, 5 Twilio answered with an error: not in this region or "
        "account, 6 network failure\nor timeout.",
        {"callchain twilio fetch CA00000000000000000000000000000001 --account-sid "
         "AC00000000000000000000000000000001 --dry-run",
         "callchain twilio fetch CA00000000000000000000000000000001 --account-sid "
         "AC00000000000000000000000000000001 --region ie1 --edge dublin --print-curl"});
    set_body(*command, context, [options, &context] { return run(*options, context); });
}

}  // namespace callchain::cli
