#include "commands.hpp"

namespace callchain::cli {

void define_gateway(CLI::App& command, Context& context) {
    command.require_subcommand(1);
    add_common_options(command, context);
    set_footer(command,
               "Meta's terms forbid the telephone network (PSTN) on any leg of a WhatsApp call, behind a SIP "
               "trunk as "
               "well:\nlet TwiML dial <Sip> or <Client>, and no <Number>.",
               {"callchain gateway run --help"});
    add_gateway_run(command, context);
    add_gateway_check(command, context);
    add_gateway_probe(command, context);
}

}  // namespace callchain::cli
