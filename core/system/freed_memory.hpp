/// What the C library does with memory that is freed.
#pragma once

namespace callchain::system {

/// The C library gives freed memory back to the system beyond 128 KiB, and asks for it again a moment later: a
/// search that frees what each attempt took then pays for the same pages thousands of times. From here on it
/// keeps up to 2 MiB for each heap. Who sets MALLOC_TRIM_THRESHOLD_ keeps what was set. No error: a C library
/// other than glibc is not told anything. Source: mallopt(3), M_MMAP_THRESHOLD, "dynamic mmap threshold".
void keep_freed_memory();

}  // namespace callchain::system
