#include "base/text.hpp"
#include "commands.hpp"
#include "crypto/hash.hpp"
#include "encoding/json_text.hpp"
#include "json_output.hpp"
#include "secrets.hpp"
#include "signature/standard_webhooks.hpp"
#include "system/random.hpp"
#include "webhook/capture.hpp"
#include "webhook/made_up.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

constexpr std::size_t kMostBodyBytes = std::size_t{64} << 20U;

struct SignOptions {
    std::string body_file;
    std::string event;
    SecretSources secrets;
    std::string id;
    std::string timestamp;
    std::string target = "/openai/webhook";
    std::string host = "localhost";
    bool hash = false;
};

// Anything else would break the header lines or be signed otherwise than it is sent.
bool is_header_safe(std::string_view text) { return !text.empty() && is_visible_ascii(text); }

void complete(SignOptions& options, const Context& context, webhook::MadeUpIds& ids) {
    if (options.timestamp.empty()) {
        options.timestamp = std::to_string(
            std::chrono::floor<std::chrono::seconds>(context.clock.now()).time_since_epoch().count());
    }
    if (options.id.empty()) options.id = ids.webhook_id();
}

std::vector<std::string> problems_of(const SignOptions& options) {
    std::vector<std::string> problems;
    if (const auto time = signature::parse_timestamp(options.timestamp); !time)
        problems.push_back(time.error().message);
    for (const auto& [name, value] :
         {std::pair{"--id", options.id}, {"--target", options.target}, {"--host", options.host}}) {
        if (!is_header_safe(value))
            problems.push_back(std::string(name) + " takes visible ASCII characters without blanks");
    }
    if (options.body_file.empty() == options.event.empty())
        problems.push_back(options.event.empty() ? "nothing to sign: no body and no --event"
                                                 : "a body and --event are different sources: give one");
    return problems;
}

Result<std::string> signatures_of(const SignOptions& options,
                                  const std::vector<signature::LabelledSecret>& secrets,
                                  const std::string& body, Context& context) {
    std::vector<std::string> parts;
    for (const auto& secret : secrets) {
        auto key = signature::read_secret(secret.text);
        if (!key)
            return fail(ErrorCode::usage, "secret \"" + secret.label + "\": " + key.error().message,
                        "copy the secret again, whole, from the endpoint's page");
        for (const auto& remark : signature::lint_secret(secret.text)) {
            context.say("callchain: sign-webhook: secret \"" + secret.label +
                        "\": " + std::string(remark.code) + ": " + remark.detail);
        }
        parts.push_back(signature::sign_webhook(crypto::HmacKey(crypto::HashAlgorithm::sha256, key->bytes),
                                                options.id, options.timestamp, body));
    }
    return join(parts, " ");
}

std::string capture_of(const SignOptions& options, const std::string& signature, std::string body) {
    webhook::Capture capture;
    capture.method = "POST";
    capture.target = options.target;
    capture.version = "HTTP/1.1";
    capture.headers.fields = {{"Host", options.host},
                              {"User-Agent", "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"},
                              {"Content-Type", "application/json"},
                              {"Content-Length", std::to_string(body.size())},
                              {"webhook-id", options.id},
                              {"webhook-timestamp", options.timestamp},
                              {"webhook-signature", signature}};
    capture.body = std::move(body);
    return webhook::write_capture(capture);
}

// The event is made up for the time that it is signed with, as one that has just been sent.
Result<std::string> body_of(const SignOptions& options, Context& context, webhook::MadeUpIds& ids) {
    const auto event = webhook::parse_made_up_event(options.event);
    if (event) return webhook::made_up_event(*event, ids, *signature::parse_timestamp(options.timestamp));
    auto body = CALLCHAIN_TRY(context.read_input(options.body_file, kMostBodyBytes));
    if (body.empty())
        return fail(ErrorCode::bad_input, "the body is empty",
                    "name a file with the JSON of an event, or - for standard input");
    return body;
}

Result<int> sign(SignOptions& options, Context& context) {
    constexpr std::size_t kSeedBytes = 32;
    webhook::MadeUpIds ids(system::random_bytes(kSeedBytes));
    complete(options, context, ids);
    auto problems = problems_of(options);
    const auto secrets = read_secrets(context, options.secrets, "OPENAI_WEBHOOK_SECRET");
    if (!secrets)
        problems.push_back(secrets.error().message);
    else if (secrets->empty())
        problems.push_back("no secret given, and OPENAI_WEBHOOK_SECRET is not set");
    if (!problems.empty()) {
        const bool of_secrets = !secrets || secrets->empty();
        return fail(
            ErrorCode::usage, join(problems, "; "),
            of_secrets ? (secrets ? kSecretHint : secrets.error().hint) : "callchain help sign-webhook");
    }
    auto body = CALLCHAIN_TRY(body_of(options, context, ids));
    if (!encoding::parse_json_text(body))
        context.say("callchain: sign-webhook: the body is no JSON; it is signed as it is");
    if (body.ends_with('\n'))
        context.say(
            "callchain: sign-webhook: the body ends in a line end, which is signed with it; OpenAI's do not "
            "have one");
    const auto signature = CALLCHAIN_TRY(signatures_of(options, *secrets, body, context));
    const std::string sha256 = crypto::sha256_hex(body);
    const auto length = body.size();
    const auto request = capture_of(options, signature, std::move(body));
    if (options.hash) {
        context.out << crypto::sha256_hex(request) << "  -\n";
    } else if (context.output.json) {
        const nlohmann::ordered_json document{{"schema", "callchain.sign-webhook/1"},
                                              {"tool_version", CALLCHAIN_VERSION},
                                              {"webhook_id", options.id},
                                              {"webhook_timestamp", options.timestamp},
                                              {"webhook_signature", signature},
                                              {"body", {{"length", length}, {"sha256", sha256}}}};
        print_document(context, document);
    } else {
        context.out << request;
    }
    return kDone;
}

}  // namespace

void define_sign_webhook(CLI::App& command, Context& context) {
    auto options = std::make_shared<SignOptions>();
    command.add_option("body", options->body_file, "The body, byte for byte; - is standard input")
        ->type_name("FILE");
    command
        .add_option("--event", options->event,
                    "Make up the body: realtime.call.incoming or live.transport.incoming")
        ->check(one_of({"realtime.call.incoming", "live.transport.incoming"}))
        ->type_name("TYPE");
    add_secret_options(command, "secret", "a webhook secret; several yield one signature each",
                       options->secrets);
    command.add_option("--id", options->id, "webhook-id (default: wh_ and 32 random hex digits)")
        ->type_name("ID");
    command.add_option("--timestamp", options->timestamp, "webhook-timestamp in Unix seconds (default: now)")
        ->type_name("UNIX");
    command.add_option("--target", options->target, "Path in the request line")
        ->capture_default_str()
        ->type_name("PATH");
    command.add_option("--host", options->host, "Host header")->capture_default_str()->type_name("HOST");
    command.add_flag("--hash", options->hash, "Print the SHA-256 of the capture instead");
    add_common_options(command, context);
    set_footer(command, "Exit codes: 0 written, 2 usage or unreadable input.",
               {"callchain sign-webhook samples/event.json --secret-file samples/secrets/railway.secret",
                "callchain sign-webhook --event realtime.call.incoming --secret-file "
                "samples/secrets/railway.secret"});
    set_body(command, context, [options, &context] {
        const auto done = sign(*options, context);
        return done ? *done : context.report_error(done.error());
    });
}

}  // namespace callchain::cli
