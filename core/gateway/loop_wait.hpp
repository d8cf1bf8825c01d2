/// Waiting on a Loop, for descriptors and for moments: so that sockets here are the system's own and only one
/// source compiles Asio's.
#pragma once

#include "sip/timer_queue.hpp"
#include "system/descriptor.hpp"

#include <functional>
#include <memory>

namespace callchain::gateway {

class Loop;

/// Owns a descriptor that does not block and tells when it can be read or written. The loop's thread. May be
/// closed or destroyed by its own handlers; after that nothing is called.
class Watched {
  public:
    struct Handlers {
        std::function<void()> readable;  ///< or the descriptor has an error
        std::function<void()> writable;  ///< as above; may be empty where await_writable() is never called
    };
    Watched(Loop& loop, system::Descriptor descriptor, Handlers handlers);
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    ~Watched();

    /// False behind close(), and where the system could not watch one more.
    [[nodiscard]] bool is_open() const;
    [[nodiscard]] int number() const;
    /// Calls the handler once as soon as it is so, never from within. Asked twice is called once.
    void await_readable();
    void await_writable();
    void close();

  private:
    struct State;
    std::shared_ptr<State> state_;  // with the operations under way, which end behind close()
};

/// Calls its handler at a moment. The loop's thread. Never called behind its destruction.
class Alarm {
  public:
    Alarm(Loop& loop, std::function<void()> handler);
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    ~Alarm();
    /// Replaces the moment set before.
    void set(sip::SteadyTime due);

  private:
    struct State;
    std::shared_ptr<State> state_;  // with the operation under way
};

}  // namespace callchain::gateway
