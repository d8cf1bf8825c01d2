#include "base/text.hpp"
#include "commands.hpp"
#include "usage.hpp"

#include <algorithm>
#include <ostream>

namespace callchain::cli {
namespace {

struct Words {
    std::string command;  // empty: the program itself
    std::string description;
    std::vector<std::string> options;
    std::vector<std::string> options_with_files;  // those whose value is a path
};

std::vector<Words> table_of(const CLI::App& root) {
    std::vector<Words> table;
    const auto add = [&](const CLI::App& app, const std::string& name) {
        Words words{name, app.get_description(), {}, {}};
        for (const auto* option : app.get_options()) {
            for (const auto& long_name : option->get_lnames()) {
                words.options.push_back("--" + long_name);
                const auto type = option->get_type_name();
                const bool is_file =
                    type.find("FILE") != std::string::npos || type.find("PATH") != std::string::npos;
                if (is_file) words.options_with_files.push_back("--" + long_name);
            }
        }
        table.push_back(std::move(words));
    };
    add(root, "");
    for (const auto* command : all_commands(root)) add(*command, path_of(*command));
    return table;
}

bool is_within(const Words& words, const std::string& parent) {
    if (parent.empty()) return !words.command.empty() && words.command.find(' ') == std::string::npos;
    return words.command.starts_with(parent + " ");
}

std::string last_word(const std::string& command) { return command.substr(command.rfind(' ') + 1); }

/// The commands directly below `parent`: below the program itself where that is empty.
std::string commands_of(const std::vector<Words>& table, const std::string& parent) {
    std::vector<std::string> names;
    for (const auto& words : table) {
        if (is_within(words, parent)) names.push_back(last_word(words.command));
    }
    return join(names, " ");
}

/// All that may stand behind a command, but for files.
std::string answers_of(const Words& words, const std::vector<Words>& table) {
    auto answers = join(words.options, " ");
    const auto within = commands_of(table, words.command);
    if (!within.empty()) answers += " " + within;
    if (words.command == "help") answers += " " + commands_of(table, "") + " exit-codes environment";
    if (words.command == "completion") answers += " bash zsh fish";
    if (words.command == "health") answers += " serve gateway";
    return answers;
}

std::string bash_completion(const std::vector<Words>& table) {
    std::string known;
    std::string answers;
    for (const auto& words : table) {
        answers += "        \"" + words.command + "\") options=\"" + answers_of(words, table) + "\" ;;\n";
        if (words.command.empty()) continue;
        // Within the script a first word stands behind an empty command and a blank.
        known += (known.empty() ? "" : "|") + std::string("\"") +
                 (words.command.find(' ') == std::string::npos ? " " : "") + words.command + "\"";
    }
    return "# bash completion for callchain; load it with: source <(callchain completion bash)\n"
           "_callchain() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} command=\"\" i\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case \"$command ${COMP_WORDS[i]}\" in\n"
           "        " +
           known +
           ") command=\"${command:+$command }${COMP_WORDS[i]}\" ;;\n"
           "        esac\n"
           "    done\n"
           "    local options=\"\"\n"
           "    case $command in\n" +
           answers +
           "    esac\n"
           "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
           "    [[ $word != -* && -n $command ]] && COMPREPLY+=($(compgen -f -- \"$word\"))\n"
           "    return 0\n"
           "}\n"
           "complete -o filenames -F _callchain callchain\n";
}

// Single quotes and colons would end the words of zsh's _arguments and _describe.
std::string plain(std::string_view text) { return replace_all(replace_all(text, "'", "’"), ":", ";"); }

std::string zsh_completion(const std::vector<Words>& table) {
    std::string out =
        "#compdef callchain\n# zsh completion for callchain; put it into a folder of $fpath as "
        "_callchain\n_callchain() {\n    local -a commands\n    commands=(\n";
    std::string nested;
    std::string single;
    for (const auto& words : table) {
        if (words.command.empty()) continue;
        const auto row = "compadd -- " + answers_of(words, table) + "; _files ;;\n";
        if (is_within(words, "")) {
            out += "        '" + words.command + ":" + plain(words.description) + "'\n";
            single += "        '" + words.command + " '*) " + row;
        } else {
            nested += "        '" + words.command + "') " + row;
        }
    }
    return out +
           "    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    "
           "fi\n    case \"$words[2] $words[3]\" in\n" +
           nested + single +
           "    esac\n}\nif [ \"$funcstack[1]\" = _callchain ]; then\n    _callchain \"$@\"\nelse\n    "
           "compdef _callchain callchain\nfi\n";
}

std::string fish_condition(const std::string& command, const std::vector<Words>& table) {
    const auto seen =
        "__fish_seen_subcommand_from " + replace_all(command, " ", "; and __fish_seen_subcommand_from ");
    const auto within = commands_of(table, command);
    return "-n '" + seen + (within.empty() ? "" : "; and not __fish_seen_subcommand_from " + within) + "'";
}

std::string fish_completion(const std::vector<Words>& table) {
    std::string out = "# fish completion for callchain; load it with: callchain completion fish | source\n";
    for (const auto& words : table) {
        if (words.command.empty()) continue;
        const bool nested = !is_within(words, "");
        const auto parent = nested ? words.command.substr(0, words.command.rfind(' ')) : std::string();
        out += "complete -c callchain -f " +
               (nested ? fish_condition(parent, table) : std::string("-n __fish_use_subcommand")) + " -a " +
               last_word(words.command) + " -d '" + plain(words.description) + "'\n";
        for (const auto& option : words.options) {
            const bool file = std::find(words.options_with_files.begin(), words.options_with_files.end(),
                                        option) != words.options_with_files.end();
            out += "complete -c callchain " + fish_condition(words.command, table) + " -l " +
                   option.substr(2) + (file ? " -r -F" : "") + "\n";
        }
    }
    return out + "complete -c callchain -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n" +
           "complete -c callchain -n '__fish_seen_subcommand_from help' -f -a '" + commands_of(table, "") +
           " exit-codes environment'\n";
}

}  // namespace

void define_completion(CLI::App& command, Context& context) {
    auto shell = std::make_shared<std::string>();
    command.add_option("shell", *shell, "bash, zsh or fish")
        ->required()
        ->check(one_of({"bash", "zsh", "fish"}))
        ->type_name("SHELL");
    add_common_options(command, context);
    set_body(command, context, [shell, &command, &context] {
        auto& root = *command.get_parent();
        define_all_commands(root, context);
        const auto table = table_of(root);
        context.out << (*shell == "bash"  ? bash_completion(table)
                        : *shell == "zsh" ? zsh_completion(table)
                                          : fish_completion(table));
        return kDone;
    });
}

}  // namespace callchain::cli
