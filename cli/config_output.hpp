/// What long-running commands print of their configuration, and when they are ready.
#pragma once

#include "config/settings.hpp"
#include "context.hpp"
#include "observe/log.hpp"

#include <functional>
#include <string>
#include <vector>

namespace callchain::cli {

/// What may be shown of a setting: value, secrets masked, and where it came from.
struct ShownSetting {
    std::string value;
    std::string where;
};

/// Every setting, as a table or as one document of that schema.
void print_settings(const config::Settings& settings, const std::string& schema,
                    const std::function<ShownSetting(const config::Setting&)>& show, Context& context);

/// What --check says of a configuration that is usable: its warnings on stderr, and, unless the settings were
/// printed already, a line or a document of that schema. Returns the exit code.
int report_usable(const std::vector<std::string>& warnings, const std::string& schema, bool printed,
                  const Context& context);

/// The `ready` line, whatever the level of the log: scripts wait for it. `admin` is host:port, or empty.
void tell_ready(observe::LogForm form, const std::string& listen, const std::string& admin,
                const Context& context, observe::Log& log);

/// All problems of a configuration at once. Returns the exit code.
int report_problems(const std::vector<Error>& problems, const Context& context);

}  // namespace callchain::cli
