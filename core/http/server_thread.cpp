#include "http/server_thread.hpp"

#include "base/http_date.hpp"
#include "http/response_writer.hpp"
#include "http/server_session.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

namespace callchain::http {
namespace {

constexpr std::size_t kReadBufferBytes = std::size_t{64} << 10U;
constexpr std::size_t kMostKeptWriteBytes = std::size_t{256} << 10U;

// A deadline is met up to one interval late: a tenth of the shortest limit, in reason.
std::chrono::milliseconds interval_for(const ServerLimits& limits) {
    using std::chrono::milliseconds;
    const auto shortest =
        std::min({limits.header_time, limits.request_time, limits.idle_time, limits.answer_time});
    return std::clamp(shortest / 10, milliseconds{5}, milliseconds{250});
}

}  // namespace

void ServerShared::remove_connection() {
    if (connections.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::lock_guard lock(idle_mutex);
    idle_changed.notify_all();
}

ServerThread::ServerThread(ServerShared& shared, std::vector<system::Descriptor> listeners)
    : shared_(shared),
      work_(io_.get_executor()),
      mailbox_(std::make_shared<Mailbox>(io_)),
      listeners_(std::move(listeners)),
      sweep_interval_(interval_for(shared.limits)),
      read_buffer_(kReadBufferBytes) {}

ServerThread::~ServerThread() { mailbox_->close(); }

Result<void> ServerThread::open() {
    try {
        sweep_timer_.emplace(io_);
        for (auto& listener : std::exchange(listeners_, {})) {
            acceptors_.push_back(std::make_unique<Acceptor>(*this, std::move(listener)));
        }
    } catch (const boost::system::system_error&) {
        return fail(ErrorCode::io, "cannot set up a server thread: no descriptors are left",
                    "raise the limit (`ulimit -n`, LimitNOFILE=)");
    }
    return {};
}

void ServerThread::run() {
    for (const auto& acceptor : acceptors_) asio::co_spawn(io_, acceptor->run(), asio::detached);
    io_.run();
    mailbox_->close();
}

void ServerThread::post_drain() {
    asio::post(io_, [this] { start_drain(); });
}

void ServerThread::post_stop() {
    asio::post(io_, [this] { stop(); });
}

void ServerThread::start_drain() {
    draining_ = true;
    for (const auto& acceptor : acceptors_) acceptor->close_behind_the_last();
    for (const auto& session : sessions_) session->drain();
    const std::lock_guard lock(shared_.idle_mutex);
    --shared_.threads_to_drain;
    shared_.idle_changed.notify_all();
}

/// Ends every coroutine; run() returns when the last one has.
void ServerThread::stop() {
    stopped_ = true;
    for (const auto& acceptor : acceptors_) acceptor->close();
    for (const auto& session : sessions_) session->close();
    sweep_timer_->cancel();
    work_.reset();
}

std::string ServerThread::take_write_buffer() { return std::exchange(write_buffer_, {}); }

void ServerThread::give_back(std::string buffer) {
    if (buffer.capacity() > kMostKeptWriteBytes || buffer.capacity() < write_buffer_.capacity()) return;
    buffer.clear();
    write_buffer_ = std::move(buffer);
}

std::string_view ServerThread::date(std::chrono::sys_seconds now) {
    if (now != date_of_) {
        date_of_ = now;
        date_ = write_http_date(now);
    }
    return date_;
}

void ServerThread::add(system::Descriptor socket, std::string peer) {
    Socket wrapped(io_);
    error_code error;
    wrapped.assign(asio::ip::tcp::v6(), socket.number(), error);
    if (error) return;  // the kernel has no memory to watch one more
    socket.release();
    wrapped.non_blocking(true, error);
    auto owned = std::make_unique<Session>(*this, std::move(wrapped), std::move(peer));
    auto& session = *owned;
    if (sessions_.empty()) watch_deadlines();
    session.place = sessions_.size();
    sessions_.push_back(std::move(owned));
    shared_.add_connection();
    if (shared_.events.on_connection) shared_.events.on_connection();
    // What a coroutine may throw is that memory is gone: its connection ends, the others go on.
    asio::co_spawn(io_, session.serve(), [this, &session](const std::exception_ptr&) { remove(session); });
}

void ServerThread::remove(Session& session) {
    const auto place = session.place;
    sessions_[place] = std::move(sessions_.back());
    sessions_[place]->place = place;
    sessions_.pop_back();
    shared_.remove_connection();
    if (shared_.events.on_connection_closed) shared_.events.on_connection_closed();
}

/// Again and again while there is a connection: an idle server sleeps.
void ServerThread::watch_deadlines() {
    sweep_timer_->expires_after(sweep_interval_);
    sweep_timer_->async_wait([this](const error_code& error) {
        if (error || sessions_.empty()) return;
        const auto now = SteadyClock::now();
        for (const auto& session : sessions_) session->check_deadline(now);
        watch_deadlines();
    });
}

}  // namespace callchain::http
