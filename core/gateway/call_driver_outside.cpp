// Requests that belong to no dialog: who is let in, and what the others are told.
#include "b2bua/crossing.hpp"
#include "base/callchain_id.hpp"
#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "gateway/call_driver_state.hpp"
#include "sip/response.hpp"

namespace callchain::gateway {
namespace {

constexpr std::size_t kIdBytes = 12;
constexpr std::string_view kOwnMethods[] = {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO"};

std::string_view own_method(std::string_view method) {
    for (const auto own : kOwnMethods)
        if (own == method) return own;
    return "other";
}

// A name that nobody vouches for must not look like one that somebody does.
std::string client_certificate_of(const FlowInfo& flow) {
    return flow.client_name.empty() || flow.client_verified ? flow.client_name
                                                            : flow.client_name + " (not verified)";
}

}  // namespace

void CallDriver::State::answer(const IncomingRequest& in, sip::Message response) {
    const int status = response.status;
    if (response.find("Server") == std::nullopt) response.add("Server", settings.user_agent);
    if (auto sent = stack.respond_statelessly(in, response); !sent)
        return remark(DriverEvents::Level::warn, "an answer that cannot be written",
                      {{"detail", sent.error().message}});
    if (events.on_answer) events.on_answer(own_method(in.request.message.method), status);
}

void CallDriver::State::answer(const IncomingRequest& in, int status, std::vector<sip::HeaderField> headers) {
    auto response = sip::make_response(in.request, status, {}, b2bua::kStatelessTag);
    response.headers.insert(response.headers.end(), std::make_move_iterator(headers.begin()),
                            std::make_move_iterator(headers.end()));
    answer(in, std::move(response));
}

// Nothing is said; and who has no business here keeps no connection.
void CallDriver::State::ignore(const FlowInfo& flow, const std::string& why) {
    if (events.on_admission) events.on_admission("not_allowed");
    if (flow.transport != Transport::udp && !dialog_flows.contains(flow.id)) {
        loop.post([weak = weak_from_this(), id = flow.id, why] {
            if (const auto self = weak.lock()) self->stack.transports().close(id, why);
        });
    }
}

void CallDriver::State::outside(const IncomingRequest& in) {
    if (!is_known(in.flow)) {
        if (in.request.message.method == "INVITE") remark_refusal(in, "the address is on no list");
        return ignore(in.flow, "the address is on no list");
    }
    if (auto refusal = sip::check_request(in.request, {})) {
        auto response =
            sip::make_response(in.request, refusal->status, refusal->reason, b2bua::kStatelessTag);
        response.headers.insert(response.headers.end(), refusal->headers.begin(), refusal->headers.end());
        return answer(in, std::move(response));
    }
    if (in.merged_with) return answer(in, 482);
    const auto& method = in.request.message.method;
    if (method == "INVITE") return invited(in);
    const sip::HeaderField allow{"Allow", std::string(b2bua::kAllow)};
    if (method == "OPTIONS") {
        if (draining) return answer(in, 503, {{"Retry-After", "10"}});
        std::vector<sip::HeaderField> headers{allow, {"Accept", "application/sdp"}};
        // How busy we are is no business of whoever finds the port.
        if (admission.is_listed(in.flow.peer.address) || is_loopback(in.flow.peer.address))
            headers.push_back({"X-Callchain-Calls",
                               std::to_string(active) + "/" + std::to_string(settings.admission.most_calls)});
        return answer(in, 200, std::move(headers));
    }
    if (method == "BYE" || method == "UPDATE" || method == "INFO" || method == "PRACK")
        return answer(in, 481);
    answer(in, 405, {allow});
}

void CallDriver::State::invited(const IncomingRequest& in) {
    if (in.request.contact.size() != 1 || in.request.contact_star) {
        auto response =
            sip::make_response(in.request, 400, "An INVITE needs one Contact", b2bua::kStatelessTag);
        return answer(in, std::move(response));
    }
    if (const auto id = in.request.message.find(kCallchainIdHeader); id && ids.contains(trim(*id))) {
        remark(DriverEvents::Level::warn, "a call came back to the gateway that it left: a loop",
               {{"callchain_id", std::string(trim(*id))},
                {"remedy", "the TwiML of the SIP Domain must not dial this gateway"}});
        return answer(in, 482);
    }
    const b2bua::Presence presence{in.flow.peer.address, active, draining};
    auto admitted = admission.judge(in.request, presence, Loop::now(), random_number());
    if (events.on_admission) events.on_admission(admitted.what);
    if (!admitted.why.empty()) remark_refusal(in, admitted.why);
    switch (admitted.kind) {
        case b2bua::Admission::Kind::admitted:
            return begin(in, admitted);
        case b2bua::Admission::Kind::answer:
            return answer(in, *std::move(admitted.response));
        case b2bua::Admission::Kind::drop:
            return;  // of an address that is on a list, or of which there is none: it may try again
    }
}

void CallDriver::State::remark_refusal(const IncomingRequest& in, const std::string& why) {
    const auto left_out = refusals.take(Loop::now());
    if (!left_out) return;
    remark(DriverEvents::Level::warn, "a call was not let in",
           {{"why", why},
            {"peer", text_of(in.flow.peer)},
            {"sip_call_id", in.request.call_id},
            {"left_out", *left_out == 0 ? std::string() : std::to_string(*left_out)}});
}

// No repetition is one of these: a call is remembered for the 32 s for which a request is repeated, and
// longer. Nor is a dialog that a refusal of ours seems to have begun. Where CALLCHAIN_ALLOW names Meta alone,
// Twilio is a stranger to every gateway but the one that has its call.
void CallDriver::State::remark_not_here(const IncomingRequest& in, LimitedRemark& limit,
                                        std::string_view answered) {
    if (in.request.to.tag() == b2bua::kStatelessTag) return;
    const auto left_out = limit.take(Loop::now());
    if (!left_out) return;
    remark(DriverEvents::Level::warn, "a request of a call that is not here",
           {{"method", in.request.message.method},
            {"sip_call_id", in.request.call_id},
            {"peer", text_of(in.flow.peer)},
            {"answered", std::string(answered)},
            {"remedy",
             "run exactly one replica, and no second deployment beside it: callchain does not share calls "
             "between processes"},
            {"left_out", *left_out == 0 ? std::string() : std::to_string(*left_out)}});
}

sip::DigestClient& CallDriver::State::client_for(const b2bua::CallSettings& of, const sip::Received& invite) {
    if (of.direction == sdp::Direction::meta_to_twilio) return twilio;
    const auto& user = of.from_user == b2bua::FromUser::caller ? invite.from.uri.user : of.from_name;
    for (const auto& [name, client] : meta)
        if (!name.empty() && user.ends_with(name)) return *client;
    return *meta.front().second;
}

// As configured, but that leg A is spoken to by the transport it came by.
const b2bua::CallSettings& CallDriver::State::settings_for(bool inward, Transport transport) {
    auto& of = by_transport.at(inward ? 0 : 1).at(static_cast<std::size_t>(transport));
    if (!of) {
        of = inward ? settings.inward : *settings.outward;
        of->transport_a = transport;
    }
    return *of;
}

void CallDriver::State::begin(const IncomingRequest& in, const b2bua::Admission& admitted) {
    auto accepted = stack.accept(in);
    if (!accepted) return;
    const bool inward = admitted.direction == sdp::Direction::meta_to_twilio;
    const auto& of = settings_for(inward, in.flow.transport);
    // Of a call that Twilio sends the id may be there already.
    const auto given = in.request.message.find(kCallchainIdHeader);
    auto id = !inward && given && is_callchain_id(trim(*given)) ? std::string(trim(*given))
                                                                : make_callchain_id(random(kIdBytes));
    const auto number = ++last_number;
    auto& entry = calls[number];
    entry.number = number;
    entry.settings = &of;
    entry.call = std::make_unique<b2bua::Call>(of, client_for(of, in.request), std::move(id), in.request,
                                               *accepted, moment());
    entry.invites.push_back(*accepted);
    note_flow(entry, Leg::a, in.flow);
    const auto& call = *entry.call;
    by_invite[*accepted] = {number, Leg::a};
    by_tag[call.local_tag(Leg::a)] = {number, Leg::a};
    by_tag[call.local_tag(Leg::b)] = {number, Leg::b};
    by_call_id[call.call_id(Leg::b)] = number;
    ids.insert(call.id());
    ++active;
    const auto& record = call.record();
    remark(DriverEvents::Level::info, "call",
           {{"callchain_id", call.id()},
            {"direction", std::string(sdp::word_of(of.direction))},
            {"sip_call_id", record.call_id_a},
            {"wacid", record.wacid},
            {"account", admitted.account},
            {"peer", text_of(in.flow.peer)},
            {"client_certificate", client_certificate_of(in.flow)}});
    perform(number, entry.call->start(moment()));
}

}  // namespace callchain::gateway
