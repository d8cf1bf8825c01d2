/// Where the deliveries of replay-webhook come from.
#include "base/text.hpp"
#include "capture_files.hpp"
#include "http/url.hpp"
#include "replay_options.hpp"
#include "webhook/railway_log.hpp"
#include "webhook/recordings.hpp"

namespace callchain::cli {
namespace {

constexpr std::size_t kMostInputBytes = std::size_t{512} << 20U;
constexpr std::size_t kMostBodyBytes = std::size_t{64} << 20U;
constexpr std::size_t kMostListed = 10;
constexpr const char* kUsualPath = "/openai/webhook";

using Sources = std::vector<ReplaySource>;

// What one of several deliveries is, for a list to pick from.
struct Choice {
    std::size_t number = 0;
    std::string words;
};

std::string list_of(const std::vector<Choice>& choices) {
    std::vector<std::string> parts;
    for (const auto& choice : choices) {
        if (parts.size() == kMostListed) break;
        parts.push_back(std::to_string(choice.number) + " (" + choice.words + ")");
    }
    const auto more = choices.size() - parts.size();
    return join(parts, ", ") + (more > 0 ? " and " + with_thousands(more) + " more" : "");
}

// Positions in `choices` of those that --pick means; with none given, of the only one.
Result<std::vector<std::size_t>> picked(const std::vector<Choice>& choices, const ReplayOptions& options,
                                        const std::string& where) {
    if (options.pick == "last") return std::vector<std::size_t>{choices.size() - 1};
    if (options.pick.empty() && choices.size() > 1)
        return fail(
            ErrorCode::usage,
            where + " has " + count_of(choices.size(), "delivery", "deliveries") + ": " + list_of(choices),
            "choose one with --pick N, --pick last, or --pick all");
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (options.pick.empty() || options.pick == "all" ||
            parse_decimal(options.pick) == static_cast<std::int64_t>(choices[i].number))
            positions.push_back(i);
    }
    if (positions.empty())
        return fail(ErrorCode::usage, where + " has no delivery " + visible_excerpt(options.pick, 20),
                    "it has " + list_of(choices));
    return positions;
}

Result<Sources> sources_of(webhook::Recordings recordings, const ReplayOptions& options, Context& context,
                           const std::string& where, const std::string& hint) {
    auto& found = recordings.found;
    if (found.empty())
        return fail(ErrorCode::bad_input,
                    where + " has " + count_of(recordings.requests, "request") +
                        ", and none with the headers of a signed delivery",
                    hint);
    if (recordings.left_out > 0)
        context.say("callchain: replay-webhook: " + where + ": " +
                    count_of(recordings.left_out, "delivery", "deliveries") +
                    " beyond the bounds were left out");
    std::vector<Choice> choices;
    for (const auto& one : found) {
        const auto id = one.capture.headers.find("webhook-id").value_or(one.capture.target);
        choices.push_back({one.number, visible_excerpt(one.time, 40) + (one.time.empty() ? "" : " ") +
                                           visible_excerpt(id, 60)});
    }
    Sources sources;
    for (const auto at : CALLCHAIN_TRY(picked(choices, options, where))) {
        auto& one = found[at];
        const auto name = where + ", request " + std::to_string(one.number);
        if (!one.remark.empty())
            context.say("callchain: replay-webhook: " + name + ": " + visible(one.remark));
        sources.push_back({name, std::move(one.capture)});
    }
    return sources;
}

Result<Sources> read_file(const std::string& path, const ReplayOptions& options, Context& context) {
    const auto bytes = CALLCHAIN_TRY(context.read_input(path, kMostInputBytes));
    const auto where = path == "-" ? std::string("standard input") : visible_excerpt(path, 200);
    if (webhook::may_be_har(bytes)) {
        auto recordings = webhook::read_har(bytes);
        if (!recordings) {
            auto error = recordings.error();
            error.message = where + ": " + error.message;
            if (bytes.find(webhook::kRecordMessage) != std::string::npos)
                error.hint = "it looks like a log with record lines: give it with --log";
            return tl::unexpected(std::move(error));
        }
        return sources_of(*std::move(recordings), options, context, where,
                          "an archive of a browser has what the browser sent; deliveries come to a server: "
                          "record them in front of it");
    }
    auto capture = webhook::parse_capture(bytes);
    if (!capture) {
        auto error = capture.error();
        error.message = where + ": " + error.message;
        return tl::unexpected(std::move(error));
    }
    for (const auto& remark : capture->remarks) {
        // A body that is not whole is refused further on, in the same words.
        if (remark.kind == webhook::CaptureRemark::Kind::shorter_than_declared) continue;
        context.say("callchain: replay-webhook: " + where + ": " + visible(remark.detail));
    }
    Sources sources;
    sources.push_back({where, *std::move(capture)});
    return sources;
}

Result<Sources> read_paths(const ReplayOptions& options, Context& context) {
    std::vector<std::string> files;
    for (const auto& path : options.paths) {
        if (path == "-" || !is_folder(path)) {
            files.push_back(path);
            continue;
        }
        auto found = CALLCHAIN_TRY(captures_in(path));
        if (found.empty())
            return fail(ErrorCode::bad_input, "no capture (*.http) in " + visible_excerpt(path, 200),
                        "name the folder of CALLCHAIN_CAPTURE_DIR, or single files");
        files.insert(files.end(), found.begin(), found.end());
    }
    Sources all;
    for (const auto& file : files) {
        for (auto& source : CALLCHAIN_TRY(read_file(file, options, context)))
            all.push_back(std::move(source));
    }
    if (options.pick.empty() || options.pick == "all" || files.size() < 2) return all;
    // --pick chose within each archive already; among captures it chooses here.
    std::vector<Choice> choices;
    for (const auto& source : all) choices.push_back({choices.size() + 1, source.name});
    Sources chosen;
    for (const auto at : CALLCHAIN_TRY(picked(choices, options, "the list")))
        chosen.push_back(std::move(all[at]));
    return chosen;
}

Result<Sources> read_log(const ReplayOptions& options, Context& context) {
    const auto where =
        options.log_file == "-" ? std::string("standard input") : visible_excerpt(options.log_file, 200);
    const auto reading =
        webhook::read_railway_log(CALLCHAIN_TRY(context.read_input(options.log_file, kMostInputBytes)));
    if (reading.deliveries.empty())
        return fail(ErrorCode::bad_input, where + " holds no delivery",
                    "a log of serve has one record line for each refused delivery; callchain verify-sig "
                    "--log shows what "
                    "can be read");
    // A line that only mentions a delivery, such as serve's own diagnosis, is none to send.
    auto deliveries = reading.deliveries;
    std::erase_if(deliveries, [](const auto& one) { return !one.body && !one.signature.whole(); });
    if (deliveries.empty()) deliveries = reading.deliveries;
    std::vector<Choice> choices;
    for (const auto& delivery : deliveries)
        choices.push_back({choices.size() + 1,
                           "line " + std::to_string(delivery.first_line) + (delivery.id.whole() ? " " : "") +
                               visible_excerpt(delivery.id.text, 60) + (delivery.body ? "" : ", no body")});
    std::optional<std::string> body;
    if (!options.body_file.empty())
        body = CALLCHAIN_TRY(context.read_input(options.body_file, kMostBodyBytes));
    Sources sources;
    for (const auto at : CALLCHAIN_TRY(picked(choices, options, where))) {
        auto capture = webhook::capture_of_delivery(deliveries[at], kUsualPath, body);
        const auto name = where + ", line " + std::to_string(deliveries[at].first_line);
        if (!capture) {
            auto error = capture.error();
            error.message = name + ": " + error.message;
            return tl::unexpected(std::move(error));
        }
        sources.push_back({name, *std::move(capture)});
    }
    return sources;
}

Result<Sources> read_ngrok(const ReplayOptions& options, Context& context) {
    const auto url = http::read_url(options.ngrok_url);
    if (!url || url->scheme.starts_with("ws"))
        return fail(ErrorCode::usage, "--from-ngrok takes the URL of ngrok's inspector",
                    "by default it is http://127.0.0.1:4040");
    http::ClientRequest request;
    request.method = "GET";
    request.url = url->scheme + "://" + url->authority + "/api/requests/http?limit=1000";
    request.headers = {{"Accept", "application/json"}};
    request.total_time = std::chrono::seconds{options.send.timeout_s};
    request.connect_time = std::min(request.connect_time, request.total_time);
    auto client_settings = replay_client(options);
    client_settings.body_bytes = kMostInputBytes;
    http::Client client(client_settings);
    const auto result = client.perform(request);
    const auto where = "ngrok at " + url->authority;
    if (const auto* failure = std::get_if<http::ClientFailure>(&result))
        return fail(ErrorCode::io, "ngrok's inspector does not answer: " + failure->message,
                    "is the agent running on this machine, with its web interface on (web_addr)?");
    const auto& response = std::get<http::ClientResponse>(result);
    if (response.status != 200)
        return fail(ErrorCode::bad_input, where + " answers " + std::to_string(response.status),
                    "is this the address of ngrok's inspector, and not that of the tunnel?");
    auto recordings = webhook::read_ngrok_requests(response.body);
    if (!recordings) {
        auto error = recordings.error();
        error.message = where + ": " + error.message;
        return tl::unexpected(std::move(error));
    }
    return sources_of(*std::move(recordings), options, context, where,
                      "ngrok keeps the last requests only: let OpenAI send one more");
}

Result<Sources> make_up(const ReplayOptions& options, Context& context, webhook::MadeUpIds& ids) {
    const auto event = webhook::parse_made_up_event(
        options.event.empty() ? std::string_view("realtime.call.incoming") : options.event);
    if (!event) return fail(ErrorCode::internal, "an event type that was checked is unknown");
    webhook::Capture capture;
    capture.method = "POST";
    capture.target = kUsualPath;
    capture.version = "HTTP/1.1";
    capture.headers.fields = {{"User-Agent", "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"},
                              {"Content-Type", "application/json"}};
    capture.body =
        webhook::made_up_event(*event, ids, std::chrono::floor<std::chrono::seconds>(context.clock.now()));
    Sources sources;
    sources.push_back(
        {"a made-up " + (options.event.empty() ? std::string("realtime.call.incoming") : options.event),
         std::move(capture)});
    return sources;
}

}  // namespace

Result<std::vector<ReplaySource>> read_sources(const ReplayOptions& options, Context& context,
                                               webhook::MadeUpIds& ids) {
    if (!options.log_file.empty()) return read_log(options, context);
    if (!options.ngrok_url.empty()) return read_ngrok(options, context);
    if (!options.paths.empty()) return read_paths(options, context);
    return make_up(options, context, ids);
}

}  // namespace callchain::cli
