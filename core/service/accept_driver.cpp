#include "service/accept_driver.hpp"

#include "base/redact.hpp"

#include <algorithm>
#include <random>
#include <utility>
#include <variant>

namespace callchain::service {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMostRequestId = 100;

double random_fraction() {
    thread_local std::minstd_rand generator(std::random_device{}());
    return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
}

std::chrono::sys_seconds wall_now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

http::ClientRequest call_request(std::string url, std::string_view api_key, std::string body) {
    http::ClientRequest request;
    request.method = "POST";
    request.url = std::move(url);
    request.headers.push_back({"Authorization", "Bearer " + std::string(api_key)});
    if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    request.headers.push_back({"Accept", "application/json"});
    request.body = std::move(body);
    return request;
}

openai::ApiAnswer answer_of(const http::ClientResult& result, std::chrono::sys_seconds now) {
    if (const auto* response = std::get_if<http::ClientResponse>(&result)) {
        return openai::read_api_answer(response->status, response->body,
                                       response->headers.find("retry-after"),
                                       response->headers.find("retry-after-ms"), now);
    }
    openai::ApiAnswer answer;
    answer.nothing_was_sent = std::get<http::ClientFailure>(result).nothing_was_sent();
    return answer;
}

// Shared with what was posted and with the sender's callbacks, which hold it weakly: they may come late.
struct AcceptDriver::State : std::enable_shared_from_this<AcceptDriver::State> {
    State(http::Loop& its_loop, ApiSender its_sender, http::ClientRequest its_request,
          AcceptSettings its_settings, std::function<void(AcceptResult)> its_done)
        : loop(its_loop),
          send(std::move(its_sender)),
          request(std::move(its_request)),
          settings(std::move(its_settings)),
          on_done(std::move(its_done)) {
        if (!settings.random) settings.random = random_fraction;
        retry.event_age = settings.event_age;
    }

    [[nodiscard]] milliseconds since_start() const {
        return std::chrono::duration_cast<milliseconds>(SteadyClock::now() - started);
    }
    [[nodiscard]] milliseconds left() const {
        return settings.policy.deadline - settings.elapsed - since_start();
    }

    void attempt() {
        const auto time = left();
        if (time <= milliseconds::zero()) {
            result.outcome = openai::Outcome::deadline_passed;
            return finish();
        }
        auto attempt_request = request;
        attempt_request.total_time = std::min(attempt_request.total_time, time);
        attempt_request.connect_time = std::min(attempt_request.connect_time, time);
        ++result.attempts;
        // On the sender's thread nothing of ours is touched, not even to see whether it still lives.
        send(std::move(attempt_request), [weak = weak_from_this(), &its_loop = loop](http::ClientResult got) {
            its_loop.post([weak, got = std::move(got)] {
                if (const auto self = weak.lock()) self->on_answer(got);
            });
        });
    }

    void on_answer(const http::ClientResult& got) {
        result.answer = answer_of(got, wall_now());
        result.failure.clear();
        result.request_id.clear();
        if (const auto* failure = std::get_if<http::ClientFailure>(&got)) {
            result.failure = failure->message;
        } else {
            const auto id = std::get<http::ClientResponse>(got).headers.find("x-request-id");
            result.request_id = safe_excerpt(id.value_or(""), kMostRequestId);
        }
        retry.attempts = result.attempts;
        if (result.answer.status == 404) ++retry.not_found;
        retry.elapsed = settings.elapsed + since_start();
        retry.random = settings.random();
        const auto decision = openai::decide_retry(result.answer, retry, settings.policy);
        result.perhaps_ours = decision.perhaps_ours;
        if (!decision.wait) {
            result.outcome = decision.outcome;
            return finish();
        }
        const bool server_error = result.answer.status >= 500;
        const bool no_answer = result.answer.status == 0 && !result.answer.nothing_was_sent;
        if (server_error || no_answer) ++retry.maybe_done;
        // The timer belongs to this object: it cannot fire behind its end.
        timer = loop.after(*decision.wait, [this] { attempt(); });
    }

    void finish() {
        result.duration = since_start();
        // The callback may destroy the driver, and with it what runs here.
        loop.post([weak = weak_from_this()] {
            const auto self = weak.lock();
            if (self && self->on_done) std::exchange(self->on_done, nullptr)(std::move(self->result));
        });
    }

    http::Loop& loop;
    ApiSender send;
    http::ClientRequest request;
    AcceptSettings settings;
    std::function<void(AcceptResult)> on_done;
    openai::RetryState retry;
    AcceptResult result;
    SteadyClock::time_point started = SteadyClock::now();
    http::Timer timer;
};

AcceptDriver::AcceptDriver(http::Loop& loop, ApiSender send, http::ClientRequest request,
                           AcceptSettings settings, std::function<void(AcceptResult)> on_done)
    : state_(std::make_shared<State>(loop, std::move(send), std::move(request), std::move(settings),
                                     std::move(on_done))) {}

AcceptDriver::~AcceptDriver() = default;

void AcceptDriver::start() {
    state_->started = SteadyClock::now();
    state_->attempt();
}

}  // namespace callchain::service
