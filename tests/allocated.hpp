/// How much memory the program holds, for tests of what gives some back.
#pragma once

#include <cstddef>
#include <malloc.h>

namespace callchain {

/// Octets of the whole program; an address sanitizer does not count them, and proves nothing by them.
inline std::size_t allocated() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

}  // namespace callchain
