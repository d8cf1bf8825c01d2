#include "usage.hpp"

#include "base/nearest_words.hpp"
#include "base/text.hpp"
#include "secrets.hpp"

#include <algorithm>
#include <array>

namespace callchain::cli {
namespace {

std::string nearest(std::string_view word, const std::vector<std::string>& choices) {
    std::string best;
    std::size_t fewest = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto& choice : choices) {
        const auto steps = choice.starts_with(word) ? 1 : edit_distance(word, choice);
        if (steps < fewest) {
            fewest = steps;
            best = choice;
        }
    }
    return best;
}

std::vector<std::string> command_names(const CLI::App& root) {
    std::vector<std::string> names;
    for (const auto* command : root.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(command->get_name());
    return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
    std::vector<std::string> names;
    for (const auto* option : command.get_options()) {
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
}

const CLI::App& chosen(const CLI::App& app) {
    const auto commands = app.get_subcommands();
    return commands.empty() ? app : chosen(*commands.front());
}

// An option that would take a secret, as users try it first.
bool asks_for_secret(std::string_view argument) {
    constexpr std::array<std::string_view, 5> kTempting{"--secret", "--auth-token", "--api-key", "--key",
                                                        "--token"};
    const auto name = argument.substr(0, argument.find('='));
    return std::find(kTempting.begin(), kTempting.end(), name) != kTempting.end();
}

Error unexpected_argument(const CLI::App& root, const std::string& argument) {
    const auto& command = chosen(root);
    if (argument.starts_with("-") && argument.size() > 1) {
        const auto name = argument.substr(0, argument.find('='));
        const auto guess = nearest(name, option_names(command));
        return {ErrorCode::usage,
                "unknown option " + (name.starts_with("--") ? safe_echo(name, 60) : visible_excerpt(name, 2)),
                std::nullopt,
                guess.empty()
                    ? (&command == &root ? "callchain --help" : "callchain help " + path_of(command))
                    : "did you mean " + guess + "?"};
    }
    if (&command == &root) {
        const auto guess = nearest(argument, command_names(root));
        return {ErrorCode::usage, "there is no command \"" + safe_echo(argument, 60) + "\"", std::nullopt,
                guess.empty() ? "callchain --help lists them" : "did you mean " + guess + "?"};
    }
    if (command.get_name() == "verify-sig") {
        return {ErrorCode::usage, "unexpected argument \"" + safe_echo(argument, 60) + "\"", std::nullopt,
                "a capture is given with --request FILE, a log with --log FILE"};
    }
    return {ErrorCode::usage, "unexpected argument \"" + safe_echo(argument, 60) + "\"", std::nullopt,
            "callchain help " + path_of(command)};
}

}  // namespace

std::optional<Error> find_secret_argument(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        // Ids and signatures may well be 32 hex digits, as a Twilio token is; nothing else of theirs is
        // excepted.
        constexpr std::array<std::string_view, 4> kFreeForm{"--id", "--timestamp", "--signature",
                                                            "--computed"};
        const bool free_form =
            std::find(kFreeForm.begin(), kFreeForm.end(), std::string_view(argv[i - 1])) != kFreeForm.end();
        const std::string argument = free_form ? std::string(argv[i]) + "." : std::string(argv[i]);
        if (asks_for_secret(argument) || looks_like_secret(argument)) {
            return Error{ErrorCode::usage, "a secret must not stand on the command line", std::nullopt,
                         kSecretHint};
        }
    }
    return std::nullopt;
}

std::string path_of(const CLI::App& command) {
    if (command.get_parent() == nullptr) return {};
    const auto front = path_of(*command.get_parent());
    return front.empty() ? command.get_name() : front + " " + command.get_name();
}

std::vector<const CLI::App*> all_commands(const CLI::App& app) {
    std::vector<const CLI::App*> all;
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        all.push_back(command);
        const auto within = all_commands(*command);
        all.insert(all.end(), within.begin(), within.end());
    }
    return all;
}

std::string help_of(const CLI::App& command) {
    if (command.get_parent() == nullptr) return command.help();
    // App::help() would hand over to a chosen command within this one.
    return command.get_formatter()->make_help(&command, "callchain " + path_of(command),
                                              CLI::AppFormatMode::Normal);
}

int report_parse_error(const CLI::App& root, const CLI::ParseError& error, int argc, char** argv,
                       Context& context) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
        context.out << help_of(chosen(root));
        return kDone;
    }
    const auto& command = chosen(root);
    context.command = path_of(command);
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    // The flags were not applied yet when parsing failed.
    context.output.json =
        context.output.json || std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
        return context.report_error({ErrorCode::usage,
                                     "missing argument: " + replace_all(error.what(), " is required", ""),
                                     std::nullopt, "callchain help " + context.command});
    }
    if (const auto* extras = dynamic_cast<const CLI::ExtrasError*>(&error); extras != nullptr) {
        const auto left = root.remaining(true);
        if (!left.empty()) return context.report_error(unexpected_argument(root, left.front()));
    }
    return context.report_error(
        {ErrorCode::usage, visible_excerpt(error.what(), 300), std::nullopt,
         context.command.empty() ? "callchain --help" : "callchain help " + context.command});
}

}  // namespace callchain::cli
