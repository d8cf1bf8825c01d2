/// Two transaction layers with a user each, joined by a network that loses, repeats, delays and re-orders, in
/// virtual time.
#pragma once

#include "sip/response.hpp"
#include "sip/sip_text.hpp"
#include "sip/transaction_layer.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace callchain::sip {

struct NetworkPlan {
    std::uint64_t seed = 0;
    Reliability reliability = Reliability::unreliable;
    int loss_percent = 0;
    int duplicate_percent = 0;
    int most_delay_ms = 20;  ///< each message its own: so they overtake each other
    int breaks = 0;          ///< reliable: so often the connection breaks
    int requests = 8;
};

/// Runs to the end of everything. What went against a promise of the layer is in `faults`.
class VirtualNetwork {
  public:
    explicit VirtualNetwork(const NetworkPlan& plan) : plan_(plan), random_(plan.seed) {}

    std::vector<std::string> faults;
    std::map<std::string, int> outcomes;  ///< "200", "timeout", "transport": how the client's requests ended
    int repeated = 0;                     ///< messages that were sent again with the same bytes
    int sent = 0;

    void run() {
        for (int number = 0; number < plan_.requests; ++number)
            at(now_ + pick(0, 5'000), [this, number] { start_request(number); });
        for (int count = 0; count < plan_.breaks; ++count)
            at(now_ + pick(0, 40'000), [this] { break_flow(); });
        constexpr int kMostSteps = 200'000;
        for (int steps = 0; step(); ++steps) {
            if (steps < kMostSteps) continue;
            faults.emplace_back("it never ends");
            return;
        }
        check_end();
    }

  private:
    using Milliseconds = std::chrono::milliseconds;
    struct Side {
        explicit Side(std::string side_name) : name(std::move(side_name)) {}
        std::string name;
        TransactionLayer layer;
        TimerQueue timers;
        std::map<std::uint64_t, std::string> branch_of;  // by transaction
        std::map<std::string, SteadyTime> last_event;    // by branch: messages and the user, no timers
        std::set<std::uint64_t> ended;
    };
    struct Call {
        std::optional<Received> invite;
        bool acknowledged = false;
    };

    // Time.

    void at(SteadyTime time, std::function<void()> what) { script_.emplace(time, std::move(what)); }
    Milliseconds pick(int least, int most) {
        return Milliseconds(std::uniform_int_distribution<int>(least, most)(random_));
    }
    bool chance(int percent) { return std::uniform_int_distribution<int>(1, 100)(random_) <= percent; }

    bool step() {
        auto next = SteadyTime::max();
        if (!script_.empty()) next = script_.begin()->first;
        for (const auto* side : {&client_, &server_}) {
            if (const auto due = side->timers.next_due()) next = std::min(next, *due);
        }
        if (next == SteadyTime::max()) return false;
        now_ = std::max(now_, next);
        for (auto* side : {&client_, &server_}) {
            if (const auto timer = side->timers.pop_due(now_)) {
                const auto which = static_cast<TransactionTimer>(timer->which);
                perform(*side, side->layer.timer_due({timer->owner}, which, now_));
                return true;
            }
        }
        const auto what = std::move(script_.begin()->second);
        script_.erase(script_.begin());
        what();
        return true;
    }

    // The network.

    void transmit(Side& from, const std::string& bytes, FlowId flow) {
        ++sent;
        if (!known_bytes_.insert(from.name + bytes).second) ++repeated;
        auto& to = &from == &client_ ? server_ : client_;
        if (plan_.reliability == Reliability::reliable) {
            // One delay for all keeps the order.
            if (flow == flow_) deliver_at(now_ + Milliseconds(plan_.most_delay_ms), to, bytes, flow);
            return;
        }
        if (chance(plan_.loss_percent)) return;
        deliver_at(now_ + pick(0, plan_.most_delay_ms), to, bytes, flow);
        if (chance(plan_.duplicate_percent)) deliver_at(now_ + pick(0, plan_.most_delay_ms), to, bytes, flow);
    }

    void deliver_at(SteadyTime time, Side& to, const std::string& bytes, FlowId flow) {
        at(time, [this, &to, bytes, flow] {
            if (plan_.reliability == Reliability::reliable && flow != flow_) return;  // it broke meanwhile
            auto message = parse_message(bytes, Carrier::stream);
            if (!message) return fault("unreadable: " + message.error().why);
            note_event(to, std::string(message->via.front().branch()));
            perform(to, to.layer.receive(*std::move(message), {flow, plan_.reliability}, now_));
        });
    }

    void break_flow() {
        const auto broken = std::exchange(flow_, FlowId{flow_.value + 1});
        for (auto* side : {&client_, &server_}) {
            for (const auto& [id, branch] : side->branch_of) note_event(*side, branch);
            perform(*side, side->layer.flow_failed(broken, now_));
        }
    }

    // The client's user.

    void start_request(int number) {
        static const std::vector<std::string> kMethods{"INVITE", "INVITE", "BYE", "OPTIONS"};
        Message message;
        message.method = kMethods[random_() % kMethods.size()];
        message.uri = {"sip", "bob", std::nullopt, "server.example.com"};
        message.add("From", "<sip:alice@client.example.com>;tag=f" + std::to_string(number));
        message.add("To", "<sip:bob@server.example.com>");
        message.add("Call-ID", "call-" + std::to_string(number));
        message.add("CSeq", "1 " + message.method);
        message.add("Max-Forwards", "70");
        ClientHop hop;
        hop.via = {plan_.reliability == Reliability::reliable ? "TCP" : "UDP", "client.example.com"};
        const auto branch = "z9hG4bK-" + std::to_string(number);
        hop.via.parameters.set("branch", branch);
        hop.reliability = plan_.reliability;
        const bool connects = plan_.reliability == Reliability::reliable && chance(30);
        if (!connects) hop.flow = flow_;
        const bool is_invite = message.method == "INVITE";
        auto created = client_.layer.create_client(message, hop, now_);
        if (!created) return fault(created.error().message);
        client_.branch_of[created->id.value] = branch;
        wanted_.insert(created->id.value);
        note_event(client_, branch);
        perform(client_, std::move(created->actions));
        if (!is_invite) return;
        // It gives up at some time, early, in the middle or after everything.
        at(now_ + pick(0, 60'000), [this, id = created->id, branch] {
            note_event(client_, branch);
            perform(client_, client_.layer.cancel(id, now_));
        });
    }

    void finish(TransactionId id, const std::string& outcome, bool is_2xx_to_invite) {
        if (client_.ended.contains(id.value)) fault("told of after its end: " + outcome);
        const auto [found, is_first] = finals_.emplace(id.value, is_2xx_to_invite);
        if (is_first) {
            ++outcomes[outcome];
        } else if (!(found->second && is_2xx_to_invite)) {
            fault("a second final answer: " + outcome);
        }
    }

    void acknowledge(const Received& response) {
        Message ack;
        ack.method = "ACK";
        ack.uri = {"sip", "bob", std::nullopt, "server.example.com"};
        ack.add("Via", "SIP/2.0/UDP client.example.com;branch=z9hG4bK-ack" + std::to_string(++acks_));
        for (const std::string_view name : {"From", "To", "Call-ID"})
            ack.add(name, std::string(response.message.find(name).value_or("")));
        ack.add("CSeq", "1 ACK");
        if (const auto bytes = write_message(ack)) transmit(client_, *bytes, flow_);
    }

    // The server's user.

    void take_in(Received request, Flow flow) {
        const auto branch = std::string(request.via.front().branch());
        if (!seen_.insert(request.message.method + ' ' + branch).second)
            fault("seen twice: " + request.message.method);
        const auto id = server_.layer.create_server(request, flow);
        if (!id) return fault(id.error().message);
        server_.branch_of[id->value] = branch;
        if (request.message.method != "INVITE") {
            const bool says_100 = chance(30);
            if (says_100) respond(*id, request, 100);
            at(now_ + pick(0, says_100 ? 3'000 : 200),
               [this, id = *id, request] { respond(id, request, chance(80) ? 200 : 481); });
            return;
        }
        calls_[request.call_id].invite = request;
        if (chance(70)) respond(*id, request, 100);
        if (chance(70)) at(now_ + pick(0, 2'000), [this, id = *id, request] { respond(id, request, 180); });
        // Rings for a while; one that is never cancelled ends by itself.
        const auto status = std::vector<int>{200, 200, 486, 302, 480}[random_() % 5];
        at(now_ + (status == 480 ? Milliseconds{100'000} : pick(0, 40'000)),
           [this, id = *id, request, status] {
               if (server_.layer.state_of(id) != TransactionState::proceeding) return;
               respond(id, request, status);
               if (status == 200) repeat_2xx(id, request, Milliseconds{500}, now_ + Milliseconds{32'000});
           });
    }

    void take_in_cancel(Received cancel, Flow flow, std::optional<TransactionId> cancelled) {
        const auto id = server_.layer.create_server(cancel, flow);
        if (!id) return fault(id.error().message);
        server_.branch_of[id->value] = std::string(cancel.via.front().branch());
        respond(*id, cancel, cancelled ? 200 : 481);
        if (!cancelled || server_.layer.state_of(*cancelled) != TransactionState::proceeding) return;
        if (const auto& invite = calls_[cancel.call_id].invite) respond(*cancelled, *invite, 487);
    }

    void respond(TransactionId id, const Received& request, int status) {
        note_event(server_, std::string(request.via.front().branch()));
        const auto state = server_.layer.state_of(id);
        const bool may_be_provisional =
            state == TransactionState::proceeding || state == TransactionState::trying;
        if (status < 200 && !may_be_provisional) return;
        auto actions = server_.layer.respond(id, make_response(request, status, "", "srv"), now_);
        if (!actions) return fault(actions.error().message);
        perform(server_, *std::move(actions));
    }

    /// Source: RFC 3261 section 13.3.1.4.
    void repeat_2xx(TransactionId id, const Received& request, Milliseconds interval, SteadyTime until) {
        if (now_ + interval >= until) return;
        at(now_ + interval, [this, id, request, interval, until] {
            if (calls_[request.call_id].acknowledged) return;
            respond(id, request, 200);
            repeat_2xx(id, request, std::min(2 * interval, Milliseconds{4'000}), until);
        });
    }

    // What the layers ask for.

    void perform(Side& side, LayerActions actions) {
        for (auto& action : actions) std::visit([&](auto& one) { on(side, one); }, action);
    }
    void on(Side& side, SendBytes& one) {
        if (one.transaction) {
            if (const auto message = parse_message(one.bytes, Carrier::stream))
                side.branch_of[one.transaction->value] = std::string(message->via.front().branch());
        }
        if (one.flow) return transmit(side, one.bytes, *one.flow);
        at(now_ + pick(0, 50), [this, &side, one] {
            note_event(side, side.branch_of[one.transaction->value]);
            if (chance(30)) return perform(side, side.layer.send_failed(*one.transaction, now_));
            side.layer.set_flow(*one.transaction, flow_);
            transmit(side, one.bytes, flow_);
        });
    }
    void on(Side& side, const SetTimer& one) {
        side.timers.set({one.transaction.value, static_cast<std::uint32_t>(one.timer)}, one.due);
    }
    void on(Side& side, const StopTimer& one) {
        if (!side.timers.stop({one.transaction.value, static_cast<std::uint32_t>(one.timer)}))
            fault("stopped what does not run");
    }
    void on(Side& /*side*/, RequestReceived& one) {
        if (one.merged_with) fault("taken for a merged request");
        take_in(std::move(*one.request), one.flow);
    }
    void on(Side& /*side*/, AckReceived& one) { calls_[one.ack->call_id].acknowledged = true; }
    void on(Side& /*side*/, CancelReceived& one) {
        if (!seen_.insert("CANCEL " + std::string(one.cancel->via.front().branch())).second)
            fault("seen twice: CANCEL");
        take_in_cancel(std::move(*one.cancel), one.flow, one.cancelled);
    }
    void on(Side& /*side*/, ResponseReceived& one) {
        const auto status = one.response->message.status;
        if (!wanted_.contains(one.transaction.value)) fault("an answer to no request of the user's");
        if (status < 200) return;
        const bool is_2xx_to_invite = status < 300 && one.response->cseq.method == "INVITE";
        finish(one.transaction, std::to_string(status), is_2xx_to_invite);
        if (is_2xx_to_invite) acknowledge(*one.response);
    }
    void on(Side& /*side*/, const StrayResponse& one) {
        // Later than timer B, where the server said nothing before: a real call ends it by BYE, too.
        if (one.response->message.status / 100 == 2 && one.response->cseq.method == "INVITE")
            acknowledge(*one.response);
    }
    void on(Side& /*side*/, const TimedOut& one) { finish(one.transaction, "timeout", false); }
    void on(Side& /*side*/, const TransportFailed& one) { finish(one.transaction, "transport", false); }
    void on(Side& /*side*/, const NotAcknowledged& /*one*/) {}
    void on(Side& /*side*/, const NotDelivered& /*one*/) {}
    void on(Side& side, const UnexpectedEvent& one) {
        fault(side.name + ": " + std::string(name_of(one.event)) + " in " + std::string(name_of(one.state)));
    }
    void on(Side& side, const TransactionEnded& one) {
        if (!side.ended.insert(one.transaction.value).second) fault("ended twice");
        // From the last message or wish on, each path to the end is one timer of at most 64*T1.
        const auto& branch = side.branch_of[one.transaction.value];
        if (now_ - side.last_event[branch] > Milliseconds{32'000}) fault(side.name + ": lived on " + branch);
    }

    void note_event(Side& side, const std::string& branch) { side.last_event[branch] = now_; }
    void fault(const std::string& what) { faults.push_back(what); }

    void check_end() {
        for (const auto* side : {&client_, &server_}) {
            if (side->layer.size() != 0) fault(side->name + ": transactions are left");
            if (side->timers.size() != 0) fault(side->name + ": timers are left");
        }
        for (const auto id : wanted_) {
            if (!finals_.contains(id)) fault("no final answer");
            if (!client_.ended.contains(id)) fault("never told to have ended");
        }
        if (plan_.reliability == Reliability::reliable && repeated > 0) fault("something was sent twice");
    }

    NetworkPlan plan_;
    std::mt19937_64 random_;
    SteadyTime now_{std::chrono::hours{1}};
    FlowId flow_{1};
    Side client_{"client"};
    Side server_{"server"};
    std::multimap<SteadyTime, std::function<void()>> script_;  // what is on its way or planned
    std::set<std::string> known_bytes_;
    std::set<std::uint64_t> wanted_;        // the user's client transactions
    std::map<std::uint64_t, bool> finals_;  // how they ended: by a 2xx to an INVITE?
    std::set<std::string> seen_;            // by the server's user
    std::map<std::string, Call> calls_;     // by Call-ID
    int acks_ = 0;
};

}  // namespace callchain::sip
