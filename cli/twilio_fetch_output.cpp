#include "base/internet_time.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "diagnosis/render.hpp"
#include "endpoints_common.hpp"
#include "evidence/mask.hpp"
#include "json_output.hpp"
#include "signature/twilio_url.hpp"
#include "timeline/from_twilio.hpp"
#include "twilio_fetch.hpp"
#include "webhook/capture_summary.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using diagnosis::Paint;
using twilio::FetchOutcome;

constexpr std::size_t kMostShown = 300;
constexpr std::size_t kWidth = 100;

std::string shown(std::string_view text, Numbers numbers) {
    return safe_excerpt(
        numbers == Numbers::masked ? webhook::mask_telephone_numbers(text) : std::string(text), kMostShown);
}

Json time_or_null(const std::optional<InternetTime>& time) {
    if (!time) return nullptr;
    return write_rfc3339(*time, TimePrecision::seconds);
}

Json call_json(const twilio::CallResource& call, Numbers numbers) {
    return {{"sid", call.sid},
            {"parent_sid", text_or_null(shown(call.parent_sid, numbers))},
            {"status", shown(call.status, numbers)},
            {"direction", shown(call.direction, numbers)},
            {"from", shown(call.from, numbers)},
            {"to", shown(call.to, numbers)},
            {"created_at", time_or_null(call.created_at)},
            {"started_at", time_or_null(call.started_at)},
            {"ended_at", time_or_null(call.ended_at)},
            {"duration_s", call.duration ? Json(call.duration->count()) : Json(nullptr)}};
}

Json notice_json(const twilio::CallNotice& notice, Numbers numbers) {
    return {{"sid", notice.sid},
            {"call_sid", shown(notice.call_sid, numbers)},
            {"from", notice.is_alert ? "alerts" : "notifications"},
            {"error_code", notice.code},
            {"level", std::string(twilio::level_name(notice.level))},
            {"at", time_or_null(notice.at)},
            {"text", shown(notice.text(), numbers)},
            {"request_method", text_or_null(shown(notice.request_method, numbers))},
            {"request_url", text_or_null(shown(signature::show_url(notice.request_url), numbers))}};
}

Json exchange_json(const twilio::WebhookExchange& exchange, Numbers numbers) {
    return {{"call_sid", exchange.call_sid},
            {"at", time_or_null(exchange.at)},
            {"method", shown(exchange.method, numbers)},
            {"url", shown(signature::show_url(exchange.url), numbers)},
            {"status", exchange.status == 0 ? Json(nullptr) : Json(exchange.status)},
            {"duration_ms", ms_or_null(exchange.duration)},
            {"content_type", text_or_null(shown(exchange.content_type, numbers))}};
}

Json code_json(const diagnosis::ShownCode& code) {
    return {{"kind", code.kind == diagnosis::ShownCode::Kind::dial ? "dial" : "twilio_error"},
            {"explain", text_or_null(code.explain)},
            {"title", code.title},
            {"detail", text_or_null(code.detail)},
            {"fix", text_or_null(code.fix)},
            {"level", code.is_warning ? "warning" : "error"},
            {"times", code.times}};
}

Json missing_json(const MissingPart& part) {
    return {{"what", part.what},
            {"call_sid", text_or_null(part.call_sid)},
            {"code", text_or_null(twilio::code_of(part.outcome))},
            {"status", part.status == 0 ? Json(nullptr) : Json(part.status)},
            {"why", part.why}};
}

template <class T, class Make>
Json list_json(const std::vector<T>& items, const Make& make) {
    Json list = Json::array();
    for (const auto& item : items) list.push_back(make(item));
    return list;
}

int exit_code_of(FetchOutcome outcome) {
    switch (outcome) {
        case FetchOutcome::done:
            return kDone;
        case FetchOutcome::credential_refused:
        case FetchOutcome::permission_missing:
            return kRefused;
        case FetchOutcome::network_failure:
            return kNetwork;
        case FetchOutcome::not_found:
        case FetchOutcome::rate_limited:
        case FetchOutcome::request_refused:
        case FetchOutcome::server_error:
        case FetchOutcome::unexpected_answer:
            break;
    }
    return kPeerError;
}

// The user part stays in front of the variable for the secret.
std::string curl_of(const TwilioFetchPlan& plan) {
    auto request = plan.first;
    std::erase_if(request.headers, [](const auto& header) { return header.name == "Authorization"; });
    return http::curl_command(request, plan.account.secret_variable) + plan.account.curl_option();
}

bool has_sid(const timeline::Timeline& call, const std::string& sid) {
    return std::any_of(call.events.begin(), call.events.end(), [&](const auto& event) {
        return std::find(event.ids.begin(), event.ids.end(), timeline::Id{"call_sid", sid}) !=
               event.ids.end();
    });
}

std::string title_of(const diagnosis::ShownCode& code) {
    auto title = code.explain + " " + code.title;
    if (code.times > 1) title += " (" + std::to_string(code.times) + " times)";
    return code.detail.empty() ? title : title + ": " + code.detail;
}

Paint paint_of(diagnosis::CallFate fate) {
    if (fate == diagnosis::CallFate::connected) return Paint::green;
    return fate == diagnosis::CallFate::failed || fate == diagnosis::CallFate::not_connected ? Paint::red
                                                                                             : Paint::yellow;
}

void print_verdict(const TwilioFetchOptions& options, const FetchReport& report, Context& context) {
    const auto& verdict = report.verdict;
    const auto fate = replace_all(diagnosis::name_of(verdict.fate), "_", " ");
    context.out << diagnosis::paint(fate, paint_of(verdict.fate), context.colour_of_out()) << ": "
                << wrap_text(verdict.sentence, kWidth - fate.size() - 2, "  ") << "\n";
    const bool is_wrong = verdict.fate == diagnosis::CallFate::failed;
    if (!verdict.fix.empty())
        context.out << (is_wrong ? "  fix: " : "  next: ") << wrap_text(verdict.fix, kWidth - 8, "       ")
                    << "\n";
    if (!verdict.explain.empty()) context.out << "  more: callchain explain " << verdict.explain << "\n";
    context.out << "\n" << options.call_sid << "\n";
}

void print_missing(const Fetched& fetched, Context& context) {
    if (fetched.missing.empty()) return;
    context.out << "\nnot to be had\n";
    for (const auto& part : fetched.missing) {
        context.out << "  " << part.what << (part.call_sid.empty() ? "" : " of " + visible(part.call_sid))
                    << ": ";
        const auto code = twilio::code_of(part.outcome);
        if (!code.empty()) context.out << code << ": " << twilio::meaning_of(part.outcome) << " ";
        context.out << (code.empty() ? visible(part.why) : "(" + visible(part.why) + ")") << "\n";
    }
}

Json document_of(const TwilioFetchPlan& plan, const TwilioFetchOptions& options, const Fetched& fetched,
                 Numbers numbers) {
    auto document = fetch_plan_json(plan, options);
    document["sent"] = !fetched.nothing_was_sent;
    document["outcome"] = std::string(twilio::name_of(fetched.outcome));
    document["code"] = text_or_null(twilio::code_of(fetched.outcome));
    document["meaning"] = std::string(twilio::meaning_of(fetched.outcome));
    document["status"] = fetched.status == 0 ? Json(nullptr) : Json(fetched.status);
    document["error"] = nullptr;
    if (fetched.error.code != 0 || !fetched.error.message.empty())
        document["error"] = {{"code", fetched.error.code},
                             {"message", shown(fetched.error.message, numbers)}};
    document["failure"] = text_or_null(fetched.failure);
    document["requests"] = fetched.requests;
    document["tries"] = fetched.tries;
    document["duration_ms"] = fetched.duration.count();
    return document;
}

}  // namespace

FetchReport report_on(const Fetched& fetched, std::vector<timeline::Event> of_logs) {
    FetchReport report;
    report.verdict = diagnosis::judge_call(fetched.file);
    auto events = timeline::events_of_call(fetched.file);
    events.insert(events.end(), std::make_move_iterator(of_logs.begin()),
                  std::make_move_iterator(of_logs.end()));
    for (auto& call : timeline::join_calls(std::move(events))) {
        if (has_sid(call, fetched.file.call.sid))
            report.timeline = std::move(call);
        else if (!call.ids.empty())
            ++report.other_calls;
    }
    // The dial is what the verdict says already.
    for (const auto& code : report.verdict.codes)
        if (code.kind != diagnosis::ShownCode::Kind::dial)
            report.timeline.findings.push_back({code.explain, title_of(code), code.fix});
    return report;
}

Json fetch_plan_json(const TwilioFetchPlan& plan, const TwilioFetchOptions& options) {
    Json document{
        {"schema", "callchain.twilio-fetch/1"},
        {"tool_version", CALLCHAIN_VERSION},
        {"call_sid", options.call_sid},
        {"sent", false},
        {"request", request_json(plan.first, options.send.only_shows(), "$" + plan.account.secret_variable)}};
    if (options.send.only_shows()) document["curl"] = curl_of(plan);
    return document;
}

Json fetch_json(const TwilioFetchPlan& plan, const TwilioFetchOptions& options, const Fetched& fetched,
                const FetchReport& report, Numbers numbers) {
    auto document = document_of(plan, options, fetched, numbers);
    if (fetched.outcome != FetchOutcome::done) return document;
    const auto& verdict = report.verdict;
    document["numbers"] = numbers == Numbers::masked ? "masked" : "whole";
    document["verdict"] = {{"fate", std::string(diagnosis::name_of(verdict.fate))},
                           {"text", verdict.sentence},
                           {"fix", text_or_null(verdict.fix)},
                           {"explain", text_or_null(verdict.explain)}};
    document["findings"] = list_json(verdict.codes, code_json);
    document["call"] = call_json(fetched.file.call, numbers);
    document["legs"] = list_json(fetched.file.legs, [=](const auto& leg) { return call_json(leg, numbers); });
    document["notices"] =
        list_json(fetched.file.notices, [=](const auto& notice) { return notice_json(notice, numbers); });
    document["webhooks"] =
        list_json(fetched.file.exchanges, [=](const auto& one) { return exchange_json(one, numbers); });
    document["missing"] = list_json(fetched.missing, missing_json);
    document["timeline"] = read_json(timeline::to_json({report.timeline}, CALLCHAIN_VERSION));
    return document;
}

std::string saved_document(const TwilioFetchPlan& plan, const TwilioFetchOptions& options,
                           const Fetched& fetched, const FetchReport& report) {
    auto document = fetch_json(plan, options, fetched, report, Numbers::whole);
    document["remark"] =
        "Nothing but credentials is withheld: telephone numbers and whole requests and answers stand in it. "
        "callchain bundle makes an archive that can be given away.";
    Json resources = Json::array();
    for (const auto& resource : fetched.resources) {
        resources.push_back({{"what", resource.what},
                             {"call_sid", text_or_null(resource.call_sid)},
                             {"url", resource.url},
                             {"body", read_json(resource.body)}});
    }
    document["resources"] = std::move(resources);
    const auto text = json_document(document) + "\n";
    signature::LabelledSecret own;
    own.label = plan.account.secret_variable;
    own.text = plan.account.secret;
    evidence::Tally ignored;
    return evidence::Masker({&own, 1}, {}).withhold(text, ignored);
}

void print_fetched(const TwilioFetchOptions& options, const Fetched& fetched, const FetchReport& report,
                   Context& context) {
    print_verdict(options, report, context);
    context.out << timeline::to_text(report.timeline, kWidth);
    print_missing(fetched, context);
    if (report.other_calls > 0)
        context.say("callchain: " + context.command + ": the logs have " +
                    count_of(report.other_calls, "other call") + ", which " +
                    (report.other_calls == 1 ? "is" : "are") + " left out");
}

void show_fetch_plan(const TwilioFetchPlan& plan, const TwilioFetchOptions& options, Context& context) {
    if (context.output.json)
        print_document(context, fetch_plan_json(plan, options));
    else if (options.send.print_curl)
        context.out << curl_of(plan) << "\n";
    else
        show_request(context, plan.first, plan.account.shown() + " (base64)");
}

int report_not_fetched(const Fetched& fetched, const Context& context) {
    const std::string code(twilio::code_of(fetched.outcome));
    auto message = code + ": " + std::string(twilio::meaning_of(fetched.outcome));
    std::vector<std::string> parts;
    if (fetched.status != 0) parts.push_back(std::to_string(fetched.status));
    if (fetched.error.code != 0) parts.push_back("Twilio's code " + std::to_string(fetched.error.code));
    if (!fetched.error.message.empty())
        parts.push_back(webhook::mask_telephone_numbers(fetched.error.message));
    if (!fetched.failure.empty()) parts.push_back(fetched.failure);
    if (!parts.empty()) message += " (" + join(parts, ", ") + ")";
    return context.report_failure(exit_code_of(fetched.outcome), message, hint_of_code(code));
}

}  // namespace callchain::cli
