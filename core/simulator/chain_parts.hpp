/// The parts of a chain that are running. For core/simulator/chain*.cpp alone.
#pragma once

#include "http/server.hpp"
#include "simulator/authority.hpp"
#include "simulator/chain.hpp"
#include "simulator/child_process.hpp"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace callchain::simulator {

/// Gathers what every thread tells.
class Recorder {
  public:
    void add(timeline::Event event);
    void add(MetaCall call);
    void add(TwilioCall call);
    void add(OpenAiCall call);
    /// A line of the log of that name: what it says of a call, and warnings, become notes.
    void add_line(timeline::Party party, const std::string& log, const std::string& line);

    struct Counts {
        std::size_t events = 0;
        std::size_t meta = 0;
        std::size_t twilio = 0;
        std::size_t openai = 0;
        std::size_t bridged = 0;
    };
    [[nodiscard]] Counts counts() const;
    /// Waits for a change, at most that long.
    void wait(std::chrono::milliseconds most);
    /// Everything, sorted into calls; `others` gets the events of none.
    [[nodiscard]] std::vector<CallResult> take(std::vector<timeline::Event>& others);
    [[nodiscard]] std::vector<std::string> log_of(const std::string& name) const;

  private:
    void add_silent_calls(std::vector<CallResult>& results) const;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<timeline::Event> events_;
    std::vector<MetaCall> meta_;
    std::vector<TwilioCall> twilio_;
    std::vector<OpenAiCall> openai_;
    std::map<std::string, std::vector<std::string>> logs_;
    std::size_t bridged_ = 0;
};

/// Somebody else's host that is subscribed too: accepts every call that its webhook brings.
class OtherEndpoint {
  public:
    [[nodiscard]] static Result<std::unique_ptr<OtherEndpoint>> start(std::string api_key,
                                                                      std::string api_url);
    OtherEndpoint(const OtherEndpoint&) = delete;
    OtherEndpoint& operator=(const OtherEndpoint&) = delete;
    ~OtherEndpoint();
    [[nodiscard]] std::string url() const;

  private:
    struct State;
    explicit OtherEndpoint(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// A TCP port of loopback that nobody has at the moment.
[[nodiscard]] Result<std::uint16_t> free_port();

}  // namespace callchain::simulator
