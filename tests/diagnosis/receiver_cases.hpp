/// A negative matrix, and the verifier that it is held against, for the tests of its cases and of its
/// verdicts.
#pragma once

#include "diagnosis/receiver_matrix.hpp"
#include "signature/standard_webhooks.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::testing {

using diagnosis::MatrixCase;

inline constexpr std::string_view kReceiverKeyBytes = "0123456789abcdef0123456789abcdef";
inline const std::chrono::sys_seconds kMatrixNow{std::chrono::seconds(1767801600)};

inline crypto::HmacKey receiver_key() { return {crypto::HashAlgorithm::sha256, kReceiverKeyBytes}; }

inline std::vector<MatrixCase> matrix_of(const std::string& body, bool full = false) {
    diagnosis::MatrixMaterial material{{}, receiver_key(), kMatrixNow};
    material.base.target = "/openai/webhook";
    material.base.headers.fields = {{"Content-Type", "application/json"}, {"User-Agent", "OpenAI/1.0"}};
    material.base.body = body;
    material.full = full;
    webhook::MadeUpIds ids("a seed of tests");
    return receiver_matrix(material, ids);
}

inline std::string call_event() {
    webhook::MadeUpIds ids("another seed");
    return webhook::made_up_event(webhook::MadeUpEvent::realtime_call_incoming, ids, kMatrixNow);
}

inline const MatrixCase& case_of(const std::vector<MatrixCase>& cases, std::string_view name) {
    const auto found =
        std::find_if(cases.begin(), cases.end(), [&](const auto& one) { return one.name == name; });
    EXPECT_NE(found, cases.end()) << name;
    return found == cases.end() ? cases.front() : *found;
}

inline std::string header(const webhook::Delivery& delivery, std::string_view name) {
    return std::string(delivery.headers.find(name).value_or(""));
}

// The project's own verifier, which is held against the vectors of the SDKs elsewhere.
inline bool verifies(const webhook::Delivery& delivery) {
    for (const auto* name : {"webhook-id", "webhook-timestamp", "webhook-signature"}) {
        if (!delivery.headers.find(name)) return false;
    }
    const auto id = header(delivery, "webhook-id");
    const auto timestamp = header(delivery, "webhook-timestamp");
    const auto signature = header(delivery, "webhook-signature");
    const auto right = receiver_key();
    const auto check = signature::check_webhook(std::span(&right, 1), {id, timestamp, signature},
                                                delivery.body, kMatrixNow, std::chrono::seconds(300));
    return check && check->valid();
}

}  // namespace callchain::testing
