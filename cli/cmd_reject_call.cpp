#include "call_commands.hpp"
#include "commands.hpp"
#include "openai/session_body.hpp"

namespace callchain::cli {

void define_reject_call(CLI::App& command, Context& context) {
    struct Options {
        CallOptions call;
        int status = 0;
    };
    constexpr int kLowestStatus = 300;
    constexpr int kHighestStatus = 699;
    auto options = std::make_shared<Options>();
    command
        .add_option(
            "--status", options->status,
            "SIP status for the caller's side, 300 to 699: 486 busy, 603 declined (OpenAI's default; Live "
            "has none)")
        ->check(CLI::Range(kLowestStatus, kHighestStatus))
        ->type_name("STATUS");
    add_call_options(command, options->call, "Longest wait for the answer; it is asked once");
    add_common_options(command, context);
    set_footer(
        command,
        "The first accept or reject of a call decides, here or in another process.\n"
        "Exit codes: 0 rejected, 1 the call is gone or decided, 2 usage, 4 key refused, 5 OpenAI answered "
        "with an error,\n6 network failure or timeout.",
        {"callchain reject-call rtc_u0_abc --status 486 --dry-run",
         "callchain reject-call live_abc --status 603 --print-curl"});
    set_body(command, context, [options, &context] {
        const auto dialect = dialect_of(options->call, context);
        return run_single_action(context, options->call, openai::CallAction::reject, dialect,
                                 openai::write_reject_body(dialect, options->status), "rejected");
    });
}

}  // namespace callchain::cli
