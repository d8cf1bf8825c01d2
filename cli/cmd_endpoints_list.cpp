#include "base/internet_time.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/endpoint_diagnosis.hpp"
#include "diagnosis/render.hpp"
#include "endpoints_commands.hpp"
#include "endpoints_common.hpp"
#include "json_output.hpp"
#include "own_hosts.hpp"
#include "secrets.hpp"
#include "signature/twilio_url.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using diagnosis::EndpointView;
using openai::WebhookEndpoint;

constexpr std::size_t kMostShown = 300;

struct ListOptions : ApiOptions {
    SecretSources secrets;
    std::vector<std::string> fail_on;
};

struct ListPlan {
    EndpointPlan first;
    diagnosis::EndpointMaterial material;  // without endpoints yet
};

/// What came of asking for one page behind the other.
struct Listing {
    openai::EndpointListing got;
    EndpointReply last;
    std::size_t asked = 0;  ///< pages, the last of them answered otherwise perhaps
    std::chrono::milliseconds duration{};
};

Result<ListPlan> plan_list(const ListOptions& options, Context& context) {
    Problems problems;
    for (const auto& code : options.fail_on) {
        if (diagnosis::find_entry(code) == nullptr)
            problems.add({ErrorCode::usage,
                          "--fail-on: there is no finding code \"" + safe_excerpt(code, 60) + "\"",
                          std::nullopt,
                          "callchain explain --list has them; those of this command begin with endpoint_"});
    }
    ListPlan plan;
    plan.first.access = read_api_access(context, options, problems);
    const auto url = openai::endpoints_url(plan.first.access.base_url, "");
    check_api_url(url, problems);
    auto secrets = read_secrets(context, options.secrets, "OPENAI_WEBHOOK_SECRET");
    if (secrets)
        plan.material.secrets = *std::move(secrets);
    else
        problems.add(secrets.error());
    if (!problems.texts.empty()) return tl::unexpected(problems.error(context));
    plan.first.request = endpoint_request(*url, plan.first.access, "", options.send);
    plan.material.own_hosts = own_hosts(context);
    return plan;
}

std::optional<Listing> fetch(const ListPlan& plan, const ListOptions& options) {
    http::Client client(client_options(options.send));
    Listing listing;
    auto request = plan.first.request;
    while (true) {
        http::Loop loop;
        auto reply = ask(client, loop, request, openai::EndpointRequest::list, [] { return true; });
        if (!reply) return std::nullopt;
        listing.last = *std::move(reply);
        listing.duration += listing.last.duration;
        ++listing.asked;
        if (listing.last.outcome != openai::EndpointOutcome::done) return listing;
        const auto next = listing.got.add(listing.last.body);
        if (!next) {
            refuse_body(listing.last, next.error());
            return listing;
        }
        if (next->empty()) return listing;
        request.url = openai::endpoints_url(plan.first.access.base_url, *next).value_or(request.url);
    }
}

std::string time_in_words(const std::optional<std::chrono::sys_seconds>& time) {
    return time ? write_rfc3339(*time, TimePrecision::seconds) : std::string();
}

// Text

std::string fit_in_words(const diagnosis::SecretFit& fit) {
    const auto label = "\"" + fit.label + "\"";
    const auto compared = " (compared: " + fit.comparison.compared + ")";
    switch (fit.comparison.fit) {
        case openai::HintFit::fits:
            return label + " fits" + compared;
        case openai::HintFit::differs:
            return label + " does not fit" + compared;
        case openai::HintFit::too_little:
            return label + ": too little to tell" + compared;
        case openai::HintFit::no_hint:
            break;
    }
    return label + ": no hint to compare with";
}

void print_lines(const std::string& name, const std::vector<std::string>& values, Context& context) {
    constexpr std::size_t kColumn = 10;
    for (std::size_t i = 0; i < values.size(); ++i)
        context.out << "  "
                    << (i == 0 ? name + std::string(kColumn - name.size(), ' ') : std::string(kColumn, ' '))
                    << values[i] << "\n";
}

void print_endpoint(const WebhookEndpoint& endpoint, const EndpointView& view, Context& context) {
    context.out << safe_excerpt(endpoint.id, kMostShown);
    if (!endpoint.name.empty()) context.out << "  " << safe_excerpt(endpoint.name, kMostShown);
    context.out << "\n";
    const auto url =
        endpoint.url.empty() ? "none" : safe_excerpt(signature::show_url(endpoint.url), kMostShown);
    print_lines("url", {url + (view.is_here.value_or(false) ? "  (this server)" : "")}, context);
    std::string events;
    for (const auto& type : endpoint.event_types)
        events += (events.empty() ? "" : ", ") + safe_excerpt(type, kMostShown);
    print_lines("events", {events.empty() ? "none" : events}, context);
    if (endpoint.created_at) print_lines("created", {time_in_words(endpoint.created_at)}, context);
    if (endpoint.updated_at) print_lines("updated", {time_in_words(endpoint.updated_at)}, context);
    print_lines("hint", {endpoint.secret_hint.empty() ? "none" : openai::show_hint(endpoint.secret_hint)},
                context);
    std::vector<std::string> fits;
    for (const auto& fit : view.fits) fits.push_back(fit_in_words(fit));
    print_lines("secret", fits.empty() ? std::vector<std::string>{"none was given to compare"} : fits,
                context);
    context.out << "\n";
}

void print_finding(const diagnosis::Finding& finding, Context& context) {
    context.out << diagnosis::paint("warning", diagnosis::Paint::yellow, context.colour_of_out()) << ": "
                << finding.code << ": " << visible(finding.detail) << "\n";
    if (const auto* entry = diagnosis::find_entry(finding.code); entry != nullptr && !entry->fix.empty())
        context.out << "  fix: " << entry->fix << "\n";
    context.out << "  more: callchain explain " << finding.code << "\n";
}

void print_text(const Listing& listing, const diagnosis::EndpointReport& report, Context& context) {
    for (std::size_t i = 0; i < listing.got.endpoints.size(); ++i)
        print_endpoint(listing.got.endpoints[i], report.views[i], context);
    const auto subscribed = std::count_if(report.views.begin(), report.views.end(),
                                          [](const auto& view) { return view.announces_calls; });
    context.out << count_of(listing.got.endpoints.size(), "endpoint") << ", " << subscribed
                << " subscribed to call events\n";
    for (const auto& finding : report.findings) print_finding(finding, context);
}

// JSON

Json endpoint_json(const WebhookEndpoint& endpoint, const EndpointView& view) {
    Json types = Json::array();
    for (const auto& type : endpoint.event_types) types.push_back(safe_excerpt(type, kMostShown));
    Json fits = Json::array();
    for (const auto& fit : view.fits)
        fits.push_back({{"label", fit.label},
                        {"result", std::string(openai::name_of(fit.comparison.fit))},
                        {"compared", text_or_null(fit.comparison.compared)}});
    return {{"id", safe_excerpt(endpoint.id, kMostShown)},
            {"name", safe_excerpt(endpoint.name, kMostShown)},
            {"url", safe_excerpt(signature::show_url(endpoint.url), kMostShown)},
            {"event_types", std::move(types)},
            {"announces_calls", view.announces_calls},
            {"created_at", text_or_null(time_in_words(endpoint.created_at))},
            {"updated_at", text_or_null(time_in_words(endpoint.updated_at))},
            {"secret_hint",
             endpoint.secret_hint.empty() ? Json(nullptr) : Json(openai::show_hint(endpoint.secret_hint))},
            {"is_this_server", view.is_here ? Json(*view.is_here) : Json(nullptr)},
            {"secrets", std::move(fits)}};
}

Json secret_json(const signature::LabelledSecret& secret) {
    const auto summary = diagnosis::summarize_secret(secret);
    return {{"label", summary.label},
            {"length", summary.characters},
            {"mask", text_or_null(summary.mask)},
            {"fingerprint", text_or_null(summary.fingerprint)}};
}

Json document_of(const ListPlan& plan, const Listing& listing, const diagnosis::EndpointReport& report,
                 const ListOptions& options) {
    auto document = endpoint_document("list", plan.first, options.send);
    document["sent"] = !listing.last.answer.nothing_was_sent;
    add_reply(document, listing.last);
    document["duration_ms"] = listing.duration.count();
    document["pages"] = listing.asked;
    document["complete"] = plan.material.complete;
    document["own_hosts"] = plan.material.own_hosts;
    document["secrets"] = Json::array();
    for (const auto& secret : plan.material.secrets) document["secrets"].push_back(secret_json(secret));
    document["endpoints"] = Json::array();
    for (std::size_t i = 0; i < report.views.size(); ++i)
        document["endpoints"].push_back(endpoint_json(listing.got.endpoints[i], report.views[i]));
    document["findings"] = Json::array();
    for (const auto& finding : report.findings)
        document["findings"].push_back(diagnosis::finding_json(finding));
    return document;
}

// Exit

int exit_code_of(const diagnosis::EndpointReport& report, const ListOptions& options,
                 const Context& context) {
    for (const auto& finding : report.findings) {
        if (std::find(options.fail_on.begin(), options.fail_on.end(), finding.code) == options.fail_on.end())
            continue;
        if (!context.output.json)
            context.say("callchain: " + context.command + ": exit code 1 because of --fail-on " +
                        finding.code);
        return kNo;
    }
    return kDone;
}

int run(const ListOptions& options, Context& context) {
    auto plan = plan_list(options, context);
    if (!plan) return context.report_error(plan.error());
    if (options.send.only_shows())
        return show_endpoint_plan(context, options.send, plan->first,
                                  endpoint_document("list", plan->first, options.send));
    auto listing = fetch(*plan, options);
    if (!listing) {
        context.say("callchain: " + context.command + ": interrupted");
        return kInterrupted;
    }
    // Half a list would say that nobody is subscribed.
    const bool done = listing->last.outcome == openai::EndpointOutcome::done;
    if (!done) listing->got.endpoints.clear();
    plan->material.endpoints = listing->got.endpoints;
    plan->material.complete = done && listing->got.complete;
    const auto report = diagnosis::judge_endpoints(plan->material);
    if (context.output.json) print_document(context, document_of(*plan, *listing, report, options));
    if (!done) return report_reply(context, listing->last);
    if (!context.output.json) print_text(*listing, report, context);
    if (!listing->got.complete)
        context.say("callchain: " + context.command + ": the project has more than " +
                    count_of(listing->got.endpoints.size(), "endpoint") + "; the others were not asked for");
    return exit_code_of(report, options, context);
}

}  // namespace

void add_endpoints_list(CLI::App& endpoints, Context& context) {
    auto options = std::make_shared<ListOptions>();
    auto* command =
        endpoints.add_subcommand("list", "List the endpoints of the project, and whose secret is ours");
    add_secret_options(*command, "secret", "a webhook secret, or a list of them; else OPENAI_WEBHOOK_SECRET",
                       options->secrets);
    command->add_option("--fail-on", options->fail_on, "Exit 1 where one of these findings is made")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("CODE,…");
    add_api_options(*command, *options, "Longest wait for the answer to one page");
    add_common_options(*command, context);
    set_footer(
        *command,
        "OpenAI shows a masked hint of each secret; what is visible of it is held against the secrets "
        "given here, and\nthe output says which characters those were. This server is the host of "
        "CALLCHAIN_PUBLIC_URL or\nRAILWAY_PUBLIC_DOMAIN. Warnings do not change the exit code; --fail-on "
        "does.\n"
        "Exit codes: 0 listed, 1 a code of --fail-on was found, 2 usage, 4 key refused, 5 OpenAI "
        "answered with an\nerror, 6 network failure or timeout.",
        {"callchain endpoints list --dry-run", "callchain endpoints list --print-curl"});
    set_body(*command, context, [options, &context] { return run(*options, context); });
}

}  // namespace callchain::cli
