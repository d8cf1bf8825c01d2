/// Transports under test, on a loop that the test's own thread runs.
#pragma once

#include "gateway/certificates.hpp"
#include "gateway/loop.hpp"
#include "gateway/transports.hpp"

#include <arpa/inet.h>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace callchain::gateway {

using namespace std::chrono_literals;

/// Runs until `done` says so, or for so long that something is broken.
inline bool run_until(Loop& loop, const std::function<bool()>& done, std::chrono::seconds most = 60s) {
    const auto end = Loop::now() + most;
    bool reached = false;
    loop.on_timer([&](sip::TimerId id) {
        reached = done();
        if (reached || Loop::now() > end) return loop.stop();
        loop.set_timer(id, Loop::now() + 2ms);
    });
    loop.set_timer({~0ULL, 0}, Loop::now());
    loop.run();
    loop.on_timer([](sip::TimerId) {});
    return reached;
}

inline std::string options_request(const std::string& call_id, const std::string& body = {}) {
    return "OPTIONS sip:gateway@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK-" +
           call_id +
           "\r\nMax-Forwards: 70\r\nFrom: <sip:test@127.0.0.1>;tag=1\r\nTo: "
           "<sip:gateway@127.0.0.1>\r\nCall-ID: " +
           call_id + "\r\nCSeq: 1 OPTIONS\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

struct Arrived {
    FlowInfo flow;
    sip::Received message;
};
struct Ended {
    FlowInfo flow;
    std::string why;
};

/// Transports that listen on free ports of 127.0.0.1 and note what comes up.
class Node {
  public:
    explicit Node(Loop& loop, TransportSettings settings = {}, std::vector<Transport> listen_on = {}) {
        for (const auto transport : listen_on) settings.listeners.push_back({transport, "127.0.0.1:0"});
        TransportEvents events;
        events.on_message = [this](const FlowInfo& flow, sip::Received message) {
            messages.push_back({flow, std::move(message)});
            if (on_message) on_message(messages.back());
        };
        events.on_unreadable = [this](const FlowInfo&, const sip::Unreadable& what, std::string_view) {
            unreadable.push_back(what.why);
        };
        events.on_closed = [this](const FlowInfo& flow, const std::string& why) {
            closed.push_back({flow, why});
        };
        events.on_refused = [this](Transport, const Endpoint&, const std::string& why) {
            refused.push_back(why);
        };
        events.on_accept_paused = [this](Transport, const std::string& why) { pauses.push_back(why); };
        events.on_trace = [this](const TracedMessage& message) {
            if (message.received)
                bytes_received.emplace_back(message.bytes);
            else
                bytes_sent.emplace_back(message.bytes);
        };
        transports = std::make_unique<Transports>(loop, std::move(settings), std::move(events));
        auto addresses = transports->listen();
        if (!addresses) throw std::runtime_error(addresses.error().message);
        bound = *std::move(addresses);
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    [[nodiscard]] Endpoint endpoint(Transport transport) const {
        for (const auto& one : bound) {
            if (one.transport == transport) return one.endpoint;
        }
        return {};
    }
    [[nodiscard]] std::string address(Transport transport) const { return text_of(endpoint(transport)); }

    std::unique_ptr<Transports> transports;
    std::vector<BoundAddress> bound;
    std::vector<Arrived> messages;
    std::vector<std::string> unreadable;
    std::vector<Ended> closed;
    std::vector<std::string> refused;
    std::vector<std::string> pauses;  // of accepting
    std::vector<std::string> bytes_received;
    std::vector<std::string> bytes_sent;
    std::function<void(const Arrived&)> on_message;
};

inline TransportSettings tls_settings(const std::string& name = "good") {
    const auto& certificates = Certificates::shared();
    TransportSettings settings;
    settings.tls_server = TlsServerSettings{.certificate = {.path = certificates.chain(name)},
                                            .key = {.path = certificates.key(name)}};
    settings.tls_ca_file = certificates.root();
    return settings;
}

/// Opens and waits for it.
inline Result<FlowInfo> open_flow(Loop& loop, Node& node, SendTarget target) {
    std::optional<Result<FlowInfo>> result;
    node.transports->open(std::move(target), [&](Result<FlowInfo> flow) { result = std::move(flow); });
    EXPECT_FALSE(result.has_value()) << "called from within open()";
    if (!run_until(loop, [&] { return result.has_value(); })) return fail(ErrorCode::internal, "no answer");
    return *std::move(result);
}

/// A TCP client without any protocol; its socket does not block once it is connected.
class RawPeer {
  public:
    explicit RawPeer(const Endpoint& to, int type = SOCK_STREAM) : socket_(::socket(AF_INET, type, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(to.port);
        ::inet_pton(AF_INET, to.address.c_str(), &address.sin_addr);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;
    ~RawPeer() { ::close(socket_); }

    /// How much the system took.
    std::size_t send(std::string_view bytes) const {
        const auto size = ::send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        return size > 0 ? static_cast<std::size_t>(size) : 0;
    }
    /// Gathers what has come.
    const std::string& read() {
        char buffer[65536];
        while (!has_ended_) {
            const auto size = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
            if (size > 0) {
                received_.append(buffer, static_cast<std::size_t>(size));
                continue;
            }
            has_ended_ = size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
            break;
        }
        return received_;
    }
    [[nodiscard]] bool has_ended() {
        read();
        return has_ended_;
    }
    [[nodiscard]] int number() const { return socket_; }

  private:
    int socket_;
    std::string received_;
    bool has_ended_ = false;
};

inline std::size_t count_in(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
    return count;
}

}  // namespace callchain::gateway
