#include "service/service.hpp"

#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "encoding/text_codings.hpp"
#include "http/client.hpp"
#include "http/client_on_loop.hpp"
#include "http/loop.hpp"
#include "http/server.hpp"
#include "observe/capture_store.hpp"
#include "observe/metrics.hpp"
#include "service/call_journal.hpp"
#include "service/call_registry.hpp"
#include "service/calls.hpp"
#include "service/diagnosis_worker.hpp"
#include "service/refusals.hpp"
#include "service/routes.hpp"
#include "service/service_metrics.hpp"
#include "service/twilio_handler.hpp"
#include "service/webhook_handler.hpp"
#include "system/random.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>
#include <utility>

namespace callchain::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kDrainStep{20};
/// How often the log says that descriptors have run out.
constexpr std::chrono::seconds kPauseTold{10};
/// How long an accept may wait for its turn. A call has ten seconds; one that is taken up behind more than
/// this would be lost, and one that is not comes again.
constexpr milliseconds kMostDelay{3'000};
/// What a sideband needs to close in good order once nothing else is under way.
constexpr milliseconds kCloseTime{1'500};

std::vector<signature::LabelledSecret> secrets_of(const ServeConfig& config) {
    // As they are used here: what is forgiven was told at the start, and is no cause of a refusal.
    std::vector<signature::LabelledSecret> secrets;
    for (const auto& secret : config.webhook_secrets) secrets.push_back(secret.secret);
    return secrets;
}

unsigned threads_of(const ServeConfig& config) {
    return config.threads != 0 ? config.threads : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

struct Service::State {
    State(const ServeConfig& given, observe::Log& log_of, const std::string& version)
        : config(given),
          log(log_of),
          metrics(registry_of_metrics),
          client(loop, {.ca_file = config.ca_file, .user_agent = "callchain/" + version}),
          registry({.hash_key = system::random_bytes(32),
                    .is_busy = [this] { return client.delay() > kMostDelay; }}),
          user_agent("callchain/" + version) {}

    ServeConfig config;
    observe::Log& log;
    observe::Metrics registry_of_metrics;
    ServiceMetrics metrics;
    http::Loop loop;
    http::ClientOnLoop client;
    CallRegistry registry;
    CallJournal journal;
    std::string user_agent;
    std::string instance = encoding::to_hex(system::random_bytes(8));
    std::atomic<bool> draining{false};
    std::atomic<steady_clock::duration> told_pause{-std::chrono::hours{1}};
    std::unique_ptr<Refusals> refusals;
    std::unique_ptr<DiagnosisWorker> diagnosis;
    std::unique_ptr<Calls> calls;
    std::unique_ptr<WebhookHandler> webhook;
    std::unique_ptr<TwilioHandler> twilio;
    std::unique_ptr<http::Server> server;
    std::unique_ptr<http::Server> admin;

    // While draining; the loop's thread alone.
    steady_clock::time_point drain_until{};
    steady_clock::time_point close_until{};
    http::Timer step;
    bool closing = false;
    int signals = 0;
    ServiceEnd end = ServiceEnd::drained;

    void build(std::unique_ptr<observe::CaptureStore> store);
    [[nodiscard]] Result<void> listen();
    [[nodiscard]] http::ServerEvents events();
    void on_signal(int signal);
    void drain();
    void drain_step();
    void leave(ServiceEnd how);
    void answer(http::Request request, http::Responder responder);
    [[nodiscard]] std::string readiness() const;
    [[nodiscard]] std::string metrics_page();
};

void Service::State::build(std::unique_ptr<observe::CaptureStore> store) {
    refusals = std::make_unique<Refusals>(config, log, metrics, std::move(store));
    diagnosis = std::make_unique<DiagnosisWorker>(secrets_of(config), config.twilio_tokens, log, metrics);
    const auto random = [] { return system::random_bytes(12); };
    const auto opener = [this](std::string url) {
        return web_socket_opener(loop, {.url = std::move(url),
                                        .api_key = config.api_key,
                                        .ca_file = config.ca_file,
                                        .user_agent = user_agent});
    };
    calls = std::make_unique<Calls>(CallsContext{.config = config,
                                                 .loop = loop,
                                                 .registry = registry,
                                                 .journal = journal,
                                                 .log = log,
                                                 .metrics = metrics,
                                                 .send = sender_of(client),
                                                 .opener = opener,
                                                 .random = random});
    webhook = std::make_unique<WebhookHandler>(WebhookContext{.config = config,
                                                              .registry = registry,
                                                              .calls = *calls,
                                                              .loop = loop,
                                                              .refusals = *refusals,
                                                              .diagnosis = *diagnosis,
                                                              .log = log,
                                                              .metrics = metrics,
                                                              .draining = draining});
    twilio = std::make_unique<TwilioHandler>(TwilioContext{.config = config,
                                                           .journal = journal,
                                                           .refusals = *refusals,
                                                           .diagnosis = *diagnosis,
                                                           .log = log,
                                                           .metrics = metrics,
                                                           .random = random});
}

http::ServerEvents Service::State::events() {
    http::ServerEvents events;
    events.on_connection = [this] { metrics.connections.add(1); };
    events.on_connection_closed = [this] { metrics.connections.add(-1); };
    events.on_refused = [this](int status, const std::string& peer) {
        metrics.http_refused.add(std::to_string(status));
        if (log.enabled(observe::Level::debug))
            log.debug("request refused before it was whole",
                      {{"status", std::int64_t{status}}, {"peer", peer}});
    };
    events.on_accept_paused = [this](const std::string& why) {
        metrics.descriptors_short.add();
        // It comes again every moment while it lasts.
        const auto now = steady_clock::now().time_since_epoch();
        auto told = told_pause.load();
        if (now - told < kPauseTold || !told_pause.compare_exchange_strong(told, now)) return;
        log.warn("accepting connections pauses: no descriptor is left",
                 {{"why", why}, {"hint", "raise the limit of open files (ulimit -n, LimitNOFILE=)"}});
    };
    return events;
}

Result<void> Service::State::listen() {
    http::ServerOptions options;
    options.listen = {config.listen};
    options.threads = threads_of(config);
    options.limits.connections = http::descriptors_for_clients();
    options.tls = config.tls;
    options.fall_back_to_ipv4 = !config.listen_chosen;
    server = CALLCHAIN_TRY(http::Server::start(
        std::move(options),
        [this](http::Request request, http::Responder responder) {
            answer(std::move(request), std::move(responder));
        },
        events()));
    if (config.admin_listen.empty()) return {};
    http::ServerOptions admin_options;
    admin_options.listen = {config.admin_listen};
    admin = CALLCHAIN_TRY(http::Server::start(
        std::move(admin_options), [this](http::Request request, http::Responder responder) {
            const auto path = request.path();
            if (path == "/metrics" && (request.method == "GET" || request.method == "HEAD"))
                return responder.send({200, observe::kMetricsContentType, metrics_page(), {}});
            responder.send(health_response(request, {draining, readiness(), instance}));
        }));
    return {};
}

std::string Service::State::metrics_page() {
    metrics.registry_size.set(static_cast<double>(registry.size()));
    metrics.log_dropped.set(static_cast<double>(log.dropped()));
    return registry_of_metrics.text();
}

std::string Service::State::readiness() const {
    const bool unverified = config.twilio_tokens.empty();
    return std::string("{\"status\":") + (draining ? "\"draining\"" : "\"ready\"") + ",\"warnings\":[" +
           (unverified
                ? encoding::quote_json("TWILIO_AUTH_TOKEN is not set: requests of Twilio are not verified")
                : "") +
           "]}\n";
}

void Service::State::answer(http::Request request, http::Responder responder) {
    switch (route_of(request)) {
        case Route::webhook:
            return webhook->handle(std::move(request), std::move(responder));
        case Route::voice:
            return twilio->voice(std::move(request), std::move(responder));
        case Route::dial_action:
            return twilio->dial_action(std::move(request), std::move(responder));
        case Route::dial_status:
            return twilio->dial_status(std::move(request), std::move(responder));
        case Route::health:
            return responder.send(health_response(request, {draining, readiness(), instance}));
        case Route::wrong_method:
            return responder.send(method_response(request));
        case Route::none:
            break;
    }
    responder.send(not_found_response());
}

void Service::State::on_signal(int signal) {
    if (signal == SIGHUP) {
        if (!config.tls) return log.info("no TLS here: there is no certificate to read again");
        const auto reloaded = server->reload_tls();
        if (reloaded)
            log.info("certificate read again");
        else
            log.error("certificate could not be read again; the old one stays in use",
                      {{"error", reloaded.error().message}});
        return;
    }
    if (++signals > 1) {
        log.warn("second signal: leaving at once", {{"calls", static_cast<std::int64_t>(calls->active())}});
        return leave(ServiceEnd::interrupted);
    }
    drain();
}

void Service::State::drain() {
    if (draining.exchange(true)) return;
    log.info("draining: no new calls are taken",
             {{"calls", static_cast<std::int64_t>(calls->active())},
              {"connections", static_cast<std::int64_t>(server->connections())},
              {"at_most_seconds", static_cast<std::int64_t>(config.drain.count())}});
    drain_until = steady_clock::now() + config.drain;
    server->drain();
    drain_step();
}

void Service::State::drain_step() {
    const auto now = steady_clock::now();
    const bool late = now >= drain_until;
    if (!closing && (late || (calls->is_settled() && server->connections() == 0))) {
        closing = true;
        close_until = now + kCloseTime;
        if (late && !calls->is_settled()) end = ServiceEnd::cut_short;
        calls->drain();
    }
    if (closing && (calls->active() == 0 || now >= close_until)) return leave(end);
    step = loop.after(kDrainStep, [this] { drain_step(); });
}

void Service::State::leave(ServiceEnd how) {
    end = how;
    calls->stop();
    loop.stop();
}

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}

Service::~Service() {
    // Servers first, so that no request arrives; then the client, whose callbacks are those of calls.
    if (state_->server) state_->server->stop();
    if (state_->admin) state_->admin->stop();
    state_->calls.reset();
    state_->client.stop();
}

Result<std::unique_ptr<Service>> Service::start(const ServeConfig& config, observe::Log& log,
                                                const std::string& version) {
    CALLCHAIN_TRY(http::load_client_library());  // not first with a call that waits for its accept
    std::unique_ptr<observe::CaptureStore> store;
    if (!config.capture_dir.empty()) store = CALLCHAIN_TRY(observe::CaptureStore::open(config.capture_dir));
    auto state = std::make_unique<State>(config, log, version);
    state->build(std::move(store));
    std::unique_ptr<Service> service(new Service(std::move(state)));
    CALLCHAIN_TRY(service->state_->listen());
    return service;
}

std::vector<std::string> Service::addresses() const { return state_->server->addresses(); }

std::string Service::admin_address() const {
    return state_->admin ? state_->admin->addresses().front() : std::string{};
}

void Service::handle_signals() {
    state_->loop.on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) { state_->on_signal(signal); });
}

ServiceEnd Service::run() {
    state_->loop.run();
    return state_->end;
}

}  // namespace callchain::service
