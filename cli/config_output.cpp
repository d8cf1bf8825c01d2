#include "config_output.hpp"

#include "base/text.hpp"
#include "json_output.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;

const char* origin_name(config::Origin origin) {
    switch (origin) {
        case config::Origin::flag:
            return "flag";
        case config::Origin::environment:
            return "environment";
        case config::Origin::file:
            return "file";
        case config::Origin::fallback:
            break;
    }
    return "default";
}

}  // namespace

void print_settings(const config::Settings& settings, const std::string& schema,
                    const std::function<ShownSetting(const config::Setting&)>& show, Context& context) {
    if (context.output.json) {
        Json document{{"schema", schema}, {"tool_version", CALLCHAIN_VERSION}};
        document["settings"] = Json::array();
        for (const auto& setting : settings.all()) {
            const auto shown = show(setting);
            document["settings"].push_back({{"name", setting.spec->name},
                                            {"flag", setting.spec->flag},
                                            {"value", shown.value},
                                            {"origin", origin_name(setting.origin)},
                                            {"where", shown.where}});
        }
        print_document(context, document);
        return;
    }
    std::size_t width = 0;
    for (const auto& setting : settings.all()) width = std::max(width, setting.spec->name.size());
    for (const auto& setting : settings.all()) {
        auto name = std::string(setting.spec->name);
        name.resize(width, ' ');
        const auto shown = show(setting);
        context.out << name << "  " << (shown.value.empty() ? "-" : shown.value) << "  [" << shown.where
                    << "]\n";
    }
}

int report_usable(const std::vector<std::string>& warnings, const std::string& schema, bool printed,
                  const Context& context) {
    for (const auto& warning : warnings)
        context.say("callchain: " + context.command + ": warning: " + warning);
    if (printed) return kDone;
    if (context.output.json) {
        const Json document{{"schema", schema},
                            {"tool_version", CALLCHAIN_VERSION},
                            {"usable", true},
                            {"warnings", warnings}};
        print_document(context, document);
    } else {
        context.out << "the configuration is usable\n";
    }
    return kDone;
}

void tell_ready(observe::LogForm form, const std::string& listen, const std::string& admin,
                const Context& context, observe::Log& log) {
    const auto shown_admin = admin.empty() ? "off" : "http://" + admin;
    if (form == observe::LogForm::json) {
        const observe::LogFields fields{{"listen", listen}, {"admin", shown_admin}};
        log.write_verbatim(
            observe::format_log_line(form, context.clock.now(), observe::Level::info, "ready", fields, {}));
    } else {
        log.write_verbatim(join({"ready", "listen=" + listen, "admin=" + shown_admin}, " "));
    }
    log.flush();
}

int report_problems(const std::vector<Error>& problems, const Context& context) {
    if (!context.output.json) {
        for (const auto& problem : problems) static_cast<void>(context.report_error(problem));
        return kUsage;
    }
    std::vector<std::string> messages;
    std::vector<std::string> hints;
    for (const auto& problem : problems) {
        messages.push_back(problem.message);
        if (!problem.hint.empty()) hints.push_back(problem.hint);
    }
    return context.report_error({ErrorCode::usage, join(messages, "; "), std::nullopt, join(hints, "; ")});
}

}  // namespace callchain::cli
