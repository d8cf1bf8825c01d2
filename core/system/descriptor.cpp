#include "system/descriptor.hpp"

#include <cerrno>
#include <cstddef>

namespace callchain::system {

int write_all(int number, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(number, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return 0;
}

}  // namespace callchain::system
