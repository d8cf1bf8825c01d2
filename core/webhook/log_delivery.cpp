#include "webhook/log_delivery.hpp"

#include "crypto/hash.hpp"

#include <algorithm>
#include <utility>

namespace callchain::webhook {
namespace {

constexpr std::array<LoggedField LineFacts::*, 3> kFactHeaders{&LineFacts::id, &LineFacts::timestamp,
                                                               &LineFacts::signature};

bool is_there(const LoggedField& field) { return field.state != LoggedField::State::absent; }

bool headers_conflict(const OpenDelivery& open, const LineFacts& facts) {
    for (std::size_t i = 0; i < kFactHeaders.size(); ++i) {
        const auto& have = open.delivery.*kDeliveryHeaders[i];
        const auto& more = facts.*kFactHeaders[i];
        if (!is_there(have) || !is_there(more)) continue;
        if (open.header_form == facts.header_form || !have.whole() || have != more) return true;
    }
    return false;
}

bool bodies_conflict(const std::optional<LoggedBody>& have, const std::optional<LoggedBody>& more) {
    if (!have || !more || have->source != more->source) return false;
    // A service may print the same first bytes once as text and once in hex.
    return have->source != LoggedBody::Source::preview ||
           have->candidates[0].change == more->candidates[0].change;
}

bool is_better(const LoggedBody& more, const LoggedBody& have) {
    return have.truncated != more.truncated ? have.truncated : have.reordered && !more.reordered;
}

}  // namespace

bool conflicts(const OpenDelivery& open, const LineFacts& facts) {
    const auto& delivery = open.delivery;
    if (headers_conflict(open, facts)) return true;
    if (facts.error && delivery.error && facts.error_form == open.error_form) return true;
    if (is_there(facts.body_sha256) && is_there(delivery.body_sha256) &&
        (facts.sha256_form == open.sha256_form || facts.body_sha256 != delivery.body_sha256)) {
        return true;
    }
    if (facts.body_length && delivery.body_length &&
        (facts.length_form == open.length_form || facts.body_length != delivery.body_length)) {
        return true;
    }
    return bodies_conflict(delivery.body, facts.body);
}

void attach(OpenDelivery& open, LineFacts&& facts) {
    auto& delivery = open.delivery;
    for (std::size_t i = 0; i < kFactHeaders.size(); ++i) {
        auto& have = delivery.*kDeliveryHeaders[i];
        auto& more = facts.*kFactHeaders[i];
        if (!is_there(have) && have.text.empty()) have = std::move(more);
    }
    if (open.header_form == FactForm::none) open.header_form = facts.header_form;
    if (!is_there(delivery.body_sha256)) {
        delivery.body_sha256 = std::move(facts.body_sha256);
        open.sha256_form = facts.sha256_form;
    }
    if (!delivery.body_length && facts.body_length) {
        delivery.body_length = facts.body_length;
        open.length_form = facts.length_form;
    }
    const bool says_more = delivery.error && delivery.error->complaint == SdkComplaint::other;
    if (facts.error && (!delivery.error || says_more)) {
        delivery.error = std::move(facts.error);
        open.error_form = facts.error_form;
    }
    if (!delivery.user_agent) delivery.user_agent = std::move(facts.user_agent);
    if (!delivery.content_type) delivery.content_type = std::move(facts.content_type);
    if (facts.body && (!delivery.body || is_better(*facts.body, *delivery.body))) {
        delivery.body = std::move(facts.body);
    }
}

void complete(LineFacts& facts, LineFacts&& more) {
    for (const auto field : kFactHeaders) {
        if (!is_there(facts.*field)) facts.*field = std::move(more.*field);
    }
    if (facts.header_form == FactForm::none) facts.header_form = more.header_form;
    if (facts.sha256_form == FactForm::none) {
        facts.body_sha256 = std::move(more.body_sha256);
        facts.sha256_form = more.sha256_form;
    }
    if (!facts.body_length) {
        facts.body_length = more.body_length;
        facts.length_form = more.length_form;
    }
    if (!facts.error) {
        facts.error = std::move(more.error);
        facts.error_form = more.error_form;
    }
    if (!facts.user_agent) facts.user_agent = std::move(more.user_agent);
    if (!facts.content_type) facts.content_type = std::move(more.content_type);
    facts.begins_delivery = facts.begins_delivery || more.begins_delivery;
}

void confirm_body(LoggedDelivery& delivery) {
    if (!delivery.body || !delivery.body_sha256.whole()) return;
    auto& candidates = delivery.body->candidates;
    const auto right =
        std::find_if(candidates.begin(), candidates.end(), [&](const BodyCandidate& candidate) {
            return crypto::sha256_hex(candidate.bytes) == delivery.body_sha256.text;
        });
    if (right == candidates.end()) return;
    std::rotate(candidates.begin(), right, right + 1);
    delivery.body->confirmed = true;
    delivery.body->truncated = delivery.body->reordered = false;
}

}  // namespace callchain::webhook
