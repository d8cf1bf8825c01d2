#include "either_client.hpp"
#include "peer.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <thread>

namespace callchain::http {
namespace {

using namespace std::chrono_literals;

// A port of loopback that was free a moment ago: nghttpd does not tell which one it took.
int free_port() {
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr address{};
    socklen_t length = sizeof(address);
    address.sa_family = AF_INET;
    inet_pton(AF_INET, "127.0.0.1", &address.sa_data[2]);
    const bool bound =
        bind(descriptor, &address, length) == 0 && getsockname(descriptor, &address, &length) == 0;
    close(descriptor);
    const auto byte = [&](int at) { return static_cast<unsigned char>(address.sa_data[at]); };
    return bound ? byte(0) * 256 + byte(1) : 0;
}

// nghttp2's own server, with the certificate of the peer.
class Http2Test : public WithPeer, public testing::WithParamInterface<ClientKind> {
  protected:
    void SetUp() override {
        WithPeer::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        if (Child({"sh", "-c", "command -v nghttpd >/dev/null"}).wait() != 0)
            GTEST_SKIP() << "nghttpd is missing: apt-get install -y --no-install-recommends nghttp2-server";
        const auto folder = peer().value("folder");
        std::ofstream(folder + "/hello.txt") << "hello";
        const auto port = std::to_string(free_port());
        server_ = std::make_unique<Child>(std::vector<std::string>{
            "nghttpd", "--address=127.0.0.1", "--htdocs=" + folder, "--echo-upload",
            "--trailer=x-trailer: late", port, folder + "/good.key", folder + "/good.pem"});
        url_ = "https://127.0.0.1:" + port;
        wait_until_up();
    }
    void TearDown() override {
        if (server_) server_->kill();
    }
    ClientRequest get(const std::string& path) const {
        return {.method = "GET", .url = url_ + path, .connect_time = 60s, .total_time = 60s};
    }
    static ClientOptions trusting() { return {.ca_file = peer().ca_file()}; }

    std::string url_;

  private:
    void wait_until_up() {
        EitherClient client(GetParam(), trusting());
        for (int i = 0; i < 500; ++i) {
            const auto result = client.perform(get("/hello.txt"));
            const auto* failure = std::get_if<ClientFailure>(&result);
            if (failure == nullptr) return;
            ASSERT_EQ(failure->kind, ClientFailure::Kind::connect) << failure->message;
            std::this_thread::sleep_for(20ms);
        }
        FAIL() << "nghttpd does not listen";
    }
    std::unique_ptr<Child> server_;
};

TEST_P(Http2Test, IsSpokenWhereThePeerOffersIt) {
    EitherClient client(GetParam(), trusting());
    const auto result = client.perform(get("/hello.txt"));
    const auto& response = std::get<ClientResponse>(result);
    EXPECT_EQ(response.version, "HTTP/2");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "hello");
    EXPECT_TRUE(response.headers.find("content-length").has_value());
    EXPECT_FALSE(response.headers.find("x-trailer").has_value());

    auto post = get("/");
    post.method = "POST";
    post.body = std::string(200'000, 'p');
    EXPECT_EQ(std::get<ClientResponse>(client.perform(post)).body, post.body);
    EXPECT_EQ(std::get<ClientResponse>(client.perform(get("/none"))).status, 404);
}

TEST_P(Http2Test, ServesABurstOnAFreshClient) {
    constexpr int kRequests = 200;
    EitherClient client(GetParam(), trusting());
    std::atomic<int> right{0};
    std::atomic<int> calls{0};
    for (int i = 0; i < kRequests; ++i) {
        client.send(get("/hello.txt"), [&](const ClientResult& result) {
            const auto* response = std::get_if<ClientResponse>(&result);
            if (response != nullptr && response->body == "hello" && response->version == "HTTP/2") ++right;
            ++calls;
            calls.notify_one();
        });
    }
    for (int seen = calls; seen < kRequests; seen = calls) calls.wait(seen);
    EXPECT_EQ(right, kRequests);
}

INSTANTIATE_TEST_SUITE_P(Client, Http2Test, testing::Values(ClientKind::on_a_thread, ClientKind::on_a_loop),
                         name_of_kind);

}  // namespace
}  // namespace callchain::http
