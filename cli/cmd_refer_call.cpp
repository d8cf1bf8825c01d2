#include "call_commands.hpp"
#include "commands.hpp"
#include "openai/session_body.hpp"

namespace callchain::cli {

void define_refer_call(CLI::App& command, Context& context) {
    struct Options {
        CallOptions call;
        std::string target;
    };
    auto options = std::make_shared<Options>();
    command.add_option("--target-uri", options->target, "Where the call goes: tel:+5561… or sip:user@host")
        ->required()
        ->type_name("URI");
    add_call_options(command, options->call, "Longest wait for the answer; it is asked once");
    add_common_options(command, context);
    set_footer(
        command,
        "Done means that OpenAI took the request: no event tells whether the transfer worked. Twilio asks "
        "the\nreferUrl of <Dial> and refuses the REFER without one: callchain twiml --refer-url.\n"
        "Exit codes: 0 taken, 1 the call is gone, 2 usage, 4 key refused, 5 OpenAI answered with an error,\n"
        "6 network failure or timeout.",
        {"callchain refer-call rtc_u0_abc --target-uri tel:+5561999998888 --dry-run",
         "callchain refer-call rtc_u0_abc --target-uri sip:desk@pbx.example.com --print-curl"});
    set_body(command, context, [options, &context] {
        const auto dialect = dialect_of(options->call, context);
        return run_single_action(context, options->call, openai::CallAction::refer, dialect,
                                 openai::write_refer_body(options->target), "transfer asked for:");
    });
}

}  // namespace callchain::cli
