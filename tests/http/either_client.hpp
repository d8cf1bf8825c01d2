/// The two clients behind one form, so that every test of the one holds for the other.
#pragma once

#include "http/client.hpp"
#include "http/client_on_loop.hpp"
#include "http/loop.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace callchain::http {

enum class ClientKind { on_a_thread, on_a_loop };

inline std::string name_of_kind(const testing::TestParamInfo<ClientKind>& kind) {
    return kind.param == ClientKind::on_a_thread ? "OnAThread" : "OnALoop";
}

/// A Client; or a ClientOnLoop with a loop and a thread for it, to which everything is posted.
class EitherClient {
  public:
    explicit EitherClient(ClientKind kind, ClientOptions options = {}) {
        if (kind == ClientKind::on_a_thread) {
            client_.emplace(std::move(options));
            return;
        }
        loop_ = std::make_unique<Loop>();
        on_loop_.emplace(*loop_, std::move(options));
        thread_ = std::thread([this] { loop_->run(); });
    }
    EitherClient(const EitherClient&) = delete;
    EitherClient& operator=(const EitherClient&) = delete;
    ~EitherClient() { stop(); }

    void send(ClientRequest request, std::function<void(ClientResult)> done) {
        if (client_) return client_->send(std::move(request), std::move(done));
        const std::lock_guard lock(stop_mutex_);
        if (stopped_) return on_loop_->send(std::move(request), std::move(done));
        loop_->post([this, request = std::move(request), done = std::move(done)]() mutable {
            on_loop_->send(std::move(request), std::move(done));
        });
    }
    [[nodiscard]] ClientResult perform(ClientRequest request) {
        if (client_) return client_->perform(std::move(request));
        const auto promise = std::make_shared<std::promise<ClientResult>>();
        auto future = promise->get_future();
        send(std::move(request), [promise](ClientResult result) { promise->set_value(std::move(result)); });
        return future.get();
    }
    [[nodiscard]] std::chrono::milliseconds delay() const {
        return client_ ? client_->delay() : on_loop_->delay();
    }
    void stop() {
        if (client_) return client_->stop();
        const std::lock_guard lock(stop_mutex_);
        if (std::exchange(stopped_, true)) return;
        loop_->post([this] {
            on_loop_->stop();
            loop_->stop();
        });
        thread_.join();
    }

  private:
    std::optional<Client> client_;
    std::unique_ptr<Loop> loop_;
    std::optional<ClientOnLoop> on_loop_;
    std::thread thread_;
    std::mutex stop_mutex_;
    bool stopped_ = false;
};

}  // namespace callchain::http
