/// The commands. The body of each runs when it was chosen.
#pragma once

#include "context.hpp"

#include <CLI/App.hpp>
#include <functional>
#include <string>
#include <vector>

namespace callchain::cli {

/// Adds every command by name and description alone. Its options, and the commands within it, are made when
/// it is chosen: those of all of them would be most of what a short run costs.
void add_commands(CLI::App& root, Context& context);

/// Makes the options of all of them, and the commands within them: for whoever looks at more than the chosen
/// one.
void define_all_commands(CLI::App& root, Context& context);

// Options, footer and body of each, and the commands within it, which have files of their own; `command` has
// its name and description already.
void define_verify_sig(CLI::App& command, Context& context);
void define_sign_webhook(CLI::App& command, Context& context);
void define_replay_webhook(CLI::App& command, Context& context);
void define_diff_webhook(CLI::App& command, Context& context);
void define_sdp_filter(CLI::App& command, Context& context);
void define_twiml(CLI::App& command, Context& context);
void add_twiml_dial_action(CLI::App& twiml, Context& context);
void add_twiml_fallback(CLI::App& twiml, Context& context);
void add_twiml_lint(CLI::App& twiml, Context& context);
void define_accept_call(CLI::App& command, Context& context);
void define_reject_call(CLI::App& command, Context& context);
void define_refer_call(CLI::App& command, Context& context);
void define_hangup_call(CLI::App& command, Context& context);
void define_place_call(CLI::App& command, Context& context);
void define_endpoints(CLI::App& command, Context& context);
void define_serve(CLI::App& command, Context& context);
void define_gateway(CLI::App& command, Context& context);
void add_gateway_run(CLI::App& gateway, Context& context);
void add_gateway_check(CLI::App& gateway, Context& context);
void add_gateway_probe(CLI::App& gateway, Context& context);
void define_health(CLI::App& command, Context& context);
void define_simulate(CLI::App& command, Context& context);
void add_simulate_call(CLI::App& simulate, Context& context);
void add_simulate_meta(CLI::App& simulate, Context& context);
void add_simulate_twilio(CLI::App& simulate, Context& context);
void add_simulate_openai(CLI::App& simulate, Context& context);
void define_doctor(CLI::App& command, Context& context);
void define_listen(CLI::App& command, Context& context);
void define_twilio(CLI::App& command, Context& context);
void add_twilio_fetch(CLI::App& twilio, Context& context);
void define_bundle(CLI::App& command, Context& context);
void define_show(CLI::App& command, Context& context);
void define_tail(CLI::App& command, Context& context);
void define_explain(CLI::App& command, Context& context);
void define_completion(CLI::App& command, Context& context);
void define_help(CLI::App& command, Context& context);

/// --json, --quiet, --verbose, --color and --env-file: every command takes them.
void add_common_options(CLI::App& command, Context& context);

/// What stands at the end of a command's help: exit codes and the like, then commands that run as they stand
/// from the top folder of the repository, each with `# exit N` behind it where N is not 0. A test runs them.
void set_footer(CLI::App& command, const std::string& text, const std::vector<std::string>& examples);

/// From now on SIGINT and SIGTERM end the command at once with kInterrupted, also as the first process of a
/// container, which the kernel's default spares. For commands that hold nothing to be put back.
void end_on_signals(const Context& context);

/// Accepts these words only, without printing them all behind the option's type in the help.
[[nodiscard]] CLI::Validator one_of(std::vector<std::string> words);

/// Accepts a number from `least` to `most`; unlike CLI::Range it takes no "nan".
[[nodiscard]] CLI::Validator number_within(double least, double most);

/// Where what listens could not be started: an address that is taken is kNetwork, since it may pass by
/// itself, and whoever looks after the process is to try again, which kUsage tells it not to.
int report_start_error(const Error& error, const Context& context);

/// Accepts "host:port" forms of config::parse_listen_address() and writes them out.
[[nodiscard]] CLI::Validator listen_address();

/// Which files of variables are read: those of --env-file; or, in front of them, ./.env where it is there, is
/// ours and nobody else may write it (long-running commands).
enum class EnvFiles { given, own_first };
/// Makes `body` what runs when `command` is chosen, behind the reading of such files; its value is the exit
/// code.
void set_body(CLI::App& command, Context& context, std::function<int()> body,
              EnvFiles reading = EnvFiles::given);

}  // namespace callchain::cli
