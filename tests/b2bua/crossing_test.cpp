#include "b2bua/crossing.hpp"

#include "base/text.hpp"
#include "sip/sip_text.hpp"

#include <cstdint>
#include <gtest/gtest.h>
#include <initializer_list>
#include <optional>
#include <tuple>
#include <utility>

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

TEST(LegBInvite, KeepsAnEncodedPlusAndDropsWhatFollowsTheNumber) {
    auto of = settings();
    of.destination.clear();
    const auto got = leg_b(
        meta_invite("", "%2B12145551869;tgrp=wacall", "<sip:%2B12195550714;tgrp=wacall@wa.meta.vc>"), of);
    EXPECT_EQ(sip::write_uri(got.uri), "sip:%2B12145551869@example.sip.twilio.com;transport=tls");
    EXPECT_EQ(value(got, "From"), "<sip:%2B12195550714@gw.example.com>;tag=tag-of-ours");
    EXPECT_EQ(value(got, "X-Callchain-Caller"), "%2B12195550714");
}

// A name of Meta's may be anything that a person writes of themselves.
TEST(LegBInvite, QuotesTheNameOfTheCaller) {
    const auto got =
        leg_b(meta_invite("", "+12145551869", R"("A \"quoted\" <name>" <sip:+12195550714@wa.meta.vc>)"),
              settings());
    EXPECT_EQ(value(got, "From"),
              R"("A \"quoted\" <name>" <sip:+12195550714@gw.example.com>;tag=tag-of-ours)");
    const auto written = sip::write_message(got);
    ASSERT_TRUE(written.has_value());
}

TEST(LegBInvite, NamesNoTransportOverUdpAndThePortOfTheDomain) {
    auto of = settings();
    of.transport_b = sip::Transport::udp;
    of.domain_port = 5070;
    const auto got = leg_b(meta_invite(), of);
    EXPECT_EQ(sip::write_uri(got.uri), "sip:bridge@example.sip.twilio.com:5070");
    EXPECT_EQ(value(got, "To"), "<sip:bridge@example.sip.twilio.com:5070>");
    EXPECT_EQ(value(got, "Contact"), "<sip:callchain@gw.example.com:15140>");
}

TEST(LegBInvite, CountsHopsDown) {
    auto invite = meta_invite();
    invite.max_forwards.reset();
    EXPECT_EQ(value(leg_b(invite, settings()), "Max-Forwards"), "69");
    invite.max_forwards = 1;
    EXPECT_EQ(value(leg_b(invite, settings()), "Max-Forwards"), "0");
    invite.max_forwards = 0;
    EXPECT_EQ(value(leg_b(invite, settings()), "Max-Forwards"), "0");
}

TEST(LegBInvite, HasNoBodyWhereThereIsNone) {
    const auto got = make_leg_b_invite(meta_invite(), settings(), kNames, "cc_0123456789abcdef01234567", "");
    EXPECT_EQ(value(got, "Content-Type"), "(none)");
    EXPECT_TRUE(got.body.empty());
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
    of.advertised_transport = sip::Transport::udp;
    EXPECT_EQ(contact_toward(Leg::b, of).value, "<sip:callchain@gw.example.com>");
    EXPECT_EQ(contact_toward(Leg::b, of).name, "Contact");
}

sip::Received response(const std::string& start, const std::string& more = "") {
    return sip::received("SIP/2.0 " + start +
                         "\nVia: SIP/2.0/TLS gw.example.com;branch=z9hG4bK1\n"
                         "From: <sip:a@gw.example.com>;tag=1\nTo: <sip:b@example.sip.twilio.com>;tag=2\n"
                         "Call-ID: x\nCSeq: 1 INVITE\n" +
                         more + "Content-Length: 0\n\n");
}

// What becomes of every final status there can be, by the table of docs/design/gateway.md.
struct FailureRow {
    int first;
    int last;
    int to_meta;    ///< of one that Twilio sent; 0: as it is
    int to_twilio;  ///< of one that Meta sent; 0: as it is
};
constexpr FailureRow kFailures[] = {
    {300, 399, 503, 503}, {400, 400, 480, 0}, {401, 401, 503, 503}, {402, 402, 480, 0}, {403, 403, 503, 0},
    {404, 404, 0, 0},     {405, 406, 480, 0}, {407, 407, 503, 503}, {408, 408, 504, 0}, {409, 479, 480, 0},
    {480, 480, 0, 0},     {481, 485, 480, 0}, {486, 488, 0, 0},     {489, 499, 480, 0}, {500, 599, 503, 0},
    {600, 602, 603, 0},   {603, 603, 0, 0},   {604, 699, 603, 0},
};

TEST(MapFailure, MapsEveryStatusBothWays) {
    int next = 300;
    for (const auto& row : kFailures) {
        ASSERT_EQ(row.first, next);
        next = row.last + 1;
        for (int status = row.first; status <= row.last; ++status) {
            SCOPED_TRACE(status);
            const auto answer = response(std::to_string(status) + " Reason of theirs");
            for (const auto& [direction, want] :
                 {std::pair{meta_to_twilio, row.to_meta}, std::pair{twilio_to_meta, row.to_twilio}}) {
                const auto got = map_failure(answer, direction);
                EXPECT_EQ(got.status, want == 0 ? status : want);
                // Their phrase belongs to their number alone.
                EXPECT_EQ(got.reason, got.status == status ? "Reason of theirs" : "");
            }
        }
    }
    EXPECT_EQ(next, 700);
}

// Twilio's challenge never reaches Meta, which would answer it with the password of the business number.
TEST(MapFailure, PassesNoChallengeOn) {
    for (const int status : {401, 407}) {
        const auto answer = response(std::to_string(status) + " x",
                                     "Proxy-Authenticate: Digest realm=\"sip.twilio.com\",nonce=\"n\"\n"
                                     "WWW-Authenticate: Digest realm=\"sip.twilio.com\",nonce=\"n\"\n"
                                     "Retry-After: 5\nContact: <sip:x@example.com>\n");
        for (const auto direction : {meta_to_twilio, twilio_to_meta}) {
            const auto got = map_failure(answer, direction);
            EXPECT_EQ(got.status, 503);
            EXPECT_TRUE(got.headers.empty());
        }
    }
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
    for (const auto& [header, code, text] : std::initializer_list<std::tuple<const char*, int, const char*>>{
             {"x-twilio-error: 32202", 32202, ""},
             {"X-Twilio-Error:   32202   two  words ", 32202, "two  words"},
             {"X-Twilio-Error: 32202: text", 32202, ": text"},
             {"X-Twilio-Error: 999999 most", 999'999, "most"}}) {
        SCOPED_TRACE(header);
        const auto other = twilio_error_of(response("403 Forbidden", std::string(header) + "\n"));
        ASSERT_TRUE(other.has_value());
        EXPECT_EQ(other->code, code);
        EXPECT_EQ(other->text, text);
    }
    for (const char* value : {"1000000 x", "-5 x", "+5 x", "text 32201"})
        EXPECT_FALSE(
            twilio_error_of(response("403 Forbidden", "X-Twilio-Error: " + std::string(value) + "\n"))
                .has_value())
            << value;
}

TEST(ExplainFailure, NamesTheSettingThatHelps) {
    struct Row {
        int code;
        const char* setting;
    };
    for (const auto& row :
         {Row{32106, "Set CALLCHAIN_TWILIO_FROM=username"}, Row{32201, "TWILIO_SIP_USERNAME"},
          Row{32202, "TWILIO_SIP_PASSWORD"}, Row{32207, "CALLCHAIN_TWILIO_SECURE_MEDIA"},
          Row{32208, "CALLCHAIN_TWILIO_SECURE_MEDIA"}, Row{32209, "CALLCHAIN_TWILIO_SECURE_MEDIA"},
          Row{32999, "32999"}}) {
        const auto text = explain_failure(
            response("403 Forbidden", "X-Twilio-Error: " + std::to_string(row.code) + " text\n"),
            meta_to_twilio);
        EXPECT_NE(text.find(row.setting), std::string::npos) << row.code << ": " << text;
    }
    EXPECT_FALSE(explain_failure(response("486 Busy Here"), meta_to_twilio).empty());
    // Of a status that no table has there is nothing to say, and of an unknown code its own words.
    EXPECT_TRUE(explain_failure(response("499 x"), meta_to_twilio).empty());
    const auto unknown =
        explain_failure(response("403 Forbidden", "X-Twilio-Error: 32999 New thing\n"), meta_to_twilio);
    EXPECT_NE(unknown.find("New thing"), std::string::npos) << unknown;
    // What Meta sends under that name is no error of Twilio's.
    EXPECT_EQ(
        explain_failure(response("486 x", "X-Twilio-Error: 32201 y\n"), twilio_to_meta).find("TWILIO_SIP"),
        std::string::npos);
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

sip::Received bye_with(const std::string& headers) {
    return sip::received(
        "BYE sip:a@gw.example.com SIP/2.0\nVia: SIP/2.0/TLS x;branch=z9hG4bK2\nFrom: <sip:a@x>;tag=1\n"
        "To: <sip:b@y>;tag=2\nCall-ID: x\nCSeq: 2 BYE\n" +
        headers + "Content-Length: 0\n\n");
}

TEST(HeadersOfBye, AreOneForBothSpellingsAndNothingElse) {
    auto of = settings();
    of.pass_whatsapp_headers = true;
    EXPECT_EQ(
        headers_of_bye(bye_with("x-wa_meta-parent-user-id: US.1349\nX-WA-Meta-Parent-User-Id: US.1349\n"
                                "X-FB-External-Domain: wa.meta.vc\nX-Twilio-CallSid: CA1\nPrivacy: id\n"),
                       of),
        (std::vector<sip::HeaderField>{{"x-wa-meta-parent-user-id", "US.1349"}}));
}

TEST(CallDurationOf, IsANumberOfSecondsOrNothing) {
    for (const auto& [value, want] :
         std::initializer_list<std::pair<const char*, std::optional<std::uint32_t>>>{
             {"x-wa-meta-call-duration: 0", 0U},
             {"X-WA_Meta-Call_Duration:  77 ", 77U},
             {"x-wa-meta-call-duration: 4294967295", 4'294'967'295U},
             {"x-wa-meta-call-duration: 4294967296", std::nullopt},
             {"x-wa-meta-call-duration: -1", std::nullopt},
             {"x-wa-meta-call-duration: 21s", std::nullopt},
             {"x-wa-meta-call-duration:", std::nullopt},
             {"x-other: 21", std::nullopt}}) {
        SCOPED_TRACE(value);
        EXPECT_EQ(call_duration_of(bye_with(std::string(value) + "\n")), want);
    }
}

TEST(WacidOf, PrefersTheHeader) {
    EXPECT_EQ(wacid_of(meta_invite()), "wacid.HBgLMTIxFQIAAA");
    EXPECT_EQ(wacid_of(meta_invite("X-WA_Meta-Wacid: wacid.OTHER\n")), "wacid.OTHER");
    EXPECT_EQ(wacid_of(bye_with("")), "");
}

}  // namespace
}  // namespace callchain::b2bua
