/// SIP over UDP, TCP and TLS on one event loop: performs what the transaction layer decides, and judges
/// nothing about a message but its frame.
#pragma once

#include "base/result.hpp"
#include "config/network.hpp"
#include "gateway/flow.hpp"
#include "gateway/loop.hpp"
#include "sip/framing.hpp"
#include "sip/message.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace callchain::gateway {

/// PEM from a file or as text; files are read again by reload().
struct PemSource {
    std::string path = {};
    std::string text = {};  ///< used where `path` is empty
};

struct TlsServerSettings {
    PemSource certificate;  ///< the whole chain, our own first
    PemSource key;
    /// Asked for and logged; `require` refuses a handshake without one that `client_ca_file` verifies.
    enum class ClientCertificate { request, require } client_certificate = ClientCertificate::request;
    std::string client_ca_file = {};
};

struct TransportLimits {
    std::size_t connections = 10'000;          ///< inbound ones, over all listeners
    std::size_t handshakes = 256;              ///< TLS handshakes and PROXY headers under way at once
    std::size_t connections_per_address = 64;  ///< 0: no limit
    std::size_t backlog_bytes = std::size_t{1} << 20U;  ///< to be sent on one connection; beyond it is closed
    /// Of all messages together that are not whole yet; beyond it a connection is closed that holds more than
    /// 16 KiB of one.
    std::size_t unfinished_bytes = std::size_t{8} << 20U;
    std::chrono::milliseconds handshake_time{5'000};
    std::chrono::milliseconds connect_time{3'000};
    std::chrono::milliseconds idle_time{600'000};     ///< inbound, without a byte either way
    std::chrono::milliseconds message_time{10'000};   ///< from the first byte of a message to its last
    std::chrono::milliseconds send_time{20'000};      ///< the peer takes no byte while some wait for it
    std::chrono::milliseconds ping_interval{30'000};  ///< outbound TCP and TLS: CRLF CRLF; 0: none
    std::chrono::milliseconds pong_time{10'000};  ///< for the answer, from a peer that has answered before
    sip::FramingLimits framing = {};
};

struct TransportSettings {
    struct Listener {
        Transport transport = Transport::udp;
        std::string address;  ///< "host:port"; port 0: a free one
    };
    std::vector<Listener> listeners;
    std::optional<TlsServerSettings> tls_server;
    std::string tls_ca_file = {};                           ///< for outbound TLS, in place of the system's
    std::vector<config::Network> proxy_protocol_from = {};  ///< these send the PROXY protocol first, v1 or v2
    TransportLimits limits = {};
};

/// One message as it came, after decryption, or as it was handed over to be sent. Borrowed for the call.
struct TracedMessage {
    bool received = true;
    const FlowInfo& flow;
    std::string_view bytes;
};

/// What comes up. All on the loop's thread; none may throw.
struct TransportEvents {
    std::function<void(const FlowInfo&, sip::Received&&)> on_message;
    /// Bytes that are no readable message: to be answered statelessly where sip::Unreadable says so.
    std::function<void(const FlowInfo&, const sip::Unreadable&, std::string_view bytes)> on_unreadable;
    /// A connection has ended, for whatever reason; over UDP an ICMP error of the peer, or a datagram that
    /// can never be sent. Once for each flow.
    std::function<void(const FlowInfo&, const std::string& why)> on_closed;
    /// An inbound connection was refused or dropped before it became a flow: limit, handshake, PROXY header.
    std::function<void(Transport, const Endpoint& peer, const std::string& why)> on_refused;
    /// No descriptor is left: connections wait in the kernel's queue for a moment. Comes again while it
    /// lasts.
    std::function<void(Transport, const std::string& why)> on_accept_paused = {};
    std::function<void(const TracedMessage&)> on_trace = {};  ///< empty: nothing is traced
};

struct BoundAddress {
    Transport transport = Transport::udp;
    Endpoint endpoint;
};

/// Counters for metrics; they only grow, but the first two.
struct TransportCounts {
    std::size_t connections = 0;
    std::size_t handshakes = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t accept_pauses = 0;
    std::uint64_t handshake_failures = 0;
    std::uint64_t messages_in = 0;
    std::uint64_t messages_out = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::size_t unfinished_bytes = 0;  ///< of messages that are not whole yet
};

/// All functions on the loop's thread, or before it runs. TLS: 1.2 and up, no renegotiation, no ALPN in
/// either direction, session resumption, SNI; outbound the certificate must be for SendTarget::identity
/// (a wildcard in the left-most label is taken) and verify against the CA file. PING/PONG by RFC 5626
/// section 3.5.1; only a peer that has answered one has to go on. A datagram above 1,300 bytes is sent as it
/// is. Who connected and takes no answers is not read from until it does. A flow of UDP that is not used may
/// be forgotten without a word when there are very many; then send() is false. Outlived by the loop; not to
/// be destroyed by its own events, but close() and stop_accepting() may be called from them. What was to be
/// told and was not yet, is not told behind the destruction.
class Transports {
  public:
    Transports(Loop& loop, TransportSettings settings, TransportEvents events);
    Transports(const Transports&) = delete;
    Transports& operator=(const Transports&) = delete;
    ~Transports();

    /// Binds and starts to accept. Errors: usage naming the listener (address in use, no permission, a
    /// certificate that cannot be read or does not fit its key); then nothing listens.
    [[nodiscard]] Result<std::vector<BoundAddress>> listen();

    /// Sends one message on a flow, in order, behind what the loop was asked to do before. False: the flow is
    /// gone, or it is closed by this, since its backlog was full or no datagram holds so much (on_closed
    /// follows).
    [[nodiscard]] bool send(sip::FlowId flow, std::string bytes);

    /// Finds the live outbound connection to that target and identity, or makes one. `done` is called once,
    /// from the loop: the flow, or why there is none (refused, timed out, certificate: at once, in words for
    /// a person). UDP targets yield a flow of the first UDP listener's socket of that family.
    void open(SendTarget target, std::function<void(Result<FlowInfo>)> done);

    [[nodiscard]] std::optional<FlowInfo> find(sip::FlowId flow) const;
    void close(sip::FlowId flow, const std::string& why);

    /// Reads certificate and key again for handshakes from now on; connections stay. Errors: as listen();
    /// then nothing changes.
    [[nodiscard]] Result<void> reload_tls();
    /// Whether one of their files changed since it was last read: for a caller that looks now and then.
    [[nodiscard]] bool tls_files_changed() const;
    /// When the server's certificate ends; nullopt: no TLS.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> certificate_ends() const;

    /// Accepts no more; connections stay.
    void stop_accepting();
    [[nodiscard]] TransportCounts counts() const;

  private:
    struct State;
    std::shared_ptr<State> state_;  // with what it has posted to the loop
};

}  // namespace callchain::gateway
