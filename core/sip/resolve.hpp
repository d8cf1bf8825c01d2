/// Where a request goes: the decisions of RFC 3263 over DNS answers that come in as values. Pure.
#pragma once

#include "base/result.hpp"
#include "sip/message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::sip {

enum class Transport { udp, tcp, tls };
[[nodiscard]] std::string_view name_of(Transport transport);         ///< "TLS", as a Via has it
[[nodiscard]] std::uint16_t default_port(Transport transport);       ///< 5061 for TLS, else 5060
[[nodiscard]] std::string_view service_prefix(Transport transport);  ///< "_sips._tcp."

/// What is looked for. The transport is a matter of configuration: neither NAPTR nor a URI's `transport` is
/// asked, and `maddr` is not followed, since a peer's Contact would then choose whom we connect to.
struct Destination {
    std::string host;  ///< a name in small letters without a final dot, or a numeric address without brackets
    bool numeric = false;
    std::optional<std::uint16_t> port = std::nullopt;
    Transport transport = Transport::tls;
    friend bool operator==(const Destination&, const Destination&) = default;
};
/// Errors: bad_input for a URI that is neither sip nor sips, a host that is no name by RFC 1123 (an
/// underscore is taken) and no address, port 0; usage for a sips URI where the transport is not TLS.
[[nodiscard]] Result<Destination> destination_of(const Uri& uri, Transport transport);

struct DnsQuery {
    enum class Type { srv, a, aaaa };
    Type type = Type::a;
    std::string name;
    friend bool operator==(const DnsQuery&, const DnsQuery&) = default;
};
/// Source: RFC 2782.
struct SrvRecord {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;
    std::string target;  ///< "." says that there is no such service
    friend bool operator==(const SrvRecord&, const SrvRecord&) = default;
};
struct DnsAnswer {
    enum class Status {
        records,  ///< at least one
        none,     ///< the name, or the type of it, does not exist
        failed,   ///< no answer, a server's failure, or aliases without an end, which the resolver follows
    };
    Status status = Status::none;
    std::vector<SrvRecord> services = {};
    std::vector<std::string> addresses = {};  ///< as text
    std::chrono::seconds time_to_live{0};     ///< the lowest of the records
};

/// The order in which to try: ascending priority, and among equals by chance as weights have it. `random`
/// decides; equal seeds give equal orders. Source: RFC 2782, "Usage rules" and the algorithm below "Weight".
[[nodiscard]] std::vector<SrvRecord> order_services(std::vector<SrvRecord> records, std::uint64_t random);

/// One place to connect to.
struct Target {
    std::string address;  ///< numeric, IPv6 without brackets, in the form of inet_ntop
    std::uint16_t port = 0;
    Transport transport = Transport::tls;
    /// What the certificate must name, and SNI unless `numeric`: the domain of the URI, never the SRV target.
    /// Source: RFC 5922 section 4; RFC 3263 section 4.1.
    std::string identity;
    bool numeric = false;  ///< the identity is an address
    friend bool operator==(const Target&, const Target&) = default;
};

struct ResolveSettings {
    enum class Families { both, ipv4, ipv6 };
    Families families = Families::both;
    std::size_t most_services = 8;   ///< of the ordered SRV records
    std::size_t most_addresses = 8;  ///< of each family and name
    std::size_t most_targets = 32;
};

/// One resolution: what to ask next, and at its end the list of targets. Two rounds at the most, SRV and then
/// addresses, and no question twice: it ends whatever the answers are.
///   numeric host          no question; its port, else the default
///   port in the URI       A and AAAA of the host at that port, no SRV
///   else SRV: records     A and AAAA of each target at its port
///             only "."    no targets: the domain says that it has no such service
///             none        A and AAAA of the host at the default port
///             failed      the same, so that a DNS server that knows no SRV does not stop all calls
/// Addresses of a name alternate between IPv6 and IPv4, IPv6 first, each family in the order it came in.
/// Source: RFC 3263 section 4.2; RFC 8305 section 4 without its race.
class Resolution {
  public:
    /// `random` decides between SRV records of equal priority.
    Resolution(Destination destination, ResolveSettings settings, std::uint64_t random);

    /// What is to be asked and was not handed out yet, all of it at a time; the answers may come in any
    /// order.
    [[nodiscard]] std::vector<DnsQuery> take_queries();
    /// An answer to a question that is not open is ignored.
    void on_answer(const DnsQuery& query, const DnsAnswer& answer);
    /// What is still open counts as failed: the caller's patience is at its end.
    void give_up();
    [[nodiscard]] bool finished() const { return open_.empty() && unasked_.empty(); }

    /// Once finished: in the order to try, each address and port once. Empty: `why` says it.
    [[nodiscard]] std::vector<Target> targets() const;
    [[nodiscard]] std::string why() const;
    /// How long the targets may be kept: the shortest life of what they were made of; nullopt: for good
    /// (numeric). Of a failure zero.
    [[nodiscard]] std::optional<std::chrono::seconds> time_to_live() const;

  private:
    // A name to be turned into addresses.
    struct Host {
        std::string name;
        std::uint16_t port = 0;
    };
    struct Addresses {
        std::string name;
        std::vector<std::string> ipv6;
        std::vector<std::string> ipv4;
    };
    void ask_addresses(std::vector<Host> hosts);
    void take_services(const DnsAnswer& answer);
    void note_life(std::chrono::seconds life);
    [[nodiscard]] const Addresses* find_addresses(std::string_view name) const;

    Destination destination_;
    ResolveSettings settings_;
    std::uint64_t random_;
    std::vector<DnsQuery> unasked_;
    std::vector<DnsQuery> open_;
    std::vector<Host> hosts_;
    std::vector<Addresses> addresses_;
    std::optional<std::chrono::seconds> life_;
    bool no_service_ = false;
    bool failed_ = false;
};

/// Why a target is given up for the next. Source: RFC 3263 section 4.3.
enum class TargetFailure { connect, timeout, unavailable };  ///< refused or broken; no answer; a 503
[[nodiscard]] std::string_view name_of(TargetFailure failure);

/// The way through the targets, each tried once.
class Failover {
  public:
    explicit Failover(std::vector<Target> targets) : targets_(std::move(targets)) {}
    /// nullptr: there is none, or none is left. Good until next().
    [[nodiscard]] const Target* current() const {
        return failures_.size() < targets_.size() ? &targets_[failures_.size()] : nullptr;
    }
    /// Notes why the current one failed; what current() is then.
    const Target* next(TargetFailure failure);
    /// "192.0.2.1:5061 timeout, [2001:db8::1]:5061 connect": what was tried, for the log.
    [[nodiscard]] std::string history() const;

  private:
    std::vector<Target> targets_;
    std::vector<TargetFailure> failures_;
};

}  // namespace callchain::sip
