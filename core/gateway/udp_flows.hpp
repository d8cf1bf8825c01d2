/// Which peers there are over UDP: a number for each, in bounded memory.
#pragma once

#include "gateway/flow.hpp"
#include "gateway/socket_address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace callchain::gateway {

struct UdpFlow {
    FlowInfo info;
    system::SocketAddress peer;
    std::size_t socket = 0;  ///< number of ours
    bool was_answered = false;
};

/// Peers that were sent something are forgotten only for others like them. So strangers who send from made-up
/// addresses and get no answer push out each other, and never a call. The loop's thread.
class UdpFlows {
  public:
    struct Limits {
        std::size_t strangers = 8'192;
        std::size_t answered = 65'536;
    };
    explicit UdpFlows(Limits limits) : limits_(limits) {}
    UdpFlows() : UdpFlows(Limits{}) {}

    /// The flow of that peer on that socket: the one there is, with `local` as its local address from now on,
    /// or a new one of that number. It stays where it is until the next call that is not const.
    UdpFlow& get(std::size_t socket, const system::SocketAddress& peer, const Endpoint& local,
                 sip::FlowId new_id);
    [[nodiscard]] const UdpFlow* find(sip::FlowId id) const;
    /// It was sent to.
    void note_answered(sip::FlowId id);
    std::optional<UdpFlow> remove(sip::FlowId id);
    std::optional<UdpFlow> remove(std::size_t socket, const system::SocketAddress& peer);
    [[nodiscard]] std::size_t size() const { return by_id_.size(); }

  private:
    using Key = std::array<char, 23>;  // socket, address, port, and for IPv6 the interface
    struct Hash {
        std::size_t operator()(const Key& key) const {
            return std::hash<std::string_view>()({key.data(), key.size()});
        }
    };
    using Flows = std::list<UdpFlow>;  // the last one used first

    [[nodiscard]] static Key key_of(std::size_t socket, const system::SocketAddress& peer);
    Flows& list_of(const UdpFlow& flow) { return flow.was_answered ? answered_ : strangers_; }
    void forget_oldest(Flows& flows, std::size_t most);
    UdpFlow take_out(Flows::iterator flow);

    Limits limits_;
    Flows strangers_;
    Flows answered_;
    std::unordered_map<Key, Flows::iterator, Hash> by_peer_;
    std::unordered_map<std::uint64_t, Flows::iterator> by_id_;
};

}  // namespace callchain::gateway
