/// What the modes of replay-webhook share: requests, answers as they are shown, reports.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "http/url.hpp"
#include "json_output.hpp"
#include "replay_options.hpp"
#include "webhook/capture_summary.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kJunit = "junit=";
constexpr std::size_t kMostUrl = 300;
// Above it an answer is not waited for: nobody reads more.
constexpr std::size_t kMostAnswerBytes = std::size_t{1} << 20U;

std::string milliseconds_of(std::chrono::microseconds duration) {
    return with_thousands(static_cast<std::uint64_t>(
               std::chrono::duration_cast<std::chrono::milliseconds>(duration).count())) +
           " ms";
}

// What a receiver says may hold a secret: one that we know, or one that looks like it.
std::string without_secrets(std::string_view text, const Replay& replay) {
    return withhold_secrets(replay.known.withhold(text));
}

// Only what is shown or judged of a header is kept.
webhook::Headers shown_headers(const http::ClientResponse& response, const Replay& replay) {
    webhook::Headers kept;
    for (const auto* name : {"Content-Type", "Location"}) {
        if (const auto value = response.headers.find(name))
            kept.fields.push_back({name, without_secrets(*value, replay)});
    }
    return kept;
}

bool names_a_credential(std::string_view name) {
    const auto lower = ascii_lower(name);
    constexpr std::array<std::string_view, 7> kWords{"token", "key", "secret", "pass",
                                                     "auth",  "sig", "session"};
    return std::any_of(kWords.begin(), kWords.end(),
                       [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

Result<void> append_file(const std::string& path, const std::string& text, std::ios::openmode mode) {
    std::ofstream file(path, mode | std::ios::binary);
    file << text;
    file.close();
    if (file) return {};
    return fail(ErrorCode::io, "cannot write " + visible_excerpt(path, 200) + ": " + std::strerror(errno),
                "name a file in a folder that is there and may be written");
}

Result<void> write_github(const Context& context, const diagnosis::CiReport& report) {
    // With --json, stdout is one document; GitHub reads commands from both streams.
    (context.output.json ? context.err : context.out) << diagnosis::write_github_annotations(report);
    const auto summary = context.variable("GITHUB_STEP_SUMMARY").value_or("");
    if (!summary.empty()) return append_file(summary, diagnosis::write_github_summary(report), std::ios::app);
    context.say("callchain: replay-webhook: GITHUB_STEP_SUMMARY is not set, so no summary was written");
    return {};
}

bool wants_github(const ReplayOptions& options) {
    return std::find(options.reports.begin(), options.reports.end(), "github") != options.reports.end();
}

}  // namespace

Result<Expectation> Expectation::parse(const std::string& text) {
    Expectation expected;
    expected.text_ = text;
    for (const auto part : split(text, ',')) {
        const bool digits = part.size() == 3 && part[0] >= '1' && part[0] <= '5';
        const auto whole = digits ? parse_decimal(part) : std::nullopt;
        if (whole) {
            expected.ranges_.emplace_back(static_cast<int>(*whole), static_cast<int>(*whole));
        } else if (digits && ascii_lower(part.substr(1)) == "xx") {
            const int first = (part[0] - '0') * 100;
            expected.ranges_.emplace_back(first, first + 99);
        } else {
            return fail(ErrorCode::usage,
                        "--expect takes statuses, and got \"" + visible_excerpt(text, 40) + "\"",
                        "write 200, or 2xx for the whole class, or several with commas: 401,403");
        }
    }
    return expected;
}

bool Expectation::holds(int status) const {
    return std::any_of(ranges_.begin(), ranges_.end(), [status](const auto& range) {
        return status >= range.first && status <= range.second;
    });
}

ReplayAnswer keep_answer(const Replay& replay, http::ClientResult result,
                         std::chrono::steady_clock::time_point began) {
    ReplayAnswer answer{
        std::move(result),
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began), 0};
    if (auto* failure = std::get_if<http::ClientFailure>(&answer.result)) {
        // The words may quote a certificate, and stand outside of a fence.
        failure->message = replace_all(without_secrets(failure->message, replay), "##[", "##\\x5b");
        return answer;
    }
    auto& response = std::get<http::ClientResponse>(answer.result);
    answer.duration = response.duration;
    answer.body_length = response.body.size();
    answer.body_sha256 = crypto::sha256_hex(response.body);
    // Masked before it is cut, so that no part of a secret is left at the cut.
    response.body = without_secrets(response.body, replay);
    response.body.resize(std::min(response.body.size(), replay.options.show_bytes));
    response.body.shrink_to_fit();
    response.headers = shown_headers(response, replay);
    return answer;
}

diagnosis::ReceiverAnswer receiver_answer(const ReplayAnswer& answer) {
    diagnosis::ReceiverAnswer plain;
    if (const auto* response = answer.response()) {
        plain.status = response->status;
        plain.location = response->headers.find("Location").value_or("");
    } else {
        plain.failure = answer.failure()->message;
        plain.failure_kind = http::name_of(answer.failure()->kind);
    }
    return plain;
}

std::string url_for(const std::string& to, const webhook::Delivery& delivery) {
    const auto url = http::read_url(to);
    if (!url || url->has_path || url->target != "/") return to;
    // A recorded query may hold a token of the place where it was recorded.
    const auto path = delivery.target.substr(0, delivery.target.find('?'));
    return url->scheme + "://" + url->authority + (path.starts_with('/') ? path : "/");
}

std::string shown_url(std::string_view url) {
    const auto mark = url.find('?');
    if (mark == std::string_view::npos) return visible_excerpt(url, kMostUrl);
    std::string out(url.substr(0, mark));
    char separator = '?';
    for (const auto pair : split(url.substr(mark + 1), '&')) {
        const auto equals = pair.find('=');
        out += separator;
        separator = '&';
        if (equals != std::string_view::npos && names_a_credential(pair.substr(0, equals)))
            out += std::string(pair.substr(0, equals)) + "=[withheld]";
        else
            out += pair;
    }
    return visible_excerpt(withhold_secrets(out), kMostUrl);
}

http::ClientRequest request_for(const Replay& replay, const std::string& to,
                                const webhook::Delivery& delivery) {
    http::ClientRequest request;
    request.method = delivery.method;
    request.url = url_for(to, delivery);
    request.headers = delivery.headers.fields;
    // libcurl would add them by itself; so they stand in what --dry-run shows.
    if (!delivery.headers.find("User-Agent"))
        request.headers.push_back({"User-Agent", "callchain/" CALLCHAIN_VERSION});
    if (!delivery.headers.find("Accept")) request.headers.push_back({"Accept", "*/*"});
    request.body = delivery.body;
    request.total_time = std::chrono::seconds{replay.options.send.timeout_s};
    request.connect_time = std::min(request.connect_time, request.total_time);
    return request;
}

http::ClientOptions replay_client(const ReplayOptions& options) {
    auto client = client_options(options.send);
    client.proxies = http::ClientOptions::Proxies::none;
    client.body_bytes = kMostAnswerBytes;
    return client;
}

webhook::Delivery sign_now(Replay& replay, Prepared& prepared) {
    if (auto before = std::exchange(prepared.signed_before, std::nullopt)) return *std::move(before);
    auto delivery = prepared.delivery;
    if (replay.options.as_is) return delivery;
    const auto now = std::chrono::floor<std::chrono::seconds>(replay.context.clock.now());
    webhook::sign_delivery(delivery, replay.keys,
                           {replay.options.keep_id ? prepared.recorded_id : replay.ids.webhook_id(),
                            std::to_string(now.time_since_epoch().count())});
    return delivery;
}

std::string answer_line(const ReplayAnswer& answer) {
    const auto* response = answer.response();
    if (response == nullptr) return "no answer: " + answer.failure()->message;
    const auto reason = http::reason_phrase(response->status);
    std::string line = std::to_string(response->status);
    if (!reason.empty()) line += " " + std::string(reason);
    line += ", " + milliseconds_of(answer.duration);
    if (const auto type = response->headers.find("Content-Type"); type && !type->empty())
        line += ", " + visible_excerpt(*type, 60);
    line += ", " + (response->body_cut ? "more than " : std::string()) + count_of(answer.body_length, "byte");
    if (const auto location = response->headers.find("Location"))
        line += ", to " + safe_excerpt(*location, 200) + " (not followed)";
    return line;
}

std::string answer_body_lines(const Replay& replay, const ReplayAnswer& answer) {
    const auto* response = answer.response();
    if (response == nullptr || response->body.empty() || replay.options.show_bytes == 0) return {};
    std::string_view rest = response->body;
    if (rest.ends_with('\n')) rest.remove_suffix(1);
    std::string lines;
    for (const auto line : split(rest, '\n')) lines += "  | " + visible(line) + "\n";
    if (answer.body_length > replay.options.show_bytes)
        lines += "  | … the rest is not shown (--show-bytes)\n";
    return lines;
}

void add_answer(Json& json, const Replay& replay, const ReplayAnswer& answer) {
    const auto text = [](std::optional<std::string_view> value) {
        return value ? Json(visible_excerpt(*value, 500)) : Json(nullptr);
    };
    json["duration_ms"] = static_cast<double>(answer.duration.count()) / 1000.0;
    const auto* response = answer.response();
    json["status"] = response == nullptr ? Json(nullptr) : Json(response->status);
    json["failure"] = nullptr;
    if (response == nullptr) {
        const auto& failure = *answer.failure();
        json["failure"] = {{"kind", std::string(http::name_of(failure.kind))}, {"message", failure.message}};
        if (failure.tls_cause != http::TlsCause::none)
            json["failure"]["tls_cause"] = std::string(http::name_of(failure.tls_cause));
        return;
    }
    json["peer"] = response->peer;
    json["version"] = response->version;
    json["content_type"] = text(response->headers.find("Content-Type"));
    json["location"] = text(response->headers.find("Location"));
    json["answer"] = {{"length", answer.body_length},
                      {"cut", response->body_cut || answer.body_length > replay.options.show_bytes},
                      {"text", visible(response->body)}};
}

Result<void> check_reports(const std::vector<std::string>& reports) {
    for (const auto& report : reports) {
        const bool junit = report.starts_with(kJunit) && report.size() > kJunit.size();
        if (!junit && report != "github")
            return fail(ErrorCode::usage, "--report knows no form \"" + safe_echo(report, 60) + "\"",
                        "write --report junit=FILE, or --report github");
        // Found out before anything is sent; the old report stays until there is a new one.
        if (junit) CALLCHAIN_TRY(append_file(report.substr(kJunit.size()), "", std::ios::app));
    }
    return {};
}

int with_report(const Replay& replay, const Result<void>& reported, int code) {
    if (reported) return code;
    const int error = replay.context.report_error(reported.error());
    return code == kDone ? error : code;
}

std::string hint_on_failure(const http::ClientFailure& failure) {
    using Kind = http::ClientFailure::Kind;
    switch (failure.kind) {
        case Kind::tls:
            return std::string(http::advice_on(failure.tls_cause));
        case Kind::resolve:
            return "check the spelling of the host, and the resolver of this machine";
        case Kind::connect:
            return "is the receiver running, and does it listen on this address and port?";
        case Kind::timeout:
            return "the receiver took the request and did not answer in time (--timeout); OpenAI would "
                   "deliver again";
        case Kind::broken:
            return "what came back was no whole HTTP answer: is this port one of a web server?";
        case Kind::url:
        case Kind::closed:
            break;
    }
    return {};
}

Result<void> print_and_report(const Replay& replay, const std::string& text, const Json& json,
                              const diagnosis::CiReport& report) {
    auto& context = replay.context;
    // A receiver's answer must not be taken for a command to the CI system.
    const bool fenced = !context.output.json && (wants_github(replay.options) ||
                                                 context.variable("GITHUB_ACTIONS").value_or("") == "true");
    const auto fence = diagnosis::command_fence(replay.ids.hex(32));
    if (fenced) context.out << fence.open;
    if (context.output.json)
        // A fence would end the document; "##[" is a command of GitHub's wherever in a line it stands, and
        // can only be within a string.
        context.out << replace_all(json_document(json), "##[", "##\\u005b") << "\n";
    else
        context.out << text;
    if (fenced) context.out << fence.close;
    Result<void> first;
    for (const auto& form : replay.options.reports) {
        auto written = form == "github" ? write_github(context, report)
                                        : append_file(form.substr(kJunit.size()),
                                                      diagnosis::write_junit(report), std::ios::trunc);
        if (!written && first) first = std::move(written);
    }
    return first;
}

}  // namespace callchain::cli
