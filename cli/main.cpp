/// Builds the parser, runs the chosen command, maps outcomes to exit codes.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "context.hpp"
#include "crypto/hash.hpp"
#include "json_output.hpp"
#include "observe/crash.hpp"
#include "system/freed_memory.hpp"
#include "usage.hpp"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace callchain::cli {
namespace {

class SystemClock final : public Clock {
  public:
    [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> now() const override {
        return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    }
};

// Who starts a program may close its standard streams. A file that is opened then gets one of their numbers,
// and what is printed would land in it. What takes their place can be used no more than what was closed.
void hold_standard_descriptors() {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(number, F_GETFD) != -1 || errno != EBADF) continue;
        static_cast<void>(::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY));
    }
}

std::optional<std::string> system_variable(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int print_version(Context& context) {
    if (!context.output.json) {
        context.out << "callchain " CALLCHAIN_VERSION "\n";
        return kDone;
    }
    const nlohmann::ordered_json document{
        {"schema", "callchain.version/1"},
        {"tool_version", CALLCHAIN_VERSION},
        {"libraries",
         {{"openssl", crypto::openssl_version()},
          {"nlohmann_json", std::to_string(NLOHMANN_JSON_VERSION_MAJOR) + "." +
                                std::to_string(NLOHMANN_JSON_VERSION_MINOR) + "." +
                                std::to_string(NLOHMANN_JSON_VERSION_PATCH)},
          {"cli11", CLI11_VERSION}}}};
    print_document(context, document);
    return kDone;
}

int run(int argc, char** argv, Context& context) {
    CLI::App root("Diagnostics for voice calls that run WhatsApp, Twilio, OpenAI Realtime SIP.", "callchain");
    bool version = false;
    root.add_flag("-V,--version", version, "Print the version (with --json: also those of the libraries)");
    root.set_help_flag("-h,--help", "Print this help");
    root.require_subcommand(0, 1);
    root.footer("Help for one command: callchain help COMMAND. Exit codes: callchain help exit-codes.");
    add_common_options(root, context);
    add_commands(root, context);
    if (const auto secret = find_secret_argument(argc, argv)) {
        for (int i = 1; i < argc; ++i)
            context.output.json = context.output.json || std::string_view(argv[i]) == "--json";
        return context.report_error(*secret);
    }
    try {
        root.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return report_parse_error(root, error, argc, argv, context);
    }
    if (version && root.get_subcommands().empty()) return print_version(context);
    if (root.get_subcommands().empty()) {
        if (context.output.json)
            return context.report_error(
                {ErrorCode::usage, "no command given", std::nullopt, "callchain --help lists them"});
        context.err << root.help();
        return kUsage;
    }
    return context.exit_code;
}

}  // namespace
}  // namespace callchain::cli

int main(int argc, char** argv) {
    using namespace callchain;
    observe::leave_no_core_dump();
    system::keep_freed_memory();
    cli::hold_standard_descriptors();
    observe::say_only_the_type_of_exceptions();
    // A reader that goes away early (head, less) is no reason for an error text.
    std::signal(SIGPIPE, SIG_DFL);
    std::ios::sync_with_stdio(false);
    const cli::SystemClock clock;
    cli::Context context(std::cout, std::cerr, clock, cli::system_variable);
    context.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
    context.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
    try {
        const int code = cli::run(argc, argv, context);
        std::cout.flush();
        if (!std::cout)
            return context.report_error(
                {ErrorCode::io, "cannot write to standard output", std::nullopt, "is the disk full?"});
        return code;
    } catch (const std::exception& error) {
        return context.report_error(
            {ErrorCode::internal, "a fault of callchain itself: " + safe_excerpt(error.what(), 200),
             std::nullopt, "please report it with the command line and, if you may share it, the input"});
    }
}
