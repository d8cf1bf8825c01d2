/// The names of /etc/hosts. Pure.
#pragma once

#include "sip/resolve.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::gateway {

class HostsFile {
  public:
    HostsFile() = default;
    /// Reads lines of an address and its names. Lines without a plain address (a zone as in "fe80::1%eth0",
    /// too) are passed over, as the system's resolver does. A name on many lines has all their addresses.
    /// Source: hosts(5).
    explicit HostsFile(std::string_view text);

    /// What the file answers in place of DNS; nullopt: the name does not stand in it. For a name that does,
    /// what it lacks is `none`: a name with an IPv4 address alone has no IPv6 address, and no SRV record
    /// either, so that the operator's word holds whatever DNS says, and without it.
    [[nodiscard]] std::optional<sip::DnsAnswer> answer(const sip::DnsQuery& query) const;
    [[nodiscard]] std::size_t size() const { return names_.size(); }

  private:
    struct Addresses {
        std::vector<std::string> ipv4;
        std::vector<std::string> ipv6;
    };
    void read_line(std::string_view line);

    std::map<std::string, Addresses, std::less<>> names_;
};

}  // namespace callchain::gateway
