#include "service/gateway_service.hpp"

#include "gateway/dns_server.hpp"
#include "gateway/loop_wait.hpp"
#include "gateway/party.hpp"
#include "http/client.hpp"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/stat.h>
#include <thread>

namespace callchain::service {
namespace {

using namespace std::chrono_literals;
using gateway::Certificates;
using gateway::Party;
using gateway::Transport;

constexpr const char* kDomain = "sip.example.com";  // of the certificate, too

// A folder that ends with the test.
class Folder {
  public:
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "callchain-gateway-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
    [[nodiscard]] std::string text(const std::string& name) const {
        std::ostringstream all;
        all << std::ifstream(path(name)).rdbuf();
        return all.str();
    }

  private:
    std::string path_;
};

// The service on a thread of its own; Meta, Twilio and what the test asks for on the test's.
class GatewayServiceTest : public testing::Test {
  protected:
    GatewayServiceTest() {
        auto& driver = config.driver;
        driver.stack.transports = gateway::tls_settings();
        driver.stack.dns.servers = dns.address();
        driver.stack.dns.hosts_file = "/nonexistent/hosts";
        driver.stack.timers = {10ms, 40ms, 40ms};
        driver.stack.transports.listeners = {{Transport::tls, "127.0.0.1:0"}};
        driver.inward.timers = driver.stack.timers;
        driver.inward.domain = kDomain;
        driver.inward.domain_port = twilio.node.endpoint(Transport::tls).port;
        driver.inward.destination = "agent";
        driver.admission.realm = "gateway.example.com";
        config.admin_listen = "127.0.0.1:0";
        dns.set(gateway::kTypeA, {gateway::a_record(kDomain, "127.0.0.1")});
        log_file = system::Descriptor(
            ::open(folder.path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        log = std::make_unique<observe::Log>(observe::Log::Options{.descriptor = log_file.number()});
    }
    ~GatewayServiceTest() override { stop(); }

    void start() {
        auto started = GatewayService::start(config, *log);
        ASSERT_TRUE(started.has_value()) << started.error().message;
        service = *std::move(started);
        service->handle_signals();
        const auto address = service->addresses().at(0);
        const auto port = config::parse_port(address.substr(address.rfind(':') + 1));
        ASSERT_TRUE(address.starts_with("tls:127.0.0.1:") && port) << address;
        listening = {"127.0.0.1", *port};
    }
    void run() {
        thread = std::thread([this] {
            end = service->run();
            ended = true;
        });
    }
    /// How it ended.
    ServiceEnd wait_for_end() {
        EXPECT_TRUE(wait([this] { return ended.load(); }));
        if (thread.joinable()) thread.join();
        return end;
    }
    void stop() {
        // One that was asked already needs no more than the time of a BYE.
        while (thread.joinable() && !ended) {
            ::kill(::getpid(), SIGTERM);
            wait([this] { return ended.load(); }, 100ms);
        }
        if (thread.joinable()) thread.join();
    }
    /// A call that is up.
    void set_up_call() {
        std::optional<Result<gateway::FlowInfo>> flow;
        meta.node.transports->open({Transport::tls, listening, kDomain},
                                   [&](Result<gateway::FlowInfo> opened) { flow = std::move(opened); });
        ASSERT_TRUE(wait([&] { return flow.has_value(); }));
        ASSERT_TRUE(flow->has_value()) << flow->error().message;
        meta.invite((*flow)->id);
        ASSERT_TRUE(wait([&] { return twilio.requests("ACK") == 1 && meta.has_heard("INVITE", 200); }));
    }
    bool wait(const std::function<bool()>& done, std::chrono::milliseconds most = 60s) {
        const auto latest = gateway::Loop::now() + most;
        bool reached = false;
        gateway::Alarm alarm(loop, [&] {
            reached = done();
            if (reached || gateway::Loop::now() > latest) return loop.stop();
            alarm.set(gateway::Loop::now() + 2ms);
        });
        alarm.set(gateway::Loop::now());
        loop.run();
        return reached;
    }
    bool wait_for_line(const std::string& part) {
        return wait([&] {
            log->flush();
            return folder.text("log").find(part) != std::string::npos;
        });
    }
    [[nodiscard]] std::size_t lines_with(const std::string& part) {
        log->flush();
        return gateway::count_in(folder.text("log"), part);
    }
    http::ClientResponse get(const std::string& path, const std::string& method = "GET") {
        const auto result =
            client.perform({.method = method, .url = "http://" + service->admin_address() + path});
        const auto* response = std::get_if<http::ClientResponse>(&result);
        EXPECT_NE(response, nullptr) << path;
        return response == nullptr ? http::ClientResponse{} : *response;
    }
    /// The value of one metric, "" where it is not there.
    std::string metric(const std::string& name) {
        std::istringstream lines(get("/metrics").body);
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
        return {};
    }

    Folder folder;
    gateway::DnsServer dns;
    gateway::Loop loop;
    Party meta{loop, Transport::tls, "meta"};
    Party twilio{loop, Transport::tls, "twilio"};
    GatewayConfig config;
    system::Descriptor log_file;
    std::unique_ptr<observe::Log> log;
    std::unique_ptr<GatewayService> service;
    Endpoint listening;
    http::Client client{{.proxies = http::ClientOptions::Proxies::none}};
    std::thread thread;
    std::atomic<bool> ended{false};
    ServiceEnd end = ServiceEnd::interrupted;
};

// ---- how it ends ----

TEST_F(GatewayServiceTest, IsDrainedAtOnceWithoutCalls) {
    config.drain = 600s;
    start();
    run();
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(wait_for_end(), ServiceEnd::drained);
}

TEST_F(GatewayServiceTest, TakesASignalThatCameBeforeItRan) {
    config.drain = 600s;
    start();
    ::kill(::getpid(), SIGINT);
    run();
    EXPECT_EQ(wait_for_end(), ServiceEnd::drained);
}

TEST_F(GatewayServiceTest, LetsTheCallFinishAndIsNotReadyMeanwhile) {
    config.drain = 600s;
    start();
    run();
    set_up_call();
    EXPECT_EQ(get("/readyz").status, 200);
    ::kill(::getpid(), SIGTERM);
    ASSERT_TRUE(wait_for_line("draining: no new calls are taken"));
    ASSERT_TRUE(wait([&] { return get("/readyz").status == 503; }));
    EXPECT_EQ(get("/healthz").status, 200) << "it lives";
    EXPECT_FALSE(ended);
    meta.send_within(meta.call(), "BYE");
    EXPECT_EQ(wait_for_end(), ServiceEnd::drained);
    EXPECT_EQ(twilio.requests("BYE"), 1U);
    EXPECT_EQ(lines_with("call summary"), 1U);
}

TEST_F(GatewayServiceTest, EndsCallsWhenTheTimeForDrainingIsOver) {
    config.drain = 1s;
    start();
    run();
    set_up_call();
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(wait_for_end(), ServiceEnd::cut_short);
    EXPECT_EQ(meta.requests("BYE"), 1U);
    EXPECT_EQ(twilio.requests("BYE"), 1U);
    EXPECT_EQ(lines_with("\"end\":\"stopped\""), 1U);
}

TEST_F(GatewayServiceTest, HangsUpByASecondSignal) {
    config.drain = 600s;
    start();
    run();
    set_up_call();
    ::kill(::getpid(), SIGTERM);
    ASSERT_TRUE(wait_for_line("draining: no new calls are taken"));
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(wait_for_end(), ServiceEnd::interrupted);
    EXPECT_EQ(meta.requests("BYE"), 1U);
    EXPECT_EQ(twilio.requests("BYE"), 1U);
}

// Somebody holds Ctrl-C down, and nobody answers the BYE: it leaves after its 2 s all the same.
TEST_F(GatewayServiceTest, IsNotHeldUpByMoreSignals) {
    config.drain = 600s;
    // No BYE is given up before the time to leave.
    config.driver.stack.timers = config.driver.inward.timers = {500ms, 4s, 5s};
    start();
    run();
    set_up_call();
    twilio.node.on_message = [](const gateway::Arrived&) {};
    meta.node.on_message = [](const gateway::Arrived&) {};
    const auto last = gateway::Loop::now() + 20s;
    ASSERT_TRUE(wait([&] {
        if (!ended && gateway::Loop::now() < last) ::kill(::getpid(), SIGTERM);
        return ended || gateway::Loop::now() >= last;
    }));
    EXPECT_TRUE(ended) << "each signal put the end off";
    EXPECT_EQ(wait_for_end(), ServiceEnd::interrupted);
}

// ---- the admin listener ----

TEST_F(GatewayServiceTest, ShowsMetricsOfACall) {
    start();
    run();
    set_up_call();
    EXPECT_EQ(metric("callchain_gateway_calls_active"), "1");
    meta.send_within(meta.call(), "BYE");
    ASSERT_TRUE(wait_for_line("call summary"));
    const auto page = get("/metrics");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.headers.find("Content-Type").value_or("").substr(0, 10), "text/plain");
    EXPECT_EQ(metric("callchain_gateway_calls_total{end=\"hung_up_by_a\"}"), "1");
    EXPECT_EQ(metric("callchain_gateway_calls_total{end=\"refused\"}"), "0") << "there from the start";
    EXPECT_EQ(metric("callchain_gateway_admissions_total{what=\"admitted\"}"), "1");
    EXPECT_EQ(metric("callchain_gateway_calls_active"), "0");
    EXPECT_EQ(metric("callchain_gateway_dialled_seconds_count"), "1");
    EXPECT_EQ(metric("callchain_gateway_answered_seconds_count"), "1");
    EXPECT_EQ(metric("callchain_gateway_connections_total"), "1");
    EXPECT_EQ(metric("callchain_gateway_handshake_failures_total"), "0");
    for (const auto* name :
         {"callchain_gateway_messages_received_total", "callchain_gateway_bytes_sent_total",
          "callchain_gateway_certificate_left_seconds"}) {
        SCOPED_TRACE(name);
        const auto value = metric(name);
        ASSERT_FALSE(value.empty());
        EXPECT_GT(std::stod(value), 0);
    }
    EXPECT_TRUE(wait([&] { return metric("callchain_gateway_calls_remembered") == "0"; }));
    EXPECT_EQ(metric("callchain_gateway_transactions"), "0");
}

TEST_F(GatewayServiceTest, AnswersOtherPathsAsHttpWantsIt) {
    start();
    run();
    EXPECT_EQ(get("/healthz").body, "ok\n");
    EXPECT_EQ(get("/").status, 404);
    EXPECT_EQ(get("/healthz", "DELETE").status, 405);
    EXPECT_EQ(get("/metrics", "HEAD").status, 200);
}

TEST_F(GatewayServiceTest, NeedsNoAdminListener) {
    config.admin_listen.clear();
    start();
    EXPECT_EQ(service->admin_address(), "");
    run();
    set_up_call();
}

// ---- certificates ----

TEST_F(GatewayServiceTest, ReadsTheCertificateAgainBySighup) {
    const auto& files = Certificates::shared();
    const auto certificate = folder.path("certificate.pem");
    const auto key = folder.path("key.pem");
    std::filesystem::copy_file(files.chain("good"), certificate);
    std::filesystem::copy_file(files.key("good"), key);
    config.driver.stack.transports.tls_server = gateway::TlsServerSettings{{certificate, {}}, {key, {}}};
    start();
    run();
    set_up_call();
    const auto left = std::stod(metric("callchain_gateway_certificate_left_seconds"));
    const auto overwrite = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(files.chain("renewed"), certificate, overwrite);
    std::filesystem::copy_file(files.key("renewed"), key, overwrite);
    ::kill(::getpid(), SIGHUP);
    ASSERT_TRUE(wait_for_line("certificate read again"));
    constexpr double kTwentyDays = 20.0 * 86'400;  // it has 60 days where the first had 30
    EXPECT_GT(std::stod(metric("callchain_gateway_certificate_left_seconds")), left + kTwentyDays);
    EXPECT_EQ(metric("callchain_gateway_certificate_reloads_total{result=\"done\"}"), "1");

    std::ofstream(certificate) << "no certificate";
    ::kill(::getpid(), SIGHUP);
    ASSERT_TRUE(wait_for_line("the old one stays in use"));
    EXPECT_EQ(metric("callchain_gateway_certificate_reloads_total{result=\"failed\"}"), "1");
    EXPECT_EQ(metric("callchain_gateway_calls_active"), "1");
}

TEST_F(GatewayServiceTest, WarnsOfACertificateThatHasExpired) {
    const auto& files = Certificates::shared();
    config.driver.stack.transports.tls_server =
        gateway::TlsServerSettings{{files.chain("expired"), {}}, {files.key("expired"), {}}};
    start();
    EXPECT_EQ(lines_with("the certificate has expired"), 1U);
}

// ---- trace ----

TEST_F(GatewayServiceTest, WritesATraceThatASignalSwitches) {
    config.trace_file = folder.path("trace");
    start();
    run();
    set_up_call();
    struct stat found {};
    ASSERT_EQ(::stat(config.trace_file.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
    std::istringstream lines(folder.text("trace"));
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        ASSERT_TRUE(json.is_object()) << line;
        EXPECT_TRUE(json.contains("message"));
    }
    EXPECT_GE(count, 8U) << "INVITE, 100, INVITE, 180, 180, 200, ACK, 200";
    EXPECT_EQ(folder.text("trace").find("MTIzNDU2Nzg5"), std::string::npos) << "a key of SDES";

    ::kill(::getpid(), SIGUSR1);
    ASSERT_TRUE(wait_for_line("trace off"));
    const auto before = folder.text("trace");
    meta.send_within(meta.call(), "OPTIONS");
    ASSERT_TRUE(wait([&] { return meta.has_heard("OPTIONS", 200); }));
    EXPECT_EQ(folder.text("trace"), before);
    ::kill(::getpid(), SIGUSR1);
    ASSERT_TRUE(wait([&] { return lines_with("trace on") == 2; }));
    meta.send_within(meta.call(), "BYE");
    ASSERT_TRUE(wait_for_line("call summary"));
    EXPECT_GT(folder.text("trace").size(), before.size());
}

TEST_F(GatewayServiceTest, FollowsNoLinkForItsTrace) {
    std::filesystem::create_symlink(folder.path("elsewhere"), folder.path("trace"));
    config.trace_file = folder.path("trace");
    const auto started = GatewayService::start(config, *log);
    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, ErrorCode::io);
    EXPECT_NE(started.error().hint.find("CALLCHAIN_TRACE"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(folder.path("elsewhere")));
}

TEST_F(GatewayServiceTest, TellsOnceThatTheTraceCannotBeWritten) {
    if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "this host has no /dev/full";
    config.trace_file = "/dev/full";
    start();
    run();
    set_up_call();
    EXPECT_EQ(lines_with("the trace cannot be written"), 1U);
}

// ---- what cannot start ----

TEST_F(GatewayServiceTest, SaysWhichAddressIsTaken) {
    start();
    const auto taken = text_of(listening);
    auto second = config;
    second.driver.stack.transports.listeners = {{Transport::tls, taken}};
    const auto sip = GatewayService::start(second, *log);
    ASSERT_FALSE(sip.has_value());
    EXPECT_NE(sip.error().message.find(taken), std::string::npos) << sip.error().message;

    second = config;
    second.admin_listen = service->admin_address();
    const auto admin = GatewayService::start(second, *log);
    ASSERT_FALSE(admin.has_value());
    EXPECT_NE(admin.error().message.find(second.admin_listen), std::string::npos) << admin.error().message;
}

}  // namespace
}  // namespace callchain::service
