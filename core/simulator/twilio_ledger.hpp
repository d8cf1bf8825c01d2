/// What Twilio's stand-in keeps of its calls for the REST API to tell. Pure.
#pragma once

#include "encoding/text_codings.hpp"
#include "twilio/error_codes.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::simulator {

/// A leg: that of the caller, or the one that <Dial> made for it.
struct KeptCall {
    std::string sid;
    std::string parent_sid = {};  ///< empty: the caller's
    std::string from;
    std::string to;
    std::string status;  ///< "ringing", "in-progress", "completed", "failed", "busy", "no-answer"
    std::chrono::sys_seconds created;
    std::optional<std::chrono::sys_seconds> ended = std::nullopt;
    std::optional<std::chrono::seconds> duration = std::nullopt;
};

/// A webhook, and what it was answered.
struct KeptExchange {
    std::string call_sid;
    std::string method;
    std::string url;  ///< as Twilio knows it
    encoding::FormFields parameters = {};
    int status = 0;  ///< 0: no answer
    std::string content_type = {};
    std::string response_headers = {};  ///< "name=value&…", as a form
    std::string response_body = {};
    std::chrono::milliseconds duration{};
    std::chrono::sys_seconds at;
};

/// An error or a warning: a notification of its call, and an alert of the account.
struct KeptNotice {
    std::string sid;            ///< "NO…"
    std::string call_sid = {};  ///< empty: there is no call, the SIP Domain refused it
    int code = 0;
    twilio::Level level = twilio::Level::error;
    std::string text;                                     ///< message_text: a form
    std::optional<KeptExchange> exchange = std::nullopt;  ///< that it is about
    std::chrono::sys_seconds at;
};

/// Of the newest calls; older ones are forgotten with all that was kept of them.
class TwilioLedger {
  public:
    explicit TwilioLedger(std::size_t most_calls = 1'000) : most_calls_(most_calls) {}

    /// In place of what was kept under that sid; `created` stays.
    void set(KeptCall call);
    void add(KeptExchange exchange);
    void add(KeptNotice notice);

    [[nodiscard]] const KeptCall* find(std::string_view sid) const;
    /// All lists: newest first, exchanges oldest first.
    [[nodiscard]] std::vector<const KeptCall*> calls() const;
    [[nodiscard]] std::vector<const KeptExchange*> exchanges_of(std::string_view call_sid) const;
    [[nodiscard]] std::vector<const KeptNotice*> notices() const;
    /// The last one of that call or, where `with_children`, of a leg that it made; nullptr: none.
    enum class Family { alone, with_children };
    [[nodiscard]] const KeptExchange* last_exchange_of(std::string_view call_sid, Family family) const;

  private:
    void forget_oldest();

    std::size_t most_calls_;
    std::deque<KeptCall> calls_;  // oldest first, all three
    std::deque<KeptExchange> exchanges_;
    std::deque<KeptNotice> notices_;
};

/// message_text of a notification and alert_text of an alert: a form. `exchange`: of an error of a webhook;
/// `sip_status`: of one of a leg. Source: Twilio, "Notification resource", the example of 11200; of other
/// codes no example was found.
[[nodiscard]] std::string write_notice_text(int code, twilio::Level level, std::string_view why,
                                            const KeptExchange* exchange, int sip_status);

}  // namespace callchain::simulator
