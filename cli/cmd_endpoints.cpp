#include "commands.hpp"
#include "endpoints_commands.hpp"

namespace callchain::cli {

void define_endpoints(CLI::App& command, Context& context) {
    command.require_subcommand(1);
    add_common_options(command, context);
    set_footer(
        command,
        "Each endpoint signs with a secret of its own. Two of them subscribed to call events, and one "
        "secret copied\nto both hosts, is the likeliest cause of signatures that never match: endpoints "
        "list shows it.",
        {"callchain endpoints list --dry-run"});
    add_endpoints_list(command, context);
    add_endpoints_test(command, context);
    add_endpoints_rotate(command, context);
}

}  // namespace callchain::cli
