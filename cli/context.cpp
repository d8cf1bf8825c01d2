#include "context.hpp"

#include "base/text.hpp"
#include "json_output.hpp"
#include "secrets.hpp"
#include "system/descriptor.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace callchain::cli {
namespace {

const char* name_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::usage:
            return "usage";
        case ErrorCode::bad_input:
            return "bad_input";
        case ErrorCode::io:
            return "io";
        case ErrorCode::limit:
            return "limit";
        case ErrorCode::internal:
            break;
    }
    return "internal";
}

Result<std::string> read_all(int fd, const std::string& name, std::size_t most_bytes) {
    std::string bytes;
    struct stat status {};
    if (::fstat(fd, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return fail(ErrorCode::io, name + " is a directory", "name a file, or - for standard input");
        if (S_ISREG(status.st_mode) && status.st_size > 0)
            bytes.reserve(std::min(static_cast<std::size_t>(status.st_size), most_bytes) + 1);
    }
    constexpr std::size_t kMostPerRead = std::size_t{1} << 16U;
    const std::unique_ptr<char[]> block(new char[kMostPerRead]);  // not filled: most files are far smaller
    for (;;) {
        const ssize_t got = ::read(fd, block.get(), kMostPerRead);
        if (got == 0) return bytes;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(ErrorCode::io, "cannot read " + name + ": " + std::strerror(errno));
        bytes.append(block.get(), static_cast<std::size_t>(got));
        if (bytes.size() > most_bytes) {
            return fail(
                ErrorCode::limit,
                name + " is larger than " + with_thousands(most_bytes) + " bytes, the most that is read here",
                "cut out the part that matters");
        }
    }
}

}  // namespace

std::optional<std::string> Context::variable(const std::string& name) const {
    auto found = variable_with_origin(name);
    return found ? std::optional(std::move(found->value)) : std::nullopt;
}

std::optional<config::Variable> Context::variable_with_origin(const std::string& name) const {
    if (auto value = environment_(name)) return config::Variable{*std::move(value), {}};
    const auto found = from_files_.find(name);
    return found == from_files_.end() ? std::nullopt : std::optional(found->second);
}

void Context::add_variables(const std::vector<std::pair<std::string, std::string>>& assignments,
                            const std::string& file) {
    for (const auto& [name, value] : assignments) from_files_[name] = {value, file};
}

diagnosis::Colour Context::colour(bool terminal) const {
    using diagnosis::Colour;
    if (output.colour == ColourChoice::always) return Colour::on;
    if (output.colour == ColourChoice::never || !terminal) return Colour::off;
    const auto no_colour = environment_("NO_COLOR");
    if ((no_colour && !no_colour->empty()) || environment_("TERM").value_or("") == "dumb") return Colour::off;
    return Colour::on;
}

Result<std::string> Context::read_input(const std::string& path, std::size_t most_bytes) {
    if (path == "-") {
        if (std::exchange(stdin_used_, true)) {
            return fail(ErrorCode::usage, "standard input is asked for twice",
                        "only one option may be -; put the other into a file");
        }
        if (::isatty(STDIN_FILENO) == 1)
            say("callchain: " + command + ": reading from the terminal; end with Ctrl-D");
        auto bytes = read_all(STDIN_FILENO, "standard input", most_bytes);
        if (bytes) detail("read " + count_of(bytes->size(), "byte") + " from standard input");
        return bytes;
    }
    const std::string shown = safe_echo(path, 200);
    const system::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
        return fail(ErrorCode::io, "cannot open " + shown + ": " + std::strerror(errno),
                    errno == ENOENT ? "check the path, or use - for standard input" : "");
    }
    auto bytes = read_all(file.number(), shown, most_bytes);
    if (bytes) detail("read " + count_of(bytes->size(), "byte") + " from " + shown);
    return bytes;
}

void Context::say(const std::string& line) const {
    if (!output.quiet) err << line << "\n";
}

void Context::detail(const std::string& line) const {
    if (output.verbose > 0) err << "callchain: " << command << ": " << line << "\n";
}

void Context::report(const std::string& code, const Error& error) const {
    if (output.json) {
        nlohmann::ordered_json document{{"code", code}, {"message", error.message}, {"hint", error.hint}};
        if (error.offset) document["offset"] = *error.offset;
        err << json_line(document) << "\n";
    } else {
        err << "callchain: " << (command.empty() ? "" : command + ": ") << error.message << "\n";
        if (!error.hint.empty()) err << "hint: " << error.hint << "\n";
    }
}

int Context::report_error(const Error& error) const {
    report(name_of(error.code), error);
    return exit_code_of(error.code);
}

int Context::report_failure(int code, const std::string& message, const std::string& hint) const {
    const char* name = code == kRefused ? "credential_refused" : code == kNetwork ? "network" : "peer_error";
    report(name, {ErrorCode::io, message, std::nullopt, hint});
    return code;
}

int exit_code_of(ErrorCode code) { return code == ErrorCode::internal ? kInternal : kUsage; }

}  // namespace callchain::cli
