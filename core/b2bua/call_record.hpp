/// One line of account for each call.
#pragma once

#include "b2bua/settings.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::b2bua {

/// Why a call ended; a closed set, for metrics and log.
enum class CallEnd {
    none,                 ///< it has not
    offer_refused,        ///< what leg A offered cannot work: 488, nothing was dialled
    cancelled,            ///< leg A gave up before the answer
    refused,              ///< leg B answered 300 to 699
    credentials_refused,  ///< leg B refused our credentials, or asked for what we do not have
    unreachable,          ///< no address, no connection, or no answer at all of leg B
    no_answer,            ///< leg B rang for too long
    answer_refused,       ///< leg B's answer does not belong to the offer
    not_acknowledged,     ///< leg A never acknowledged the answer
    hung_up_by_a,
    hung_up_by_b,
    too_long,  ///< the longest call that is allowed
    lost,      ///< Twilio does not know the dialog any more (481), or answers nothing within it
    stopped,   ///< the gateway was told to leave
    fault,     ///< one of our own
};
[[nodiscard]] std::string_view name_of(CallEnd end);
/// All names but `none`, for metrics.
[[nodiscard]] std::vector<std::string_view> call_end_names();

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

struct CallRecord {
    std::string id;  ///< X-Callchain-Id
    sdp::Direction direction = sdp::Direction::meta_to_twilio;
    std::string call_id_a;
    std::string call_id_b = {};
    std::string wacid = {};
    std::string twilio_call_sid = {};        ///< X-Twilio-CallSid of an answer
    std::string caller = {};                 ///< user of From on leg A, whole; shown masked
    std::string called = {};                 ///< user of the Request-URI on leg A, whole; shown masked
    std::vector<std::string> offered = {};   ///< codecs that were offered to leg B
    std::vector<std::string> answered = {};  ///< codecs of its answer
    WallTime began{};
    /// After `began`, as the following: the last INVITE to leg B, which answers a challenge where one came.
    std::optional<std::chrono::milliseconds> dialled = std::nullopt;
    std::optional<std::chrono::milliseconds> rang = std::nullopt;  ///< the first 1xx above 100 of leg B
    std::optional<std::chrono::milliseconds> answered_after = std::nullopt;  ///< the 2xx of leg B
    std::optional<std::chrono::milliseconds> ended = std::nullopt;
    CallEnd end = CallEnd::none;
    int final_status = 0;                                           ///< that leg A got to its INVITE
    int leg_b_status = 0;                                           ///< last final one of leg B, 0: none
    std::optional<std::uint32_t> whatsapp_duration = std::nullopt;  ///< seconds, as Meta counts
    int twilio_error = 0;
    std::string code = {};    ///< finding code of what stopped it: "sdp_dtls_offer"
    std::string why = {};     ///< one sentence for a person
    std::string remedy = {};  ///< what to do; may be empty
};

/// Meta hangs up 20 s after the answer where no media reached it, 30 s where it stopped: a BYE of Meta's
/// between 19 and 22, or 29 and 33 seconds after the answer. A hint and no proof. Source: Meta, "SIP
/// troubleshooting".
enum class SilencePattern { none, never_began, stopped };
[[nodiscard]] SilencePattern silence_pattern(const CallRecord& record);

/// For one line of the log, in order; numbers masked to their last four digits. Empty values are left out.
[[nodiscard]] std::vector<std::pair<std::string_view, std::string>> summary_fields(const CallRecord& record);

}  // namespace callchain::b2bua
