#include "http/upgrading_server.hpp"

#include "base/http_date.hpp"
#include "http/listener.hpp"
#include "http/response_writer.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>

namespace callchain::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using Socket = tcp::socket;
using Stream = websocket::stream<Socket, false>;  // false: without permessage-deflate
using Parser = beast::http::request_parser<beast::http::string_body>;

constexpr std::uint64_t kMostBodyBytes = std::uint64_t{1} << 20U;
constexpr std::size_t kMostMessageBytes = std::size_t{4} << 20U;
constexpr std::size_t kMostReasonBytes = 123;  // RFC 6455 section 5.5
constexpr std::chrono::seconds kCloseTime{2};
constexpr std::chrono::milliseconds kAcceptPause{50};

class Connection;

// The way onto the server's thread for those who may outlive the server.
class Gate {
  public:
    explicit Gate(asio::io_context& io) : io_(&io) {}
    template <class Work>
    void post(Work work) {
        const std::lock_guard lock(mutex_);
        if (io_ != nullptr) asio::post(*io_, std::move(work));
    }
    void shut() {
        const std::lock_guard lock(mutex_);
        io_ = nullptr;
    }

  private:
    std::mutex mutex_;
    asio::io_context* io_;
};

}  // namespace

struct UpgradedSocket::Channel {
    Channel(std::shared_ptr<Gate> to, std::weak_ptr<Connection> of)
        : gate(std::move(to)), connection(std::move(of)) {}
    template <class Work>
    void run(Work work) {
        gate->post([connection = connection, work = std::move(work)]() mutable {
            if (const auto found = connection.lock()) work(*found);
        });
    }
    std::shared_ptr<Gate> gate;
    std::weak_ptr<Connection> connection;
};

namespace {

// What the connections have in common. Outlives their handlers.
struct Shared {
    UpgradingHandlers handlers;
    std::shared_ptr<Gate> gate;
    std::unordered_set<std::shared_ptr<Connection>> connections;
};

bool is_malformed(error_code error) {
    using Error = beast::http::error;
    return error.category() == make_error_code(Error::bad_method).category() &&
           error != Error::end_of_stream && error != Error::partial_message;
}

std::string text_of(beast::string_view text) { return {text.data(), text.size()}; }

std::string numeric_address(const Socket& socket) {
    error_code error;
    const auto remote = socket.remote_endpoint(error);
    return error ? std::string() : remote.address().to_string();
}

// Beast keeps the order of different headers and puts repeated ones side by side.
Request take_request(Parser& parser, std::string peer) {
    auto& message = parser.get();
    Request request;
    request.method = text_of(message.method_string());
    request.target = text_of(message.target());
    request.version = message.version() == 10 ? "HTTP/1.0" : "HTTP/1.1";
    for (const auto& field : message)
        request.headers.fields.push_back({text_of(field.name_string()), text_of(field.value())});
    request.body = std::move(message.body());
    request.peer = std::move(peer);
    request.received_at = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    return request;
}

// Everything on the server's thread. Kept by Shared until it ends, and by each operation under way.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(Shared& shared, Socket socket)
        : shared_(shared),
          peer_(numeric_address(socket)),
          socket_(std::move(socket)),
          close_timer_(socket_.get_executor()) {
        error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
    }

    void read_request();
    void answer(std::uint64_t turn, const Response& response);
    void send(std::string text);
    void close(int code, std::string reason);
    void drop() { finish(0); }

  private:
    template <class Work>
    auto guarded(Work work);
    void take_request_or_end(error_code error);
    void dispatch();
    void upgrade();
    void write(const Response& response);
    void opened();
    void read_text();
    void take_text(error_code error);
    void write_next();
    void start_close();
    void end_as_told() { finish(stream_->reason().code); }
    void finish(int close_code);

    Shared& shared_;
    std::string peer_;
    Socket socket_;  // until it is upgraded
    beast::flat_buffer inbox_;
    std::optional<Parser> parser_;
    std::string answer_bytes_;
    std::uint64_t turn_ = 0;  // counts requests, so that no answer gets to another one
    bool waits_for_answer_ = false;
    bool keep_alive_ = true;
    bool over_ = false;

    std::unique_ptr<Stream> stream_;  // from the upgrade on
    std::optional<SocketEvents> events_;
    std::deque<std::string> outbox_;  // the first is being sent while `writing_`
    asio::steady_timer close_timer_;
    std::optional<websocket::close_reason> close_reason_;  // close() was called
    bool open_ = false;
    bool writing_ = false;
    bool close_sent_ = false;
};

// The right to answer one request. One that nobody has used is a 500, so that no client waits for ever.
class Turn {
  public:
    Turn(std::shared_ptr<Gate> gate, std::weak_ptr<Connection> connection, std::uint64_t number)
        : gate_(std::move(gate)), connection_(std::move(connection)), number_(number) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { answer({.status = 500}); }
    // The connection takes the first answer to a turn and passes over the others.
    void answer(Response response) const {
        gate_->post([connection = connection_, number = number_, response = std::move(response)] {
            if (const auto found = connection.lock()) found->answer(number, response);
        });
    }

  private:
    std::shared_ptr<Gate> gate_;
    std::weak_ptr<Connection> connection_;
    std::uint64_t number_;
};

// A handler that keeps this object and does nothing once the connection is over.
template <class Work>
auto Connection::guarded(Work work) {
    return [self = shared_from_this(), work = std::move(work)](error_code error, auto&&...) {
        if (!self->over_) work(*self, error);
    };
}

void Connection::read_request() {
    parser_.emplace();
    parser_->body_limit(kMostBodyBytes);
    beast::http::async_read(socket_, inbox_, *parser_, guarded([](Connection& self, error_code error) {
                                self.take_request_or_end(error);
                            }));
}

void Connection::take_request_or_end(error_code error) {
    if (!error) return dispatch();
    if (!is_malformed(error)) return finish(0);
    keep_alive_ = false;
    write({.status = error == beast::http::error::body_limit ? 413 : 400});
}

void Connection::dispatch() {
    keep_alive_ = parser_->get().keep_alive();
    if (websocket::is_upgrade(parser_->get())) return upgrade();
    waits_for_answer_ = true;
    const auto turn = std::make_shared<Turn>(shared_.gate, weak_from_this(), ++turn_);
    shared_.handlers.on_request(take_request(*parser_, peer_),
                                [turn](Response response) { turn->answer(std::move(response)); });
}

void Connection::answer(std::uint64_t turn, const Response& response) {
    if (over_ || turn != turn_ || !std::exchange(waits_for_answer_, false)) return;
    write(response);
}

void Connection::write(const Response& response) {
    using Frame = ResponseFrame;
    const auto date =
        write_http_date(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    answer_bytes_.clear();
    const bool is_head = parser_->get().method() == beast::http::verb::head;
    write_response(
        answer_bytes_, response,
        {.date = date,
         .connection = keep_alive_ ? Frame::Connection::stays_and_says_so : Frame::Connection::closes,
         .body = is_head ? Frame::Body::left_off : Frame::Body::sent});
    asio::async_write(socket_, asio::buffer(answer_bytes_), guarded([](Connection& self, error_code error) {
                          if (error || !self.keep_alive_) return self.finish(0);
                          self.read_request();
                      }));
}

void Connection::upgrade() {
    std::optional<Response> refusal;
    std::optional<SocketEvents> events;
    shared_.handlers.on_upgrade(take_request(*parser_, peer_), events, refusal);
    if (!events) return write(refusal.value_or(Response{.status = 500}));
    events_ = std::move(events);
    stream_ = std::make_unique<Stream>(std::move(socket_));
    stream_->read_message_max(kMostMessageBytes);
    stream_->auto_fragment(false);
    stream_->text(true);
    stream_->async_accept(parser_->get(), guarded([](Connection& self, error_code error) {
                              if (error) return self.finish(0);
                              self.opened();
                          }));
}

void Connection::opened() {
    open_ = true;
    if (events_->on_open)
        events_->on_open(
            UpgradedSocket(std::make_shared<UpgradedSocket::Channel>(shared_.gate, weak_from_this())));
    read_text();
}

void Connection::read_text() {
    stream_->async_read(inbox_, guarded([](Connection& self, error_code error) { self.take_text(error); }));
}

void Connection::take_text(error_code error) {
    // From the close frame on, Beast's close operation reads, and tells how it ended.
    if (error && close_sent_ && error != websocket::error::closed) return;
    if (error == websocket::error::closed) return end_as_told();
    if (error) return finish(0);
    const auto bytes = inbox_.data();
    std::string text(static_cast<const char*>(bytes.data()), bytes.size());
    inbox_.consume(inbox_.size());
    if (stream_->got_text() && events_->on_text) events_->on_text(std::move(text));
    read_text();
}

void Connection::send(std::string text) {
    if (over_ || close_reason_) return;
    outbox_.push_back(std::move(text));
    write_next();
}

void Connection::write_next() {
    if (writing_) return;
    if (outbox_.empty()) {
        if (close_reason_) start_close();
        return;
    }
    writing_ = true;
    stream_->async_write(asio::buffer(outbox_.front()), guarded([](Connection& self, error_code error) {
                             self.writing_ = false;
                             if (error) return;  // the reading side knows more: there may be a close frame
                             self.outbox_.pop_front();
                             self.write_next();
                         }));
}

void Connection::close(int code, std::string reason) {
    if (over_ || close_reason_) return;
    reason.resize(std::min(reason.size(), kMostReasonBytes));
    websocket::close_reason why;
    why.code = static_cast<std::uint16_t>(code);
    why.reason.assign(reason.data(), reason.size());
    close_reason_ = why;
    // The peer may never answer, or not even read.
    close_timer_.expires_after(kCloseTime);
    close_timer_.async_wait(guarded([](Connection& self, error_code error) {
        if (!error) self.finish(0);
    }));
    write_next();
}

void Connection::start_close() {
    close_sent_ = true;
    stream_->async_close(*close_reason_, guarded([](Connection& self, error_code) { self.end_as_told(); }));
}

// Ends every operation; their handlers come yet, and find that it is over.
void Connection::finish(int close_code) {
    if (std::exchange(over_, true)) return;
    const auto self = shared_from_this();
    shared_.connections.erase(self);
    close_timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
    if (stream_) stream_->next_layer().close(ignored);
    const auto events = std::exchange(events_, std::nullopt);
    if (open_ && events->on_end) events->on_end(close_code);
}

}  // namespace

UpgradedSocket::UpgradedSocket(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}
void UpgradedSocket::send(std::string text) {
    channel_->run(
        [text = std::move(text)](Connection& connection) mutable { connection.send(std::move(text)); });
}
void UpgradedSocket::close(int code, std::string reason) {
    channel_->run(
        [code, reason = std::move(reason)](Connection& connection) { connection.close(code, reason); });
}
void UpgradedSocket::drop() {
    channel_->run([](Connection& connection) { connection.drop(); });
}

struct UpgradingServer::State {
    explicit State(UpgradingHandlers handlers)
        : shared{std::move(handlers), std::make_shared<Gate>(io), {}}, acceptor(io), pause(io) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State();
    void accept();

    asio::io_context io{1};
    Shared shared;
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    std::string address;
    std::thread thread;
};

void UpgradingServer::State::accept() {
    acceptor.async_accept([this](error_code error, Socket socket) {
        if (!error) {
            const auto connection = std::make_shared<Connection>(shared, std::move(socket));
            shared.connections.insert(connection);
            connection->read_request();
            return accept();
        }
        // Out of descriptors, mostly: trying again at once would keep a processor busy.
        pause.expires_after(kAcceptPause);
        pause.async_wait([this](error_code) { accept(); });
    });
}

UpgradingServer::State::~State() {
    shared.gate->shut();
    if (!thread.joinable()) return;
    // Behind stop() no handler runs: what waits to accept is dropped with `io`.
    asio::post(io, [this] {
        while (!shared.connections.empty()) (*shared.connections.begin())->drop();
        io.stop();
    });
    thread.join();
}

Result<std::unique_ptr<UpgradingServer>> UpgradingServer::start(const std::string& listen,
                                                                UpgradingHandlers handlers) {
    auto sockets = CALLCHAIN_TRY(open_listeners({.address = listen}));
    try {
        auto state = std::make_unique<State>(std::move(handlers));
        state->address = bound_endpoint(sockets.front());
        const auto protocol = state->address.starts_with('[') ? tcp::v6() : tcp::v4();
        state->acceptor.assign(protocol, sockets.front().number());
        sockets.front().release();
        state->accept();
        state->thread = std::thread([io = &state->io] { io->run(); });
        return std::unique_ptr<UpgradingServer>(new UpgradingServer(std::move(state)));
    } catch (const std::exception&) {
        return fail(ErrorCode::io, "cannot serve on " + listen + ": descriptors or threads have run out",
                    "raise the limits of descriptors and processes (`ulimit -n`, `ulimit -u`)");
    }
}

UpgradingServer::UpgradingServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
UpgradingServer::~UpgradingServer() = default;

std::string UpgradingServer::address() const { return state_->address; }

}  // namespace callchain::http
