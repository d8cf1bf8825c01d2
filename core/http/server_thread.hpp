/// One thread of a server: its io_context, its acceptors and its connections.
#pragma once

#include "base/result.hpp"
#include "http/acceptor.hpp"
#include "http/server.hpp"
#include "http/server_io.hpp"
#include "http/server_mailbox.hpp"
#include "http/tls.hpp"
#include "system/descriptor.hpp"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::http {

/// What the threads of a server have in common. Outlives them.
struct ServerShared {
    ServerLimits limits;
    Handler handler;
    ServerEvents events;
    std::unique_ptr<TlsContext> tls;  ///< null: plain

    /// Counts connections, and threads that have not yet heard of a drain, for wait_until_idle().
    void add_connection() { connections.fetch_add(1, std::memory_order_relaxed); }
    void remove_connection();
    std::atomic<std::size_t> connections{0};
    std::atomic<std::size_t> unfinished_bytes{0};  ///< of requests that are not whole yet
    std::mutex idle_mutex;
    std::condition_variable idle_changed;
    std::size_t threads_to_drain = 0;  ///< under idle_mutex
    bool drain_started = false;        ///< under idle_mutex
};

class Session;

/// A coroutine per acceptor and per connection on an io_context of its own. Connections have no timer: each
/// knows its deadline, and one sweep looks at all of them.
///
/// All of it belongs to the thread of run(), but for the constructor, open() and the two post functions.
class ServerThread {
  public:
    ServerThread(ServerShared& shared, std::vector<system::Descriptor> listeners);
    ServerThread(const ServerThread&) = delete;
    ServerThread& operator=(const ServerThread&) = delete;
    ~ServerThread();

    /// Errors: io where the system has no descriptors left.
    [[nodiscard]] Result<void> open();
    /// Until post_stop(), and until every connection is closed.
    void run();
    void post_drain();
    void post_stop();

    // For sessions and acceptors.
    [[nodiscard]] asio::io_context& io() { return io_; }
    [[nodiscard]] ServerShared& shared() { return shared_; }
    [[nodiscard]] const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
    [[nodiscard]] bool is_draining() const { return draining_; }
    /// Shared by all connections: what it holds is used or copied before the next co_await.
    [[nodiscard]] std::span<char> read_buffer() { return read_buffer_; }
    /// Empty, mostly with the capacity of an answer before.
    [[nodiscard]] std::string take_write_buffer();
    void give_back(std::string buffer);
    /// Of this second, as a Date header has it. Borrows until the next call.
    [[nodiscard]] std::string_view date(std::chrono::sys_seconds now);
    /// A connection that was accepted. Throws what Asio and OpenSSL throw where memory is gone.
    void add(system::Descriptor socket, std::string peer);

  private:
    void remove(Session& session);
    void watch_deadlines();
    void start_drain();
    void stop();

    ServerShared& shared_;
    asio::io_context io_{1};  // one thread runs it
    asio::executor_work_guard<Executor> work_;
    std::shared_ptr<Mailbox> mailbox_;
    std::vector<system::Descriptor> listeners_;  ///< until open()
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    std::vector<std::unique_ptr<Session>> sessions_;  ///< each knows its place
    std::optional<SteadyTimer> sweep_timer_;
    std::chrono::milliseconds sweep_interval_;
    std::vector<char> read_buffer_;
    std::string write_buffer_;
    std::string date_;
    std::chrono::sys_seconds date_of_{};
    bool draining_ = false;
    bool stopped_ = false;
};

}  // namespace callchain::http
