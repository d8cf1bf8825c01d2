#include "http/server.hpp"

#include "http/listener.hpp"
#include "http/server_thread.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <sys/resource.h>
#include <system_error>
#include <thread>
#include <utility>

namespace callchain::http {

struct Server::State {
    ServerShared shared;
    std::vector<std::string> addresses;
    std::vector<std::unique_ptr<ServerThread>> workers;
    std::vector<std::thread> threads;
    std::mutex stop_mutex;

    Result<void> open(const ServerOptions& options);
    void stop();
};

Result<void> Server::State::open(const ServerOptions& options) {
    if (options.listen.empty()) {
        return fail(ErrorCode::usage, "there is no address to listen on", "for example 127.0.0.1:8000");
    }
    if (options.tls) shared.tls = CALLCHAIN_TRY(TlsContext::load(*options.tls));
    const unsigned count = std::max(options.threads, 1U);
    std::vector<std::vector<system::Descriptor>> listeners(count);
    for (const auto& address : options.listen) {
        auto sockets = CALLCHAIN_TRY(open_listeners({address, count, options.fall_back_to_ipv4}));
        addresses.push_back(bound_endpoint(sockets.front()));
        for (unsigned i = 0; i < count; ++i) listeners[i].push_back(std::move(sockets[i]));
    }
    for (auto& sockets : listeners) {
        workers.push_back(std::make_unique<ServerThread>(shared, std::move(sockets)));
        CALLCHAIN_TRY(workers.back()->open());
    }
    return {};
}

void Server::State::stop() {
    const std::lock_guard lock(stop_mutex);
    for (const auto& worker : workers) worker->post_stop();
    for (auto& thread : threads) thread.join();
    threads.clear();
    const std::lock_guard idle_lock(shared.idle_mutex);
    shared.drain_started = true;
    shared.threads_to_drain = 0;
    shared.idle_changed.notify_all();
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler, ServerEvents events) {
    auto state = std::make_unique<State>();
    state->shared.limits = options.limits;
    state->shared.handler = std::move(handler);
    state->shared.events = std::move(events);
    CALLCHAIN_TRY(state->open(options));
    try {
        for (const auto& worker : state->workers) {
            state->threads.emplace_back([&running = *worker] { running.run(); });
        }
    } catch (const std::system_error& error) {
        state->stop();
        return fail(ErrorCode::io, std::string("cannot start a server thread: ") + error.what(),
                    "raise the limit of processes (`ulimit -u`, TasksMax=)");
    }
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

std::vector<std::string> Server::addresses() const { return state_->addresses; }

std::size_t Server::connections() const { return state_->shared.connections.load(std::memory_order_relaxed); }

Result<void> Server::reload_tls() {
    if (!state_->shared.tls) return {};
    return state_->shared.tls->reload();
}

void Server::drain() {
    {
        const std::lock_guard lock(state_->shared.idle_mutex);
        if (std::exchange(state_->shared.drain_started, true)) return;
        state_->shared.threads_to_drain = state_->workers.size();
    }
    for (const auto& worker : state_->workers) worker->post_drain();
}

bool Server::wait_until_idle(std::chrono::milliseconds most) {
    auto& shared = state_->shared;
    std::unique_lock lock(shared.idle_mutex);
    return shared.idle_changed.wait_for(lock, most, [&shared] {
        return shared.threads_to_drain == 0 && shared.connections.load(std::memory_order_acquire) == 0;
    });
}

void Server::stop() { state_->stop(); }

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        const rlimit raised{limit.rlim_max, limit.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    return static_cast<std::size_t>(
        std::min<rlim_t>(limit.rlim_cur, std::numeric_limits<std::size_t>::max()));
}

std::size_t descriptors_for_clients() {
    constexpr std::size_t kMostReserved = 1'024;
    constexpr std::size_t kReservedShare = 4;
    const auto all = raise_descriptor_limit();
    return all - std::min(kMostReserved, all / kReservedShare);
}

}  // namespace callchain::http
