#include "b2bua/settings.hpp"

#include <gtest/gtest.h>

namespace callchain::b2bua {
namespace {

TEST(NameOfLeg, FollowsTheDirection) {
    using enum sdp::Direction;
    EXPECT_EQ(name_of(Leg::a, meta_to_twilio), "Meta");
    EXPECT_EQ(name_of(Leg::b, meta_to_twilio), "Twilio");
    EXPECT_EQ(name_of(Leg::a, twilio_to_meta), "Twilio");
    EXPECT_EQ(name_of(Leg::b, twilio_to_meta), "Meta");
}

}  // namespace
}  // namespace callchain::b2bua
