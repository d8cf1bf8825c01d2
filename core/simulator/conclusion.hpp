/// What went wrong in a run, found as a person would find it: with our own commands, from what the run left.
#pragma once

#include "simulator/chain.hpp"
#include "simulator/child_process.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace callchain::simulator {

/// Nothing here is known from the fault that was asked for.
struct Conclusion {
    std::string caller = {};     ///< what the person on the telephone heard, one sentence
    std::string component = {};  ///< "serve, POST /openai/webhook"
    std::string cause = {};      ///< one sentence
    std::string fix = {};        ///< one or two
    std::string code = {};  ///< of the finding, or "twilio 32202", "sip 400"; empty where nothing has one
    bool proved = false;    ///< by recomputing a signature
    /// The command that shows it, to be pasted where the run left its files; its exit code.
    std::string command = {};
    int exit_code = 0;
};

/// Runs callchain with these arguments and this environment in the folder of the evidence.
using RunCommand = std::function<Result<Finished>(const std::vector<std::string>& arguments,
                                                  const std::map<std::string, std::string>& environment)>;

/// What the caller heard of that call.
[[nodiscard]] std::string heard_by_caller(const CallResult& call);

/// Looks at the first call that is not good, else at the first: the gateway's verdict, then Twilio's, then
/// what serve refused, then what became of the accept. `secrets` are files with the secrets of the webhook
/// endpoints, each `LABEL=PATH`, as somebody has them who looks at OpenAI's list. nullopt: nothing is wrong.
[[nodiscard]] std::optional<Conclusion> conclude(const ChainResult& result,
                                                 const std::vector<std::string>& secrets,
                                                 const RunCommand& run);

/// What the chain bore in calls that went well: by what its sides saw, and the processes told. Empty where
/// there was nothing to bear.
[[nodiscard]] std::vector<Conclusion> borne_by(const ChainResult& result, const RunCommand& run);

/// Remarks of the processes about calls that went well all the same: "the accept was answered 404 twice",
/// each once, with how often.
[[nodiscard]] std::vector<std::string> remarks_of(const ChainResult& result);

}  // namespace callchain::simulator
