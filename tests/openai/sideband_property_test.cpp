// Promises of the sideband that hold whatever comes, in whatever order.
#include "openai/sideband.hpp"
#include "openai/sideband_calls.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace callchain::openai {
namespace {

const std::vector<std::string>& texts() {
    static const std::vector<std::string> kTexts{
        "",
        "{",
        R"({"type":"session.created","event_id":"e1"})",
        R"({"type":"session.closed","event_id":"e2","reason":"expired"})",
        R"({"type":"response.created","response":{"id":"r1"}})",
        R"({"type":"response.created","response":{"id":"r2"}})",
        R"({"type":"response.done","response":{"id":"r1","status":"completed"}})",
        R"({"type":"response.done","response":{"id":"r2","status":"cancelled"}})",
        R"({"type":"output_audio_buffer.started","response_id":"r1"})",
        R"({"type":"output_audio_buffer.started"})",
        R"({"type":"output_audio_buffer.stopped","response_id":"r2"})",
        R"({"type":"output_audio_buffer.cleared"})",
        R"({"type":"response.function_call_arguments.done","name":"end_call","call_id":"c1"})",
        R"({"type":"response.done","response":{"output":[{"type":"function_call","name":"end_call","call_id":"c2"}]}})",
        R"({"type":"transport.dtmf.received","event_id":"e3","event":"1"})",
        R"({"type":"error","error":{"code":"conversation_already_has_active_response"}})",
        R"({"type":"error","error":{"code":"response_cancel_not_active"}})",
        R"({"type":"error","error":{"code":"invalid_value","event_id":"callchain_farewell"}})",
        R"({"type":"error","error":{"code":"server_error"}})",
        R"({"type":"error","error":{"code":"session_expired"}})",
    };
    return kTexts;
}

SidebandEvent random_event() {
    switch (*rc::gen::weightedElement<int>({{3, 0}, {8, 1}, {3, 2}, {4, 3}, {1, 4}, {2, 5}})) {
        case 0:
            return SidebandOpened{};
        case 1:
            return SidebandText{*rc::gen::elementOf(texts())};
        case 2:
            return SidebandEnded{*rc::gen::element(How::refused, How::failed, How::timeout,
                                                   How::closed_by_peer, How::lost, How::closed),
                                 *rc::gen::element(0, 401, 404, 404, 500),
                                 *rc::gen::element(0, 1000, 1001, 1011),
                                 {}};
        case 3:
            return SidebandTimer{
                *rc::gen::element(Which::reconnect, Which::max_call, Which::farewell, Which::settled)};
        case 4:
            return SidebandDrain{};
        default:
            return SidebandHungUp{*rc::gen::arbitrary<bool>(),
                                  *rc::gen::element<std::string>("done", "call_gone", "server_error")};
    }
}

/// What a driver that does what it is told would see.
struct Ledger {
    std::map<std::string, int> count;
    std::set<Which> timers;
    bool connection = false;

    void take(const SidebandAction& action) {
        using What = SidebandAction::What;
        RC_ASSERT(count["finished"] == 0);
        const auto line = line_of(action);
        ++count[action.what == What::finished ? "finished" : line];
        if (action.what == What::connect) {
            RC_ASSERT(!connection);
            connection = true;
        }
        if (action.what == What::set_timer) {
            RC_ASSERT(action.delay.count() >= 0);
            timers.insert(action.timer);
        }
        if (action.what == What::cancel_timer) RC_ASSERT(timers.erase(action.timer) == 1U);
        if (action.what == What::send || action.what == What::close) RC_ASSERT(connection);
        if (action.what == What::finished) RC_ASSERT(timers.empty() && !action.text.empty());
    }
};

SidebandSettings random_settings() {
    return {.dialect = *rc::gen::element(Dialect::realtime, Dialect::live),
            .greeting = *rc::gen::element<std::string>("", "Olá"),
            .farewell = *rc::gen::element<std::string>("", "Tchau"),
            .max_call = std::chrono::seconds{*rc::gen::element(0, 60)},
            .most_attempts = *rc::gen::inRange(1, 5)};
}

RC_GTEST_PROP(SidebandProperty, KeepsItsPromisesWhateverComes, ()) {
    Sideband machine(random_settings());
    Ledger ledger;
    for (const auto& action : machine.start()) ledger.take(action);
    const auto steps = *rc::gen::inRange(0, 60);
    for (int i = 0; i < steps; ++i) {
        const auto event = random_event();
        if (const auto* timer = std::get_if<SidebandTimer>(&event)) ledger.timers.erase(timer->which);
        if (std::holds_alternative<SidebandEnded>(event)) ledger.connection = false;
        const bool was_finished = machine.is_finished();
        const auto actions = machine.step(event);
        RC_ASSERT(!was_finished || actions.empty());
        for (const auto& action : actions) ledger.take(action);
        RC_ASSERT(machine.is_finished() == (ledger.count["finished"] == 1));
        RC_ASSERT(!machine.is_attached() || ledger.connection);
    }
    for (const std::string once :
         {"say Olá", "hang up", "finished", "note attached", "note first_event", "note greeted",
          "note first_audio", "note ended", "note end_call", "note max_call", "note farewell"})
        RC_ASSERT(ledger.count[once] <= 1);
    RC_ASSERT(ledger.count["connect"] <= 4);
}

// Whatever came before: three drains, the end of the connection and the answer to a hang-up end it.
RC_GTEST_PROP(SidebandProperty, ComesToAnEnd, ()) {
    Sideband machine(random_settings());
    (void)machine.start();
    const auto steps = *rc::gen::inRange(0, 30);
    for (int i = 0; i < steps; ++i) (void)machine.step(random_event());
    for (int i = 0; i < 3; ++i) (void)machine.step(SidebandDrain{});
    RC_ASSERT(machine.is_finished());
}

}  // namespace
}  // namespace callchain::openai
