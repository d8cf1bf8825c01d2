#include "commands.hpp"

#include <array>

namespace callchain::cli {
namespace {

struct CommandSpec {
    const char* name;
    const char* description;
    void (*define)(CLI::App& command, Context& context);
};

// In the order of the help.
constexpr auto kCommands = std::to_array<CommandSpec>({
    {"verify-sig", "Verify a webhook's signature offline; on a mismatch, prove the cause", define_verify_sig},
    {"sign-webhook", "Turn a JSON body into a correctly signed capture, on stdout", define_sign_webhook},
    {"replay-webhook", "Bring a recorded delivery back to a receiver, or test one with the negative matrix",
     define_replay_webhook},
    {"diff-webhook", "Compare two captures byte by byte; name what turned one body into the other",
     define_diff_webhook},
    {"sdp-filter",
     "Keep only the codecs that the next hop takes; say why each line went, and whether the call can work",
     define_sdp_filter},
    {"twiml", "Print the TwiML that connects a call to OpenAI's SIP endpoint", define_twiml},
    {"accept-call", "Accept an incoming OpenAI SIP call, checked before, confirmed after",
     define_accept_call},
    {"reject-call", "Reject an incoming OpenAI SIP call", define_reject_call},
    {"refer-call", "Transfer an OpenAI SIP call to somebody else (REFER)", define_refer_call},
    {"hangup-call", "Hang up an OpenAI SIP call that was accepted", define_hangup_call},
    {"place-call", "Start an outbound WhatsApp call through Twilio", define_place_call},
    {"endpoints", "OpenAI's webhook endpoints: who is subscribed, whose secret is ours, test, rotate",
     define_endpoints},
    {"serve", "Answer Twilio's and OpenAI's webhooks: dial, verify, accept, follow", define_serve},
    {"gateway", "The SIP gateway: WhatsApp's calls into a Twilio SIP Domain", define_gateway},
    {"health", "Ask a running serve or gateway run whether it is ready", define_health},
    {"simulate", "Run the chain on this host, with stand-ins for Meta, Twilio and OpenAI", define_simulate},
    {"doctor", "Check environment, secrets, clock, network, platform and endpoints; one remedy each",
     define_doctor},
    {"listen", "Receive webhooks: record each as a capture, say whether it is genuine, pass it on",
     define_listen},
    {"twilio", "What Twilio knows of a call", define_twilio},
    {"bundle", "A redacted evidence archive for a ticket to OpenAI, Twilio or Meta", define_bundle},
    {"show", "Show captures: request, webhook-id, body, event, signature headers", define_show},
    {"tail", "Follow a folder of captures: one line for each as it comes", define_tail},
    {"explain", "Explain a finding code, a Twilio error code, a SIP status or a dial result, offline",
     define_explain},
    {"completion", "Print the completion script of a shell", define_completion},
    {"help", "Print the help of a command, or on exit-codes or environment", define_help},
});

void define(const CommandSpec& spec, CLI::App& command, Context& context) {
    // Every command has this option, and none has it before.
    if (command.get_option_no_throw("--json") == nullptr) spec.define(command, context);
}

}  // namespace

void add_commands(CLI::App& root, Context& context) {
    for (const auto& spec : kCommands) {
        auto* command = root.add_subcommand(spec.name, spec.description);
        command->preparse_callback(
            [&spec, command, &context](std::size_t) { define(spec, *command, context); });
    }
}

void define_all_commands(CLI::App& root, Context& context) {
    for (const auto& spec : kCommands) define(spec, *root.get_subcommand(spec.name), context);
}

}  // namespace callchain::cli
