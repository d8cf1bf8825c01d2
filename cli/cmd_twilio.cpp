#include "commands.hpp"

namespace callchain::cli {

void define_twilio(CLI::App& command, Context& context) {
    command.require_subcommand(1);
    add_common_options(command, context);
    set_footer(
        command,
        "Twilio keeps of each call its legs, its webhooks and its errors. twilio fetch gets them all and "
        "says what\nbecame of the call.",
        {"callchain twilio fetch CA00000000000000000000000000000001 --account-sid "
         "AC00000000000000000000000000000001 --dry-run"});
    add_twilio_fetch(command, context);
}

}  // namespace callchain::cli
