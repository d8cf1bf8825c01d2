#include "http/resolve.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <sys/socket.h>

namespace callchain::http {
namespace {

constexpr std::size_t kMostAddresses = 16;

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

}  // namespace

Result<std::vector<std::string>> resolve_host(const std::string& host) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_ADDRCONFIG;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), nullptr, &wanted, &list);
    if (code != 0) {
        const char* words = code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code);
        return fail(ErrorCode::io, "no address for " + visible_excerpt(host, 100) + ": " + words,
                    "check the spelling of the host, and the resolver of this machine");
    }
    const std::unique_ptr<addrinfo, FreeAddresses> owned(list);
    std::vector<std::string> addresses;
    for (const auto* at = list; at != nullptr && addresses.size() < kMostAddresses; at = at->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(at->ai_addr, at->ai_addrlen, text.data(), text.size(), nullptr, 0,
                          NI_NUMERICHOST) != 0)
            continue;
        std::string address = text.data();
        if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
            addresses.push_back(std::move(address));
    }
    return addresses;
}

}  // namespace callchain::http
