/// Where the stand-ins tell what they see.
#pragma once

#include "gateway/transports.hpp"
#include "timeline/event.hpp"

#include <functional>
#include <vector>

namespace callchain::simulator {

/// Called on whatever thread a stand-in runs; must not block.
using EventSink = std::function<void(timeline::Event)>;

/// One SIP message on the wire as an event: from `peer` to `self` or the other way round, label by its start
/// line ("INVITE", "407 Proxy Authentication Required"; of a response with the method of its CSeq in the
/// detail), ids by Call-ID (under the name `call_id`) and X-Callchain-Id. `known` ids are added.
[[nodiscard]] timeline::Event sip_event(const gateway::TracedMessage& message, timeline::Party self,
                                        timeline::Party peer, std::string_view call_id,
                                        std::vector<timeline::Id> known = {});
/// Of now.
[[nodiscard]] timeline::WallTime wall_now();

}  // namespace callchain::simulator
