/// Whether a call that was accepted is alive, judged from what its sideband noted.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::openai {

/// A note of openai::Sideband, and when it came.
struct Milestone {
    std::string name;
    std::string detail;
    std::chrono::milliseconds at{};  ///< since the accept was answered
};

/// What the notes prove so far.
struct LifeVerdict {
    enum class Life {
        pending,  ///< nothing yet: go on
        alive,    ///< what was asked for has come
        quiet,    ///< time is up; the session took the connection and holds it, and said nothing yet
        dead,     ///< it ended, or what was asked for did not come
    };
    Life life = Life::pending;
    /// Dead or quiet: what did not come: "attached", "first_event", "first_audio".
    std::string_view stage = {};
    std::string_view code = {};  ///< dead: the finding code, call_…
    /// Dead: "dead_session", "caller_hung_up" … of the end, or "no_proof_in_time".
    std::string reason = {};
    std::string detail = {};  ///< in words
};

/// OpenAI answers 200 to an accept whose session dies a moment later, so only the sideband proves anything. A
/// Realtime sideband promises no event, so one that stays open in silence is good enough, but not behind an
/// error event. Pure.
class ProofOfLife {
  public:
    enum class Wanted {
        event,  ///< any event but an error
        audio,  ///< the greeting, heard
    };
    explicit ProofOfLife(Wanted wanted) : wanted_(wanted) {}
    void note(Milestone milestone);
    /// The sideband ended for this reason of openai::Sideband.
    void end(std::string_view reason, std::string_view detail);
    [[nodiscard]] LifeVerdict verdict() const;
    /// As verdict(), where no time is left.
    [[nodiscard]] LifeVerdict verdict_in_the_end() const;
    [[nodiscard]] const std::vector<Milestone>& milestones() const { return milestones_; }

  private:
    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] std::string_view missing_stage() const;
    [[nodiscard]] std::string last_error() const;
    [[nodiscard]] LifeVerdict dead(std::string reason, std::string detail) const;

    Wanted wanted_;
    std::vector<Milestone> milestones_;
    bool ended_ = false;
    std::string reason_;
    std::string detail_;
};

}  // namespace callchain::openai
