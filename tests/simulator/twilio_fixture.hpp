/// Twilio's stand-in between a caller, a service and OpenAI's SIP endpoint, which are played by the test.
#pragma once

#include "gateway/certificates.hpp"
#include "gateway/loop_thread.hpp"
#include "http/server.hpp"
#include "signature/twilio.hpp"
#include "simulator/phone.hpp"
#include "simulator/twilio.hpp"

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace callchain::simulator {

inline const std::string kSdpHead =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
inline const std::string kPlainSdp = kSdpHead + "m=audio 4000 RTP/AVP 0\r\n";
inline const std::string kSrtpSdp = kSdpHead +
                                    "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                                    "inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw\r\n";
inline const std::string kToken = "12345";

/// What happened, told by several threads.
class Board {
  public:
    struct Content {
        std::vector<TwilioCall> calls;
        std::vector<http::Request> requests;
        std::vector<timeline::Event> events;
        std::vector<sip::Received> invites;  // at OpenAI
        std::vector<std::string> openai;     // "ended", …
        std::vector<std::string> caller;     // "180", "200", "ended", "403 32202 …"
        std::vector<std::uint64_t> bye_flows;
        std::vector<std::uint64_t> invite_flows;
        int acknowledged = 0;  // calls at OpenAI
    };
    void change(const std::function<void(Content&)>& how) {
        const std::lock_guard lock(mutex_);
        how(content_);
        changed_.notify_all();
    }
    /// Only of a test that has failed already is the time ever waited for.
    [[nodiscard]] bool wait(const std::function<bool(const Content&)>& until) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return until(content_); });
    }
    [[nodiscard]] Content content() const {
        const std::lock_guard lock(mutex_);
        return content_;
    }

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Content content_;
};

class TwilioTest : public testing::Test {
  protected:
    using Answer = std::function<void(const http::Request&, http::Responder)>;

    TwilioTest() {
        settings.certificate = certificates().chain("good");
        settings.key = certificates().key("good");
        settings.ca_file = certificates().root();
        settings.account = sip::DigestAccount{"gateway01", "Str0ngPassw0rd12"};
        settings.auth_token = kToken;
        given.account = settings.account;
        given.sdp = kSrtpSdp;
        server_ = *http::Server::start({.listen = {"127.0.0.1:0"}},
                                       [this](const http::Request& request, http::Responder responder) {
                                           on_request(request, std::move(responder));
                                       });
        settings.voice_url = url("/twilio/voice");
        on_openai_invite = [this](CallNumber number) {
            openai_->ring(number);
            openai_->answer(number, kPlainSdp);
        };
    }
    ~TwilioTest() override {
        twilio_.reset();
        thread_.in_loop([this] {
            caller_.reset();
            openai_.reset();
        });
        server_->stop();
    }

    static const gateway::Certificates& certificates() { return gateway::Certificates::shared(); }
    [[nodiscard]] std::string url(const std::string& path) const {
        return "http://" + server_->addresses().at(0) + path;
    }

    /// What the service answers to a path; 404 for others.
    void answer_with(const std::string& path, const std::string& body, int status = 200,
                     const std::string& type = "text/xml") {
        const std::lock_guard lock(mutex_);
        documents_[path] = {status, type, body, {}};
    }
    /// The document of the service, with everything in it.
    [[nodiscard]] std::string dial(
        const std::string& attributes = "callerId=\"+12145551869\" answerOnBridge=\"true\"",
        const std::string& uri =
            "sip:proj_1@sip.api.openai.com;transport=tls?X-Callchain-Id="
            "cc_0123456789abcdef01234567") const {
        return "<Response><Dial " + attributes + " action=\"" + url("/twilio/dial-action") +
               "\"><Sip statusCallback=\"/twilio/dial-status\" "
               "statusCallbackEvent=\"initiated ringing answered completed\">" +
               uri + "</Sip></Dial></Response>";
    }

    void start() {
        answer_with("/twilio/dial-action", "<Response><Hangup/></Response>");
        answer_with("/twilio/dial-status", "", 204, "");
        thread_.in_loop([this] { start_phones(); });
        settings.openai = openai_place_;
        auto started = Twilio::start(
            settings,
            [this](timeline::Event event) {
                board.change([&](Board::Content& content) { content.events.push_back(std::move(event)); });
            },
            [this](TwilioCall call) {
                board.change([&](Board::Content& content) { content.calls.push_back(std::move(call)); });
            });
        ASSERT_TRUE(started.has_value()) << started.error().message;
        twilio_ = *std::move(started);
    }

    /// The caller calls the SIP Domain.
    void call() {
        const auto address = twilio_->address();
        const auto colon = address.rfind(':');
        auto out = given;
        out.target = *sip::parse_uri("sip:bridge@example.sip.twilio.com");
        out.from.uri = *sip::parse_uri("sip:+12195550714@gateway.example.com");
        out.destination = {.host = address.substr(0, colon),
                           .numeric = true,
                           .port = static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))),
                           .transport = settings.transport};
        thread_.in_loop([&] {
            const auto number = caller_->call(std::move(out));
            ASSERT_TRUE(number.has_value()) << number.error().message;
            caller_number = *number;
        });
    }
    /// Waits until both legs of the call are up.
    [[nodiscard]] bool wait_until_up() {
        return board.wait([](const Board::Content& content) {
            return !content.caller.empty() && content.caller.back() == "200" && content.acknowledged == 1;
        });
    }
    /// Waits for the end of so many calls; the last.
    [[nodiscard]] TwilioCall finished(std::size_t count = 1) {
        EXPECT_TRUE(board.wait([&](const auto& content) { return content.calls.size() >= count; }));
        const auto calls = board.content().calls;
        return calls.empty() ? TwilioCall{} : calls.back();
    }
    /// Form fields of the requests to that path.
    [[nodiscard]] std::vector<std::map<std::string, std::string>> forms(const std::string& path) const {
        std::vector<std::map<std::string, std::string>> all;
        for (const auto& request : board.content().requests) {
            if (request.path() != path) continue;
            auto& fields = all.emplace_back();
            for (const auto& [name, value] : encoding::parse_form(request.body)) fields[name] = value;
        }
        return all;
    }
    /// Whether every request has a signature that is good for the URL it was sent to.
    void expect_signed(const std::string& public_origin = {}) const {
        const std::array keys{signature::twilio_key(kToken)};
        for (const auto& request : board.content().requests) {
            SCOPED_TRACE(request.target);
            const std::array urls{(public_origin.empty() ? url("") : public_origin) + request.target};
            const auto check = signature::check_twilio(
                keys, urls,
                {request.method, request.headers.find("Content-Type").value_or(""), request.body,
                 request.headers.find("X-Twilio-Signature").value_or("")});
            ASSERT_TRUE(check.has_value());
            EXPECT_TRUE(check->valid());
        }
    }
    [[nodiscard]] bool has_note(const std::string& start) const {
        const auto events = board.content().events;
        return std::any_of(events.begin(), events.end(), [&](const timeline::Event& event) {
            return event.medium == timeline::Medium::note && event.trouble && event.label.starts_with(start);
        });
    }
    void in_loop(const std::function<void()>& work) {
        thread_.in_loop([&] { work(); });
    }

    TwilioSettings settings;
    OutgoingCall given;  // of the caller
    CallNumber caller_number;
    CallNumber openai_number;  // the last that was acknowledged
    Board board;
    std::function<void(CallNumber)> on_openai_invite;  // on the loop's thread
    std::function<void(CallNumber)> on_openai_acknowledged = [](CallNumber) {};
    Answer on_voice = {};  // in place of a document
    std::unique_ptr<Phone> caller_;
    std::unique_ptr<Phone> openai_;
    std::unique_ptr<Twilio> twilio_;

  private:
    void on_request(const http::Request& request, http::Responder responder) {
        board.change([&](Board::Content& content) { content.requests.push_back(request); });
        if (on_voice && request.path() == "/twilio/voice") return on_voice(request, std::move(responder));
        const std::lock_guard lock(mutex_);
        const auto found = documents_.find(std::string(request.path()));
        responder.send(found == documents_.end() ? http::Response{404, "text/plain", "no\n", {}}
                                                 : found->second);
    }

    [[nodiscard]] static PhoneSettings phone(sip::Transport transport) {
        PhoneSettings phone;
        phone.stack.transports.listeners = {{transport, "127.0.0.1:0"}};
        phone.stack.transports.tls_server =
            gateway::TlsServerSettings{.certificate = {.path = certificates().chain("good")},
                                       .key = {.path = certificates().key("good")}};
        phone.stack.transports.tls_ca_file = certificates().root();
        return phone;
    }

    void start_phones() {
        const auto say = [this](std::vector<std::string> Board::Content::*where, std::string what) {
            board.change([&](Board::Content& content) { (content.*where).push_back(std::move(what)); });
        };
        PhoneEvents of_caller;
        of_caller.on_ringing = [say](CallNumber, const sip::Received& response) {
            say(&Board::Content::caller, std::to_string(response.message.status));
        };
        of_caller.on_answered = [say](CallNumber, const sip::Received&) {
            say(&Board::Content::caller, "200");
        };
        of_caller.on_failed = [say](CallNumber, int status, const sip::Received* response,
                                    const std::string&) {
            const auto error = response == nullptr ? std::nullopt : response->message.find("X-Twilio-Error");
            say(&Board::Content::caller,
                std::to_string(status) + (error ? " " + std::string(error->substr(0, 5)) : ""));
        };
        of_caller.on_ended = [say](CallNumber, const sip::Received&) {
            say(&Board::Content::caller, "ended");
        };
        of_caller.on_hung_up = [say](CallNumber, int status) {
            say(&Board::Content::caller, "hung up " + std::to_string(status));
        };
        of_caller.on_trace = [this](const gateway::TracedMessage& message) {
            board.change([&](Board::Content& content) {
                if (message.bytes.starts_with("BYE ")) content.bye_flows.push_back(message.flow.id.value);
                if (message.bytes.starts_with("INVITE "))
                    content.invite_flows.push_back(message.flow.id.value);
            });
        };
        caller_ = std::make_unique<Phone>(thread_.loop(), phone(settings.transport), std::move(of_caller));
        ASSERT_TRUE(caller_->listen().has_value());

        PhoneEvents of_openai;
        of_openai.on_invite = [this](CallNumber number, const sip::Received& invite,
                                     const gateway::FlowInfo&) {
            board.change([&](Board::Content& content) { content.invites.push_back(invite); });
            on_openai_invite(number);
        };
        of_openai.on_acknowledged = [this](CallNumber number, const sip::Received&) {
            openai_number = number;
            board.change([](Board::Content& content) { ++content.acknowledged; });
            on_openai_acknowledged(number);
        };
        of_openai.on_ended = [say](CallNumber, const sip::Received& request) {
            say(&Board::Content::openai, request.message.method);
        };
        openai_ = std::make_unique<Phone>(thread_.loop(), phone(sip::Transport::tls), std::move(of_openai));
        const auto bound = openai_->listen();
        ASSERT_TRUE(bound.has_value()) << bound.error().message;
        openai_place_ = bound->front().endpoint;
    }

    gateway::LoopThread thread_;
    Endpoint openai_place_;
    std::mutex mutex_;
    std::map<std::string, http::Response> documents_;
    std::unique_ptr<http::Server> server_;
};

}  // namespace callchain::simulator
