/// Joins what belongs to one call: the ids that Twilio, OpenAI and we have for it.
#pragma once

#include "base/callchain_id.hpp"

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace callchain::service {

/// Twilio's id of the call, in its INVITEs and webhooks.
inline constexpr std::string_view kCallSidHeader = "X-Twilio-CallSid";

/// "CA" and 32 hex digits: a CallSid of Twilio's. Source: Twilio, "What is a String Identifier (SID)?".
[[nodiscard]] bool is_call_sid(std::string_view text);

/// What is known of a call. Empty: not known.
struct CallLinks {
    std::string callchain_id = {};
    std::string call_sid = {};  ///< of the caller's leg
    std::string call_id = {};   ///< at OpenAI, of either dialect
};

/// The last calls that were seen, at most `most`; older ones are forgotten. Any thread.
class CallJournal {
  public:
    explicit CallJournal(std::size_t most = 20'000) : most_(most) {}

    /// The id of the call with that CallSid; `fresh` becomes it where it has none yet. A repeated voice
    /// request so gets the same id again.
    [[nodiscard]] std::string id_of_call_sid(const std::string& call_sid, const std::string& fresh);
    /// Notes that these belong together. callchain_id must not be empty. The CallSid of a webhook is a
    /// header, which the caller may have written: it takes no other call's place, and none that is known
    /// already goes for it.
    void link(const CallLinks& links);
    [[nodiscard]] CallLinks find_call_sid(const std::string& call_sid) const;
    [[nodiscard]] std::size_t size() const;

  private:
    struct Entry {
        CallLinks links;
        std::string other_sid = {};  ///< a second one by which the call is found
    };
    using Calls = std::list<Entry>;
    Calls::iterator entry_of(const std::string& callchain_id);
    void add_call_sid(Calls::iterator entry, const std::string& call_sid);
    void forget_call_sid(Calls::iterator entry, const std::string& call_sid);

    std::size_t most_;
    mutable std::mutex mutex_;
    Calls calls_;  ///< oldest first
    std::unordered_map<std::string, Calls::iterator> by_id_;
    std::unordered_map<std::string, Calls::iterator> by_call_sid_;
};

}  // namespace callchain::service
