/// A SIP stack under test with bare transports for peers, all on the test's own loop.
#pragma once

#include "gateway/dns_server.hpp"
#include "gateway/loop_wait.hpp"
#include "gateway/node.hpp"
#include "gateway/sip_stack.hpp"
#include "sip/response.hpp"
#include "system/descriptor.hpp"

#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace callchain::gateway {

constexpr const char* kDomain = "sip.example.com";  // of the certificate, too

inline sip::Message request_of(const std::string& method, const std::string& call_id = "call") {
    sip::Message message;
    message.method = method;
    message.uri = *sip::parse_uri("sip:bob@sip.example.com");
    message.add("Max-Forwards", "70");
    message.add("From", "<sip:alice@sip.example.com>;tag=a");
    message.add("To", "<sip:bob@sip.example.com>");
    message.add("Call-ID", call_id);
    message.add("CSeq", "1 " + method);
    message.add("Contact", "<sip:alice@127.0.0.1>");
    return message;
}

inline void answer(Node& node, const Arrived& arrived, int status, const std::string& tag = "b") {
    const auto bytes = sip::write_message(sip::make_response(arrived.message, status, "", tag));
    ASSERT_TRUE(bytes.has_value());
    EXPECT_TRUE(node.transports->send(arrived.flow.id, *bytes));
}

/// Answers each request but ACK with that status, a CANCEL with 200.
inline void answer_all(Node& node, int status) {
    node.on_message = [&node, status](const Arrived& arrived) {
        const auto& method = arrived.message.message.method;
        if (method == "ACK" || arrived.message.message.status != 0) return;
        answer(node, arrived, method == "CANCEL" ? 200 : status);
    };
}

/// How many requests of that method came; repetitions over UDP have one branch.
inline std::size_t count_of(const Node& node, const std::string& method) {
    std::map<std::string, int> branches;
    for (const auto& one : node.messages) {
        if (one.message.message.method == method) ++branches[std::string(one.message.via[0].branch())];
    }
    return branches.size();
}

inline const Arrived& first_of(const Node& node, const std::string& method) {
    for (const auto& one : node.messages) {
        if (one.message.message.method == method) return one;
    }
    throw std::runtime_error("no " + method + " has come");
}

/// An address at which TCP is refused: its port is taken and nobody listens.
class DeadEnd {
  public:
    DeadEnd() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&address), size), 0);
        EXPECT_EQ(::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        port = ntohs(address.sin_port);
    }
    std::uint16_t port = 0;

  private:
    system::Descriptor socket_;
};

/// A stack on the test's own loop. Its peers are bare transports, since only one may have the loop's timers.
class SipStackTest : public testing::Test {
  protected:
    struct Response {
        RequestId id;
        sip::Received message;
        FlowInfo flow;
    };
    struct Failure {
        RequestId id;
        RequestFailure failure;
    };

    SipStackTest() {
        settings.transports = tls_settings();
        settings.transports.tls_server.reset();
        for (const auto transport : {Transport::udp, Transport::tcp})
            settings.transports.listeners.push_back({transport, "127.0.0.1:0"});
        settings.dns.servers = dns.address();
        settings.dns.hosts_file = "/nonexistent/hosts";
        settings.timers = {10ms, 40ms, 40ms};
        settings.first_answer = 10s;
        events.on_request = [this](IncomingRequest incoming) { requests.push_back(std::move(incoming)); };
        events.on_ack = [this](sip::Received&& ack, const FlowInfo&) { acks.push_back(std::move(ack)); };
        events.on_cancel = [this](IncomingRequest incoming, std::optional<sip::TransactionId> cancelled) {
            cancels.emplace_back(std::move(incoming), cancelled);
        };
        events.on_response = [this](RequestId id, sip::Received message, const FlowInfo& flow) {
            responses.push_back({id, std::move(message), flow});
        };
        events.on_failure = [this](RequestId id, RequestFailure failure) {
            failures.push_back({id, std::move(failure)});
        };
        events.on_late_answer = [this](sip::Received message, const FlowInfo&) {
            late.push_back(std::move(message));
        };
        events.on_not_acknowledged = [this](sip::TransactionId id) { not_acknowledged.push_back(id); };
        events.on_timer = [this](UserTimer timer) { timers.push_back(timer); };
        events.on_flow_closed = [this](const FlowInfo& flow, const std::string&) { closed.push_back(flow); };
        events.on_remark = [this](const std::string& what, const std::string&) { remarks.push_back(what); };
    }

    void start() {
        const auto random = [this](std::size_t count) {
            auto bytes = std::to_string(++drawn);
            bytes.resize(count, 'x');
            return bytes;
        };
        stack = std::make_unique<SipStack>(loop, settings, events, random);
        const auto addresses = stack->listen();
        ASSERT_TRUE(addresses.has_value()) << addresses.error().message;
        bound = *addresses;
    }
    RequestId send(OutgoingRequest request) {
        if (!stack) start();
        const auto id = stack->send(std::move(request));
        EXPECT_TRUE(id.has_value()) << id.error().message;
        return id.value_or(RequestId{});
    }
    /// Runs until `done` says so, or for so long that something is broken. The loop's timers are the stack's.
    bool wait(const std::function<bool()>& done, std::chrono::milliseconds most = 60s) {
        const auto end = Loop::now() + most;
        bool reached = false;
        Alarm alarm(loop, [&] {
            reached = done();
            if (reached || Loop::now() > end) return loop.stop();
            alarm.set(Loop::now() + 2ms);
        });
        alarm.set(Loop::now());
        loop.run();
        return reached;
    }
    bool wait_until_empty() {
        return wait(
            [this] { return stack->requests() == 0 && stack->transactions() == 0 && loop.timers() == 0; });
    }
    /// In this order, by SRV records of the domain, each found under 127.0.0.1.
    sip::Destination in_order(Transport transport, const std::vector<std::uint16_t>& ports) {
        std::vector<DnsRecord> records;
        for (const auto port : ports) {
            const auto name = numbered("n", static_cast<int>(records.size()), ".example.com");
            const auto priority = static_cast<std::uint16_t>(records.size());
            records.push_back(
                srv_record(std::string(sip::service_prefix(transport)) + kDomain, {priority, 0, port}, name));
            dns.set(kTypeA, {a_record(name, "127.0.0.1")});
        }
        dns.set(kTypeSrv, records);
        return {kDomain, false, std::nullopt, transport};
    }
    static sip::Destination numeric(const Node& node, Transport transport) {
        return {"127.0.0.1", true, node.endpoint(transport).port, transport};
    }
    [[nodiscard]] Endpoint endpoint(Transport transport) const {
        for (const auto& one : bound) {
            if (one.transport == transport) return one.endpoint;
        }
        return {};
    }
    /// A flow from the peer to us, by which a request has come.
    FlowInfo flow_from(Node& peer) {
        std::optional<sip::FlowId> theirs;
        peer.transports->open({Transport::tcp, endpoint(Transport::tcp)},
                              [&](Result<FlowInfo> flow) { theirs = flow->id; });
        EXPECT_TRUE(wait([&] { return theirs.has_value(); }));
        EXPECT_TRUE(peer.transports->send(*theirs, options_request("first")));
        EXPECT_TRUE(wait([&] { return !requests.empty(); }));
        flow_of_peer = *theirs;
        return requests.back().flow;
    }

    Loop loop;
    DnsServer dns;
    StackSettings settings;
    StackEvents events;
    std::vector<BoundAddress> bound;
    std::vector<IncomingRequest> requests;
    std::vector<sip::Received> acks;
    std::vector<std::pair<IncomingRequest, std::optional<sip::TransactionId>>> cancels;
    std::vector<Response> responses;
    std::vector<Failure> failures;
    std::vector<sip::Received> late;
    std::vector<sip::TransactionId> not_acknowledged;
    std::vector<UserTimer> timers;
    std::vector<FlowInfo> closed;
    std::vector<std::string> remarks;
    sip::FlowId flow_of_peer;
    int drawn = 0;
    std::unique_ptr<SipStack> stack;
};

}  // namespace callchain::gateway
