/// /etc/hosts: names and addresses come out in their one form, of the kind that was asked for, whatever else
/// stands in the file; a file with only that in it says the same.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "gateway/hosts_file.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstdint>

using namespace callchain;
using namespace callchain::gateway;
using sip::DnsAnswer;
using sip::DnsQuery;

namespace {

bool is_in_its_one_form(const std::string& text, int family) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    std::array<char, INET6_ADDRSTRLEN> again{};
    return ::inet_pton(family, text.c_str(), bytes.data()) == 1 &&
           ::inet_ntop(family, bytes.data(), again.data(), again.size()) != nullptr && text == again.data();
}

void check_name(const HostsFile& file, std::string_view name) {
    std::string only;
    const bool known = file.answer({DnsQuery::Type::a, std::string(name)}).has_value();
    for (const auto type : {DnsQuery::Type::a, DnsQuery::Type::aaaa, DnsQuery::Type::srv}) {
        const auto answer = file.answer({type, std::string(name)});
        // The operator's word holds for all that is asked of a name.
        require(type == DnsQuery::Type::srv || answer.has_value() == known);
        if (!answer) continue;
        require(answer->services.empty() &&
                (answer->status == DnsAnswer::Status::records) == !answer->addresses.empty());
        for (const auto& address : answer->addresses) {
            require(is_in_its_one_form(address, type == DnsQuery::Type::a ? AF_INET : AF_INET6));
            only += address + " " + std::string(name) + "\n";
        }
    }
    const HostsFile again(only);
    for (const auto type : {DnsQuery::Type::a, DnsQuery::Type::aaaa}) {
        const auto before = file.answer({type, std::string(name)});
        const auto after = again.answer({type, std::string(name)});
        if (known) require(after && after->addresses == before->addresses);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const HostsFile file(text);
    require(file.size() <= size / 2);
    // Names as they are asked for: in small letters, without a final dot.
    constexpr std::size_t kMostTried = 8;
    std::size_t tried = 0;
    for (const auto line : split(text, '\n')) {
        const auto word = trim(line.substr(0, line.find('#')));
        auto name = ascii_lower(word.substr(word.find_last_of(" \t") + 1));
        if (name.ends_with('.')) name.pop_back();
        if (name.empty() || name.ends_with('.') || name.find_first_of("\r\v\f\n") != std::string::npos)
            continue;
        check_name(file, name);
        if (++tried == kMostTried) break;
    }
    return 0;
}
