#include "gateway/hosts_file.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <utility>

namespace callchain::gateway {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";
// The file is looked at again behind this time, so nothing of it is sure for longer.
constexpr std::chrono::seconds kLife{1};

std::optional<std::string> address_of(const std::string& text, int family) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    std::array<char, INET6_ADDRSTRLEN> normal{};
    if (text.find('\0') != std::string::npos) return std::nullopt;  // inet_pton reads no further
    if (inet_pton(family, text.c_str(), bytes.data()) != 1) return std::nullopt;
    if (inet_ntop(family, bytes.data(), normal.data(), normal.size()) == nullptr) return std::nullopt;
    return std::string(normal.data());
}

// Takes the first word off the line; empty: there is none.
std::string_view next_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    const auto word = line.substr(0, line.find_first_of(kBlanks));
    line.remove_prefix(word.size());
    return word;
}

void add_once(std::vector<std::string>& addresses, const std::string& address) {
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
        addresses.push_back(address);
}

// The host whose service is asked for: "_sips._tcp.example.com" without its first two labels.
std::string_view host_of(const sip::DnsQuery& query) {
    std::string_view name = query.name;
    if (query.type != sip::DnsQuery::Type::srv) return name;
    for (int label = 0; label < 2 && name.starts_with('_'); ++label)
        name.remove_prefix(std::min(name.find('.'), name.size() - 1) + 1);
    return name;
}

}  // namespace

HostsFile::HostsFile(std::string_view text) {
    for (const auto line : split(text, '\n')) read_line(line.substr(0, line.find('#')));
}

void HostsFile::read_line(std::string_view line) {
    const std::string first(next_word(line));
    const auto ipv4 = address_of(first, AF_INET);
    const auto ipv6 = address_of(first, AF_INET6);
    if (!ipv4 && !ipv6) return;
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
        if (word.ends_with('.')) word.remove_suffix(1);
        auto& addresses = names_[ascii_lower(word)];
        if (ipv4) add_once(addresses.ipv4, *ipv4);
        if (ipv6) add_once(addresses.ipv6, *ipv6);
    }
}

std::optional<sip::DnsAnswer> HostsFile::answer(const sip::DnsQuery& query) const {
    using Type = sip::DnsQuery::Type;
    const auto found = names_.find(host_of(query));
    if (found == names_.end()) return std::nullopt;
    sip::DnsAnswer answer;
    if (query.type == Type::a) answer.addresses = found->second.ipv4;
    if (query.type == Type::aaaa) answer.addresses = found->second.ipv6;
    if (answer.addresses.empty()) return answer;
    answer.status = sip::DnsAnswer::Status::records;
    answer.time_to_live = kLife;
    return answer;
}

}  // namespace callchain::gateway
