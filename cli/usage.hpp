/// Errors of the command line, told without CLI11's exit codes and without echoing a secret.
#pragma once

#include "context.hpp"

#include <CLI/CLI.hpp>

namespace callchain::cli {

/// Prints help where help was asked for, else what is wrong and how to go on. Returns the exit code.
[[nodiscard]] int report_parse_error(const CLI::App& root, const CLI::ParseError& error, int argc,
                                     char** argv, Context& context);

}  // namespace callchain::cli
