/// What Twilio keeps of a call, as events of a timeline.
#pragma once

#include "timeline/event.hpp"
#include "twilio/call_resources.hpp"

#include <vector>

namespace callchain::timeline {

/// The calls, the webhooks and the notices, each with the ids by which they join with our own log: call_sid
/// of the caller's leg in all of them, leg_call_sid, call_id_openai_leg, and the callchain_id that travels in
/// SipHeader_X-Callchain-Id and in the URI of the leg. Telephone numbers are cut to their last four digits.
/// Twilio's times are whole seconds; of one second, what comes first in a call is told first. Notices and
/// webhooks without a time get that of the call's end. A call without any time yields nothing.
[[nodiscard]] std::vector<Event> events_of_call(const twilio::CallFile& file);

}  // namespace callchain::timeline
