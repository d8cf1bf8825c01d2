/// Addresses in settings: what is read as networks has no bit behind a prefix and holds its own address; an
/// address to listen on reads back as itself; an error can be shown.
#include "base/endpoint.hpp"
#include "base/ipv4.hpp"
#include "base/text.hpp"
#include "config/network.hpp"
#include "fuzz/require.hpp"

#include <arpa/inet.h>
#include <cstdint>

namespace callchain::config {
namespace {

std::string address_text(const Network& network) {
    char text[INET6_ADDRSTRLEN] = {};
    require(::inet_ntop(AF_INET6, network.address.data(), text, sizeof text) != nullptr);
    return text;
}

void check_networks(std::string_view list) {
    const auto networks = parse_networks(list);
    if (!networks) {
        require(visible(networks.error().message) == networks.error().message);
        require(visible(networks.error().hint) == networks.error().hint);
        return;
    }
    for (const auto& network : *networks) {
        const auto address = address_text(network);
        require(network.prefix <= 128 && contains({network}, address));
        // In its long form it says the same.
        require(parse_network(address + "/" + std::to_string(network.prefix)) == network);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_networks(text);
    require(!is_loopback(text) || contains(*parse_networks("127.0.0.0/8,::1"), text));
    if (const auto listen = parse_listen_address(text)) {
        require(visible(*listen) == *listen && parse_listen_address(*listen) == *listen);
        require(parse_port(std::string_view(*listen).substr(listen->rfind(':') + 1)).has_value());
    } else {
        require(visible(listen.error().message) == listen.error().message);
    }
    if (const auto ipv4 = parse_ipv4(text)) {
        const auto& a = *ipv4;
        const auto written = std::to_string(a[0]) + "." + std::to_string(a[1]) + "." + std::to_string(a[2]) +
                             "." + std::to_string(a[3]);
        require(parse_ipv4(written) == ipv4 && size <= 15);
        require(!contains(*parse_networks("10.0.0.0/8,127.0.0.0/8,192.168.0.0/16"), written) ||
                is_special_ipv4(a));
    }
    return 0;
}

}  // namespace callchain::config
