#include "gateway/udp_flows.hpp"

#include <cstring>
#include <iterator>
#include <netinet/in.h>
#include <utility>

namespace callchain::gateway {

UdpFlows::Key UdpFlows::key_of(std::size_t socket, const system::SocketAddress& peer) {
    const auto uniform = as_ipv6(peer);
    sockaddr_in6 typed{};
    std::memcpy(&typed, &uniform.storage, sizeof typed);
    Key key{};
    key[0] = static_cast<char>(socket);
    std::memcpy(&key[1], &typed.sin6_addr, sizeof typed.sin6_addr);
    std::memcpy(&key[17], &typed.sin6_port, sizeof typed.sin6_port);
    std::memcpy(&key[19], &typed.sin6_scope_id, sizeof typed.sin6_scope_id);
    return key;
}

UdpFlow& UdpFlows::get(std::size_t socket, const system::SocketAddress& peer, const Endpoint& local,
                       sip::FlowId new_id) {
    const auto key = key_of(socket, peer);
    if (const auto found = by_peer_.find(key); found != by_peer_.end()) {
        auto& flow = *found->second;
        auto& list = list_of(flow);
        list.splice(list.begin(), list, found->second);
        flow.info.local = local;
        return flow;
    }
    UdpFlow flow;
    flow.info.id = new_id;
    flow.info.transport = Transport::udp;
    flow.info.local = local;
    flow.info.peer = endpoint_of(peer);
    flow.peer = peer;
    flow.socket = socket;
    strangers_.push_front(std::move(flow));
    by_peer_[key] = strangers_.begin();
    by_id_[new_id.value] = strangers_.begin();
    forget_oldest(strangers_, limits_.strangers);
    return strangers_.front();
}

const UdpFlow* UdpFlows::find(sip::FlowId id) const {
    const auto found = by_id_.find(id.value);
    return found == by_id_.end() ? nullptr : &*found->second;
}

void UdpFlows::note_answered(sip::FlowId id) {
    const auto found = by_id_.find(id.value);
    if (found == by_id_.end()) return;
    const auto flow = found->second;
    answered_.splice(answered_.begin(), list_of(*flow), flow);
    flow->was_answered = true;
    forget_oldest(answered_, limits_.answered);
}

std::optional<UdpFlow> UdpFlows::remove(sip::FlowId id) {
    const auto found = by_id_.find(id.value);
    if (found == by_id_.end()) return std::nullopt;
    return take_out(found->second);
}

std::optional<UdpFlow> UdpFlows::remove(std::size_t socket, const system::SocketAddress& peer) {
    const auto found = by_peer_.find(key_of(socket, peer));
    if (found == by_peer_.end()) return std::nullopt;
    return take_out(found->second);
}

void UdpFlows::forget_oldest(Flows& flows, std::size_t most) {
    while (flows.size() > most) take_out(std::prev(flows.end()));
}

UdpFlow UdpFlows::take_out(Flows::iterator flow) {
    by_peer_.erase(key_of(flow->socket, flow->peer));
    by_id_.erase(flow->info.id.value);
    auto out = std::move(*flow);
    list_of(out).erase(flow);
    return out;
}

}  // namespace callchain::gateway
