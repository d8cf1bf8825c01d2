#include "base/text.hpp"
#include "commands.hpp"
#include "config/env_file.hpp"
#include "usage.hpp"

#include <algorithm>

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
    context.add_variables(*assignments);
    return {};
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

CLI::Validator one_of(std::vector<std::string> words) {
    const auto check = [words](const std::string& given) -> std::string {
        if (std::find(words.begin(), words.end(), given) != words.end()) return {};
        return "\"" + visible_excerpt(given, 40) + "\" is not one of " + join(words, ", ");
    };
    return CLI::Validator(check, "");
}

void set_body(CLI::App& command, Context& context, std::function<int()> body) {
    command.callback([&command, &context, body = std::move(body)] {
        if (!command.get_subcommands().empty()) return;  // a command within this one was chosen
        context.command = path_of(command);
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
