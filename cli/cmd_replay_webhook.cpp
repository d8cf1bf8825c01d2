#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "crypto/hash.hpp"
#include "http/resolve.hpp"
#include "http/url.hpp"
#include "json_output.hpp"
#include "new_file.hpp"
#include "replay_options.hpp"
#include "system/random.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <ostream>
#include <unistd.h>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using Scheme = webhook::Staleness::Scheme;

constexpr int kMostWithoutYes = 10;
constexpr std::size_t kMostToOthers = 1'000;
constexpr std::size_t kMostBodyBytes = std::size_t{256} << 20U;
constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kMostRequestsShown = 20;
constexpr std::chrono::seconds kTolerance{300};

// Collects what is wrong with a command line, so that all of it is told at once.
class Problems {
  public:
    void add(std::string message, std::string hint = "callchain help replay-webhook") {
        messages_.push_back(std::move(message));
        if (hint_.empty()) hint_ = std::move(hint);
    }
    void add(const Error& error) { add(error.message, error.hint); }
    void add_if(bool holds, const char* message) {
        if (holds) add(message);
    }
    [[nodiscard]] bool none() const { return messages_.empty(); }
    [[nodiscard]] Error error() const {
        return {ErrorCode::usage, join(messages_, "; "), std::nullopt, hint_};
    }

  private:
    std::vector<std::string> messages_;
    std::string hint_;
};

void check_url(Problems& problems, const std::string& name, const std::string& text) {
    const auto url = http::read_url(text);
    if (url && !url->scheme.starts_with("ws")) return;
    // A password may stand in it: what is no plain URL is not repeated whole.
    const bool bare = text.find("://") == std::string::npos;
    problems.add(
        name + " takes an http or https URL, and got " +
            (bare ? "\"" + safe_echo(text, 100) + "\""
                  : "one of " + http::shown_host(text) + " that it cannot take"),
        bare ? "write the scheme in front: http:// for this machine, https:// for others"
             : "http or https, no user or password, no fragment, no blanks; an address has four numbers");
}

void check_source(Problems& problems, const ReplayOptions& options) {
    const int sources = (options.paths.empty() ? 0 : 1) + (options.log_file.empty() ? 0 : 1) +
                        (options.ngrok_url.empty() ? 0 : 1) + (options.event.empty() ? 0 : 1);
    if (sources == 0 && options.matrix.empty())
        problems.add("nothing to replay: no capture, no --log, no --from-ngrok and no --event",
                     "name a capture file, or a folder of them; --event realtime.call.incoming makes one up");
    problems.add_if(sources > 1, "captures, --log, --from-ngrok and --event are different sources: give one");
    problems.add_if(!options.body_file.empty() && options.log_file.empty(), "--body belongs to --log");
    problems.add_if(!options.body_file.empty() && options.pick == "all",
                    "--body is of one delivery: leave out --pick all");
    auto files = options.paths;
    files.insert(files.end(), {options.log_file, options.body_file});
    files.insert(files.end(), options.secrets.files.begin(), options.secrets.files.end());
    problems.add_if(std::count(files.begin(), files.end(), "-") > 1,
                    "standard input is asked for twice: only one option may be -");
    if (!options.pick.empty() && options.pick != "all" && options.pick != "last" &&
        !parse_decimal(options.pick))
        problems.add("--pick takes a number, last or all");
}

void check_mode(Problems& problems, const ReplayOptions& options) {
    const bool matrix = !options.matrix.empty();
    const bool compare = !options.compare.empty();
    problems.add_if(matrix && compare, "--matrix tests one receiver: leave out --compare");
    problems.add_if(matrix && (options.as_is || options.keep_id),
                    "--matrix signs each delivery in its own way: leave out --as-is and --keep-id");
    problems.add_if((matrix || compare) && (options.repeat > 1 || options.concurrency > 1),
                    "--repeat and --concurrency go with neither --matrix nor --compare");
    problems.add_if((matrix || compare) && !options.expect.empty(),
                    "--expect goes with neither --matrix nor --compare, which know what is right");
    problems.add_if((matrix || compare) && !options.save_file.empty(),
                    "--save writes one delivery: leave out --matrix and --compare");
    problems.add_if(options.as_is && options.keep_id, "--as-is keeps the id anyway: leave out --keep-id");
    problems.add_if(options.as_is && !options.edits.empty(),
                    "--set changes the body, which --as-is leaves alone: leave out one of them");
    problems.add_if(!options.event.empty() && options.as_is,
                    "a made-up event has no signature to keep: leave "
                    "out --as-is");
    problems.add_if(!options.event.empty() && options.keep_id,
                    "a made-up event has no id to keep: leave out "
                    "--keep-id");
}

bool is_loopback(const std::string& url) {
    const auto parts = http::read_url(url);
    return parts && parts->loopback();
}

void check_target(Problems& problems, const ReplayOptions& options) {
    if (options.to.empty() && options.save_file.empty())
        problems.add("no receiver: --to is missing",
                     "name the receiver's URL: --to "
                     "http://127.0.0.1:8080/openai/webhook");
    if (!options.to.empty()) check_url(problems, "--to", options.to);
    if (!options.compare.empty()) check_url(problems, "--compare", options.compare);
    if (!options.send.ca_file.empty() && ::access(options.send.ca_file.c_str(), R_OK) != 0)
        problems.add("cannot read " + safe_echo(options.send.ca_file, 200) + ": " + std::strerror(errno),
                     "--ca-file takes a file of certificates (PEM)");
    if (options.repeat > kMostWithoutYes && !options.yes_load && !options.to.empty() &&
        !is_loopback(options.to))
        problems.add(
            "--repeat " + std::to_string(options.repeat) + " to another machine would be a load test of it",
            "say --yes-load if the receiver is yours to load, or repeat at most 10 times");
}

Result<std::vector<webhook::JsonEdit>> check_options(const ReplayOptions& options) {
    Problems problems;
    check_source(problems, options);
    check_mode(problems, options);
    check_target(problems, options);
    if (!options.expect.empty()) {
        if (const auto expected = Expectation::parse(options.expect); !expected)
            problems.add(expected.error());
    }
    if (const auto reports = check_reports(options.reports); !reports) problems.add(reports.error());
    std::vector<webhook::JsonEdit> edits;
    for (const auto& text : options.edits) {
        auto edit = webhook::parse_json_edit(text);
        if (edit)
            edits.push_back(*std::move(edit));
        else
            problems.add(edit.error());
    }
    if (!problems.none()) return tl::unexpected(problems.error());
    return edits;
}

// With --as-is nothing is signed, and the secrets are read all the same: a receiver may answer with one.
Result<void> read_keys(Replay& replay) {
    auto& secrets = replay.secrets;
    secrets = CALLCHAIN_TRY(read_secrets(replay.context, replay.options.secrets, "OPENAI_WEBHOOK_SECRET"));
    replay.known = signature::KnownSecrets(secrets);
    if (replay.options.as_is) return {};
    if (secrets.empty())
        return fail(
            ErrorCode::usage, "no secret given to sign with, and OPENAI_WEBHOOK_SECRET is not set",
            std::string("to send a capture under its old signature: --as-is; otherwise ") + kSecretHint);
    for (const auto& secret : secrets) {
        const auto key = signature::read_secret(secret.text);
        if (!key)
            return fail(ErrorCode::usage, "secret \"" + secret.label + "\": " + key.error().message,
                        "copy the secret again, whole, from the endpoint's page");
        for (const auto& remark : signature::lint_secret(secret.text))
            replay.context.say("callchain: replay-webhook: secret \"" + secret.label +
                               "\": " + std::string(remark.code) + ": " + remark.detail);
        replay.keys.push_back(crypto::HmacKey(crypto::HashAlgorithm::sha256, key->bytes));
    }
    return {};
}

Result<Prepared> prepare_one(const ReplaySource& source, const std::vector<webhook::JsonEdit>& edits,
                             Replay& replay) {
    auto plan = CALLCHAIN_TRY(webhook::plan_replay(source.capture));
    Prepared prepared{source.name, std::move(plan.delivery), std::move(plan.left_out), {}, {}};
    const auto now = std::chrono::floor<std::chrono::seconds>(replay.context.clock.now());
    prepared.staleness = webhook::staleness_of(source.capture.headers, now);
    prepared.recorded_id = source.capture.headers.find("webhook-id").value_or("");
    for (const auto& edit : edits) {
        auto body = CALLCHAIN_TRY(webhook::edit_json(prepared.delivery.body, edit));
        if (webhook::adds_member(prepared.delivery.body, edit))
            replay.context.say("callchain: replay-webhook: " + source.name + ": " +
                               safe_echo(edit.shown, 60) + " was not there, and is added");
        prepared.delivery.body = std::move(body);
    }
    const auto& stale = prepared.staleness;
    const bool unsigned_one = stale.scheme == Scheme::none || !stale.missing.empty();
    if (replay.options.as_is && unsigned_one)
        return fail(ErrorCode::bad_input,
                    stale.scheme == Scheme::none
                        ? "it has no signature header, so there is nothing to send as it is"
                        : "it has no " + join(stale.missing, ", no "),
                    "without --as-is it is signed afresh");
    if (!replay.options.as_is && stale.scheme == Scheme::twilio)
        return fail(ErrorCode::bad_input,
                    "it is a request of Twilio's, which is signed in another way and for its URL",
                    "send it with --as-is: its signature has no time in it, and holds for the same URL");
    if (replay.options.keep_id && prepared.recorded_id.empty())
        return fail(ErrorCode::bad_input, "it has no webhook-id to keep", "leave out --keep-id");
    return prepared;
}

void tell_staleness(const Prepared& prepared, const Replay& replay) {
    const auto& stale = prepared.staleness;
    if (!replay.options.as_is) return;
    if (!stale.age) {
        if (stale.scheme == Scheme::standard)
            replay.context.say(
                "callchain: replay-webhook: " + prepared.source +
                ": its webhook-timestamp is no time, so nobody can say how old it is; an honest "
                "receiver refuses it");
        return;
    }
    if (std::chrono::abs(*stale.age) <= kTolerance) return;
    const bool ahead = stale.age->count() < 0;
    replay.context.say("callchain: replay-webhook: " + prepared.source + " was signed " +
                       duration_of(*stale.age) + (ahead ? " ahead of this clock" : " ago") +
                       "; an honest receiver allows 300 seconds");
}

Result<void> prepare(Replay& replay, const std::vector<ReplaySource>& sources,
                     const std::vector<webhook::JsonEdit>& edits) {
    std::size_t bytes = 0;
    std::size_t largest = 0;
    for (const auto& source : sources) {
        auto prepared = prepare_one(source, edits, replay);
        if (!prepared) {
            auto error = prepared.error();
            error.message = source.name + ": " + error.message;
            return tl::unexpected(std::move(error));
        }
        tell_staleness(*prepared, replay);
        if (!prepared->left_out.empty())
            replay.context.detail(prepared->source + ": left out " + visible(join(prepared->left_out, ", ")));
        prepared->body_sha256 = crypto::sha256_hex(prepared->delivery.body);
        bytes += prepared->delivery.body.size();
        largest = std::max(largest, prepared->delivery.body.size());
        replay.prepared.push_back(*std::move(prepared));
    }
    const auto& options = replay.options;
    if (bytes > kMostBodyBytes)
        return fail(ErrorCode::limit,
                    "the bodies have " + count_of(bytes, "byte") + " in all, and " +
                        with_thousands(kMostBodyBytes) + " is the most",
                    "name fewer captures at a time");
    if (largest * static_cast<std::size_t>(options.concurrency) > kMostBodyBytes)
        return fail(ErrorCode::limit,
                    "--concurrency " + std::to_string(options.concurrency) + " with a body of " +
                        count_of(largest, "byte") + " would take too much memory",
                    "lower --concurrency");
    if ((!options.matrix.empty() || !options.compare.empty() || !options.save_file.empty()) &&
        sources.size() > 1)
        return fail(ErrorCode::usage,
                    "--matrix, --compare and --save work with one delivery, and " +
                        std::to_string(sources.size()) + " were given",
                    "name one capture, or choose with --pick N");
    const auto total = sources.size() * static_cast<std::size_t>(options.repeat);
    if (total > kMostToOthers && !options.yes_load && !options.to.empty() && !is_loopback(options.to))
        return fail(ErrorCode::usage,
                    with_thousands(total) + " deliveries to another machine would be a load test of it",
                    "say --yes-load if the receiver is yours to load");
    if (total > static_cast<std::size_t>(kMostDeliveries))
        return fail(ErrorCode::usage,
                    "that would be more than " + with_thousands(kMostDeliveries) + " deliveries",
                    "lower --repeat, or name fewer captures");
    return {};
}

Result<int> save_delivery(Replay& replay) {
    auto& prepared = replay.prepared.front();
    const auto delivery = sign_now(replay, prepared);
    const auto url = http::read_url(url_for(replay.options.to, delivery));
    const auto bytes = webhook::write_delivery(delivery, url ? url->target : delivery.target,
                                               url ? url->authority : "localhost");
    // What a caller said stands in it, and an older file may be somebody's evidence.
    auto file = CALLCHAIN_TRY(NewFile::make(replay.options.save_file));
    CALLCHAIN_TRY(file.write(bytes));
    auto& context = replay.context;
    context.say("callchain: replay-webhook: wrote " + count_of(bytes.size(), "byte") + " to " +
                visible_excerpt(replay.options.save_file, 200));
    prepared.signed_before = delivery;
    if (!replay.options.to.empty() || !context.output.json) return kDone;
    const Json document{
        {"schema", "callchain.replay-webhook/1"},
        {"tool_version", CALLCHAIN_VERSION},
        {"mode", "save"},
        {"to", nullptr},
        {"sent", false},
        {"file", visible(replay.options.save_file)},
        {"webhook_id", visible(delivery.headers.find("webhook-id").value_or(""))},
        {"body", {{"length", delivery.body.size()}, {"sha256", crypto::sha256_hex(delivery.body)}}}};
    print_document(context, document);
    return kDone;
}

struct Addresses {
    std::string url;
    Result<std::vector<std::string>> found;
};

std::vector<Addresses> addresses_of(const ReplayOptions& options) {
    std::vector<Addresses> all;
    for (const auto& url : {options.to, options.compare}) {
        const auto parts = http::read_url(url);
        if (parts) all.push_back({url, http::resolve_host(parts->host)});
    }
    return all;
}

// The requests that would be sent; with --matrix each of its cases.
std::vector<http::ClientRequest> planned_requests(Replay& replay) {
    std::vector<http::ClientRequest> requests;
    if (!replay.options.matrix.empty()) {
        for (const auto& one : matrix_cases(replay))
            requests.push_back(request_for(replay, replay.options.to, one.delivery));
        return requests;
    }
    for (auto& prepared : replay.prepared) {
        const auto delivery = sign_now(replay, prepared);
        requests.push_back(request_for(replay, replay.options.to, delivery));
        if (!replay.options.compare.empty())
            requests.push_back(request_for(replay, replay.options.compare, delivery));
    }
    return requests;
}

Json shown_json(const Replay& replay, const std::vector<http::ClientRequest>& requests) {
    Json document{{"schema", "callchain.replay-webhook/1"},
                  {"tool_version", CALLCHAIN_VERSION},
                  {"mode", "dry_run"},
                  {"to", shown_url(replay.options.to)},
                  {"sent", false},
                  {"addresses", Json::array()},
                  {"requests", Json::array()}};
    for (const auto& one : addresses_of(replay.options)) {
        Json entry{{"url", shown_url(one.url)}, {"addresses", Json::array()}, {"error", nullptr}};
        if (one.found)
            entry["addresses"] = *one.found;
        else
            entry["error"] = one.found.error().message;
        document["addresses"].push_back(std::move(entry));
    }
    for (const auto& request : requests) {
        auto entry = request_json(request, true, "");
        entry["curl"] = http::curl_command(request, "");
        document["requests"].push_back(std::move(entry));
    }
    return document;
}

int show(Replay& replay) {
    auto& context = replay.context;
    const auto requests = planned_requests(replay);
    if (context.output.json) {
        print_document(context, shown_json(replay, requests));
        return kDone;
    }
    if (replay.options.send.print_curl) {
        for (const auto& request : requests) context.out << http::curl_command(request, "") << "\n";
        return kDone;
    }
    for (const auto& one : addresses_of(replay.options)) {
        context.out << "connects to " << shown_url(one.url) << " at "
                    << (one.found ? join(*one.found, ", ") : "no address: " + one.found.error().message)
                    << "\n";
    }
    std::size_t shown = 0;
    for (const auto& request : requests) {
        if (shown++ == kMostRequestsShown) break;
        context.out << "\n";
        show_request(context, request, "");
    }
    if (requests.size() > kMostRequestsShown)
        context.out << "\n(" << with_thousands(requests.size() - kMostRequestsShown)
                    << " more; --json has all)\n";
    if (replay.options.repeat > 1)
        context.out << "\neach is sent " << with_thousands(static_cast<std::uint64_t>(replay.options.repeat))
                    << " times\n";
    return kDone;
}

Result<int> replay_webhook(const ReplayOptions& options, Context& context) {
    const auto edits = CALLCHAIN_TRY(check_options(options));
    webhook::MadeUpIds ids(system::random_bytes(kSeedBytes));
    Replay replay{options, context, ids, {}, {}, {}, {}, {}};
    replay.expected = CALLCHAIN_TRY(Expectation::parse(options.expect.empty() ? "2xx" : options.expect));
    CALLCHAIN_TRY(read_keys(replay));
    const auto sources = CALLCHAIN_TRY(read_sources(options, context, ids));
    CALLCHAIN_TRY(prepare(replay, sources, edits));
    if (!options.save_file.empty()) CALLCHAIN_TRY(save_delivery(replay));
    if (options.to.empty()) return kDone;
    if (options.send.only_shows()) return show(replay);
    if (!options.matrix.empty()) return replay_matrix(replay);
    if (!options.compare.empty()) return replay_comparison(replay);
    return replay_deliveries(replay);
}

void add_source_options(CLI::App& command, ReplayOptions& options) {
    constexpr const char* kGroup = "What to send";
    command
        .add_option("capture", options.paths,
                    "Captures, folders of captures (*.http) or HTTP archives (HAR); - is standard input")
        ->type_name("FILE|DIR");
    const auto add = [&](const char* name, std::string& value, const char* text, const char* type) {
        return command.add_option(name, value, text)->type_name(type)->group(kGroup);
    };
    add("--log", options.log_file, "A log of the service: its record lines hold the deliveries", "FILE");
    add("--body", options.body_file, "With --log: the body, where the log has none", "FILE");
    add("--from-ngrok", options.ngrok_url, "ngrok's inspector, e.g. http://127.0.0.1:4040", "URL");
    add("--event", options.event, "Make up an event: realtime.call.incoming or live.transport.incoming",
        "TYPE")
        ->check(one_of({"realtime.call.incoming", "live.transport.incoming"}));
    add("--pick", options.pick, "Which delivery of a log, an archive or ngrok: a number, last or all", "N");
    command.add_flag("--as-is", options.as_is, "Send the recorded bytes under their old signature")
        ->group(kGroup);
    command
        .add_flag("--keep-id", options.keep_id, "Sign afresh under the recorded webhook-id, as a retry is")
        ->group(kGroup);
    command
        .add_option(
            "--set", options.edits,
            "Change one member of the body before it is signed: data.call_id=rtc_1, or /data/call_id=…; "
            ":= for JSON")
        ->type_name("PATH=VALUE")
        ->allow_extra_args(false)
        ->group(kGroup);
    add_secret_options(command, "secret", "a secret to sign with; several yield one signature each",
                       options.secrets);
}

void add_target_options(CLI::App& command, ReplayOptions& options) {
    constexpr const char* kGroup = "Where to, and how";
    constexpr int kLongest = 3'600;
    constexpr int kLongestTimeout = 600;
    constexpr int kMostAtOnce = 256;
    constexpr double kSlowest = 0.01;
    constexpr double kFastest = 100'000;
    command
        .add_option(
            "--to", options.to,
            "The receiver; where it has no path, that of the capture is taken. Nothing else is connected to")
        ->type_name("URL")
        ->group(kGroup);
    command.add_option("--compare", options.compare, "A second receiver: send both the same, and compare")
        ->type_name("URL")
        ->group(kGroup);
    command
        .add_flag("--matrix{basic}", options.matrix,
                  "Send what the receiver must take and what it must refuse; --matrix=full adds every "
                  "alteration of the body")
        ->check(one_of({"basic", "full"}))
        ->group(kGroup);
    command.add_option("--repeat", options.repeat, "Send each so often, under a new id each time")
        ->check(CLI::Range(1, kMostDeliveries))
        ->capture_default_str()
        ->type_name("N")
        ->group(kGroup);
    command.add_option("--concurrency", options.concurrency, "So many at once")
        ->check(CLI::Range(1, kMostAtOnce))
        ->capture_default_str()
        ->type_name("N")
        ->group(kGroup);
    command.add_option("--rate", options.rate, "At most so many a second")
        ->check(CLI::Range(kSlowest, kFastest))
        ->type_name("N")
        ->group(kGroup);
    command
        .add_flag("--yes-load", options.yes_load,
                  "Allow --repeat above 10, or 1,000 deliveries, to another machine")
        ->group(kGroup);
    command.add_option("--timeout", options.send.timeout_s, "Longest wait for one answer")
        ->check(CLI::Range(1, kLongestTimeout))
        ->capture_default_str()
        ->type_name("SECONDS")
        ->group(kGroup);
    command.add_option("--max-time", options.max_time_s, "Begin no delivery after that")
        ->check(CLI::Range(1, kLongest))
        ->capture_default_str()
        ->type_name("SECONDS")
        ->group(kGroup);
    add_send_options(command, options.send);
}

void add_result_options(CLI::App& command, ReplayOptions& options) {
    constexpr const char* kGroup = "What to make of it";
    constexpr int kMostShown = 65'536;
    command
        .add_option("--expect", options.expect, "Statuses that are right: 200, 2xx, 401,403 (default: 2xx)")
        ->type_name("STATUS")
        ->group(kGroup);
    command.add_option("--show-bytes", options.show_bytes, "So much of each answer is shown")
        ->check(CLI::Range(0, kMostShown))
        ->capture_default_str()
        ->type_name("N")
        ->group(kGroup);
    command
        .add_option("--report", options.reports, "junit=FILE, or github: annotations and the step's summary")
        ->type_name("FORM")
        ->allow_extra_args(false)
        ->group(kGroup);
    command
        .add_option("--save", options.save_file,
                    "Write the delivery as a capture; without --to nothing is sent")
        ->type_name("FILE")
        ->group(kGroup);
}

}  // namespace

void define_replay_webhook(CLI::App& command, Context& context) {
    auto options = std::make_shared<ReplayOptions>();
    add_source_options(command, *options);
    add_target_options(command, *options);
    add_result_options(command, *options);
    add_common_options(command, context);
    set_footer(
        command,
        "Credentials, cookies, hop-by-hop headers and what proxies added never go along; redirects are "
        "not "
        "followed.\nExit codes: 0 all as expected, 1 an unexpected status or answer, 2 usage or "
        "unreadable "
        "input, 6 network failure or timeout, 130 interrupted.",
        {"callchain replay-webhook samples/valid-openai.http --to http://127.0.0.1:8080/openai/webhook "
         "--secret-file samples/secrets/railway.secret --dry-run"});
    set_body(command, context, [options, &context] {
        const auto done = replay_webhook(*options, context);
        return done ? *done : context.report_error(done.error());
    });
}

}  // namespace callchain::cli
