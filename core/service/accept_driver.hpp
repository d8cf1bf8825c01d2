/// Drives one request of the call API until it is decided: attempts, waits, outcome.
#pragma once

#include "http/client.hpp"
#include "http/loop.hpp"
#include "openai/call_outcome.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace callchain::service {

/// Sends a request and calls back once, on any thread. Usually send() of one of the clients.
using ApiSender = std::function<void(http::ClientRequest, std::function<void(http::ClientResult)>)>;
/// Of an http::Client or http::ClientOnLoop, which must outlive it.
template <class AnyClient>
[[nodiscard]] ApiSender sender_of(AnyClient& client) {
    return [&client](http::ClientRequest request, std::function<void(http::ClientResult)> done) {
        client.send(std::move(request), std::move(done));
    };
}

/// POST with the key as bearer. Without a body there is no Content-Type; Content-Length is there in any case.
[[nodiscard]] http::ClientRequest call_request(std::string url, std::string_view api_key, std::string body);

/// The answer, or why there is none, as decide_retry() takes it.
[[nodiscard]] openai::ApiAnswer answer_of(const http::ClientResult& result, std::chrono::sys_seconds now);

struct AcceptSettings {
    openai::RetryPolicy policy = {};
    std::optional<std::chrono::seconds> event_age = {};  ///< created_at to receipt
    std::chrono::milliseconds elapsed{};                 ///< since the receipt, when start() is called
    std::function<double()> random = {};                 ///< 0 to 1; empty: a generator of its own
};

struct AcceptResult {
    openai::Outcome outcome = openai::Outcome::network_failure;
    openai::ApiAnswer answer = {};  ///< the last one
    std::string failure = {};       ///< where there was no answer: why, for a person
    std::string request_id = {};    ///< x-request-id of the last answer, made visible: for OpenAI's support
    int attempts = 0;
    std::chrono::milliseconds duration{};  ///< since start()
    /// With decided_elsewhere and call_gone: an attempt of ours whose answer was lost may be what decided.
    bool perhaps_ours = false;
};

/// One accept (or, with most_attempts 1, any other action). All functions on the thread of the loop, or
/// before it runs; the loop outlives the client behind the sender. An attempt may last until the deadline,
/// which runs from the receipt of the event. Destroying the driver ends it without a callback.
class AcceptDriver {
  public:
    AcceptDriver(http::Loop& loop, ApiSender send, http::ClientRequest request, AcceptSettings settings,
                 std::function<void(AcceptResult)> on_done);
    AcceptDriver(const AcceptDriver&) = delete;
    AcceptDriver& operator=(const AcceptDriver&) = delete;
    ~AcceptDriver();

    /// Sends the first attempt. on_done is called once, from the loop, never from within start(); it may
    /// destroy the driver.
    void start();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace callchain::service
