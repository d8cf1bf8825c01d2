// The four machines, pair by pair, against RFC 3261 figures 5 to 8 and RFC 6026.
#include "sip/transaction.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::sip {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using enum TransactionState;
using enum TransactionEvent;
using T = TransactionTimer;
using Machine = TransactionMachine;
using State = TransactionState;
using Event = TransactionEvent;
using Known = TransactionStep::Known;
using What = TransactionAction::What;

/// "stop A, pass up, start M 32000": what is to be done, timers in milliseconds.
std::string text_of(const TransactionActions& actions) {
    std::vector<std::string> parts;
    for (const auto& action : actions) {
        auto part = std::string(name_of(action.what));
        if (action.what == What::start || action.what == What::stop)
            part.append(1, ' ').append(name_of(action.timer));
        if (action.what == What::start) part.append(1, ' ').append(std::to_string(action.after.count()));
        parts.push_back(std::move(part));
    }
    return join(parts, ", ");
}

std::string text_of(const TransactionStep& step) {
    if (step.known == Known::impossible) return "impossible";
    if (step.known == Known::ignored) return "ignored";
    const auto actions = text_of(step.actions);
    return std::string(name_of(step.next.state)) + ": " + (actions.empty() ? "-" : actions);
}

/// What the RFC says of one pair, over UDP, where A, E or G was last set with 500 ms.
struct Row {
    State state;
    Event event;
    std::string_view want;
    std::string_view source;
};

constexpr std::string_view kFigure5 = "RFC 3261 figure 5";
constexpr std::string_view kFigure6 = "RFC 3261 figure 6";
constexpr std::string_view kFigure7 = "RFC 3261 figure 7";
constexpr std::string_view kFigure8 = "RFC 3261 figure 8";
constexpr std::string_view kAccepted = "RFC 6026 section 8.4";
constexpr std::string_view kStays = "RFC 6026 section 8.8";
constexpr std::string_view kCancel = "RFC 3261 section 9.1";
constexpr std::string_view kNoArrow = "no arrow in the figure";
constexpr std::string_view kNotStarted = "no such timer was started";
constexpr std::string_view kNoFinalYet = "there is no final response to acknowledge";
constexpr std::string_view kAnswered = "RFC 3261 section 8.2.6: one final response";

const std::vector<Row>& invite_client() {
    static const std::vector<Row> kRows{
        {calling, response_1xx, "Proceeding: stop A, stop B, pass up", kFigure5},
        {calling, response_2xx, "Accepted: stop A, stop B, pass up, start M 32000", kAccepted},
        {calling, response_300_699, "Completed: stop A, stop B, send ACK, pass up, start D 32000", kFigure5},
        {calling, tu_cancel, "Calling: remember CANCEL", kCancel},
        {calling, timer_a, "Calling: send request, start A 1000", kFigure5},
        {calling, timer_b, "Terminated: tell timeout", kFigure5},
        {calling, timer_d, "impossible", kNotStarted},
        {calling, timer_m, "impossible", kNotStarted},
        {calling, timer_cancel, "impossible", kNotStarted},
        {calling, transport_error, "Terminated: tell transport error", kFigure5},

        {proceeding, response_1xx, "Proceeding: pass up", kFigure5},
        {proceeding, response_2xx, "Accepted: stop CANCEL, pass up, start M 32000", kAccepted},
        {proceeding, response_300_699, "Completed: stop CANCEL, send ACK, pass up, start D 32000", kFigure5},
        {proceeding, tu_cancel, "Proceeding: send CANCEL, start CANCEL 32000", kCancel},
        {proceeding, timer_a, "ignored", "RFC 3261 section 17.1.1.2: only while in Calling"},
        {proceeding, timer_b, "ignored", "RFC 3261 section 17.1.1.2: only while in Calling"},
        {proceeding, timer_d, "impossible", kNotStarted},
        {proceeding, timer_m, "impossible", kNotStarted},
        {proceeding, timer_cancel, "Terminated: tell timeout", kCancel},
        {proceeding, transport_error, "Terminated: tell transport error", "RFC 3261 section 17.1.4"},

        {completed, response_1xx, "ignored", kNoArrow},
        {completed, response_2xx, "ignored", kNoArrow},
        {completed, response_300_699, "Completed: send ACK", kFigure5},
        {completed, tu_cancel, "ignored", kCancel},
        {completed, timer_a, "ignored", kNoArrow},
        {completed, timer_b, "ignored", kNoArrow},
        {completed, timer_d, "Terminated: -", kFigure5},
        {completed, timer_m, "impossible", kNotStarted},
        {completed, timer_cancel, "ignored", kNoArrow},
        {completed, transport_error, "Terminated: tell transport error", kFigure5},

        {accepted, response_1xx, "ignored", kNoArrow},
        {accepted, response_2xx, "Accepted: pass up", kAccepted},
        {accepted, response_300_699, "ignored", kNoArrow},
        {accepted, tu_cancel, "ignored", kCancel},
        {accepted, timer_a, "ignored", kNoArrow},
        {accepted, timer_b, "ignored", kNoArrow},
        {accepted, timer_d, "impossible", kNotStarted},
        {accepted, timer_m, "Terminated: -", kAccepted},
        {accepted, timer_cancel, "ignored", kNoArrow},
        {accepted, transport_error, "ignored", "nothing is sent in Accepted"},
    };
    return kRows;
}

const std::vector<Row>& non_invite_client() {
    static const std::vector<Row> kRows{
        {trying, response_1xx, "Proceeding: pass up", kFigure6},
        {trying, response_2xx, "Completed: stop E, stop F, pass up, start K 5000", kFigure6},
        {trying, response_300_699, "Completed: stop E, stop F, pass up, start K 5000", kFigure6},
        {trying, timer_e, "Trying: send request, start E 1000", kFigure6},
        {trying, timer_f, "Terminated: tell timeout", kFigure6},
        {trying, timer_k, "impossible", kNotStarted},
        {trying, transport_error, "Terminated: tell transport error", kFigure6},

        {proceeding, response_1xx, "Proceeding: pass up", kFigure6},
        {proceeding, response_2xx, "Completed: stop E, stop F, pass up, start K 5000", kFigure6},
        {proceeding, response_300_699, "Completed: stop E, stop F, pass up, start K 5000", kFigure6},
        {proceeding, timer_e, "Proceeding: send request, start E 4000", "RFC 3261 section 17.1.2.2: T2"},
        {proceeding, timer_f, "Terminated: tell timeout", kFigure6},
        {proceeding, timer_k, "impossible", kNotStarted},
        {proceeding, transport_error, "Terminated: tell transport error", kFigure6},

        {completed, response_1xx, "ignored", "RFC 3261 section 17.1.2.2: buffered"},
        {completed, response_2xx, "ignored", "RFC 3261 section 17.1.2.2: buffered"},
        {completed, response_300_699, "ignored", "RFC 3261 section 17.1.2.2: buffered"},
        {completed, timer_e, "ignored", kNoArrow},
        {completed, timer_f, "ignored", kNoArrow},
        {completed, timer_k, "Terminated: -", kFigure6},
        {completed, transport_error, "ignored", kNoArrow},
    };
    return kRows;
}

const std::vector<Row>& invite_server() {
    static const std::vector<Row> kRows{
        {proceeding, request, "Proceeding: send response", kFigure7},
        {proceeding, ack, "impossible", kNoFinalYet},
        {proceeding, tu_1xx, "Proceeding: send response", kFigure7},
        {proceeding, tu_2xx, "Accepted: send response, start L 32000", "RFC 6026 section 8.5"},
        {proceeding, tu_300_699, "Completed: send response, start G 500, start H 32000", kFigure7},
        {proceeding, timer_g, "impossible", kNotStarted},
        {proceeding, timer_h, "impossible", kNotStarted},
        {proceeding, timer_i, "impossible", kNotStarted},
        {proceeding, timer_l, "impossible", kNotStarted},
        {proceeding, transport_error, "Proceeding: tell transport error", kStays},

        {completed, request, "Completed: send response", kFigure7},
        {completed, ack, "Confirmed: stop G, stop H, start I 5000", kFigure7},
        {completed, tu_1xx, "impossible", kAnswered},
        {completed, tu_2xx, "impossible", kAnswered},
        {completed, tu_300_699, "impossible", kAnswered},
        {completed, timer_g, "Completed: send response, start G 1000", kFigure7},
        {completed, timer_h, "Terminated: tell timeout", kFigure7},
        {completed, timer_i, "impossible", kNotStarted},
        {completed, timer_l, "impossible", kNotStarted},
        {completed, transport_error, "Completed: tell transport error", kStays},

        {confirmed, request, "ignored", kNoArrow},
        {confirmed, ack, "ignored", "RFC 3261 section 17.2.1: absorbed"},
        {confirmed, tu_1xx, "impossible", kAnswered},
        {confirmed, tu_2xx, "impossible", kAnswered},
        {confirmed, tu_300_699, "impossible", kAnswered},
        {confirmed, timer_g, "ignored", "RFC 3261 section 17.2.1: ignored in this state"},
        {confirmed, timer_h, "ignored", kNoArrow},
        {confirmed, timer_i, "Terminated: -", kFigure7},
        {confirmed, timer_l, "impossible", kNotStarted},
        {confirmed, transport_error, "ignored", "nothing is sent in Confirmed"},

        {accepted, request, "ignored", "RFC 6026 section 8.7: absorbed"},
        {accepted, ack, "Accepted: pass up", "RFC 6026 section 8.7"},
        {accepted, tu_1xx, "impossible", kAnswered},
        {accepted, tu_2xx, "Accepted: send response", "RFC 6026 section 8.7"},
        {accepted, tu_300_699, "impossible", kAnswered},
        {accepted, timer_g, "impossible", kNotStarted},
        {accepted, timer_h, "impossible", kNotStarted},
        {accepted, timer_i, "impossible", kNotStarted},
        {accepted, timer_l, "Terminated: -", "RFC 6026 section 8.7"},
        {accepted, transport_error, "Accepted: tell transport error", kStays},
    };
    return kRows;
}

const std::vector<Row>& non_invite_server() {
    static const std::vector<Row> kRows{
        {trying, request, "ignored", "RFC 3261 section 17.2.2: discarded"},
        {trying, tu_1xx, "Proceeding: send response", kFigure8},
        {trying, tu_2xx, "Completed: send response, start J 32000", kFigure8},
        {trying, tu_300_699, "Completed: send response, start J 32000", kFigure8},
        {trying, timer_j, "impossible", kNotStarted},
        {trying, transport_error, "ignored", "nothing was sent in Trying"},

        {proceeding, request, "Proceeding: send response", kFigure8},
        {proceeding, tu_1xx, "Proceeding: send response", kFigure8},
        {proceeding, tu_2xx, "Completed: send response, start J 32000", kFigure8},
        {proceeding, tu_300_699, "Completed: send response, start J 32000", kFigure8},
        {proceeding, timer_j, "impossible", kNotStarted},
        {proceeding, transport_error, "Proceeding: tell transport error", kStays},

        {completed, request, "Completed: send response", kFigure8},
        {completed, tu_1xx, "ignored", kNoArrow},
        {completed, tu_2xx, "ignored", "RFC 3261 section 17.2.2: discarded"},
        {completed, tu_300_699, "ignored", "RFC 3261 section 17.2.2: discarded"},
        {completed, timer_j, "Terminated: -", kFigure8},
        {completed, transport_error, "Completed: tell transport error", kStays},
    };
    return kRows;
}

/// States and events that the figures of a machine have, and its rows.
struct Figure {
    Machine machine;
    std::vector<State> states;  ///< but Terminated
    std::vector<Event> events;
    const std::vector<Row>& rows;
};

const std::vector<Figure>& figures() {
    static const std::vector<Figure> kFigures{
        {Machine::invite_client,
         {calling, proceeding, completed, accepted},
         {response_1xx, response_2xx, response_300_699, tu_cancel, timer_a, timer_b, timer_d, timer_m,
          timer_cancel, transport_error},
         invite_client()},
        {Machine::non_invite_client,
         {trying, proceeding, completed},
         {response_1xx, response_2xx, response_300_699, timer_e, timer_f, timer_k, transport_error},
         non_invite_client()},
        {Machine::invite_server,
         {proceeding, completed, confirmed, accepted},
         {request, ack, tu_1xx, tu_2xx, tu_300_699, timer_g, timer_h, timer_i, timer_l, transport_error},
         invite_server()},
        {Machine::non_invite_server,
         {trying, proceeding, completed},
         {request, tu_1xx, tu_2xx, tu_300_699, timer_j, transport_error},
         non_invite_server()},
    };
    return kFigures;
}

std::vector<State> all_states() {
    return {calling, trying, proceeding, completed, confirmed, accepted, terminated};
}
std::vector<Event> all_events() {
    std::vector<Event> events;
    for (std::size_t at = 0; at < kEvents; ++at) events.push_back(static_cast<Event>(at));
    return events;
}
std::vector<T> all_timers() {
    std::vector<T> timers;
    for (std::size_t at = 0; at < kTimers; ++at) timers.push_back(static_cast<T>(at));
    return timers;
}

TransactionStep over_udp(Machine machine, State state, Event event, milliseconds interval = 500ms) {
    return step(machine, {state, interval}, event, {}, Reliability::unreliable);
}
TransactionStep over_tcp(Machine machine, State state, Event event) {
    return step(machine, {state, {}}, event, {}, Reliability::reliable);
}

std::string pair_of(Machine machine, State state, Event event) {
    return std::string(name_of(machine)) + ", " + std::string(name_of(state)) + ", " +
           std::string(name_of(event));
}

TEST(TransactionStep, DoesWhatTheRfcSaysOfEachPair) {
    for (const auto& figure : figures()) {
        for (const auto& row : figure.rows) {
            SCOPED_TRACE(pair_of(figure.machine, row.state, row.event) + " (" + std::string(row.source) +
                         ')');
            EXPECT_EQ(text_of(over_udp(figure.machine, row.state, row.event)), row.want);
        }
    }
}

TEST(TransactionStep, HasARowForEveryPairOfEachFigure) {
    for (const auto& figure : figures()) {
        std::set<std::pair<State, Event>> rows;
        for (const auto& row : figure.rows) {
            EXPECT_TRUE(rows.emplace(row.state, row.event).second)
                << "twice: " << pair_of(figure.machine, row.state, row.event);
        }
        std::set<std::pair<State, Event>> pairs;
        for (const auto state : figure.states) {
            for (const auto event : figure.events) pairs.emplace(state, event);
        }
        EXPECT_EQ(rows, pairs) << name_of(figure.machine);
    }
}

TEST(TransactionStep, HoldsWhatNoFigureHasForImpossible) {
    for (const auto& figure : figures()) {
        const auto has = [](const auto& list, auto one) {
            return std::find(list.begin(), list.end(), one) != list.end();
        };
        for (const auto state : all_states()) {
            for (const auto event : all_events()) {
                if (state == terminated || (has(figure.states, state) && has(figure.events, event))) continue;
                SCOPED_TRACE(pair_of(figure.machine, state, event));
                EXPECT_EQ(text_of(over_udp(figure.machine, state, event)), "impossible");
            }
        }
    }
}

TEST(TransactionStep, IgnoresWhateverComesAfterTheEnd) {
    for (const auto& figure : figures()) {
        for (const auto event : all_events()) {
            SCOPED_TRACE(pair_of(figure.machine, terminated, event));
            EXPECT_EQ(text_of(over_udp(figure.machine, terminated, event)), "ignored");
        }
    }
}

TEST(TransactionStep, ChangesNothingByWhatIsIgnoredOrImpossible) {
    for (const auto& figure : figures()) {
        for (const auto state : all_states()) {
            for (const auto event : all_events()) {
                const TransactionCondition before{state, 700ms};
                const auto got = step(figure.machine, before, event, {}, Reliability::unreliable);
                if (got.known == Known::expected) continue;
                SCOPED_TRACE(pair_of(figure.machine, state, event));
                EXPECT_EQ(got.next, before);
                EXPECT_EQ(got.actions.size(), 0U);
            }
        }
    }
}

TEST(TransactionBegin, EntersTheFirstStateOfEachFigure) {
    struct First {
        Machine machine;
        Reliability reliability;
        std::string_view want;
    };
    using enum Reliability;
    for (const auto& row : {
             First{Machine::invite_client, unreliable, "Calling: send request, start A 500, start B 32000"},
             First{Machine::invite_client, reliable, "Calling: send request, start B 32000"},
             First{Machine::non_invite_client, unreliable,
                   "Trying: send request, start E 500, start F 32000"},
             First{Machine::non_invite_client, reliable, "Trying: send request, start F 32000"},
             First{Machine::invite_server, unreliable, "Proceeding: -"},
             First{Machine::invite_server, reliable, "Proceeding: -"},
             First{Machine::non_invite_server, unreliable, "Trying: -"},
             First{Machine::non_invite_server, reliable, "Trying: -"},
         }) {
        SCOPED_TRACE(name_of(row.machine));
        EXPECT_EQ(text_of(begin(row.machine, {}, row.reliability)), row.want);
    }
}

/// The intervals at which a timer fires, as long as the state stays. Units: milliseconds.
std::vector<long> intervals_of(Machine machine, TransactionCondition now, T timer, int times) {
    std::vector<long> intervals{now.interval.count()};
    while (--times > 0) {
        now = step(machine, now, event_of(timer), {}, Reliability::unreliable).next;
        intervals.push_back(now.interval.count());
    }
    return intervals;
}

TEST(TransactionStep, RepeatsAnInviteSevenTimesAtDoublingIntervals) {
    // RFC 3261 section 17.1.1.2: doubling without a cap; 64*T1 are seven requests, at 0, 500, … 31,500 ms.
    const auto first = begin(Machine::invite_client, {}, Reliability::unreliable).next;
    const auto intervals = intervals_of(Machine::invite_client, first, T::a, 7);
    EXPECT_EQ(intervals, (std::vector<long>{500, 1000, 2000, 4000, 8000, 16000, 32000}));
}

TEST(TransactionStep, RepeatsOtherRequestsAtDoublingIntervalsUpToT2) {
    // RFC 3261 section 17.1.2.2: "500 ms, 1 s, 2 s, 4 s, 4 s, 4 s, etc."
    const auto first = begin(Machine::non_invite_client, {}, Reliability::unreliable).next;
    EXPECT_EQ(intervals_of(Machine::non_invite_client, first, T::e, 6),
              (std::vector<long>{500, 1000, 2000, 4000, 4000, 4000}));
}

TEST(TransactionStep, RepeatsAfterAProvisionalAnswerAtT2) {
    auto now = begin(Machine::non_invite_client, {}, Reliability::unreliable).next;
    now = step(Machine::non_invite_client, now, response_1xx, {}, Reliability::unreliable).next;
    EXPECT_EQ(intervals_of(Machine::non_invite_client, now, T::e, 3), (std::vector<long>{500, 4000, 4000}));
}

TEST(TransactionStep, RepeatsAFailureAtDoublingIntervalsUpToT2) {
    // RFC 3261 section 17.2.1: identical to the non-INVITE client's in Trying.
    const auto first = over_udp(Machine::invite_server, proceeding, tu_300_699, {}).next;
    EXPECT_EQ(intervals_of(Machine::invite_server, first, T::g, 6),
              (std::vector<long>{500, 1000, 2000, 4000, 4000, 4000}));
}

TEST(TransactionStep, WaitsForNothingThatAReliableTransportDoesNotRepeat) {
    struct Wait {
        Machine machine;
        State state;
        Event event;
        std::string_view want;
    };
    // RFC 3261 appendix A: D, I, J, K are zero for TCP; A, E, G are for UDP only. RFC 6026 section 8.11: L
    // and M are not.
    for (const auto& row : {
             Wait{Machine::invite_client, proceeding, response_300_699,
                  "Completed: stop CANCEL, send ACK, pass up, start D 0"},
             Wait{Machine::invite_client, proceeding, response_2xx,
                  "Accepted: stop CANCEL, pass up, start M 32000"},
             Wait{Machine::non_invite_client, trying, response_2xx,
                  "Completed: stop E, stop F, pass up, start K 0"},
             Wait{Machine::invite_server, proceeding, tu_300_699, "Completed: send response, start H 32000"},
             Wait{Machine::invite_server, proceeding, tu_2xx, "Accepted: send response, start L 32000"},
             Wait{Machine::invite_server, completed, ack, "Confirmed: stop G, stop H, start I 0"},
             Wait{Machine::non_invite_server, trying, tu_2xx, "Completed: send response, start J 0"},
         }) {
        SCOPED_TRACE(pair_of(row.machine, row.state, row.event));
        EXPECT_EQ(text_of(over_tcp(row.machine, row.state, row.event)), row.want);
    }
}

TEST(TransactionStep, ScalesTheTimersWithT1ButTimerDNeverBelow32Seconds) {
    const auto with_t1 = [](milliseconds t1, Machine machine, State state, Event event) {
        return text_of(step(machine, {state, {}}, event, {t1, 4s, 5s}, Reliability::unreliable));
    };
    EXPECT_EQ(with_t1(100ms, Machine::invite_client, proceeding, response_300_699),
              "Completed: stop CANCEL, send ACK, pass up, start D 32000");
    EXPECT_EQ(with_t1(1s, Machine::invite_client, proceeding, response_300_699),
              "Completed: stop CANCEL, send ACK, pass up, start D 64000");
    EXPECT_EQ(with_t1(100ms, Machine::invite_client, proceeding, response_2xx),
              "Accepted: stop CANCEL, pass up, start M 6400");
    EXPECT_EQ(with_t1(100ms, Machine::invite_server, proceeding, tu_300_699),
              "Completed: send response, start G 100, start H 6400");
    EXPECT_EQ(with_t1(100ms, Machine::non_invite_server, trying, tu_300_699),
              "Completed: send response, start J 6400");
}

TEST(TransactionStep, NamesTheEventOfEachTimer) {
    for (const auto timer : all_timers()) {
        const auto letter = std::string(name_of(timer));
        const auto name = timer == T::cancel ? std::string("64*T1 after CANCEL") : "Timer " + letter;
        EXPECT_EQ(name_of(event_of(timer)), name);
    }
}

// docs/design/sip.md has the same tables for readers; it is held against the code.

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    for (const auto cell : split(std::string_view(line).substr(1, line.size() - 2), '|'))
        cells.emplace_back(trim(cell));
    return cells;
}

/// "Completed: stop A, start D": as a page of the document has it, without times.
std::string without_times(const TransactionStep& step) {
    auto text = text_of(step);
    std::string out;
    for (const auto part : split(text, ' ')) {
        const auto digits = part.substr(0, part.find(','));
        if (parse_decimal(digits)) {
            out.pop_back();
            out.append(part.substr(digits.size())).append(1, ' ');
        } else {
            out.append(part).append(1, ' ');
        }
    }
    return std::string(trim(out));
}

/// Heading of the section ("INVITE client") to (state, event) to what its table says.
std::map<std::string, std::map<std::pair<std::string, std::string>, std::string>> tables_of_document() {
    std::map<std::string, std::map<std::pair<std::string, std::string>, std::string>> tables;
    std::ifstream file(std::string(SAMPLES_DIR) + "/../docs/design/sip.md");
    std::string heading;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("### ")) heading = line.substr(4);
        if (!line.starts_with("| ") || line.starts_with("| State")) continue;
        const auto cells = cells_of(line);
        if (cells.size() != 5) continue;
        const auto what = cells[2] == "ignored" ? std::string("ignored") : cells[3] + ": " + cells[2];
        tables[heading][{cells[0], cells[1]}] = what;
    }
    return tables;
}

TEST(TransactionStep, IsWhatTheDesignDocumentShows) {
    const auto tables = tables_of_document();
    for (const auto& figure : figures()) {
        ASSERT_TRUE(tables.contains(std::string(name_of(figure.machine)))) << name_of(figure.machine);
        const auto& table = tables.at(std::string(name_of(figure.machine)));
        std::size_t possible = 0;
        for (const auto state : figure.states) {
            for (const auto event : figure.events) {
                const auto want = without_times(over_udp(figure.machine, state, event));
                if (want == "impossible") continue;
                ++possible;
                SCOPED_TRACE(pair_of(figure.machine, state, event));
                const auto row = table.find({std::string(name_of(state)), std::string(name_of(event))});
                ASSERT_NE(row, table.end());
                EXPECT_EQ(row->second, want);
            }
        }
        EXPECT_EQ(table.size(), possible) << name_of(figure.machine);
    }
}

}  // namespace
}  // namespace callchain::sip
