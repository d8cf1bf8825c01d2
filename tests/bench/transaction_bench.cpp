// The transaction layer and its timers at the size of a busy gateway. The rows named "keep" measure memory,
// in bytes for each transaction, not time.

#include "sip/response.hpp"
#include "sip/timer_queue.hpp"
#include "sip/transaction_layer.hpp"

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdint>
#include <malloc.h>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace callchain::sip {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kRunning = 100'000;
constexpr auto kLongest = 64 * 500ms;

/// As calls at a steady rate have them, now going on: most wait for 64*T1, others for T1 and its doubles.
SteadyTime due_of(std::uint64_t number) {
    const auto wait = number % 3 == 0 ? 500ms * (1U << (number / 3 % 6)) : kLongest;
    return SteadyTime{} + wait + std::chrono::microseconds(number * 320);
}

std::size_t heap_bytes() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

TimerQueue running_timers() {
    TimerQueue queue;
    for (std::uint64_t owner = 0; owner < kRunning; ++owner) queue.set({owner, 0}, due_of(owner));
    return queue;
}

/// A timer of 64*T1 is set, another that waits in the middle is stopped: each call does so several times.
void timer_set_and_stop(benchmark::State& state) {
    const auto before = heap_bytes();
    auto queue = running_timers();
    state.counters["bytes"] = static_cast<double>(heap_bytes() - before) / kRunning;
    std::uint64_t number = kRunning;
    for (auto _ : state) {
        queue.set({number, 0}, due_of(number));
        benchmark::DoNotOptimize(queue.stop({number - kRunning / 2, 0}));
        queue.set({number - kRunning / 2, 0}, due_of(number));
        benchmark::DoNotOptimize(queue.stop({number - kRunning, 0}));
        ++number;
    }
    state.counters["running"] = static_cast<double>(queue.size());
    state.SetItemsProcessed(state.iterations() * 4);
}
BENCHMARK(timer_set_and_stop);

void timer_set_and_pop(benchmark::State& state) {
    auto queue = running_timers();
    std::uint64_t number = kRunning;
    for (auto _ : state) {
        queue.set({number, 0}, due_of(number));
        benchmark::DoNotOptimize(queue.pop_due(due_of(number)));
        ++number;
    }
    state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK(timer_set_and_pop);

/// The peer: a sorted map and a second one from id to place.
void timer_set_and_stop_in_a_multimap(benchmark::State& state) {
    std::multimap<SteadyTime, std::uint64_t> timers;
    std::unordered_map<std::uint64_t, std::multimap<SteadyTime, std::uint64_t>::iterator> places;
    const auto set = [&](std::uint64_t owner, SteadyTime due) { places[owner] = timers.emplace(due, owner); };
    const auto stop = [&](std::uint64_t owner) {
        const auto place = places.find(owner);
        timers.erase(place->second);
        places.erase(place);
    };
    for (std::uint64_t owner = 0; owner < kRunning; ++owner) set(owner, due_of(owner));
    std::uint64_t number = kRunning;
    for (auto _ : state) {
        set(number, due_of(number));
        stop(number - kRunning / 2);
        set(number - kRunning / 2, due_of(number));
        stop(number - kRunning);
        ++number;
    }
    state.SetItemsProcessed(state.iterations() * 4);
}
BENCHMARK(timer_set_and_stop_in_a_multimap);

const std::string& offer() {
    static const std::string kOffer = "v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\n" + std::string(700, 'a');
    return kOffer;
}

Received request_of_peer(std::uint64_t number, const std::string& method) {
    Message message;
    message.method = method;
    message.uri = {"sip", "15551230000", std::nullopt, "gw.example.com"};
    const auto id = std::to_string(1'000'000'000'000'000 + number);
    message.add("Via", "SIP/2.0/TLS 203.0.113.7:5061;branch=z9hG4bKPj" + id + id + ";alias");
    message.add("From", "<sip:15557654321@wa.example.com>;tag=" + id + id);
    message.add("To", "<sip:15551230000@gw.example.com>");
    message.add("Call-ID", "outgoing:wacid." + id + id + id);
    message.add("CSeq", "1 " + method);
    message.add("Max-Forwards", "70");
    message.add("Contact", "<sip:wa.example.com;transport=tls>");
    message.add("Content-Type", "application/sdp");
    message.body = offer();
    const auto bytes = write_message(message);
    return *parse_message(bytes.value_or(""), Carrier::stream);
}

std::string id_of(std::uint64_t number) { return std::to_string(1'000'000'000'000'000 + number); }

Message request_of_ours(std::uint64_t number, const std::string& method) {
    const auto id = id_of(number);
    Message message;
    message.method = method;
    message.uri = {"sip", "agent", std::nullopt, "example.sip.twilio.com"};
    message.add("From", "<sip:15557654321@gw.example.com>;tag=" + id);
    message.add("To", "<sip:agent@example.sip.twilio.com>");
    message.add("Call-ID", id + id);
    message.add("CSeq", "2 " + method);
    message.add("Max-Forwards", "69");
    message.add("Contact", "<sip:gw.example.com:5061;transport=tls>");
    message.add("Proxy-Authorization", "Digest username=\"u\", realm=\"r\", nonce=\"" + id + id + "\"");
    message.add("X-Callchain-Id", id);
    message.body = offer();
    return message;
}

ClientHop hop_of_ours(std::uint64_t number, Reliability reliability) {
    ClientHop hop{{"TLS", "gw.example.com", 5061}, FlowId{2}, reliability};
    hop.via.parameters.set("branch", "z9hG4bK" + id_of(number));
    return hop;
}

Received answer_to(const LayerActions& actions, int status) {
    for (const auto& action : actions) {
        const auto* const send = std::get_if<SendBytes>(&action);
        if (send == nullptr) continue;
        auto response = make_response(*parse_message(send->bytes, Carrier::stream), status, "", "8f3a2b1c");
        if (status < 300) response.body = offer();
        return *parse_message(write_message(response).value_or(""), Carrier::stream);
    }
    return {};
}

using Make = void (*)(TransactionLayer&, std::uint64_t, Reliability);

void serve_and_answer(TransactionLayer& layer, std::uint64_t number, Reliability reliability,
                      const std::string& method, int status) {
    const auto request = request_of_peer(number, method);
    const auto id = layer.create_server(request, {FlowId{1}, reliability});
    auto response = make_response(request, status, "", "5d4c3b2a");
    if (status < 300 && method == "INVITE") response.body = offer();
    benchmark::DoNotOptimize(layer.respond(*id, make_response(request, 100, "", ""), {}));
    benchmark::DoNotOptimize(layer.respond(*id, response, {}));
}
void invite_server_accepted(TransactionLayer& layer, std::uint64_t number, Reliability reliability) {
    serve_and_answer(layer, number, reliability, "INVITE", 200);
}
void invite_server_completed(TransactionLayer& layer, std::uint64_t number, Reliability reliability) {
    serve_and_answer(layer, number, reliability, "INVITE", 486);
}
void server_completed(TransactionLayer& layer, std::uint64_t number, Reliability reliability) {
    serve_and_answer(layer, number, reliability, "BYE", 200);
}
void ask_and_be_answered(TransactionLayer& layer, std::uint64_t number, Reliability reliability,
                         const std::string& method, int status) {
    const auto created =
        layer.create_client(request_of_ours(number, method), hop_of_ours(number, reliability), {});
    if (status != 0)
        benchmark::DoNotOptimize(layer.receive(answer_to(created->actions, status), {FlowId{2}}, {}));
}
void invite_client_calling(TransactionLayer& layer, std::uint64_t number, Reliability reliability) {
    ask_and_be_answered(layer, number, reliability, "INVITE", 0);
}
void invite_client_proceeding(TransactionLayer& layer, std::uint64_t number, Reliability reliability) {
    ask_and_be_answered(layer, number, reliability, "INVITE", 180);
}
void invite_client_accepted(TransactionLayer& layer, std::uint64_t number, Reliability reliability) {
    ask_and_be_answered(layer, number, reliability, "INVITE", 200);
}
void invite_client_completed(TransactionLayer& layer, std::uint64_t number, Reliability reliability) {
    ask_and_be_answered(layer, number, reliability, "INVITE", 407);
}
void client_completed(TransactionLayer& layer, std::uint64_t number, Reliability reliability) {
    ask_and_be_answered(layer, number, reliability, "BYE", 200);
}

/// Bytes of the heap for each of 10,000 transactions in one state.
void keep(benchmark::State& state, Make make, Reliability reliability) {
    constexpr std::uint64_t kTransactions = 10'000;
    for (auto _ : state) {
        const auto before = heap_bytes();
        TransactionLayer layer;
        for (std::uint64_t number = 0; number < kTransactions; ++number) make(layer, number, reliability);
        state.counters["bytes"] = static_cast<double>(heap_bytes() - before) / kTransactions;
        state.counters["running"] = static_cast<double>(layer.size());
    }
}
#define CALLCHAIN_KEEP(make, reliability) \
    BENCHMARK_CAPTURE(keep, make##_##reliability, make, Reliability::reliability)->Iterations(1)
CALLCHAIN_KEEP(invite_server_accepted, reliable);
CALLCHAIN_KEEP(invite_server_completed, reliable);
CALLCHAIN_KEEP(invite_server_completed, unreliable);
CALLCHAIN_KEEP(server_completed, unreliable);
CALLCHAIN_KEEP(invite_client_calling, unreliable);
CALLCHAIN_KEEP(invite_client_calling, reliable);
CALLCHAIN_KEEP(invite_client_proceeding, reliable);
CALLCHAIN_KEEP(invite_client_accepted, reliable);
CALLCHAIN_KEEP(invite_client_completed, unreliable);
CALLCHAIN_KEEP(client_completed, unreliable);

/// An INVITE of a peer from its bytes to the 200, with 10,000 others in the 64*T1 after theirs.
void serve_an_invite(benchmark::State& state) {
    constexpr std::uint64_t kOthers = 10'000;
    TransactionLayer layer;
    std::vector<TransactionId> running;
    const auto request = [&](std::uint64_t number) { return request_of_peer(number, "INVITE"); };
    std::uint64_t number = 0;
    const auto serve = [&](const Received& received) {
        const Flow flow{FlowId{1}, Reliability::reliable};
        auto actions = layer.receive(Received(received), flow, {});
        const auto& got = *std::get<RequestReceived>(actions.front()).request;
        const auto id = layer.create_server(got, flow);
        benchmark::DoNotOptimize(layer.respond(*id, make_response(got, 100, "", ""), {}));
        benchmark::DoNotOptimize(layer.respond(*id, make_response(got, 200, "", "5d4c3b2a"), {}));
        running.push_back(*id);
    };
    while (number < kOthers) serve(request(number++));
    for (auto _ : state) {
        state.PauseTiming();
        const auto received = request(number++);
        state.ResumeTiming();
        serve(received);
        benchmark::DoNotOptimize(layer.timer_due(running[running.size() - kOthers], TransactionTimer::l, {}));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(serve_an_invite);

}  // namespace
}  // namespace callchain::sip
