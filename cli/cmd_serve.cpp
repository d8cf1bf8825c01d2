#include "base/text.hpp"
#include "commands.hpp"
#include "config_output.hpp"
#include "http/server.hpp"
#include "observe/log.hpp"
#include "serve_inputs.hpp"
#include "service/service.hpp"
#include "service_end.hpp"
#include "signature/twilio_url.hpp"

#include <csignal>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using service::ServeConfig;

struct ServeOptions {
    std::map<std::string, std::string, std::less<>> flags;  ///< by name, "--port"
    ServeSources sources;
    bool check = false;
    bool print_config = false;
};

config::FlagLookup flag_of(const ServeOptions& options, const CLI::App& command) {
    return [&](std::string_view name) -> std::optional<std::string> {
        if (command.get_option(std::string(name))->count() == 0) return std::nullopt;
        return options.flags.find(name)->second;
    };
}

// What may be shown of a secret setting: per secret its label and mask, or its length.
std::string shown_secrets(const std::vector<signature::LabelledSecret>& secrets) {
    std::vector<std::string> shown;
    for (const auto& secret : secrets) {
        for (const auto& item : service::split_tolerantly(secret.text)) {
            const auto mask = signature::mask_secret(item.text);
            shown.push_back(mask.empty() ? std::string("(") + count_of(item.text.size(), "character") + ")"
                                         : mask);
        }
    }
    return join(shown, ", ");
}

std::string shown_value(const config::Setting& setting, const service::ServeInputs& inputs) {
    const auto name = setting.spec->name;
    if (name == "OPENAI_API_KEY") return shown_secrets(inputs.api_keys);
    if (name == "OPENAI_WEBHOOK_SECRET") return shown_secrets(inputs.webhook_secrets);
    if (name == "TWILIO_AUTH_TOKEN") return shown_secrets(inputs.twilio_tokens);
    if (name == "CALLCHAIN_PUBLIC_URL" || name == "OPENAI_BASE_URL")
        return signature::show_url(setting.value);
    return visible_excerpt(setting.value, 300);
}

std::string shown_where(const config::Setting& setting, const ServeOptions& options) {
    const auto name = setting.spec->name;
    const bool by_option = (name == "OPENAI_API_KEY" && !options.sources.api_keys.empty()) ||
                           (name == "OPENAI_WEBHOOK_SECRET" && !options.sources.webhook_secrets.empty()) ||
                           (name == "TWILIO_AUTH_TOKEN" && !options.sources.tokens.empty());
    return by_option ? "option" : setting.where;
}

void print_config(const ServeOptions& options, const service::ServeInputs& inputs, Context& context) {
    const auto show = [&](const config::Setting& setting) {
        return ShownSetting{shown_value(setting, inputs), shown_where(setting, options)};
    };
    print_settings(inputs.settings, "callchain.serve-config/1", show, context);
}

observe::LogSecrets secrets_of(const ServeConfig& config) {
    observe::LogSecrets secrets{config.api_key};
    for (const auto& secret : config.webhook_secrets) secrets.push_back(secret.secret.text);
    for (const auto& token : config.twilio_tokens) secrets.push_back(token.text);
    return secrets;
}

// The first lines of the log: what was loaded, and what is odd about it.
void tell_start(const ServeConfig& config, const std::vector<std::string>& warnings, std::size_t descriptors,
                const Context& context, observe::Log& log) {
    log.info("callchain serve " CALLCHAIN_VERSION,
             {{"descriptors", static_cast<std::int64_t>(descriptors)},
              {"env_file", context.own_env_file.empty() ? "none" : context.own_env_file},
              {"record", config.record == service::RecordMode::full
                             ? "full: refused bodies up to 16 KiB go into this log, for incidents only"
                             : "hash"}});
    for (const auto& secret : config.webhook_secrets) {
        const auto notice = service::notice_of(secret);
        std::vector<std::string> remarks;
        for (const auto& remark : notice.remarks)
            remarks.push_back(std::string(remark.code) + ": " + remark.detail);
        log.write(remarks.empty() ? observe::Level::info : observe::Level::warn, "webhook secret",
                  {{"label", notice.label},
                   {"mask", notice.mask},
                   {"fingerprint", notice.fingerprint},
                   {"characters", static_cast<std::int64_t>(notice.characters)},
                   {"remarks", remarks.empty() ? "none" : join(remarks, "; ")}});
    }
    for (const auto& warning : warnings) log.warn("configuration", {{"warning", warning}});
}

int run_service(const ServeConfig& config, const std::vector<std::string>& warnings, Context& context) {
    // A peer that goes away must end its connection, not the service.
    std::signal(SIGPIPE, SIG_IGN);
    const auto descriptors = http::raise_descriptor_limit();
    observe::Log log({.form = config.log_form, .threshold = config.log_level, .secrets = secrets_of(config)});
    tell_start(config, warnings, descriptors, context, log);
    auto started = service::Service::start(config, log, CALLCHAIN_VERSION);
    if (!started) {
        log.flush();
        return report_start_error(started.error(), context);
    }
    // Before anybody is told that it is ready, and may tell it to stop.
    (*started)->handle_signals();
    const std::string scheme = config.tls ? "https://" : "http://";
    tell_ready(config.log_form, scheme + join((*started)->addresses(), " " + scheme),
               (*started)->admin_address(), context, log);
    const int code = tell_end((*started)->run(), log);
    started->reset();
    log.flush();
    return code;
}

int serve(const ServeOptions& options, const CLI::App& command, Context& context) {
    auto gathered = gather_serve(options.sources, flag_of(options, command), context);
    if (context.output.json && !gathered.inputs.settings.is_set("CALLCHAIN_LOG"))
        gathered.inputs.log_to_terminal = false;
    auto result = service::read_serve_config(gathered.inputs);
    // A source that could not be read has been named; that the secret is not set as well says nothing new.
    auto problems = std::move(gathered.problems);
    problems.insert(problems.end(), result.problems.begin(), result.problems.end());
    if (options.print_config) print_config(options, gathered.inputs, context);
    const bool ends_here = !problems.empty() || options.check || options.print_config;
    if (ends_here && !context.own_env_file.empty()) context.say("callchain: serve: " + context.own_env_file);
    if (!problems.empty()) return report_problems(problems, context);
    if (options.check)
        return report_usable(result.warnings, "callchain.serve-check/1", options.print_config, context);
    if (options.print_config) return kDone;
    return run_service(*result.config, result.warnings, context);
}

std::string footer() {
    return "Everything can be set by environment variables (callchain help environment), which flags "
           "override; "
           "./.env\nis read where it is there, is yours and not writable by others. Secrets come from "
           "variables, files "
           "or\ndescriptors alone. The log goes to stdout, one line an event; `ready` names the bound "
           "addresses.\n"
           "SIGTERM finishes what is under way and ends with 0; a second signal leaves at once (130).\nExit "
           "codes: 0 "
           "drained, 1 the time for draining was over, 2 usage or configuration (all problems at once),\n6 "
           "an "
           "address that another process has or that is not of this host, 130 interrupted.";
}

}  // namespace

void define_serve(CLI::App& command, Context& context) {
    auto options = std::make_shared<ServeOptions>();
    for (const auto& spec : service::serve_settings()) {
        if (spec.flag.empty()) continue;
        auto& value = options->flags[std::string(spec.flag)];
        auto text = std::string(spec.meaning) + " [" + std::string(spec.name) +
                    (spec.fallback.empty() ? "" : ", default " + std::string(spec.fallback)) + "]";
        command.add_option(std::string(spec.flag), value, text)->type_name(std::string(spec.type));
    }
    add_secret_options(command, "secret", "a webhook secret [OPENAI_WEBHOOK_SECRET]",
                       options->sources.webhook_secrets);
    add_secret_options(command, "api-key", "the API key [OPENAI_API_KEY]", options->sources.api_keys);
    add_secret_options(command, "auth-token", "an auth token of Twilio's [TWILIO_AUTH_TOKEN]",
                       options->sources.tokens);
    command.add_flag("--check", options->check, "Check the configuration and end");
    command.add_flag("--print-config", options->print_config,
                     "Print every setting, its value with secrets masked, and where it came from, and end");
    add_common_options(command, context);
    set_footer(command, footer(),
               {"callchain serve --check --env-file samples/serve.env",
                "callchain serve --print-config --env-file samples/serve.env"});
    set_body(
        command, context, [options, &command, &context] { return serve(*options, command, context); },
        EnvFiles::own_first);
}

}  // namespace callchain::cli
