/// A DNS server on loopback that answers from a table, well or badly.
#pragma once

#include "base/text.hpp"
#include "gateway/dns_message.hpp"
#include "system/descriptor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace callchain::gateway {

/// UDP and TCP on one port of 127.0.0.1, on a thread of its own. What is not in the table does not exist.
class DnsServer {
  public:
    enum class Manner {
        plain,  ///< over UDP cut short beyond 512 bytes, as RFC 1035 has it
        silent,
        silent_once,   ///< the first question is lost
        cut_short,     ///< over UDP, whatever the length
        closing,       ///< cut short over UDP, and over TCP the connection is closed without an answer
        wrong_number,  ///< of the message
        garbage,       ///< the right question, and then bytes that are no records
        tiny,          ///< three bytes
    };
    struct Answer {
        std::vector<DnsRecord> records = {};
        std::uint32_t code = 0;
        Manner manner = Manner::plain;
    };

    DnsServer() {
        // TCP chooses the port; that UDP's is taken by somebody else is rare.
        do {
            tcp_ = bound(SOCK_STREAM, 0);
            port_ = port_of(tcp_);
            udp_ = bound(SOCK_DGRAM, port_);
        } while (!udp_);
        listen(tcp_.number(), 16);
        thread_ = std::thread([this] { serve(); });
    }
    DnsServer(const DnsServer&) = delete;
    DnsServer& operator=(const DnsServer&) = delete;
    ~DnsServer() {
        stopping_ = true;
        // Any datagram wakes it.
        const auto self = address_of(port_);
        sendto(udp_.number(), "", 0, 0, reinterpret_cast<const sockaddr*>(&self), sizeof self);
        thread_.join();
    }

    [[nodiscard]] std::string address() const { return numbered("127.0.0.1:", port_); }
    void set(const std::string& name, std::uint16_t type, Answer answer) {
        const std::lock_guard lock(mutex_);
        table_[{name, type}] = std::move(answer);
    }
    /// Under its name, or where a record says so.
    void set(std::uint16_t type, std::vector<DnsRecord> records) {
        auto name = records.front().name;
        set(name, type, {std::move(records)});
    }
    /// How often it was asked, repetitions included.
    int asked(const std::string& name, std::uint16_t type) {
        const std::lock_guard lock(mutex_);
        return asked_[{name, type}];
    }
    int asked() {
        const std::lock_guard lock(mutex_);
        int sum = 0;
        for (const auto& [question, times] : asked_) sum += times;
        return sum;
    }
    int asked_over_tcp() {
        const std::lock_guard lock(mutex_);
        return asked_over_tcp_;
    }

  private:
    using Question = std::pair<std::string, std::uint16_t>;
    enum class Over { udp, tcp };

    static sockaddr_in address_of(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        return address;
    }
    static system::Descriptor bound(int type, std::uint16_t port) {
        system::Descriptor socket_of(socket(AF_INET, type | SOCK_CLOEXEC, 0));
        const auto address = address_of(port);
        if (bind(socket_of.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            return {};
        return socket_of;
    }
    static std::uint16_t port_of(const system::Descriptor& socket_of) {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        getsockname(socket_of.number(), reinterpret_cast<sockaddr*>(&address), &size);
        return ntohs(address.sin_port);
    }

    void serve() {
        while (!stopping_) {
            std::vector<pollfd> waiting{{udp_.number(), POLLIN, 0}, {tcp_.number(), POLLIN, 0}};
            for (const auto& connection : connections_) waiting.push_back({connection.number(), POLLIN, 0});
            poll(waiting.data(), waiting.size(), -1);
            if (waiting[0].revents != 0) answer_datagram();
            std::vector<system::Descriptor> open;
            for (std::size_t i = 0; i < connections_.size(); ++i) {
                if (waiting[i + 2].revents == 0 || answer_on(connections_[i].number()))
                    open.push_back(std::move(connections_[i]));
            }
            connections_ = std::move(open);
            if (waiting[1].revents != 0)
                connections_.emplace_back(accept4(tcp_.number(), nullptr, nullptr, SOCK_CLOEXEC));
        }
    }

    void answer_datagram() {
        std::array<char, 2048> bytes{};
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        const auto count =
            recvfrom(udp_.number(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
        if (count < 12) return;
        const auto reply = reply_to({bytes.data(), static_cast<std::size_t>(count)}, Over::udp);
        if (!reply.empty())
            sendto(udp_.number(), reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&peer),
                   size);
    }

    /// False: the connection ends.
    bool answer_on(int connection) {
        const auto length = receive(connection, 2);
        if (length.size() < 2) return false;
        const auto bytes = static_cast<std::size_t>(static_cast<unsigned char>(length[0])) << 8U |
                           static_cast<unsigned char>(length[1]);
        const auto message = receive(connection, bytes);
        if (message.size() < 12) return false;
        const auto reply = reply_to(message, Over::tcp);
        if (reply.empty()) return false;
        const auto framed = wire_number(static_cast<std::uint32_t>(reply.size()), 2) + reply;
        // In two pieces, since a reader has to expect that.
        send(connection, framed.data(), framed.size() / 2, MSG_NOSIGNAL);
        send(connection, framed.data() + framed.size() / 2, framed.size() - framed.size() / 2, MSG_NOSIGNAL);
        return true;
    }
    static std::string receive(int connection, std::size_t bytes) {
        std::string text(bytes, '\0');
        const auto count = recv(connection, text.data(), bytes, MSG_WAITALL);
        text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return text;
    }

    static Question question_in(std::string_view message) {
        std::string name;
        std::size_t at = 12;
        while (at < message.size() && message[at] != '\0') {
            const auto length = static_cast<std::size_t>(message[at]);
            if (!name.empty()) name += '.';
            name += message.substr(at + 1, length);
            at += length + 1;
        }
        return {ascii_lower(name),
                static_cast<std::uint16_t>(static_cast<unsigned char>(message.at(at + 2)))};
    }

    /// Empty: nothing is to be said.
    std::string reply_to(std::string_view message, Over over) {
        const auto question = question_in(message);
        const std::lock_guard lock(mutex_);
        const bool first = asked_[question]++ == 0;
        if (over == Over::tcp) ++asked_over_tcp_;
        const auto row = table_.find(question);
        const auto answer = row == table_.end() ? Answer{.code = 3} : row->second;
        auto number = static_cast<std::uint32_t>(static_cast<unsigned char>(message[0])) << 8U |
                      static_cast<unsigned char>(message[1]);
        const auto asked_for = wire_question(question.first, question.second);
        const auto manner = answer.manner;
        if (manner == Manner::silent || (manner == Manner::silent_once && first)) return {};
        if (manner == Manner::closing && over == Over::tcp) return {};
        if (manner == Manner::tiny) return "abc";
        if (manner == Manner::wrong_number) number ^= 0x5555U;
        if (manner == Manner::garbage)
            return wire_number(number, 2) + wire_number(kAnswerFlags, 2) + wire_number(1, 2) +
                   wire_number(9, 2) + wire_number(0, 4) + asked_for + std::string(40, '\xC0');
        auto reply = write_dns_reply(number, kAnswerFlags | answer.code, asked_for, answer.records);
        const bool cut = reply.size() > 512 || manner == Manner::cut_short || manner == Manner::closing;
        if (over == Over::udp && cut) return write_dns_reply(number, kAnswerFlags | 0x0200U, asked_for, {});
        return reply;
    }

    system::Descriptor tcp_;
    system::Descriptor udp_;
    std::uint16_t port_ = 0;
    std::vector<system::Descriptor> connections_;  // of the thread
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::map<Question, Answer> table_;
    std::map<Question, int> asked_;
    int asked_over_tcp_ = 0;
    std::thread thread_;
};

}  // namespace callchain::gateway
