#include "config/network.hpp"

#include "base/endpoint.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <optional>

namespace callchain::config {
namespace {

using Address = std::array<std::uint8_t, 16>;
constexpr unsigned kMappedBits = 96;

std::optional<Address> parse_address(std::string_view text) {
    Address address{};
    const std::string terminated(text);
    // inet_pton reads up to a NUL and would not see what stands behind it.
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    if (::inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
    if (::inet_pton(AF_INET, terminated.c_str(), address.data() + 12) != 1) return std::nullopt;
    address[10] = address[11] = 0xFF;  // RFC 4291 section 2.5.5.2
    return address;
}

bool is_mapped(const Address& address) {
    return std::all_of(address.begin(), address.begin() + 10, [](auto byte) { return byte == 0; }) &&
           address[10] == 0xFF && address[11] == 0xFF;
}

std::string write_address(const Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_mapped(address))
        ::inet_ntop(AF_INET, address.data() + 12, text.data(), text.size());
    else
        ::inet_ntop(AF_INET6, address.data(), text.data(), text.size());
    return text.data();
}

Address masked(Address address, unsigned prefix) {
    for (unsigned bit = prefix; bit < 128; ++bit)
        address[bit / 8] = static_cast<std::uint8_t>(address[bit / 8] & ~(0x80U >> (bit % 8)));
    return address;
}

std::string quoted(std::string_view text) { return "\"" + visible_excerpt(text, 60) + "\""; }

}  // namespace

Result<Network> parse_network(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address)
        return fail(ErrorCode::usage, quoted(text) + " is no network",
                    "write it as 100.64.0.0/10 or fd12::/16; a name is not resolved");
    const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
    Network network{*address, 128};
    if (slash == std::string_view::npos) return network;
    const auto bits = parse_decimal(text.substr(slash + 1));
    const unsigned most = v4 ? 32 : 128;
    if (!bits || *bits > most)
        return fail(ErrorCode::usage, quoted(text) + " has no prefix length of 0 to " + std::to_string(most));
    network.prefix = static_cast<unsigned>(*bits) + (v4 ? kMappedBits : 0);
    network.address = masked(*address, network.prefix);
    if (network.address != *address)
        return fail(
            ErrorCode::usage, quoted(text) + " has bits set behind its prefix",
            "the network of that address is " + write_address(network.address) + "/" + std::to_string(*bits));
    return network;
}

Result<std::vector<Network>> parse_networks(std::string_view list) {
    std::vector<Network> networks;
    std::vector<std::string> problems;
    std::string hint;
    const std::string divided = replace_all(list, ",", " ");
    for (const auto item : split(divided, ' ')) {
        if (trim(item).empty()) continue;
        auto network = parse_network(trim(item));
        if (network) {
            networks.push_back(*network);
            continue;
        }
        problems.push_back(network.error().message);
        if (hint.empty()) hint = network.error().hint;
    }
    if (!problems.empty()) return fail(ErrorCode::usage, join(problems, "; "), hint);
    return networks;
}

bool contains(const std::vector<Network>& networks, std::string_view address) {
    const auto parsed = parse_address(address);
    return parsed && std::any_of(networks.begin(), networks.end(), [&](const Network& network) {
               return masked(*parsed, network.prefix) == network.address;
           });
}

// Source: RFC 4291 section 2.5.5.2.
bool is_ipv4(const Network& network) {
    const auto& bytes = network.address;
    return network.prefix >= kMappedBits && bytes[10] == 0xFF && bytes[11] == 0xFF &&
           std::all_of(bytes.begin(), bytes.begin() + 10, [](auto byte) { return byte == 0; });
}

Result<std::uint16_t> parse_port(std::string_view text) {
    const auto number = parse_decimal(text);
    if (!number || *number > 65'535)
        return fail(ErrorCode::usage, quoted(text) + " is no port",
                    "a port is a number from 0 to 65535; 0 picks a free one");
    return static_cast<std::uint16_t>(*number);
}

Result<std::string> parse_listen_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return "[::]:" + std::to_string(CALLCHAIN_TRY(parse_port(text)));
    const auto port = std::to_string(CALLCHAIN_TRY(parse_port(text.substr(colon + 1))));
    auto host = text.substr(0, colon);
    if (host.empty()) return "[::]:" + port;
    const bool had_brackets = without_brackets(host).size() != host.size();
    host = without_brackets(host);
    if (host == "localhost") host = "127.0.0.1";
    const bool is_ipv6 = host.find(':') != std::string_view::npos;
    if (is_ipv6 != had_brackets || !parse_address(host))
        return fail(ErrorCode::usage, quoted(text) + " is no address to listen on",
                    "write it as 0.0.0.0:8000, 127.0.0.1:8000 or [::]:8000");
    return bracketed(host) + ":" + port;
}

}  // namespace callchain::config
