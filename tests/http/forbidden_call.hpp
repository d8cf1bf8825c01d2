/// System calls that fail as the test wants, for what the kernel refuses and no test can bring about.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace callchain::http {

/// From now on the calling thread, and those that it starts, get `error` from that call; where `first` is
/// given, only if it is its first argument. RestrictAddressFamilies= of systemd does it so. False where the
/// host does not let us.
inline bool forbid(unsigned call, unsigned error, int first = -1) {
    const auto load = [](std::size_t offset) {
        return sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<unsigned>(offset)};
    };
    const auto which = static_cast<unsigned>(first);
    const unsigned char when_another = first < 0 ? 0 : 1;
    std::array<sock_filter, 6> filter{load(offsetof(seccomp_data, nr)),
                                      sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 3, call},
                                      load(offsetof(seccomp_data, args)),
                                      sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, when_another, which},
                                      sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error},
                                      sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace callchain::http
