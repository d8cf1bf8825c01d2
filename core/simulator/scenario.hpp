/// What a stand-in that runs alone is told to do: by flags, or by a small JSON document. One table for both.
/// Pure.
#pragma once

#include "base/result.hpp"
#include "simulator/meta.hpp"
#include "simulator/openai.hpp"
#include "simulator/twilio.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::simulator {

/// One member of a conduct.
template <class Conduct>
struct ScenarioMember {
    std::string_view name;  ///< "accept_time"; as a flag "--accept-time"
    std::string_view type;  ///< of the value, for help: "SECONDS"; empty: a flag without one, true or false
    std::string_view meaning;
    /// Errors: bad_input, what is wrong with the value ("is not between 0 and 600"), without its name.
    Result<void> (*set)(Conduct& conduct, std::string_view value);
};

/// The members of MetaConduct, TwilioConduct or OpenAiConduct, in the order of a call.
template <class Conduct>
[[nodiscard]] std::span<const ScenarioMember<Conduct>> scenario_members();
template <>
[[nodiscard]] std::span<const ScenarioMember<MetaConduct>> scenario_members();
template <>
[[nodiscard]] std::span<const ScenarioMember<TwilioConduct>> scenario_members();
template <>
[[nodiscard]] std::span<const ScenarioMember<OpenAiConduct>> scenario_members();

/// Name and value as text, in the order given.
using Assignments = std::vector<std::pair<std::string, std::string>>;

/// A document by its form alone: {"accept_time": 2, "calls": [{"not_found_first": 2}, {}]}.
struct Scenario {
    Assignments all;                 ///< for every call
    std::vector<Assignments> calls;  ///< on top, for the first call, the second …
};

/// Numbers keep their text, lists become one text with commas. Errors: bad_input for what is no JSON (with
/// the offset), for a member twice, for a value that is an object or null, and for "calls" that is no list of
/// objects.
[[nodiscard]] Result<Scenario> read_scenario(std::string_view json);

/// Of every call, and of those that stand in "calls".
template <class Conduct>
struct Script {
    Conduct rest;
    std::vector<Conduct> calls;
};

/// `base` with what the scenario says of all, then with `flags`, then with what it says of single calls.
/// Errors: usage or bad_input, naming the member ("calls[1].not_found_frist") or the flag, with what is near
/// in spelling.
template <class Conduct>
[[nodiscard]] Result<Script<Conduct>> make_script(const Scenario& scenario, const Assignments& flags,
                                                  Conduct base);
extern template Result<Script<MetaConduct>> make_script(const Scenario&, const Assignments&, MetaConduct);
extern template Result<Script<TwilioConduct>> make_script(const Scenario&, const Assignments&, TwilioConduct);
extern template Result<Script<OpenAiConduct>> make_script(const Scenario&, const Assignments&, OpenAiConduct);

/// "accept_time" as "--accept-time".
[[nodiscard]] std::string flag_of(std::string_view member);

}  // namespace callchain::simulator
