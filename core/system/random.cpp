#include "system/random.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/random.h>

namespace callchain::system {

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    // Up to 256 bytes come whole, more may be cut by a signal (getrandom(2), "Notes").
    std::size_t done = 0;
    while (done < count) {
        const auto more = ::getrandom(bytes.data() + done, count - done, 0);
        if (more < 0 && errno != EINTR) std::abort();
        if (more > 0) done += static_cast<std::size_t>(more);
    }
    return bytes;
}

std::uint64_t random_number() {
    std::uint64_t value = 0;
    const auto bytes = random_bytes(sizeof value);
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace callchain::system
