#include "b2bua/settings.hpp"

namespace callchain::b2bua {

std::string_view name_of(Leg leg, sdp::Direction direction) {
    const bool from_meta = direction == sdp::Direction::meta_to_twilio;
    return (leg == Leg::a) == from_meta ? "Meta" : "Twilio";
}

}  // namespace callchain::b2bua
