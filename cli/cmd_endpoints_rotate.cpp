#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "endpoints_commands.hpp"
#include "endpoints_common.hpp"
#include "json_output.hpp"
#include "secret_sink.hpp"
#include "signature/secret.hpp"

#include <csignal>
#include <nlohmann/json.hpp>
#include <ostream>
#include <unistd.h>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using openai::EndpointOutcome;

struct RotateOptions : EndpointActionOptions {
    std::string to_file;
    int to_descriptor = -1;
    bool show = false;
    bool drop_old = false;
    [[nodiscard]] bool has_place() const { return !to_file.empty() || to_descriptor >= 0; }
    [[nodiscard]] openai::OldSecret old_secret() const {
        return drop_old ? openai::OldSecret::dropped : openai::OldSecret::kept_24_hours;
    }
};

/// What became of it.
enum class Fate {
    saved,      ///< rotated, and the new secret is where it should be
    unchanged,  ///< certainly nothing happened
    lost,       ///< rotated, and the new secret could not be written
    unknown,    ///< it may have been rotated, and the answer with the new secret is lost or none of the API's
};

std::string_view name_of(Fate fate) {
    switch (fate) {
        case Fate::saved:
            return "saved";
        case Fate::unchanged:
            return "unchanged";
        case Fate::lost:
            return "lost";
        case Fate::unknown:
            break;
    }
    return "unknown";
}

struct Rotation {
    Fate fate = Fate::unknown;
    EndpointReply reply;
    std::string write_failure;  ///< with lost: why
    std::string mask;
    std::string fingerprint;
    std::size_t length = 0;
};

Result<EndpointPlan> plan_rotate(const RotateOptions& options, Context& context) {
    Problems problems;
    const auto refuse = [&](const char* message, const char* hint) {
        problems.add({ErrorCode::usage, message, std::nullopt, hint});
    };
    if (!options.to_file.empty() && options.to_descriptor >= 0)
        refuse("--to-file and --to-fd say two places, and the secret goes to one", "leave one out");
    if (options.to_file == "-")
        refuse("--to-file takes the name of a new file", "standard output is --to-fd 1");
    if (!options.has_place() && !options.send.only_shows())
        refuse("no place for the new secret, which is shown once: neither --to-file nor --to-fd",
               "give --to-file PATH, a file that is not there yet");
    if (options.to_descriptor == STDERR_FILENO)
        refuse("descriptor 2 has the error messages, and the secret must not stand among them",
               "open another one: --to-fd 3 3>FILE");
    if (options.to_descriptor == STDOUT_FILENO && context.output.json)
        refuse("--json needs descriptor 1, so the secret cannot go there",
               "open another one: --to-fd 3 3>FILE");
    return plan_action(context, options, openai::EndpointRequest::rotate_secret,
                       openai::rotate_body(options.old_secret()),
                       "change the signing secret of " + safe_excerpt(options.id, 60) +
                           (options.drop_old ? " and end the old one at once" : ""),
                       std::move(problems));
}

Result<SecretSink> open_sink(const RotateOptions& options) {
    if (!options.to_file.empty()) return SecretSink::new_file(options.to_file);
    return SecretSink::descriptor(
        options.to_descriptor, options.show ? SecretSink::Terminal::allowed : SecretSink::Terminal::refused);
}

Rotation settle(EndpointReply reply, SecretSink& sink) {
    Rotation rotation{Fate::unknown, std::move(reply), {}, {}, {}, 0};
    if (rotation.reply.outcome != EndpointOutcome::done) {
        if (openai::had_no_effect(rotation.reply.outcome, rotation.reply.answer))
            rotation.fate = Fate::unchanged;
        return rotation;
    }
    const auto secret = openai::read_rotated_secret(rotation.reply.body);
    rotation.reply.body.clear();
    if (!secret) {
        refuse_body(rotation.reply, secret.error());
        return rotation;
    }
    if (const auto written = sink.write(*secret); !written) {
        rotation.fate = Fate::lost;
        rotation.write_failure = written.error().message;
        return rotation;
    }
    rotation.fate = Fate::saved;
    rotation.mask = signature::mask_secret(*secret);
    rotation.fingerprint = signature::fingerprint(*secret);
    rotation.length = secret->size();
    return rotation;
}

// What to do now, in order.

std::vector<std::string> next_steps(const RotateOptions& options) {
    const auto test = "callchain endpoints test " + options.id + " --yes";
    if (options.drop_old)
        return {
            "set OPENAI_WEBHOOK_SECRET to the new secret where the service runs and restart it, now: the old "
            "one is dead, and until then every delivery is refused",
            "prove it: " + test};
    return {
        "within 24 hours set OPENAI_WEBHOOK_SECRET to \"NEW,OLD\" where the service runs (serve takes such a "
        "list) and restart it; until then the old secret still verifies",
        "prove it: " + test, "after these 24 hours take the old secret out of the list"};
}

std::string how_to_find_out(const RotateOptions& options) {
    return "callchain endpoints list, and look at " + options.id +
           ": where updated_at is of this minute or the hint is another one, the secret has changed; rotate "
           "again and set that one. Else nothing has happened";
}

Json document_of(const RotateOptions& options, const EndpointPlan& plan) {
    auto document = endpoint_document("rotate", plan, options.send);
    document["id"] = options.id;
    document["old_secret_kept_24h"] = !options.drop_old;
    document["to"] = !options.to_file.empty() ? Json(safe_excerpt(options.to_file, 200))
                     : options.to_descriptor >= 0
                         ? Json("descriptor " + std::to_string(options.to_descriptor))
                         : Json(nullptr);
    return document;
}

std::string code_of(const Rotation& rotation) {
    switch (rotation.fate) {
        case Fate::lost:
            return "endpoint_secret_lost";
        case Fate::unknown:
            return "endpoint_rotation_unknown";
        case Fate::saved:
        case Fate::unchanged:
            break;
    }
    return std::string(openai::code_of(rotation.reply.outcome));
}

void print_json(const RotateOptions& options, const EndpointPlan& plan, const Rotation& rotation,
                Context& context) {
    auto document = document_of(options, plan);
    document["sent"] = !rotation.reply.answer.nothing_was_sent;
    add_reply(document, rotation.reply);
    document["code"] = text_or_null(code_of(rotation));
    document["fate"] = std::string(name_of(rotation.fate));
    document["write_failure"] = text_or_null(rotation.write_failure);
    document["secret"] = nullptr;
    document["next_steps"] = Json::array();
    if (rotation.fate == Fate::saved) {
        document["secret"] = {{"length", rotation.length},
                              {"mask", text_or_null(rotation.mask)},
                              {"fingerprint", text_or_null(rotation.fingerprint)}};
        document["next_steps"] = next_steps(options);
    } else if (rotation.fate == Fate::unknown) {
        document["next_steps"].push_back(how_to_find_out(options));
    }
    print_document(context, document);
}

void print_saved(const RotateOptions& options, const Rotation& rotation, const SecretSink& sink,
                 Context& context) {
    // Whoever takes the secret from standard output wants nothing else in it.
    auto& out = options.to_descriptor == STDOUT_FILENO ? context.err : context.out;
    out << "rotated " << options.id << ", " << duration_in_words(rotation.reply.duration)
        << ": the new secret is in " << sink.where() << "\n"
        << "  secret  " << count_of(rotation.length, "character")
        << (rotation.mask.empty() ? "" : ", " + rotation.mask)
        << (rotation.fingerprint.empty() ? "" : ", fingerprint " + rotation.fingerprint) << "\n"
        << "next:\n";
    std::size_t number = 0;
    for (const auto& step : next_steps(options)) out << "  " << ++number << ". " << step << "\n";
}

int report(const RotateOptions& options, const Rotation& rotation, Context& context) {
    if (rotation.fate == Fate::unchanged)
        return report_reply(
            context, rotation.reply, code_of(rotation),
            std::string(openai::meaning_of(rotation.reply.outcome)) + " The secret is as it was.");
    if (rotation.fate == Fate::unknown)
        return report_reply(context, rotation.reply, code_of(rotation),
                            "the secret of " + options.id +
                                " may have been changed, and the answer that would show the new one is lost");
    // With --json the document on stdout has said so.
    if (!context.output.json)
        context.err << "callchain: " << context.command << ": " << code_of(rotation) << ": the secret of "
                    << options.id << " was changed and the new one is lost; "
                    << (options.drop_old ? "the old one is dead: deliveries fail until another is set"
                                         : "the old one verifies for 24 hours")
                    << " (" << rotation.write_failure << ")\nhint: " << hint_of_code(code_of(rotation))
                    << "\n";
    return kNo;
}

int run(const RotateOptions& options, Context& context) {
    const auto plan = plan_rotate(options, context);
    if (!plan) return context.report_error(plan.error());
    if (options.send.only_shows())
        return show_endpoint_plan(context, options.send, *plan, document_of(options, *plan));
    auto sink = open_sink(options);
    if (!sink) return context.report_error(sink.error());

    // The terminal may go away; the secret must not go with it.
    std::signal(SIGHUP, SIG_IGN);
    http::Client client(client_options(options.send));
    // It lives to the end: no interrupt may come between the answer and the writing.
    http::Loop loop;
    int interrupts = 0;
    auto reply = ask(client, loop, plan->request, openai::EndpointRequest::rotate_secret, [&] {
        // Said with --quiet as well: whoever interrupts wants to know why it goes on.
        if (++interrupts == 1)
            context.err << "callchain: " << context.command
                        << ": the rotation is under way; waiting for its answer, at most "
                        << count_of(static_cast<std::uint64_t>(options.send.timeout_s), "second")
                        << ", so that the new secret is not lost. Interrupt again to give it up\n"
                        << std::flush;
        return interrupts > 1;
    });
    if (!reply) {
        context.report_failure(
            kNetwork,
            "interrupted: endpoint_rotation_unknown: the secret of " + options.id + " may have been changed",
            how_to_find_out(options));
        return kInterrupted;
    }
    const auto rotation = settle(*std::move(reply), *sink);
    if (context.output.json) print_json(options, *plan, rotation, context);
    if (rotation.fate != Fate::saved) return report(options, rotation, context);
    if (!context.output.json) print_saved(options, rotation, *sink, context);
    return kDone;
}

}  // namespace

void add_endpoints_rotate(CLI::App& endpoints, Context& context) {
    constexpr int kMostDescriptor = 65'535;
    auto options = std::make_shared<RotateOptions>();
    auto* command = endpoints.add_subcommand(
        "rotate", "Give an endpoint a new signing secret, and keep it where only you can read it");
    command
        ->add_option("--to-file", options->to_file,
                     "New file for the secret, made before anything is sent, with mode 0600")
        ->type_name("PATH");
    command->add_option("--to-fd", options->to_descriptor, "Open descriptor that the secret is written to")
        ->check(CLI::Range(1, kMostDescriptor))
        ->type_name("N");
    command->add_flag("--show", options->show, "Let the descriptor of --to-fd be a terminal");
    command->add_flag("--no-keep-old-24h", options->drop_old,
                      "End the old secret at once; else it verifies for 24 hours more");
    add_action_options(*command, *options, "Longest wait for the answer; it is asked once");
    add_common_options(*command, context);
    set_footer(
        *command,
        "OpenAI shows a new secret once, in the answer. Where that is lost, the output says whether the "
        "secret may\nhave changed and how to find out. The first interrupt waits for the answer, the "
        "second gives it up.\n"
        "Exit codes: 0 rotated and kept, 1 rotated and the secret could not be written, 2 usage, no "
        "--yes, or no\nplace for it, 4 key refused, 5 OpenAI answered with an error, 6 network failure or "
        "timeout.",
        {"callchain endpoints rotate whe_123 --dry-run", "callchain endpoints rotate whe_123 --print-curl"});
    set_body(*command, context, [options, &context] { return run(*options, context); });
}

}  // namespace callchain::cli
