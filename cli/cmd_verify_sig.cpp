#include "base/text.hpp"
#include "commands.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/delivery.hpp"
#include "diagnosis/log_diagnosis.hpp"
#include "diagnosis/twilio_report.hpp"
#include "diagnosis/webhook_diagnosis.hpp"
#include "secrets.hpp"
#include "webhook/capture.hpp"
#include "webhook/railway_log.hpp"

#include <algorithm>
#include <ostream>

namespace callchain::cli {
namespace {

constexpr std::size_t kMostBodyBytes = std::size_t{64} << 20U;
constexpr std::size_t kMostLogBytes = std::size_t{512} << 20U;

struct VerifyOptions {
    std::string body_file;
    std::string request_file;
    std::string log_file;
    std::vector<std::string> headers;
    std::optional<std::string> id;
    std::optional<std::string> timestamp;
    std::optional<std::string> signature;
    std::optional<std::string> computed;
    std::optional<std::uint64_t> expect_length;
    std::optional<std::string> expect_sha256;
    std::string scheme = "auto";
    std::vector<std::string> urls;
    std::string method;
    SecretSources secrets;
    SecretSources tokens;
    std::int64_t tolerance_seconds = 300;
    std::optional<std::int64_t> now;
    bool hash = false;
    std::vector<std::string> fail_on;
};

// One request, from a capture or from options.
struct Input {
    webhook::Capture request;
    std::vector<diagnosis::Finding> remarks;
    std::string body_name;
};

using Sys = std::chrono::sys_seconds;

Sys now_of(const VerifyOptions& options, const Context& context) {
    if (options.now) return Sys(std::chrono::seconds(*options.now));
    return std::chrono::floor<std::chrono::seconds>(context.clock.now());
}

Result<void> add_header(webhook::Headers& headers, const std::string& line) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || trim(line.substr(0, colon)).empty()) {
        return fail(ErrorCode::usage, "--header without a colon: \"" + visible_excerpt(line, 60) + "\"",
                    "write it as --header 'name: value'");
    }
    headers.fields.push_back({std::string(trim(std::string_view(line).substr(0, colon))),
                              std::string(trim(std::string_view(line).substr(colon + 1)))});
    return {};
}

// An option replaces what the capture says.
void set_header(webhook::Headers& headers, const std::string& name, const std::optional<std::string>& value) {
    if (!value) return;
    auto& fields = headers.fields;
    fields.erase(
        std::remove_if(fields.begin(), fields.end(),
                       [&](const webhook::Header& field) { return equal_ignoring_case(field.name, name); }),
        fields.end());
    fields.push_back({name, *value});
}

Result<Input> read_request(const VerifyOptions& options, Context& context) {
    Input input;
    if (!options.request_file.empty()) {
        const auto bytes = CALLCHAIN_TRY(context.read_input(options.request_file, kMostBodyBytes));
        auto capture = webhook::parse_capture(bytes);
        if (!capture) {
            Error error = capture.error();
            error.message = visible_excerpt(options.request_file, 200) + ": " + error.message;
            return tl::unexpected(std::move(error));
        }
        input.request = *std::move(capture);
        input.remarks = diagnosis::capture_findings(input.request);
        input.body_name = options.request_file;
    }
    if (!options.body_file.empty()) {
        input.request.body = CALLCHAIN_TRY(context.read_input(options.body_file, kMostBodyBytes));
        input.body_name = options.body_file;
    }
    for (const auto& line : options.headers) CALLCHAIN_TRY(add_header(input.request.headers, line));
    set_header(input.request.headers, "webhook-id", options.id);
    set_header(input.request.headers, "webhook-timestamp", options.timestamp);
    const bool twilio = options.scheme == "twilio" ||
                        (options.scheme == "auto" &&
                         diagnosis::scheme_of(input.request.headers) == diagnosis::Scheme::twilio);
    set_header(input.request.headers, twilio ? "X-Twilio-Signature" : "webhook-signature", options.signature);
    return input;
}

std::string missing_text(const std::vector<std::string>& missing) {
    return "the request has no " + join(missing, ", no ") + (missing.size() == 1 ? " header" : " headers") +
           " (header_missing)";
}

// All that is missing is told at once, so that nobody has to run the command three times to find out.
Result<diagnosis::WebhookMaterial> webhook_material(const VerifyOptions& options, Input input,
                                                    Context& context) {
    std::vector<std::string> problems;
    diagnosis::WebhookMaterial material;
    auto found = diagnosis::find_signature_headers(input.request.headers);
    if (options.computed) std::erase(found.missing, "webhook-signature");
    if (!found.missing.empty()) problems.push_back(missing_text(found.missing));
    auto secrets = read_secrets(context, options.secrets, "OPENAI_WEBHOOK_SECRET");
    if (!secrets)
        problems.push_back(secrets.error().message);
    else if (secrets->empty())
        problems.push_back("no secret given, and OPENAI_WEBHOOK_SECRET is not set");
    if (!problems.empty()) {
        const bool headers = !found.missing.empty();
        return fail(ErrorCode::usage, join(problems, "; "),
                    headers ? "pass a whole capture with --request FILE, or --id, --timestamp and "
                              "--signature; a proxy or framework may have renamed the headers"
                            : kSecretHint);
    }
    material.secrets = *std::move(secrets);
    material.id = found.id;
    material.timestamp = found.timestamp;
    material.signature = found.signature;
    material.headers = diagnosis::pairs_of(input.request.headers);
    material.body = std::move(input.request.body);
    material.computed = options.computed;
    material.expected_length = options.expect_length;
    material.expected_sha256 = options.expect_sha256;
    material.remarks = std::move(found.remarks);
    material.remarks.insert(material.remarks.end(), input.remarks.begin(), input.remarks.end());
    return material;
}

int exit_code_of(const diagnosis::Report& report, const VerifyOptions& options, const Context& context) {
    for (const auto& finding : report.findings) {
        const bool chosen =
            std::find(options.fail_on.begin(), options.fail_on.end(), finding.code) != options.fail_on.end();
        if (!chosen) continue;
        if (!context.output.json) {
            context.say("callchain: verify-sig: exit code 1 because of --fail-on " + finding.code);
        }
        return kNo;
    }
    switch (report.verdict) {
        case diagnosis::Verdict::valid:
            return kDone;
        case diagnosis::Verdict::invalid:
            return kNo;
        case diagnosis::Verdict::cannot_tell:
            break;
    }
    return kCannotTell;
}

int print_report(const diagnosis::Report& report, const VerifyOptions& options, Context& context) {
    context.out << (context.output.json ? diagnosis::render_json(report, CALLCHAIN_VERSION)
                                        : diagnosis::render_text(report, context.colour_of_out()));
    return exit_code_of(report, options, context);
}

Result<int> verify_standard(const VerifyOptions& options, Input input, Context& context) {
    const auto material = CALLCHAIN_TRY(webhook_material(options, std::move(input), context));
    const auto report = CALLCHAIN_TRY(diagnosis::diagnose_webhook(
        material, now_of(options, context), std::chrono::seconds(options.tolerance_seconds)));
    return print_report(report, options, context);
}

Result<int> verify_twilio(const VerifyOptions& options, const Input& input, Context& context) {
    if (options.computed || options.expect_length || options.expect_sha256) {
        return fail(ErrorCode::usage,
                    "--computed, --expect-length and --expect-sha256 are for Standard Webhooks, and this is "
                    "a request of Twilio's",
                    "leave them out, or say --scheme standard");
    }
    const auto tokens = CALLCHAIN_TRY(read_secrets(context, options.tokens, "TWILIO_AUTH_TOKEN"));
    diagnosis::TwilioMaterial material{tokens, {}};
    const auto signature = input.request.headers.find("x-twilio-signature");
    if (!signature)
        return fail(ErrorCode::usage, missing_text({"X-Twilio-Signature"}),
                    "pass --signature, or a whole capture with --request FILE");
    material.signature = *signature;
    material.headers = diagnosis::pairs_of(input.request.headers);
    material.target = input.request.target;
    material.method = !options.method.empty()        ? std::string_view(options.method)
                      : input.request.method.empty() ? "POST"
                                                     : std::string_view(input.request.method);
    material.content_type = input.request.headers.find("content-type").value_or("");
    material.body = input.request.body;
    for (const auto& url : options.urls) material.urls.push_back({url, "--url"});
    if (material.urls.empty())
        material.urls = signature::rebuild_urls(input.request.target, material.headers);
    if (tokens.empty())
        return fail(ErrorCode::usage, "no auth token given, and TWILIO_AUTH_TOKEN is not set",
                    "name it with --auth-token-env, --auth-token-file or --auth-token-fd");
    auto report = CALLCHAIN_TRY(diagnosis::judge_twilio(material));
    diagnosis::add_reader_remarks(report, input.remarks);
    return print_report(report, options, context);
}

Result<int> verify_log(const VerifyOptions& options, Context& context) {
    const auto bytes = CALLCHAIN_TRY(context.read_input(options.log_file, kMostLogBytes));
    if (trim(bytes).empty())
        return fail(ErrorCode::bad_input, visible_excerpt(options.log_file, 200) + " is empty",
                    "copy the log of the service around the failed delivery into it");
    const auto reading = webhook::read_railway_log(bytes);
    auto secrets = CALLCHAIN_TRY(read_secrets(context, options.secrets, "OPENAI_WEBHOOK_SECRET"));
    diagnosis::LogMaterial material{reading,
                                    std::move(secrets),
                                    std::nullopt,
                                    options.expect_sha256,
                                    options.expect_length,
                                    options.computed,
                                    std::nullopt,
                                    std::chrono::seconds(options.tolerance_seconds)};
    if (options.now) material.now = now_of(options, context);
    if (!options.body_file.empty())
        material.body = CALLCHAIN_TRY(context.read_input(options.body_file, kMostBodyBytes));
    const bool none_readable =
        std::none_of(material.secrets.begin(), material.secrets.end(),
                     [](const auto& secret) { return signature::read_secret(secret.text).has_value(); });
    if (none_readable && !material.secrets.empty()) {
        Error error = signature::read_secret(material.secrets.front().text).error();
        error.message = "secret \"" + material.secrets.front().label + "\": " + error.message;
        return tl::unexpected(std::move(error));
    }
    const auto report = diagnosis::diagnose_log(material);
    context.out << (context.output.json
                        ? diagnosis::render_log_json(report, reading, CALLCHAIN_VERSION)
                        : diagnosis::render_log_text(report, reading, context.colour_of_out()));
    return exit_code_of(report.overall, options, context);
}

Result<void> check_options(const VerifyOptions& options) {
    std::vector<std::string> problems;
    if (options.body_file.empty() && options.request_file.empty() && options.log_file.empty())
        problems.push_back("nothing to verify: no --request, no --body and no --log");
    if (options.computed && trim(*options.computed).empty()) problems.push_back("--computed is empty");
    if (options.hash && !options.log_file.empty())
        problems.push_back(
            "--hash is of a body, and a log has none of its own: name it with --body or --request");
    if (!options.log_file.empty() && (options.scheme == "twilio" || !options.urls.empty()))
        problems.push_back(
            "--log is of Standard Webhooks deliveries: --scheme twilio and --url have no use there");
    if (options.expect_sha256) {
        const bool hex =
            options.expect_sha256->size() == 64 &&
            std::all_of(options.expect_sha256->begin(), options.expect_sha256->end(), [](char c) {
                return is_ascii_digit(c) ||
                       (ascii_lower({&c, 1})[0] >= 'a' && ascii_lower({&c, 1})[0] <= 'f');
            });
        if (!hex) problems.push_back("--expect-sha256 takes 64 hex digits");
    }
    for (const auto& code : options.fail_on) {
        if (diagnosis::find_entry(code) == nullptr)
            problems.push_back("--fail-on: there is no finding code \"" + visible_excerpt(code, 60) + "\"");
    }
    if (problems.empty()) return {};
    return fail(ErrorCode::usage, join(problems, "; "), "callchain help verify-sig");
}

Result<int> verify(const VerifyOptions& options, Context& context) {
    CALLCHAIN_TRY(check_options(options));
    if (!options.log_file.empty()) return verify_log(options, context);
    auto input = CALLCHAIN_TRY(read_request(options, context));
    if (options.hash) {
        context.out << crypto::sha256_hex(input.request.body) << "  " << visible(input.body_name) << "\n";
        return kDone;
    }
    const bool twilio = options.scheme == "twilio" ||
                        (options.scheme == "auto" &&
                         diagnosis::scheme_of(input.request.headers) == diagnosis::Scheme::twilio);
    return twilio ? verify_twilio(options, input, context)
                  : verify_standard(options, std::move(input), context);
}

void add_input_options(CLI::App& command, VerifyOptions& options) {
    constexpr const char* kGroup = "Input";
    auto* request = command
                        .add_option("--request", options.request_file,
                                    "A capture: request line, headers and body together; - is standard input")
                        ->type_name("FILE")
                        ->group(kGroup);
    auto* body = command.add_option("--body", options.body_file, "The body alone, byte for byte")
                     ->type_name("FILE")
                     ->group(kGroup)
                     ->excludes(request);
    auto* log = command
                    .add_option("--log", options.log_file,
                                "A log of the service, in any shape that Railway gives it; --body adds the "
                                "body where the log has none")
                    ->type_name("FILE")
                    ->group(kGroup)
                    ->excludes(request);
    static_cast<void>(body);
    command.add_option("--header", options.headers, "A header of the request, repeatable")
        ->type_name("'NAME: VALUE'")
        ->allow_extra_args(false)
        ->group(kGroup)
        ->excludes(log);
    command.add_option("--id", options.id, "Value of webhook-id")
        ->type_name("ID")
        ->group(kGroup)
        ->excludes(log);
    command.add_option("--timestamp", options.timestamp, "Value of webhook-timestamp")
        ->type_name("TS")
        ->group(kGroup)
        ->excludes(log);
    command.add_option("--signature", options.signature, "Value of webhook-signature or X-Twilio-Signature")
        ->type_name("SIG")
        ->group(kGroup)
        ->excludes(log);
    command
        .add_option("--computed", options.computed,
                    "The value that your own code printed: finds the recipe that yields it")
        ->type_name("SIG")
        ->group(kGroup);
    command
        .add_option("--expect-length", options.expect_length, "Bytes of the body as sent or logged elsewhere")
        ->type_name("N")
        ->group(kGroup);
    command
        .add_option("--expect-sha256", options.expect_sha256,
                    "SHA-256 of the body as sent or logged elsewhere")
        ->type_name("HEX")
        ->group(kGroup);
}

}  // namespace

void define_verify_sig(CLI::App& command, Context& context) {
    auto options = std::make_shared<VerifyOptions>();
    add_input_options(command, *options);
    add_secret_options(command, "secret", "a webhook secret, or a list of them", options->secrets);
    command
        .add_option("--scheme", options->scheme,
                    "standard (Standard Webhooks), twilio, or auto: by the headers")
        ->check(one_of({"auto", "standard", "twilio"}))
        ->capture_default_str()
        ->type_name("SCHEME");
    command
        .add_option("--tolerance", options->tolerance_seconds,
                    "Seconds that the timestamp may be off, both ways")
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{86'400} * 365).description(""))
        ->capture_default_str()
        ->type_name("S");
    command.add_option("--now", options->now, "Judge the age as of this Unix time")
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40).description(""))
        ->type_name("UNIX");
    constexpr const char* kTwilio = "Twilio";
    command
        .add_option("--url", options->urls,
                    "The URL configured at Twilio, repeatable; without it, URLs are rebuilt from the "
                    "request's headers")
        ->type_name("URL")
        ->allow_extra_args(false)
        ->group(kTwilio);
    command
        .add_option("--method", options->method,
                    "Method of the request where --body is given (default: POST)")
        ->type_name("METHOD")
        ->group(kTwilio);
    add_secret_options(command, "auth-token", "the account's auth token", options->tokens);
    command.add_flag("--hash", options->hash, "Print the SHA-256 of the body instead, as sha256sum does");
    command.add_option("--fail-on", options->fail_on, "Exit 1 where one of these findings is made")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("CODE,…");
    add_common_options(command, context);
    set_footer(command, "Exit codes: 0 valid, 1 invalid, 2 usage or unreadable input, 3 cannot tell.",
               {"callchain verify-sig --request samples/reserialized-body.http --secret-file "
                "samples/secrets/railway.secret  # exit 1",
                "callchain verify-sig --log samples/masked-log/railway.log  # exit 3"});
    set_body(command, context, [options, &context] {
        const auto done = verify(*options, context);
        return done ? *done : context.report_error(done.error());
    });
}

}  // namespace callchain::cli
