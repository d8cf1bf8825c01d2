/// Errors of the command line, told without CLI11's exit codes and without echoing a secret.
#pragma once

#include "context.hpp"

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

namespace callchain::cli {

/// An error where an argument is a secret, or an option asks for one: nothing of the command line may be
/// echoed then.
[[nodiscard]] std::optional<Error> find_secret_argument(int argc, char** argv);

/// "verify-sig", "twiml lint": the words behind `callchain` that choose it; empty for the program itself.
[[nodiscard]] std::string path_of(const CLI::App& command);

/// Every command below `app`, those within commands behind the one that holds them.
[[nodiscard]] std::vector<const CLI::App*> all_commands(const CLI::App& app);

/// The help of one command, with the program's name in its usage line.
[[nodiscard]] std::string help_of(const CLI::App& command);

/// Prints help where help was asked for, else what is wrong and how to go on. Returns the exit code.
[[nodiscard]] int report_parse_error(const CLI::App& root, const CLI::ParseError& error, int argc,
                                     char** argv, Context& context);

}  // namespace callchain::cli
