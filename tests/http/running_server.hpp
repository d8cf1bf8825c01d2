/// A server on loopback for tests, with a handler that tells back what it was given.
#pragma once

#include "http/server.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace callchain::http {

/// "METHOD target [body]".
inline Response echo_of(const Request& request) {
    return {.content_type = "text/plain",
            .body = request.method + " " + request.target + " [" + request.body + "]"};
}

inline void echo(const Request& request, Responder responder) { responder.send(echo_of(request)); }

/// Waits for something that another thread brings about. False when it does not come in 20 s.
class Signal {
  public:
    void give() {
        const std::lock_guard lock(mutex_);
        ++given_;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait_for(int times = 1) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return given_ >= times; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int given_ = 0;
};

/// Holds requests until the test answers them.
class Held {
  public:
    [[nodiscard]] Handler handler() {
        return [this](Request request, Responder responder) {
            {
                const std::lock_guard lock(mutex_);
                held_.push_back(std::make_pair(std::move(request), std::move(responder)));
            }
            arrived.give();
        };
    }
    [[nodiscard]] std::pair<Request, Responder> take() {
        const std::lock_guard lock(mutex_);
        auto first = std::move(held_.front());
        held_.erase(held_.begin());
        return first;
    }
    [[nodiscard]] std::size_t size() {
        const std::lock_guard lock(mutex_);
        return held_.size();
    }
    Signal arrived;

  private:
    std::mutex mutex_;
    std::vector<std::pair<Request, Responder>> held_;
};

/// What the server refused, in order.
class Refusals {
  public:
    [[nodiscard]] ServerEvents events() {
        return {.on_refused = [this](int status, const std::string& peer) {
            {
                const std::lock_guard lock(mutex_);
                statuses_.push_back(status);
                peer_ = peer;
            }
            arrived.give();
        }};
    }
    [[nodiscard]] std::vector<int> statuses() {
        const std::lock_guard lock(mutex_);
        return statuses_;
    }
    [[nodiscard]] std::string peer() {
        const std::lock_guard lock(mutex_);
        return peer_;
    }
    Signal arrived;

  private:
    std::mutex mutex_;
    std::vector<int> statuses_;
    std::string peer_;
};

inline std::unique_ptr<Server> start_server(Handler handler, ServerOptions options = {},
                                            ServerEvents events = {}) {
    if (options.listen.empty()) options.listen = {"127.0.0.1:0"};
    auto server = Server::start(std::move(options), std::move(handler), std::move(events));
    EXPECT_TRUE(server.has_value()) << server.error().message;
    return server ? *std::move(server) : nullptr;
}

}  // namespace callchain::http
