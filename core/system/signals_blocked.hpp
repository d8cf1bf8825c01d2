/// Threads that no signal of the process runs on.
#pragma once

#include <csignal>

namespace callchain::system {

/// Threads that are made in its scope take over its mask and get no signal, but for those that a fault raises
/// in the thread itself: no handler of somebody else's runs there, and a closed pipe is an error of write().
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigdelset(&all, fault);
        ::pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

}  // namespace callchain::system
