#include "gateway/proxy_protocol.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <sys/socket.h>
#include <utility>

namespace callchain::gateway {
namespace {

constexpr std::string_view kTextBegin = "PROXY ";
constexpr std::string_view kBinaryBegin{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kMostTextBytes = 107;
constexpr std::size_t kFixedBinaryBytes = 16;

using State = ProxyHeader::State;

ProxyHeader refuse(std::string why) { return {.state = State::refused, .why = std::move(why)}; }

bool begins_alike(std::string_view bytes, std::string_view begin) {
    const auto size = std::min(bytes.size(), begin.size());
    return bytes.substr(0, size) == begin.substr(0, size);
}

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::optional<std::string> numeric_address(int family, std::string_view text) {
    const std::string terminated(text);
    std::array<unsigned char, 16> bytes{};
    if (text.find('\0') != std::string_view::npos) return std::nullopt;  // inet_pton reads no further
    if (::inet_pton(family, terminated.c_str(), bytes.data()) != 1) return std::nullopt;
    return terminated;
}

/// A mapped address comes out as IPv4, like everywhere.
std::string address_text(int family, std::string_view bytes) {
    static constexpr std::string_view kMapped{"\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12};
    if (family == AF_INET6 && bytes.starts_with(kMapped)) return address_text(AF_INET, bytes.substr(12));
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
    return text.data();
}

/// No sign, no leading zero: as the specification writes it.
std::optional<std::uint16_t> port_from(std::string_view text) {
    if (text.size() > 1 && text.starts_with('0')) return std::nullopt;
    const auto number = parse_decimal(text);
    if (!number || *number > 65'535) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

ProxyHeader read_text(std::string_view bytes) {
    const auto window = bytes.substr(0, kMostTextBytes);
    const auto end = window.find("\r\n");
    if (end == std::string_view::npos) {
        if (bytes.size() >= kMostTextBytes) return refuse("the PROXY line is longer than 107 bytes");
        return {};
    }
    ProxyHeader header{.state = State::complete, .bytes = end + 2};
    const auto words = split(window.substr(0, end), ' ');
    if (words[1] == "UNKNOWN") return header;
    const int family = words[1] == "TCP4" ? AF_INET : AF_INET6;
    if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6"))
        return refuse("the PROXY line is malformed");
    const auto client = numeric_address(family, words[2]);
    const auto port = port_from(words[4]);
    if (!client || !port || !numeric_address(family, words[3]) || !port_from(words[5]))
        return refuse("the PROXY line has no valid addresses");
    std::array<char, 16> raw{};
    ::inet_pton(family, client->c_str(), raw.data());
    header.client = Endpoint{address_text(family, {raw.data(), raw.size()}), *port};
    return header;
}

ProxyHeader read_binary(std::string_view bytes) {
    if (bytes.size() < kFixedBinaryBytes) return {};
    const auto version = byte_at(bytes, 12) >> 4U;
    const auto command = byte_at(bytes, 12) & 0xFU;
    const auto family = byte_at(bytes, 13) >> 4U;
    const auto protocol = byte_at(bytes, 13) & 0xFU;
    const std::size_t length = (byte_at(bytes, 14) << 8U) + byte_at(bytes, 15);
    if (version != 2) return refuse("the PROXY header is of version " + std::to_string(version));
    if (command > 1) return refuse("the PROXY header has command " + std::to_string(command));
    if (family > 3 || protocol > 2) return refuse("the PROXY header names an unknown protocol");
    if (kFixedBinaryBytes + length > kMostProxyHeaderBytes)
        return refuse("the PROXY header is longer than 536 bytes");
    ProxyHeader header{.state = State::complete, .bytes = kFixedBinaryBytes + length};
    if (bytes.size() < header.bytes) return {};
    const bool is_local = command == 0;
    const bool is_internet = family == 1 || family == 2;
    if (is_local || !is_internet || protocol == 0) return header;
    if (protocol != 1) return refuse("the PROXY header is for datagrams");
    const std::size_t size = family == 1 ? 4 : 16;
    if (length < 2 * size + 4) return refuse("the PROXY header is too short for its addresses");
    const auto addresses = bytes.substr(kFixedBinaryBytes, length);
    const auto port = (byte_at(addresses, 2 * size) << 8U) + byte_at(addresses, 2 * size + 1);
    header.client = Endpoint{address_text(family == 1 ? AF_INET : AF_INET6, addresses.substr(0, size)),
                             static_cast<std::uint16_t>(port)};
    return header;
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
    if (begins_alike(bytes, kTextBegin))
        return bytes.size() < kTextBegin.size() ? ProxyHeader{} : read_text(bytes);
    if (begins_alike(bytes, kBinaryBegin)) return read_binary(bytes);
    return refuse("the connection does not begin with a PROXY header");
}

}  // namespace callchain::gateway
