#include "http/web_socket.hpp"

#include "base/text.hpp"
#include "http/loop_state.hpp"
#include "http/request_rules.hpp"
#include "http/tls_client.hpp"
#include "http/url.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>
#include <optional>

namespace callchain::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Kind = WebSocketEnd::Kind;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kCloseTime{2};
constexpr std::size_t kMostHeaderBytes = 16'384;
constexpr std::size_t kMostBodyKept = 4'096;
constexpr std::size_t kWriteBufferBytes = 16'384;

// A socket, with or without TLS, so that Beast's WebSocket is compiled once and not twice.
class AnyStream {
  public:
    // NOLINTNEXTLINE(readability-identifier-naming): the name that asio asks for
    using executor_type = tcp::socket::executor_type;
    explicit AnyStream(tcp::socket socket) : socket_(std::make_unique<tcp::socket>(std::move(socket))) {}

    executor_type get_executor() noexcept { return socket_->get_executor(); }
    tcp::socket& socket() { return *socket_; }
    using Tls = asio::ssl::stream<tcp::socket&>;
    Tls& secure(asio::ssl::context& context) {
        tls_ = std::make_unique<Tls>(*socket_, context);
        return *tls_;
    }
    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        if (tls_) return tls_->async_read_some(buffers, std::forward<Handler>(handler));
        socket_->async_read_some(buffers, std::forward<Handler>(handler));
    }
    template <class Buffers, class Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
        if (tls_) return tls_->async_write_some(buffers, std::forward<Handler>(handler));
        socket_->async_write_some(buffers, std::forward<Handler>(handler));
    }

  private:
    std::unique_ptr<tcp::socket> socket_;
    std::unique_ptr<Tls> tls_;
};

// Beast asks for these two by name. Behind the exchange of close frames nothing is waited for: the owner
// closes the socket.
template <class Handler>
void async_teardown(beast::role_type, AnyStream& stream, Handler&& handler) {
    asio::post(stream.get_executor(),
               [handler = std::forward<Handler>(handler)]() mutable { handler(error_code{}); });
}
void beast_close_socket(AnyStream& stream) {
    error_code ignored;
    stream.socket().close(ignored);
}

using Stream = websocket::stream<AnyStream, false>;  // false: without permessage-deflate

std::vector<tcp::endpoint> known_endpoints(const UrlParts& url) {
    if (url.host == "localhost") {  // never asked for in the DNS. Source: RFC 6761 section 6.3
        return {{asio::ip::address_v4::loopback(), url.port}, {asio::ip::address_v6::loopback(), url.port}};
    }
    error_code error;
    const auto address = asio::ip::make_address(url.host, error);
    if (error) return {};
    return {{address, url.port}};
}

bool is_user_agent(const Header& header) { return equal_ignoring_case(header.name, "User-Agent"); }

// Beast throws at longer ones.
bool is_sendable(const Header& header) {
    return is_well_formed(header) && header.value.size() <= kMostHeaderBytes;
}

std::string fault_of(const WebSocketOptions& options, const std::optional<UrlParts>& url) {
    if (!url || !(url->scheme == "wss" || url->scheme == "ws")) return "the URL is no ws or wss URL";
    if (std::all_of(options.headers.begin(), options.headers.end(), is_sendable) &&
        is_sendable({"User-Agent", options.user_agent}))
        return {};
    return "a header is too long or has a character that HTTP does not allow";
}

}  // namespace

// Kept by the WebSocket and by every operation under way; each of these looks at `events_` first, which is
// empty once the connection has ended or its owner has gone.
struct WebSocket::State : std::enable_shared_from_this<State> {
    State(asio::io_context& io, WebSocketOptions options, WebSocketEvents events);

    void start();
    void send(std::string text);
    void close(int code);
    void drop();

  private:
    template <class Work>
    auto guarded(Work work);
    void resolve();
    void take_addresses(error_code error, const tcp::resolver::results_type& results);
    void connect_next(error_code last);
    void connected();
    void secure();
    void upgrade();
    void upgraded(error_code error);
    void read();
    void take(error_code error);
    void write_next();
    void start_close();
    void watch_silence();
    void ping();
    void end(Kind kind, const std::string& what);
    void end_later(Kind kind, std::string what);
    void end_in_time(Kind kind, std::string what);
    void end_as_read(error_code error);
    void end_as_told();
    void finish(WebSocketEnd result);
    void release();

    WebSocketOptions options_;
    std::shared_ptr<const WebSocketEvents> events_;
    std::optional<UrlParts> url_;
    std::string place_;            // for messages: the URL without its query
    std::string_view stage_ = "";  // what the connection waits for, for messages
    tcp::resolver resolver_;
    asio::steady_timer connect_timer_;  // of the whole way to the upgrade's answer
    asio::steady_timer attempt_timer_;  // of one address
    asio::steady_timer silence_timer_;
    asio::steady_timer close_timer_;
    std::vector<tcp::endpoint> endpoints_;
    std::size_t next_endpoint_ = 0;
    tcp::socket socket_;              // until it is connected
    std::unique_ptr<Stream> stream_;  // from then on
    websocket::response_type response_;
    beast::flat_buffer inbox_;
    std::deque<std::string> outbox_;  // the first is being sent while `writing_`
    std::size_t queued_bytes_ = 0;
    Clock::time_point heard_at_{};
    bool open_ = false;
    bool writing_ = false;
    bool pinging_ = false;
    std::optional<int> close_code_;  // close() was called
    bool close_sent_ = false;
};

WebSocket::State::State(asio::io_context& io, WebSocketOptions options, WebSocketEvents events)
    : options_(std::move(options)),
      events_(std::make_shared<const WebSocketEvents>(std::move(events))),
      url_(read_url(options_.url)),
      resolver_(io),
      connect_timer_(io),
      attempt_timer_(io),
      silence_timer_(io),
      close_timer_(io),
      socket_(io) {
    if (!url_) return;
    place_ = url_->scheme + "://" + url_->authority + url_->target.substr(0, url_->target.find('?'));
}

// A handler that keeps this object and does nothing once the connection has ended.
template <class Work>
auto WebSocket::State::guarded(Work work) {
    return [self = shared_from_this(), work = std::move(work)](auto&&... arguments) {
        if (self->events_) work(*self, std::forward<decltype(arguments)>(arguments)...);
    };
}

void WebSocket::State::start() {
    if (auto fault = fault_of(options_, url_); !fault.empty())
        return end_later(Kind::failed, std::move(fault));
    connect_timer_.expires_after(options_.connect_time);
    connect_timer_.async_wait(guarded([](State& self, error_code error) {
        if (error || self.open_) return;
        self.end(Kind::timeout, "not open within " + std::to_string(self.options_.connect_time.count()) +
                                    " ms; it waited for " + std::string(self.stage_));
    }));
    resolve();
}

void WebSocket::State::resolve() {
    stage_ = "the address of the host";
    endpoints_ = known_endpoints(*url_);
    if (!endpoints_.empty()) return connect_next({});
    resolver_.async_resolve(
        url_->host, std::to_string(url_->port),
        tcp::resolver::address_configured | tcp::resolver::numeric_service,
        guarded([](State& self, error_code error, const tcp::resolver::results_type& results) {
            self.take_addresses(error, results);
        }));
}

void WebSocket::State::take_addresses(error_code error, const tcp::resolver::results_type& results) {
    if (error) return end(Kind::failed, "no address for " + url_->host + ": " + error.message());
    for (const auto& result : results) endpoints_.push_back(result.endpoint());
    connect_next({});
}

// Each address has its share of the time that is left, so that a silent one does not take all of it.
void WebSocket::State::connect_next(error_code last) {
    stage_ = "a connection";
    if (next_endpoint_ == endpoints_.size())
        return end(Kind::failed, "no connection to " + url_->authority + ": " + last.message());
    const auto left = endpoints_.size() - next_endpoint_;
    const auto endpoint = endpoints_[next_endpoint_++];
    error_code ignored;
    socket_.close(ignored);
    if (left > 1) {
        attempt_timer_.expires_after((connect_timer_.expiry() - Clock::now()) / left);
        attempt_timer_.async_wait(guarded([attempt = next_endpoint_](State& self, error_code error) {
            error_code closing;
            // Cancelled too late, it would end the attempt behind its own.
            if (!error && self.next_endpoint_ == attempt) self.socket_.close(closing);
        }));
    }
    socket_.async_connect(endpoint, guarded([](State& self, error_code error) {
                              self.attempt_timer_.cancel();
                              // The timer's handler may have run behind a connect that had ended well and
                              // whose handler waited.
                              if (!error && !self.socket_.is_open()) error = asio::error::timed_out;
                              if (error)
                                  return self.connect_next(error == asio::error::operation_aborted
                                                               ? asio::error::timed_out
                                                               : error);
                              self.connected();
                          }));
}

void WebSocket::State::connected() {
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    stream_ = std::make_unique<Stream>(AnyStream(std::move(socket_)));
    if (url_->encrypted()) return secure();
    upgrade();
}

void WebSocket::State::secure() {
    stage_ = "the TLS handshake";
    auto context = share_client_context(options_.ca_file);
    if (!context) return end(Kind::failed, context.error().message);
    asio::ssl::context owned(*context);
    auto& tls = stream_->next_layer().secure(owned);
    if (const auto expected = expect_host(tls.native_handle(), url_->host); !expected)
        return end(Kind::failed, expected.error().message);
    tls.async_handshake(asio::ssl::stream_base::client, guarded([&tls](State& self, error_code error) {
                            if (!error) return self.upgrade();
                            self.end(Kind::failed, "no secure connection to " + self.url_->authority + ": " +
                                                       handshake_fault(tls.native_handle(), error.message()));
                        }));
}

void WebSocket::State::upgrade() {
    stage_ = "the answer to the upgrade";
    stream_->read_message_max(options_.most_message_bytes);
    stream_->auto_fragment(false);
    stream_->write_buffer_bytes(kWriteBufferBytes);
    stream_->text(true);
    stream_->control_callback(
        [this](websocket::frame_type, beast::string_view) { heard_at_ = Clock::now(); });
    stream_->set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
        const auto& headers = options_.headers;
        if (!options_.user_agent.empty() && std::none_of(headers.begin(), headers.end(), is_user_agent))
            request.set(beast::http::field::user_agent, options_.user_agent);
        for (const auto& header : headers) request.insert(header.name, header.value);
    }));
    stream_->async_handshake(response_, url_->authority, url_->target,
                             guarded([](State& self, error_code error) { self.upgraded(error); }));
}

void WebSocket::State::upgraded(error_code error) {
    connect_timer_.cancel();
    if (error == websocket::error::upgrade_declined) {
        const auto status = response_.result_int();
        WebSocketEnd result{Kind::refused};
        result.http_status = static_cast<int>(status);
        result.http_body = response_.body().substr(0, kMostBodyKept);
        result.message = place_ + ": the upgrade was answered with " + std::to_string(status);
        if (const auto reason = reason_phrase(result.http_status); !reason.empty())
            result.message += ' ' + std::string(reason);
        return finish(std::move(result));
    }
    if (error) return end(Kind::failed, "the answer to the upgrade: " + error.message());
    open_ = true;
    heard_at_ = Clock::now();
    const auto events = events_;
    if (events->on_open) events->on_open();
    if (!events_) return;  // its owner dropped it
    read();
    watch_silence();
    write_next();
}

void WebSocket::State::read() {
    stream_->async_read_some(inbox_, 0,
                             guarded([](State& self, error_code error, std::size_t) { self.take(error); }));
}

void WebSocket::State::take(error_code error) {
    // From the close frame on, Beast's close operation reads, and tells how it ended.
    if (error && close_sent_ && error != websocket::error::closed) return;
    if (error) return end_as_read(error);
    heard_at_ = Clock::now();
    if (!stream_->is_message_done()) return read();
    const auto bytes = inbox_.data();
    std::string message(static_cast<const char*>(bytes.data()), bytes.size());
    inbox_.clear();
    const auto events = events_;
    if (stream_->got_text() && events->on_text) events->on_text(std::move(message));
    if (events_) read();
}

void WebSocket::State::end_as_read(error_code error) {
    if (error == websocket::error::closed) return end_as_told();
    if (error == websocket::error::message_too_big)
        return end(Kind::lost, "the peer sent more than " + count_of(options_.most_message_bytes, "byte") +
                                   " in one message");
    end(Kind::lost, "lost: " + error.message());
}

// With what the peer's close frame says, if there was one.
void WebSocket::State::end_as_told() {
    WebSocketEnd result{close_code_ ? Kind::closed : Kind::closed_by_peer};
    result.close_code = stream_->reason().code;
    const auto& reason = stream_->reason().reason;
    result.close_reason.assign(reason.data(), reason.size());
    result.message = place_ + (close_code_ ? ": closed" : ": the peer closed it");
    if (result.close_code != 0) result.message += ", its code is " + std::to_string(result.close_code);
    finish(std::move(result));
}

void WebSocket::State::send(std::string text) {
    if (!events_ || close_code_) return;
    queued_bytes_ += text.size();
    if (queued_bytes_ > options_.most_queued_bytes)
        return end_later(Kind::lost, "more than " + count_of(options_.most_queued_bytes, "byte") +
                                         " wait to be sent: the peer does not read");
    outbox_.push_back(std::move(text));
    write_next();
}

void WebSocket::State::write_next() {
    if (!open_ || writing_) return;
    if (outbox_.empty()) {
        if (close_code_) start_close();
        return;
    }
    writing_ = true;
    stream_->async_write(asio::buffer(outbox_.front()),
                         guarded([](State& self, error_code error, std::size_t) {
                             self.writing_ = false;
                             if (error) return self.end_in_time(Kind::lost, "lost: " + error.message());
                             self.queued_bytes_ -= self.outbox_.front().size();
                             self.outbox_.pop_front();
                             self.write_next();
                         }));
}

void WebSocket::State::close(int code) {
    if (!events_ || close_code_) return;
    close_code_ = code;
    if (!open_) return end_later(Kind::closed, "closed before it was open");
    end_in_time(Kind::closed, "closed; the peer did not answer the close frame");
    write_next();
}

// Unless the reading side ends the connection first, which knows more: a close frame may stand before the
// end of a connection that cannot be written to.
void WebSocket::State::end_in_time(Kind kind, std::string what) {
    close_timer_.expires_after(kCloseTime);
    close_timer_.async_wait(guarded([kind, what = std::move(what)](State& self, error_code error) {
        if (!error) self.end(kind, what);
    }));
}

void WebSocket::State::start_close() {
    if (std::exchange(close_sent_, true)) return;
    stream_->async_close(websocket::close_reason(static_cast<std::uint16_t>(*close_code_)),
                         guarded([](State& self, error_code) { self.end_as_told(); }));
}

// Silence is judged when its time has come, not at each message: one timer, rarely set. From close() on, the
// time for that counts alone.
void WebSocket::State::watch_silence() {
    if (close_code_) return;
    const auto now = Clock::now();
    const auto silence = now - heard_at_;
    if (silence >= 2 * options_.ping_time)
        return end(Kind::timeout, "nothing was heard for " +
                                      std::to_string(std::chrono::floor<milliseconds>(silence).count()) +
                                      " ms, a ping included");
    const bool quiet = silence >= options_.ping_time;
    if (quiet) ping();
    silence_timer_.expires_at(heard_at_ + (quiet ? 2 : 1) * options_.ping_time);
    silence_timer_.async_wait(guarded([](State& self, error_code error) {
        if (!error) self.watch_silence();
    }));
}

void WebSocket::State::ping() {
    if (pinging_) return;
    pinging_ = true;
    stream_->async_ping({}, guarded([](State& self, error_code) { self.pinging_ = false; }));
}

void WebSocket::State::end(Kind kind, const std::string& what) {
    WebSocketEnd result{kind};
    result.message = place_.empty() ? what : place_ + ": " + what;
    finish(std::move(result));
}

// For what is found out inside a call of the owner's, who expects no event from within it.
void WebSocket::State::end_later(Kind kind, std::string what) {
    asio::post(connect_timer_.get_executor(),
               guarded([kind, what = std::move(what)](State& self) { self.end(kind, what); }));
}

void WebSocket::State::finish(WebSocketEnd result) {
    const auto events = std::move(events_);
    release();
    if (events->on_end) events->on_end(std::move(result));
}

void WebSocket::State::drop() {
    events_.reset();
    release();
}

// Ends every operation; their handlers come yet, and find no events.
void WebSocket::State::release() {
    resolver_.cancel();
    for (auto* timer : {&connect_timer_, &attempt_timer_, &silence_timer_, &close_timer_}) timer->cancel();
    error_code ignored;
    socket_.close(ignored);
    if (stream_) stream_->next_layer().socket().close(ignored);
}

std::unique_ptr<WebSocket> WebSocket::connect(Loop& loop, WebSocketOptions options, WebSocketEvents events) {
    auto state = std::make_shared<State>(loop.state().io, std::move(options), std::move(events));
    std::unique_ptr<WebSocket> result(new WebSocket(state));
    state->start();
    return result;
}

WebSocket::WebSocket(std::shared_ptr<State> state) : state_(std::move(state)) {}
WebSocket::~WebSocket() { state_->drop(); }
void WebSocket::send(std::string text) { state_->send(std::move(text)); }
void WebSocket::close(int code) { state_->close(code); }

}  // namespace callchain::http
