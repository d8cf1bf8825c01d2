/// A phone on a thread of its own, for tests: what happens to it is noted in words.
#pragma once

#include "gateway/certificates.hpp"
#include "gateway/loop_thread.hpp"
#include "simulator/phone.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace callchain::simulator {

using namespace std::chrono_literals;

inline const char* const kOffer =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";
inline const char* const kAnswer =
    "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40002 RTP/AVP 0\r\n";

/// By default every call is answered with kAnswer. Hooks run on the phone's thread.
class Partner {
  public:
    explicit Partner(sip::Transport transport, PhoneEvents more = {}, PhoneSettings settings = {})
        : transport_(transport), user_(std::move(more)) {
        const auto& certificates = gateway::Certificates::shared();
        auto& transports = settings.stack.transports;
        transports.listeners = {{transport, "127.0.0.1:0"}};
        transports.tls_server = gateway::TlsServerSettings{
            .certificate = {.path = certificates.chain("good")}, .key = {.path = certificates.key("good")}};
        transports.tls_ca_file = certificates.root();
        settings.contact_user = "partner";
        phone = std::make_unique<Phone>(thread_.loop(), std::move(settings), events());
        thread_.in_loop([this] {
            auto bound = phone->listen();
            if (!bound) throw std::runtime_error(bound.error().message);
            endpoint = bound->front().endpoint;
        });
    }
    Partner(const Partner&) = delete;
    Partner& operator=(const Partner&) = delete;
    ~Partner() {
        thread_.in_loop([this] { phone.reset(); });
    }

    template <class Work>
    auto in_loop(Work work) {
        return thread_.in_loop(std::move(work));
    }
    /// A call to the other one; what else it needs is set by `change`.
    CallNumber call(const Partner& to, const std::function<void(OutgoingCall&)>& change = {}) {
        OutgoingCall one;
        one.target =
            *sip::parse_uri("sip:bob@" + text_of(to.endpoint) +
                            (transport_ == sip::Transport::udp ? ";transport=udp" : ";transport=tcp"));
        one.from = *sip::parse_name_address("\"Alice\" <sip:alice@example.com>");
        one.call_id = "call-of-a-test";
        one.sdp = kOffer;
        one.destination = {"127.0.0.1", true, to.endpoint.port, transport_};
        if (change) change(one);
        return in_loop([&] {
            const auto number = phone->call(std::move(one));
            EXPECT_TRUE(number.has_value()) << number.error().message;
            return number.value_or(CallNumber{});
        });
    }
    /// True once that was noted so often; false where something is broken.
    bool saw(const std::string& what, std::ptrdiff_t times = 1) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 60s,
                                 [&] { return std::count(seen_.begin(), seen_.end(), what) >= times; });
    }
    std::vector<std::string> seen() {
        const std::lock_guard lock(mutex_);
        return seen_;
    }
    std::size_t count(const std::string& what) {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::count(seen_.begin(), seen_.end(), what));
    }
    /// The message with which that was noted last.
    sip::Received message(const std::string& what) {
        const std::lock_guard lock(mutex_);
        return messages_.at(what);
    }
    CallNumber number() {
        const std::lock_guard lock(mutex_);
        return number_;
    }
    std::size_t calls() {
        return in_loop([this] { return phone->calls(); });
    }
    void note(const std::string& what) {
        const std::lock_guard lock(mutex_);
        seen_.push_back(what);
        changed_.notify_all();
    }
    void note(CallNumber number, const std::string& what, const sip::Received* message = nullptr) {
        const std::lock_guard lock(mutex_);
        number_ = number;
        if (message != nullptr) messages_.insert_or_assign(what, *message);
        seen_.push_back(what);
        changed_.notify_all();
    }

    std::unique_ptr<Phone> phone;
    Endpoint endpoint;

  private:
    // Noted first, so that whoever has waited for a hook's doing finds its cause.
    PhoneEvents events() {
        auto all = user_;
        all.on_invite = [this](CallNumber number, const sip::Received& invite,
                               const gateway::FlowInfo& flow) {
            note(number, "invite", &invite);
            if (user_.on_invite) return user_.on_invite(number, invite, flow);
            phone->answer(number, kAnswer);
        };
        all.on_ringing = [this](CallNumber number, const sip::Received& response) {
            note(number, "ringing " + std::to_string(response.message.status), &response);
            if (user_.on_ringing) user_.on_ringing(number, response);
        };
        all.on_answered = [this](CallNumber number, const sip::Received& response) {
            note(number, "answered", &response);
            if (user_.on_answered) user_.on_answered(number, response);
        };
        all.on_failed = [this](CallNumber number, int status, const sip::Received* response,
                               const std::string&) {
            note(number, "failed " + std::to_string(status), response);
        };
        all.on_acknowledged = [this](CallNumber number, const sip::Received& ack) {
            note(number, "acknowledged", &ack);
            if (user_.on_acknowledged) user_.on_acknowledged(number, ack);
        };
        all.on_ended = [this](CallNumber number, const sip::Received& request) {
            note(number, "ended by " + request.message.method, &request);
        };
        all.on_hung_up = [this](CallNumber number, int status) {
            note(number, "hung up " + std::to_string(status));
        };
        all.on_trace = [this](const gateway::TracedMessage& message) {
            if (user_.on_trace) user_.on_trace(message);
            const auto line = std::string(message.bytes.substr(0, message.bytes.find("\r\n")));
            note((message.received ? "< " : "> ") + line.substr(0, line.find(' ', 8)));
        };
        return all;
    }

    gateway::LoopThread thread_;
    sip::Transport transport_;
    PhoneEvents user_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> seen_;
    std::map<std::string, sip::Received> messages_;
    CallNumber number_;
};

}  // namespace callchain::simulator
