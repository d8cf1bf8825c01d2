#include "random_bytes.hpp"

#include <cstdlib>
#include <sys/random.h>

namespace callchain::cli {

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    // Up to 256 bytes come whole (getrandom(2), "Notes").
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(count)) std::abort();
    return bytes;
}

}  // namespace callchain::cli
