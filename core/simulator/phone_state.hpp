/// What a Phone is made of; for its own source alone.
#pragma once

#include "simulator/phone.hpp"
#include "sip/dialog.hpp"

#include <map>
#include <unordered_map>
#include <utility>

namespace callchain::simulator {

inline constexpr std::string_view kAllowOfPhone = "INVITE, ACK, BYE, CANCEL, OPTIONS";

/// What the phone's user has set stays.
inline void add_missing(sip::Message& message, std::string_view name, std::string value) {
    if (!message.find(name)) message.add(name, std::move(value));
}
inline void add_body(sip::Message& message, std::string body) {
    if (body.empty()) return;
    add_missing(message, "Content-Type", "application/sdp");
    message.body = std::move(body);
}

struct Phone::State : std::enable_shared_from_this<Phone::State> {
    using FlowInfo = gateway::FlowInfo;
    using IncomingRequest = gateway::IncomingRequest;
    using Loop = gateway::Loop;
    using RequestId = gateway::RequestId;
    using UserTimer = gateway::UserTimer;
    using Message = sip::Message;
    using TransactionId = sip::TransactionId;
    using IdHash = sip::IdHash;
    using Headers = std::vector<sip::HeaderField>;

    // A request of ours within a dialog, which may be challenged.
    struct Within {
        std::string method;
        Headers headers;
        std::string body;
        std::function<void(int)> done;
        sip::DialogId dialog = {};
        sip::DigestAttempt attempt = {};
        bool challenged = false;
        Message sent = {};
    };

    // A 2xx of ours that waits for its ACK.
    struct Unacknowledged {
        TransactionId transaction;
        Message response;
        std::chrono::milliseconds interval{};
        sip::SteadyTime give_up;
    };

    struct Call {
        CallNumber number;
        bool ours = false;
        bool up = false;
        bool ending = false;  // our BYE is on its way
        bool forgets_connection = false;
        std::string call_id;
        std::string local_tag;
        std::string contact;
        std::string local_sdp;
        std::string remote_sdp;
        sip::Transport transport = sip::Transport::tls;
        std::optional<sip::FlowId> flow = std::nullopt;  // by which the peer last spoke
        std::vector<RequestId> requests = {};

        // Of a call of ours.
        OutgoingCall given = {};
        Message invite = {};  // without credentials
        std::uint32_t cseq = 0;
        std::optional<sip::DialogSet> set = std::nullopt;
        std::unique_ptr<sip::DigestClient> client = nullptr;  // Meta begins each call without credentials
        sip::DigestAttempt attempt = {};
        std::optional<RequestId> inviting = std::nullopt;
        bool cancelled = false;

        // Of one that came in.
        std::optional<sip::Received> invited = std::nullopt;
        TransactionId transaction = {};
        std::optional<sip::Dialog> dialog = std::nullopt;
        bool acknowledged = false;

        std::optional<Unacknowledged> waiting = std::nullopt;
        std::optional<Headers> hangs_up_later = std::nullopt;  // behind the ACK. Source: RFC 3261 section 15

        [[nodiscard]] sip::Dialog* confirmed() {
            if (!ours) return dialog ? &*dialog : nullptr;
            return set ? set->call() : nullptr;
        }
        [[nodiscard]] sip::Dialog* find(const sip::DialogId& id) {
            if (!ours) return dialog && dialog->id() == id ? &*dialog : nullptr;
            if (!set) return nullptr;
            for (auto& one : set->dialogs())
                if (one.id() == id) return &one;
            return nullptr;
        }
    };

    struct Asked {
        std::uint64_t call = 0;
        std::shared_ptr<Within> within;  // nullptr: the INVITE that began the call
    };

    State(Loop& of_loop, PhoneSettings given, PhoneEvents of_user);

    gateway::StackEvents stack_events();

    // From the stack.
    void on_request(const IncomingRequest& in);
    void on_ack(const sip::Received& ack, const FlowInfo& flow);
    void on_cancel(const IncomingRequest& in, std::optional<TransactionId> cancelled);
    void on_response(RequestId id, const sip::Received& response, const FlowInfo& flow);
    void on_failure(RequestId id, const gateway::RequestFailure& failure);
    void on_timer(UserTimer timer);

    // Calls that come in.
    void outside(const IncomingRequest& in);
    void invited(const IncomingRequest& in);
    void within(const IncomingRequest& in, Call& call);
    void answer_within(const IncomingRequest& in, Call& call, TransactionId transaction);
    void ended_by_peer(Call& call, const sip::Received& request);
    void answer(Call& call, std::string sdp, Headers headers);
    void refuse(Call& call, int status, std::string reason, Headers headers);
    void repeat_until_ack(Call& call, TransactionId transaction, Message response);
    void respond(TransactionId transaction, const Message& response);
    void respond_statelessly(const IncomingRequest& in, int status, const std::string& reason = {});

    // Calls of ours.
    Result<void> invite(Call& call);
    void on_invite_response(Call& call, RequestId id, const sip::Received& response);
    void on_success(Call& call, const sip::Received& response);
    bool answers_challenge(Call& call, const sip::Received& response, std::string& why);
    void failed(Call& call, int status, const sip::Received* response, const std::string& why);
    void send_ack(Call& call, const sip::Dialog& dialog, const Message& of_invite, std::string body);

    // Within calls.
    void hang_up(Call& call, Headers headers);
    void send_bye(Call& call, Headers headers);
    void send_within(Call& call, std::shared_ptr<Within> request);
    [[nodiscard]] Result<void> try_within(Call& call, const std::shared_ptr<Within>& request);
    void on_within_response(Call& call, const std::shared_ptr<Within>& request,
                            const sip::Received& response);

    Call* find(std::uint64_t number) {
        const auto found = calls.find(number);
        return found == calls.end() ? nullptr : &found->second;
    }
    Call* find_by_tag(std::optional<std::string_view> tag) {
        const auto found = tag ? by_tag.find(std::string(*tag)) : by_tag.end();
        return found == by_tag.end() ? nullptr : find(found->second);
    }
    Call& add_call();
    void erase(Call& call);
    void note_flow(Call& call, const FlowInfo& flow) {
        call.transport = flow.transport;
        if (!call.forgets_connection) call.flow = flow.id;
    }
    [[nodiscard]] gateway::OutgoingRequest routed(const Call& call, sip::DialogRequest request);
    [[nodiscard]] std::string own_contact() const;
    [[nodiscard]] Message response_to(const sip::Received& request, int status, const std::string& reason,
                                      std::string_view tag) const;
    void remark(const std::string& what, const std::string& detail) const {
        if (events.on_remark) events.on_remark(what, detail);
    }

    Loop& loop;
    const PhoneSettings settings;
    const PhoneEvents events;
    std::vector<gateway::BoundAddress> bound;
    std::map<std::uint64_t, Call> calls;
    std::unordered_map<std::string, std::uint64_t> by_tag;  // ours
    std::unordered_map<TransactionId, std::uint64_t, IdHash> by_invite;
    std::unordered_map<RequestId, Asked, IdHash> by_request;
    std::unordered_map<std::uint64_t, std::function<void()>> later;
    std::uint64_t last_number = 0;
    std::uint64_t last_later = 0;
    gateway::SipStack stack;  // the last: its events need all of the above
};

}  // namespace callchain::simulator
