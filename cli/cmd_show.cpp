#include "base/text.hpp"
#include "capture_files.hpp"
#include "commands.hpp"

#include <ostream>

namespace callchain::cli {
namespace {

struct ShowOptions {
    std::vector<std::string> paths;
    ShowParts parts;
    bool raw = false;
};

// Folders give way to the captures in them.
Result<std::vector<std::string>> files_of(const ShowOptions& options, Context& context) {
    std::vector<std::string> files;
    for (const auto& path : options.paths) {
        if (path == "-" || !is_folder(path)) {
            files.push_back(path);
            continue;
        }
        const auto found = CALLCHAIN_TRY(captures_in(path));
        if (found.empty())
            context.say("callchain: show: no capture (*.http) in " + visible_excerpt(path, 200));
        files.insert(files.end(), found.begin(), found.end());
    }
    return files;
}

int show(const ShowOptions& options, Context& context) {
    if (options.raw && (context.output.json || options.parts.headers || options.parts.body))
        return context.report_error({ErrorCode::usage,
                                     "--raw prints the bytes alone, and goes with none of --json, "
                                     "--headers and --body",
                                     std::nullopt, "callchain help show"});
    const auto files = files_of(options, context);
    if (!files) return context.report_error(files.error());
    int code = kDone;
    bool first = true;
    for (const auto& path : *files) {
        const auto file = read_capture_file(context, path);
        if (!file) {
            // One that cannot be read keeps nobody from the others.
            code = context.report_error(file.error());
            continue;
        }
        if (options.raw) {
            context.out << file->bytes;
        } else if (context.output.json) {
            print_capture_json(context, *file, options.parts);
        } else {
            if (!first) context.out << "\n";
            print_capture(context, *file, options.parts);
        }
        first = false;
    }
    return code;
}

}  // namespace

void define_show(CLI::App& command, Context& context) {
    auto options = std::make_shared<ShowOptions>();
    command
        .add_option("path", options->paths, "Captures, or folders of captures (*.http); - is standard input")
        ->required()
        ->type_name("FILE|DIR");
    command.add_flag("--headers", options->parts.headers, "All headers too; credentials are withheld");
    command.add_flag(
        "--body", options->parts.body,
        "The body too, whole, with control characters made visible; telephone numbers are shown");
    command.add_flag("--raw", options->raw, "Nothing but the bytes of the files");
    add_common_options(command, context);
    set_footer(
        command,
        "Telephone numbers are cut to their last four digits, but in --body and --raw. With --json, one "
        "document a line.\nExit codes: 0 all shown, 2 usage, or a file that cannot be read or is no capture; "
        "the others are shown.",
        {"callchain show samples/valid-openai.http --headers", "callchain show samples/two-hops --json"});
    set_body(command, context, [options, &context] { return show(*options, context); });
}

}  // namespace callchain::cli
