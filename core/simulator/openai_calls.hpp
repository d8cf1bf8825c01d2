/// OpenAI's calls, on the loop's thread. For core/simulator/openai*.cpp alone.
#pragma once

#include "gateway/loop.hpp"
#include "http/client.hpp"
#include "http/upgrading_server.hpp"
#include "simulator/openai.hpp"
#include "simulator/openai_endpoints.hpp"
#include "simulator/openai_parts.hpp"
#include "simulator/phone.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace callchain::simulator {

/// All functions on the loop's thread, or before it runs. `http` is stopped before this is destroyed.
class OpenAiCalls {
  public:
    OpenAiCalls(gateway::Loop& loop, http::Client& http, OpenAiEndpoints& endpoints, ApiGate& gate,
                OpenAiSettings settings, EventSink sink, std::function<void(OpenAiCall)> on_call);
    OpenAiCalls(const OpenAiCalls&) = delete;
    OpenAiCalls& operator=(const OpenAiCalls&) = delete;

    /// Errors: those of Transports::listen().
    [[nodiscard]] Result<std::vector<gateway::BoundAddress>> listen() { return phone_.listen(); }

    [[nodiscard]] http::Response answer(const http::Request& request);
    /// nullopt: the upgrade may go on.
    [[nodiscard]] std::optional<http::Response> judge_upgrade(const http::Request& request);
    void on_open(const std::string& call_id, http::UpgradedSocket socket);
    void on_text(const std::string& call_id, const std::string& text);
    void on_end(const std::string& call_id, int close_code);

  private:
    // One event on its way to one endpoint: the same id over all attempts.
    struct Post {
        std::shared_ptr<const Subscription> endpoint;
        std::string webhook_id;
        std::size_t attempt = 0;
        bool counts = true;  // false: one of `redeliveries`, which is not tried again
    };
    struct Call {
        OpenAiCall told;
        const OpenAiConduct* conduct = nullptr;
        CallNumber leg;
        sip::SteadyTime began;
        std::string offer;
        std::string event;
        bool decided = false;
        bool leg_over = false;
        std::size_t posts = 1;  // under way; the first stands for those that are to be dispatched
        int not_found_left = 0;
        int events = 0;  // sent over the sideband
        std::vector<http::UpgradedSocket> sockets = {};
    };

    [[nodiscard]] PhoneSettings phone_settings() const;
    [[nodiscard]] PhoneEvents phone_events();
    void on_invite(CallNumber number, const sip::Received& invite);
    void on_leg_over(CallNumber number, const char* by);

    void dispatch(const std::string& call_id);
    void deliver(const std::string& call_id, Post one);
    void post(Call& call, const Post& post);
    void on_posted(const std::string& call_id, const Post& post, const http::ClientResult& result);
    void on_deadline(const std::string& call_id);

    [[nodiscard]] http::Response act(const ApiTarget& target, const http::Request& request);
    [[nodiscard]] http::Response accept(Call& call, const ApiTarget& target, const std::string& body);
    [[nodiscard]] http::Response reject(Call& call, const std::string& body);
    void answer_leg(Call& call);
    void speak(Call& call);
    void send(Call& call, std::string text, std::string_view label = {});
    void hang_up(Call& call, const char* by);
    void drop_sockets(Call& call);
    static void end_leg(Call& call);
    void finish_if_over(Call& call);

    [[nodiscard]] Call* find(const std::string& call_id);
    [[nodiscard]] Call* find(CallNumber number);
    void after(std::chrono::milliseconds delay, const std::string& call_id, std::function<void(Call&)> work);
    void tell(const Call& call, timeline::Party from, timeline::Party to, timeline::Medium medium,
              std::string label, std::string detail = {}, bool trouble = false,
              const std::string& webhook_id = {}) const;
    [[nodiscard]] static std::chrono::milliseconds since(const Call& call);

    gateway::Loop& loop_;
    http::Client& http_;
    OpenAiEndpoints& endpoints_;
    ApiGate& gate_;
    OpenAiSettings settings_;
    EventSink sink_;
    std::function<void(OpenAiCall)> on_call_;
    std::unordered_map<std::string, std::unique_ptr<Call>> calls_;
    std::map<CallNumber, std::string> legs_;
    std::size_t announced_ = 0;  // INVITEs that became calls
    Phone phone_;                // the last: its events need all of the above
};

}  // namespace callchain::simulator
