#include "doctor/online_checks.hpp"

#include "base/http_date.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "diagnosis/endpoint_diagnosis.hpp"
#include "doctor/questions.hpp"
#include "doctor/words.hpp"
#include "http/resolve.hpp"
#include "http/url.hpp"
#include "service/accept_driver.hpp"
#include "service/webhook_check.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

namespace callchain::doctor {
namespace {

using service::Check;
using Outcome = Check::Outcome;
using openai::EndpointOutcome;
using std::chrono::seconds;

/// Younger than this program nobody's clock is. Source: the day of its first release.
constexpr std::chrono::sys_seconds kReleased{std::chrono::sys_days{std::chrono::year{2026} / 11 / 1}};
constexpr std::chrono::sys_seconds kFirstDate{std::chrono::sys_days{std::chrono::year{2020} / 1 / 1}};
constexpr std::chrono::sys_seconds kLastDate{std::chrono::sys_days{std::chrono::year{2100} / 1 / 1}};
constexpr seconds kSkewToTell{30};

Check failed(std::string name, std::string sentence, std::string remedy, std::string_view code = {}) {
    return {Outcome::fail, std::move(name), std::move(sentence), std::move(remedy), std::string(code)};
}

std::string remedy_of(const http::ClientFailure& failure) {
    using Kind = http::ClientFailure::Kind;
    switch (failure.kind) {
        case Kind::resolve:
            return "look at /etc/resolv.conf and at the spelling of the name";
        case Kind::connect:
            return "let this host out to that port: firewalls, security groups, a proxy that is missing "
                   "(https_proxy)";
        case Kind::tls:
            return std::string(http::advice_on(failure.tls_cause));
        case Kind::timeout:
        case Kind::broken:
            return "something between here and there holds the connection up: a proxy, a firewall, a "
                   "packet size (MTU)";
        case Kind::url:
        case Kind::closed:
            break;
    }
    return "look at the address, and at key and project: a line end or blank in one of them cannot be sent";
}

std::string milliseconds_of(std::chrono::microseconds time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
}

// With one, names are looked up there.
bool has_proxy(const Material& material) {
    const std::array names{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    return std::any_of(names.begin(), names.end(), [&](const char* name) {
        const auto variable = material.variable(name);
        return variable && !variable->value.empty() && variable->file.empty();
    });
}

// Of a stand-in there is nothing to look up.
std::optional<Check> check_name(const std::string& name, const std::string& url) {
    const auto parts = http::read_url(url);
    if (!parts || parts->loopback()) return std::nullopt;
    const auto addresses = http::resolve_host(parts->host);
    if (!addresses) return failed(name, addresses.error().message, addresses.error().hint);
    return Check{Outcome::pass, name, parts->host + " is " + join(*addresses, ", ")};
}

// The Date of an answer by libcurl's reckoning: when the last byte was there.
std::optional<std::chrono::sys_seconds> date_of(const http::ClientResult& result) {
    const auto* response = std::get_if<http::ClientResponse>(&result);
    return response == nullptr ? std::nullopt : parse_http_date(response->headers.find("date").value_or(""));
}

// Both by the clock of this host: an answer takes its time, and may have been dated at any moment of it.
struct Asking {
    std::chrono::sys_seconds begin;
    std::chrono::sys_seconds end;
};

Check clock_against(const std::string& host, std::chrono::sys_seconds theirs, const Asking& ours) {
    const bool is_ahead = ours.begin > theirs;
    const auto skew = is_ahead ? ours.begin - theirs : theirs > ours.end ? theirs - ours.end : seconds{0};
    Check check{.name = "clock", .sentence = "within " + duration_of(skew) + " of " + host};
    if (skew <= kSkewToTell) return check;
    check.result = skew > service::kWebhookTolerance ? Outcome::fail : Outcome::warn;
    check.sentence = duration_of(skew) + (is_ahead ? " ahead of " : " behind ") + host;
    check.remedy = "let the host keep its time by NTP (timedatectl set-ntp true)";
    if (check.result == Outcome::fail) {
        check.sentence += std::string(": every delivery of OpenAI's is refused, since it seems ") +
                          (is_ahead ? "too old" : "too new");
        check.code = is_ahead ? "timestamp_too_old" : "timestamp_too_new";
    } else {
        check.remedy += ": at 300 seconds every delivery of OpenAI's is refused";
    }
    return check;
}

Outcome severity_of(std::string_view code) {
    // The other two may be meant: an endpoint for a test, a server behind another name.
    const bool may_be_meant = code == "endpoint_several_subscribed" || code == "endpoint_url_elsewhere";
    return may_be_meant ? Outcome::warn : Outcome::fail;
}

}  // namespace

Check judge_key(const ApiVisit& visit) {
    const auto& answer = visit.answer;
    const auto said = answer.error_message.empty() ? std::string() : ": " + answer.error_message;
    if (answer.status == 401 && answer.error_code == "mismatched_project")
        return failed(
            "api-project", "the key in OPENAI_API_KEY is of another project than OPENAI_PROJECT_ID",
            "set both to the project that Twilio dials: calls are announced to the endpoints of that "
            "project, and only its keys may accept them",
            "call_credential_refused");
    if (answer.status == 401)
        return failed("api-key", "OpenAI refuses OPENAI_API_KEY (401)" + said,
                      fix_of("call_credential_refused"), "call_credential_refused");
    if (answer.status == 403)
        return {Outcome::warn, "api-key",
                "OpenAI knows OPENAI_API_KEY, and does not let it read webhook endpoints (403)" + said,
                "whether it may accept calls is not known by that; give it the permission to read webhooks, "
                "or ask "
                "with another key",
                "endpoint_credential_refused"};
    if (visit.outcome == EndpointOutcome::done)
        return {Outcome::pass, "api-key",
                visit.with_project ? "OPENAI_API_KEY is taken, for the project of OPENAI_PROJECT_ID"
                                   : "OPENAI_API_KEY is taken"};
    if (answer.status == 404)
        return {Outcome::skipped, "api-key",
                "not judged: there is no API for webhook endpoints at " + visit.host};
    return {
        Outcome::warn, "api-key",
        "not judged: " + std::string(openai::meaning_of(visit.outcome)) + " (" +
            std::to_string(answer.status) + (visit.trouble.empty() ? said : ", " + visit.trouble) + ")",
        visit.outcome == EndpointOutcome::unexpected_answer
            ? "something else answers at that address: compare OPENAI_BASE_URL with https://api.openai.com/v1"
            : "ask again later; status.openai.com tells whether others see it too",
        std::string(openai::code_of(visit.outcome))};
}

Check judge_clock(const ApiVisit* visit, std::chrono::sys_seconds now) {
    if (now < kReleased)
        return failed(
            "clock", "this host believes in a day before this program was made",
            "set the clock: certificates and signatures are judged by it (timedatectl set-ntp true)",
            "timestamp_too_new");
    if (visit == nullptr)
        return {Outcome::skipped, "clock", "not compared: nothing is asked without --online"};
    const auto theirs = date_of(visit->last);
    // A Date of another century is no clock's.
    if (theirs && *theirs > kFirstDate && *theirs < kLastDate)
        return clock_against(visit->host, *theirs, {visit->asked_at, visit->answered_at});
    const auto* failure = std::get_if<http::ClientFailure>(&visit->last);
    const bool by_certificate = failure != nullptr && (failure->tls_cause == http::TlsCause::expired ||
                                                       failure->tls_cause == http::TlsCause::not_yet_valid);
    if (by_certificate)
        return {Outcome::warn, "clock",
                "the certificate of " + visit->host + " is out of date by the clock of this host",
                "compare it with a watch: a clock that is far off looks like this"};
    return {Outcome::skipped, "clock", "not compared: " + visit->host + " told no time"};
}

std::vector<Check> judge_endpoints(const ApiVisit& visit, const Material& material) {
    if (std::holds_alternative<http::ClientFailure>(visit.last))
        return {{Outcome::skipped, "endpoints", "not known: " + visit.host + " could not be asked"}};
    if (visit.outcome != EndpointOutcome::done) {
        // A key that is refused is told once.
        if (visit.outcome == EndpointOutcome::credential_refused)
            return {{Outcome::skipped, "endpoints", "not known: the key was refused"}};
        return {{Outcome::warn, "endpoints",
                 "not known: " + std::string(openai::meaning_of(visit.outcome)) +
                     (visit.trouble.empty() ? "" : " (" + visit.trouble + ")"),
                 fix_of(openai::code_of(visit.outcome)), std::string(openai::code_of(visit.outcome))}};
    }
    diagnosis::EndpointMaterial endpoints;
    endpoints.endpoints = visit.listing.endpoints;
    endpoints.complete = visit.listing.complete;
    endpoints.secrets = webhook_secrets(material);
    endpoints.own_hosts = material.own_hosts;
    std::vector<Check> checks;
    for (const auto& finding : diagnosis::judge_endpoints(endpoints).findings)
        checks.push_back({severity_of(finding.code), "endpoints", titled(finding.code, finding.detail),
                          fix_of(finding.code), finding.code});
    // What is wrong comes before what could be.
    std::stable_sort(checks.begin(), checks.end(), [](const Check& a, const Check& b) {
        return a.result == Outcome::fail && b.result != Outcome::fail;
    });
    if (!checks.empty()) return checks;
    if (!visit.listing.complete)
        return {{Outcome::warn, "endpoints",
                 "not known: nothing is against the first " +
                     count_of(endpoints.endpoints.size(), "endpoint") + ", and there are more",
                 "take away those that nobody needs; callchain endpoints list shows them"}};
    const auto subscribed = std::find_if(endpoints.endpoints.begin(), endpoints.endpoints.end(),
                                         [](const auto& one) { return one.announces_calls(); });
    return {
        {Outcome::pass, "endpoints", "calls are announced to " + diagnosis::endpoint_in_words(*subscribed)}};
}

Check judge_twilio_account(const http::ClientResult& result) {
    if (const auto* failure = std::get_if<http::ClientFailure>(&result))
        return failed("twilio-account", failure->message, remedy_of(*failure));
    const auto& response = std::get<http::ClientResponse>(result);
    const auto body = nlohmann::json::parse(response.body, nullptr, false);
    const auto text = [&](const char* name) {
        return body.is_object() && body.contains(name) && body[name].is_string()
                   ? body[name].get<std::string>()
                   : std::string();
    };
    const auto answered = "Twilio answered " + std::to_string(response.status);
    if (response.status == 401)
        return failed(
            "twilio-account", answered + ": TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are no pair",
            "take both from one account's console; a token that was rotated is another one; an account of a "
            "region (ie1, au1) has tokens of its own");
    if (response.status == 404)
        return failed("twilio-account", answered + ": there is no such account",
                      "take the SID (AC…) from the console of the account that has the number");
    if (response.status != 200 || text("status").empty())
        return {Outcome::warn, "twilio-account", "not judged: " + answered,
                response.status >= 500 || response.status == 429
                    ? "ask again later; status.twilio.com tells whether others see it too"
                    : "something else answers at that address: look at CALLCHAIN_TWILIO_API_URL, proxies and "
                      "portals"};
    if (text("status") != "active")
        return failed("twilio-account", "the account is " + safe_excerpt(text("status"), 40),
                      "look into Twilio's console: a suspended account takes no calls");
    return {Outcome::pass, "twilio-account", "the account is active, and TWILIO_AUTH_TOKEN is its token"};
}

Online::Online(const Material& material)
    : material_(material),
      client_(
          {.ca_file = material.value("CALLCHAIN_CA_FILE"), .user_agent = "callchain/" + material.version}) {}

const ApiVisit& Online::visit() {
    if (visit_) return *visit_;
    auto& visit = visit_.emplace();
    const auto access = api_access(material_).value_or(ApiAccess{});
    visit.host = http::shown_host(access.base_url);
    visit.with_project = !access.project.empty();
    for (std::string after;;) {
        auto asked = api_question(material_, after);
        if (!asked) {
            visit.last = http::ClientFailure{http::ClientFailure::Kind::url, asked.error().message};
            break;
        }
        visit.asked_at = std::chrono::floor<seconds>(std::chrono::system_clock::now());
        visit.last = client_.perform(*std::move(asked));
        visit.answered_at = std::chrono::floor<seconds>(std::chrono::system_clock::now());
        visit.answer = service::answer_of(visit.last, visit.answered_at);
        visit.outcome = openai::outcome_of(visit.answer, openai::EndpointRequest::list);
        if (visit.outcome != EndpointOutcome::done) break;
        auto next = visit.listing.add(std::get<http::ClientResponse>(visit.last).body);
        if (!next) {
            visit.outcome = EndpointOutcome::unexpected_answer;
            visit.trouble = next.error().message;
            break;
        }
        if (next->empty()) break;
        after = *std::move(next);
    }
    return visit;
}

std::vector<Check> Online::check_api() {
    const auto base = api_access(material_).value_or(ApiAccess{}).base_url;
    std::vector<Check> checks;
    if (!has_proxy(material_))
        if (auto name = check_name("api-name", base)) checks.push_back(*std::move(name));
    const auto& asked = visit();
    if (const auto* failure = std::get_if<http::ClientFailure>(&asked.last)) {
        checks.push_back(failed("api", failure->message, remedy_of(*failure)));
        return checks;
    }
    const auto& response = std::get<http::ClientResponse>(asked.last);
    checks.push_back({Outcome::pass, "api",
                      asked.host + " (" + response.peer + ") answered " + std::to_string(response.status) +
                          " in " + milliseconds_of(response.duration) + " by " + response.version});
    checks.push_back(judge_key(asked));
    return checks;
}

std::vector<Check> Online::check_clock() {
    const bool asks = material_.online && api_access(material_);
    return {judge_clock(asks ? &visit() : nullptr, material_.now)};
}

std::vector<Check> Online::check_endpoints() { return judge_endpoints(visit(), material_); }

std::vector<Check> Online::check_twilio_account() {
    auto asked = account_question(material_);
    if (!asked) return {failed("twilio-account", asked.error().message, asked.error().hint)};
    return {judge_twilio_account(client_.perform(*std::move(asked)))};
}

}  // namespace callchain::doctor
