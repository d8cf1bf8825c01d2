#include "openai/call_outcome.hpp"

#include "base/http_date.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace callchain::openai {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

struct OutcomeText {
    std::string_view name;
    std::string_view code;
    std::string_view meaning;
};

OutcomeText text_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::done:
            return {"done", "", "The API took the request."};
        case Outcome::call_gone:
            return {"call_gone", "call_gone",
                    "OpenAI knows no such pending call: the caller hung up, the event is an old retry, or "
                    "another "
                    "process answered first; there is nothing left to do."};
        case Outcome::decided_elsewhere:
            return {"decided_elsewhere", "call_decided_elsewhere",
                    "The call was accepted or rejected already; look which other endpoint of the project "
                    "takes its "
                    "events."};
        case Outcome::conflict:
            return {"conflict", "call_conflict",
                    "The call is in a state that does not allow this; read the message of the answer."};
        case Outcome::request_refused:
            return {"request_refused", "call_request_refused",
                    "OpenAI refuses the request as it is; correct the body, the id or the base URL."};
        case Outcome::credential_refused:
            return {"credential_refused", "call_credential_refused",
                    "OpenAI refuses the API key; use one of the project that the call came to."};
        case Outcome::rate_limited:
            return {"rate_limited", "call_rate_limited",
                    "The project's limit or quota is used up, and the call cannot wait that long; raise the "
                    "limit."};
        case Outcome::server_error:
            return {
                "server_error", "call_server_error",
                "OpenAI failed every time until the time for the call was over; look at its status page."};
        case Outcome::network_failure:
            return {
                "network_failure", "call_network_failure",
                "No answer came: look at name resolution, routes, proxies and certificates of this host."};
        case Outcome::deadline_passed:
            return {"deadline_passed", "call_deadline_passed",
                    "The time for the call ran out before an answer came; look at the delays before it."};
        case Outcome::unexpected_answer:
            break;
    }
    return {"unexpected_answer", "call_unexpected_answer",
            "The answer has a status that the API does not use; look whether the base URL is OpenAI's."};
}

/// Listens for the texts of {error:{…}} and builds nothing.
class ErrorListener final : public Json::json_sax_t {
  public:
    std::string code;
    std::string type;
    std::string message;

    bool null() override { return in_object(); }
    bool boolean(bool) override { return in_object(); }
    bool number_integer(Json::number_integer_t) override { return in_object(); }
    bool number_unsigned(Json::number_unsigned_t) override { return in_object(); }
    bool number_float(Json::number_float_t, const std::string&) override { return in_object(); }
    bool string(std::string& text) override {
        if (depth_ == 2 && in_error_) {
            if (key_ == "code") code = std::move(text);
            if (key_ == "type") type = std::move(text);
            if (key_ == "message") message = std::move(text);
        }
        return in_object();
    }
    bool binary(Json::binary_t&) override { return false; }
    bool start_object(std::size_t) override {
        if (depth_ == 1) in_error_ = key_ == "error";
        return descend();
    }
    bool key(std::string& name) override {
        key_ = std::move(name);
        return true;
    }
    bool end_object() override { return ascend(); }
    bool start_array(std::size_t) override {
        if (depth_ == 1) in_error_ = false;
        return in_object() && descend();
    }
    bool end_array() override { return ascend(); }
    bool parse_error(std::size_t, const std::string&, const Json::exception&) override { return false; }

  private:
    [[nodiscard]] bool in_object() const { return depth_ > 0; }
    bool descend() { return ++depth_ <= encoding::kMostJsonDepth; }
    bool ascend() {
        --depth_;
        return true;
    }

    std::string key_;
    std::size_t depth_ = 0;
    bool in_error_ = false;
};

// Nobody waits longer than a day; what is larger must not overflow.
constexpr double kMostRetryAfterMs = 86'400'000.0;

/// A decimal number, perhaps with a fraction: "2", "0.75".
std::optional<milliseconds> parse_duration(std::string_view text, double unit_ms) {
    text = trim(text);
    const auto is_part = [](char c) { return is_ascii_digit(c) || c == '.'; };
    if (text.empty() || !is_ascii_digit(text.front()) || !std::all_of(text.begin(), text.end(), is_part))
        return std::nullopt;
    double number = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end != text.data() + text.size()) return std::nullopt;
    if (error == std::errc::result_out_of_range) number = kMostRetryAfterMs;
    return milliseconds{static_cast<std::int64_t>(std::min(number * unit_ms, kMostRetryAfterMs))};
}

std::optional<milliseconds> parse_retry_after(std::string_view text, std::chrono::sys_seconds now) {
    if (const auto duration = parse_duration(text, 1'000.0)) return duration;
    const auto date = parse_http_date(trim(text));
    if (!date) return std::nullopt;
    const auto most = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::hours{24});
    return std::clamp(*date - now, std::chrono::seconds{0}, most);
}

bool has_code(const ApiAnswer& answer, std::string_view code) {
    return answer.error_code == code || answer.error_type == code;
}

/// Whether a 404 is about the call, and not about a model or a path of the body.
bool is_call_missing(const ApiAnswer& answer) {
    const std::string_view code = answer.error_code;
    if (code.empty()) return true;
    const bool names_call =
        code.starts_with("call_") || code.starts_with("session_") || code.starts_with("live_");
    return names_call && code.ends_with("not_found");
}

/// What the answer means where nobody asks again.
Outcome final_outcome(const ApiAnswer& answer, const RetryState& state, const RetryPolicy& policy) {
    if (answer.status == 0)
        return state.elapsed >= policy.deadline ? Outcome::deadline_passed : Outcome::network_failure;
    if (answer.status >= 200 && answer.status < 300) return Outcome::done;
    if (has_code(answer, "decision_already_made")) return Outcome::decided_elsewhere;
    switch (answer.status) {
        case 401:
        case 403:
            return Outcome::credential_refused;
        case 404:
            return is_call_missing(answer) ? Outcome::call_gone : Outcome::request_refused;
        case 409:
            return Outcome::conflict;
        case 429:
            return Outcome::rate_limited;
        case 400:
        case 405:
        case 411:
        case 413:
        case 414:
        case 415:
        case 422:
            return Outcome::request_refused;
        default:
            break;
    }
    return answer.status >= 500 && answer.status < 600 ? Outcome::server_error : Outcome::unexpected_answer;
}

/// first_wait, doubled with every answer, then half to one and a half of it: calls that failed together must
/// not come back together.
milliseconds back_off(const RetryState& state, const RetryPolicy& policy) {
    auto wait = std::max(policy.first_wait, milliseconds{1});
    for (int i = 1; i < state.attempts && wait < policy.most_wait; ++i) wait *= 2;
    wait = std::min(wait, policy.most_wait);
    const double random = state.random >= 0.0 && state.random <= 1.0 ? state.random : 0.5;
    return milliseconds{static_cast<std::int64_t>(static_cast<double>(wait.count()) * (0.5 + random))};
}

/// The race between event and registration at OpenAI is over within a second or two; a call that is missing
/// longer than that is gone.
std::optional<milliseconds> wait_for_registration(const RetryState& state, const RetryPolicy& policy) {
    constexpr std::array<milliseconds, 3> kWaits{milliseconds{300}, milliseconds{600}, milliseconds{1'000}};
    if (state.event_age && *state.event_age > policy.oldest_event_for_404) return std::nullopt;
    const auto asked = static_cast<std::size_t>(std::max(state.not_found, 1));
    if (asked > kWaits.size()) return std::nullopt;
    return kWaits[asked - 1];
}

std::optional<milliseconds> wait_for(Outcome outcome, const ApiAnswer& answer, const RetryState& state,
                                     const RetryPolicy& policy) {
    switch (outcome) {
        case Outcome::call_gone:
            return wait_for_registration(state, policy);
        case Outcome::rate_limited:
            if (has_code(answer, "insufficient_quota")) return std::nullopt;
            if (answer.retry_after && answer.retry_after->count() > 0) return answer.retry_after;
            return back_off(state, policy);
        case Outcome::server_error:
        case Outcome::network_failure:
            return back_off(state, policy);
        default:
            return std::nullopt;
    }
}

}  // namespace

std::string_view name_of(Outcome outcome) { return text_of(outcome).name; }
std::string_view meaning_of(Outcome outcome) { return text_of(outcome).meaning; }
std::string_view code_of(Outcome outcome) { return text_of(outcome).code; }

ApiAnswer read_api_answer(int status, std::string_view body, std::optional<std::string_view> retry_after,
                          std::optional<std::string_view> retry_after_ms, std::chrono::sys_seconds now) {
    constexpr std::size_t kMostMessage = 300;
    constexpr std::size_t kMostCode = 80;
    ApiAnswer answer;
    answer.status = status;
    if (retry_after_ms) answer.retry_after = parse_duration(*retry_after_ms, 1.0);
    if (!answer.retry_after && retry_after) answer.retry_after = parse_retry_after(*retry_after, now);
    ErrorListener listener;
    if (!Json::sax_parse(body, &listener)) return answer;
    answer.error_code = safe_excerpt(listener.code, kMostCode);
    answer.error_type = safe_excerpt(listener.type, kMostCode);
    answer.error_message = safe_excerpt(listener.message, kMostMessage);
    return answer;
}

Decision decide_retry(const ApiAnswer& answer, const RetryState& state, const RetryPolicy& policy) {
    Decision decision;
    decision.outcome = final_outcome(answer, state, policy);
    if (state.attempts < policy.most_attempts) {
        const auto wait = wait_for(decision.outcome, answer, state, policy);
        if (wait && *wait < policy.deadline - state.elapsed) decision.wait = wait;
    }
    const bool somebody_decided =
        decision.outcome == Outcome::decided_elsewhere || decision.outcome == Outcome::call_gone;
    decision.perhaps_ours = !decision.wait && somebody_decided && state.maybe_done > 0;
    return decision;
}

}  // namespace callchain::openai
