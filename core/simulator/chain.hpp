/// The whole chain on one host: the stand-ins in this process, `gateway run` and `serve` as the processes
/// that they are in production.
#pragma once

#include "base/result.hpp"
#include "simulator/plan.hpp"
#include "timeline/timeline.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace callchain::simulator {

struct ChainSettings {
    std::string program;  ///< callchain itself
    std::string folder;   ///< there, ours and empty: gets logs, captures, certificates
};

/// A side that did not hear of the end of a call, since the other's BYE was answered 481, or not at all.
struct Untold {
    timeline::Party side = timeline::Party::whatsapp;  ///< or twilio
    int bye_status = 481;                              ///< of the other; 0: no answer came
    /// From that BYE to the end of this side; nullopt: the run saw none.
    std::optional<std::chrono::milliseconds> time = std::nullopt;
};

/// One call as each side saw it; nullopt: it never got there.
struct CallResult {
    timeline::Timeline timeline;
    std::optional<MetaCall> meta = std::nullopt;
    std::optional<TwilioCall> twilio = std::nullopt;
    std::optional<OpenAiCall> openai = std::nullopt;

    [[nodiscard]] bool bridged() const;
    [[nodiscard]] bool greeted() const;
    /// One of the two ends hung up, and every side knows.
    [[nodiscard]] bool ended_cleanly() const;
    /// nullopt where both hung up at the same time as well: then a 481 is the proper answer.
    [[nodiscard]] std::optional<Untold> untold() const;
    [[nodiscard]] bool good() const { return bridged() && greeted() && ended_cleanly(); }
};

/// What the processes left behind.
struct Evidence {
    std::string folder;
    std::vector<std::string> gateway_log = {};  ///< lines of JSON
    std::vector<std::string> second_gateway_log = {};
    std::vector<std::string> serve_log = {};
    std::optional<int> gateway_exit = std::nullopt;
    std::optional<int> serve_exit = std::nullopt;
    std::map<std::string, std::string> gateway_environment = {};
    std::string voice_document = {};  ///< path of the TwiML, where it was not serve's
    /// File of that folder with what reaches the stand-ins; empty: they are gone.
    std::string environment_file = {};
};

struct ChainResult {
    std::size_t placed = 0;
    std::vector<CallResult> calls;  ///< in the order of their first events; one that was lost is missing
    std::vector<timeline::Event> others = {};  ///< what the processes told of no call
    Evidence evidence;
    bool interrupted = false;
};

struct ChainEvents {
    std::function<void(std::size_t placed, std::size_t over)> on_progress = {};
    /// Asked ten times a second; true: end as soon as possible.
    std::function<bool()> interrupted = {};
    /// Where it is set, everything stays up behind the last call until `interrupted` says so. Called once, on
    /// the caller's thread, with what there is then and what reaches it: not where the run was interrupted
    /// before.
    std::function<void(ChainResult result, const std::map<std::string, std::string>& environment)> on_stay =
        {};
};

/// Starts everything, places the calls, ends everything: no process and no port is left, whatever happens.
/// Of a run that stayed, what it returns has no calls: they went to `on_stay`.
/// Errors: io for the folder, or where a process did not start (the message has its last line).
[[nodiscard]] Result<ChainResult> run_chain(Plan plan, const ChainSettings& settings,
                                            const ChainEvents& events);

}  // namespace callchain::simulator
