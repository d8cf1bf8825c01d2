/// What the C library does with memory that is freed.
#pragma once

namespace callchain::system {

/// The C library gives the end of a heap back to the system once 128 KiB of it are free, and asks for them again
/// a moment later: a search that frees what each attempt took then pays for the same pages thousands of times.
/// From here on that is 2 MiB, and more once a block above 1 MiB was freed, as without this. Who sets
/// MALLOC_TRIM_THRESHOLD_ keeps what was set. No error: a C library other than glibc is not told anything.
/// Source: mallopt(3), M_MMAP_THRESHOLD, "dynamic mmap threshold".
void keep_freed_memory();

}  // namespace callchain::system
