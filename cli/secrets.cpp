#include "secrets.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "base_name.hpp"

#include <algorithm>

namespace callchain::cli {
namespace {

constexpr std::size_t kMostSecretBytes = std::size_t{64} << 10U;

struct Source {
    std::string label;
    std::string where;
};

bool is_label(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               c == '.' || c == '-';
    });
}

// "label=where", or the whole as `where` with `fallback` as its label.
Source split_label(const std::string& argument, const std::string& fallback) {
    const auto equals = argument.find('=');
    if (equals == std::string::npos || !is_label(std::string_view(argument).substr(0, equals)))
        return {fallback, argument};
    return {argument.substr(0, equals), argument.substr(equals + 1)};
}

class Reader {
  public:
    explicit Reader(Context& context) : context_(context) {}

    void read_variable(const std::string& argument) {
        auto source = split_label(argument, argument);
        if (looks_like_secret(source.where))
            return refuse(
                "--secret-env takes the name of a variable, and was given what looks like a secret");
        if (source.label == argument) source.label = source.where;
        const auto value = context_.variable(source.where);
        if (!value) return refuse("the variable " + safe_echo(source.where, 80) + " is not set");
        add(source, *value, "the variable " + source.where);
    }

    void read_file(const std::string& argument) {
        const auto plain = split_label(argument, "");
        const auto path = plain.label.empty() ? argument : plain.where;
        if (looks_like_secret(path))
            return misplace("--secret-file takes a path, and was given what looks like a secret");
        auto bytes = context_.read_input(path, kMostSecretBytes);
        if (!bytes) return refuse(bytes.error().message, bytes.error().hint);
        // The line end that every editor puts behind the last line belongs to the file, not to the secret.
        if (bytes->ends_with('\n')) bytes->pop_back();
        if (bytes->ends_with('\r')) bytes->pop_back();
        add({plain.label.empty() ? base_name(path) : plain.label, path}, *bytes, path);
    }

    void read_descriptor(const std::string& argument) {
        const auto source = split_label(argument, "fd" + argument);
        const auto number = parse_decimal(source.where);
        if (!number || *number > 65'535) return refuse("--secret-fd takes the number of an open descriptor");
        auto bytes = *number == 0
                         ? context_.read_input("-", kMostSecretBytes)
                         : context_.read_input("/dev/fd/" + std::to_string(*number), kMostSecretBytes);
        if (!bytes) return refuse("descriptor " + source.where + ": " + bytes.error().message);
        if (bytes->ends_with('\n')) bytes->pop_back();
        if (bytes->ends_with('\r')) bytes->pop_back();
        add(source, *bytes, "descriptor " + source.where);
    }

    Result<std::vector<signature::LabelledSecret>> take() {
        if (!problems_.empty()) {
            const std::string usual =
                "check the name or path; callchain help environment lists the variables that are read by "
                "themselves";
            return fail(ErrorCode::usage, join(problems_, "; "),
                        misplaced_      ? kSecretHint
                        : hint_.empty() ? usual
                                        : hint_);
        }
        return std::move(secrets_);
    }

  private:
    void refuse(std::string problem, std::string hint = {}) {
        problems_.push_back(std::move(problem));
        if (hint_.empty()) hint_ = std::move(hint);
    }
    void misplace(std::string problem) {
        misplaced_ = true;
        refuse(std::move(problem));
    }

    void add(const Source& source, const std::string& value, const std::string& place) {
        if (trim(value).empty()) return refuse(visible_excerpt(place, 80) + " is empty (secret_empty)");
        auto items = signature::split_secret_list(value);
        constexpr std::size_t kMostSecrets = 64;
        if (items.size() > kMostSecrets)
            return refuse(visible_excerpt(place, 80) + " holds " + count_of(items.size(), "line") +
                          ": that is no list of secrets");
        for (auto& item : items) {
            secrets_.push_back({unique(source.label), std::move(item), source_});
        }
        ++source_;
    }

    // A label names one secret: the second of a list, or of two sources with one name, gets a number.
    [[nodiscard]] std::string unique(const std::string& label) const {
        const auto taken = [&](const std::string& name) {
            return std::any_of(secrets_.begin(), secrets_.end(),
                               [&](const auto& secret) { return secret.label == name; });
        };
        std::string name = visible_excerpt(label, 80);
        for (std::size_t number = 2; taken(name); ++number)
            name = visible_excerpt(label, 80) + "#" + std::to_string(number);
        return name;
    }

    Context& context_;
    std::vector<signature::LabelledSecret> secrets_;
    std::vector<std::string> problems_;
    std::string hint_;
    bool misplaced_ = false;
    std::size_t source_ = 0;
};

}  // namespace

bool looks_like_secret(std::string_view text) {
    // In lower case: a prefix in capitals is one of the ways in which secrets are pasted.
    if (find_clear_secret(ascii_lower(text)) != std::string_view::npos) return true;
    const auto trimmed = trim(text);
    return trimmed.size() == 32 && std::all_of(trimmed.begin(), trimmed.end(), [](char c) {
               return is_ascii_digit(c) || (c >= 'a' && c <= 'f');
           });
}

std::string shown_variable(const SecretSources& sources, const std::string& default_variable) {
    if (sources.variables.size() != 1) return default_variable;
    return split_label(sources.variables.front(), "").where;
}

std::string safe_echo(std::string_view argument, std::size_t most) {
    constexpr std::size_t kShortestKey = 20;
    const auto is_key_char = [](char c) {
        return is_ascii_digit(c) || (ascii_lower({&c, 1})[0] >= 'a' && ascii_lower({&c, 1})[0] <= 'z') ||
               c == '+' || c == '/' || c == '=' || c == '_' || c == '-';
    };
    const auto any = [&](char low, char high) {
        return std::any_of(argument.begin(), argument.end(), [=](char c) { return c >= low && c <= high; });
    };
    const bool one_word =
        argument.size() >= kShortestKey && std::all_of(argument.begin(), argument.end(), is_key_char);
    if (looks_like_secret(argument) || (one_word && any('0', '9') && any('a', 'z') && any('A', 'Z'))) {
        return "(" + count_of(argument.size(), "character") + ", not shown: they may be a secret)";
    }
    return visible_excerpt(argument, most);
}

void add_secret_options(CLI::App& command, const std::string& name, const std::string& what,
                        SecretSources& sources) {
    command.add_option("--" + name + "-env", sources.variables, "Variable that holds " + what)
        ->type_name("[LABEL=]NAME")
        ->allow_extra_args(false)
        ->group("Secrets");
    command.add_option("--" + name + "-file", sources.files, "File that holds " + what)
        ->type_name("[LABEL=]PATH")
        ->allow_extra_args(false)
        ->group("Secrets");
    command.add_option("--" + name + "-fd", sources.descriptors, "Open descriptor that yields " + what)
        ->type_name("[LABEL=]N")
        ->allow_extra_args(false)
        ->group("Secrets");
}

Result<std::vector<signature::LabelledSecret>> read_secrets(Context& context, const SecretSources& sources,
                                                            const std::string& default_variable) {
    Reader reader(context);
    for (const auto& argument : sources.variables) reader.read_variable(argument);
    for (const auto& argument : sources.files) reader.read_file(argument);
    for (const auto& argument : sources.descriptors) reader.read_descriptor(argument);
    if (sources.empty() && context.variable(default_variable)) reader.read_variable(default_variable);
    return reader.take();
}

}  // namespace callchain::cli
