#include "service/gateway_service.hpp"

#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "gateway/loop.hpp"
#include "gateway/loop_wait.hpp"
#include "gateway/message_trace.hpp"
#include "http/server.hpp"
#include "observe/line_writer.hpp"
#include "observe/metrics.hpp"
#include "service/gateway_metrics.hpp"
#include "service/routes.hpp"
#include "system/descriptor.hpp"
#include "system/random.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace callchain::service {
namespace {

using std::chrono::seconds;

constexpr seconds kTick{1};
constexpr int kTicksBetweenFileLooks = 10;
constexpr int kTicksOfDay = 86'400;
constexpr seconds kCertificateWarning = std::chrono::days(14);
/// What a BYE gets for its answer where the gateway leaves at once.
constexpr std::chrono::milliseconds kLeaveTime{2'000};

// Draws for many at once: a call asks a dozen times for a few bytes. One thread.
class RandomPool {
  public:
    std::string take(std::size_t count) {
        if (count > kPoolBytes) return system::random_bytes(count);
        if (pool_.size() - at_ < count) {
            pool_ = system::random_bytes(kPoolBytes);
            at_ = 0;
        }
        return pool_.substr(std::exchange(at_, at_ + count), count);
    }

  private:
    static constexpr std::size_t kPoolBytes = 256;
    std::string pool_;
    std::size_t at_ = 0;
};

observe::LogFields log_fields(const std::vector<std::pair<std::string_view, std::string>>& fields) {
    observe::LogFields log;
    for (const auto& [name, value] : fields)
        if (!value.empty()) log.push_back({name, value});
    return log;
}

// The trace: whole lines, appended; what cannot be written is told once, until something can again.
class TraceFile {
  public:
    [[nodiscard]] static Result<std::unique_ptr<TraceFile>> open(const std::string& path) {
        constexpr int kAppended = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
        system::Descriptor file(path == "-" ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                                            : ::open(path.c_str(), kAppended, S_IRUSR | S_IWUSR));
        if (!file)
            return fail(ErrorCode::io,
                        "cannot write the trace " + path + ": " + std::generic_category().message(errno),
                        "CALLCHAIN_TRACE names a file that this user may write, or - for standard error");
        return std::unique_ptr<TraceFile>(new TraceFile(std::move(file)));
    }
    /// False the first time that it fails.
    [[nodiscard]] bool write(std::string_view line) {
        const bool had_failed = std::exchange(failed_, writer_.write(line) != line.size());
        return !failed_ || had_failed;
    }

  private:
    explicit TraceFile(system::Descriptor file) : file_(std::move(file)), writer_(file_.number()) {}
    system::Descriptor file_;
    observe::LineWriter writer_;  // closes a line that a full disk cut short
    bool failed_ = false;
};

}  // namespace

struct GatewayService::State {
    State(const GatewayConfig& given, observe::Log& of_log)
        : config(given), log(of_log), metrics(registry), tick(loop, [this] { on_tick(); }) {}

    const GatewayConfig config;
    observe::Log& log;
    observe::Metrics registry;
    GatewayMetrics metrics;
    RandomPool random;
    std::string instance = encoding::to_hex(system::random_bytes(8));
    gateway::Loop loop;
    gateway::Alarm tick;
    std::unique_ptr<TraceFile> trace;
    std::unique_ptr<gateway::CallDriver> driver;
    std::unique_ptr<http::Server> admin;
    std::vector<gateway::BoundAddress> bound;
    std::atomic<bool> draining{false};

    int ticks = 0;
    int signals = 0;
    bool tracing = false;
    bool leaving = false;
    sip::SteadyTime leave_at{};
    ServiceEnd end = ServiceEnd::drained;

    [[nodiscard]] gateway::DriverEvents events();
    [[nodiscard]] Result<void> listen();
    [[nodiscard]] Result<void> listen_admin();
    void on_tick();
    void show_levels();
    void look_at_certificate(bool at_start);
    void reload(std::string_view why);
    void on_signal(int signal);
    void drain();
    void hang_up(ServiceEnd how);
    void leave(ServiceEnd how);
    void set_trace(bool on);
};

gateway::DriverEvents GatewayService::State::events() {
    gateway::DriverEvents up;
    up.on_remark = [this](gateway::DriverEvents::Level level, std::string_view what,
                          const std::vector<std::pair<std::string_view, std::string>>& fields) {
        const bool warns = level == gateway::DriverEvents::Level::warn;
        log.write(warns ? observe::Level::warn : observe::Level::info, what, log_fields(fields));
    };
    up.on_call = [this](const b2bua::CallRecord& record) {
        metrics.count_call(record);
        log.info("call summary", log_fields(b2bua::summary_fields(record)));
    };
    up.on_admission = [this](std::string_view what) { metrics.count_admission(what); };
    up.on_answer = [this](std::string_view method, int status) { metrics.count_answer(method, status); };
    up.on_drained = [this] { leave(end); };
    if (trace) {
        up.on_trace = [this](const gateway::TracedMessage& message) {
            const auto now =
                std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
            if (!trace->write(gateway::trace_line(message, now)))
                log.warn("the trace cannot be written: lines are lost", {{"file", config.trace_file}});
        };
    }
    return up;
}

Result<void> GatewayService::State::listen() {
    auto settings = config.driver;
    auto& most = settings.stack.transports.limits.connections;
    most = std::min(most, http::descriptors_for_clients());
    driver = std::make_unique<gateway::CallDriver>(loop, settings, events(),
                                                   [this](std::size_t count) { return random.take(count); });
    bound = CALLCHAIN_TRY(driver->listen());
    return {};
}

Result<void> GatewayService::State::listen_admin() {
    if (config.admin_listen.empty()) return {};
    http::ServerOptions options;
    options.listen = {config.admin_listen};
    admin = CALLCHAIN_TRY(
        http::Server::start(std::move(options), [this](http::Request request, http::Responder responder) {
            const bool reads = request.method == "GET" || request.method == "HEAD";
            if (request.path() != "/metrics" || !reads) {
                const auto body = std::string("{\"status\":\"") + (draining ? "draining" : "ready") + "\"}\n";
                return responder.send(health_response(request, {draining, body, instance}));
            }
            // The levels belong to the loop's thread: it shows them, and answers.
            auto shared = std::make_shared<http::Responder>(std::move(responder));
            loop.post([this, shared] {
                show_levels();
                shared->send({200, observe::kMetricsContentType, registry.text(), {}});
            });
        }));
    return {};
}

void GatewayService::State::show_levels() {
    std::optional<seconds> left;
    if (const auto ends = driver->certificate_ends())
        left = *ends - std::chrono::floor<seconds>(std::chrono::system_clock::now());
    metrics.show(driver->counts(), left, log.dropped());
}

void GatewayService::State::on_tick() {
    const auto now = gateway::Loop::now();
    if (leaving && now >= leave_at) {
        if (end != ServiceEnd::drained) return leave(end);
        // The time for draining is over: who still talks is told.
        return hang_up(ServiceEnd::cut_short);
    }
    ++ticks;
    if (ticks % kTicksBetweenFileLooks == 0 && driver->tls_files_changed()) reload("its files changed");
    if (ticks % kTicksOfDay == 0) look_at_certificate(false);
    const auto next = now + kTick;
    tick.set(leaving ? std::min(next, leave_at) : next);
}

void GatewayService::State::look_at_certificate(bool at_start) {
    const auto ends = driver->certificate_ends();
    if (!ends) return;
    const auto left = *ends - std::chrono::floor<seconds>(std::chrono::system_clock::now());
    const bool has_ended = left.count() <= 0;
    const observe::LogFields fields{{has_ended ? "ended_ago" : "left", duration_of(left)},
                                    {"expired", has_ended},
                                    {"remedy", std::string("renew it: Meta does not call a gateway whose "
                                                           "certificate has expired")}};
    if (left < kCertificateWarning)
        log.warn(has_ended ? "the certificate has expired" : "the certificate ends soon", fields);
    else if (at_start)
        log.info("certificate", {{"left", duration_of(left)}});
}

void GatewayService::State::reload(std::string_view why) {
    const auto reloaded = driver->reload_tls();
    if (reloaded && !driver->certificate_ends())
        return log.info("no TLS here: there is no certificate to read again");
    metrics.count_reload(reloaded.has_value());
    if (!reloaded)
        return log.error("the certificate could not be read again; the old one stays in use",
                         {{"error", reloaded.error().message}, {"hint", reloaded.error().hint}});
    log.info("certificate read again", {{"why", std::string(why)}});
    look_at_certificate(false);
}

void GatewayService::State::set_trace(bool on) {
    if (!trace) return log.info("no trace: CALLCHAIN_TRACE names no file");
    tracing = on;
    driver->set_trace(on);
    log.info(on ? "trace on" : "trace off", {{"file", config.trace_file}});
}

void GatewayService::State::on_signal(int signal) {
    if (signal == SIGHUP) return reload("SIGHUP");
    if (signal == SIGUSR1) return set_trace(!tracing);
    if (++signals > 2) return;  // it is on its way out, and none must put that off
    if (signals > 1) {
        log.warn("second signal: calls are hung up",
                 {{"calls", static_cast<std::int64_t>(driver->counts().calls)}});
        return hang_up(ServiceEnd::interrupted);
    }
    drain();
}

void GatewayService::State::drain() {
    if (draining.exchange(true)) return;
    log.info("draining: no new calls are taken",
             {{"calls", static_cast<std::int64_t>(driver->counts().calls)},
              {"at_most_seconds", std::int64_t{config.drain.count()}}});
    leaving = true;
    leave_at = gateway::Loop::now() + config.drain;
    tick.set(std::min(gateway::Loop::now() + kTick, leave_at));
    driver->drain();
}

void GatewayService::State::hang_up(ServiceEnd how) {
    end = how;
    draining = true;
    leaving = true;
    leave_at = gateway::Loop::now() + kLeaveTime;
    tick.set(leave_at);
    driver->hang_up_all();
}

void GatewayService::State::leave(ServiceEnd how) {
    end = how;
    loop.stop();
}

GatewayService::GatewayService(std::unique_ptr<State> state) : state_(std::move(state)) {}

GatewayService::~GatewayService() {
    // No request of the admin listener may meet a driver that is gone.
    if (state_->admin) state_->admin->stop();
    state_->driver.reset();
}

Result<std::unique_ptr<GatewayService>> GatewayService::start(const GatewayConfig& config,
                                                              observe::Log& log) {
    auto state = std::make_unique<State>(config, log);
    if (!config.trace_file.empty()) state->trace = CALLCHAIN_TRY(TraceFile::open(config.trace_file));
    std::unique_ptr<GatewayService> service(new GatewayService(std::move(state)));
    auto& running = *service->state_;
    CALLCHAIN_TRY(running.listen());
    CALLCHAIN_TRY(running.listen_admin());
    if (running.trace) running.set_trace(true);
    running.look_at_certificate(true);
    running.tick.set(gateway::Loop::now() + kTick);
    return service;
}

std::vector<std::string> GatewayService::addresses() const {
    std::vector<std::string> addresses;
    for (const auto& one : state_->bound)
        addresses.push_back(ascii_lower(gateway::name_of(one.transport)) + ":" + text_of(one.endpoint));
    return addresses;
}

std::string GatewayService::admin_address() const {
    return state_->admin ? state_->admin->addresses().front() : std::string{};
}

void GatewayService::handle_signals() {
    state_->loop.on_signals({SIGTERM, SIGINT, SIGHUP, SIGUSR1},
                            [this](int signal) { state_->on_signal(signal); });
}

ServiceEnd GatewayService::run() {
    state_->loop.run();
    return state_->end;
}

}  // namespace callchain::service
