/// Passes a request on to another server, byte for byte, and brings its answer back.
#pragma once

#include "base/result.hpp"
#include "http/client.hpp"
#include "http/message.hpp"
#include "webhook/passing_on.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace callchain::service {

struct ForwardSettings {
    std::string url;  ///< as webhook::join_targets() reads its path
    webhook::HostHeader host = webhook::HostHeader::of_target;
    std::chrono::milliseconds time{10'000};  ///< for the whole exchange
    std::string ca_file = {};                ///< PEM; empty: the system's
};

struct Forwarded {
    http::Response response;      ///< for the sender
    std::optional<int> status{};  ///< of the upstream; none where it gave no answer
    std::string failure;  ///< why the answer is one of ours, in words; empty where it is the upstream's
};

/// The request with the method, the headers of webhook::request_headers_to_pass_on() in their order, and the
/// body as they are. nullopt: its target has no path. Pure.
[[nodiscard]] std::optional<http::ClientRequest> forwarded_request(const http::Request& request,
                                                                   const ForwardSettings& settings);

/// The upstream's answer without what is hop by hop; or 502 where there is none, 504 where it is late, with
/// the cause as text. 502 also for an answer above 1 MiB, which would arrive cut. Pure.
[[nodiscard]] Forwarded forwarded_answer(http::ClientResult result);

/// Redirects are not followed; each request has a connection of its own.
class Forwarder {
  public:
    explicit Forwarder(ForwardSettings settings);
    /// Any thread; never blocks. `done` is called once, on a thread of ours or on the caller's.
    void send(const http::Request& request, std::function<void(Forwarded)> done);
    /// What is under way ends as a failure.
    void stop() { client_.stop(); }

  private:
    ForwardSettings settings_;
    http::Client client_;
};

/// Whether a connection to that URL would arrive at one of our own listening addresses ("host:port"): passing
/// on would never end. Blocks for the resolver. Units: `url` is one that http::read_url() takes.
[[nodiscard]] bool is_own_address(const std::string& url, const std::vector<std::string>& listening);

}  // namespace callchain::service
