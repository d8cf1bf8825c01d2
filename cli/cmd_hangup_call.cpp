#include "call_commands.hpp"
#include "commands.hpp"

namespace callchain::cli {

void define_hangup_call(CLI::App& command, Context& context) {
    auto options = std::make_shared<CallOptions>();
    add_call_options(command, *options, "Longest wait for the answer; it is asked once");
    add_common_options(command, context);
    set_footer(command,
               "A call that is over already is exit 1, call_gone: there is nothing left to hang up.\n"
               "Exit codes: 0 hung up, 1 the call is gone, 2 usage, 4 key refused, 5 OpenAI answered with an "
               "error,\n"
               "6 network failure or timeout.",
               {"callchain hangup-call rtc_u0_abc --dry-run", "callchain hangup-call live_abc --print-curl"});
    set_body(command, context, [options, &context] {
        return run_single_action(context, *options, openai::CallAction::hangup, dialect_of(*options, context),
                                 std::string(), "hung up");
    });
}

}  // namespace callchain::cli
