// The diagnosis search on a call event of 1,680 bytes: what ./dev bench diagnosis holds against the budgets.

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/search.hpp"
#include "encoding/base64.hpp"
#include "signature/standard_webhooks.hpp"

#include <benchmark/benchmark.h>
#include <cstddef>
#include <string>
#include <vector>

namespace callchain::diagnosis {
namespace {

constexpr std::size_t kBodyBytes = 1'680;  // the size of a call event that was seen in production
const std::string kId = "wh_00000000000000000000000000000002";
const std::string kTimestamp = "1750287078";

std::string bytes_counting_from(char first) {
    std::string bytes(32, first);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(first + static_cast<char>(i));
    return bytes;
}

// JSON as the sender writes it, a blank behind each comma and colon; filled up to `size`.
std::string call_event(std::size_t size) {
    std::string event =
        R"({"id": "evt_test_0001", "object": "event", "created_at": 1750287018, "type": "realtime.call.incoming", )"
        R"("data": {"call_id": "rtc_u1_test0001", "sip_headers": [)"
        R"({"name": "From", "value": "\"Jos\u00e9 & Co\" <sip:+15550100@sip.example.com>"})";
    for (int i = 0; i < 18; ++i) {
        event += R"(, {"name": "X-Twilio-)" + std::to_string(i) + R"(", "value": "value )" +
                 std::to_string(i) + R"( of the INVITE"})";
    }
    event += R"(, {"name": "X-Fill", "value": ")";
    const std::string end = R"("}]}})";
    for (char digit = '0'; event.size() + end.size() < size;
         digit = digit == '9' ? '0' : static_cast<char>(digit + 1))
        event += digit;
    return event + end;
}

// One delivery: what was signed with which key, and what arrived.
struct Delivery {
    std::string sent = call_event(kBodyBytes);
    std::string arrived = sent;
    std::string signing_key = bytes_counting_from(0);
    std::vector<signature::LabelledSecret> secrets = {
        {"test", std::string(signature::kSecretPrefix) + encoding::to_base64(bytes_counting_from(0))}};
};

void search_in(benchmark::State& state, const Delivery& delivery, int most_faults) {
    const crypto::HmacKey key(crypto::HashAlgorithm::sha256, delivery.signing_key);
    const std::string signature = signature::sign_webhook(key, kId, kTimestamp, delivery.sent);
    const SearchMaterial material{delivery.secrets, kId, kTimestamp, signature, delivery.arrived};
    SearchLimits limits;
    limits.most_faults = most_faults;
    SearchResult result;
    for (auto _ : state) {
        result = search(material, Direction::received, limits);
        benchmark::DoNotOptimize(result);
    }
    state.counters["tried"] = static_cast<double>(result.tried);
    state.counters["found"] = static_cast<double>(result.matches.size());
}

std::string without_blanks(const std::string& json) {
    return replace_all(replace_all(json, ", ", ","), ": ", ":");
}

void signature_is_right(benchmark::State& state) { search_in(state, {}, 2); }
BENCHMARK(signature_is_right)->Unit(benchmark::kMillisecond);

void single_fault_found(benchmark::State& state) {
    Delivery delivery;
    delivery.arrived = without_blanks(delivery.sent);
    search_in(state, delivery, 2);
}
BENCHMARK(single_fault_found)->Unit(benchmark::kMillisecond);

void single_faults_all_tried(benchmark::State& state) {
    Delivery delivery;
    delivery.signing_key = bytes_counting_from(64);
    search_in(state, delivery, 1);
}
BENCHMARK(single_faults_all_tried)->Unit(benchmark::kMillisecond);

void pair_of_faults_found(benchmark::State& state) {
    Delivery delivery;
    delivery.arrived = without_blanks(delivery.sent);
    delivery.signing_key = delivery.secrets.front().text;
    search_in(state, delivery, 2);
}
BENCHMARK(pair_of_faults_found)->Unit(benchmark::kMillisecond);

void pairs_of_faults_all_tried(benchmark::State& state) {
    Delivery delivery;
    delivery.signing_key = bytes_counting_from(64);
    search_in(state, delivery, 2);
}
BENCHMARK(pairs_of_faults_all_tried)->Unit(benchmark::kMillisecond);

void body_of_one_mebibyte_bounded(benchmark::State& state) {
    Delivery delivery;
    delivery.sent = delivery.arrived = call_event(std::size_t{1} << 20U);
    delivery.signing_key = bytes_counting_from(64);
    search_in(state, delivery, 2);
}
BENCHMARK(body_of_one_mebibyte_bounded)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace callchain::diagnosis
