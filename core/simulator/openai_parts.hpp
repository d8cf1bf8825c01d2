/// What OpenAI's stand-in writes: events, webhooks, errors and its SDP; and who may ask it. Pure.
#pragma once

#include "crypto/hash.hpp"
#include "http/client.hpp"
#include "http/message.hpp"
#include "openai/call.hpp"
#include "signature/standard_webhooks.hpp"
#include "sip/message.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::simulator {

/// The body of realtime.call.incoming as the sender writes it: a blank behind ':' and ',', all of ASCII. Of
/// the INVITE's headers Authorization and Proxy-Authorization are left out. Source: OpenAI webhook event
/// reference; bodies that were seen.
[[nodiscard]] std::string write_incoming_event(std::string_view event_id, std::string_view call_id,
                                               const sip::Message& invite, std::chrono::sys_seconds now);
/// As a proxy would write it anew: without blanks.
[[nodiscard]] std::string without_blanks(const std::string& body);

/// One delivery. `signed_body` is what the signature is over.
struct Delivery {
    std::string url;
    std::string webhook_id;
    std::string body;
    std::string signed_body;
    std::chrono::sys_seconds timestamp;
    std::chrono::milliseconds time{};
};
using SigningKeys = std::vector<std::shared_ptr<const crypto::HmacKey>>;
/// With one signature for each key, as a rotation has it.
[[nodiscard]] http::ClientRequest make_delivery(const Delivery& delivery, const SigningKeys& keys);

/// {"error":{message,type,code,param}}. Source: OpenAI API reference, "Errors".
[[nodiscard]] http::Response api_error(int status, std::string_view code, std::string_view message);

/// Who may ask the API, and which of the answers are its own failures.
class ApiGate {
  public:
    /// `fails_percent` of the answers are 500: spread evenly, not random.
    ApiGate(std::string api_key, int fails_percent)
        : api_key_(std::move(api_key)), fails_percent_(fails_percent) {}
    [[nodiscard]] bool is_authorized(const http::Request& request) const;
    /// 401 or 500; nullopt: the request is to be answered. Once for each request.
    [[nodiscard]] std::optional<http::Response> refuse(const http::Request& request);

  private:
    std::string api_key_;
    int fails_percent_ = 0;
    std::uint64_t answers_ = 0;
};
[[nodiscard]] http::Response wrong_key();

/// What a request of the API is about.
struct ApiTarget {
    std::string call_id;
    openai::CallAction action = openai::CallAction::accept;
    openai::Dialect dialect = openai::Dialect::realtime;
};
[[nodiscard]] std::optional<ApiTarget> read_api_target(std::string_view method, std::string_view path);
/// Of GET /v1/realtime?call_id=ID and GET /v1/live/sessions/ID/attach.
[[nodiscard]] std::optional<std::string> read_sideband_target(std::string_view path, std::string_view query);

/// The answer to an offer with PCMU: `RTP/AVP 0 101`, or SAVP with `key` of 30 bytes where the offer is so;
/// every other stream is refused. nullopt where PCMU is not offered.
[[nodiscard]] std::optional<std::string> write_openai_answer(std::string_view offer, std::string_view key);

/// Events of the sideband. `number` makes the event_id.
[[nodiscard]] std::string session_event(std::string_view type, std::string_view call_id, int number);
[[nodiscard]] std::string response_event(std::string_view type, int number);

}  // namespace callchain::simulator
