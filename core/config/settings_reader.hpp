/// What reading settings into a configuration always needs: all problems are gathered, none ends the reading.
#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::config {

/// To be derived from. Settings must outlive it.
class SettingsReader {
  public:
    explicit SettingsReader(const Settings& settings) : settings_(settings) {}

  protected:
    void problem(std::string message, std::string hint = {});
    /// As problem(), for the value of one setting.
    void refuse(std::string_view name, const std::string& what, std::string hint = {});
    void warn(std::string text) { warnings_.push_back(std::move(text)); }

    /// The value, or nullopt and a problem of that setting.
    template <class T>
    std::optional<T> take(std::string_view name, Result<T> result) {
        if (result) return *std::move(result);
        refuse(name, result.error().message, result.error().hint);
        return std::nullopt;
    }
    /// 0 to `most`.
    std::optional<std::int64_t> number(std::string_view name, std::int64_t most);
    /// The place of the value among `words`.
    std::optional<std::size_t> choice(std::string_view name, const std::vector<std::string_view>& words);

    const Settings& settings_;
    std::vector<Error> problems_;
    std::vector<std::string> warnings_;
};

}  // namespace callchain::config
