#include "gateway/proxy_protocol.hpp"

#include <gtest/gtest.h>

namespace callchain::gateway {
namespace {

using State = ProxyHeader::State;

std::string binary(unsigned version_and_command, unsigned family, std::string_view addresses,
                   std::string_view extra = {}) {
    std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
    bytes += static_cast<char>(version_and_command);
    bytes += static_cast<char>(family);
    const auto length = addresses.size() + extra.size();
    bytes += static_cast<char>(length >> 8U);
    bytes += static_cast<char>(length & 0xFFU);
    bytes += addresses;
    return bytes += extra;
}

const std::string kV4("\xC0\x00\x02\x01\xC0\x00\x02\x02\xDC\x04\x13\xC5",
                      12);  // 192.0.2.1:56324 to 192.0.2.2:5061

std::string v6_addresses() {
    std::string bytes("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    bytes += std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
    return bytes + std::string("\x13\xC4\x13\xC5", 4);
}

struct Row {
    const char* name;
    std::string header;
    std::optional<Endpoint> client;
};

// Source of the first lines: the specification's own examples, section 2.1.
TEST(ReadProxyHeader, TellsTheClientOfBothVersions) {
    for (const auto& row : {
             Row{"TCP4", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
                 Endpoint{"255.255.255.255", 65535}},
             Row{"TCP6",
                 "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                 "65535 65535\r\n",
                 Endpoint{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535}},
             Row{"mapped", "PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", Endpoint{"192.0.2.7", 1}},
             Row{"unknown", "PROXY UNKNOWN\r\n", std::nullopt},
             Row{"unknown with addresses",
                 "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
                 std::nullopt},
             Row{"v2 TCP4", binary(0x21, 0x11, kV4), Endpoint{"192.0.2.1", 56324}},
             Row{"v2 TCP4 with additions", binary(0x21, 0x11, kV4, "\x04\x00\x02zz"),
                 Endpoint{"192.0.2.1", 56324}},
             Row{"v2 TCP6", binary(0x21, 0x21, v6_addresses()), Endpoint{"2001:db8::1", 5060}},
             Row{"v2 LOCAL", binary(0x20, 0x00, ""), std::nullopt},
             Row{"v2 LOCAL with addresses", binary(0x20, 0x11, kV4), std::nullopt},
             Row{"v2 UNSPEC", binary(0x21, 0x00, ""), std::nullopt},
             Row{"v2 of 536 bytes", binary(0x21, 0x11, kV4, std::string(508, 'x')),
                 Endpoint{"192.0.2.1", 56324}},
         }) {
        SCOPED_TRACE(row.name);
        for (const std::string behind : {"", "OPTIONS sip:a SIP/2.0\r\n"}) {
            const auto header = read_proxy_header(row.header + behind);
            ASSERT_EQ(header.state, State::complete) << header.why;
            EXPECT_EQ(header.bytes, row.header.size());
            EXPECT_EQ(header.client, row.client);
        }
        for (std::size_t size = 0; size < row.header.size(); ++size)
            EXPECT_EQ(read_proxy_header(row.header.substr(0, size)).state, State::partial) << size;
    }
}

TEST(ReadProxyHeader, RefusesWhatIsNone) {
    for (const auto& row : {
             Row{"SIP", "OPTIONS sip:a SIP/2.0\r\n", {}},
             Row{"TLS", std::string("\x16\x03\x01\x02\x00", 5), {}},
             Row{"other case", "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", {}},
             Row{"unknown protocol", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", {}},
             Row{"no addresses", "PROXY TCP4\r\n", {}},
             Row{"other family", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", {}},
             Row{"port beyond", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", {}},
             Row{"port with zero", "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", {}},
             Row{"port with sign", "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", {}},
             Row{"two blanks", "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", {}},
             Row{"a NUL", std::string("PROXY TCP4 192.0.2.1\0x 192.0.2.2 1 2\r\n", 38), {}},
             Row{"one more word", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", {}},
             Row{"too long", "PROXY UNKNOWN " + std::string(100, 'x'), {}},
             Row{"version 1 in binary", binary(0x11, 0x11, kV4), {}},
             Row{"command 2", binary(0x22, 0x11, kV4), {}},
             Row{"family 4", binary(0x21, 0x41, kV4), {}},
             Row{"protocol 3", binary(0x21, 0x13, kV4), {}},
             Row{"datagrams", binary(0x21, 0x12, kV4), {}},
             Row{"too short", binary(0x21, 0x11, kV4.substr(1)), {}},
             Row{"of 537 bytes", binary(0x21, 0x11, kV4, std::string(509, 'x')), {}},
         }) {
        SCOPED_TRACE(row.name);
        const auto header = read_proxy_header(row.header);
        EXPECT_EQ(header.state, State::refused);
        EXPECT_NE(header.why, "");
    }
}

}  // namespace
}  // namespace callchain::gateway
