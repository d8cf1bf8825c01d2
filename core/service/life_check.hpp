/// Finds out whether a call that was accepted is alive: opens its sideband, watches, and leaves the call
/// alone.
#pragma once

#include "openai/proof_of_life.hpp"
#include "service/sideband_driver.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace callchain::service {

struct LifeReport {
    openai::LifeVerdict verdict;
    std::vector<openai::Milestone> milestones;  ///< up to the verdict
};

/// All functions on the thread of the loop, or before it runs.
class LifeCheck {
  public:
    /// With a greeting in the settings its audio is the proof. `most_time` runs from start(). on_milestone is
    /// called as they come; on_done once, last, from the loop, and may destroy the object.
    LifeCheck(http::Loop& loop, openai::SidebandSettings settings, OpenSideband open,
              std::chrono::milliseconds most_time, std::function<void(const openai::Milestone&)> on_milestone,
              std::function<void(LifeReport)> on_done);
    LifeCheck(const LifeCheck&) = delete;
    LifeCheck& operator=(const LifeCheck&) = delete;
    ~LifeCheck() = default;

    void start();

  private:
    void on_note(const SidebandNote& note);
    void conclude(openai::LifeVerdict verdict);

    http::Loop& loop_;
    std::chrono::milliseconds most_time_;
    std::function<void(const openai::Milestone&)> on_milestone_;
    std::function<void(LifeReport)> on_done_;
    openai::ProofOfLife proof_;
    std::optional<openai::LifeVerdict> verdict_;
    SidebandDriver driver_;
    http::Timer soon_;
    http::Timer deadline_;
};

}  // namespace callchain::service
