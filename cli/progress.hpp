/// One line on a terminal that tells how far a long run has come.
#pragma once

#include "context.hpp"

#include <chrono>
#include <string>

namespace callchain::cli {

/// Writes to stderr, over itself, ten times a second at most, and only where that is a terminal that can move
/// its cursor, nothing asked for quiet, and the run is half a second old. Whoever prints anything else calls
/// clear() first; the destructor does.
class ProgressLine {
  public:
    /// When to show it first, where nothing else happens: just behind that half second.
    static constexpr std::chrono::milliseconds kFirstLook{600};

    explicit ProgressLine(Context& context);
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine() { clear(); }

    /// Units: `line` is short and safe to print; it is cut to the width of 79 characters.
    void show(const std::string& line);
    void clear();

  private:
    using Clock = std::chrono::steady_clock;
    Context& context_;
    bool enabled_;
    bool shown_ = false;
    Clock::time_point next_;
};

}  // namespace callchain::cli
