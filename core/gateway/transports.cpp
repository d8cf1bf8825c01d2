#include "gateway/transports.hpp"

#include "gateway/acceptor.hpp"
#include "gateway/listening_socket.hpp"
#include "gateway/stream_connection.hpp"
#include "gateway/udp_flows.hpp"
#include "gateway/udp_socket.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace callchain::gateway {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10U;

using Done = std::function<void(Result<FlowInfo>)>;

/// One connection and what is counted with it.
struct Stream {
    std::shared_ptr<StreamConnection> connection;
    bool is_flow = false;
    bool counts_as_handshake = false;
    std::string counted_address = {};  ///< inbound, where there is a limit for each
    std::string target = {};           ///< outbound
    std::vector<Done> waiting = {};
};

std::string key_of(const SendTarget& target) {
    return std::string(name_of(target.transport)) + " " + text_of(target.endpoint) + " " + target.identity;
}

/// Empty lines keep a way through NAT open, STUN does too; neither is a message.
bool is_keep_alive(std::string_view datagram) {
    if (datagram.find_first_not_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) return true;
    return static_cast<unsigned char>(datagram.front()) < 4;
}

std::string limit_words(std::size_t limit, std::string_view of_what) {
    return "the limit of " + std::to_string(limit) + " " + std::string(of_what) + " is reached";
}

}  // namespace

struct Transports::State final : StreamHost, std::enable_shared_from_this<Transports::State> {
    State(Loop& loop_of, TransportSettings settings_of, TransportEvents events_of)
        : loop_(loop_of),
          settings_(std::move(settings_of)),
          events_(std::move(events_of)),
          deadlines_(loop_of, [this](sip::TimerId id) { on_deadline(id); }),
          buffer_(kReadBytes, '\0') {}

    // What connections need, and tell.
    Loop& loop() override { return loop_; }
    const TransportLimits& limits() const override { return settings_.limits; }
    TransportCounts& tally() override { return counts_; }
    DueTimers& deadlines() override { return deadlines_; }
    std::span<char> read_buffer() override { return {buffer_.data(), buffer_.size()}; }
    const TlsServerContext* tls_server() const override { return tls_server_.get(); }
    Result<const TlsClientContext*> tls_client() override;
    bool on_client_known(StreamConnection& connection) override;
    void on_too_much(StreamConnection& connection, const std::string& why) override {
        refuse(connection.info().transport, connection.info().peer, why);
    }
    void on_ready(StreamConnection& connection) override;
    void on_message(StreamConnection& connection, std::string_view bytes) override;
    void on_ended(StreamConnection& connection, const std::string& why) override;
    void on_gone(StreamConnection& connection) override;

    Result<std::vector<BoundAddress>> listen();
    Result<BoundAddress> add_listener(const TransportSettings::Listener& listener);
    void start();
    void on_accepted(Transport transport, system::Descriptor socket, const system::SocketAddress& address);
    std::string reason_to_refuse(const Endpoint& peer, bool greets) const;
    void refuse(Transport transport, const Endpoint& peer, const std::string& why);
    bool count_address(Stream& stream, const std::string& address);
    void forget_address(Stream& stream);
    void end_handshake(Stream& stream);

    void on_datagram(std::size_t socket, const system::SocketAddress& peer, const Endpoint& local,
                     std::string_view bytes);
    void on_unreachable(std::size_t socket, const system::SocketAddress& peer, const std::string& why);
    void hand_up(const FlowInfo& info, std::string_view bytes, sip::Carrier carrier);
    void trace(bool received, const FlowInfo& info, std::string_view bytes);
    void tell_closed(FlowInfo info, std::string why);

    bool send(sip::FlowId id, std::string bytes);
    bool send_datagram(const UdpFlow& flow, std::string bytes);
    void flush_datagrams_soon();
    void open(SendTarget target, Done done);
    Result<FlowInfo> open_udp(const Endpoint& peer);
    void open_stream(const SendTarget& target, Done done);
    std::shared_ptr<StreamConnection> find_stream(sip::FlowId id) const;
    std::optional<FlowInfo> find(sip::FlowId id) const;
    void close(sip::FlowId id, const std::string& why);
    Result<void> reload_tls();
    void on_deadline(sip::TimerId id);
    sip::FlowId new_id() { return {++last_id_}; }

    Loop& loop_;
    TransportSettings settings_;
    TransportEvents events_;
    TransportCounts counts_;
    DueTimers deadlines_;
    std::vector<char> buffer_;
    std::unique_ptr<TlsServerContext> tls_server_;
    std::unique_ptr<TlsClientContext> tls_client_;  // made when it is needed first
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    std::vector<std::unique_ptr<UdpSocket>> udp_sockets_;
    bool flush_is_posted_ = false;  // of datagrams
    UdpFlows udp_flows_;
    std::unordered_map<std::uint64_t, Stream> streams_;            // by flow
    std::unordered_map<std::string, std::uint64_t> outbound_;      // by target
    std::unordered_map<std::string, std::size_t> address_counts_;  // of inbound connections
    std::size_t inbound_ = 0;
    std::uint64_t last_id_ = 0;
};

// Listening ----------------------------------------------------------------------------------------------

Result<std::vector<BoundAddress>> Transports::State::listen() {
    if (settings_.tls_server) tls_server_ = CALLCHAIN_TRY(TlsServerContext::load(*settings_.tls_server));
    std::vector<BoundAddress> bound;
    for (const auto& listener : settings_.listeners) {
        auto one = add_listener(listener);
        if (!one) {
            acceptors_.clear();
            udp_sockets_.clear();
            return tl::unexpected(std::move(one).error());
        }
        bound.push_back(*std::move(one));
    }
    start();
    return bound;
}

Result<BoundAddress> Transports::State::add_listener(const TransportSettings::Listener& listener) {
    const auto transport = listener.transport;
    if (transport == Transport::tls && !tls_server_) {
        return fail(ErrorCode::usage,
                    "cannot listen on " + listener.address + " (TLS): there is no certificate",
                    "name the certificate and its key");
    }
    auto socket = CALLCHAIN_TRY(open_listening_socket(transport, listener.address));
    const auto local = endpoint_of(bound_address(socket.number()));
    const auto failed = [&] {
        return fail(ErrorCode::usage,
                    "cannot listen on " + listener.address + ": the system cannot watch one more descriptor");
    };
    if (transport == Transport::udp) {
        const auto number = udp_sockets_.size();
        udp_sockets_.push_back(std::make_unique<UdpSocket>(
            loop_, std::move(socket),
            UdpSocket::Handlers{
                [this, number](const system::SocketAddress& peer, const Endpoint& at,
                               std::string_view bytes) { on_datagram(number, peer, at, bytes); },
                [this, number](const system::SocketAddress& peer, const std::string& why) {
                    on_unreachable(number, peer, why);
                }}));
        if (!udp_sockets_.back()->is_open()) return failed();
    } else {
        acceptors_.push_back(std::make_unique<Acceptor>(
            loop_, std::move(socket),
            Acceptor::Handlers{
                [this, transport](system::Descriptor accepted, const system::SocketAddress& peer) {
                    on_accepted(transport, std::move(accepted), peer);
                },
                [this, transport](const std::string& why) {
                    ++counts_.accept_pauses;
                    if (events_.on_accept_paused) events_.on_accept_paused(transport, why);
                }}));
        if (!acceptors_.back()->is_open()) return failed();
    }
    return BoundAddress{transport, local};
}

void Transports::State::start() {
    for (const auto& acceptor : acceptors_) acceptor->start();
    for (const auto& socket : udp_sockets_) socket->start();
}

void Transports::State::on_accepted(Transport transport, system::Descriptor socket,
                                    const system::SocketAddress& address) {
    const auto peer = endpoint_of(address);
    const bool is_proxied = !settings_.proxy_protocol_from.empty();
    const bool greets = is_proxied || transport == Transport::tls;
    if (const auto why = reason_to_refuse(peer, greets); !why.empty()) return refuse(transport, peer, why);
    FlowInfo info;
    info.id = new_id();
    info.transport = transport;
    info.local = endpoint_of(bound_address(socket.number()));
    info.peer = peer;
    auto connection = std::make_shared<StreamConnection>(*this, std::move(info));
    Stream stream{.connection = connection, .counts_as_handshake = greets};
    if (!is_proxied) static_cast<void>(count_address(stream, peer.address));
    streams_.emplace(connection->info().id.value, std::move(stream));
    ++counts_.accepted;
    ++inbound_;
    if (greets) ++counts_.handshakes;
    connection->accept(std::move(socket), is_proxied ? StreamConnection::Greeting::proxy_header
                                                     : StreamConnection::Greeting::none);
}

/// Empty: none.
std::string Transports::State::reason_to_refuse(const Endpoint& peer, bool greets) const {
    const auto& limits = settings_.limits;
    const bool is_proxied = !settings_.proxy_protocol_from.empty();
    if (is_proxied && !config::contains(settings_.proxy_protocol_from, peer.address))
        return "it is none of the proxies that may connect here";
    if (inbound_ >= limits.connections) return limit_words(limits.connections, "connections");
    if (greets && counts_.handshakes >= limits.handshakes)
        return limit_words(limits.handshakes, "handshakes under way");
    if (is_proxied || limits.connections_per_address == 0) return {};
    const auto counted = address_counts_.find(peer.address);
    if (counted == address_counts_.end() || counted->second < limits.connections_per_address) return {};
    return limit_words(limits.connections_per_address, "connections of one address");
}

void Transports::State::refuse(Transport transport, const Endpoint& peer, const std::string& why) {
    ++counts_.refused;
    if (events_.on_refused) events_.on_refused(transport, peer, why);
}

/// False: there are enough of that address already.
bool Transports::State::count_address(Stream& stream, const std::string& address) {
    const auto most = settings_.limits.connections_per_address;
    if (most == 0) return true;
    auto& count = address_counts_[address];
    if (count >= most) return false;
    ++count;
    stream.counted_address = address;
    return true;
}

void Transports::State::forget_address(Stream& stream) {
    const auto counted = address_counts_.find(stream.counted_address);
    if (stream.counted_address.empty() || counted == address_counts_.end()) return;
    if (--counted->second == 0) address_counts_.erase(counted);
}

// What connections tell ----------------------------------------------------------------------------------

Result<const TlsClientContext*> Transports::State::tls_client() {
    if (!tls_client_) tls_client_ = CALLCHAIN_TRY(TlsClientContext::load(settings_.tls_ca_file));
    return tls_client_.get();
}

bool Transports::State::on_client_known(StreamConnection& connection) {
    const auto& info = connection.info();
    return count_address(streams_.at(info.id.value), info.peer.address);
}

void Transports::State::end_handshake(Stream& stream) {
    if (std::exchange(stream.counts_as_handshake, false)) --counts_.handshakes;
}

void Transports::State::on_ready(StreamConnection& connection) {
    auto& stream = streams_.at(connection.info().id.value);
    end_handshake(stream);
    stream.is_flow = true;
    ++counts_.connections;
    for (const auto& done : std::exchange(stream.waiting, {})) done(connection.info());
}

void Transports::State::on_message(StreamConnection& connection, std::string_view bytes) {
    hand_up(connection.info(), bytes, sip::Carrier::stream);
}

void Transports::State::on_ended(StreamConnection& connection, const std::string& why) {
    auto& stream = streams_.at(connection.info().id.value);
    const auto& info = connection.info();
    end_handshake(stream);
    if (const auto known = outbound_.find(stream.target);
        known != outbound_.end() && known->second == info.id.value)
        outbound_.erase(known);
    if (stream.is_flow) {
        --counts_.connections;
        return tell_closed(info, why);
    }
    if (connection.is_greeting()) ++counts_.handshake_failures;
    if (!info.outbound) return refuse(info.transport, info.peer, why);
    const auto error = Error{.code = ErrorCode::io,
                             .message = "no " + std::string(name_of(info.transport)) + " connection to " +
                                        text_of(info.peer) + ": " + why};
    for (const auto& done : std::exchange(stream.waiting, {})) done(tl::unexpected(error));
}

void Transports::State::on_gone(StreamConnection& connection) {
    const auto stream = streams_.find(connection.info().id.value);
    if (!connection.info().outbound) --inbound_;
    forget_address(stream->second);
    streams_.erase(stream);
}

/// Never from within a call of the user's.
void Transports::State::tell_closed(FlowInfo info, std::string why) {
    loop_.post([weak = weak_from_this(), info = std::move(info), why = std::move(why)] {
        const auto self = weak.lock();
        if (self && self->events_.on_closed) self->events_.on_closed(info, why);
    });
}

void Transports::State::on_deadline(sip::TimerId id) {
    const auto stream = streams_.find(id.owner);
    if (stream == streams_.end()) return;
    const auto connection = stream->second.connection;  // it may end the entry
    connection->on_deadline();
}

// Messages -----------------------------------------------------------------------------------------------

void Transports::State::on_datagram(std::size_t socket, const system::SocketAddress& peer,
                                    const Endpoint& local, std::string_view bytes) {
    counts_.bytes_in += bytes.size();
    if (is_keep_alive(bytes)) return;
    // A copy: what is answered meanwhile may push the flow out of the table.
    const auto info = udp_flows_.get(socket, peer, local, new_id()).info;
    hand_up(info, bytes, sip::Carrier::datagram);
}

void Transports::State::on_unreachable(std::size_t socket, const system::SocketAddress& peer,
                                       const std::string& why) {
    if (auto flow = udp_flows_.remove(socket, peer)) tell_closed(std::move(flow->info), why);
}

void Transports::State::hand_up(const FlowInfo& info, std::string_view bytes, sip::Carrier carrier) {
    ++counts_.messages_in;
    trace(true, info, bytes);
    auto message = sip::parse_message(bytes, carrier);
    if (message) {
        if (events_.on_message) events_.on_message(info, *std::move(message));
    } else if (events_.on_unreadable) {
        events_.on_unreadable(info, message.error(), bytes);
    }
}

void Transports::State::trace(bool received, const FlowInfo& info, std::string_view bytes) {
    if (events_.on_trace) events_.on_trace({.received = received, .flow = info, .bytes = bytes});
}

bool Transports::State::send(sip::FlowId id, std::string bytes) {
    if (const auto connection = find_stream(id)) {
        if (!connection->send(bytes)) return false;
        ++counts_.messages_out;
        trace(false, connection->info(), bytes);
        return true;
    }
    const auto* flow = udp_flows_.find(id);
    return flow != nullptr && send_datagram(*flow, std::move(bytes));
}

bool Transports::State::send_datagram(const UdpFlow& flow, std::string bytes) {
    if (bytes.size() > UdpSocket::kMostBytes) {
        close(flow.info.id, "too long for a datagram: " + std::to_string(bytes.size()) + " bytes");
        return false;
    }
    udp_flows_.note_answered(flow.info.id);
    ++counts_.messages_out;
    counts_.bytes_out += bytes.size();
    trace(false, flow.info, bytes);
    flush_datagrams_soon();
    // The last one: it may send what has gathered, and a report of an ICMP error takes the flow away.
    udp_sockets_[flow.socket]->send(flow.peer, flow.info.local, std::move(bytes));
    return true;
}

/// Behind what was posted before in this turn of the loop, so that datagrams leave together: as connections
/// do.
void Transports::State::flush_datagrams_soon() {
    if (std::exchange(flush_is_posted_, true)) return;
    loop_.post([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->flush_is_posted_ = false;
        for (const auto& socket : self->udp_sockets_) socket->flush();
    });
}

// Opening and closing ------------------------------------------------------------------------------------

void Transports::State::open(SendTarget target, Done done) {
    if (target.transport == Transport::udp) {
        loop_.post([weak = weak_from_this(), peer = std::move(target.endpoint), done = std::move(done)] {
            if (const auto self = weak.lock()) done(self->open_udp(peer));
        });
        return;
    }
    if (target.transport == Transport::tcp) target.identity.clear();
    if (target.transport == Transport::tls && target.identity.empty())
        target.identity = target.endpoint.address;
    open_stream(target, std::move(done));
}

Result<FlowInfo> Transports::State::open_udp(const Endpoint& peer) {
    const auto address = socket_address_of(peer);
    if (!address) return fail(ErrorCode::io, "no numeric address to send to: " + text_of(peer));
    const auto socket = std::find_if(udp_sockets_.begin(), udp_sockets_.end(),
                                     [&](const auto& one) { return one->reaches(address->family()); });
    if (socket == udp_sockets_.end())
        return fail(ErrorCode::io,
                    "there is no UDP listener from which " + text_of(peer) + " can be reached");
    const auto number = static_cast<std::size_t>(socket - udp_sockets_.begin());
    return udp_flows_.get(number, *address, (*socket)->source_for(*address), new_id()).info;
}

void Transports::State::open_stream(const SendTarget& target, Done done) {
    const auto key = key_of(target);
    if (const auto known = outbound_.find(key); known != outbound_.end()) {
        auto& stream = streams_.at(known->second);
        if (!stream.is_flow) return stream.waiting.push_back(std::move(done));
        loop_.post([weak = weak_from_this(), id = stream.connection->info().id, target,
                    done = std::move(done)]() mutable {
            const auto self = weak.lock();
            if (!self) return;
            const auto info = self->find(id);
            // It may have ended meanwhile; then another one is made.
            if (info) return done(*info);
            self->open_stream(target, std::move(done));
        });
        return;
    }
    FlowInfo info;
    info.id = new_id();
    info.transport = target.transport;
    info.peer = target.endpoint;
    info.outbound = true;
    info.identity = target.identity;
    const auto id = info.id.value;
    auto connection = std::make_shared<StreamConnection>(*this, std::move(info));
    Stream stream{.connection = connection, .target = key};
    stream.waiting.push_back(std::move(done));
    streams_.emplace(id, std::move(stream));
    outbound_[key] = id;
    loop_.post([weak = std::weak_ptr(connection)] {
        if (const auto self = weak.lock()) self->connect();
    });
}

std::shared_ptr<StreamConnection> Transports::State::find_stream(sip::FlowId id) const {
    const auto stream = streams_.find(id.value);
    if (stream == streams_.end() || !stream->second.connection->is_open()) return nullptr;
    return stream->second.connection;
}

std::optional<FlowInfo> Transports::State::find(sip::FlowId id) const {
    if (const auto connection = find_stream(id)) return connection->info();
    if (const auto* flow = udp_flows_.find(id)) return flow->info;
    return std::nullopt;
}

void Transports::State::close(sip::FlowId id, const std::string& why) {
    if (const auto connection = find_stream(id)) return connection->finish(why);
    if (auto flow = udp_flows_.remove(id)) tell_closed(std::move(flow->info), why);
}

Result<void> Transports::State::reload_tls() {
    std::unique_ptr<TlsClientContext> client;
    if (tls_client_) client = CALLCHAIN_TRY(TlsClientContext::load(settings_.tls_ca_file));
    if (tls_server_) CALLCHAIN_TRY(tls_server_->reload());
    if (client) tls_client_ = std::move(client);
    return {};
}

// What is public -----------------------------------------------------------------------------------------

Transports::Transports(Loop& loop, TransportSettings settings, TransportEvents events)
    : state_(std::make_shared<State>(loop, std::move(settings), std::move(events))) {}

Transports::~Transports() = default;

Result<std::vector<BoundAddress>> Transports::listen() { return state_->listen(); }

bool Transports::send(sip::FlowId flow, std::string bytes) { return state_->send(flow, std::move(bytes)); }

void Transports::open(SendTarget target, std::function<void(Result<FlowInfo>)> done) {
    state_->open(std::move(target), std::move(done));
}

std::optional<FlowInfo> Transports::find(sip::FlowId flow) const { return state_->find(flow); }

void Transports::close(sip::FlowId flow, const std::string& why) { state_->close(flow, why); }

Result<void> Transports::reload_tls() { return state_->reload_tls(); }

bool Transports::tls_files_changed() const {
    return state_->tls_server_ && state_->tls_server_->files_changed();
}

std::optional<std::chrono::sys_seconds> Transports::certificate_ends() const {
    if (!state_->tls_server_) return std::nullopt;
    return state_->tls_server_->certificate_ends();
}

void Transports::stop_accepting() {
    for (const auto& acceptor : state_->acceptors_) acceptor->close();
}

TransportCounts Transports::counts() const { return state_->counts_; }

}  // namespace callchain::gateway
