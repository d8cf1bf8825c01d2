#include "simulator/relay.hpp"

#include "system/descriptor.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>

namespace callchain::simulator {
namespace {

using system::Descriptor;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

// A blocking socket. Only in a test that has failed already is its time ever waited for.
class Socket {
  public:
    Socket() : Socket(Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))) {}
    explicit Socket(Descriptor socket) : socket_(std::move(socket)) {
        const timeval most{20, 0};
        ::setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
        ::setsockopt(socket_.number(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    }
    [[nodiscard]] bool connect(std::uint16_t port) const {
        const auto address = loopback(port);
        return ::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    void send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto count = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            ASSERT_GT(count, 0) << errno;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    // Until there are so many, or nothing more comes.
    [[nodiscard]] std::string read(std::size_t most = std::string::npos) const {
        std::string bytes;
        std::string piece(65'536, '\0');
        while (bytes.size() < most) {
            const auto count =
                ::recv(socket_.number(), piece.data(), std::min(piece.size(), most - bytes.size()), 0);
            EXPECT_TRUE(count >= 0 || errno == ECONNRESET) << errno;
            if (count <= 0) break;
            bytes.append(piece, 0, static_cast<std::size_t>(count));
        }
        return bytes;
    }
    void end() const { ::shutdown(socket_.number(), SHUT_WR); }
    void break_off() {
        const linger at_once{1, 0};
        ::setsockopt(socket_.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        socket_.close();
    }
    [[nodiscard]] int number() const { return socket_.number(); }

  private:
    Descriptor socket_;
};

// A port of loopback; whoever connects is refused until it listens.
class Backend {
  public:
    Backend() {
        auto address = loopback(0);
        socklen_t size = sizeof address;
        auto* const place = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(socket_.number(), place, size), 0);
        EXPECT_EQ(::getsockname(socket_.number(), place, &size), 0);
        port = ntohs(address.sin_port);
    }
    void listen() const { EXPECT_EQ(::listen(socket_.number(), 16), 0); }
    [[nodiscard]] Socket take() const {
        return Socket(Descriptor(::accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC)));
    }
    std::uint16_t port = 0;

  private:
    Socket socket_;
};

class RelayTest : public testing::Test {
  protected:
    void start(std::size_t backends_count = 1, std::vector<std::string> sources = {}) {
        backends = std::vector<Backend>(backends_count);
        RelaySettings settings{.backends = {}, .sources = std::move(sources)};
        for (const auto& one : backends) {
            one.listen();
            settings.backends.push_back(one.port);
        }
        auto started = Relay::start(settings);
        ASSERT_TRUE(started.has_value()) << started.error().message;
        relay = *std::move(started);
    }
    [[nodiscard]] Socket connect() const {
        Socket client;
        EXPECT_TRUE(client.connect(relay->port()));
        return client;
    }

    std::vector<Backend> backends;
    std::unique_ptr<Relay> relay;
};

// No two of its pieces are alike.
std::string megabytes(std::size_t count, unsigned seed) {
    std::string bytes;
    while (bytes.size() < count << 20U) bytes += std::to_string(seed += 7) + ' ';
    return bytes;
}

TEST_F(RelayTest, PassesMegabytesOnBothWaysAtOnce) {
    start();
    const auto client = connect();
    const auto backend = backends[0].take();
    const auto up = megabytes(5, 1);
    const auto down = megabytes(3, 2);
    const auto say = [](const Socket& socket, const std::string& bytes) {
        socket.send(bytes);
        socket.end();
    };
    std::thread client_speaks(say, std::cref(client), std::cref(up));
    std::thread backend_speaks(say, std::cref(backend), std::cref(down));
    std::string heard;
    std::thread backend_hears([&] { heard = backend.read(); });
    EXPECT_TRUE(client.read() == down);
    client_speaks.join();
    backend_speaks.join();
    backend_hears.join();
    EXPECT_TRUE(heard == up);
}

TEST_F(RelayTest, PassesOnTheEndOfOneDirectionAlone) {
    start();
    for (const bool client_first : {true, false}) {
        SCOPED_TRACE(client_first);
        const auto client = connect();
        const auto backend = backends[0].take();
        const auto& first = client_first ? client : backend;
        const auto& second = client_first ? backend : client;
        first.send("question");
        first.end();
        EXPECT_EQ(second.read(), "question");
        second.send("answer");
        EXPECT_EQ(first.read(6), "answer");
        second.end();
        EXPECT_EQ(first.read(), "");
    }
}

TEST_F(RelayTest, GivesConnectionsToItsBackendsInTurn) {
    start(2);
    std::vector<Socket> clients;
    for (const auto* word : {"first", "second", "third"}) {
        clients.push_back(connect());
        clients.back().send(word);
        clients.back().end();
    }
    EXPECT_EQ(backends[0].take().read(), "first");
    EXPECT_EQ(backends[1].take().read(), "second");
    EXPECT_EQ(backends[0].take().read(), "third");
}

// Source: HAProxy, "The PROXY protocol, versions 1 & 2", section 2.1.
TEST_F(RelayTest, TellsFirstWhereTheyComeFrom) {
    start(1, {"157.240.0.1", "54.172.60.1"});
    for (const auto* source : {"157.240.0.1", "54.172.60.1", "157.240.0.1"}) {
        const auto client = connect();
        client.send("INVITE");
        client.end();
        sockaddr_in own{};
        socklen_t size = sizeof own;
        ASSERT_EQ(::getsockname(client.number(), reinterpret_cast<sockaddr*>(&own), &size), 0);
        EXPECT_EQ(backends[0].take().read(), "PROXY TCP4 " + std::string(source) + " 127.0.0.1 " +
                                                 std::to_string(ntohs(own.sin_port)) + " " +
                                                 std::to_string(backends[0].port) + "\r\nINVITE");
    }
}

TEST_F(RelayTest, HoldsLittleOfWhatNobodyReads) {
    start();
    const auto client = connect();
    const auto backend = backends[0].take();
    const std::string piece(65'536, 'x');
    std::size_t sent = 0;
    constexpr std::size_t kMost = std::size_t{256} << 20U;
    pollfd writable{client.number(), POLLOUT, 0};
    while (sent<kMost&& ::poll(&writable, 1, 300)> 0) {
        const auto count = ::send(client.number(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) sent += static_cast<std::size_t>(count);
    }
    EXPECT_LT(sent, kMost) << "beside what the kernel holds";
    client.end();
    EXPECT_EQ(backend.read().size(), sent);
}

TEST_F(RelayTest, EndsWhileConnectionsAreUp) {
    start();
    const auto client = connect();
    const auto backend = backends[0].take();
    client.send("x");
    EXPECT_EQ(backend.read(1), "x");
    const auto port = relay->port();
    relay.reset();
    EXPECT_EQ(client.read(), "");
    EXPECT_EQ(backend.read(), "");
    EXPECT_FALSE(Socket().connect(port));
}

TEST_F(RelayTest, ClosesWhatItsBackendRefuses) {
    start(1);
    const Backend dead;
    auto started = Relay::start({.backends = {dead.port, backends[0].port}});
    ASSERT_TRUE(started.has_value()) << started.error().message;
    relay = *std::move(started);
    EXPECT_EQ(connect().read(), "");
    const auto client = connect();
    client.send("x");
    EXPECT_EQ(backends[0].take().read(1), "x");
}

TEST_F(RelayTest, ClosesTheOtherSideWhereOneBreaksOff) {
    start();
    auto client = connect();
    auto backend = backends[0].take();
    client.send("x");
    EXPECT_EQ(backend.read(1), "x");
    client.break_off();
    EXPECT_EQ(backend.read(), "");
    const auto second = connect();
    backend = backends[0].take();
    second.send("x");
    EXPECT_EQ(backend.read(1), "x");
    backend.break_off();
    EXPECT_EQ(second.read(), "");
}

TEST(Relay, IsNotStartedWithoutABackendOrForWhatIsNoAddress) {
    struct Row {
        const char* name;
        RelaySettings settings;
    };
    for (const auto& row :
         {Row{"no backend", {.backends = {}}}, Row{"a name", {.backends = {1}, .sources = {"meta"}}},
          Row{"IPv6", {.backends = {1}, .sources = {"157.240.0.1", "2001:db8::1"}}},
          Row{"a line end", {.backends = {1}, .sources = {"157.240.0.1\r\n"}}}}) {
        SCOPED_TRACE(row.name);
        const auto started = Relay::start(row.settings);
        ASSERT_FALSE(started.has_value());
        EXPECT_EQ(started.error().code, ErrorCode::bad_input);
    }
}

}  // namespace
}  // namespace callchain::simulator
