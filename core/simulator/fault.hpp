/// The ways in which practitioners saw the chain break, as changes to a proper plan.
#pragma once

#include "simulator/plan.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::simulator {

struct Fault {
    std::string_view name;    ///< "wrong-secret"
    std::string_view title;   ///< what is wrong, one line, no full stop
    std::string_view source;  ///< who saw it
    bool needs_gateway;       ///< means nothing to a chain that starts at Twilio
    void (*apply)(Plan& plan, const RunSecrets& secrets);
};

/// All of them, in the order of the chain.
[[nodiscard]] std::span<const Fault> faults();
/// nullptr where there is none of that name.
[[nodiscard]] const Fault* find_fault(std::string_view name);
/// Those nearest in spelling, at most three; for "did you mean".
[[nodiscard]] std::vector<std::string_view> nearest_faults(std::string_view name);

}  // namespace callchain::simulator
