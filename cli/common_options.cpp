#include "base/text.hpp"
#include "commands.hpp"
#include "config/env_file.hpp"
#include "config/network.hpp"
#include "service/gateway_check.hpp"
#include "usage.hpp"

#include <algorithm>
#include <csignal>
#include <sys/stat.h>
#include <unistd.h>

namespace callchain::cli {
namespace {

constexpr std::size_t kMostEnvFileBytes = std::size_t{1} << 20U;

Result<void> read_env_file(Context& context, const std::string& path) {
    const auto text = CALLCHAIN_TRY(context.read_input(path, kMostEnvFileBytes));
    auto assignments = config::parse_env_file(text);
    if (!assignments) {
        Error error = assignments.error();
        error.message = visible_excerpt(path, 100) + ": " + error.message;
        if (error.hint.empty())
            error.hint =
                "write one NAME=value a line; a value with blanks stands in quotes, closed on the same line";
        return tl::unexpected(std::move(error));
    }
    context.add_variables(*assignments, visible_excerpt(path, 100));
    return {};
}

/// Why the file must not be read on its own account, or nullopt: whoever may write it could set the secrets.
std::optional<std::string> why_not_ours(const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return "it is no regular file";
    if (status.st_uid != ::geteuid()) return "it belongs to another user";
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "others may write it: chmod go-w .env";
    return std::nullopt;
}

/// Errors: those of the file's form. What was done goes into the command's first lines.
Result<std::optional<std::string>> read_own_env_file(Context& context) {
    struct stat status {};
    if (::stat(".env", &status) != 0) return std::nullopt;
    if (const auto why = why_not_ours(status)) return ".env is there and was not read: " + *why;
    CALLCHAIN_TRY(read_env_file(context, ".env"));
    return "read .env";
}

}  // namespace

void add_common_options(CLI::App& command, Context& context) {
    constexpr const char* kGroup = "Common";
    command.set_help_flag("-h,--help", "Print this help")->group(kGroup);
    command.add_flag("--json", context.output.json, "Print one JSON document")->group(kGroup);
    command.add_flag("-q,--quiet", context.output.quiet, "No remarks on stderr")->group(kGroup);
    command.add_flag("-v,--verbose", context.output.verbose, "More remarks on stderr")->group(kGroup);
    command
        .add_option_function<std::string>(
            "--color",
            [&context](const std::string& when) {
                context.output.colour = when == "always"  ? ColourChoice::always
                                        : when == "never" ? ColourChoice::never
                                                          : ColourChoice::automatic;
            },
            "auto (on a terminal), always or never")
        ->check(one_of({"auto", "always", "never"}))
        ->type_name("WHEN")
        ->group(kGroup);
    command.add_option("--env-file", context.env_files, "Read NAME=value lines; the real environment wins")
        ->type_name("PATH")
        ->allow_extra_args(false)
        ->group(kGroup);
}

void set_footer(CLI::App& command, const std::string& text, const std::vector<std::string>& examples) {
    command.footer(text + "\nExamples:\n  " + join(examples, "\n  "));
}

CLI::Validator number_within(double least, double most) {
    return {[least, most](std::string& text) {
                double value = 0;
                const bool is_number = CLI::detail::lexical_cast(text, value);
                return is_number && value >= least && value <= most
                           ? std::string()
                           : "\"" + visible_excerpt(text, 40) + "\" is not between " +
                                 CLI::detail::to_string(least) + " and " + CLI::detail::to_string(most);
            },
            ""};
}

int report_start_error(const Error& error, const Context& context) {
    return service::is_address_fault(error) ? context.report_failure(kNetwork, error.message, error.hint)
                                            : context.report_error(error);
}

CLI::Validator listen_address() {
    return {[](std::string& text) {
                auto address = config::parse_listen_address(text);
                if (!address) return address.error().message + "; write it as HOST:PORT";
                text = *std::move(address);
                return std::string();
            },
            ""};
}

void end_on_signals(const Context& context) {
    // Made before, since a handler may not.
    static std::string line;
    if (!context.output.quiet) line = "callchain: " + context.command + ": interrupted\n";
    const auto handler = [](int) {
        const auto written = ::write(STDERR_FILENO, line.data(), line.size());
        static_cast<void>(written);
        ::_exit(kInterrupted);
    };
    std::signal(SIGINT, handler);
    std::signal(SIGTERM, handler);
}

CLI::Validator one_of(std::vector<std::string> words) {
    const auto check = [words](const std::string& given) -> std::string {
        if (std::find(words.begin(), words.end(), given) != words.end()) return {};
        return "\"" + visible_excerpt(given, 40) + "\" is not one of " + join(words, ", ");
    };
    return CLI::Validator(check, "");
}

void set_body(CLI::App& command, Context& context, std::function<int()> body, EnvFiles reading) {
    command.callback([&command, &context, body = std::move(body), reading] {
        if (!command.get_subcommands().empty()) return;  // a command within this one was chosen
        context.command = path_of(command);
        if (reading == EnvFiles::own_first) {
            auto own = read_own_env_file(context);
            if (!own) {
                context.exit_code = context.report_error(own.error());
                return;
            }
            if (*own) context.own_env_file = **own;
        }
        for (const auto& path : context.env_files) {
            if (const auto read = read_env_file(context, path); !read) {
                context.exit_code = context.report_error(read.error());
                return;
            }
        }
        context.exit_code = body();
    });
}

}  // namespace callchain::cli
