/// DNS by c-ares on the gateway's loop: A, AAAA and SRV, /etc/hosts first, a short cache.
#pragma once

#include "gateway/loop.hpp"
#include "sip/resolve.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace callchain::gateway {

struct ResolverSettings {
    std::string servers = {};  ///< "127.0.0.1:5353,…"; empty: those of resolv.conf as it is now, for good
    std::string hosts_file = "/etc/hosts";
    std::chrono::milliseconds query_time{3'000};  ///< for one query with its repetitions
    std::chrono::seconds least_cached{5};         ///< an answer's TTL is held to these bounds
    std::chrono::seconds most_cached{300};
    std::chrono::seconds failure_cached{5};  ///< no such name, and no data; a timeout is never cached
};

/// Runs sip's resolution to its end: asks what it wants to know and hands it the answers. All on the loop's
/// thread.
class Resolver {
  public:
    explicit Resolver(Loop& loop, ResolverSettings settings = {});
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    ~Resolver();

    /// `done` is called once, from the loop, never from within: the targets in the order in which they are to
    /// be tried, or why there are none, in words for a person (no such name, no answer from the servers …).
    void resolve(const sip::Destination& destination,
                 std::function<void(Result<std::vector<sip::Target>>)> done);

  private:
    struct State;
    std::shared_ptr<State> state_;  // with a `done` that is being called and may end the resolver
};

}  // namespace callchain::gateway
