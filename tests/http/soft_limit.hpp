/// Limits of this process, lowered for a while, for what happens where a resource has run out.
#pragma once

#include "system/descriptor.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace callchain::http {

/// Whether UBSan watches. It opens a pipe to look whether an object can be read, and takes a sound one for
/// broken where no descriptor is left for that.
constexpr bool has_ubsan() {
#ifdef CALLCHAIN_HAS_UBSAN
    return true;
#else
    return false;
#endif
}

/// Holds a soft limit at `value` for as long as it lives.
class SoftLimit {
  public:
    using Resource = decltype(RLIMIT_NOFILE);
    SoftLimit(Resource resource, rlim_t value) : resource_(resource) {
        ::getrlimit(resource_, &before_);
        const rlimit low{value, before_.rlim_max};
        holds_ = ::setrlimit(resource_, &low) == 0;
    }
    SoftLimit(const SoftLimit&) = delete;
    SoftLimit& operator=(const SoftLimit&) = delete;
    ~SoftLimit() { ::setrlimit(resource_, &before_); }
    [[nodiscard]] bool holds() const { return holds_; }

  private:
    Resource resource_;
    rlimit before_{};
    bool holds_ = false;
};

/// The limit of descriptors that leaves room for so many more.
inline rlim_t descriptors_and(int more) {
    std::vector<system::Descriptor> taken;
    for (int i = 0; i <= more; ++i) taken.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return static_cast<rlim_t>(taken.back().number());
}

}  // namespace callchain::http
