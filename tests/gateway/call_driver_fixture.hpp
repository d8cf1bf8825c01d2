/// The gateway under test between a Meta and a Twilio on real sockets, all on the test's own loop.
#pragma once

#include "gateway/call_driver.hpp"
#include "gateway/dns_server.hpp"
#include "gateway/loop_wait.hpp"
#include "gateway/party.hpp"
#include "system/descriptor.hpp"

#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace callchain::gateway {

constexpr const char* kTwilioDomain = "sip.example.com";  // of the certificate, too

/// Somebody at 127.0.0.2, where the others are at 127.0.0.1.
class Stranger {
  public:
    Stranger(const Endpoint& to, int type) : socket_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
        const auto from = address_of("127.0.0.2", 0);
        const auto there = address_of(to.address.c_str(), to.port);
        EXPECT_EQ(::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
        EXPECT_EQ(::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&there), sizeof there), 0);
    }
    void send(std::string_view bytes) const {
        EXPECT_EQ(::send(socket_.number(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    /// Gathers what has come.
    const std::string& read() {
        char buffer[4096];
        while (!has_ended_) {
            const auto size = ::recv(socket_.number(), buffer, sizeof buffer, MSG_DONTWAIT);
            if (size > 0)
                received_.append(buffer, static_cast<std::size_t>(size));
            else if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                break;
            else
                has_ended_ = true;
        }
        return received_;
    }
    [[nodiscard]] bool has_ended() {
        read();
        return has_ended_;
    }

  private:
    static sockaddr_in address_of(const char* address, std::uint16_t port) {
        sockaddr_in result{};
        result.sin_family = AF_INET;
        result.sin_port = htons(port);
        ::inet_pton(AF_INET, address, &result.sin_addr);
        return result;
    }
    system::Descriptor socket_;
    std::string received_;
    bool has_ended_ = false;
};

class CallDriverTest : public testing::Test {
  protected:
    CallDriverTest() {
        settings.stack.transports = tls_settings();
        settings.stack.dns.servers = dns.address();
        settings.stack.dns.hosts_file = "/nonexistent/hosts";
        settings.stack.timers = {10ms, 40ms, 40ms};
        settings.inward.timers = settings.stack.timers;
        settings.inward.domain = kTwilioDomain;
        settings.inward.destination = "agent";
        settings.admission.realm = "gateway.example.com";
    }

    /// Twilio has its own address where `twilio_at` says so: Meta and the gateway are at 127.0.0.1.
    void start(Transport transport, const std::string& twilio_at = "127.0.0.1") {
        meta = std::make_unique<Party>(loop, transport, "meta");
        twilio = std::make_unique<Party>(loop, transport, "twilio", twilio_at + ":0");
        dns.set(kTypeA, {a_record(kTwilioDomain, twilio_at)});
        settings.inward.domain_port = twilio->node.endpoint(transport).port;
        settings.inward.transport_b = transport;
        if (settings.outward) {
            settings.outward->domain_port = meta->node.endpoint(transport).port;
            settings.outward->transport_b = transport;
        }
        settings.stack.transports.listeners = {{transport, "127.0.0.1:0"}};
        driver = std::make_unique<CallDriver>(loop, settings, events(), [this](std::size_t count) {
            std::string bytes(count, '\0');
            for (auto& byte : bytes) byte = static_cast<char>(random());
            return bytes;
        });
        const auto addresses = driver->listen();
        ASSERT_TRUE(addresses.has_value()) << addresses.error().message;
        gateway = addresses->at(0);
        meta_flow = connect(*meta);
    }
    /// A connection to the gateway; over UDP the party's own socket.
    sip::FlowId connect(Party& party) {
        std::optional<Result<FlowInfo>> flow;
        party.node.transports->open({gateway.transport, gateway.endpoint, kTwilioDomain},
                                    [&](Result<FlowInfo> opened) { flow = std::move(opened); });
        EXPECT_TRUE(wait([&] { return flow.has_value(); }));
        EXPECT_TRUE(flow && *flow) << (flow ? flow->error().message : "no connection");
        return flow && *flow ? (*flow)->id : sip::FlowId{};
    }
    /// A call that both have heard of, Twilio's ACK included.
    void set_up_call() {
        const auto acks = twilio->requests("ACK");
        meta->invite(meta_flow);
        ASSERT_TRUE(wait([&] { return twilio->requests("ACK") > acks && meta->has_heard("INVITE", 200); }));
    }
    /// Runs until `done` says so, or for so long that something is broken.
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
    [[nodiscard]] bool is_empty() const {
        const auto counts = driver->counts();
        return counts.calls == 0 && counts.remembered == 0 && counts.transactions == 0 && counts.timers == 0;
    }
    bool wait_until_empty() {
        return wait([this] { return is_empty(); });
    }
    /// Nothing is left; but over UDP of an INVITE that was refused its transaction, for the 32 s of timer D
    /// (RFC 3261 section 17.1.1.2), which no test waits for. So UDP is the last of a test: the loop keeps the
    /// timer longer than the driver.
    bool wait_until_forgotten(Transport transport) {
        if (transport != Transport::udp) return wait_until_empty();
        return wait([this] { return driver->counts().calls == 0 && driver->counts().remembered == 0; });
    }
    /// All that came before it has been worked on once this is answered.
    void ask_whether_it_lives() {
        const auto before = meta->statuses("OPTIONS").size();
        meta->send(meta_flow, outside("OPTIONS"));
        ASSERT_TRUE(wait([&] { return meta->statuses("OPTIONS").size() > before; }));
    }
    /// A request of no dialog.
    sip::Message outside(const std::string& method, const std::string& call_id = {}) {
        static int last = 0;
        CallEndpoint nobody;
        nobody.call_id = call_id.empty() ? "outside" + std::to_string(++last) : call_id;
        nobody.local = "<sip:alice@127.0.0.1>;tag=a";
        nobody.remote = "<sip:gateway@sip.example.com>";
        nobody.target = "sip:gateway@sip.example.com";
        return meta->request(method, nobody);
    }
    static std::string text_of_message(const sip::Message& message) { return *sip::write_message(message); }
    [[nodiscard]] std::size_t admitted_as(std::string_view what) const {
        std::size_t count = 0;
        for (const auto one : admissions) count += one == what ? 1 : 0;
        return count;
    }
    [[nodiscard]] bool has_remark(std::string_view what) const { return count_of_remarks(what) != 0; }
    [[nodiscard]] std::size_t count_of_remarks(std::string_view what) const {
        std::size_t count = 0;
        for (const auto& one : remarks) count += one.find(what) != std::string::npos ? 1 : 0;
        return count;
    }

    Loop loop;
    DnsServer dns;
    DriverSettings settings;
    BoundAddress gateway;
    std::vector<std::string> remarks;
    std::vector<b2bua::CallRecord> records;
    std::vector<std::string_view> admissions;
    std::vector<std::pair<std::string, int>> answers;
    std::vector<std::string> traced;
    int drained = 0;
    std::mt19937_64 random{4};  // NOLINT: the same each time
    std::unique_ptr<Party> meta;
    std::unique_ptr<Party> twilio;
    sip::FlowId meta_flow;
    std::unique_ptr<CallDriver> driver;

  private:
    DriverEvents events() {
        DriverEvents up;
        up.on_remark = [this](DriverEvents::Level, std::string_view what, const auto&) {
            remarks.emplace_back(what);
        };
        up.on_call = [this](const b2bua::CallRecord& record) { records.push_back(record); };
        up.on_admission = [this](std::string_view what) { admissions.push_back(what); };
        up.on_answer = [this](std::string_view method, int status) { answers.emplace_back(method, status); };
        up.on_trace = [this](const TracedMessage& message) { traced.emplace_back(message.bytes); };
        up.on_drained = [this] { ++drained; };
        return up;
    }
};

}  // namespace callchain::gateway
