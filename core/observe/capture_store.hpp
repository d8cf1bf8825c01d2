/// A folder of captures: refused deliveries, byte for byte, in a ring that cannot fill the disk.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::observe {

struct CaptureStoreLimits {
    std::size_t most_files = 200;
    std::uint64_t most_bytes = std::uint64_t{64} << 20U;
    unsigned burst = 20;      ///< token bucket of writes
    double per_second = 2.0;  ///< and how it fills
};

enum class CaptureOutcome { written, rate_limited, failed };

/// Writes into one directory, which must be ours and mode 0700. Everything goes through the handle of that
/// directory; files are made with O_EXCL and O_NOFOLLOW and mode 0600; names come from time and a counter
/// ("20261127T225600.123Z-000017.http"), never from a request. The oldest files of ours go where a limit
/// would be passed; other files are left alone and do not count. Any thread.
class CaptureStore {
  public:
    /// Makes the directory (0700) where it is not there. Errors: usage where it is no directory, a link, not
    /// ours, or open to others, with what to do; io where it cannot be made or opened.
    [[nodiscard]] static Result<std::unique_ptr<CaptureStore>> open(const std::string& path,
                                                                    CaptureStoreLimits limits = {});
    CaptureStore(const CaptureStore&) = delete;
    CaptureStore& operator=(const CaptureStore&) = delete;
    ~CaptureStore();

    struct Written {
        CaptureOutcome outcome = CaptureOutcome::failed;
        std::string name;  ///< of the file, within the directory
        std::string why;   ///< for failed: in words
    };
    /// A half-written file is removed. Failing does not throw; a full disk is one outcome like others.
    [[nodiscard]] Written write(std::string_view bytes, std::chrono::sys_time<std::chrono::milliseconds> now);
    /// Captures that were not written because of the rate.
    [[nodiscard]] std::uint64_t rate_limited() const;

  private:
    struct State;
    explicit CaptureStore(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// A file name as CaptureStore makes them.
[[nodiscard]] bool is_capture_name(std::string_view name);

}  // namespace callchain::observe
