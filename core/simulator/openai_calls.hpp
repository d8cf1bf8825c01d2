/// OpenAI's calls, on the loop's thread. For core/simulator/openai*.cpp alone.
#pragma once

#include "gateway/loop.hpp"
#include "http/client.hpp"
#include "http/upgrading_server.hpp"
#include "simulator/openai.hpp"
#include "simulator/phone.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace callchain::simulator {

/// Which calls have a session that a sideband may attach to: asked by the server's thread, told by the
/// loop's.
class Attachable {
  public:
    void add(const std::string& call_id) {
        const std::lock_guard lock(mutex_);
        calls_.insert(call_id);
    }
    void remove(const std::string& call_id) {
        const std::lock_guard lock(mutex_);
        calls_.erase(call_id);
    }
    [[nodiscard]] bool has(const std::string& call_id) const {
        const std::lock_guard lock(mutex_);
        return calls_.contains(call_id);
    }

  private:
    mutable std::mutex mutex_;
    std::set<std::string> calls_;
};

/// All functions on the loop's thread, or before it runs, unless they say otherwise. `http` is stopped before
/// this is destroyed.
class OpenAiCalls {
  public:
    using Answer = std::function<void(http::Response)>;

    OpenAiCalls(gateway::Loop& loop, http::Client& http, OpenAiSettings settings, EventSink sink,
                std::function<void(OpenAiCall)> on_call);
    OpenAiCalls(const OpenAiCalls&) = delete;
    OpenAiCalls& operator=(const OpenAiCalls&) = delete;

    /// Errors: those of Transports::listen().
    [[nodiscard]] Result<std::vector<gateway::BoundAddress>> listen() { return phone_.listen(); }
    void set_endpoints(std::vector<WebhookEndpoint> endpoints) { settings_.endpoints = std::move(endpoints); }

    /// A request of the API, with a key that is right.
    void on_api(const std::string& call_id, const std::string& verb, const std::string& body,
                const Answer& answer);
    void on_attached(const std::string& call_id, http::UpgradedSocket socket);
    void on_text(const std::string& call_id, const std::string& text);
    void on_detached(const std::string& call_id);
    /// From any thread.
    [[nodiscard]] bool is_attachable(const std::string& call_id) const { return attachable_.has(call_id); }

  private:
    using SteadyTime = std::chrono::steady_clock::time_point;
    enum class Phase { ringing, decided, over };

    struct Call {
        CallNumber leg;
        OpenAiCall told;
        SteadyTime began;
        std::string offer;
        std::vector<sip::HeaderField> headers;  // of the INVITE
        Phase phase = Phase::ringing;
        std::optional<http::UpgradedSocket> socket = std::nullopt;
        int responses = 0;
    };
    // One event to one endpoint, with its repetitions.
    struct Delivery {
        std::string call_id;
        WebhookEndpoint endpoint;
        std::string webhook_id;
        std::string body;
        std::size_t attempt = 0;
    };

    [[nodiscard]] PhoneSettings phone_settings() const;
    [[nodiscard]] PhoneEvents phone_events();
    [[nodiscard]] std::optional<sip::Message> screen(const sip::Received& invite) const;
    void begin(CallNumber number, const sip::Received& invite);
    void announce(const std::string& call_id);
    void deliver(const std::shared_ptr<Delivery>& delivery, bool repeats);
    void delivered(const std::shared_ptr<Delivery>& delivery, bool repeats, const http::ClientResult& result);
    void give_up(const std::string& call_id);

    [[nodiscard]] http::Response act(Call& call, const std::string& verb, const std::string& body);
    [[nodiscard]] http::Response accept(Call& call, const std::string& body);
    [[nodiscard]] http::Response reject(Call& call, const std::string& body);
    void begin_session(Call& call);
    void speak(Call& call);
    void end(Call& call, const std::string& by, int final_status, const std::string& why = {});

    Call* find(const std::string& call_id);
    Call* find(CallNumber number);
    [[nodiscard]] std::chrono::milliseconds since(const Call& call) const;
    void tell(const Call& call, timeline::Party from, timeline::Medium medium, std::string label,
              std::string detail = {}, bool trouble = false, const std::string& webhook_id = {});

    gateway::Loop& loop_;
    http::Client& http_;
    OpenAiSettings settings_;
    EventSink sink_;
    std::function<void(OpenAiCall)> on_call_;
    std::map<std::string, Call> calls_;            // by call_id
    std::map<std::uint64_t, std::string> by_leg_;  // CallNumber to call_id
    Attachable attachable_;
    int not_found_left_ = 0;
    int answers_ = 0;
    Phone phone_;  // the last: its events need all of the above
};

}  // namespace callchain::simulator
