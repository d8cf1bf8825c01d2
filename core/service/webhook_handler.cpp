#include "service/webhook_handler.hpp"

#include "diagnosis/delivery.hpp"
#include "service/request_header.hpp"
#include "signature/standard_webhooks.hpp"

#include <utility>

namespace callchain::service {
WebhookHandler::WebhookHandler(WebhookContext context) : context_(context) {
    for (const auto& secret : context_.config.webhook_secrets)
        keys_.emplace_back(crypto::HashAlgorithm::sha256, secret.key);
}

void WebhookHandler::refuse(http::Request request, http::Responder responder,
                            const WebhookCheck& refusal) const {
    context_.metrics.webhooks.add("refused");
    context_.metrics.refusals.add(refusal.code);
    responder.send(webhook_response(401, "refused", refusal.code));
    context_.refusals.record(request, refusal.code, refusal.reason);
    context_.refusals.capture(request);
    if (refusal.code != "signature_mismatch") return;
    RefusedWebhook refused{std::string(header(request, "webhook-id")),
                           std::string(header(request, "webhook-timestamp")),
                           std::string(header(request, "webhook-signature")),
                           std::move(request.body),
                           diagnosis::pairs_of(request.headers),
                           std::chrono::floor<std::chrono::seconds>(request.received_at)};
    context_.diagnosis.offer(std::move(refused));
}

void WebhookHandler::handle(http::Request request, http::Responder responder) const {
    const auto received = std::chrono::steady_clock::now();
    if (context_.draining.load(std::memory_order_relaxed)) {
        context_.metrics.webhooks.add("draining");
        auto response = webhook_response(503, "draining");
        response.headers = {{"Retry-After", "1"}};
        return responder.send(std::move(response));
    }
    if (const auto check = check_webhook_request(keys_, request); !check.passes())
        return refuse(std::move(request), std::move(responder), check);
    auto event = openai::read_call_event(request.body);
    if (!event) {
        context_.metrics.webhooks.add("bad_event");
        context_.log.warn("verified delivery is no usable event",
                          {{"webhook_id", std::string(header(request, "webhook-id"))},
                           {"error", event.error().message},
                           {"body_length", static_cast<std::int64_t>(request.body.size())}});
        context_.refusals.capture(request);
        return responder.send(webhook_response(400, "bad_event", event.error().message));
    }
    if (event->kind == openai::CallEvent::Kind::other) {
        context_.metrics.webhooks.add("ignored");
        if (context_.log.enabled(observe::Level::debug))
            context_.log.debug("event ignored", {{"webhook_id", std::string(header(request, "webhook-id"))},
                                                 {"type", event->type}});
        return responder.send(webhook_response(200, "ignored"));
    }
    take(request, *std::move(event), std::move(responder), received);
}

void WebhookHandler::take(const http::Request& request, openai::CallEvent event, http::Responder responder,
                          SteadyTime received) const {
    using Claim = CallRegistry::Claim;
    const auto webhook_id = std::string(header(request, "webhook-id"));
    const auto claimed = context_.registry.claim(webhook_id, event.dialect, event.call_id, event.created_at);
    const auto log_it = [&](observe::Level level, std::string_view message) {
        context_.log.write(level, message, {{"call_id", event.call_id}, {"webhook_id", webhook_id}});
    };
    switch (claimed.claim) {
        case Claim::first: {
            context_.metrics.webhooks.add("call");
            Delivery delivery{std::move(event),
                              claimed.key,
                              webhook_id,
                              *signature::parse_timestamp(header(request, "webhook-timestamp")),
                              request.received_at,
                              received,
                              std::chrono::steady_clock::now()};
            return context_.loop.post(
                [&calls = context_.calls, held = std::make_shared<std::pair<Delivery, http::Responder>>(
                                              std::move(delivery), std::move(responder))] {
                    calls.take(std::move(held->first), std::move(held->second));
                });
        }
        case Claim::undecided:
        case Claim::decided:
            context_.metrics.webhooks.add("duplicate");
            log_it(observe::Level::info,
                   claimed.same_delivery
                       ? "duplicate delivery of a call: a retry"
                       : "duplicate delivery of a call under another webhook-id: a second endpoint "
                         "delivers here");
            if (claimed.claim == Claim::decided) return responder.send(webhook_response(200, "duplicate"));
            return context_.loop.post([&calls = context_.calls, key = claimed.key, received,
                                       held = std::make_shared<http::Responder>(std::move(responder))] {
                calls.join(key, received, std::move(*held));
            });
        case Claim::forgotten:
            context_.metrics.webhooks.add("forgotten");
            log_it(observe::Level::warn,
                   "call event is older than the calls that are remembered; not accepted");
            return responder.send(webhook_response(200, "forgotten"));
        case Claim::full:
            break;
    }
    context_.metrics.webhooks.add("registry_full");
    if (context_.refusals.may_log(request.received_at))
        log_it(observe::Level::error, "too many calls under way; the sender will try again");
    auto response = webhook_response(503, "registry_full");
    response.headers = {{"Retry-After", "1"}};
    responder.send(std::move(response));
}

}  // namespace callchain::service
