/// /etc/hosts as it is at the moment.
#pragma once

#include "gateway/hosts_file.hpp"
#include "sip/timer_queue.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace callchain::gateway {

/// Reads the file when it has changed, which it looks for once a second at the most. Not for two threads.
class HostsReader {
  public:
    explicit HostsReader(std::string path) : path_(std::move(path)) {}

    /// What the file says at `now`. A file that is not there has no names; one that cannot be read just now
    /// keeps those that it had. Of one beyond 4 MiB the beginning counts. Good until the next call.
    const HostsFile& current(sip::SteadyTime now);

  private:
    // What tells that a file is another than before.
    struct Mark {
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        std::int64_t bytes = 0;
        std::uint64_t file = 0;
        friend bool operator==(const Mark&, const Mark&) = default;
    };
    [[nodiscard]] std::optional<Mark> mark() const;

    std::string path_;
    std::optional<sip::SteadyTime> looked_;
    std::optional<Mark> mark_;
    HostsFile hosts_;
};

}  // namespace callchain::gateway
