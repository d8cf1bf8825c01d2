/// The gateway itself: takes SIP requests from the stack, lets calls in, and performs what they decide.
#pragma once

#include "b2bua/admission.hpp"
#include "b2bua/call.hpp"
#include "gateway/sip_stack.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::gateway {

struct DriverSettings {
    StackSettings stack;
    b2bua::AdmissionSettings admission;
    b2bua::CallSettings inward;                                 ///< from Meta to Twilio
    std::optional<b2bua::CallSettings> outward = std::nullopt;  ///< from Twilio to Meta
    sip::DigestAccount twilio = {};                             ///< answers Twilio's challenges
    std::vector<sip::DigestAccount> meta = {};  ///< answers Meta's; by the user in From, of several
    std::string user_agent = "callchain";
    /// Only messages of calls with this text in Call-ID, From or To are traced; empty: all.
    std::string trace_call = {};
};

/// What the driver tells; all on the loop's thread, none may throw or call the driver.
struct DriverEvents {
    enum class Level { info, warn };
    /// One line for the log.
    std::function<void(Level, std::string_view what,
                       const std::vector<std::pair<std::string_view, std::string>>& fields)>
        on_remark = {};
    /// A call is over; its summary.
    std::function<void(const b2bua::CallRecord&)> on_call = {};
    /// For counters, each a word of a closed set: b2bua::Admission::what.
    std::function<void(std::string_view)> on_admission = {};
    /// A request outside of dialogs, by method ("other" where it is none of ours), and what was answered.
    std::function<void(std::string_view method, int status)> on_answer = {};
    /// A message for the trace, when `trace` is on.
    std::function<void(const TracedMessage&)> on_trace = {};
    /// The last call has ended while draining, or there was none: once.
    std::function<void()> on_drained = {};
};

/// How much there is at the moment; `peak` and totals only grow.
struct DriverCounts {
    std::size_t calls = 0;       ///< that are being set up or up
    std::size_t remembered = 0;  ///< with those that are over and wait for repetitions
    std::size_t transactions = 0;
    std::size_t timers = 0;
    std::uint64_t total = 0;  ///< let in since the start
    TransportCounts transports = {};
};

/// Requests outside of dialogs are judged (RFC 3261 section 8.2), then let in or not
/// (b2bua::AdmissionControl); an INVITE becomes a b2bua::Call, OPTIONS is answered 200 with Allow, Accept and
/// `X-Callchain-Calls: UP/MOST` (503 while draining), everything else 405, 481 or what RFC 3261 asks for.
/// Requests within dialogs are taken from anywhere, by our tag in To. An INVITE with an X-Callchain-Id of a
/// running call is answered 482; so is a merged one. From connections of peers who may not call, nothing is
/// answered and the connection is closed unless a dialog's message came on it, or we made it. Which
/// connection: the one by which the leg last spoke, while it lives; else RFC 3263 on the next hop. All
/// functions on the loop's thread, or before it runs. Outlived by the loop.
class CallDriver {
  public:
    CallDriver(Loop& loop, DriverSettings settings, DriverEvents events,
               std::function<std::string(std::size_t)> random);
    CallDriver(const CallDriver&) = delete;
    CallDriver& operator=(const CallDriver&) = delete;
    ~CallDriver();

    /// Errors: those of Transports::listen().
    [[nodiscard]] Result<std::vector<BoundAddress>> listen();
    /// No new calls from now on: 503 with Retry-After. on_drained follows, at once where there is none.
    void drain();
    /// Ends all calls: BYE or CANCEL on both legs. on_drained follows once they are over, at the latest after
    /// 64 s of timers; whoever cannot wait leaves.
    void hang_up_all();
    /// Errors: those of Transports::reload_tls().
    [[nodiscard]] Result<void> reload_tls();
    [[nodiscard]] bool tls_files_changed() const;
    [[nodiscard]] std::optional<std::chrono::sys_seconds> certificate_ends() const;
    void set_trace(bool on);
    [[nodiscard]] DriverCounts counts() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace callchain::gateway
