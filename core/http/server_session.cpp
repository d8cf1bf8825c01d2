#include "http/server_session.hpp"

#include "http/request_parser.hpp"
#include "http/response_writer.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <utility>

namespace callchain::http {
namespace {

// A socket that is closed while bytes of the client are unread resets the connection, and the client may
// lose our answer. So the sending side closes first and what still comes is read and dropped for a while.
// Source: RFC 9112 section 9.6.
constexpr std::chrono::milliseconds kLingerTime{1'000};
constexpr std::size_t kMostDiscardedBytes = std::size_t{256} << 10U;

// A request of this size is taken however much others have sent of theirs.
constexpr std::size_t kSmallRequestBytes = std::size_t{16} << 10U;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

void give_back_memory(std::string& text) { std::string().swap(text); }

}  // namespace

struct Session::Tls {
    Tls(Socket& socket, asio::ssl::context& context) : stream(socket, context) {}
    asio::ssl::stream<Socket&> stream;
};

Session::Session(ServerThread& thread, Socket socket, std::string peer)
    : thread_(thread), socket_(std::move(socket)), peer_(std::move(peer)) {
    const auto& shared = thread_.shared();
    if (shared.tls) {
        tls_ = std::make_unique<Tls>(socket_, *shared.tls->current());
        enter(Phase::handshaking, shared.limits.header_time);
    } else {
        enter(Phase::idle, shared.limits.idle_time);
    }
}

Session::~Session() { forget_request(); }

Task<void> Session::serve() {
    if (tls_ && !co_await shake_hands()) co_return;
    while (!closing_) {
        const auto received = co_await receive();
        if (received == Received::nothing) co_return;
        auto response =
            received == Received::request ? dispatch() : std::optional<Response>(refuse(refusal_));
        if (!response) response = co_await wait_for_answer();
        if (!response) co_return;
        auto bytes = thread_.take_write_buffer();
        write(bytes, *response);
        error_code error;
        const auto sent = write_at_once(bytes, error);
        if (error) co_return;
        if (sent < bytes.size()) {
            enter(Phase::writing, thread_.shared().limits.answer_time);
            if (!co_await write_all(std::string_view(bytes).substr(sent))) co_return;
        }
        thread_.give_back(std::move(bytes));
        look_only_ = thread_.is_draining();  // since the answer left, which did not say so
    }
    co_await linger();
}

void Session::enter(Phase phase, std::chrono::milliseconds most) {
    phase_ = phase;
    overdue_ = false;
    deadline_ = SteadyClock::now() + most;
}

void Session::wake() {
    error_code ignored;
    socket_.cancel(ignored);
}

void Session::check_deadline(SteadyTime now) {
    if (now < deadline_) return;
    if (phase_ != Phase::receiving && phase_ != Phase::answering) return close();
    overdue_ = true;  // the client is told
    wake();
}

void Session::drain() {
    if (phase_ != Phase::idle) return;
    look_only_ = true;
    wake();
}

void Session::close() {
    if (phase_ == Phase::idle) shut_down_tls();
    error_code ignored;
    socket_.close(ignored);
}

Task<bool> Session::shake_hands() {
    error_code error;
    co_await tls_->stream.async_handshake(asio::ssl::stream_base::server, into(error));
    co_return !error;
}

/// Waits for the next request, or for a reason to refuse it.
Task<Session::Received> Session::receive() {
    enter(Phase::idle, thread_.shared().limits.idle_time);
    http_1_1_ = true;
    body_left_off_ = false;
    auto received = take_unread();
    // OpenSSL may hold bytes that the socket no longer has; a plain socket is read when it says so.
    bool looks_first = tls_ != nullptr;
    while (received == Received::part) {
        error_code error = asio::error::would_block;
        const auto size = looks_first || look_only_ ? read_some(error) : 0;
        if (error == asio::error::would_block) {
            if (look_only_) {
                shut_down_tls();
                co_return Received::nothing;
            }
            co_await socket_.async_wait(Socket::wait_read, into(error));
            if (!socket_.is_open()) co_return Received::nothing;
            if (overdue_) {
                refusal_ = {408, "the request did not arrive in time"};
                co_return Received::refused;
            }
            looks_first = true;
            continue;
        }
        if (error == asio::error::eof) shut_down_tls();
        if (error) co_return Received::nothing;
        looks_first = tls_ != nullptr;
        received = take({thread_.read_buffer().data(), size});
        const auto body = parser_ ? parser_->request().body.capacity() : 0;
        if (received == Received::part && !hold(unread_.size() + body)) {
            refusal_ = {503, "too much is being received at once"};
            co_return Received::refused;
        }
        if (std::exchange(asks_for_body_, false) && !co_await write_all(kContinue)) {
            co_return Received::nothing;
        }
    }
    co_return received;
}

Session::Received Session::take(std::string_view bytes) {
    if (!unread_.empty()) {
        unread_.append(bytes);
        return take_unread();
    }
    const auto progress = consume(bytes);
    if (progress.used < bytes.size()) unread_.assign(bytes.substr(progress.used));
    return progress.received;
}

Session::Received Session::take_unread() {
    auto all = std::exchange(unread_, {});
    const auto progress = consume(all);
    if (progress.used < all.size()) {
        all.erase(0, progress.used);
        unread_ = std::move(all);
    }
    return progress.received;
}

/// Goes on up to the end of one request.
Session::Progress Session::consume(std::string_view bytes) {
    const auto& limits = thread_.shared().limits;
    std::size_t used = 0;
    while (used < bytes.size()) {
        if (!parser_) parser_ = std::make_unique<RequestParser>(limits.header_bytes, limits.body_bytes);
        const auto before = parser_->state();
        used += parser_->feed(bytes.substr(used));
        if (phase_ == Phase::idle && parser_->has_begun()) begin_request();
        const auto after = parser_->state();
        if (after == RequestParser::State::refused) {
            refusal_ = parser_->refusal();
            return {Received::refused, bytes.size()};
        }
        if (after == RequestParser::State::complete) return {Received::request, used};
        if (after == before) break;  // the rest is missing
        deadline_ = started_ + limits.request_time;
        asks_for_body_ = used == bytes.size() && parser_->expectation() == Expectation::continue_100;
    }
    return {Received::part, used};
}

void Session::begin_request() {
    const auto& limits = thread_.shared().limits;
    look_only_ = false;
    enter(Phase::receiving, std::min(limits.header_time, limits.request_time));
    started_ = deadline_ - std::min(limits.header_time, limits.request_time);
}

/// Counts what the present request takes while it is not whole. False where it has to give way.
bool Session::hold(std::size_t bytes) {
    auto& shared = thread_.shared();
    // What is taken back wraps around, as unsigned numbers may.
    const auto all =
        shared.unfinished_bytes.fetch_add(bytes - held_, std::memory_order_relaxed) + bytes - held_;
    held_ = bytes;
    return bytes <= kSmallRequestBytes || all <= shared.limits.unfinished_bytes;
}

/// Gives the request to the handler. Nothing where that keeps the responder.
std::optional<Response> Session::dispatch() {
    const auto parser = std::exchange(parser_, nullptr);
    static_cast<void>(hold(0));  // the handler bounds what it keeps
    auto& request = parser->request();
    http_1_1_ = parser->is_http_1_1();
    closing_ = !parser->keep_alive();
    body_left_off_ = request.method == "HEAD";
    request.peer = peer_;
    request.encrypted = tls_ != nullptr;
    request.received_at = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    enter(Phase::answering, thread_.shared().limits.answer_time);

    channel_ = std::make_shared<Responder::Channel>();
    channel_->mailbox = thread_.mailbox();
    channel_->session = this;
    call_handler(std::move(request));
    if (!channel_->answer) return std::nullopt;
    return take_answer();
}

void Session::call_handler(Request request) {
    const CallingHandler calling(*channel_);
    try {
        thread_.shared().handler(std::move(request), Responder(channel_));
    } catch (const std::exception&) {
        // The handler's fault must not end the service. Whoever still has the responder is not heard.
        if (!channel_->answer) channel_->answer = Response{.status = 500};
    }
}

/// Nothing where nobody would read it any more.
Task<std::optional<Response>> Session::wait_for_answer() {
    while (!channel_->answer) {
        error_code error;
        co_await socket_.async_wait(Socket::wait_error, into(error));
        if (channel_->answer) break;
        // Not woken: both directions are closed, or the connection is broken.
        if (!error || !socket_.is_open()) co_return std::nullopt;
        if (overdue_) co_return refuse({503, "there is no answer in time"});
    }
    co_return take_answer();
}

Response Session::take_answer() {
    auto answer = *std::move(channel_->answer);
    forget_request();
    return answer;
}

Response Session::refuse(Refusal refusal) {
    forget_request();
    closing_ = true;
    const auto& report = thread_.shared().events.on_refused;
    if (report) report(refusal.status, peer_);
    return {.status = refusal.status,
            .content_type = "text/plain; charset=utf-8",
            .body = std::string(refusal.why) + "\n"};
}

void Session::write(std::string& bytes, const Response& response) {
    closing_ = closing_ || thread_.is_draining();
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    ResponseFrame frame{.date = thread_.date(now)};
    if (closing_) {
        frame.connection = ResponseFrame::Connection::closes;
    } else if (!http_1_1_) {
        frame.connection = ResponseFrame::Connection::stays_and_says_so;
    }
    if (body_left_off_) frame.body = ResponseFrame::Body::left_off;
    write_response(bytes, response, frame);
}

/// As much as a plain socket takes without waiting, which is nearly always all.
std::size_t Session::write_at_once(std::string_view bytes, error_code& error) {
    if (tls_) return 0;
    const auto sent = socket_.write_some(asio::const_buffer(bytes.data(), bytes.size()), error);
    if (error == asio::error::would_block) error.clear();
    return sent;
}

Task<bool> Session::write_all(std::string_view bytes) {
    const asio::const_buffer buffer(bytes.data(), bytes.size());
    error_code error;
    if (tls_) {
        co_await asio::async_write(tls_->stream, buffer, into(error));
    } else {
        co_await asio::async_write(socket_, buffer, into(error));
    }
    co_return !error;
}

Task<void> Session::linger() {
    enter(Phase::lingering, kLingerTime);
    give_back_memory(unread_);
    shut_down_tls();
    error_code error;
    socket_.shutdown(Socket::shutdown_send, error);
    // Not by way of TLS: what comes is of no interest, encrypted or not.
    for (std::size_t discarded = 0; !error && discarded <= kMostDiscardedBytes;) {
        co_await socket_.async_wait(Socket::wait_read, into(error));
        if (error) break;
        const auto room = thread_.read_buffer();
        discarded += socket_.read_some(asio::mutable_buffer(room.data(), room.size()), error);
        if (error == asio::error::would_block) error.clear();
    }
}

void Session::forget_request() {
    if (channel_) channel_->session = nullptr;
    channel_.reset();
    parser_.reset();
    static_cast<void>(hold(0));
}

std::size_t Session::read_some(error_code& error) {
    const auto room = thread_.read_buffer();
    const asio::mutable_buffer buffer(room.data(), room.size());
    return tls_ ? tls_->stream.read_some(buffer, error) : socket_.read_some(buffer, error);
}

/// Sends close_notify, as far as the socket takes it.
void Session::shut_down_tls() {
    if (!tls_) return;
    error_code ignored;
    tls_->stream.shutdown(ignored);
}

}  // namespace callchain::http
