#include "gateway/stream_connection.hpp"

#include "gateway/proxy_protocol.hpp"
#include "gateway/socket_address.hpp"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace callchain::gateway {
namespace {

using sip::SteadyTime;
using std::chrono::milliseconds;

constexpr std::string_view kPing = "\r\n\r\n";  // RFC 5626 section 3.5.1
constexpr std::string_view kPong = "\r\n";
constexpr int kMostReadsPerTurn = 4;  // then the other connections have their turn
constexpr std::size_t kWorthKeeping = std::size_t{4} << 10U;
// A socket that is closed while bytes of the peer are unread resets the connection, and the peer may lose our
// last message. So the sending side closes first, and what still comes is dropped for a while.
constexpr milliseconds kDrainTime{2'000};
constexpr milliseconds kLingerTime{1'000};
constexpr std::size_t kMostDiscardedBytes = std::size_t{256} << 10U;
// A message of this size is taken however much others have sent of theirs: Meta's and Twilio's are smaller.
constexpr std::size_t kSmallMessageBytes = std::size_t{16} << 10U;
// A peer that is gone without a word is found by the system's repetitions, of a ping at the latest.
constexpr unsigned kMostUnacknowledgedMs = 30'000;

bool is_temporary(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

std::string words_of(int error) { return std::generic_category().message(error); }

system::Descriptor new_client_socket(int family) {
    system::Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return socket;
    const int on = 1;
    ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(socket.number(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kMostUnacknowledgedMs,
                 sizeof kMostUnacknowledgedMs);
    return socket;
}

}  // namespace

void StreamConnection::accept(system::Descriptor socket, Greeting greeting) {
    watch(std::move(socket));
    if (!socket_->is_open()) return abort("the system cannot watch one more connection");
    if (greeting == Greeting::none) return begin_tls_or_open();
    enter(Phase::proxy_header, host_.limits().handshake_time);
    socket_->await_readable();
}

void StreamConnection::connect() {
    enter(Phase::connecting, host_.limits().connect_time);
    const auto address = socket_address_of(info_.peer);
    if (!address) return abort("the address is not a numeric one");
    auto socket = new_client_socket(address->family());
    if (!socket) return abort(words_of(errno));
    watch(std::move(socket));
    if (!socket_->is_open()) return abort("the system cannot watch one more connection");
    if (::connect(socket_->number(), address->generic(), address->size) == 0) return end_connecting();
    if (errno != EINPROGRESS && errno != EINTR) return abort(words_of(errno));
    socket_->await_writable();
}

// Its handlers may end the connection's last owner: it lives until they are done.
void StreamConnection::watch(system::Descriptor socket) {
    socket_.emplace(host_.loop(), std::move(socket),
                    Watched::Handlers{[this] {
                                          const auto self = shared_from_this();
                                          on_readable();
                                      },
                                      [this] {
                                          const auto self = shared_from_this();
                                          on_writable();
                                      }});
}

void StreamConnection::enter(Phase phase, milliseconds most) {
    phase_ = phase;
    phase_ends_ = Loop::now() + most;
    set_deadline();
}

void StreamConnection::on_readable() {
    if (write_wants_read_) flush();
    switch (phase_) {
        case Phase::proxy_header:
            return read_greeting();
        case Phase::shaking_hands:
            return shake_hands();
        case Phase::open:
            return read_messages();
        case Phase::lingering:
            return discard();
        case Phase::connecting:
        case Phase::draining:
        case Phase::closed:
            break;
    }
}

void StreamConnection::on_writable() {
    if (phase_ == Phase::connecting) return end_connecting();
    if (phase_ == Phase::shaking_hands) return shake_hands();
    flush();
    if (phase_ == Phase::open && std::exchange(read_wants_write_, false)) read_messages();
}

void StreamConnection::end_connecting() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_->number(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return abort(words_of(error));
    info_.local = endpoint_of(bound_address(socket_->number()));
    begin_tls_or_open();
}

// Read without taking it, so that what stands behind the header is there for TLS or the framer.
void StreamConnection::read_greeting() {
    auto buffer = host_.read_buffer().first(kMostProxyHeaderBytes);
    const auto room = buffer.first(kMostProxyHeaderBytes - greeting_.size());
    const auto size = ::recv(socket_->number(), room.data(), room.size(), MSG_PEEK);
    if (size < 0 && is_temporary(errno)) return socket_->await_readable();
    if (size < 0) return abort(words_of(errno));
    if (size == 0) return abort("the peer closed the connection before its PROXY header was complete");
    const auto before = greeting_.size();
    greeting_.append(room.data(), static_cast<std::size_t>(size));
    auto header = read_proxy_header(greeting_);
    if (header.state == ProxyHeader::State::refused) return abort(header.why);
    const bool is_complete = header.state == ProxyHeader::State::complete;
    const auto taken = is_complete ? header.bytes - before : static_cast<std::size_t>(size);
    if (::recv(socket_->number(), room.data(), taken, 0) != static_cast<ssize_t>(taken))
        return abort("the PROXY header cannot be read");
    if (!is_complete) return socket_->await_readable();
    std::string().swap(greeting_);
    if (header.client) {
        info_.peer = *std::move(header.client);
        if (!host_.on_client_known(*this)) return abort("there are too many connections of that address");
    }
    begin_tls_or_open();
}

void StreamConnection::begin_tls_or_open() {
    if (info_.transport == Transport::tcp) return open();
    if (info_.outbound) {
        const auto context = host_.tls_client();
        if (!context) return abort(context.error().message);
        auto stream = TlsStream::connect(**context, socket_->number(), info_.identity);
        if (!stream) return abort(stream.error().message);
        tls_ = *std::move(stream);
    } else {
        tls_ = TlsStream::accept(*host_.tls_server(), socket_->number());
        if (!tls_) return abort("there is no memory for one more TLS connection");
    }
    // One deadline for the PROXY header and the handshake: what has passed is not given again.
    if (phase_ == Phase::proxy_header)
        phase_ = Phase::shaking_hands;
    else
        enter(Phase::shaking_hands, host_.limits().handshake_time);
    if (info_.outbound) return shake_hands();
    socket_->await_readable();
}

void StreamConnection::shake_hands() {
    switch (tls_->shake_hands()) {
        case StreamStatus::wants_read:
            return socket_->await_readable();
        case StreamStatus::wants_write:
            return socket_->await_writable();
        case StreamStatus::ended:
        case StreamStatus::failed:
            return abort(tls_->fault());
        case StreamStatus::done:
            break;
    }
    info_.tls_version = tls_->version();
    if (!info_.outbound) {
        const auto peer = tls_->peer();
        info_.client_name = peer.subject;
        info_.client_verified = peer.verified && !peer.subject.empty();
    }
    open();
}

void StreamConnection::open() {
    framer_.emplace(host_.limits().framing, info_.outbound ? sip::Side::opened : sip::Side::accepted);
    last_byte_ = Loop::now();
    if (info_.outbound && host_.limits().ping_interval.count() > 0)
        next_ping_ = last_byte_ + host_.limits().ping_interval;
    phase_ = Phase::open;
    phase_ends_ = SteadyTime::max();
    set_deadline();
    host_.on_ready(*this);
    if (phase_ == Phase::open) read_messages();  // TLS may have read the first message already
}

// Reading ------------------------------------------------------------------------------------------------

void StreamConnection::read_messages() {
    auto reading = Reading::goes_on;
    for (int i = 0; i < kMostReadsPerTurn && reading == Reading::goes_on; ++i) reading = read_once();
    if (phase_ != Phase::open) return;
    set_deadline();
    if (is_paused()) return flush_soon();  // which reads again when the peer has taken enough
    if (reading == Reading::goes_on && tls_ && tls_->has_unread()) {
        host_.loop().post([weak = weak_from_this()] {
            const auto self = weak.lock();
            if (self && self->phase_ == Phase::open) self->read_messages();
        });
        return;
    }
    await_more();
}

void StreamConnection::await_more() {
    if (read_wants_write_)
        socket_->await_writable();
    else
        socket_->await_readable();
}

StreamConnection::Reading StreamConnection::read_once() {
    if (!take_frames()) return Reading::stopped;  // what a pause has left
    const auto buffer = host_.read_buffer();
    const auto transfer = read_some(buffer);
    if (transfer.status == StreamStatus::wants_read) return Reading::waits;
    if (transfer.status == StreamStatus::wants_write) {
        read_wants_write_ = true;
        return Reading::waits;
    }
    if (transfer.status == StreamStatus::ended) {
        finish("the peer closed the connection");
        return Reading::stopped;
    }
    if (transfer.status == StreamStatus::failed) {
        abort(tls_ ? tls_->fault() : fault_);
        return Reading::stopped;
    }
    host_.tally().bytes_in += transfer.bytes;
    last_byte_ = Loop::now();
    framer_->feed({buffer.data(), transfer.bytes});
    if (!take_frames()) return Reading::stopped;
    if (!hold(framer_->buffered())) {
        const std::string why = "too much is being received at once";
        host_.on_too_much(*this, why);
        abort(why);
        return Reading::stopped;
    }
    note_message_time();
    // The call that would only say that there is nothing more is saved; what comes meanwhile is told again.
    const bool may_have_more = tls_ ? tls_->has_unread() : transfer.bytes == buffer.size();
    return may_have_more ? Reading::goes_on : Reading::waits;
}

/// False: the connection is paused or not open any more.
bool StreamConnection::take_frames() {
    while (phase_ == Phase::open && !is_paused()) {
        auto frame = framer_->next();
        if (!frame) return true;
        message_ends_ = SteadyTime::max();
        take(*std::move(frame));
    }
    return false;
}

void StreamConnection::take(sip::Frame frame) {
    switch (frame.kind) {
        case sip::Frame::Kind::message:
            return host_.on_message(*this, frame.bytes);
        case sip::Frame::Kind::ping:
            static_cast<void>(send(kPong));
            return;
        case sip::Frame::Kind::pong:
            answers_pings_ = true;
            pong_ends_ = SteadyTime::max();
            return;
        case sip::Frame::Kind::lost:
            return finish(frame.why);
    }
}

/// Counts what is not a whole message yet. False where this one has to give way.
bool StreamConnection::hold(std::size_t bytes) {
    auto& all = host_.tally().unfinished_bytes;
    all = all - held_ + bytes;
    held_ = bytes;
    return bytes <= kSmallMessageBytes || all <= host_.limits().unfinished_bytes;
}

/// From the first byte of a message on; bytes that follow do not extend it.
void StreamConnection::note_message_time() {
    if (!framer_->within_message())
        message_ends_ = SteadyTime::max();
    else if (message_ends_ == SteadyTime::max())
        message_ends_ = Loop::now() + host_.limits().message_time;
}

Transfer StreamConnection::read_some(std::span<char> buffer) {
    if (tls_) return tls_->read(buffer);
    const auto size = ::recv(socket_->number(), buffer.data(), buffer.size(), 0);
    if (size > 0) return {StreamStatus::done, static_cast<std::size_t>(size)};
    if (size == 0) return {StreamStatus::ended};
    if (is_temporary(errno)) return {StreamStatus::wants_read};
    fault_ = words_of(errno);
    return {StreamStatus::failed};
}

// Writing ------------------------------------------------------------------------------------------------

bool StreamConnection::send(std::string_view bytes) {
    if (phase_ != Phase::open) return false;
    const auto most = host_.limits().backlog_bytes;
    if (queued() + bytes.size() > most) flush();  // what has gathered in this turn may still leave
    if (phase_ != Phase::open) return false;
    if (queued() + bytes.size() > most) {
        abort("the peer does not take what is sent to it: " + std::to_string(queued()) + " bytes wait");
        return false;
    }
    queue_.append(bytes);
    flush_soon();
    return true;
}

/// Behind what was posted before in this turn of the loop, so that messages leave together.
void StreamConnection::flush_soon() {
    if (std::exchange(flush_is_posted_, true)) return;
    host_.loop().post([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->flush_is_posted_ = false;
        self->flush();
    });
}

void StreamConnection::flush() {
    if (phase_ != Phase::open && phase_ != Phase::draining) return;
    const bool was_paused = is_paused();
    write_wants_read_ = false;
    while (queued() > 0) {
        const auto transfer = write_some(std::string_view(queue_).substr(sent_));
        if (transfer.status == StreamStatus::failed || transfer.status == StreamStatus::ended)
            return abort(tls_ ? tls_->fault() : fault_);
        if (transfer.status != StreamStatus::done) {
            write_wants_read_ = transfer.status == StreamStatus::wants_read;
            if (write_wants_read_)
                socket_->await_readable();
            else
                socket_->await_writable();
            break;
        }
        sent_ += transfer.bytes;
        host_.tally().bytes_out += transfer.bytes;
        last_byte_ = Loop::now();
        send_ends_ = SteadyTime::max();
    }
    note_progress();
    if (phase_ == Phase::draining && queued() == 0) return linger();
    if (phase_ == Phase::open && was_paused && !is_paused()) {
        // Bytes may wait within TLS, of which the socket says nothing.
        host_.loop().post([weak = weak_from_this()] {
            const auto self = weak.lock();
            if (self && self->phase_ == Phase::open) self->read_messages();
        });
    }
}

void StreamConnection::note_progress() {
    if (queued() == 0) {
        sent_ = 0;
        if (queue_.capacity() > kWorthKeeping)
            std::string().swap(queue_);
        else
            queue_.clear();
        return;
    }
    if (sent_ > queue_.size() / 2) {
        queue_.erase(0, sent_);
        sent_ = 0;
    }
    if (send_ends_ == SteadyTime::max()) send_ends_ = Loop::now() + host_.limits().send_time;
    set_deadline();
}

Transfer StreamConnection::write_some(std::string_view bytes) {
    if (tls_) return tls_->write(bytes);
    const auto size = ::send(socket_->number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size >= 0) return {StreamStatus::done, static_cast<std::size_t>(size)};
    if (is_temporary(errno)) return {StreamStatus::wants_write};
    fault_ = words_of(errno);
    return {StreamStatus::failed};
}

/// A peer that sends without taking the answers would fill the backlog: it has to wait. Only who connected to
/// us does: two gateways that waited for each other would do so for ever.
bool StreamConnection::is_paused() const {
    return !info_.outbound && queued() > host_.limits().backlog_bytes / 4;
}

// Ending -------------------------------------------------------------------------------------------------

void StreamConnection::finish(const std::string& why) {
    if (phase_ != Phase::open) return abort(why);
    const auto self = shared_from_this();
    enter(Phase::draining, kDrainTime);
    host_.on_ended(*this, why);
    flush();
}

void StreamConnection::abort(const std::string& why) {
    if (phase_ == Phase::closed) return;
    const auto self = shared_from_this();
    const bool has_ended = phase_ == Phase::draining || phase_ == Phase::lingering;
    if (!has_ended) host_.on_ended(*this, why);
    close();
}

void StreamConnection::linger() {
    if (tls_) tls_->shut_down();
    ::shutdown(socket_->number(), SHUT_WR);
    enter(Phase::lingering, kLingerTime);
    discard();
}

void StreamConnection::discard() {
    while (discarded_ < kMostDiscardedBytes) {
        const auto buffer = host_.read_buffer();
        const auto size = ::recv(socket_->number(), buffer.data(), buffer.size(), 0);
        if (size < 0 && is_temporary(errno)) return socket_->await_readable();
        if (size <= 0) break;
        discarded_ += static_cast<std::size_t>(size);
    }
    close();
}

void StreamConnection::close() {
    phase_ = Phase::closed;
    static_cast<void>(hold(0));
    host_.deadlines().stop({info_.id.value, 0});
    if (socket_) socket_->close();
    tls_.reset();
    host_.on_gone(*this);
}

// Deadlines ----------------------------------------------------------------------------------------------

SteadyTime StreamConnection::due() const {
    if (phase_ != Phase::open) return phase_ends_;
    auto first = std::min({message_ends_, send_ends_, next_ping_, pong_ends_});
    if (!info_.outbound) first = std::min(first, last_byte_ + host_.limits().idle_time);
    return first;
}

/// The timer is moved only to an earlier moment: one that rings too early is set again, which is cheaper than
/// to move it with each byte.
void StreamConnection::set_deadline() {
    const auto next = due();
    if (phase_ == Phase::closed || next >= timer_due_) return;
    timer_due_ = next;
    host_.deadlines().set({info_.id.value, 0}, next);
}

void StreamConnection::on_deadline() {
    const auto self = shared_from_this();
    timer_due_ = SteadyTime::max();
    const auto now = Loop::now();
    if (phase_ == Phase::open && next_ping_ <= now) ping();
    if (phase_ == Phase::closed) return;
    if (due() > now) return set_deadline();
    if (phase_ == Phase::open && message_ends_ > now && send_ends_ > now && pong_ends_ > now)
        return finish("nothing was heard for " + std::to_string(host_.limits().idle_time.count() / 1'000) +
                      " seconds");
    abort(overdue_words());
}

std::string StreamConnection::overdue_words() const {
    const auto now = Loop::now();
    switch (phase_) {
        case Phase::connecting:
            return "it did not answer within " + std::to_string(host_.limits().connect_time.count()) + " ms";
        case Phase::proxy_header:
            return "the PROXY header did not come in time";
        case Phase::shaking_hands:
            return "the TLS handshake was not over within " +
                   std::to_string(host_.limits().handshake_time.count()) + " ms";
        default:
            break;
    }
    if (message_ends_ <= now) return "a message was not complete in time";
    if (send_ends_ <= now) return "the peer does not take what is sent to it";
    return "the peer answers pings no more";
}

void StreamConnection::ping() {
    next_ping_ = Loop::now() + host_.limits().ping_interval;
    if (answers_pings_ && pong_ends_ == SteadyTime::max())
        pong_ends_ = Loop::now() + host_.limits().pong_time;
    static_cast<void>(send(kPing));
}

}  // namespace callchain::gateway
