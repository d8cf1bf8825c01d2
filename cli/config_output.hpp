/// What long-running commands print of their configuration.
#pragma once

#include "config/settings.hpp"
#include "context.hpp"

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

/// All problems of a configuration at once. Returns the exit code.
int report_problems(const std::vector<Error>& problems, const Context& context);

}  // namespace callchain::cli
