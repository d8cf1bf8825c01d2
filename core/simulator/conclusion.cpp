#include "simulator/conclusion.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace callchain::simulator {
namespace {

using Json = nlohmann::json;

constexpr int kKilled = 128;             // and above: by a signal
constexpr int kFirstTwilioSip = 32'000;  // from here to 32,999: SIP, our own side of Twilio
constexpr int kFirstTwilioHttp = 11'200;
constexpr int kLastTwilioHttp = 11'999;

std::string member(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (!object.is_object() || found == object.end()) return {};
    return found->is_string() ? found->get<std::string>() : found->is_null() ? std::string() : found->dump();
}

std::string seconds_text(std::chrono::milliseconds time) {
    if (time < std::chrono::seconds(1)) return std::to_string(time.count()) + " ms";
    const auto tenths = (time.count() + 50) / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

/// The last line of that message about the call, by whichever of the ids it has.
std::optional<Json> find_line(const std::vector<std::string>& log, std::string_view message,
                              const std::vector<std::pair<std::string, std::string>>& ids) {
    for (auto line = log.rbegin(); line != log.rend(); ++line) {
        auto json = Json::parse(*line, nullptr, false);
        if (!json.is_object() || member(json, "message") != message) continue;
        const bool is_of_call = std::any_of(ids.begin(), ids.end(), [&json](const auto& id) {
            return !id.second.empty() && member(json, id.first.c_str()) == id.second;
        });
        if (ids.empty() || is_of_call) return json;
    }
    return std::nullopt;
}

std::string id_of(const CallResult& call, const char* name) {
    const auto found = call.timeline.ids.find(name);
    return found == call.timeline.ids.end() ? std::string() : found->second;
}

/// One search for a cause, with what it needs.
class Search {
  public:
    Search(const ChainResult& result, const CallResult& call, const std::vector<std::string>& secrets,
           const RunCommand& run)
        : result_(result), call_(call), secrets_(secrets), run_(run) {}

    [[nodiscard]] Conclusion go() {
        for (const auto step :
             {&Search::lost_bye, &Search::gateway_verdict, &Search::gateway_admission, &Search::gateway_check,
              &Search::foreign_document, &Search::refused_webhook, &Search::late_webhook, &Search::accept,
              &Search::twilio_error, &Search::silent_model}) {
            if (auto found = (this->*step)()) {
                found->caller = heard_by_caller(call_);
                return *found;
            }
        }
        return {.caller = heard_by_caller(call_),
                .component = "the chain",
                .cause = "nothing in the logs explains it",
                .fix = "Read the timeline, and the logs in " + result_.evidence.folder + "."};
    }

  private:
    // A BYE came to a process that does not have the call. First: what the others say of the rest of the call
    // follows from it.
    std::optional<Conclusion> lost_bye() {
        const auto untold = call_.untold();
        if (!untold) return std::nullopt;
        const bool was_twilio = untold->side == timeline::Party::whatsapp;
        const auto id = id_of(call_, was_twilio ? "call_id_twilio" : "call_id_meta");
        const auto is_told_in = [&id](const std::vector<std::string>& log) {
            return find_line(log, "a request of a call that is not here", {{"sip_call_id", id}}).has_value();
        };
        const bool in_second = is_told_in(result_.evidence.second_gateway_log);
        const bool is_known = in_second || is_told_in(result_.evidence.gateway_log);
        const std::string log = in_second ? "gateway-2.log" : "gateway.log";
        const bool is_answered = untold->bye_status != 0;
        std::string cause = was_twilio ? "Twilio's BYE " : "WhatsApp's BYE ";
        cause += is_answered ? "was answered " + std::to_string(untold->bye_status) : "was not answered";
        if (is_known) cause += " by a gateway that does not have the call (" + log + ")";
        cause += std::string(", and ") + (was_twilio ? "WhatsApp" : "Twilio") + "'s side was not told ";
        cause += untold->time ? "for " + seconds_text(*untold->time) : "at all";
        return Conclusion{
            .component = in_second ? "gateway, a second replica" : "gateway, the BYE of a call",
            .cause = std::move(cause),
            .fix = std::string(is_known ? "Run exactly one replica, and let no second deployment overlap it: "
                                        : "See in the logs which gateway ran at that time, if any: ") +
                   "callchain does not share calls between processes.",
            .code = is_answered ? "sip " + std::to_string(untold->bye_status) : std::string(),
            .command = is_known      ? "grep 'not here' " + log
                       : is_answered ? "callchain explain sip " + std::to_string(untold->bye_status)
                                     : "grep 'call summary' gateway.log"};
    }

    // What the gateway says of the call: it refused the offer, or Twilio's domain refused it.
    std::optional<Conclusion> gateway_verdict() {
        const auto summary = find_line(result_.evidence.gateway_log, "call summary",
                                       {{"call_id_meta", id_of(call_, "call_id_meta")}});
        if (!summary) return std::nullopt;
        const auto code = member(*summary, "code");
        const auto twilio = parse_decimal(member(*summary, "twilio_error")).value_or(0);
        if (!code.empty() && call_.meta && !call_.meta->answered) {
            auto found = explained({code}, "codes");
            if (!found) return std::nullopt;
            found->component = "gateway, the offer of WhatsApp";
            found->cause = member(*summary, "why");
            if (auto remedy = member(*summary, "remedy"); !remedy.empty()) found->fix = std::move(remedy);
            return found;
        }
        if (twilio >= kFirstTwilioSip) {
            auto found = explained({std::to_string(twilio)}, "twilio");
            if (found) found->component = "Twilio, the SIP Domain";
            return found;
        }
        const auto silence = member(*summary, "silence");
        if (silence.empty()) return std::nullopt;
        return Conclusion{
            .component = "the media, past the gateway",
            .cause = silence,
            .fix =
                "Media goes between Meta and Twilio: let the side that answers send first, and see "
                "that both reach each other by UDP.",
            .code = "silence",
            .command = "grep 'call summary' gateway.log"};
    }

    // A call that was not let in has no summary.
    std::optional<Conclusion> gateway_admission() {
        if (!call_.meta || call_.meta->answered || call_.meta->status != 403) return std::nullopt;
        const auto line = find_line(result_.evidence.gateway_log, "a call was not let in",
                                    {{"sip_call_id", id_of(call_, "call_id_meta")}});
        if (!line) return std::nullopt;
        return Conclusion{
            .component = "gateway, who may call",
            .cause = member(*line, "why"),
            .fix =
                "Set META_SIP_PASSWORD to the sip_user_password that Meta's settings API gives for "
                "this number and application, and META_SIP_USERNAME to its digits.",
            .code = "sip 403",
            .command = "grep 'not let in' gateway.log"};
    }

    // The call never arrived: what would Meta see of the gateway?
    std::optional<Conclusion> gateway_check() {
        if (!call_.meta || call_.meta->answered || !id_of(call_, "callchain_id").empty()) return std::nullopt;
        const auto finished = run_({"gateway", "check", "--json"}, result_.evidence.gateway_environment);
        if (!finished) return std::nullopt;
        const auto json = Json::parse(finished->output, nullptr, false);
        if (!json.is_object() || !json.contains("checks")) return std::nullopt;
        for (const auto& check : json["checks"]) {
            if (member(check, "result") != "fail") continue;
            return Conclusion{.component = "gateway, " + member(check, "name"),
                              .cause = member(check, "sentence"),
                              .fix = member(check, "remedy"),
                              .code = member(check, "name"),
                              .command = "callchain gateway check",
                              .exit_code = finished->code};
        }
        return std::nullopt;
    }

    // Whoever answered Twilio was not serve: its document is judged.
    std::optional<Conclusion> foreign_document() {
        if (result_.evidence.voice_document.empty()) return std::nullopt;
        const auto finished = run_({"twiml", "lint", "voice.twiml", "--json"}, {});
        if (!finished) return std::nullopt;
        const auto json = Json::parse(finished->output, nullptr, false);
        if (!json.is_object() || !json.contains("findings") || json["findings"].empty()) return std::nullopt;
        auto found = of_finding(json["findings"][0]);
        found.component = "the voice URL's TwiML" + twilio_says();
        found.command = "callchain twiml lint voice.twiml";
        found.exit_code = finished->code;
        return found;
    }

    // Every delivery was refused: why is computed from the record lines of the log.
    std::optional<Conclusion> refused_webhook() {
        const bool refused =
            call_.openai && !call_.openai->accepted &&
            std::any_of(call_.openai->webhook_statuses.begin(), call_.openai->webhook_statuses.end(),
                        [](int status) { return status == 401; });
        if (!refused) return std::nullopt;
        std::vector<std::string> arguments{"verify-sig", "--log", "serve.log"};
        for (const auto& secret : secrets_) {
            arguments.emplace_back("--secret-file");
            arguments.push_back(secret);
        }
        const auto command = "callchain " + join(arguments, " ");
        arguments.emplace_back("--json");
        const auto finished = run_(arguments, {});
        if (!finished) return std::nullopt;
        const auto json = Json::parse(finished->output, nullptr, false);
        if (!json.is_object() || !json.contains("findings")) return std::nullopt;
        const Json* best = nullptr;
        for (const auto& finding : json["findings"])
            if (best == nullptr || (finding.value("proved", false) && !best->value("proved", false)))
                best = &finding;
        if (best == nullptr) return std::nullopt;
        auto found = of_finding(*best);
        found.component = "serve, POST /openai/webhook" + twilio_says();
        found.command = command;
        found.exit_code = finished->code;
        return found;
    }

    // OpenAI itself was late: nobody could have accepted the call.
    std::optional<Conclusion> late_webhook() {
        if (!call_.openai || !call_.openai->webhook_after || call_.openai->ended_by != "deadline")
            return std::nullopt;
        if (*call_.openai->webhook_after < call_.openai->ended) return std::nullopt;
        return Conclusion{
            .component = "OpenAI, the webhook" + twilio_says(),
            .cause = "OpenAI sent its webhook " + seconds_text(*call_.openai->webhook_after) +
                     " behind the INVITE, and had given the call up after " +
                     seconds_text(call_.openai->ended),
            .fix =
                "Nothing at this end helps. Compare created_ms and sent_ms of serve's call summary, and "
                "report such calls to OpenAI with their call_id.",
            .code = "call_gone",
            .command = "grep 'call summary' serve.log"};
    }

    // What serve says of the call: it could not be accepted, or somebody else has it, or no session began.
    std::optional<Conclusion> accept() {
        const auto summary = find_line(
            result_.evidence.serve_log, "call summary",
            {{"callchain_id", id_of(call_, "callchain_id")}, {"call_id", id_of(call_, "openai_call_id")}});
        if (!summary) return std::nullopt;
        const auto explain = member(*summary, "explain");
        const auto code = explain.substr(explain.rfind(' ') + 1);
        if (code.empty()) return std::nullopt;
        auto found = explained({code}, "codes");
        if (!found) return std::nullopt;
        found->component = "serve, the accept" + twilio_says();
        if (code == "call_decided_elsewhere") name_the_other(*found);
        return found;
    }

    // Who else is told of calls, OpenAI's list says, where it can be asked yet.
    void name_the_other(Conclusion& found) {
        if (result_.evidence.environment_file.empty()) return;
        const std::vector<std::string> arguments{"endpoints", "list", "--env-file",
                                                 result_.evidence.environment_file};
        auto as_json = arguments;
        as_json.emplace_back("--json");
        const auto finished = run_(as_json, {});
        if (!finished) return;
        const auto json = Json::parse(finished->output, nullptr, false);
        if (!json.is_object() || !json.contains("findings")) return;
        for (const auto& finding : json["findings"]) {
            if (member(finding, "code") != "endpoint_several_subscribed") continue;
            found.cause += ", and several endpoints are told of calls: " + member(finding, "detail");
            found.code = member(finding, "code");
            found.command = "callchain " + join(arguments, " ");
            found.exit_code = finished->code;
        }
    }

    std::optional<Conclusion> twilio_error() {
        if (!call_.twilio || call_.twilio->twilio_error == 0) return std::nullopt;
        const int code = call_.twilio->twilio_error;
        const bool is_webhook = code >= kFirstTwilioHttp && code <= kLastTwilioHttp;
        if (is_webhook && call_.twilio->webhook_status == 403) {
            return Conclusion{
                .component = "serve, POST /twilio/voice; Twilio: " + std::to_string(code),
                .cause =
                    "serve refused Twilio's request: its X-Twilio-Signature fits neither "
                    "TWILIO_AUTH_TOKEN nor the URLs of CALLCHAIN_PUBLIC_URL",
                .fix =
                    "Set TWILIO_AUTH_TOKEN to the primary auth token of the account that owns the "
                    "call, and CALLCHAIN_PUBLIC_URL to the origin of the voice URL.",
                .code = "twilio " + std::to_string(code),
                .command = "callchain explain " + std::to_string(code)};
        }
        if (!is_webhook && call_.twilio->dial_sip_status != 0) return dialled_leg();
        auto found = explained({std::to_string(code)}, "twilio");
        if (!found) return std::nullopt;
        found->component = is_webhook ? "serve, POST /twilio/voice" : "Twilio, the dialled leg";
        if (!call_.twilio->why.empty()) found->cause = call_.twilio->why;
        return found;
    }

    // By what the far end answered, whatever number Twilio gives it.
    std::optional<Conclusion> dialled_leg() {
        auto found = explained(
            {call_.twilio->dial_status + ":" + std::to_string(call_.twilio->dial_sip_status)}, "dial");
        if (!found) return std::nullopt;
        found->component = "OpenAI, SIP " + std::to_string(call_.twilio->dial_sip_status) + twilio_says();
        return found;
    }

    std::optional<Conclusion> silent_model() {
        if (!call_.bridged() || call_.greeted() || !call_.openai || !call_.openai->sideband)
            return std::nullopt;
        return Conclusion{.component = "OpenAI, the session",
                          .cause = "the call is up and the sideband is open, but the model has not spoken",
                          .fix =
                              "Look for an error event behind response.create in serve's log, and at the "
                              "instructions and the greeting.",
                          .command = "grep sideband serve.log"};
    }

    [[nodiscard]] std::string twilio_says() const {
        if (!call_.twilio || call_.twilio->twilio_error == 0) return {};
        return "; Twilio shows it as " + std::to_string(call_.twilio->twilio_error);
    }

    static Conclusion of_finding(const Json& finding) {
        return {.cause = member(finding, "title") + ": " + member(finding, "detail"),
                .fix = member(finding, "fix"),
                .code = member(finding, "code"),
                .proved = finding.value("proved", false)};
    }

    std::optional<Conclusion> explained(std::vector<std::string> words, const char* list) const {
        const auto command = "callchain explain " + join(words, " ");
        words.insert(words.begin(), "explain");
        words.emplace_back("--json");
        const auto finished = run_(words, {});
        if (!finished) return std::nullopt;
        const auto json = Json::parse(finished->output, nullptr, false);
        if (!json.is_object() || !json.contains(list) || json[list].empty()) return std::nullopt;
        return of_entry(json[list][0], list, command, finished->code);
    }

    static Conclusion of_entry(const Json& entry, std::string_view list, const std::string& command,
                               int exit_code) {
        Conclusion found{.fix = member(entry, "fix"), .command = command, .exit_code = exit_code};
        if (list == "dial") {
            found.cause = member(entry, "happened");
            found.fix = member(entry, "next");
            found.code = member(entry, "reading");
        } else if (list == "twilio") {
            found.cause = member(entry, "title") + ": " + member(entry, "cause");
            found.code = "twilio " + member(entry, "code");
        } else {
            found.cause = member(entry, "title");
            found.code = member(entry, "code");
        }
        return found;
    }

    const ChainResult& result_;
    const CallResult& call_;
    const std::vector<std::string>& secrets_;
    const RunCommand& run_;
};

// A remark that begins with the code of a finding: "secret_quoted: 52 bytes with it, 50 bytes without".
std::optional<Conclusion> finding_in(const timeline::Event& event, const RunCommand& run) {
    const auto colon = event.detail.find(':');
    if (!event.trouble || colon == std::string::npos || event.detail.find('_') > colon) return std::nullopt;
    const auto code = event.detail.substr(0, colon);
    const auto finished = run({"explain", code, "--json"}, {});
    if (!finished || finished->code != 0) return std::nullopt;
    const auto json = Json::parse(finished->output, nullptr, false);
    if (!json.is_object() || !json.contains("codes") || json["codes"].empty()) return std::nullopt;
    const auto& entry = json["codes"][0];
    return Conclusion{.component = std::string(timeline::name_of(event.from)) + ", " + event.label,
                      .cause = member(entry, "title") + " (" + event.detail.substr(colon + 2) + ")",
                      .fix = member(entry, "fix"),
                      .code = code,
                      .command = "callchain explain " + code};
}

// What one call saw and came through.
std::vector<Conclusion> borne_in(const CallResult& call) {
    std::vector<Conclusion> borne;
    int refused_accepts = 0;
    for (const auto& event : call.timeline.events) {
        if (event.trouble && event.from == timeline::Party::openai && event.detail == "POST accept")
            ++refused_accepts;
        if (event.label == "the connection breaks")
            borne.push_back(
                {.component = "gateway, Meta's connection",
                 .cause = "the connection of WhatsApp's side broke in mid-call, and what came later came by "
                          "another one",
                 .fix = "Nothing: the gateway takes requests of a dialog from anywhere.",
                 .code = "connection",
                 .command = "grep 'call summary' gateway.log"});
        if (event.label == "BYE by a new connection" && call.twilio && call.twilio->bye_status / 100 == 2)
            borne.push_back(
                {.component = "gateway, Twilio's connections",
                 .cause = "Twilio's BYE came by a connection that the gateway had not seen before",
                 .fix =
                     "Nothing: the gateway takes requests of a dialog from anywhere, whatever "
                     "CALLCHAIN_ALLOW says. A firewall in front must let Twilio's signalling addresses in.",
                 .code = "connection",
                 .command = "grep 'call summary' gateway.log"});
    }
    if (!call.openai) return borne;
    if (refused_accepts > 0 && call.openai->accepted)
        borne.push_back(
            {.component = "OpenAI, the accept",
             .cause = "the accept was refused " +
                      count_of(static_cast<std::uint64_t>(refused_accepts), "time") +
                      " before it was taken: OpenAI announces calls that its API does not know yet",
             .fix = "Nothing: serve asks again within the call's time.",
             .code = "call_gone",
             .command = "callchain explain call_gone"});
    const auto deliveries = call.openai->webhook_statuses.size();
    if (deliveries > 1 && call.openai->accepts == 1)
        borne.push_back({.component = "OpenAI, the webhook",
                         .cause = "the webhook was delivered " + count_of(deliveries, "time") +
                                  ", and the call was accepted once",
                         .fix = "Nothing: serve knows a delivery by its webhook-id, and a call by its id.",
                         .code = "duplicate",
                         .command = "grep duplicate serve.log"});
    return borne;
}

std::string heard_by_whatsapp(const MetaCall& call, const std::optional<Untold>& untold) {
    using End = MetaCall::End;
    const auto rang = call.rang
                          ? "ringing for " + seconds_text(call.answered.value_or(call.ended) - *call.rang)
                          : std::string("nothing");
    const auto status = "SIP " + std::to_string(call.status);
    if (!call.answered)
        return "the caller heard " + rang + ", then the call failed (" + status + " after " +
               seconds_text(call.ended) + ")";
    const auto lasted = call.ended - *call.answered;
    if (untold && untold->side == timeline::Party::whatsapp) {
        const auto dead = std::min(untold->time.value_or(lasted), lasted);
        return "the caller was answered after " + seconds_text(*call.answered) + ", talked for " +
               seconds_text(lasted - dead) + ", and then heard nothing for " + seconds_text(dead) +
               " until " + (call.end == End::silence ? "WhatsApp" : "they") + " hung up";
    }
    const auto talked = seconds_text(lasted);
    switch (call.end) {
        case End::silence:
            return "the caller heard nothing, and WhatsApp hung up " + talked + " behind the answer";
        case End::connection_dropped:
            return "the caller lost the connection " + talked + " behind the answer";
        case End::ended_by_peer:
            return "the caller was hung up on " + talked + " behind the answer";
        default:
            return "the caller was answered after " + seconds_text(*call.answered) + " and talked for " +
                   talked;
    }
}

}  // namespace

std::string heard_by_caller(const CallResult& call) {
    std::string text;
    if (call.meta) {
        text = heard_by_whatsapp(*call.meta, call.untold());
    } else if (call.twilio) {
        const auto& twilio = *call.twilio;
        text = twilio.bridged
                   ? "the caller was connected after " +
                         seconds_text(twilio.bridged_after.value_or(std::chrono::milliseconds{0}))
                   : "the caller heard ringing, then the call failed after " + seconds_text(twilio.ended);
    } else {
        text = "nobody knows what the caller heard";
    }
    if (call.bridged() && !call.greeted()) text += ", and nobody spoke";
    return text;
}

std::optional<Conclusion> conclude(const ChainResult& result, const std::vector<std::string>& secrets,
                                   const RunCommand& run) {
    const auto bad = std::find_if(result.calls.begin(), result.calls.end(),
                                  [](const CallResult& call) { return !call.good(); });
    if (bad != result.calls.end()) return Search(result, *bad, secrets, run).go();
    if (result.calls.size() >= result.placed) return std::nullopt;
    const auto lost = result.placed - result.calls.size();
    return Conclusion{
        .caller = "of " + count_of(lost, "caller") + " nothing is known",
        .component = "the chain",
        .cause = count_of(lost, "call") + " of " + std::to_string(result.placed) +
                 " had not come to an end when the run did",
        .fix = "Look for calls without a summary in the logs in " + result.evidence.folder + "."};
}

std::vector<Conclusion> borne_by(const ChainResult& result, const RunCommand& run) {
    std::vector<Conclusion> borne;
    for (const auto& event : result.others)
        if (auto found = finding_in(event, run)) borne.push_back(*std::move(found));
    for (const auto& call : result.calls) {
        for (auto& found : borne_in(call)) {
            const bool is_told = std::any_of(borne.begin(), borne.end(), [&found](const Conclusion& one) {
                return one.cause == found.cause;
            });
            if (!is_told) borne.push_back(std::move(found));
        }
    }
    if (const auto exit = result.evidence.serve_exit; exit && *exit >= kKilled)
        borne.push_back(
            {.component = "serve, its end",
             .cause = "serve was killed before it was done (exit " + std::to_string(*exit) +
                      "); calls that were up went on without it: no farewell, no end_call, no summary",
             .fix = "Give it the time of CALLCHAIN_DRAIN_SECONDS behind SIGTERM: on Railway set "
                    "RAILWAY_DEPLOYMENT_DRAINING_SECONDS, with Docker --stop-timeout.",
             .code = "exit " + std::to_string(*exit),
             .command = "tail serve.log"});
    return borne;
}

std::vector<std::string> remarks_of(const ChainResult& result) {
    std::vector<std::pair<std::string, int>> told;
    const auto add = [&told](const std::vector<timeline::Event>& events) {
        for (const auto& event : events) {
            if (!event.trouble) continue;
            auto text = std::string(timeline::name_of(event.from)) + ": " + event.label;
            if (!event.detail.empty()) text += ", " + event.detail;
            const auto found = std::find_if(told.begin(), told.end(),
                                            [&text](const auto& one) { return one.first == text; });
            if (found == told.end())
                told.emplace_back(std::move(text), 1);
            else
                ++found->second;
        }
    };
    add(result.others);
    for (const auto& call : result.calls) add(call.timeline.events);
    std::vector<std::string> remarks;
    for (const auto& [text, times] : told)
        remarks.push_back(times == 1 ? text : text + " (" + std::to_string(times) + " times)");
    return remarks;
}

}  // namespace callchain::simulator
