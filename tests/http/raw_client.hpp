/// A blocking client that sends exactly the bytes it is given; for tests of the server alone.
#pragma once

#include "system/descriptor.hpp"

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <utility>

namespace callchain::http {

/// One answer as it came. `status` is 0 where the connection ended before a whole head had come.
struct RawAnswer {
    int status = 0;
    std::string head;  ///< with its empty line
    std::string body;
};

/// Nothing waits longer than this: a test that would hang fails instead.
inline constexpr std::chrono::milliseconds kMostWait{20'000};

class RawClient {
  public:
    /// To "127.0.0.1:port" or "[::1]:port".
    explicit RawClient(const std::string& address) {
        const auto port = static_cast<std::uint16_t>(std::atoi(address.c_str() + address.rfind(':') + 1));
        if (address.starts_with('[')) {
            sockaddr_in6 peer{};
            peer.sin6_family = AF_INET6;
            peer.sin6_port = htons(port);
            peer.sin6_addr = in6addr_loopback;
            open(AF_INET6, reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
        } else {
            sockaddr_in peer{};
            peer.sin_family = AF_INET;
            peer.sin_port = htons(port);
            peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            open(AF_INET, reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
        }
    }

    [[nodiscard]] int descriptor() const { return socket_.number(); }
    [[nodiscard]] bool is_connected() const { return connected_; }

    /// False once the server has closed.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto size = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (size <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(size));
        }
        return true;
    }
    void finish_sending() { ::shutdown(socket_.number(), SHUT_WR); }
    /// Goes away without a word: the server's next write fails.
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(socket_.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        socket_.close();
    }

    /// One answer with Content-Length or without a body. `has_body` is false for the answer to a HEAD.
    RawAnswer read_answer(bool has_body = true) {
        RawAnswer answer;
        std::size_t end = std::string::npos;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
            if (!read_more()) return answer;
        }
        answer.head = buffer_.substr(0, end + 4);
        buffer_.erase(0, end + 4);
        answer.status = std::atoi(answer.head.c_str() + answer.head.find(' '));
        constexpr std::string_view kLength = "Content-Length: ";
        const auto at = answer.head.find(kLength);
        if (at == std::string::npos || !has_body) return answer;
        const auto length = static_cast<std::size_t>(std::atoll(answer.head.c_str() + at + kLength.size()));
        while (buffer_.size() < length && read_more()) {
        }
        answer.body = buffer_.substr(0, length);
        buffer_.erase(0, length);
        return answer;
    }

    /// Everything up to the end. `was_reset` tells whether the end was an error.
    std::string read_to_end() {
        while (read_more()) {
        }
        return std::exchange(buffer_, {});
    }
    [[nodiscard]] bool was_reset() const { return was_reset_; }

    /// Whether anything, the end included, arrives within that time.
    [[nodiscard]] bool has_something(std::chrono::milliseconds within) const {
        if (!buffer_.empty()) return true;
        pollfd wait{socket_.number(), POLLIN, 0};
        return ::poll(&wait, 1, static_cast<int>(within.count())) > 0;
    }

    /// Returns once no more arrives although nothing is read: the server waits for room.
    void let_the_server_stall() const {
        int before = -1;
        for (int unread = 0; unread != before; std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
            before = unread;
            ::ioctl(socket_.number(), FIONREAD, &unread);
        }
    }

  private:
    void open(int family, const sockaddr* peer, socklen_t size) {
        socket_ = system::Descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int on = 1;
        ::setsockopt(socket_.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connected_ = ::connect(socket_.number(), peer, size) == 0;
    }

    bool read_more() {
        if (!has_something_new()) return false;
        std::array<char, 16384> bytes{};
        const auto size = ::recv(socket_.number(), bytes.data(), bytes.size(), 0);
        was_reset_ = size < 0;
        if (size <= 0) return false;
        buffer_.append(bytes.data(), static_cast<std::size_t>(size));
        return true;
    }
    [[nodiscard]] bool has_something_new() const {
        pollfd wait{socket_.number(), POLLIN, 0};
        return ::poll(&wait, 1, static_cast<int>(kMostWait.count())) > 0;
    }

    system::Descriptor socket_;
    std::string buffer_;
    bool connected_ = false;
    bool was_reset_ = false;
};

}  // namespace callchain::http
