/// A transaction layer driven by hand: events in, actions out as short lines.
#pragma once

#include "sip/response.hpp"
#include "sip/sip_text.hpp"
#include "sip/transaction_layer.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace callchain::sip {

using Lines = std::vector<std::string>;

/// A request as a peer would send it.
struct RequestText {
    std::string method = "INVITE";
    std::string uri = "sip:bob@gw.example.com";
    std::string via = "client.example.com;branch=z9hG4bK-1";
    std::string from_tag = "ft";
    std::string to_tag = {};
    std::string call_id = "call-1";
    std::uint32_t cseq = 1;
    std::string cseq_method = {};  ///< empty: `method`

    [[nodiscard]] std::string text() const {
        const auto tag_of = [](const std::string& tag) { return tag.empty() ? tag : ";tag=" + tag; };
        return method + ' ' + uri + " SIP/2.0\nVia: SIP/2.0/UDP " + via +
               "\nFrom: <sip:alice@client.example.com>" + tag_of(from_tag) +
               "\nTo: <sip:bob@gw.example.com>" + tag_of(to_tag) + "\nCall-ID: " + call_id +
               "\nCSeq: " + std::to_string(cseq) + ' ' + (cseq_method.empty() ? method : cseq_method) +
               "\nMax-Forwards: 70\nContent-Length: 0\n\n";
    }
    [[nodiscard]] Received received() const { return sip::received(text()); }
};

/// A request with what it gets on its way out.
struct ClientRequest : ClientHop {
    Message message;
};

/// A request of ours for a client transaction.
inline ClientRequest client_request(std::string_view method = "INVITE",
                                    Reliability reliability = Reliability::unreliable,
                                    std::string_view branch = "z9hG4bK-own") {
    ClientRequest request;
    request.message.method = method;
    request.message.uri = {"sip", "carol", std::nullopt, "twilio.example.com"};
    request.message.add("From", "<sip:gw@gw.example.com>;tag=own");
    request.message.add("To", "<sip:carol@twilio.example.com>");
    request.message.add("Call-ID", "call-own");
    request.message.add("CSeq", "7 " + std::string(method));
    request.message.add("Max-Forwards", "70");
    request.via = {"UDP", "gw.example.com", 5060};
    request.via.parameters.set("branch", std::string(branch));
    request.reliability = reliability;
    request.flow = FlowId{9};
    return request;
}

/// What the peer answers to bytes that we sent.
inline Received answer_to(std::string_view bytes, int status, std::string_view tag = "tt") {
    const auto request = parse_message(bytes, Carrier::stream);
    const auto response = request ? write_message(make_response(*request, status, "", tag))
                                  : Result<std::string>(std::string());
    const auto message = parse_message(response.value_or(""), Carrier::stream);
    if (message) return *message;
    std::cerr << "a test's answer cannot be made of:\n" << bytes << "\n";
    std::abort();
}

/// "INVITE" or "180".
inline std::string kind_of(std::string_view bytes) {
    const auto words = split(bytes.substr(0, bytes.find('\r')), ' ');
    return std::string(words.at(0) == "SIP/2.0" ? words.at(1) : words.at(0));
}

inline std::string number_of(TransactionId id) { return '#' + std::to_string(id.value); }
inline std::string number_of(const std::optional<TransactionId>& id, std::string_view none) {
    return id ? number_of(*id) : std::string(none);
}

class LineWriter {
  public:
    explicit LineWriter(SteadyTime now) : now_(now) {}
    std::string operator()(const SendBytes& one) const {
        const auto flow = one.flow ? "on " + std::to_string(one.flow->value) : std::string("on a new flow");
        return "send " + kind_of(one.bytes) + ' ' + flow + ' ' + number_of(one.transaction, "stateless");
    }
    std::string operator()(const SetTimer& one) const {
        const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(one.due - now_);
        return "set " + std::string(name_of(one.timer)) + ' ' + std::to_string(after.count()) + ' ' +
               number_of(one.transaction);
    }
    std::string operator()(const StopTimer& one) const {
        return "stop " + std::string(name_of(one.timer)) + ' ' + number_of(one.transaction);
    }
    std::string operator()(const RequestReceived& one) const {
        return "request " + one.request->message.method +
               (one.merged_with ? " merged with " + number_of(*one.merged_with) : "");
    }
    std::string operator()(const AckReceived& one) const {
        return "ack " + number_of(one.transaction, "stray");
    }
    std::string operator()(const CancelReceived& one) const {
        return "cancel of " + number_of(one.cancelled, "nothing");
    }
    std::string operator()(const ResponseReceived& one) const {
        return "response " + std::to_string(one.response->message.status) + ' ' + number_of(one.transaction);
    }
    std::string operator()(const StrayResponse& one) const {
        return "stray response " + std::to_string(one.response->message.status);
    }
    std::string operator()(const TimedOut& one) const { return "timed out " + number_of(one.transaction); }
    std::string operator()(const TransportFailed& one) const {
        return "transport failed " + number_of(one.transaction);
    }
    std::string operator()(const NotAcknowledged& one) const {
        return "not acknowledged " + number_of(one.transaction);
    }
    std::string operator()(const NotDelivered& one) const {
        return "not delivered " + number_of(one.transaction);
    }
    std::string operator()(const UnexpectedEvent& one) const {
        return "unexpected " + std::string(name_of(one.event)) + " in " + std::string(name_of(one.state)) +
               ' ' + number_of(one.transaction);
    }
    std::string operator()(const TransactionEnded& one) const {
        return "ended " + number_of(one.transaction);
    }

  private:
    SteadyTime now_;
};

/// Keeps the clock and the last bytes that were sent.
class LayerDriver {
  public:
    TransactionLayer layer;
    SteadyTime now{std::chrono::hours{1}};
    std::string sent;

    Lines keep(LayerActions actions) {
        Lines lines;
        for (auto& action : actions) {
            lines.push_back(std::visit(LineWriter(now), action));
            if (auto* const one = std::get_if<SendBytes>(&action)) sent = std::move(one->bytes);
        }
        return lines;
    }
    Lines receive(Received message, Flow flow = {FlowId{5}}) {
        return keep(layer.receive(std::move(message), flow, now));
    }
    Lines receive(const RequestText& request, Flow flow = {FlowId{5}}) {
        return receive(request.received(), flow);
    }
    Lines timer(TransactionId id, TransactionTimer timer) { return keep(layer.timer_due(id, timer, now)); }
    Lines cancel(TransactionId id) { return keep(layer.cancel(id, now)); }
    Lines flow_failed(std::uint64_t flow) { return keep(layer.flow_failed(FlowId{flow}, now)); }
    Lines send_failed(TransactionId id) { return keep(layer.send_failed(id, now)); }

    TransactionId create(const ClientRequest& request) {
        auto created = layer.create_client(request.message, request, now);
        if (!created) {
            std::cerr << created.error().message << "\n";
            std::abort();
        }
        lines_of_creation = keep(std::move(created->actions));
        return created->id;
    }
    Lines lines_of_creation;

    /// Receives a request and gives it a transaction.
    TransactionId serve(const RequestText& request, Flow flow = {FlowId{5}}) {
        const auto message = request.received();
        static_cast<void>(receive(message, flow));
        const auto id = layer.create_server(message, flow);
        if (!id) {
            std::cerr << id.error().message << "\n";
            std::abort();
        }
        requests_.emplace_back(*id, message);
        return *id;
    }
    Lines respond(TransactionId id, int status, std::string_view tag = "st") {
        for (const auto& [one, request] : requests_) {
            if (one != id) continue;
            auto actions = layer.respond(id, make_response(request, status, "", tag), now);
            if (!actions) return {"error: " + actions.error().message};
            return keep(*std::move(actions));
        }
        return {"no such request"};
    }
    [[nodiscard]] std::string state_of(TransactionId id) const {
        const auto state = layer.state_of(id);
        return state ? std::string(name_of(*state)) : "gone";
    }

  private:
    std::vector<std::pair<TransactionId, Received>> requests_;
};

}  // namespace callchain::sip
