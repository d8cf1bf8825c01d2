/// Questions to DNS servers, by c-ares, on the gateway's loop.
#pragma once

#include "gateway/loop.hpp"
#include "sip/resolve.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace callchain::gateway {

struct DnsReply {
    sip::DnsAnswer answer;
    std::string trouble = {};  ///< of a `failed` one: why, in words for a person
};

/// Asks the servers in their order, each twice at the most, over UDP and, where an answer is cut short, over
/// TCP. Names are asked for as they are: no search list. All on the loop's thread; the loop outlives it.
class DnsClient {
  public:
    /// `servers`: "192.0.2.1,[2001:db8::1]:5353"; empty: those of resolv.conf, which is read here and never
    /// again. `query_time` is for one question, all its repetitions included.
    DnsClient(Loop& loop, const std::string& servers, std::chrono::milliseconds query_time);
    DnsClient(const DnsClient&) = delete;
    DnsClient& operator=(const DnsClient&) = delete;
    ~DnsClient();

    /// `done` is called once, from the loop, never from within and never behind the client's destruction.
    void ask(const sip::DnsQuery& query, std::function<void(const DnsReply&)> done);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace callchain::gateway
