/// How a service that runs until it is told to stop takes its leave.
#pragma once

#include "observe/log.hpp"
#include "service/service.hpp"

namespace callchain::cli {

/// Says "stopped" in the log, with how. Returns the exit code: 0, 1 where the time for draining was over, 130
/// for a second signal. From then on SIGTERM, SIGINT and SIGHUP are held back: what is left takes
/// milliseconds, and a signal in them would make a bad exit code of a good end. On the thread that took the
/// signals.
[[nodiscard]] int tell_end(service::ServiceEnd end, observe::Log& log);

}  // namespace callchain::cli
