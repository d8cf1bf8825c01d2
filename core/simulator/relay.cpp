#include "simulator/relay.hpp"

#include "base/text.hpp"
#include "system/descriptor.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <utility>

namespace callchain::simulator {
namespace {

using system::Descriptor;

constexpr std::size_t kMostHeld = std::size_t{64} << 10U;
constexpr int kBacklog = 1'024;
constexpr int kRetryMilliseconds = 100;  // where a connection could not be taken for want of descriptors

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

Descriptor open_socket() {
    return Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// A signalling message is one write, and must not wait for the next.
void send_at_once(const Descriptor& socket) {
    const int on = 1;
    static_cast<void>(::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

bool is_for_later(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// What has come from one side and not yet gone to the other.
struct Direction {
    std::string held;
    std::size_t sent = 0;
    bool ended = false;       // nothing more comes
    bool told_ended = false;  // and the other side knows

    [[nodiscard]] bool is_empty() const { return sent == held.size(); }
    [[nodiscard]] bool wants_more() const { return !ended && is_empty(); }

    // False: a side broke off.
    bool read_from(const Descriptor& socket) {
        held.resize(kMostHeld);
        sent = 0;
        const auto count = ::recv(socket.number(), held.data(), held.size(), 0);
        const int error = errno;
        held.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        if (count == 0) ended = true;
        return count >= 0 || is_for_later(error);
    }
    bool write_to(const Descriptor& socket) {
        while (!is_empty()) {
            const auto count = ::send(socket.number(), held.data() + sent, held.size() - sent, MSG_NOSIGNAL);
            if (count < 0) return is_for_later(errno);
            sent += static_cast<std::size_t>(count);
        }
        if (ended && !std::exchange(told_ended, true)) ::shutdown(socket.number(), SHUT_WR);
        return true;
    }
};

struct Connection {
    Descriptor client;
    Descriptor backend;
    bool connecting = true;
    Direction up = {};    // to the backend
    Direction down = {};  // to the client

    [[nodiscard]] pollfd client_wish() const { return wish(client, up.wants_more(), !down.is_empty()); }
    [[nodiscard]] pollfd backend_wish() const {
        if (connecting) return wish(backend, false, true);
        return wish(backend, down.wants_more(), !up.is_empty());
    }
    // False: it is over, or broken.
    bool go_on(short client_events, short backend_events) {
        if (connecting && backend_events != 0 && !is_connected()) return false;
        if (client_events != 0 && up.wants_more() && !up.read_from(client)) return false;
        if (!connecting && backend_events != 0 && down.wants_more() && !down.read_from(backend)) return false;
        if (!connecting && !up.write_to(backend)) return false;
        return down.write_to(client) && !(up.told_ended && down.told_ended);
    }

  private:
    // A socket of which nothing is wanted is left out: poll() would tell of its end again and again.
    static pollfd wish(const Descriptor& socket, bool read, bool write) {
        const int events = (read ? POLLIN : 0) | (write ? POLLOUT : 0);
        return {events == 0 ? -1 : socket.number(), static_cast<short>(events), 0};
    }
    bool is_connected() {
        int error = 0;
        socklen_t size = sizeof error;
        connecting = false;
        return ::getsockopt(backend.number(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }
};

}  // namespace

struct Relay::State {
    RelaySettings settings;
    Descriptor listener;
    Descriptor stop;  // readable: the thread ends
    std::uint16_t port = 0;
    std::size_t taken = 0;
    bool is_short = false;  // of descriptors
    std::list<Connection> connections;
    std::thread thread;

    Result<void> listen();
    void run();
    void take_connections();
    void connect(Descriptor client, std::uint16_t client_port);
};

Result<void> Relay::State::listen() {
    const auto trouble = [](const char* what) {
        return fail(ErrorCode::io, std::string("cannot ") + what + ": " + std::strerror(errno));
    };
    listener = open_socket();
    stop = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!listener || !stop) return trouble("make a socket");
    auto address = loopback(0);
    auto* const place = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(listener.number(), place, size) != 0 || ::listen(listener.number(), kBacklog) != 0 ||
        ::getsockname(listener.number(), place, &size) != 0)
        return trouble("listen on 127.0.0.1");
    port = ntohs(address.sin_port);
    return {};
}

void Relay::State::run() {
    std::vector<pollfd> wishes;
    while (true) {
        wishes.assign({{stop.number(), POLLIN, 0}, {is_short ? -1 : listener.number(), POLLIN, 0}});
        for (const auto& one : connections) {
            wishes.push_back(one.client_wish());
            wishes.push_back(one.backend_wish());
        }
        const int count = ::poll(wishes.data(), wishes.size(), is_short ? kRetryMilliseconds : -1);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 || wishes[0].revents != 0) return;
        std::size_t at = 2;
        std::erase_if(connections, [&](Connection& one) {
            const auto of_client = wishes[at++].revents;
            const auto of_backend = wishes[at++].revents;
            return (of_client != 0 || of_backend != 0) && !one.go_on(of_client, of_backend);
        });
        if (is_short || wishes[1].revents != 0) take_connections();
    }
}

void Relay::State::take_connections() {
    is_short = false;
    while (true) {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        Descriptor client(::accept4(listener.number(), reinterpret_cast<sockaddr*>(&from), &size,
                                    SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!client) {
            is_short = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            return;
        }
        connect(std::move(client), ntohs(from.sin_port));
    }
}

void Relay::State::connect(Descriptor client, std::uint16_t client_port) {
    const auto number = taken++;
    const auto backend_port = settings.backends[number % settings.backends.size()];
    Connection made{std::move(client), open_socket()};
    if (!made.backend) return;
    send_at_once(made.client);
    send_at_once(made.backend);
    const auto address = loopback(backend_port);
    const auto* const place = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(made.backend.number(), place, sizeof address) != 0 && errno != EINPROGRESS) return;
    if (!settings.sources.empty())
        made.up.held = "PROXY TCP4 " + settings.sources[number % settings.sources.size()] + " 127.0.0.1 " +
                       std::to_string(client_port) + " " + std::to_string(backend_port) + "\r\n";
    connections.push_back(std::move(made));
}

Relay::Relay(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Relay>> Relay::start(RelaySettings settings) {
    if (settings.backends.empty()) return fail(ErrorCode::bad_input, "a relay needs a backend");
    for (const auto& source : settings.sources) {
        in_addr address{};
        if (::inet_pton(AF_INET, source.c_str(), &address) != 1)
            return fail(ErrorCode::bad_input, "no IPv4 address: \"" + visible_excerpt(source, 60) + "\"");
    }
    auto state = std::make_unique<State>();
    state->settings = std::move(settings);
    CALLCHAIN_TRY(state->listen());
    state->thread = std::thread([of = state.get()] { of->run(); });
    return std::unique_ptr<Relay>(new Relay(std::move(state)));
}

Relay::~Relay() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(state_->stop.number(), &one, sizeof one));
    state_->thread.join();
}

std::uint16_t Relay::port() const { return state_->port; }

}  // namespace callchain::simulator
