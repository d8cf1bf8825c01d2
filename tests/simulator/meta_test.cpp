#include "simulator/meta.hpp"

#include "crypto/hash.hpp"
#include "sdp/codec.hpp"
#include "sdp/verdict.hpp"
#include "simulator/meta_offer.hpp"
#include "simulator/partner.hpp"
#include "sip/digest_server.hpp"
#include "sip/response.hpp"

#include <future>
#include <set>
#include <sys/socket.h>

namespace callchain::simulator {
namespace {

using gateway::FlowInfo;
using sip::Transport;
using End = MetaCall::End;

std::string counted_bytes(std::size_t count) {
    static char last = 0;
    return std::string(count, ++last);
}

// A gateway's place, played by a partner, and Meta that calls it.
class MetaTest : public testing::Test {
  protected:
    MetaTest() {
        const auto& certificates = gateway::Certificates::shared();
        settings.certificate = certificates.chain("good");
        settings.key = certificates.key("good");
        settings.ca_file = certificates.root();
        settings.talk = 20ms;
    }
    void begin(PhoneEvents hooks = {}) {
        gateway = std::make_unique<Partner>(settings.transport, std::move(hooks));
        settings.gateway_port = gateway->endpoint.port;
        auto started = Meta::start(settings, [this](timeline::Event event) {
            const std::lock_guard lock(mutex_);
            events_.push_back(std::move(event));
        });
        ASSERT_TRUE(started.has_value()) << started.error().message;
        meta = *std::move(started);
    }
    std::future<MetaCall> place() {
        auto promise = std::make_shared<std::promise<MetaCall>>();
        meta->place_call([promise](MetaCall call) { promise->set_value(std::move(call)); });
        return promise->get_future();
    }
    /// A hook that does this with each call, on the partner's thread.
    PhoneEvents on_invite(std::function<void(Phone&, CallNumber)> work) {
        PhoneEvents hooks;
        hooks.on_invite = [this, work = std::move(work)](CallNumber number, const sip::Received&,
                                                         const FlowInfo&) { work(*gateway->phone, number); };
        return hooks;
    }
    std::vector<timeline::Event> events() {
        const std::lock_guard lock(mutex_);
        return events_;
    }

    MetaSettings settings;
    std::unique_ptr<Partner> gateway;

  private:
    std::mutex mutex_;
    std::vector<timeline::Event> events_;

  protected:
    std::unique_ptr<Meta> meta;  // the last: it tells the others
};

// ---- what is offered ----

TEST(MetaOffer, IsWhatTheGatewayCanOrCannotConnect) {
    using Answer = sdp::Verdict::Answer;
    struct Row {
        Offer offer;
        sdp::SecureMedia secure_media;
        Answer answer;
        sdp::KeyExchange keys;
        std::string_view protocol;
    };
    // By Twilio, "Secure Media", and Meta, "SIP Configuration Guide" and "Call settings".
    for (const auto& row : {
             Row{Offer::sdes_g711, sdp::SecureMedia::on, Answer::works_if, sdp::KeyExchange::sdes,
                 "RTP/SAVP"},
             Row{Offer::sdes_opus, sdp::SecureMedia::on, Answer::fails, sdp::KeyExchange::sdes, "RTP/SAVP"},
             Row{Offer::dtls_opus, sdp::SecureMedia::on, Answer::fails, sdp::KeyExchange::dtls,
                 "UDP/TLS/RTP/SAVPF"},
             Row{Offer::plain_g711, sdp::SecureMedia::off, Answer::works_if, sdp::KeyExchange::none,
                 "RTP/AVP"},
             Row{Offer::sdes_g711, sdp::SecureMedia::off, Answer::fails, sdp::KeyExchange::sdes, "RTP/SAVP"},
         }) {
        SCOPED_TRACE(word_of(row.offer));
        const auto offer = make_offer(row.offer, 40'000, &counted_bytes);
        const auto verdict = sdp::judge_offer(offer, sdp::default_keep_list(),
                                              {sdp::Direction::meta_to_twilio, row.secure_media});
        ASSERT_TRUE(verdict.has_value()) << verdict.error().message;
        EXPECT_EQ(verdict->answer, row.answer) << verdict->summary;
        ASSERT_TRUE(verdict->offer.has_value());
        EXPECT_EQ(verdict->offer->keys, row.keys);
        EXPECT_EQ(verdict->offer->protocol, row.protocol);
        EXPECT_EQ(verdict->offer->port_text, "40000");
        EXPECT_EQ(verdict->offer->address, "IP4 127.0.0.1");
    }
}

TEST(MetaOffer, HasKeysOfItsOwn) {
    const auto first = make_offer(Offer::sdes_g711, 40'000, &counted_bytes);
    const auto second = make_offer(Offer::sdes_g711, 40'000, &counted_bytes);
    EXPECT_NE(first, second);
    // 40 characters behind "inline:", without lifetime and MKI: derived from the lengths of Meta's samples.
    const auto at = first.find("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:");
    ASSERT_NE(at, std::string::npos);
    EXPECT_EQ(first.find("\r\n", at) - at, 42U + 40U);
}

TEST(MetaOffer, HasAWordForEach) {
    for (const auto word : {"sdes-g711", "sdes-opus", "dtls-opus", "plain-g711"}) {
        SCOPED_TRACE(word);
        ASSERT_TRUE(find_offer(word).has_value());
        EXPECT_EQ(word_of(*find_offer(word)), word);
    }
    EXPECT_FALSE(find_offer("opus").has_value());
}

// ---- how its messages look ----

TEST_F(MetaTest, InvitesAsInTheSamples) {
    begin();
    const auto call = place().get();
    const auto invite = gateway->message("invite");
    const auto place_of_gateway = "127.0.0.1:" + std::to_string(gateway->endpoint.port);
    EXPECT_EQ(sip::write_uri(invite.message.uri), "sip:+12145551869@" + place_of_gateway + ";transport=tls");
    EXPECT_EQ(sip::write_uri(invite.from.uri), "sip:+12195550714@wa.meta.vc");
    EXPECT_EQ(invite.from.display_name, "\"12195550714\"");
    EXPECT_EQ(sip::write_uri(invite.to.uri), "sip:+12145551869@127.0.0.1");
    EXPECT_EQ(invite.message.find("Contact"), "<sip:+12195550714@wa.meta.vc;transport=tls;ob>;isfocus");
    EXPECT_EQ(invite.message.find("Allow"), "INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS");
    EXPECT_EQ(invite.message.find("X-FB-External-Domain"), "wa.meta.vc");
    EXPECT_EQ(invite.message.find("Supported"), std::nullopt);
    EXPECT_TRUE(invite.call_id.starts_with("outgoing:wacid."));
    EXPECT_EQ(invite.message.find("x-wa-meta-wacid"), call.wacid);
    EXPECT_EQ(invite.call_id, "outgoing:" + call.wacid);
    ASSERT_EQ(invite.via.size(), 3U);
    for (const auto& via : invite.via) EXPECT_TRUE(via.host.starts_with("[2001:db8:")) << via.host;
    EXPECT_TRUE(invite.via[1].branch().starts_with("z9hG4bKPj"));
    ASSERT_EQ(invite.record_route.size(), 2U);
    EXPECT_EQ(sip::write_uri(invite.record_route[0].uri), "sip:" + meta->address() + ";transport=tls;lr");
    EXPECT_EQ(sip::write_uri(invite.record_route[1].uri),
              "sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr");
}

TEST_F(MetaTest, CallsByABusinessScopedId) {
    settings.caller = "US.13491208655302741918";
    begin();
    place().get();
    const auto invite = gateway->message("invite");
    EXPECT_EQ(sip::write_uri(invite.from.uri), "sip:US.13491208655302741918@wa.meta.vc");
    EXPECT_EQ(invite.message.find("x-wa-meta-user-id"), "US.13491208655302741918");
}

TEST_F(MetaTest, AnswersAChallengeWithAUriThatLacksTheTransport) {
    sip::DigestServer server({.realm = "sip.example.com"},
                             crypto::HmacKey(crypto::HashAlgorithm::sha256, std::string(32, 'k')));
    std::string username;
    PhoneEvents hooks;
    hooks.on_screen = [&](const sip::Received& invite, const FlowInfo&) -> std::optional<sip::Message> {
        const auto now = gateway::Loop::now();
        const auto verdict = server.judge(
            invite, [](std::string_view) { return std::optional<std::string>("secret"); }, now);
        username = verdict.username;
        if (verdict.kind == sip::DigestVerdict::Kind::accepted) return std::nullopt;
        return server.refusal(invite, now, 1, sip::Stale::no);
    };
    settings.account = sip::DigestAccount{"12145551869", "secret"};
    begin(hooks);
    const auto call = place().get();
    EXPECT_EQ(call.status, 200);
    const auto invite = gateway->message("invite");
    EXPECT_EQ(username, "12145551869");
    const auto credentials = sip::parse_credentials(invite.message.find("Proxy-Authorization").value_or(""));
    ASSERT_TRUE(credentials.has_value());
    EXPECT_EQ(credentials->uri, "sip:+12145551869@127.0.0.1:" + std::to_string(gateway->endpoint.port));
}

// ---- how its calls end ----

TEST_F(MetaTest, HangsUpWhenTheCallerHasTalked) {
    begin(on_invite([](Phone& phone, CallNumber number) {
        phone.ring(number);
        phone.answer(number, kAnswer);
    }));
    const auto call = place().get();
    EXPECT_EQ(call.end, End::hung_up);
    EXPECT_EQ(call.status, 200);
    EXPECT_EQ(call.bye_status, 200);
    ASSERT_TRUE(call.rang && call.answered);
    EXPECT_LE(*call.rang, *call.answered);
    EXPECT_GE(call.ended - *call.answered, settings.talk);
    ASSERT_TRUE(gateway->saw("ended by BYE"));
    const auto bye = gateway->message("ended by BYE");
    EXPECT_EQ(bye.message.find("x-wa-meta-wacid"), call.wacid);
    EXPECT_EQ(bye.message.find("x-wa-meta-call-duration"), "0");
    EXPECT_EQ(bye.message.find("Reason"), std::nullopt);
    EXPECT_EQ(bye.via.size(), 3U);
    EXPECT_EQ(bye.record_route.size(), 2U);
    EXPECT_TRUE(bye.route.empty());
}

TEST_F(MetaTest, IsEndedByAByeOnANewConnectionAlongItsRoute) {
    settings.hangs_up = false;
    PhoneEvents hooks;
    hooks.on_acknowledged = [this](CallNumber number, const sip::Received&) {
        gateway->phone->forget_connection(number);
        gateway->phone->hang_up(number, {{"Reason", "SIP;cause=200;text=\"done\""}});
    };
    begin(hooks);
    const auto call = place().get();
    EXPECT_EQ(call.end, End::ended_by_peer);
    EXPECT_EQ(call.bye_status, 0);
    EXPECT_NE(call.why.find("cause=200"), std::string::npos) << call.why;
    EXPECT_TRUE(gateway->saw("hung up 200"));
    // To Meta's Contact, by way of the listener that the first Record-Route names.
    EXPECT_EQ(gateway->count("> BYE sip:+12195550714@wa.meta.vc;transport=tls;ob"), 1U);
}

TEST_F(MetaTest, TellsOfARefusalWithItsWarning) {
    begin(on_invite([](Phone& phone, CallNumber number) {
        phone.refuse(number, 488, "Not Acceptable Here", {{"Warning", "304 gw \"DTLS\""}});
    }));
    const auto call = place().get();
    EXPECT_EQ(call.end, End::refused);
    EXPECT_EQ(call.status, 488);
    EXPECT_EQ(call.warning, "304 gw \"DTLS\"");
    EXPECT_FALSE(call.answered.has_value());
}

TEST_F(MetaTest, CancelsWhatRingsTooLong) {
    settings.ring = 20ms;
    begin(on_invite([](Phone& phone, CallNumber number) { phone.ring(number); }));
    const auto call = place().get();
    EXPECT_EQ(call.end, End::cancelled);
    EXPECT_EQ(call.status, 487);
    EXPECT_TRUE(call.rang.has_value());
    EXPECT_TRUE(gateway->saw("ended by CANCEL"));
}

TEST_F(MetaTest, HangsUpWhenItHearsNothing) {
    settings.hears = false;
    settings.silence = 20ms;
    begin();
    const auto call = place().get();
    EXPECT_EQ(call.end, End::silence);
    const auto bye = gateway->message("ended by BYE");
    EXPECT_EQ(bye.message.find("Reason"), "SIP;cause=408;text=\"RTP Timeout\"");
}

TEST_F(MetaTest, HangsUpAtTheEndOfItsPatience) {
    settings.hangs_up = false;
    settings.patience = 20ms;
    begin();
    EXPECT_EQ(place().get().end, End::hung_up);
}

TEST_F(MetaTest, HangsUpByANewConnectionWhenItsOwnBroke) {
    settings.drops_connection = 1ms;
    settings.talk = 50ms;
    begin();
    EXPECT_EQ(place().get().end, End::hung_up);
    EXPECT_TRUE(gateway->saw("ended by BYE"));
}

// The business rings Meta itself: over the connection that it makes, since Meta's is gone.
TEST_F(MetaTest, IsFoundByTheByeOfTheBusinessWhenItsConnectionBroke) {
    settings.drops_connection = 1ms;
    settings.hangs_up = false;
    PhoneEvents hooks;
    hooks.on_acknowledged = [this](CallNumber number, const sip::Received&) {
        gateway->phone->after(50ms, [this, number] { gateway->phone->hang_up(number); });
    };
    begin(hooks);
    EXPECT_EQ(place().get().end, End::ended_by_peer);
    EXPECT_TRUE(gateway->saw("hung up 200"));
}

TEST_F(MetaTest, TellsThatTheConnectionBrokeForGood) {
    settings.transport = Transport::tcp;
    settings.drops_connection = 1ms;
    settings.talk = 100ms;
    begin();
    auto call = place();
    ASSERT_TRUE(gateway->saw("acknowledged"));
    gateway.reset();
    const auto over = call.get();
    EXPECT_EQ(over.end, End::connection_dropped);
    EXPECT_EQ(over.bye_status, 0);
}

TEST_F(MetaTest, TellsThatNobodyIsThere) {
    begin();
    gateway.reset();
    const auto call = place().get();
    EXPECT_EQ(call.end, End::no_answer);
    EXPECT_EQ(call.status, 503);
    EXPECT_FALSE(call.why.empty());
}

TEST_F(MetaTest, RefusesAnyChangeOfTheCall) {
    settings.hangs_up = false;
    PhoneEvents hooks;
    hooks.on_acknowledged = [this](CallNumber number, const sip::Received&) {
        gateway->phone->send_within(number, "INVITE", {}, kAnswer, [this, number](int status) {
            gateway->note("INVITE " + std::to_string(status));
            gateway->phone->hang_up(number);
        });
    };
    begin(hooks);
    EXPECT_EQ(place().get().end, End::ended_by_peer);
    EXPECT_EQ(gateway->count("INVITE 500"), 1U);
}

TEST_F(MetaTest, CallsOverEachTransport) {
    for (const auto transport : {Transport::udp, Transport::tcp, Transport::tls}) {
        SCOPED_TRACE(sip::name_of(transport));
        settings.transport = transport;
        begin();
        EXPECT_EQ(place().get().end, End::hung_up);
        meta.reset();
    }
}

TEST_F(MetaTest, PlacesManyCallsAndForgetsThem) {
    begin();
    std::vector<std::future<MetaCall>> all;
    for (int i = 0; i < 200; ++i) all.push_back(place());
    std::set<std::string> ids;
    for (auto& one : all) {
        const auto call = one.get();
        EXPECT_EQ(call.end, End::hung_up);
        ids.insert(call.call_id);
    }
    EXPECT_EQ(ids.size(), 200U);
    EXPECT_TRUE(gateway->saw("ended by BYE", 200));
    EXPECT_EQ(gateway->calls(), 0U);
}

TEST_F(MetaTest, LeavesWhileCallsAreUp) {
    settings.hangs_up = false;
    begin();
    place();
    ASSERT_TRUE(gateway->saw("acknowledged"));
    meta.reset();
    EXPECT_EQ(gateway->calls(), 1U);
}

TEST_F(MetaTest, DoesNotStartWithoutItsCertificate) {
    settings.certificate = "/nonexistent/chain.pem";
    const auto started = Meta::start(settings, {});
    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, ErrorCode::usage);
}

// ---- what it tells ----

TEST_F(MetaTest, TellsEachMessageOfItsCalls) {
    begin();
    const auto call = place().get();
    meta.reset();
    using timeline::Party;
    std::vector<std::string> lines;
    for (const auto& event : events()) {
        const std::vector<timeline::Id> want{{"wacid", call.wacid}, {"call_id_meta", call.call_id}};
        EXPECT_EQ(event.ids, want);
        EXPECT_EQ(event.medium, timeline::Medium::sip);
        const auto arrow = event.from == Party::whatsapp ? "> " : "< ";
        EXPECT_NE(event.from, event.to);
        lines.push_back(arrow + event.label + (event.detail.empty() ? "" : " " + event.detail));
    }
    const std::vector<std::string> want{"> INVITE", "< 100 Trying to INVITE", "< 200 OK to INVITE", "> ACK",
                                        "> BYE",    "< 200 OK to BYE"};
    EXPECT_EQ(lines, want);
}

TEST(SipEvent, ReadsIdsLabelAndDirection) {
    const FlowInfo flow;
    const std::string bytes =
        "SIP/2.0 407 Proxy Authentication Required\r\nVia: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK1\r\n"
        "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>;tag=2\r\nCall-ID: c1\r\nCSeq: 1 "
        "INVITE\r\n"
        "x-callchain-id: cc_0123456789abcdef01234567\r\nContent-Length: 0\r\n\r\n";
    using timeline::Party;
    const auto event = sip_event({true, flow, bytes}, Party::gateway, Party::twilio, "call_id_twilio",
                                 {{"call_sid", "CA1"}});
    EXPECT_EQ(event.label, "407 Proxy Authentication Required");
    EXPECT_EQ(event.detail, "to INVITE");
    EXPECT_EQ(event.from, Party::twilio);
    EXPECT_EQ(event.to, Party::gateway);
    const std::vector<timeline::Id> want{
        {"call_sid", "CA1"}, {"call_id_twilio", "c1"}, {"callchain_id", "cc_0123456789abcdef01234567"}};
    EXPECT_EQ(event.ids, want);
    // Headers of a call are the caller's to write.
    const auto forged = "BYE sip:b@example.com SIP/2.0\r\nCall-ID: c1\r\nX-Callchain-Id: <script>\r\n\r\n";
    const auto sent = sip_event({false, flow, forged}, Party::gateway, Party::twilio, "call_id_twilio");
    EXPECT_EQ(sent.label, "BYE");
    EXPECT_EQ(sent.from, Party::gateway);
    EXPECT_EQ(sent.ids, (std::vector<timeline::Id>{{"call_id_twilio", "c1"}}));
}

}  // namespace
}  // namespace callchain::simulator
