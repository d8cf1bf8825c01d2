#include "system/freed_memory.hpp"

#include <cstddef>
#include <cstdlib>

namespace callchain::system {

// A block that was mapped by itself raises both thresholds when it is freed: that of mapping to its size, that
// of giving back to twice that. mallopt(M_TRIM_THRESHOLD) would do one and end this learning for good, by which
// each larger block is mapped anew.
void keep_freed_memory() {
    constexpr std::size_t kMappedBytes = std::size_t{1} << 20U;
    void* volatile block = std::malloc(kMappedBytes);  // volatile: or the compiler leaves out both
    std::free(block);
}

}  // namespace callchain::system
