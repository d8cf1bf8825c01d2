#include "service_end.hpp"

#include "context.hpp"

#include <csignal>

namespace callchain::cli {
namespace {

std::string_view word_of(service::ServiceEnd end) {
    switch (end) {
        case service::ServiceEnd::drained:
            return "drained";
        case service::ServiceEnd::cut_short:
            return "cut short: the time for draining was over";
        case service::ServiceEnd::interrupted:
            break;
    }
    return "interrupted";
}

}  // namespace

int tell_end(service::ServiceEnd end, observe::Log& log) {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    const bool drained = end == service::ServiceEnd::drained;
    log.write(drained ? observe::Level::info : observe::Level::warn, "stopped",
              {{"how", std::string(word_of(end))}});
    if (drained) return kDone;
    return end == service::ServiceEnd::cut_short ? kNo : kInterrupted;
}

}  // namespace callchain::cli
