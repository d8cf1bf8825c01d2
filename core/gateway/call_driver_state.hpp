/// The inside of the driver. For core/gateway/call_driver*.cpp alone.
#pragma once

#include "b2bua/rate_limit.hpp"
#include "crypto/hash.hpp"
#include "gateway/call_driver.hpp"

#include <array>
#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace callchain::gateway {

using b2bua::Leg;
using sip::IdHash;
using sip::TransactionId;

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr double kMostRemarksAlike = 10;  // a second

/// A flood must not fill the log: the metrics count them all.
struct LimitedRemark {
    b2bua::RateLimit limit{kMostRemarksAlike};
    std::size_t left_out = 0;

    /// How many were left out since the last; nullopt: so is this one.
    std::optional<std::size_t> take(sip::SteadyTime now) {
        if (limit.take(now)) return std::exchange(left_out, 0);
        ++left_out;
        return std::nullopt;
    }
};

/// What the driver has of one call.
struct Entry {
    std::uint64_t number = 0;
    const b2bua::CallSettings* settings = nullptr;
    std::unique_ptr<b2bua::Call> call;
    std::optional<sip::FlowId> flow_a;  // by which the leg last spoke
    std::optional<sip::FlowId> flow_b;
    std::vector<std::pair<b2bua::RequestNumber, RequestId>> requests;
    std::vector<TransactionId> invites;  // server transactions that a CANCEL may mean
    bool over = false;

    std::optional<sip::FlowId>& flow(Leg leg) { return leg == Leg::a ? flow_a : flow_b; }
    [[nodiscard]] Transport transport(Leg leg) const {
        return leg == Leg::a ? settings->transport_a : settings->transport_b;
    }
    /// Of a new connection to that leg. A balancer ends TLS for those that come in, not for those of ours.
    [[nodiscard]] Transport transport_out(Leg leg) const {
        return leg == Leg::a ? settings->advertised_transport.value_or(settings->transport_a)
                             : settings->transport_b;
    }
};

struct Place {
    std::uint64_t call = 0;
    Leg leg = Leg::a;
};
struct Asked {
    std::uint64_t call = 0;
    b2bua::RequestNumber number;
    Leg leg = Leg::b;
};

struct CallDriver::State : std::enable_shared_from_this<CallDriver::State> {
    State(Loop& of_loop, DriverSettings given, DriverEvents of_user,
          std::function<std::string(std::size_t)> random_bytes)
        : loop(of_loop),
          settings(std::move(given)),
          events(std::move(of_user)),
          random(std::move(random_bytes)),
          random_number([this] {
              std::uint64_t value = 0;
              const auto bytes = random(sizeof value);
              std::memcpy(&value, bytes.data(), sizeof value);
              return value;
          }),
          admission(settings.admission, crypto::HmacKey(crypto::HashAlgorithm::sha256, random(kKeyBytes))),
          twilio(settings.twilio),
          stack(of_loop, stack_settings(), stack_events(), random) {
        for (const auto& account : settings.meta)
            meta.push_back({account.username, std::make_unique<sip::DigestClient>(account)});
        if (meta.empty())
            meta.emplace_back(std::string(), std::make_unique<sip::DigestClient>(sip::DigestAccount{}));
    }

    StackSettings stack_settings();
    StackEvents stack_events();

    // From the stack.
    void on_request(const IncomingRequest& in);
    void on_ack(const sip::Received& ack, const FlowInfo& flow);
    void on_cancel(const IncomingRequest& in, std::optional<TransactionId> cancelled);
    void on_response(RequestId id, const sip::Received& response, const FlowInfo& flow);
    void on_failure(RequestId id, const RequestFailure& failure);
    void on_late_answer(const sip::Received& response, const FlowInfo& flow);
    void on_timer(UserTimer timer);
    void on_trace(const TracedMessage& message) const;

    // Requests outside of dialogs.
    void outside(const IncomingRequest& in);
    void invited(const IncomingRequest& in);
    void begin(const IncomingRequest& in, const b2bua::Admission& admitted);
    void within(const IncomingRequest& in, Place place);
    void answer(const IncomingRequest& in, sip::Message response);
    void answer(const IncomingRequest& in, int status, std::vector<sip::HeaderField> headers = {});
    void ignore(const FlowInfo& flow, const std::string& why);
    [[nodiscard]] std::optional<Place> place_of(const sip::Received& request) const;
    /// Whom we called ourselves is known, list or not: other calls share that connection, and nothing that
    /// comes on it may end them.
    [[nodiscard]] bool is_known(const FlowInfo& flow) const {
        return flow.outbound || dialog_flows.contains(flow.id) || admission.knows(flow.peer.address);
    }
    void remark_refusal(const IncomingRequest& in, const std::string& why);
    void remark_not_here(const IncomingRequest& in, LimitedRemark& limit, std::string_view answered);
    sip::DigestClient& client_for(const b2bua::CallSettings& of, const sip::Received& invite);
    const b2bua::CallSettings& settings_for(bool inward, Transport transport);

    // What a call decides.
    void perform(std::uint64_t number, b2bua::CallActions actions);
    void perform(Entry& entry, b2bua::Respond action);
    void perform(Entry& entry, b2bua::SendRequest action);
    void perform(Entry& entry, const b2bua::CancelRequest& action);
    void perform(Entry& entry, b2bua::SendAck action);
    void perform(Entry& entry, const b2bua::SetCallTimer& action);
    void perform(Entry& entry, const b2bua::StopCallTimer& action);
    void perform(Entry& entry, b2bua::Remark action);
    void perform(Entry& entry, const b2bua::CallOver& action);
    void perform(Entry& entry, const b2bua::Forget& action);

    [[nodiscard]] b2bua::Moment moment() const {
        return {Loop::now(),
                std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()),
                random_number};
    }
    Entry* find(std::uint64_t number) {
        const auto found = calls.find(number);
        return found == calls.end() ? nullptr : &found->second;
    }
    /// On the connection by which the leg last spoke; over UDP there is none.
    [[nodiscard]] std::optional<sip::FlowId> way_to(Entry& entry, Leg leg) {
        return entry.transport(leg) == Transport::udp ? std::nullopt : entry.flow(leg);
    }
    void note_flow(Entry& entry, Leg leg, const FlowInfo& flow) {
        entry.flow(leg) = flow.id;
        if (flow.transport != Transport::udp && !flow.outbound) dialog_flows.insert(flow.id);
    }
    /// What the step sends to that leg goes by the connection of the message that led to it; so does what
    /// comes later, where the message proves to be of the call.
    template <class Step>
    void step_by(Entry& entry, Leg leg, const FlowInfo& flow, const sip::Received& message, Step step) {
        const auto number = entry.number;
        const auto before = std::exchange(entry.flow(leg), flow.id);
        perform(number, step(*entry.call));
        auto* after = find(number);
        if (after == nullptr) return;
        if (after->call->is_of_call(leg, message)) return note_flow(*after, leg, flow);
        after->flow(leg) = before;
    }
    /// A peer may ask for the session again and again, for as long as the call is up.
    void forget_done_invites(Entry& entry) {
        std::erase_if(entry.invites,
                      [this](TransactionId id) { return !stack.state_of(id) && by_invite.erase(id) != 0; });
    }
    void fill_in_address(const std::vector<BoundAddress>& bound);
    void tell_drained();
    void remark(DriverEvents::Level level, std::string_view what,
                std::vector<std::pair<std::string_view, std::string>> fields) const {
        if (events.on_remark) events.on_remark(level, what, fields);
    }

    Loop& loop;
    DriverSettings settings;
    const DriverEvents events;
    const std::function<std::string(std::size_t)> random;
    const std::function<std::uint64_t()> random_number;
    b2bua::AdmissionControl admission;
    sip::DigestClient twilio;
    std::vector<std::pair<std::string, std::unique_ptr<sip::DigestClient>>> meta;

    std::array<std::array<std::optional<b2bua::CallSettings>, 3>, 2> by_transport;  // inward, outward
    std::unordered_map<std::uint64_t, Entry> calls;
    // These keys borrow from the calls, and go before them.
    std::unordered_map<std::string_view, Place> by_tag;              // ours, of either leg
    std::unordered_map<std::string_view, std::uint64_t> by_call_id;  // of leg B
    std::unordered_set<std::string_view> ids;                        // X-Callchain-Id of what is remembered
    std::unordered_map<TransactionId, Place, IdHash> by_invite;
    std::unordered_map<RequestId, Asked, IdHash> by_request;
    std::unordered_set<sip::FlowId, IdHash> dialog_flows;  // inbound, on which a dialog's message came
    std::uint64_t last_number = 0;
    std::size_t active = 0;
    bool draining = false;
    bool told_drained = false;
    bool trace = false;
    LimitedRemark refusals;
    LimitedRemark not_here;
    LimitedRemark not_here_for_strangers;  // who must not drown what is said of the others
    SipStack stack;                        // the last: its events need all of the above
};

}  // namespace callchain::gateway
