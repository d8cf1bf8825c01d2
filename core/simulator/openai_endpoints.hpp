/// The webhook endpoints of OpenAI's project, and the API that manages them. For core/simulator/openai*.cpp
/// alone. Source: OpenAI API reference, "Webhook endpoints"; npm openai, resources/webhooks.
#pragma once

#include "base/result.hpp"
#include "crypto/hash.hpp"
#include "gateway/loop.hpp"
#include "http/client.hpp"
#include "http/message.hpp"
#include "simulator/openai.hpp"
#include "simulator/openai_parts.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::encoding {
struct JsonValue;
}

namespace callchain::simulator {

/// One endpoint of the project.
class Subscription {
  public:
    /// Errors: those of read_secret().
    [[nodiscard]] static Result<Subscription> make(std::string secret, std::chrono::sys_seconds now);

    enum class OldSecret { kept_24_hours, dropped };
    /// Errors: those of read_secret(); nothing has changed then.
    [[nodiscard]] Result<void> rotate(std::string secret, OldSecret old, std::chrono::sys_seconds now);
    /// What a delivery of that time is signed with: the secret, and those before it that are kept yet.
    [[nodiscard]] SigningKeys keys(std::chrono::sys_seconds now) const;
    [[nodiscard]] bool wants(std::string_view event_type) const;
    /// The object `webhook_endpoint`.
    enum class Secret { hidden, shown };
    [[nodiscard]] std::string to_json(Secret secret) const;

    std::string id;  ///< "whe_…"
    std::string name;
    std::string url;     ///< as it is listed
    std::string target;  ///< where deliveries go
    std::vector<std::string> event_types;
    std::chrono::sys_seconds created_at;
    std::chrono::sys_seconds updated_at;

  private:
    struct OldKey {
        std::shared_ptr<const crypto::HmacKey> key;
        std::chrono::sys_seconds until;
    };
    std::string secret_;
    std::shared_ptr<const crypto::HmacKey> key_;
    std::vector<OldKey> old_;
};

/// A secret as a hint shows it: "whsec_RdvaYF...40c=" has four characters of each end, and what is short or
/// no whsec_… none at all. OpenAI documents a masked hint and not its form.
[[nodiscard]] std::string mask_as_hint(std::string_view secret);

/// What a request of this API is about.
struct EndpointTarget {
    enum class Action { list, create, read, update, remove, test, rotate_secret } action = Action::list;
    std::string id = {};  ///< empty for list and create
};
/// nullopt: no request of this API.
[[nodiscard]] std::optional<EndpointTarget> read_endpoint_target(std::string_view method,
                                                                 std::string_view path);
/// Whether a path is one of this API's, whatever the method.
[[nodiscard]] bool is_endpoint_path(std::string_view path);

/// The sample that a test sends. Of an announced call it has what a real one has.
[[nodiscard]] std::string write_sample_event(std::string_view event_type, std::string_view random,
                                             std::chrono::sys_seconds now);

/// All functions on the loop's thread, or before it runs. `http` is stopped before this is destroyed.
class OpenAiEndpoints {
  public:
    using Answer = std::function<void(http::Response)>;

    OpenAiEndpoints(gateway::Loop& loop, http::Client& http, ApiGate& gate, EventSink sink,
                    std::chrono::milliseconds delivery_time)
        : loop_(loop), http_(http), gate_(gate), sink_(std::move(sink)), delivery_time_(delivery_time) {}
    OpenAiEndpoints(const OpenAiEndpoints&) = delete;
    OpenAiEndpoints& operator=(const OpenAiEndpoints&) = delete;

    /// In place of those that there were; each takes announced calls. Errors: those of read_secret().
    [[nodiscard]] Result<void> set(const std::vector<WebhookEndpoint>& endpoints);
    /// In the order in which they were made.
    [[nodiscard]] std::vector<std::shared_ptr<const Subscription>> subscribed_to(
        std::string_view event_type) const;
    /// Calls `answer` once: of a test when the server behind the endpoint has answered.
    void answer(const http::Request& request, const Answer& answer);

  private:
    using Kept = std::shared_ptr<Subscription>;

    [[nodiscard]] http::Response list(const http::Request& request) const;
    [[nodiscard]] http::Response create(const encoding::JsonValue& body);
    [[nodiscard]] http::Response update(const Kept& endpoint, const encoding::JsonValue& body);
    [[nodiscard]] http::Response remove(const Kept& endpoint);
    [[nodiscard]] http::Response rotate(const Kept& endpoint, const encoding::JsonValue& body);
    void test(const Kept& endpoint, const encoding::JsonValue& body, const Answer& answer);
    void note(const Subscription& endpoint, std::string label) const;

    gateway::Loop& loop_;
    http::Client& http_;
    ApiGate& gate_;
    EventSink sink_;
    std::chrono::milliseconds delivery_time_;
    std::vector<Kept> endpoints_;  // oldest first
};

}  // namespace callchain::simulator
