/// One TCP or TLS connection, from its first byte to its last.
#pragma once

#include "gateway/due_timers.hpp"
#include "gateway/flow.hpp"
#include "gateway/loop.hpp"
#include "gateway/tls_stream.hpp"
#include "gateway/transports.hpp"
#include "sip/framing.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace callchain::gateway {

class StreamConnection;

/// What connections need of those who have them, and what they tell. It must outlive them.
class StreamHost {
  public:
    StreamHost() = default;
    StreamHost(const StreamHost&) = delete;
    StreamHost& operator=(const StreamHost&) = delete;
    virtual ~StreamHost() = default;

    [[nodiscard]] virtual Loop& loop() = 0;
    [[nodiscard]] virtual const TransportLimits& limits() const = 0;
    [[nodiscard]] virtual TransportCounts& tally() = 0;
    /// It holds more than its part, and is about to be closed for it.
    virtual void on_too_much(StreamConnection& connection, const std::string& why) = 0;
    [[nodiscard]] virtual DueTimers& deadlines() = 0;
    /// For one read at a time: shared by all, so that an idle connection has none.
    [[nodiscard]] virtual std::span<char> read_buffer() = 0;
    [[nodiscard]] virtual const TlsServerContext* tls_server() const = 0;
    /// Errors: as TlsClientContext::load().
    [[nodiscard]] virtual Result<const TlsClientContext*> tls_client() = 0;

    /// The proxy has told whose connection it is. False: there are too many of that address.
    [[nodiscard]] virtual bool on_client_known(StreamConnection& connection) = 0;
    /// It is a flow from now on.
    virtual void on_ready(StreamConnection& connection) = 0;
    virtual void on_message(StreamConnection& connection, std::string_view bytes) = 0;
    /// It is no flow any more, or never became one. Once.
    virtual void on_ended(StreamConnection& connection, const std::string& why) = 0;
    /// Its socket is closed. Once, behind on_ended().
    virtual void on_gone(StreamConnection& connection) = 0;
};

/// Reads while there is something, writes what has gathered at the end of each turn of the loop, and keeps
/// its deadlines on one timer. Where the peer does not take the answers to what it sends, it is not read from
/// until it does. The loop's thread.
///
///     connecting ─┐
///     proxy_header ─▶ shaking_hands ─▶ open ─▶ draining ─▶ lingering ─▶ closed
class StreamConnection : public std::enable_shared_from_this<StreamConnection> {
  public:
    enum class Greeting { none, proxy_header };

    StreamConnection(StreamHost& host, FlowInfo info) : host_(host), info_(std::move(info)) {}
    StreamConnection(const StreamConnection&) = delete;
    StreamConnection& operator=(const StreamConnection&) = delete;
    ~StreamConnection() = default;

    void accept(system::Descriptor socket, Greeting greeting);
    /// Connects to info().peer; where that fails at once, on_ended() is called from within.
    void connect();

    /// False: it is not open, or was closed because its backlog is full.
    [[nodiscard]] bool send(std::string_view bytes);
    /// Sends what waits, tells the peer, then closes.
    void finish(const std::string& why);
    /// Closes at once.
    void abort(const std::string& why);
    void on_deadline();

    [[nodiscard]] const FlowInfo& info() const { return info_; }
    [[nodiscard]] FlowInfo& info() { return info_; }
    [[nodiscard]] bool is_open() const { return phase_ == Phase::open; }
    /// A TLS handshake or PROXY header is under way.
    [[nodiscard]] bool is_greeting() const {
        return phase_ == Phase::proxy_header || phase_ == Phase::shaking_hands;
    }

  private:
    enum class Phase { connecting, proxy_header, shaking_hands, open, draining, lingering, closed };
    enum class Reading { goes_on, waits, stopped };

    void watch(system::Descriptor socket);
    void enter(Phase phase, std::chrono::milliseconds most);
    void on_readable();
    void on_writable();
    void end_connecting();
    void read_greeting();
    void begin_tls_or_open();
    void shake_hands();
    void open();
    void read_messages();
    [[nodiscard]] Reading read_once();
    [[nodiscard]] bool take_frames();
    void take(sip::Frame frame);
    void note_message_time();
    [[nodiscard]] bool hold(std::size_t bytes);
    void await_more();
    void flush_soon();
    void flush();
    void note_progress();
    void linger();
    void discard();
    void close();
    void ping();
    [[nodiscard]] std::string overdue_words() const;
    [[nodiscard]] sip::SteadyTime due() const;
    void set_deadline();
    [[nodiscard]] Transfer read_some(std::span<char> buffer);
    [[nodiscard]] Transfer write_some(std::string_view bytes);
    [[nodiscard]] std::size_t queued() const { return queue_.size() - sent_; }
    [[nodiscard]] bool is_paused() const;

    StreamHost& host_;
    FlowInfo info_;
    std::optional<Watched> socket_;
    std::unique_ptr<TlsStream> tls_;  // null: plain, or not begun
    std::optional<sip::Framer> framer_;
    std::string greeting_;  // of a PROXY header, what has come so far
    std::string queue_;
    std::size_t sent_ = 0;  // of queue_
    std::size_t held_ = 0;  // of the bytes that are counted as unfinished
    std::string fault_;     // of the last transfer without TLS
    Phase phase_ = Phase::connecting;
    bool flush_is_posted_ = false;
    bool read_wants_write_ = false;
    bool write_wants_read_ = false;
    bool answers_pings_ = false;
    std::size_t discarded_ = 0;
    sip::SteadyTime phase_ends_ = sip::SteadyTime::max();  // but of `open`
    sip::SteadyTime last_byte_;
    sip::SteadyTime message_ends_ = sip::SteadyTime::max();
    sip::SteadyTime send_ends_ = sip::SteadyTime::max();
    sip::SteadyTime next_ping_ = sip::SteadyTime::max();
    sip::SteadyTime pong_ends_ = sip::SteadyTime::max();
    sip::SteadyTime timer_due_ = sip::SteadyTime::max();  // no later than due()
};

}  // namespace callchain::gateway
