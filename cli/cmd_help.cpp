#include "base/text.hpp"
#include "commands.hpp"
#include "service/gateway_config.hpp"
#include "service/serve_config.hpp"
#include "usage.hpp"

#include <algorithm>
#include <ostream>
#include <span>

namespace callchain::cli {
namespace {

constexpr const char* kExitCodes =
    "Exit codes\n"
    "    0  done, and the answer is yes\n"
    "    1  done, and the answer is no: signature invalid, bodies differ, no codec left, TwiML with\n"
    "       errors, a dial that failed, a call that is gone, a code of --fail-on was found, a receiver\n"
    "       that answered otherwise than it should\n"
    "    2  usage, or input that cannot be read or parsed\n"
    "    3  cannot tell: nothing could be proved, and evidence is known to be lost\n"
    "    4  a credential was refused by the other side\n"
    "    5  the other side answered with an error\n"
    "    6  network failure or timeout\n"
    "   70  a fault of callchain itself\n"
    "  130  interrupted\n";

constexpr const char* kEnvironment =
    "Environment\n"
    "  OPENAI_WEBHOOK_SECRET  secret of the webhook endpoint, or several separated by commas; read where no\n"
    "                         --secret-env, --secret-file or --secret-fd is given\n"
    "  TWILIO_AUTH_TOKEN      auth token of the Twilio account; read where no --auth-token-env, "
    "--auth-token-file\n"
    "                         or --auth-token-fd is given\n"
    "  OPENAI_PROJECT_ID      project, proj_…; read by twiml where no --project-id is given\n"
    "  OPENAI_SIP_REGION      Twilio's region for the SIP leg, e.g. br1; read by twiml where no --region or "
    "--edge is\n"
    "                         given\n"
    "  TWILIO_SIP_CALLER_ID   number of the WhatsApp sender, in E.164 form; read by twiml where no "
    "--caller-id is "
    "given\n"
    "  OPENAI_API_KEY         API key; read by endpoints, accept-call, reject-call, refer-call and\n"
    "                         hangup-call where no --api-key-env, --api-key-file or --api-key-fd is given\n"
    "  OPENAI_BASE_URL        base of the API with /v1; read by them where no --base-url is given\n"
    "  OPENAI_REALTIME_MODEL, OPENAI_REALTIME_VOICE\n"
    "                         model and voice of accept-call on the Realtime API, where no --model, --voice "
    "or\n"
    "                         --session is given\n"
    "  OPENAI_PROMPT_PATH, OPENAI_REALTIME_INSTRUCTIONS\n"
    "                         instructions of accept-call: from a file, else the text; read where no\n"
    "                         --instructions, --instructions-file or --session is given\n"
    "  TWILIO_ACCOUNT_SID, TWILIO_SID\n"
    "                         account, AC…; read by place-call and twilio fetch where no --account-sid is "
    "given\n"
    "  TWILIO_TOKEN           auth token; read by them where TWILIO_AUTH_TOKEN is not set either\n"
    "  TWILIO_API_KEY, TWILIO_API_SECRET\n"
    "                         an API key, SK…, and its secret; read by them where no token is named\n"
    "  TWILIO_EDGE, TWILIO_REGION\n"
    "                         where they ask; read where no --edge, --region or --base-url is given\n"
    "  CALLCHAIN_TWILIO_API_URL, CALLCHAIN_TWILIO_MONITOR_URL\n"
    "                         bases of Twilio's APIs, for stand-ins; the second is of twilio fetch alone\n"
    "  WHATSAPP_CALL_FROM     number of the WhatsApp sender; read by place-call where no --from is given\n"
    "  TWILIO_CALL_TWIML_URL  asked for TwiML when a placed call is answered; read by place-call where no\n"
    "                         --twiml-url, --message or --application-sid is given\n"
    "  https_proxy, no_proxy  proxy for what is sent, as curl reads them; never for loopback addresses\n"
    "  NO_COLOR               set and not empty: no colour\n"
    "  TERM                   \"dumb\": no colour\n"
    "--env-file PATH reads more of them from a file; the real environment wins.\n";

// One table of settings: name, then what it means, wrapped behind it.
std::string settings_help(std::string_view title, std::span<const config::SettingSpec> specs) {
    constexpr std::size_t kColumn = 33;
    constexpr std::size_t kWidth = 100;
    std::string text = "\n" + std::string(title) + "\n";
    for (const auto& spec : specs) {
        auto name = "  " + std::string(spec.name);
        name.resize(std::max(kColumn, name.size() + 1), ' ');
        auto meaning = std::string(spec.meaning);
        if (!spec.fallback.empty()) meaning += " [" + std::string(spec.fallback) + "]";
        text += name + wrap_text(meaning, kWidth, std::string(kColumn, ' ')) + "\n";
    }
    return text;
}

int print_help(const std::vector<std::string>& words, CLI::App& root, Context& context) {
    const auto topic = join(words, " ");
    if (topic.empty()) {
        // App::help() would hand over to the chosen subcommand, which is this one.
        context.out << root.get_formatter()->make_help(&root, "callchain", CLI::AppFormatMode::Normal);
        return kDone;
    }
    if (topic == "exit-codes" || topic == "environment") {
        context.out << (topic == "exit-codes" ? kExitCodes : kEnvironment);
        if (topic == "environment")
            context.out << settings_help("Settings of serve", service::serve_settings())
                        << settings_help("Settings of gateway run and gateway check",
                                         service::gateway_settings());
        return kDone;
    }
    define_all_commands(root, context);
    for (const auto* command : all_commands(root)) {
        if (path_of(*command) != topic) continue;
        context.out << help_of(*command);
        return kDone;
    }
    return context.report_error(
        {ErrorCode::usage, "there is no help on \"" + visible_excerpt(topic, 60) + "\"", std::nullopt,
         "topics are the commands (callchain --help lists them), exit-codes and environment"});
}

}  // namespace

void define_help(CLI::App& command, Context& context) {
    auto topic = std::make_shared<std::vector<std::string>>();
    command.add_option("topic", *topic, "A command, exit-codes or environment")->type_name("TOPIC");
    add_common_options(command, context);
    set_body(command, context,
             [topic, &command, &context] { return print_help(*topic, *command.get_parent(), context); });
}

}  // namespace callchain::cli
