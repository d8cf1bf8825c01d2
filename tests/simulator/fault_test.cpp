#include "simulator/fault.hpp"

#include "config/network.hpp"

#include <algorithm>
#include <cctype>
#include <gtest/gtest.h>
#include <set>

namespace callchain::simulator {
namespace {

RunSecrets secrets() {
    std::string bytes;
    for (int i = 0; i < 192; ++i) bytes += static_cast<char>(i);
    return make_secrets(bytes);
}

Plan plan_with(const char* name) {
    const auto of = secrets();
    auto plan = make_plan(of);
    const auto* fault = find_fault(name);
    EXPECT_NE(fault, nullptr) << name;
    if (fault != nullptr) fault->apply(plan, of);
    return plan;
}

TEST(Faults, HaveNamesOfTheirOwnAndSayWhatIsWrong) {
    std::set<std::string_view> names;
    for (const auto& fault : faults()) {
        SCOPED_TRACE(fault.name);
        EXPECT_TRUE(names.insert(fault.name).second);
        EXPECT_TRUE(std::all_of(fault.name.begin(), fault.name.end(),
                                [](char c) { return c == '-' || (c >= 'a' && c <= 'z'); }));
        EXPECT_FALSE(fault.title.empty());
        EXPECT_FALSE(fault.title.ends_with('.'));
        EXPECT_FALSE(fault.source.empty());
    }
    EXPECT_GE(names.size(), 28U);
}

TEST(Faults, AreFoundByNameAndSuggestedByALikeOne) {
    EXPECT_EQ(find_fault("nothing"), nullptr);
    EXPECT_EQ(find_fault("wrong-secret")->name, "wrong-secret");
    ASSERT_FALSE(nearest_faults("wrong-secert").empty());
    EXPECT_EQ(nearest_faults("wrong-secert").front(), "wrong-secret");
    EXPECT_TRUE(nearest_faults("please help").empty());
}

// What a fault does not name stays as it was: two of them can be asked for.
TEST(Faults, ChangeOneThing) {
    const auto proper = make_plan(secrets());
    const auto password = plan_with("wrong-sip-password");
    EXPECT_NE(password.gateway.at("TWILIO_SIP_PASSWORD"), proper.twilio.account->password);
    EXPECT_EQ(password.twilio.account->password, proper.twilio.account->password);
    EXPECT_TRUE(password.serve.empty());
    const auto secret = plan_with("wrong-secret");
    EXPECT_EQ(secret.serve.at("OPENAI_WEBHOOK_SECRET"), proper.other_secret);
    EXPECT_EQ(secret.secret, proper.secret);
    EXPECT_TRUE(secret.gateway.empty());
    const auto mismatch = plan_with("secure-media-mismatch");
    EXPECT_EQ(mismatch.twilio.secure_media, TwilioSettings::SecureMedia::off);
    EXPECT_EQ(mismatch.gateway.at("CALLCHAIN_TWILIO_SECURE_MEDIA"), "on");
}

TEST(MakeSecrets, MakesOnesThatAreOfTheRightFormAndAllDiffer) {
    const auto of = secrets();
    const std::set<std::string> all{of.meta_password, of.twilio_password, of.auth_token,
                                    of.api_key,       of.secret,          of.other_secret};
    EXPECT_EQ(all.size(), 6U);
    EXPECT_TRUE(of.secret.starts_with("whsec_"));
    EXPECT_EQ(of.secret.size(), 6U + 44U);  // 32 bytes, as OpenAI's
    EXPECT_EQ(of.auth_token.size(), 32U);
    // Twilio, "Credential lists": 12 characters, a digit, a small and a capital letter.
    EXPECT_GE(of.twilio_password.size(), 12U);
    for (const auto test : {+[](unsigned char c) { return std::isdigit(c) != 0; },
                            +[](unsigned char c) { return std::islower(c) != 0; },
                            +[](unsigned char c) { return std::isupper(c) != 0; }})
        EXPECT_TRUE(std::any_of(of.twilio_password.begin(), of.twilio_password.end(), test));
}

TEST(Environment, OfAPlanOverridesAndTakesAway) {
    auto plan = make_plan(secrets());
    plan.serve = {{"OPENAI_REALTIME_GREETING", ""}, {"OPENAI_REALTIME_VOICE", "marin"}};
    const auto environment = serve_environment(plan, {.folder = "/f", .openai_url = "http://127.0.0.1:1/v1"});
    EXPECT_FALSE(environment.contains("OPENAI_REALTIME_GREETING"));
    EXPECT_EQ(environment.at("OPENAI_REALTIME_VOICE"), "marin");
    EXPECT_EQ(environment.at("OPENAI_BASE_URL"), "http://127.0.0.1:1/v1");
    plan.twilio.secure_media = TwilioSettings::SecureMedia::off;
    EXPECT_EQ(gateway_environment(plan, {}).at("CALLCHAIN_TWILIO_SECURE_MEDIA"), "off");
}

TEST(Environment, TellsAGatewayBehindABalancerWhereItIsFound) {
    const auto environment = gateway_environment(
        make_plan(secrets()),
        {.folder = "/f", .gateway_name = "gateway-2", .gateway_port = 1000, .advertised_port = 2000});
    EXPECT_EQ(environment.at("CALLCHAIN_LISTEN"), "127.0.0.1:1000");
    EXPECT_EQ(environment.at("CALLCHAIN_ADVERTISE"), "127.0.0.1:2000");
    EXPECT_EQ(environment.at("CALLCHAIN_TRACE"), "/f/gateway-2-trace.jsonl");
}

// As the list and the manual have them, or the fault would show nothing.
TEST(Faults, PutTwilioOnNoListOfAllowMeta) {
    const auto plan = plan_with("bye-on-new-connection");
    EXPECT_EQ(plan.gateway.at("CALLCHAIN_ALLOW"), "meta");
    ASSERT_EQ(plan.peers_of_gateway.size(), 2U);
    // Source: whois of AS32934; Twilio, "SIP Interface: IP addresses".
    EXPECT_TRUE(config::contains(*config::parse_networks("157.240.0.0/16"), plan.peers_of_gateway[0]));
    EXPECT_TRUE(config::contains(*config::parse_networks("54.172.60.0/30"), plan.peers_of_gateway[1]));
}

}  // namespace
}  // namespace callchain::simulator
