/// Where SIP messages come from and go to.
#pragma once

#include "base/endpoint.hpp"
#include "sip/resolve.hpp"
#include "sip/transaction_layer.hpp"

#include <string>

namespace callchain::gateway {

using sip::name_of;
using sip::Transport;

/// A connection, or over UDP one of our sockets and a peer's address.
struct FlowInfo {
    sip::FlowId id;
    Transport transport = Transport::udp;
    Endpoint local;
    Endpoint peer;              ///< of the caller, where the PROXY protocol told it, else of the connection
    bool outbound = false;      ///< we connected
    std::string identity = {};  ///< outbound TLS: the name that was verified
    std::string client_name = {};  ///< inbound TLS: subject of the client's certificate, verified or not
    bool client_verified = false;
    std::string tls_version = {};  ///< "TLSv1.3"; empty: no TLS
    [[nodiscard]] sip::Flow flow() const {
        return {id, transport == Transport::udp ? sip::Reliability::unreliable : sip::Reliability::reliable};
    }
};

/// One address to connect or send to, as core/sip/resolve.hpp yields it.
struct SendTarget {
    Transport transport = Transport::tls;
    Endpoint endpoint;
    std::string identity = {};  ///< TLS: the name for SNI and the certificate, the domain of the URI
};

}  // namespace callchain::gateway
