/// The calls under way: each is accepted once, attached to, and followed to its end.
#pragma once

#include "http/loop.hpp"
#include "http/server.hpp"
#include "observe/log.hpp"
#include "openai/call.hpp"
#include "service/accept_driver.hpp"
#include "service/call_journal.hpp"
#include "service/call_registry.hpp"
#include "service/serve_config.hpp"
#include "service/service_metrics.hpp"
#include "service/sideband_driver.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

namespace callchain::service {

using SteadyTime = std::chrono::steady_clock::time_point;

/// A verified delivery that announces a call.
struct Delivery {
    openai::CallEvent event;
    CallKey key;
    std::string webhook_id;
    std::chrono::sys_seconds sent_at{};  ///< webhook-timestamp
    std::chrono::sys_time<std::chrono::milliseconds> received_at{};
    SteadyTime received{};  ///< the same moment
    SteadyTime verified{};
};

/// What the calls of one process share. Everything is borrowed and outlives them.
struct CallsContext {
    const ServeConfig& config;
    http::Loop& loop;
    CallRegistry& registry;
    CallJournal& journal;
    observe::Log& log;
    ServiceMetrics& metrics;
    ApiSender send;
    /// The connection for one call: URL and callbacks in, opener out. web_socket_opener() but for tests.
    std::function<OpenSideband(std::string url)> opener;
    /// 12 random bytes.
    std::function<std::string()> random;
    std::chrono::milliseconds answer_after{800};  ///< a webhook is answered then at the latest
};

/// All functions on the loop's thread.
class Calls {
  public:
    explicit Calls(CallsContext context);
    Calls(const Calls&) = delete;
    Calls& operator=(const Calls&) = delete;
    ~Calls();

    /// Accepts the call. Its webhook is answered when that has succeeded or failed, or after `answer_after`.
    void take(Delivery delivery, http::Responder responder);
    /// A duplicate of one that is under way: answered together with it.
    void join(const CallKey& key, SteadyTime received, http::Responder responder);

    /// No accept, no first connection of a sideband (and so no greeting) and no answer is outstanding.
    [[nodiscard]] bool is_settled() const;
    [[nodiscard]] std::size_t active() const { return sessions_.size(); }
    /// Closes the sidebands; the calls go on. Accepts under way go on as well.
    void drain();
    /// Drops everything; what has not ended is logged as abandoned.
    void stop();

  private:
    struct Session;
    struct Waiting {
        http::Responder responder;
        SteadyTime received;
        http::Timer timer;
    };
    using WaitingList = std::list<Waiting>;

    void wait_for(const CallKey& key, SteadyTime received, http::Responder responder);
    void answer_all(const CallKey& key, const std::string& outcome);
    void answer(Waiting& waiting, const std::string& outcome) const;

    void start_accept(Session& session);
    void note_pace();
    void on_accepted(Session& session, AcceptResult result);
    void attach(Session& session);
    void on_note(Session& session, const SidebandNote& note);
    void hang_up(Session& session, std::function<void(openai::SidebandHungUp)> done);
    void end(Session& session, const std::string& reason, const std::string& detail);
    void summarise(const Session& session, const std::string& reason, const std::string& detail);
    [[nodiscard]] observe::LogFields ids_of(const Session& session) const;

    CallsContext context_;
    std::string accept_bodies_[2];  ///< by dialect: the same for every call
    std::unordered_map<CallKey, std::unique_ptr<Session>, CallKeyHash> sessions_;
    std::unordered_map<CallKey, WaitingList, CallKeyHash> waiting_;
    bool draining_ = false;
    std::size_t answered_ = 0;  ///< accepts, since
    SteadyTime pace_since_ = std::chrono::steady_clock::now();
};

/// The body of every answer to a verified delivery: {"outcome":…,"call_id":…}.
[[nodiscard]] http::Response webhook_response(int status, std::string_view outcome,
                                              std::string_view detail = {});

}  // namespace callchain::service
