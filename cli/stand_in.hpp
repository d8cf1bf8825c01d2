/// What the three commands that run one stand-in of the simulator have in common.
#pragma once

#include "base/result.hpp"
#include "base/text.hpp"
#include "context.hpp"
#include "simulator/authority.hpp"
#include "simulator/scenario.hpp"
#include "sip/digest_client.hpp"
#include "sip/resolve.hpp"
#include "timeline/event.hpp"

#include <CLI/App.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace callchain::cli {

struct StandInOptions {
    std::string listen = "127.0.0.1:0";
    std::string transport = "tls";
    std::string authority;
    std::string scenario;
    std::size_t calls = 0;
    const CLI::App* command = nullptr;
    std::map<std::string, std::string> conduct = {};  ///< by the name of the member; those that were given
};

/// --listen, --authority, --scenario, and the common options.
void add_stand_in_options(CLI::App& command, StandInOptions& options, Context& context);
/// --transport tls|tcp|udp.
void add_transport_option(CLI::App& command, StandInOptions& options);
[[nodiscard]] sip::Transport transport_of(const StandInOptions& options);
/// NAME_USERNAME and NAME_PASSWORD of the environment, or none. Errors: usage where one is there alone, with
/// `hint`.
[[nodiscard]] Result<std::optional<sip::DigestAccount>> sip_account_of(const Context& context,
                                                                       const std::string& name,
                                                                       const std::string& hint);
/// --calls N: end when so many are over.
void add_calls_option(CLI::App& command, StandInOptions& options);
/// Errors: usage for what is no http or https URL, with the option's name.
[[nodiscard]] Result<void> check_url(const std::string& option, const std::string& url);

/// A flag for each member of the conduct.
template <class Conduct>
void add_conduct_options(CLI::App& command, StandInOptions& options) {
    for (const auto& member : simulator::scenario_members<Conduct>()) {
        const auto flag = simulator::flag_of(member.name);
        auto& value = options.conduct[std::string(member.name)];
        if (member.type.empty())
            command.add_flag(flag, value, std::string(member.meaning));
        else
            command.add_option(flag, value, std::string(member.meaning))->type_name(std::string(member.type));
    }
}

/// --scenario, where it was given. Errors: those of reading a file and of read_scenario().
[[nodiscard]] Result<simulator::Scenario> read_scenario_file(const StandInOptions& options, Context& context);

/// The script of --scenario and of the flags. Errors: those of read_scenario() and make_script(), with the
/// name of the file.
template <class Conduct>
Result<simulator::Script<Conduct>> script_of(const StandInOptions& options, Context& context,
                                             const Conduct& base) {
    const auto scenario = CALLCHAIN_TRY(read_scenario_file(options, context));
    simulator::Assignments flags;
    for (const auto& member : simulator::scenario_members<Conduct>()) {
        const std::string name(member.name);
        if (options.command->count(simulator::flag_of(name)) > 0)
            flags.emplace_back(name, options.conduct.at(name));
    }
    auto script = simulator::make_script<Conduct>(scenario, flags, base);
    if (!script && script.error().code == ErrorCode::bad_input)
        script.error().message =
            "--scenario " + visible_excerpt(options.scenario, 200) + ": " + script.error().message;
    return script;
}

/// The authority of --authority, or one that is removed with this.
class StandInAuthority {
  public:
    /// Errors: those of Authority::open(), and io where no folder can be made.
    [[nodiscard]] static Result<StandInAuthority> open(const StandInOptions& options);
    StandInAuthority(StandInAuthority&& other) noexcept = default;
    StandInAuthority(const StandInAuthority&) = delete;
    StandInAuthority& operator=(const StandInAuthority&) = delete;
    ~StandInAuthority();

    [[nodiscard]] std::string ca_file() const { return authority_->ca_file(); }
    /// A certificate of this process alone, which is removed with this: of two of one kind that share a
    /// folder neither must load the key of the other. Errors: those of Authority::issue().
    [[nodiscard]] Result<simulator::CertificateFiles> issue(const std::string& name,
                                                            const std::vector<std::string>& subjects) const;

  private:
    StandInAuthority(std::unique_ptr<simulator::Authority> authority, std::string removed)
        : authority_(std::move(authority)), removed_(std::move(removed)) {}
    std::unique_ptr<simulator::Authority> authority_;
    std::string removed_;
    mutable std::vector<std::string> issued_;
};

/// How a call went: for a person, and for a program.
struct CallReport {
    bool good = false;
    std::string id;
    std::string sentence;
    std::string fields;  ///< one JSON object
};

/// Prints what a stand-in tells, and waits for its end. Made before the stand-in, destroyed behind it.
class StandInRun {
  public:
    StandInRun(Context& context, std::string schema);
    StandInRun(const StandInRun&) = delete;
    StandInRun& operator=(const StandInRun&) = delete;
    ~StandInRun();

    /// From any thread; never blocks.
    void add(timeline::Event event);
    void add(CallReport report);

    void tell_ready(const std::vector<std::pair<std::string, std::string>>& fields);
    /// Prints what comes until so many calls are over (0: for ever), a signal comes or nobody reads any more.
    /// `work` is called in between, and says how long it can do without.
    int wait(std::size_t calls, const std::function<std::chrono::milliseconds()>& work = {});
    /// What came behind the end of wait().
    void print_rest() { print_pending(); }

  private:
    bool print_pending();
    void print(const timeline::Event& event);
    void print(const CallReport& report);

    Context& context_;
    std::string schema_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<timeline::Event> events_;
    std::deque<CallReport> reports_;
    bool reader_gone_ = false;
    std::size_t lost_ = 0;
    std::size_t over_ = 0;
    std::size_t good_ = 0;
};

}  // namespace callchain::cli
