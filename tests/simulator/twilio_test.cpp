#include "simulator/twilio.hpp"

#include "sdp/answer.hpp"
#include "twilio_fixture.hpp"

#include <future>

namespace callchain::simulator {
namespace {

using namespace std::chrono_literals;
using SecureMedia = TwilioSettings::SecureMedia;

// Source: Twilio, "Receiving SIP", "TwiML Voice: <Dial>", "TwiML Voice: <Sip>".
TEST_F(TwilioTest, CarriesACallUntilTheCallerHangsUp) {
    answer_with("/twilio/voice", dial());
    given.headers = {{"X-Callchain-Id", "cc_aaaaaaaaaaaaaaaaaaaaaaaa"}};
    start();
    call();
    ASSERT_TRUE(wait_until_up());
    in_loop([this] { caller_->hang_up(caller_number); });
    const auto told = finished();

    EXPECT_EQ(told.refused_with, 0);
    EXPECT_EQ(told.twilio_error, 0) << told.why;
    EXPECT_EQ(told.webhook_status, 200);
    EXPECT_EQ(told.dial_status, "completed");
    EXPECT_EQ(told.dial_sip_status, 200);
    EXPECT_TRUE(told.bridged);
    EXPECT_TRUE(told.bridged_after.has_value());
    EXPECT_EQ(told.ended_by, "caller");
    EXPECT_EQ(told.bye_status, 0);
    EXPECT_EQ(told.callchain_id, "cc_0123456789abcdef01234567");
    const auto seen = board.content();
    EXPECT_EQ(seen.caller, (std::vector<std::string>{"180", "200", "hung up 200"}));
    EXPECT_EQ(seen.openai, (std::vector<std::string>{"BYE"}));

    const auto& invite = seen.invites.at(0);
    EXPECT_EQ(sip::write_uri(invite.message.uri), "sip:proj_1@sip.api.openai.com;transport=tls");
    EXPECT_EQ(sip::write_uri(invite.to.uri), "sip:proj_1@sip.api.openai.com;transport=tls");
    EXPECT_EQ(invite.from.uri.user, "+12145551869");
    EXPECT_EQ(invite.message.find("X-Callchain-Id"), "cc_0123456789abcdef01234567");
    EXPECT_EQ(invite.message.find("X-Twilio-CallSid"), told.call_sid);
    EXPECT_EQ(invite.message.find("X-Twilio-AccountSid"), settings.account_sid);
    EXPECT_EQ(invite.call_id, told.dial_call_id);
    EXPECT_NE(invite.message.body.find("RTP/AVP 0 8 101"), std::string::npos) << invite.message.body;

    const auto voice = forms("/twilio/voice");
    ASSERT_EQ(voice.size(), 1U);
    for (const auto& [name, value] :
         std::map<std::string, std::string>{{"CallSid", told.call_sid},
                                            {"AccountSid", settings.account_sid},
                                            {"From", "sip:+12195550714@gateway.example.com"},
                                            {"Caller", "sip:+12195550714@gateway.example.com"},
                                            {"To", "sip:bridge@example.sip.twilio.com"},
                                            {"Called", "sip:bridge@example.sip.twilio.com"},
                                            {"Direction", "inbound"},
                                            {"CallStatus", "ringing"},
                                            {"ApiVersion", "2010-04-01"},
                                            {"SipCallId", told.call_id},
                                            {"SipDomain", "example.sip.twilio.com"},
                                            {"SipSourceIp", "127.0.0.1"},
                                            {"SipUsername", "gateway01"},
                                            {"SipHeader_X-Callchain-Id", "cc_aaaaaaaaaaaaaaaaaaaaaaaa"}})
        EXPECT_EQ(voice[0].count(name) == 1 ? voice[0].at(name) : "(none)", value) << name;

    const auto action = forms("/twilio/dial-action");
    ASSERT_EQ(action.size(), 1U);
    EXPECT_EQ(action[0].at("CallSid"), told.call_sid);
    EXPECT_EQ(action[0].at("DialCallStatus"), "completed");
    EXPECT_EQ(action[0].at("DialBridged"), "true");
    EXPECT_EQ(action[0].at("DialSipResponseCode"), "200");
    EXPECT_EQ(action[0].at("DialSipCallId"), told.dial_call_id);
    EXPECT_EQ(action[0].count("ErrorCode"), 0U);
    expect_signed();
}

// Source: Twilio, "TwiML Voice: <Sip>", statusCallback.
TEST_F(TwilioTest, TellsTheStatusOfTheLeg) {
    answer_with("/twilio/voice", dial());
    start();
    on_openai_acknowledged = [this](CallNumber number) { openai_->hang_up(number); };
    twilio_->place_call(20s);
    const auto told = finished();
    auto forms_of_leg = forms("/twilio/dial-status");
    ASSERT_EQ(forms_of_leg.size(), 4U);
    // They are sent one by one and may overtake each other.
    std::sort(forms_of_leg.begin(), forms_of_leg.end(),
              [](const auto& a, const auto& b) { return a.at("SequenceNumber") < b.at("SequenceNumber"); });
    const std::array statuses{"initiated", "ringing", "in-progress", "completed"};
    const auto child = forms("/twilio/dial-action").at(0).at("DialCallSid");
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        SCOPED_TRACE(statuses[i]);
        const auto& form = forms_of_leg[i];
        EXPECT_EQ(form.at("SequenceNumber"), std::to_string(i));
        EXPECT_EQ(form.at("CallStatus"), statuses[i]);
        EXPECT_EQ(form.at("CallSid"), child);
        EXPECT_EQ(form.at("ParentCallSid"), told.call_sid);
        EXPECT_EQ(form.at("CallbackSource"), "call-progress-events");
        EXPECT_EQ(form.at("Direction"), "outbound-dial");
        EXPECT_TRUE(form.at("Timestamp").ends_with(" +0000")) << form.at("Timestamp");
        EXPECT_EQ(form.count("CallDuration"), i == 3 ? 1U : 0U);
        EXPECT_EQ(form.count("SipResponseCode"), i == 3 ? 1U : 0U);
    }
    EXPECT_EQ(forms_of_leg[3].at("SipResponseCode"), "200");
    expect_signed();
}

TEST_F(TwilioTest, EndsTheCallerWhenTheFarEndHangsUp) {
    answer_with("/twilio/voice", dial());
    start();
    call();
    ASSERT_TRUE(wait_until_up());
    in_loop([this] { openai_->hang_up(openai_number); });
    const auto told = finished();
    EXPECT_EQ(told.ended_by, "openai");
    EXPECT_EQ(told.dial_status, "completed");
    const auto seen = board.content();
    EXPECT_EQ(seen.caller, (std::vector<std::string>{"180", "200", "ended"}));
    ASSERT_EQ(seen.bye_flows.size(), 1U);
    EXPECT_EQ(seen.bye_flows[0], seen.invite_flows.at(0));
}

TEST_F(TwilioTest, SendsTheByeByAConnectionOfItsOwn) {
    settings.bye_on_new_connection = true;
    answer_with("/twilio/voice", dial());
    start();
    call();
    ASSERT_TRUE(wait_until_up());
    in_loop([this] { openai_->hang_up(openai_number); });
    const auto told = finished();
    EXPECT_EQ(told.ended_by, "openai");
    EXPECT_EQ(told.bye_status, 200);
    const auto seen = board.content();
    EXPECT_EQ(seen.caller.back(), "ended");
    ASSERT_EQ(seen.bye_flows.size(), 1U);
    EXPECT_NE(seen.bye_flows[0], seen.invite_flows.at(0));
}

// Source: Twilio, error and warning dictionary, 32202. An unknown user is no address that is not listed,
// which is 32201.
TEST_F(TwilioTest, RefusesWhoeverDoesNotKnowThePassword) {
    start();
    for (const auto& account :
         {sip::DigestAccount{"gateway01", "wrong"}, sip::DigestAccount{"gateway02", "Str0ngPassw0rd12"}}) {
        SCOPED_TRACE(account.username);
        const auto before = board.content().calls.size();
        given.account = account;
        call();
        const auto told = finished(before + 1);
        EXPECT_EQ(told.refused_with, 403);
        EXPECT_EQ(told.twilio_error, 32202);
        EXPECT_NE(told.why, "");
        ASSERT_TRUE(board.wait([&](const auto& content) { return content.caller.size() == before + 1; }));
        EXPECT_EQ(board.content().caller.back(), "403 32202");
    }
    EXPECT_TRUE(has_note("32202"));
    EXPECT_TRUE(forms("/twilio/voice").empty());
}

// Source: Twilio, "Secure Media"; error and warning dictionary, 32207 to 32209.
struct MediaRow {
    const char* name;
    sip::Transport transport;
    SecureMedia secure_media;
    std::string sdp;
    int code;
};
class TwilioMediaTest : public TwilioTest, public testing::WithParamInterface<MediaRow> {};
TEST_P(TwilioMediaTest, IsRefused) {
    const auto& row = GetParam();
    settings.transport = row.transport;
    settings.secure_media = row.secure_media;
    given.sdp = row.sdp;
    start();
    call();
    const auto told = finished();
    EXPECT_EQ(told.refused_with, 488);
    EXPECT_EQ(told.twilio_error, row.code);
    ASSERT_TRUE(board.wait([](const auto& content) { return !content.caller.empty(); }));
    EXPECT_EQ(board.content().caller, (std::vector<std::string>{"488 " + std::to_string(row.code)}));
    EXPECT_TRUE(forms("/twilio/voice").empty());
}
INSTANTIATE_TEST_SUITE_P(
    All, TwilioMediaTest,
    testing::Values(MediaRow{"SrtpWhileOff", sip::Transport::tls, SecureMedia::off, kSrtpSdp, 32207},
                    MediaRow{"PlainWhileOn", sip::Transport::tls, SecureMedia::on, kPlainSdp, 32208},
                    MediaRow{"UdpWhileOn", sip::Transport::udp, SecureMedia::on, kPlainSdp, 32209},
                    MediaRow{"TcpWhileOn", sip::Transport::tcp, SecureMedia::on, kSrtpSdp, 32209}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(TwilioTest, TakesPlainRtpByUdpWhileSecureMediaIsOff) {
    settings.transport = sip::Transport::udp;
    settings.secure_media = SecureMedia::off;
    given.sdp = kPlainSdp;
    answer_with("/twilio/voice", dial());
    start();
    call();
    ASSERT_TRUE(wait_until_up());
    std::string answer;
    in_loop([&] { answer = caller_->remote_sdp(caller_number); });
    const auto verdict = sdp::judge_answer(kPlainSdp, answer);
    EXPECT_TRUE(verdict && verdict->good) << answer;
    in_loop([this] { caller_->hang_up(caller_number); });
    EXPECT_EQ(finished().ended_by, "caller");
}

// Source: Twilio, error and warning dictionary. What the SIP leg gets is not documented.
TEST_F(TwilioTest, GivesUpWithoutADocument) {
    start();
    struct Row {
        const char* name;
        std::string body;
        int status;
        const char* type;
        int code;
    };
    for (const auto& row :
         {Row{"500", "", 500, "text/plain", 11200}, Row{"403", "", 403, "text/plain", 11200},
          Row{"JSON", "{}", 200, "application/json", 12300},
          Row{"not XML", "hello", 200, "text/xml", 12100}}) {
        SCOPED_TRACE(row.name);
        const auto before = board.content().calls.size();
        answer_with("/twilio/voice", row.body, row.status, row.type);
        call();
        const auto told = finished(before + 1);
        EXPECT_EQ(told.webhook_status, row.status);
        EXPECT_EQ(told.twilio_error, row.code);
        EXPECT_EQ(told.dial_status, "");
        EXPECT_EQ(told.ended_by, "twilio");
        const auto want = "500 " + std::to_string(row.code);
        EXPECT_TRUE(board.wait([&](const auto& content) {
            return content.caller.size() == 2 * (before + 1) && content.caller.back() == want;
        }));
        EXPECT_TRUE(has_note(std::to_string(row.code)));
    }
}

TEST_F(TwilioTest, GivesUpOnASlowWebhook) {
    settings.webhook_time = 100ms;
    std::promise<http::Responder> kept;
    on_voice = [&kept](const http::Request&, http::Responder responder) {
        kept.set_value(std::move(responder));
    };
    start();
    call();
    const auto told = finished();
    EXPECT_EQ(told.twilio_error, 11205);
    EXPECT_EQ(told.webhook_status, 0);
    const auto responder = kept.get_future().get();
    EXPECT_TRUE(board.wait(
        [](const auto& content) { return !content.caller.empty() && content.caller.back() == "500 11205"; }));
}

TEST_F(TwilioTest, GivesUpWhereNobodyListens) {
    start();
    twilio_->set_voice_url("http://127.0.0.1:1/twilio/voice");
    call();
    EXPECT_EQ(finished().twilio_error, 11202);
}

// Source: Twilio, "TwiML Voice: <Dial>", callerId; error and warning dictionary, 13214, 13224.
TEST_F(TwilioTest, DialsNobodyWithoutACallerId) {
    answer_with("/twilio/voice", dial("answerOnBridge=\"true\""));
    start();
    twilio_->place_call(20s);
    auto told = finished();
    EXPECT_EQ(told.twilio_error, 13224);
    EXPECT_EQ(told.dial_status, "failed");
    EXPECT_FALSE(told.bridged);
    EXPECT_EQ(told.dial_call_id, "");
    EXPECT_TRUE(has_note("13224"));
    auto action = forms("/twilio/dial-action").at(0);
    EXPECT_EQ(action.at("DialCallStatus"), "failed");
    EXPECT_EQ(action.at("DialBridged"), "false");
    EXPECT_EQ(action.at("ErrorCode"), "13224");
    EXPECT_EQ(action.at("ErrorMessage"), "Dial: Invalid phone number format");
    EXPECT_EQ(action.count("DialSipResponseCode"), 0U);
    EXPECT_EQ(action.count("DialCallSid"), 0U);

    call();
    told = finished(2);
    EXPECT_EQ(told.twilio_error, 13214);
    action = forms("/twilio/dial-action").at(1);
    EXPECT_EQ(action.at("ErrorCode"), "13214");
    EXPECT_TRUE(board.wait(
        [](const auto& content) { return !content.caller.empty() && content.caller.back() == "603"; }));
    EXPECT_TRUE(board.content().invites.empty());
    EXPECT_TRUE(forms("/twilio/dial-status").empty());
    expect_signed();
}

// Source: Twilio, "TwiML Voice: <Dial>", DialCallStatus and DialSipResponseCode.
TEST_F(TwilioTest, TellsTheActionWhyTheFarEndRefused) {
    answer_with("/twilio/voice", dial());
    start();
    struct Row {
        int status;
        const char* dial_status;
        int code;
    };
    for (const auto& row : {Row{400, "failed", 13224}, Row{404, "failed", 32011}, Row{486, "busy", 0},
                            Row{503, "failed", 32011}, Row{603, "busy", 0}}) {
        SCOPED_TRACE(row.status);
        const auto before = board.content().calls.size();
        on_openai_invite = [this, &row](CallNumber number) {
            openai_->refuse(number, row.status, {}, {{"X-Reason", "none"}});
        };
        twilio_->place_call(20s);
        const auto told = finished(before + 1);
        EXPECT_EQ(told.dial_status, row.dial_status);
        EXPECT_EQ(told.dial_sip_status, row.status);
        EXPECT_EQ(told.twilio_error, row.code);
        const auto action = forms("/twilio/dial-action").at(before);
        EXPECT_EQ(action.at("DialCallStatus"), row.dial_status);
        EXPECT_EQ(action.at("DialSipResponseCode"), std::to_string(row.status));
        EXPECT_EQ(action.at("DialBridged"), "false");
        EXPECT_EQ(action.at("DialSipHeader_X-Reason"), "none");
        EXPECT_EQ(action.count("ErrorCode") == 1 ? action.at("ErrorCode") : "0", std::to_string(row.code));
    }
    expect_signed();
}

// The fallback of the service: a sentence, and the end.
TEST_F(TwilioTest, RunsTheDocumentOfTheAction) {
    answer_with("/twilio/voice", dial());
    start();
    answer_with("/twilio/dial-action", "<Response><Say>Sorry.</Say><Hangup/></Response>");
    on_openai_invite = [this](CallNumber number) { openai_->refuse(number, 400); };
    call();
    const auto told = finished();
    EXPECT_EQ(told.ended_by, "twilio");
    EXPECT_EQ(board.content().caller, (std::vector<std::string>{"180", "200", "ended"}));
    EXPECT_EQ(forms("/twilio/dial-action").at(0).at("CallStatus"), "ringing");
}

TEST_F(TwilioTest, GivesUpADialThatNobodyAnswers) {
    settings.dial_timeout = 100ms;
    answer_with("/twilio/voice", dial());
    start();
    on_openai_invite = [this](CallNumber number) { openai_->ring(number); };
    call();
    const auto told = finished();
    EXPECT_EQ(told.dial_status, "no-answer");
    EXPECT_EQ(told.dial_sip_status, 487);
    EXPECT_EQ(told.ended_by, "twilio");
    EXPECT_EQ(board.content().openai, (std::vector<std::string>{"CANCEL"}));
}

TEST_F(TwilioTest, CancelsTheDialOfACallerWhoLeaves) {
    answer_with("/twilio/voice", dial());
    start();
    on_openai_invite = [this](CallNumber number) {
        openai_->ring(number);
        caller_->hang_up(caller_number);
    };
    call();
    const auto told = finished();
    EXPECT_EQ(told.dial_status, "canceled");
    EXPECT_EQ(told.ended_by, "caller");
    EXPECT_FALSE(told.bridged);
    EXPECT_EQ(board.content().openai, (std::vector<std::string>{"CANCEL"}));
    EXPECT_EQ(forms("/twilio/dial-action").at(0).at("DialCallStatus"), "canceled");
}

TEST_F(TwilioTest, PlacesACallOfAWhatsAppUser) {
    answer_with("/twilio/voice", dial());
    start();
    twilio_->place_call(10ms);
    const auto told = finished();
    EXPECT_EQ(told.call_id, "");
    EXPECT_TRUE(told.bridged);
    EXPECT_EQ(told.dial_status, "completed");
    EXPECT_EQ(told.ended_by, "caller");
    EXPECT_EQ(board.content().openai, (std::vector<std::string>{"BYE"}));
    const auto voice = forms("/twilio/voice").at(0);
    EXPECT_EQ(voice.at("From"), "whatsapp:+12195550714");
    EXPECT_EQ(voice.at("To"), "whatsapp:+12145551869");
    EXPECT_EQ(voice.count("SipCallId"), 0U);
    expect_signed();
}

// Source: Twilio, "TwiML Voice: <Reject>", "Receiving SIP".
TEST_F(TwilioTest, RejectsByTheStatusOfTheReason) {
    start();
    std::size_t count = 0;
    for (const auto& [reason, status] : {std::pair{"busy", "486"}, {"rejected", "404"}}) {
        answer_with("/twilio/voice", "<Response><Reject reason=\"" + std::string(reason) + "\"/></Response>");
        call();
        EXPECT_EQ(finished(++count).ended_by, "twilio");
        EXPECT_TRUE(board.wait([status = status](const auto& content) {
            return !content.caller.empty() && content.caller.back() == status;
        }));
    }
}

TEST_F(TwilioTest, FollowsARedirect) {
    answer_with("/twilio/voice", "<Response><Redirect>/other?a=1&amp;b=2</Redirect></Response>");
    answer_with("/other", dial());
    start();
    twilio_->place_call(10ms);
    EXPECT_TRUE(finished().bridged);
    EXPECT_EQ(board.content().requests.at(1).target, "/other?a=1&b=2");
    expect_signed();
}

TEST_F(TwilioTest, EndsAnEndlessRedirect) {
    answer_with("/twilio/voice", "<Response><Redirect/></Response>");
    start();
    twilio_->place_call(10ms);
    EXPECT_EQ(finished().twilio_error, 11215);
}

TEST_F(TwilioTest, SignsTheUrlThatThePublicKnows) {
    settings.public_url = "https://bridge.example.com/twilio/voice";
    auto document = dial();
    const auto base = url("");
    for (auto at = document.find(base); at != std::string::npos; at = document.find(base))
        document.replace(at, base.size(), "https://bridge.example.com");
    answer_with("/twilio/voice", document);
    start();
    twilio_->place_call(10ms);
    EXPECT_TRUE(finished().bridged);
    EXPECT_EQ(forms("/twilio/dial-action").size(), 1U);
    EXPECT_EQ(forms("/twilio/dial-status").size(), 4U);
    expect_signed("https://bridge.example.com");
}

// Source: Twilio, "TwiML Voice: <Sip>": the default transport is UDP, which OpenAI does not take.
TEST_F(TwilioTest, DialsNobodyByUdp) {
    answer_with("/twilio/voice", dial("callerId=\"+12145551869\"", "sip:proj_1@sip.api.openai.com"));
    start();
    twilio_->place_call(10ms);
    const auto told = finished();
    EXPECT_EQ(told.twilio_error, 32011);
    EXPECT_EQ(told.dial_status, "failed");
    EXPECT_TRUE(board.content().invites.empty());
}

TEST_F(TwilioTest, TellsTheTimelineBothSidesOfACall) {
    answer_with("/twilio/voice", dial());
    start();
    twilio_->place_call(10ms);
    const auto told = finished();
    using timeline::Party;
    const auto has = [events = board.content().events, &told](Party from, Party to, const std::string& label,
                                                              const std::string& detail) {
        return std::any_of(events.begin(), events.end(), [&](const timeline::Event& event) {
            const bool is_known = std::find(event.ids.begin(), event.ids.end(),
                                            timeline::Id{"call_sid", told.call_sid}) != event.ids.end();
            return is_known && event.from == from && event.to == to && event.label.starts_with(label) &&
                   event.detail.find(detail) != std::string::npos;
        });
    };
    EXPECT_TRUE(has(Party::twilio, Party::serve, "POST /twilio/voice", "From=whatsapp:+…0714"));
    EXPECT_TRUE(has(Party::serve, Party::twilio, "200 OK", "<Dial callerId=+…1869 answerOnBridge><Sip>"));
    EXPECT_TRUE(has(Party::twilio, Party::openai, "INVITE", ""));
    EXPECT_TRUE(has(Party::openai, Party::twilio, "200 OK", ""));
    EXPECT_TRUE(has(Party::twilio, Party::openai, "BYE", ""));
    EXPECT_TRUE(has(Party::twilio, Party::serve, "POST /twilio/dial-action", "DialCallStatus=completed"));
    for (const auto& event : board.content().events)
        EXPECT_EQ(event.detail.find("5550714"), std::string::npos);
}

TEST_F(TwilioTest, CarriesManyCalls) {
    constexpr std::size_t kCalls = 200;
    answer_with("/twilio/voice", dial());
    start();
    for (std::size_t i = 0; i < kCalls; ++i) twilio_->place_call(10ms);
    static_cast<void>(finished(kCalls));
    const auto calls = board.content().calls;
    EXPECT_EQ(calls.size(), kCalls);
    EXPECT_TRUE(std::all_of(calls.begin(), calls.end(), [](const TwilioCall& call) {
        return call.bridged && call.dial_status == "completed" && call.twilio_error == 0;
    }));
    std::size_t left = 1;
    in_loop([&] { left = openai_->calls(); });
    EXPECT_EQ(left, 0U);
}

TEST_F(TwilioTest, StopsWithCallsThatAreUp) {
    answer_with("/twilio/voice", dial());
    start();
    call();
    ASSERT_TRUE(wait_until_up());
    twilio_.reset();
    EXPECT_TRUE(board.content().calls.empty());
}

TEST(TwilioStart, SaysWhyItCannotListen) {
    TwilioSettings settings;
    settings.listen = "nowhere";
    settings.transport = sip::Transport::udp;
    EXPECT_FALSE(Twilio::start(settings, {}, {}).has_value());
}

}  // namespace
}  // namespace callchain::simulator
