/// The checks of `doctor`, in their order.
#pragma once

#include "doctor/material.hpp"
#include "doctor/online_checks.hpp"
#include "service/check.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::doctor {

/// One step: its checks have its name, or begin with it and "-".
struct Step {
    std::string_view name;
    std::string_view asks;    ///< what is looked at, for --list
    std::string_view checks;  ///< the names that its checks can have, divided by blanks
    bool is_online = false;   ///< all of it needs the network
    enum class Side { any, serve, gateway } side = Side::any;  ///< what it is about
    /// Why it cannot be done with this material; empty: it can.
    std::string (*lacks)(const Material&);
    std::vector<service::Check> (*run)(const Material&, Online&);
};

/// From the settings outwards: what is printed first explains what comes later.
[[nodiscard]] std::span<const Step> steps();

/// Which checks are wanted. An item names a step ("api"), one of its checks ("api-key"), or the beginning of
/// several steps ("twilio").
class Choice {
  public:
    Choice(std::vector<std::string> only, std::vector<std::string> skip)
        : only_(std::move(only)), skip_(std::move(skip)) {}
    [[nodiscard]] bool wants_step(std::string_view step) const;
    [[nodiscard]] bool wants_check(std::string_view check) const;

  private:
    std::vector<std::string> only_;
    std::vector<std::string> skip_;
};
/// Whether an item is a check, or the beginning of some.
[[nodiscard]] bool names_a_check(std::string_view item);

/// Runs one step, or says why not. Of a side that is not looked at only its first step says so.
[[nodiscard]] std::vector<service::Check> run_step(const Step& step, const Material& material, Online& online,
                                                   const Choice& choice);

}  // namespace callchain::doctor
