/// The subcommands. Each adds itself to the parser; its body runs when it was chosen.
#pragma once

#include "context.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace callchain::cli {

void add_verify_sig(CLI::App& root, Context& context);
void add_sign_webhook(CLI::App& root, Context& context);
void add_replay_webhook(CLI::App& root, Context& context);
void add_diff_webhook(CLI::App& root, Context& context);
void add_sdp_filter(CLI::App& root, Context& context);
void add_twiml(CLI::App& root, Context& context);  ///< with the commands within it, each in its own file
void add_twiml_dial_action(CLI::App& twiml, Context& context);
void add_twiml_fallback(CLI::App& twiml, Context& context);
void add_twiml_lint(CLI::App& twiml, Context& context);
void add_accept_call(CLI::App& root, Context& context);
void add_reject_call(CLI::App& root, Context& context);
void add_refer_call(CLI::App& root, Context& context);
void add_hangup_call(CLI::App& root, Context& context);
void add_place_call(CLI::App& root, Context& context);
void add_endpoints(CLI::App& root, Context& context);  ///< with the commands within it, each in its own file
void add_serve(CLI::App& root, Context& context);
void add_gateway(CLI::App& root, Context& context);  ///< with the commands within it, each in its own file
void add_gateway_run(CLI::App& gateway, Context& context);
void add_gateway_check(CLI::App& gateway, Context& context);
void add_gateway_probe(CLI::App& gateway, Context& context);
void add_health(CLI::App& root, Context& context);
void add_simulate(CLI::App& root, Context& context);  ///< with the commands within it, each in its own file
void add_simulate_call(CLI::App& simulate, Context& context);
void add_simulate_meta(CLI::App& simulate, Context& context);
void add_simulate_twilio(CLI::App& simulate, Context& context);
void add_simulate_openai(CLI::App& simulate, Context& context);
void add_doctor(CLI::App& root, Context& context);
void add_listen(CLI::App& root, Context& context);
void add_twilio(CLI::App& root, Context& context);  ///< with the command within it, in a file of its own
void add_twilio_fetch(CLI::App& twilio, Context& context);
void add_bundle(CLI::App& root, Context& context);
void add_show(CLI::App& root, Context& context);
void add_tail(CLI::App& root, Context& context);
void add_explain(CLI::App& root, Context& context);
void add_completion(CLI::App& root, Context& context);
void add_help(CLI::App& root, Context& context);

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
