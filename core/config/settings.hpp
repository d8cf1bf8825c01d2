/// Effective values of a long-running command, each with where it came from: flag, environment, file,
/// default.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::config {

/// One setting. Its name is that of its environment variable.
struct SettingSpec {
    std::string_view name;  ///< "PORT"
    std::string_view flag;  ///< "--port"; empty: the environment alone sets it
    std::string_view type;  ///< of the value, for help: "PORT", "SECONDS"
    std::string_view meaning;
    std::string_view fallback = {};    ///< the default; empty: none
    std::string_view other_name = {};  ///< a second variable that is read where the first is not set
    bool secret = false;               ///< its value is never printed
};

enum class Origin { flag, environment, file, fallback };

struct Setting {
    const SettingSpec* spec = nullptr;
    std::string value;  ///< empty: not set
    Origin origin = Origin::fallback;
    std::string where;  ///< "--port", "the environment: PORT", ".env: PORT", "default"
};

/// A variable's value and whether it stood in a file (then its path), or nullopt where it is not set.
struct Variable {
    std::string value;
    std::string file;
};
using VariableLookup = std::function<std::optional<Variable>(const std::string& name)>;
/// The value of a flag that was given on the command line.
using FlagLookup = std::function<std::optional<std::string>(std::string_view flag)>;

/// All settings of `specs`, in their order. A flag goes before the variable, the variable before the other
/// name, that before the default. A variable that is set and empty counts as not set.
class Settings {
  public:
    Settings(std::span<const SettingSpec> specs, const FlagLookup& flags, const VariableLookup& variables);

    [[nodiscard]] const std::vector<Setting>& all() const { return settings_; }
    /// `name` must be that of a spec.
    [[nodiscard]] const Setting& at(std::string_view name) const;
    [[nodiscard]] const std::string& value(std::string_view name) const { return at(name).value; }
    [[nodiscard]] bool is_set(std::string_view name) const { return !value(name).empty(); }

  private:
    std::vector<Setting> settings_;
};

/// How a person names the place: "PORT (--port)", or the variable alone where there is no flag.
[[nodiscard]] std::string shown_name(const SettingSpec& spec);

}  // namespace callchain::config
