/// What becomes of session descriptions that cross: judged, filtered, refused with the setting to change.
#pragma once

#include "b2bua/settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::b2bua {

/// Why a description is refused: what stands in the answer, and what the log says.
struct MediaRefusal {
    int status = 488;
    std::string warning = {};  ///< value of Warning: `305 gw.example.com "…"`; names the setting
    std::string code;          ///< finding code, "sdp_dtls_offer"; for log and metrics
    std::string detail;        ///< one sentence for the log, without keys and addresses
    std::string remedy;        ///< what to change, and where; may be empty
};

/// What is sent on, or why nothing is. Exactly one of the two is there.
struct MediaDecision {
    std::optional<std::string> sdp = std::nullopt;  ///< filtered; other bytes as they came
    std::optional<MediaRefusal> refusal = std::nullopt;
    std::vector<std::string> codecs = {};   ///< that are left, "PCMU/8000"; for the record
    std::vector<std::string> remarks = {};  ///< what works on a condition, or will not work beside the audio
};

/// Whether that Content-Type is application/sdp, with whatever parameters; it is where there is none.
[[nodiscard]] bool is_sdp(std::optional<std::string_view> content_type);

/// An offer of leg A before leg B is called, or (`from` leg B) of a 200 to an INVITE without one: judged as
/// it came (sdp::judge_offer), then filtered. `content_type` is the header as received, nullopt where it is
/// missing (then application/sdp is assumed); another type, or Content-Encoding, is 415. An offer that is no
/// SDP is 400. `host` is the agent in Warning. Source: RFC 3261 sections 8.2.3, 20.43 and 21.4.26.
[[nodiscard]] MediaDecision decide_offer(std::string_view offer, std::optional<std::string_view> content_type,
                                         Leg from, const CallSettings& settings);

/// An answer to the offer that we sent (`offer`, as it left us): subset of formats, m= lines, ports, tag and
/// suite of crypto (sdp::judge_answer), and the same filter. What it refuses is 488.
[[nodiscard]] MediaDecision decide_answer(std::string_view offer, std::string_view answer,
                                          std::optional<std::string_view> content_type,
                                          const CallSettings& settings);

/// Whether a new offer of a peer asks for what stands already: equal to `standing`, its last description,
/// ignoring o= and the order of lines within a part; key, connection address, port, formats and direction
/// must be the same. Such an offer is answered with the description that we last sent.
[[nodiscard]] bool same_session(std::string_view standing, std::string_view offer);

}  // namespace callchain::b2bua
