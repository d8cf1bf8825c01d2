#include "config/settings.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace callchain::config {
namespace {

Setting resolve(const SettingSpec& spec, const FlagLookup& flags, const VariableLookup& variables) {
    if (!spec.flag.empty()) {
        if (auto given = flags(spec.flag))
            return {&spec, *std::move(given), Origin::flag, std::string(spec.flag)};
    }
    for (const auto name : {spec.name, spec.other_name}) {
        if (name.empty()) continue;
        auto variable = variables(std::string(name));
        if (!variable || variable->value.empty()) continue;
        const bool from_file = !variable->file.empty();
        return {&spec, std::move(variable->value), from_file ? Origin::file : Origin::environment,
                (from_file ? variable->file : "environment") + ": " + std::string(name)};
    }
    return {&spec, std::string(spec.fallback), Origin::fallback,
            spec.fallback.empty() ? "not set" : "default"};
}

}  // namespace

Settings::Settings(std::span<const SettingSpec> specs, const FlagLookup& flags,
                   const VariableLookup& variables) {
    settings_.reserve(specs.size());
    for (const auto& spec : specs) settings_.push_back(resolve(spec, flags, variables));
}

const Setting& Settings::at(std::string_view name) const {
    const auto found = std::find_if(settings_.begin(), settings_.end(),
                                    [&](const Setting& setting) { return setting.spec->name == name; });
    assert(found != settings_.end());
    return *found;
}

std::string shown_name(const SettingSpec& spec) {
    return std::string(spec.name) + (spec.flag.empty() ? "" : " (" + std::string(spec.flag) + ")");
}

}  // namespace callchain::config
