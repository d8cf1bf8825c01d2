#include "b2bua/crossing.hpp"

#include "base/text.hpp"
#include "sip/sip_text.hpp"

#include <gtest/gtest.h>

namespace callchain::b2bua {
namespace {

using enum sdp::Direction;

// Meta's INVITE in the form of its "SIP Configuration Guide", with headers that must stay behind.
sip::Received meta_invite(const std::string& more = "", const std::string& user = "+12145551869",
                          const std::string& from = "\"12195550714\" <sip:+12195550714@wa.meta.vc>") {
    return sip::received("INVITE sip:" + user +
                         "@meta-voip.example.com;transport=tls SIP/2.0\n"
                         "Via: SIP/2.0/TLS [2803:6080:f948:9597::]:57363;rport;branch=z9hG4bKPj3a9f;alias\n"
                         "Record-Route: <sip:wa.meta.vc;transport=tls;lr>\n"
                         "Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\n"
                         "Via: SIP/2.0/TLS [2803:6080:f948:9597:d33c:e00:400:0]:5061;branch=z9hG4bKPj3a9f\n"
                         "Max-Forwards: 69\n"
                         "From: " +
                         from +
                         ";tag=8a0f7e65\n"
                         "To: <sip:+12145551869@meta-voip.example.com>\n"
                         "Contact: <sip:+12195550714@wa.meta.vc;transport=tls;ob>;isfocus\n"
                         "Call-ID: outgoing:wacid.HBgLMTIxFQIAAA\n"
                         "CSeq: 31159 INVITE\n"
                         "X-FB-External-Domain: wa.meta.vc\n"
                         "Privacy: id\n"
                         "P-Asserted-Identity: <sip:+12195550714@wa.meta.vc>\n"
                         "Diversion: <sip:+1@wa.meta.vc>\n"
                         "Supported: timer, 100rel\n"
                         "User-Agent: Facebook SipGateway\n" +
                         more + "Content-Length: 0\n\n");
}

CallSettings settings() {
    CallSettings settings;
    settings.advertised_host = "gw.example.com";
    settings.advertised_port = 15140;
    settings.domain = "example.sip.twilio.com";
    settings.destination = "bridge";
    return settings;
}

const LegNames kNames{.call_id = "0123456789abcdef", .local_tag = "tag-of-ours", .cseq = 1};

sip::Message leg_b(const sip::Received& invite, const CallSettings& of) {
    return make_leg_b_invite(invite, of, kNames, "cc_0123456789abcdef01234567", "v=0\r\n");
}

std::string value(const sip::Message& message, std::string_view name) {
    return std::string(message.find(name).value_or("(none)"));
}

TEST(LegBInvite, BeginsADialogOfItsOwn) {
    const auto got = leg_b(meta_invite(), settings());
    EXPECT_EQ(sip::write_uri(got.uri), "sip:bridge@example.sip.twilio.com;transport=tls");
    EXPECT_EQ(value(got, "To"), "<sip:bridge@example.sip.twilio.com;transport=tls>");
    EXPECT_EQ(value(got, "From"), "\"12195550714\" <sip:+12195550714@gw.example.com>;tag=tag-of-ours");
    EXPECT_EQ(value(got, "Contact"), "<sip:callchain@gw.example.com:15140;transport=tls>");
    EXPECT_EQ(value(got, "Call-ID"), "0123456789abcdef");
    EXPECT_EQ(value(got, "CSeq"), "1 INVITE");
    EXPECT_EQ(value(got, "Max-Forwards"), "68");
    EXPECT_EQ(value(got, "Allow"), "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO");
    EXPECT_EQ(value(got, "X-Callchain-Id"), "cc_0123456789abcdef01234567");
    EXPECT_EQ(value(got, "X-Callchain-Caller"), "+12195550714");
    EXPECT_EQ(value(got, "Content-Type"), "application/sdp");
    EXPECT_EQ(got.body, "v=0\r\n");
    ASSERT_TRUE(sip::write_message(got).has_value());
}

TEST(LegBInvite, LeavesBehindWhatIsNotForTwilio) {
    const auto got = leg_b(meta_invite("x-wa-meta-cta-payload: secret order\n"), settings());
    for (const std::string_view name :
         {"Via", "Record-Route", "Route", "Privacy", "P-Asserted-Identity", "Diversion", "Supported",
          "X-FB-External-Domain", "x-wa-meta-cta-payload"})
        EXPECT_EQ(value(got, name), "(none)") << name;
}

TEST(LegBInvite, CarriesMetasHeadersBySwitchOnceAndWithHyphens) {
    auto of = settings();
    of.pass_whatsapp_headers = true;
    const auto got = leg_b(meta_invite("x-wa-meta-wacid: wacid.HBgL\n"
                                       "x-wa_meta-parent-user-id: US.1349\n"
                                       "X-WA-Meta-Parent-User-Id: US.1349\n"
                                       "User-to-User: 616263;encoding=hex\n"),
                           of);
    EXPECT_EQ(value(got, "x-wa-meta-wacid"), "wacid.HBgL");
    EXPECT_EQ(got.values("x-wa-meta-parent-user-id").size(), 1U);
    EXPECT_EQ(value(got, "User-to-User"), "616263;encoding=hex");
}

TEST(LegBInvite, TakesUsersAsTheyAre) {
    auto of = settings();
    of.destination.clear();
    const auto trunk = leg_b(meta_invite("", "+12145551869;tgrp=wacall;trunk-context=byoc.example.com"), of);
    EXPECT_EQ(sip::write_uri(trunk.uri), "sip:+12145551869@example.sip.twilio.com;transport=tls");
    const auto scoped =
        leg_b(meta_invite("", "+12145551869", "<sip:US.13491208655302741918@wa.meta.vc>"), of);
    EXPECT_EQ(value(scoped, "From"), "<sip:US.13491208655302741918@gw.example.com>;tag=tag-of-ours");
    EXPECT_EQ(value(scoped, "X-Callchain-Caller"), "US.13491208655302741918");
}

TEST(LegBInvite, FollowsTheChoiceOfFrom) {
    auto of = settings();
    of.from_user = FromUser::username;
    of.from_name = "gateway01";
    EXPECT_EQ(value(leg_b(meta_invite(), of), "From"), "<sip:gateway01@gw.example.com>;tag=tag-of-ours");
    of.pass_caller = false;
    EXPECT_EQ(value(leg_b(meta_invite(), of), "X-Callchain-Caller"), "(none)");
}

TEST(LegBInvite, TowardMetaHasNeitherOurIdNorSips) {
    auto of = settings();
    of.direction = twilio_to_meta;
    of.domain = "wa.meta.vc";
    of.destination.clear();
    of.from_user = FromUser::fixed;
    of.from_name = "+12145551869";
    const auto got = leg_b(meta_invite("", "+5561999998888"), of);
    EXPECT_EQ(sip::write_uri(got.uri), "sip:+5561999998888@wa.meta.vc;transport=tls");
    EXPECT_EQ(value(got, "From"), "<sip:+12145551869@gw.example.com>;tag=tag-of-ours");
    EXPECT_EQ(value(got, "X-Callchain-Id"), "(none)");
    EXPECT_EQ(value(got, "X-Callchain-Caller"), "(none)");
}

TEST(ContactToward, NamesTheTransportOfItsLegOrTheBalancers) {
    auto of = settings();
    of.transport_a = sip::Transport::tcp;
    EXPECT_EQ(contact_toward(Leg::a, of).value, "<sip:callchain@gw.example.com:15140;transport=tcp>");
    EXPECT_EQ(contact_toward(Leg::b, of).value, "<sip:callchain@gw.example.com:15140;transport=tls>");
    of.advertised_transport = sip::Transport::tls;
    of.advertised_port.reset();
    EXPECT_EQ(contact_toward(Leg::a, of).value, "<sip:callchain@gw.example.com;transport=tls>");
}

sip::Received response(const std::string& start, const std::string& more = "") {
    return sip::received("SIP/2.0 " + start +
                         "\nVia: SIP/2.0/TLS gw.example.com;branch=z9hG4bK1\n"
                         "From: <sip:a@gw.example.com>;tag=1\nTo: <sip:b@example.sip.twilio.com>;tag=2\n"
                         "Call-ID: x\nCSeq: 1 INVITE\n" +
                         more + "Content-Length: 0\n\n");
}

TEST(MapFailure, TellsMetaWhatItCanUse) {
    struct Row {
        int twilio;
        int meta;
    };
    for (const auto& row : {Row{300, 503}, Row{302, 503}, Row{400, 480}, Row{401, 503}, Row{403, 503},
                            Row{404, 404}, Row{407, 503}, Row{408, 504}, Row{410, 480}, Row{480, 480},
                            Row{484, 480}, Row{486, 486}, Row{487, 487}, Row{488, 488}, Row{500, 503},
                            Row{503, 503}, Row{504, 503}, Row{600, 603}, Row{603, 603}, Row{606, 603}}) {
        const auto got =
            map_failure(response(std::to_string(row.twilio) + " Reason of theirs"), meta_to_twilio);
        EXPECT_EQ(got.status, row.meta) << row.twilio;
        EXPECT_EQ(got.reason, row.twilio == row.meta ? "Reason of theirs" : "") << row.twilio;
        for (const auto& field : got.headers) EXPECT_NE(field.name, "Retry-After");
    }
}

TEST(MapFailure, TellsTwilioTheTruth) {
    for (const int status : {400, 403, 404, 408, 480, 486, 488, 500, 503, 603})
        EXPECT_EQ(map_failure(response(std::to_string(status) + " x"), twilio_to_meta).status, status);
    for (const int status : {302, 401, 407})
        EXPECT_EQ(map_failure(response(std::to_string(status) + " x"), twilio_to_meta).status, 503);
}

TEST(MapFailure, KeepsReasonAndWarning) {
    const auto got = map_failure(
        response("486 Busy", "Reason: Q.850;cause=17\nWarning: 399 x \"y\"\nX-Twilio-Error: 1 z\n"),
        meta_to_twilio);
    ASSERT_EQ(got.headers.size(), 2U);
    EXPECT_EQ(got.headers[0], (sip::HeaderField{"Reason", "Q.850;cause=17"}));
    EXPECT_EQ(got.headers[1], (sip::HeaderField{"Warning", "399 x \"y\""}));
}

TEST(TwilioErrorOf, ReadsNumberAndText) {
    const auto got = twilio_error_of(
        response("403 Forbidden", "X-Twilio-Error: 32201 Authentication failure - source IP\n"));
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->code, 32201);
    EXPECT_EQ(got->text, "Authentication failure - source IP");
    EXPECT_FALSE(twilio_error_of(response("403 Forbidden")).has_value());
    EXPECT_FALSE(twilio_error_of(response("403 Forbidden", "X-Twilio-Error: none\n")).has_value());
    EXPECT_FALSE(
        twilio_error_of(response("403 Forbidden", "X-Twilio-Error: 99999999999999999999\n")).has_value());
}

TEST(ExplainFailure, NamesTheSettingThatHelps) {
    struct Row {
        int code;
        const char* setting;
    };
    for (const auto& row : {Row{32106, "CALLCHAIN_TWILIO_FROM"}, Row{32201, "TWILIO_SIP_USERNAME"},
                            Row{32202, "TWILIO_SIP_PASSWORD"}, Row{32207, "CALLCHAIN_TWILIO_SECURE_MEDIA"},
                            Row{32208, "CALLCHAIN_TWILIO_SECURE_MEDIA"},
                            Row{32209, "CALLCHAIN_TWILIO_SECURE_MEDIA"}, Row{32999, "32999"}}) {
        const auto text = explain_failure(
            response("403 Forbidden", "X-Twilio-Error: " + std::to_string(row.code) + " text\n"),
            meta_to_twilio);
        EXPECT_NE(text.find(row.setting), std::string::npos) << row.code << ": " << text;
    }
    EXPECT_FALSE(explain_failure(response("486 Busy Here"), meta_to_twilio).empty());
    const auto meta = explain_failure(
        response("403 Forbidden", "Warning: 399 wa.meta.vc \"server x does not match\"\n"), twilio_to_meta);
    EXPECT_NE(meta.find("server x does not match"), std::string::npos) << meta;
}

TEST(HeadersOfBye, CrossBySwitch) {
    const auto bye = sip::received(
        "BYE sip:a@gw.example.com SIP/2.0\nVia: SIP/2.0/TLS x;branch=z9hG4bK2\nFrom: <sip:a@x>;tag=1\nTo: "
        "<sip:b@y>;tag=2\n"
        "Call-ID: x\nCSeq: 2 BYE\nReason: SIP;cause=200;text=\"No media\"\nx-wa-meta-call-duration: "
        "21\nContent-Length: 0\n\n");
    auto of = settings();
    EXPECT_EQ(headers_of_bye(bye, of),
              (std::vector<sip::HeaderField>{{"Reason", "SIP;cause=200;text=\"No media\""}}));
    of.pass_whatsapp_headers = true;
    EXPECT_EQ(headers_of_bye(bye, of).size(), 2U);
    EXPECT_EQ(call_duration_of(bye), 21U);
}

TEST(WacidOf, PrefersTheHeader) {
    EXPECT_EQ(wacid_of(meta_invite()), "wacid.HBgLMTIxFQIAAA");
    EXPECT_EQ(wacid_of(meta_invite("X-WA_Meta-Wacid: wacid.OTHER\n")), "wacid.OTHER");
}

}  // namespace
}  // namespace callchain::b2bua
