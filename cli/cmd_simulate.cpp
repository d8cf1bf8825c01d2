#include "commands.hpp"

namespace callchain::cli {

void define_simulate(CLI::App& command, Context& context) {
    command.require_subcommand(1);
    add_common_options(command, context);
    set_footer(
        command,
        "Everything stays on loopback, with certificates and secrets that live as long as the run. Nothing "
        "reaches Meta, Twilio or OpenAI.",
        {"callchain simulate call --help", "callchain simulate twilio --help"});
    add_simulate_call(command, context);
    add_simulate_meta(command, context);
    add_simulate_twilio(command, context);
    add_simulate_openai(command, context);
}

}  // namespace callchain::cli
