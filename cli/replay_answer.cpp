/// What the modes of replay-webhook share: requests, answers as they are shown, reports.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "http/url.hpp"
#include "replay_options.hpp"
#include "webhook/capture_summary.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kJunit = "junit=";
// Above it an answer is not waited for: nobody reads more.
constexpr std::size_t kMostAnswerBytes = std::size_t{1} << 20U;
constexpr std::size_t kBeyondShown = 200;

std::string milliseconds_of(std::chrono::microseconds duration) {
    return with_thousands(static_cast<std::uint64_t>(
               std::chrono::duration_cast<std::chrono::milliseconds>(duration).count())) +
           " ms";
}

// What a receiver says may hold a secret that we know: whole, or as the base64 behind its prefix.
std::string without_secrets(std::string text, const std::vector<signature::LabelledSecret>& secrets) {
    constexpr std::size_t kShortest = 8;
    for (const auto& secret : secrets) {
        std::string_view bare = secret.text;
        if (bare.starts_with(signature::kSecretPrefix)) bare.remove_prefix(signature::kSecretPrefix.size());
        for (const auto part : {std::string_view(secret.text), bare}) {
            if (part.size() >= kShortest) text = replace_all(text, part, "[withheld]");
        }
    }
    return withhold_secrets(text);
}

// Only what is shown or judged of a header is kept.
webhook::Headers shown_headers(const http::ClientResponse& response,
                               const std::vector<signature::LabelledSecret>& secrets) {
    webhook::Headers kept;
    for (const auto* name : {"Content-Type", "Location"}) {
        if (const auto value = response.headers.find(name))
            kept.fields.push_back({name, without_secrets(std::string(*value), secrets)});
    }
    return kept;
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
    auto* response = std::get_if<http::ClientResponse>(&answer.result);
    if (response == nullptr) return answer;
    answer.duration = response->duration;
    answer.body_length = response->body.size();
    // A little more than is shown, so that a secret at the cut is known for one.
    response->body.resize(std::min(response->body.size(), replay.options.show_bytes + kBeyondShown));
    response->body = without_secrets(std::move(response->body), replay.secrets);
    response->headers = shown_headers(*response, replay.secrets);
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
    // Of an absolute URL in the request line only its path is meant.
    const auto absolute = http::read_url(delivery.target);
    const auto path = absolute ? absolute->target : delivery.target;
    return url->scheme + "://" + url->authority + (path.starts_with('/') ? path : "/");
}

http::ClientRequest request_for(const Replay& replay, const std::string& to,
                                const webhook::Delivery& delivery) {
    http::ClientRequest request;
    request.method = delivery.method;
    request.url = url_for(to, delivery);
    request.headers = delivery.headers.fields;
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

std::string shown_answer(const Replay& replay, const http::ClientResponse& response) {
    return response.body.substr(0, replay.options.show_bytes);
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
    const auto text = shown_answer(replay, *response);
    std::string_view rest = text;
    if (rest.ends_with('\n')) rest.remove_suffix(1);
    std::string lines;
    for (const auto line : split(rest, '\n')) lines += "  | " + visible(line) + "\n";
    if (answer.body_length > response->body.size() || response->body.size() > replay.options.show_bytes)
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
                      {"text", visible(shown_answer(replay, *response))}};
}

Result<void> check_reports(const std::vector<std::string>& reports) {
    for (const auto& report : reports) {
        const bool junit = report.starts_with(kJunit) && report.size() > kJunit.size();
        if (!junit && report != "github")
            return fail(ErrorCode::usage, "--report knows no form \"" + safe_echo(report, 60) + "\"",
                        "write --report junit=FILE, or --report github");
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
        context.out << replace_all(json.dump(2, ' ', false, Json::error_handler_t::replace), "##[",
                                   "##\\u005b")
                    << "\n";
    else
        context.out << text;
    if (fenced) context.out << fence.close;
    for (const auto& form : replay.options.reports) {
        if (form == "github")
            CALLCHAIN_TRY(write_github(context, report));
        else
            CALLCHAIN_TRY(
                append_file(form.substr(kJunit.size()), diagnosis::write_junit(report), std::ios::trunc));
    }
    return {};
}

}  // namespace callchain::cli
