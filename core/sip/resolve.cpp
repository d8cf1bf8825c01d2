#include "sip/resolve.hpp"

#include "base/endpoint.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <iterator>
#include <numeric>
#include <utility>

namespace callchain::sip {
namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kMostRecords = 256;

// An address in its one form; nullopt: none of that family.
std::optional<std::string> normal_address(const std::string& text, int family) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    std::array<char, INET6_ADDRSTRLEN> normal{};
    if (inet_pton(family, text.c_str(), bytes.data()) != 1) return std::nullopt;
    if (inet_ntop(family, bytes.data(), normal.data(), normal.size()) == nullptr) return std::nullopt;
    return std::string(normal.data());
}

std::optional<std::string> numeric_host(std::string_view host) {
    if (!host.starts_with('[')) return normal_address(std::string(host), AF_INET);
    if (!host.ends_with(']')) return std::nullopt;
    return normal_address(std::string(host.substr(1, host.size() - 2)), AF_INET6);
}

bool is_label(std::string_view label) {
    const auto fits = [](char c) {
        return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
    };
    return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(), fits);
}

// A name as it is asked for and compared; nullopt: none, or an address.
std::optional<std::string> normal_name(std::string_view text) {
    auto name = ascii_lower(text.ends_with('.') ? text.substr(0, text.size() - 1) : text);
    if (name.size() > kLongestName) return std::nullopt;
    const auto labels = split(name, '.');
    if (!std::all_of(labels.begin(), labels.end(), is_label)) return std::nullopt;
    // No top-level domain is a number, but the end of an address is.
    if (std::all_of(labels.back().begin(), labels.back().end(), is_ascii_digit)) return std::nullopt;
    return name;
}

// Stretches one number from outside into as many as there are choices. Source: Steele, Lea, Flood, "Fast
// splittable pseudorandom number generators", 2014.
class Stretched {
  public:
    explicit Stretched(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        state_ += 0x9E37'79B9'7F4A'7C15U;
        auto mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D0'49BB'1331'11EBU;
        return mixed ^ (mixed >> 31U);
    }

  private:
    std::uint64_t state_;
};

using Records = std::vector<SrvRecord>;

// Brings one of [first, last) to the front: each with the chance of its weight, weight 0 with next to none.
void choose_first(Records::iterator first, Records::iterator last, Stretched& random) {
    const auto add = [](std::uint64_t sum, const SrvRecord& record) { return sum + record.weight; };
    const auto sum = std::accumulate(first, last, std::uint64_t{0}, add);
    const auto wanted = random.next() % (sum + 1);
    std::uint64_t running = 0;
    const auto chosen = std::find_if(first, last, [&running, wanted](const SrvRecord& record) {
        running += record.weight;
        return running >= wanted;
    });
    // Those in between keep their order, weight 0 in front.
    std::rotate(first, chosen, std::next(chosen));
}

// IPv6 and IPv4 by turns; what is left of the longer list at the end.
std::vector<std::string> alternating(const std::vector<std::string>& first,
                                     const std::vector<std::string>& second) {
    std::vector<std::string> mixed;
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
        if (i < first.size()) mixed.push_back(first[i]);
        if (i < second.size()) mixed.push_back(second[i]);
    }
    return mixed;
}

std::vector<std::string> usable_addresses(const DnsAnswer& answer, int family, std::size_t most) {
    std::vector<std::string> usable;
    for (const auto& text : answer.addresses) {
        if (usable.size() == most) break;
        auto address = normal_address(text, family);
        if (address && std::find(usable.begin(), usable.end(), *address) == usable.end())
            usable.push_back(*std::move(address));
    }
    return usable;
}

std::string shown(const Target& target) { return text_of({target.address, target.port}); }

}  // namespace

std::string_view name_of(Transport transport) {
    constexpr std::array<std::string_view, 3> kNames{"UDP", "TCP", "TLS"};
    return kNames.at(static_cast<std::size_t>(transport));
}

std::uint16_t default_port(Transport transport) { return transport == Transport::tls ? 5061 : 5060; }

std::string_view service_prefix(Transport transport) {
    constexpr std::array<std::string_view, 3> kPrefixes{"_sip._udp.", "_sip._tcp.", "_sips._tcp."};
    return kPrefixes.at(static_cast<std::size_t>(transport));
}

std::string_view name_of(TargetFailure failure) {
    constexpr std::array<std::string_view, 3> kNames{"connect", "timeout", "unavailable"};
    return kNames.at(static_cast<std::size_t>(failure));
}

Result<Destination> destination_of(const Uri& uri, Transport transport) {
    if (uri.scheme != "sip" && uri.scheme != "sips")
        return fail(ErrorCode::bad_input,
                    "a " + visible_excerpt(uri.scheme, 20) + " URI leads nowhere by SIP");
    if (uri.scheme == "sips" && transport != Transport::tls)
        return fail(ErrorCode::usage, "a sips URI is reached over TLS only",
                    "write sip: in its place, or set the transport to tls");
    if (uri.port == 0) return fail(ErrorCode::bad_input, "port 0 cannot be reached");
    if (auto address = numeric_host(uri.host))
        return Destination{*std::move(address), true, uri.port, transport};
    auto name = normal_name(uri.host);
    if (!name)
        return fail(ErrorCode::bad_input,
                    "neither a host name nor an address: " + visible_excerpt(uri.host, 80));
    return Destination{*std::move(name), false, uri.port, transport};
}

std::vector<SrvRecord> order_services(std::vector<SrvRecord> records, std::uint64_t random) {
    std::stable_sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
        return std::pair(a.priority, a.weight != 0) < std::pair(b.priority, b.weight != 0);
    });
    if (records.size() > kMostRecords) records.resize(kMostRecords);
    Stretched numbers(random);
    for (auto first = records.begin(); first != records.end(); ++first) {
        const auto priority = first->priority;
        const auto last = std::find_if(first, records.end(), [priority](const SrvRecord& record) {
            return record.priority != priority;
        });
        choose_first(first, last, numbers);
    }
    return records;
}

Resolution::Resolution(Destination destination, ResolveSettings settings, std::uint64_t random)
    : destination_(std::move(destination)), settings_(settings), random_(random) {
    if (destination_.numeric) return;
    if (destination_.port)
        ask_addresses({{destination_.host, *destination_.port}});
    else
        unasked_.push_back(
            {DnsQuery::Type::srv, std::string(service_prefix(destination_.transport)) + destination_.host});
}

std::vector<DnsQuery> Resolution::take_queries() {
    open_.insert(open_.end(), unasked_.begin(), unasked_.end());
    return std::exchange(unasked_, {});
}

void Resolution::ask_addresses(std::vector<Host> hosts) {
    hosts_ = std::move(hosts);
    for (const auto& host : hosts_) {
        if (find_addresses(host.name) != nullptr) continue;
        addresses_.push_back({host.name, {}, {}});
        if (settings_.families != ResolveSettings::Families::ipv4)
            unasked_.push_back({DnsQuery::Type::aaaa, host.name});
        if (settings_.families != ResolveSettings::Families::ipv6)
            unasked_.push_back({DnsQuery::Type::a, host.name});
    }
}

void Resolution::take_services(const DnsAnswer& answer) {
    const auto& records = answer.services;
    if (records.size() == 1 && records.front().target == ".") {
        no_service_ = true;
        return;
    }
    std::vector<Host> hosts;
    for (const auto& record : order_services(records, random_)) {
        auto name = normal_name(record.target);
        if (!name || record.port == 0) continue;
        if (hosts.size() < settings_.most_services) hosts.push_back({*std::move(name), record.port});
    }
    if (hosts.empty()) hosts.push_back({destination_.host, default_port(destination_.transport)});
    ask_addresses(std::move(hosts));
}

void Resolution::note_life(std::chrono::seconds life) { life_ = life_ ? std::min(*life_, life) : life; }

void Resolution::on_answer(const DnsQuery& query, const DnsAnswer& answer) {
    const auto open = std::find(open_.begin(), open_.end(), query);
    if (open == open_.end()) return;
    open_.erase(open);
    if (answer.status == DnsAnswer::Status::records) note_life(answer.time_to_live);
    if (answer.status == DnsAnswer::Status::failed) {
        failed_ = true;
        note_life(std::chrono::seconds(0));
    }
    if (query.type == DnsQuery::Type::srv) {
        take_services(answer.status == DnsAnswer::Status::records ? answer : DnsAnswer{});
        return;
    }
    if (answer.status != DnsAnswer::Status::records) return;
    auto& addresses = *std::find_if(addresses_.begin(), addresses_.end(),
                                    [&query](const Addresses& entry) { return entry.name == query.name; });
    if (query.type == DnsQuery::Type::a)
        addresses.ipv4 = usable_addresses(answer, AF_INET, settings_.most_addresses);
    else
        addresses.ipv6 = usable_addresses(answer, AF_INET6, settings_.most_addresses);
}

void Resolution::give_up() {
    if (finished()) return;
    failed_ = true;
    note_life(std::chrono::seconds(0));
    open_.clear();
    unasked_.clear();
}

const Resolution::Addresses* Resolution::find_addresses(std::string_view name) const {
    const auto found = std::find_if(addresses_.begin(), addresses_.end(),
                                    [name](const Addresses& entry) { return entry.name == name; });
    return found == addresses_.end() ? nullptr : &*found;
}

std::vector<Target> Resolution::targets() const {
    const auto& host = destination_.host;
    const auto transport = destination_.transport;
    if (destination_.numeric)
        return {{host, destination_.port.value_or(default_port(transport)), transport, host, true}};
    std::vector<Target> targets;
    for (const auto& place : hosts_) {
        const auto* const addresses = find_addresses(place.name);
        for (auto& address : alternating(addresses->ipv6, addresses->ipv4)) {
            Target target{std::move(address), place.port, transport, host, false};
            const bool known = std::find(targets.begin(), targets.end(), target) != targets.end();
            if (!known && targets.size() < settings_.most_targets) targets.push_back(std::move(target));
        }
    }
    return targets;
}

std::string Resolution::why() const {
    if (!targets().empty()) return {};
    const auto& host = destination_.host;
    if (no_service_)
        return "the DNS of " + host + " says that there is no SIP over " +
               std::string(name_of(destination_.transport));
    return failed_ ? "the DNS gives no answer for " + host : host + " has no address";
}

std::optional<std::chrono::seconds> Resolution::time_to_live() const {
    if (destination_.numeric) return std::nullopt;
    return life_.value_or(std::chrono::seconds(0));
}

const Target* Failover::next(TargetFailure failure) {
    if (current() != nullptr) failures_.push_back(failure);
    return current();
}

std::string Failover::history() const {
    std::string text;
    for (std::size_t i = 0; i < failures_.size(); ++i) {
        if (i > 0) text += ", ";
        text.append(shown(targets_[i])).append(" ").append(name_of(failures_[i]));
    }
    return text;
}

}  // namespace callchain::sip
