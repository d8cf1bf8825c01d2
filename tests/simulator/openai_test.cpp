#include "simulator/openai.hpp"

#include "base/callchain_id.hpp"
#include "encoding/json_text.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "http/web_socket.hpp"
#include "openai/call.hpp"
#include "sdp/answer.hpp"
#include "signature/secret.hpp"
#include "signature/standard_webhooks.hpp"
#include "simulator/partner.hpp"

#include <array>
#include <future>
#include <thread>

namespace callchain::simulator {
namespace {

using sip::Transport;

const std::string kApiKey = "sk-proj-0123456789abcdef";
// Source: the secrets of the suites of OpenAI's SDKs and of Standard Webhooks.
const std::string kSecret = "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=";
const std::string kOtherSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string kCallchainId = "cc_0123456789abcdef01234567";
const std::string kAcceptBody = R"({"type":"realtime","model":"gpt-realtime"})";
const std::string kTelephoneOffer =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
const std::string kSecureOffer =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/SAVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw\r\n";

// One sideband of the service, on a thread of its own.
class Sideband {
  public:
    explicit Sideband(http::WebSocketOptions options)
        : thread_([this, options = std::move(options)] {
              socket_ = http::WebSocket::connect(
                  loop_, options,
                  {{},
                   [this](const std::string& text) {
                       const std::lock_guard lock(mutex_);
                       texts_.push_back(text);
                       changed_.notify_all();
                   },
                   [this](http::WebSocketEnd end) { ended_.set_value(std::move(end)); }});
              loop_.run();
              socket_.reset();
          }) {}
    Sideband(const Sideband&) = delete;
    Sideband& operator=(const Sideband&) = delete;
    ~Sideband() {
        loop_.stop();
        thread_.join();
    }
    void send(std::string text) {
        loop_.post([this, text = std::move(text)] { socket_->send(text); });
    }
    bool saw(const std::string& type) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 20s, [&] {
            return std::any_of(texts_.begin(), texts_.end(), [&](const std::string& text) {
                return text.find("\"type\":\"" + type + "\"") != std::string::npos;
            });
        });
    }
    http::WebSocketEnd end() { return ended_.get_future().get(); }

  private:
    http::Loop loop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> texts_;
    std::promise<http::WebSocketEnd> ended_;
    std::unique_ptr<http::WebSocket> socket_;
    std::thread thread_;
};

class OpenAiTest : public testing::Test {
  protected:
    OpenAiTest() {
        const auto& certificates = gateway::Certificates::shared();
        settings.certificate = certificates.chain("good");
        settings.key = certificates.key("good");
        settings.api_key = kApiKey;
        settings.retries = {1ms, 1ms};
        serve_ = *http::Server::start(
            {.listen = {"127.0.0.1:0"}}, [this](const http::Request& request, http::Responder responder) {
                const std::lock_guard lock(mutex_);
                const auto turn = requests.size();
                requests.push_back(request);
                changed_.notify_all();
                responder.send({.status = turn < statuses.size() ? statuses[turn] : 200});
            });
    }
    ~OpenAiTest() override {
        openai_.reset();
        serve_->stop();
    }

    [[nodiscard]] std::string hook(const std::string& path = "/openai/webhook") const {
        return "http://" + serve_->addresses().at(0) + path;
    }
    void start() {
        if (settings.endpoints.empty()) settings.endpoints = {{hook(), kSecret}};
        auto started = OpenAi::start(
            settings,
            [this](timeline::Event event) {
                const std::lock_guard lock(mutex_);
                events.push_back(std::move(event));
            },
            [this](OpenAiCall call) {
                const std::lock_guard lock(mutex_);
                calls.push_back(std::move(call));
                changed_.notify_all();
            });
        ASSERT_TRUE(started.has_value()) << started.error().message;
        openai_ = *std::move(started);
    }
    void call(const std::string& user = "proj_00000000000000000000000a",
              const std::string& offer = kTelephoneOffer) {
        const auto address = openai_->sip_address();
        const auto colon = address.rfind(':');
        number = twilio.call(twilio, [&](OutgoingCall& out) {
            out.target = *sip::parse_uri("sip:" + user + "@sip.api.openai.com;transport=tls");
            out.sdp = offer;
            if (placed_++ > 0) out.call_id += std::to_string(placed_);
            out.headers = {{"X-Callchain-Id", kCallchainId}, {"X-Name", "Jos\xc3\xa9"}, {"X-Name", "b"}};
            out.destination.port = static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)));
        });
    }
    template <class Until>
    bool wait(Until until) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 20s, until);
    }
    bool delivered(std::size_t count = 1) {
        return wait([&] { return requests.size() >= count; });
    }
    OpenAiCall finished() {
        EXPECT_TRUE(wait([&] { return !calls.empty(); }));
        const std::lock_guard lock(mutex_);
        return calls.empty() ? OpenAiCall{} : calls.front();
    }
    std::string call_id() {
        const std::lock_guard lock(mutex_);
        const auto event = openai::read_call_event(requests.at(0).body);
        return event ? event->call_id : std::string();
    }
    http::ClientResponse act(const std::string& id, const std::string& verb, const std::string& body = {},
                             const std::string& key = kApiKey) {
        auto result = client_.perform({.url = openai_->api_url() + "/realtime/calls/" + id + "/" + verb,
                                       .headers = {{"Authorization", "Bearer " + key}},
                                       .body = body});
        const auto* response = std::get_if<http::ClientResponse>(&result);
        EXPECT_NE(response, nullptr);
        return response == nullptr ? http::ClientResponse{} : *response;
    }
    std::unique_ptr<Sideband> attach(const std::string& id, const std::string& key = kApiKey) {
        return std::make_unique<Sideband>(
            http::WebSocketOptions{.url = "ws" + openai_->api_url().substr(4) + "/realtime?call_id=" + id,
                                   .headers = {{"Authorization", "Bearer " + key}}});
    }
    // Up, accepted.
    std::string accepted() {
        start();
        call();
        EXPECT_TRUE(delivered());
        const auto id = call_id();
        EXPECT_EQ(act(id, "accept", kAcceptBody).status, 200);
        EXPECT_TRUE(twilio.saw("answered"));
        return id;
    }
    static std::string header(const http::Request& request, std::string_view name) {
        return std::string(request.headers.find(name).value_or(""));
    }
    static signature::Check check(const http::Request& request, const std::string& secret = kSecret) {
        std::vector<crypto::HmacKey> keys;
        keys.emplace_back(crypto::HashAlgorithm::sha256, signature::read_secret(secret)->bytes);
        const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        const auto result = signature::check_webhook(
            keys,
            {*request.headers.find("webhook-id"), *request.headers.find("webhook-timestamp"),
             *request.headers.find("webhook-signature")},
            request.body, now, std::chrono::seconds(300));
        EXPECT_TRUE(result.has_value());
        return result.value_or(signature::Check{});
    }
    std::vector<std::string> labels() {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> all;
        for (const auto& event : events) all.push_back(event.label);
        return all;
    }

    OpenAiSettings settings;
    Partner twilio{Transport::tls};
    CallNumber number;
    std::vector<int> statuses;  // of the webhooks, in order; behind them 200
    std::vector<http::Request> requests;
    std::vector<OpenAiCall> calls;
    std::vector<timeline::Event> events;
    std::unique_ptr<OpenAi> openai_;

  private:
    int placed_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    http::Client client_;
    std::unique_ptr<http::Server> serve_;
};

TEST_F(OpenAiTest, AnnouncesAcceptsSpeaksAndEndsWithTheCaller) {
    const auto id = accepted();
    const auto& request = requests.at(0);
    EXPECT_TRUE(check(request).valid());
    EXPECT_FALSE(check(request, kOtherSecret).valid());
    EXPECT_EQ(header(request, "content-type"), "application/json");
    EXPECT_EQ(header(request, "user-agent"), "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)");
    EXPECT_TRUE(header(request, "webhook-id").starts_with("wh_"));
    EXPECT_EQ(header(request, "webhook-id").size(), 35U);
    EXPECT_TRUE(request.body.starts_with("{\"id\": \"evt_")) << request.body;
    EXPECT_NE(request.body.find(R"(", "object": "event", "created_at": )"), std::string::npos);
    EXPECT_NE(
        request.body.find(R"({"name": "X-Name", "value": "Jos\u00e9"}, {"name": "X-Name", "value": "b"})"),
        std::string::npos)
        << request.body;
    const auto event = openai::read_call_event(request.body);
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->header("X-Callchain-Id"), kCallchainId);
    EXPECT_EQ(event->header("Call-ID"), "call-of-a-test");

    EXPECT_EQ(twilio.count("ringing 180"), 1U);
    const auto answer = twilio.message("answered").message.body;
    EXPECT_NE(answer.find("m=audio 20000 RTP/AVP 0 101\r\n"), std::string::npos) << answer;
    EXPECT_NE(answer.find("s=OAI\r\n"), std::string::npos);
    EXPECT_TRUE(sdp::judge_answer(kTelephoneOffer, answer)->good);

    const auto sideband = attach(id);
    ASSERT_TRUE(sideband->saw("session.created"));
    sideband->send(R"({"type":"session.update","session":{"type":"realtime"}})");
    ASSERT_TRUE(sideband->saw("session.updated"));
    sideband->send(R"({"type":"response.create"})");
    ASSERT_TRUE(sideband->saw("response.created"));
    ASSERT_TRUE(sideband->saw("response.output_audio_transcript.done"));
    ASSERT_TRUE(sideband->saw("response.done"));

    twilio.in_loop([&] { twilio.phone->hang_up(number); });
    const auto end = sideband->end();
    EXPECT_EQ(end.kind, http::WebSocketEnd::Kind::lost) << end.message;
    EXPECT_EQ(end.close_code, 0);
    const auto told = finished();
    EXPECT_EQ(told.call_id, id);
    EXPECT_EQ(told.sip_call_id, "call-of-a-test");
    EXPECT_EQ(told.callchain_id, kCallchainId);
    EXPECT_EQ(told.webhook_statuses, std::vector<int>{200});
    EXPECT_EQ(told.webhook_ids, std::vector<std::string>{header(request, "webhook-id")});
    EXPECT_TRUE(told.accepted && told.sideband && told.greeted);
    EXPECT_TRUE(told.webhook_after && told.accepted_after && told.greeted_after);
    EXPECT_EQ(told.accepts, 1);
    EXPECT_EQ(told.final_status, 200);
    EXPECT_EQ(told.ended_by, "caller");
    EXPECT_EQ(act(id, "hangup").status, 404);
    const auto seen = labels();
    for (const auto* label : {"POST /openai/webhook", "200 OK", "POST accept", "session.created",
                              "response.create", "response.done"})
        EXPECT_NE(std::find(seen.begin(), seen.end(), label), seen.end()) << label;
}

TEST_F(OpenAiTest, AnswersSrtpWithSrtp) {
    start();
    call(settings.project_id, kSecureOffer);
    ASSERT_TRUE(delivered());
    EXPECT_EQ(act(call_id(), "accept", kAcceptBody).status, 200);
    ASSERT_TRUE(twilio.saw("answered"));
    EXPECT_TRUE(sdp::judge_answer(kSecureOffer, twilio.message("answered").message.body)->good);
}

TEST_F(OpenAiTest, KnowsItsProjectAlone) {
    start();
    call("proj_of_another");
    ASSERT_TRUE(twilio.saw("failed 404"));
    EXPECT_TRUE(requests.empty());
}

TEST_F(OpenAiTest, RejectsWithTheStatusThatWasAskedFor) {
    start();
    call();
    ASSERT_TRUE(delivered());
    EXPECT_EQ(act(call_id(), "reject", R"({"status_code":486})").status, 200);
    ASSERT_TRUE(twilio.saw("failed 486"));
    const auto told = finished();
    EXPECT_EQ(told.ended_by, "rejected");
    EXPECT_EQ(told.final_status, 486);
}

TEST_F(OpenAiTest, IsNotAcceptedInTime) {
    settings.accept_time = 50ms;
    start();
    call();
    ASSERT_TRUE(twilio.saw("failed 400"));
    const auto told = finished();
    EXPECT_EQ(told.ended_by, "deadline");
    EXPECT_EQ(told.final_status, 400);
    EXPECT_FALSE(told.accepted);
    EXPECT_EQ(act(told.call_id, "accept", kAcceptBody).status, 404);
    const auto seen = labels();
    EXPECT_NE(std::find(seen.begin(), seen.end(), "not accepted in time"), seen.end());
}

TEST_F(OpenAiTest, TriesAgainWithTheSameIdAndEndsBehindTheLastRetry) {
    statuses = {401, 500, 200};
    start();
    call();
    ASSERT_TRUE(delivered(3));
    EXPECT_EQ(act(call_id(), "accept", kAcceptBody).status, 200);
    ASSERT_TRUE(twilio.saw("answered"));
    twilio.in_loop([&] { twilio.phone->hang_up(number); });
    EXPECT_EQ(finished().webhook_statuses, (std::vector<int>{401, 500, 200}));
    EXPECT_EQ(requests.size(), 3U);
    for (const auto& request : requests) {
        EXPECT_TRUE(check(request).valid());
        EXPECT_EQ(header(request, "webhook-id"), header(requests[0], "webhook-id"));
        EXPECT_EQ(request.body, requests[0].body);
    }
}

TEST_F(OpenAiTest, SignsForEachEndpointWithItsOwnSecret) {
    settings.endpoints = {{hook("/a"), kSecret}, {hook("/b"), kOtherSecret}};
    start();
    call();
    ASSERT_TRUE(delivered(2));
    for (const auto& request : requests)
        EXPECT_TRUE(check(request, request.target == "/a" ? kSecret : kOtherSecret).valid());
    EXPECT_NE(requests[0].target, requests[1].target);
    EXPECT_EQ(requests[0].body, requests[1].body);
    EXPECT_NE(header(requests[0], "webhook-id"), header(requests[1], "webhook-id"));
    EXPECT_EQ(act(call_id(), "accept", kAcceptBody).status, 200);
    const auto second = act(call_id(), "accept", kAcceptBody);
    EXPECT_EQ(second.status, 409);
    EXPECT_NE(second.body.find("decision_already_made"), std::string::npos);
}

TEST_F(OpenAiTest, RefusesWrongKeysUnknownCallsAndBadBodies) {
    start();
    call();
    ASSERT_TRUE(delivered());
    const auto id = call_id();
    EXPECT_EQ(act(id, "accept", kAcceptBody, "sk-wrong").status, 401);
    const auto unknown = encoding::parse_json_text(act("rtc_none", "accept", kAcceptBody).body);
    ASSERT_TRUE(unknown.has_value());
    const auto* error = unknown->find("error");
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->find("type")->text, "invalid_request_error");
    EXPECT_EQ(error->find("code")->text, "call_id_not_found");
    EXPECT_EQ(error->find("param")->kind, encoding::JsonValue::Kind::null);
    EXPECT_EQ(act(id, "hangup").status, 404);
    EXPECT_EQ(act(id, "accept", R"({"model":"gpt-realtime"})").status, 400);
    EXPECT_EQ(attach(id)->end().http_status, 404);
    EXPECT_EQ(act(id, "accept", kAcceptBody).status, 200);
    EXPECT_EQ(attach(id, "sk-wrong")->end().http_status, 401);
    EXPECT_EQ(act(id, "hangup").status, 200);
    ASSERT_TRUE(twilio.saw("ended by BYE"));
    const auto told = finished();
    EXPECT_EQ(told.ended_by, "hangup");
    EXPECT_EQ(told.accept_refusals, 2);
}

TEST_F(OpenAiTest, AcceptsAndIsDead) {
    settings.dead_accepts = true;
    settings.dead_after = 100ms;
    const auto id = accepted();
    EXPECT_EQ(attach(id)->end().http_status, 404);
    ASSERT_TRUE(twilio.saw("ended by BYE"));
    EXPECT_EQ(finished().ended_by, "dead");
}

TEST_F(OpenAiTest, DoesNotKnowTheCallAtFirst) {
    settings.not_found_first = 2;
    start();
    call();
    ASSERT_TRUE(delivered());
    const auto id = call_id();
    EXPECT_EQ(act(id, "accept", kAcceptBody).status, 404);
    EXPECT_EQ(act(id, "accept", kAcceptBody).status, 404);
    EXPECT_EQ(act(id, "accept", kAcceptBody).status, 200);
}

TEST_F(OpenAiTest, HasABodyThatWasWrittenAnew) {
    settings.body_reserialised = true;
    start();
    call();
    ASSERT_TRUE(delivered());
    EXPECT_TRUE(requests[0].body.starts_with("{\"id\":\"evt_"));
    EXPECT_EQ(check(requests[0]).mac, signature::Mac::differs);
}

TEST_F(OpenAiTest, HasAClockThatIsWrong) {
    settings.clock_skew = -600s;
    start();
    call();
    ASSERT_TRUE(delivered());
    EXPECT_EQ(check(requests[0]).mac, signature::Mac::matches);
    EXPECT_EQ(check(requests[0]).freshness, signature::Freshness::too_old);
}

TEST_F(OpenAiTest, DeliversAgainWhateverWasAnswered) {
    settings.redeliveries = 2;
    start();
    call();
    ASSERT_TRUE(delivered(3));
    for (const auto& request : requests)
        EXPECT_EQ(header(request, "webhook-id"), header(requests[0], "webhook-id"));
}

TEST_F(OpenAiTest, FailsEveryOtherAnswer) {
    settings.fails_percent = 50;
    start();
    EXPECT_EQ(act("rtc_none", "accept").status, 404);
    EXPECT_EQ(act("rtc_none", "accept").status, 500);
    EXPECT_EQ(act("rtc_none", "accept").status, 404);
}

TEST_F(OpenAiTest, HangsUpBehindTheGreeting) {
    settings.model_hangs_up = 1ms;
    const auto id = accepted();
    const auto sideband = attach(id);
    ASSERT_TRUE(sideband->saw("session.created"));
    sideband->send(R"({"type":"response.create"})");
    ASSERT_TRUE(twilio.saw("ended by BYE"));
    EXPECT_EQ(finished().ended_by, "model");
}

TEST_F(OpenAiTest, AnnouncesACallThatIsOverWhereTheDispatchWasLate) {
    settings.accept_time = 1ms;
    settings.dispatch_delay = 100ms;
    start();
    call();
    ASSERT_TRUE(twilio.saw("failed 400"));
    ASSERT_TRUE(delivered());
    EXPECT_TRUE(check(requests[0]).valid());
    EXPECT_EQ(act(call_id(), "accept", kAcceptBody).status, 404);
}

TEST_F(OpenAiTest, NamesWhatItCannotStartWith) {
    settings.api_listen = "nonsense";
    EXPECT_EQ(OpenAi::start(settings, {}, {}).error().code, ErrorCode::usage);
    settings.api_listen = "127.0.0.1:0";
    settings.endpoints = {{hook(), "whsec_!"}};
    EXPECT_EQ(OpenAi::start(settings, {}, {}).error().code, ErrorCode::usage);
    settings.endpoints = {};
    settings.certificate = "/nonexistent";
    EXPECT_FALSE(OpenAi::start(settings, {}, {}).has_value());
}

TEST_F(OpenAiTest, CarriesManyCallsAndForgetsThem) {
    constexpr std::size_t kCalls = 300;
    start();
    for (std::size_t i = 0; i < kCalls; ++i) call();
    ASSERT_TRUE(delivered(kCalls));
    std::vector<std::string> ids;
    for (const auto& request : requests) ids.push_back(openai::read_call_event(request.body)->call_id);
    for (const auto& id : ids) EXPECT_EQ(act(id, "accept", kAcceptBody).status, 200);
    ASSERT_TRUE(twilio.saw("answered", kCalls));
    for (const auto& id : ids) EXPECT_EQ(act(id, "hangup").status, 200);
    ASSERT_TRUE(wait([&] { return calls.size() == kCalls; }));
    for (const auto& id : ids) EXPECT_EQ(act(id, "hangup").status, 404);
    for (const auto& told : calls) EXPECT_EQ(told.ended_by, "hangup");
}

TEST_F(OpenAiTest, EndsWithAllThatIsOpen) {
    const auto id = accepted();
    const auto sideband = attach(id);
    ASSERT_TRUE(sideband->saw("session.created"));
    openai_.reset();
    EXPECT_EQ(sideband->end().kind, http::WebSocketEnd::Kind::lost);
    EXPECT_TRUE(calls.empty());
}

}  // namespace
}  // namespace callchain::simulator
