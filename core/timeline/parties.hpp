/// The columns of a picture. For core/timeline alone.
#pragma once

#include "timeline/timeline.hpp"

#include <algorithm>
#include <vector>

namespace callchain::timeline {

/// Those that take part, in the order of the columns.
[[nodiscard]] inline std::vector<Party> parties_of(const Timeline& timeline) {
    std::vector<Party> parties;
    for (const auto party : {Party::whatsapp, Party::gateway, Party::twilio, Party::serve, Party::openai}) {
        const bool takes_part =
            std::any_of(timeline.events.begin(), timeline.events.end(),
                        [party](const Event& event) { return event.from == party || event.to == party; });
        if (takes_part) parties.push_back(party);
    }
    return parties;
}

}  // namespace callchain::timeline
