#include "sip/transaction_messages.hpp"

#include "base/endpoint.hpp"
#include "base/text.hpp"

#include <utility>

namespace callchain::sip {
namespace {

/// Source: RFC 3261 section 20.22: 70 is recommended for what starts here.
constexpr std::string_view kMaxForwards = "70";

/// A request of the same hop as the INVITE: all but the method is taken over. core_of_invite() has long
/// names.
Message of_same_hop(const Message& core, std::string_view method) {
    Message message;
    message.method = method;
    message.uri = core.uri;
    message.headers.reserve(core.headers.size() + 1);
    for (const auto& field : core.headers) {
        if (field.name != "CSeq") {
            message.headers.push_back(field);
            continue;
        }
        const auto number = field.value.substr(0, field.value.find_first_of(" \t"));
        message.add("CSeq", number + ' ' + std::string(method));
        message.add("Max-Forwards", std::string(kMaxForwards));
    }
    return message;
}

}  // namespace

void note_source(Received& request, std::string_view address, std::uint16_t port) {
    auto& top = request.via.front();
    const bool asks = top.parameters.find("rport").has_value();
    if (!asks && equal_ignoring_case(without_brackets(top.host), address)) {
        // What the client says of itself here is not for it to say.
        if (!top.parameters.find("received")) return;
    }
    top.parameters.set("received", std::string(address));
    if (asks) top.parameters.set("rport", std::to_string(port));
}

Message core_of_invite(const Message& invite, std::string via) {
    Message core;
    core.method = invite.method;
    core.uri = invite.uri;
    core.add("Via", std::move(via));
    for (const std::string_view name : {"Route", "From", "To", "Call-ID", "CSeq"}) {
        for (const auto value : invite.values(name)) core.add(name, std::string(value));
    }
    core.headers.shrink_to_fit();
    return core;
}

Message ack_of(const Message& core, std::string_view to) {
    auto ack = of_same_hop(core, "ACK");
    for (auto& field : ack.headers) {
        if (field.name == "To") field.value = to;
    }
    return ack;
}

Message cancel_of(const Message& core) { return of_same_hop(core, "CANCEL"); }

}  // namespace callchain::sip
