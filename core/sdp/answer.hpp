/// Does an answer belong to its offer?
#pragma once

#include "base/result.hpp"
#include "sdp/facts.hpp"
#include "sdp/filter.hpp"
#include "sdp/verdict.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace callchain::sdp {

/// Borrows from both texts.
struct AnswerVerdict {
    bool good = true;           ///< nothing stops: the call can have sound
    std::vector<Issue> issues;  ///< those that stop first
    Filtered filtered;          ///< the answer without formats that were not offered
    std::optional<AudioFacts> answer = {};
};

/// Holds an answer against its offer: as many m= lines, of the same types and protocols; formats that were
/// offered; no port for what was refused and one for the audio; a crypto line that was offered; a direction
/// that fits. Errors: as parse_document(); the message begins with "offer: " or "answer: ". Source: RFC 3264
/// section 6, RFC 4568 section 5.1.2, RFC 5761 section 5.1.1.
[[nodiscard]] Result<AnswerVerdict> judge_answer(std::string_view offer, std::string_view answer);

}  // namespace callchain::sdp
