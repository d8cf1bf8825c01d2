#include "sip/dialog.hpp"

#include "sip/grammar.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace callchain::sip {
namespace {

constexpr std::uint32_t kMostCseq = 0x7FFF'FFFF;  // Source: RFC 3261 section 8.1.1.5
constexpr std::array kEndDialog{404, 408, 410, 416, 481, 482, 484, 485, 502, 604};

std::string text_of(std::optional<std::string_view> value) { return std::string(value.value_or("")); }

// A party without what else its header had, so that no parameter of the peer comes back to it.
std::string party(const NameAddress& address, std::string_view tag) {
    NameAddress result{address.display_name, address.uri};
    if (!tag.empty()) result.parameters.set("tag", std::string(tag));
    auto text = write_name_address(result);
    text.shrink_to_fit();
    return text;
}

// What a Request-URI may not have: headers, and the method. Source: RFC 3261 section 19.1.1, table 1.
Uri request_uri_of(Uri uri) {
    uri.headers.clear();
    uri.parameters.remove("method");
    return uri;
}

bool moves_target(std::string_view method) { return method == "INVITE" || method == "UPDATE"; }

// The fields of an INVITE of ours that a dialog is made of.
struct Sent {
    NameAddress from;
    NameAddress to;
    std::string call_id;
    CSeq cseq;
};

Result<Sent> read_sent(const Message& invite) {
    const auto missing = [](std::string_view name) {
        return fail(ErrorCode::bad_input, "the INVITE has no usable " + std::string(name));
    };
    const auto from = parse_name_address(text_of(invite.find("From")));
    if (!from) return missing("From");
    const auto to = parse_name_address(text_of(invite.find("To")));
    if (!to) return missing("To");
    const auto cseq = parse_cseq(text_of(invite.find("CSeq")));
    if (!cseq) return missing("CSeq");
    auto call_id = text_of(invite.find("Call-ID"));
    if (call_id.empty()) return missing("Call-ID");
    return Sent{*from, *to, std::move(call_id), *cseq};
}

bool answers(const Received& response, const Sent& sent) {
    return response.call_id == sent.call_id && response.from.tag() == sent.from.tag() &&
           response.cseq == sent.cseq;
}

std::vector<NameAddress> reversed(std::vector<NameAddress> routes) {
    std::reverse(routes.begin(), routes.end());
    return routes;
}

}  // namespace

std::optional<DialogId> dialog_of_request(const Received& request) {
    const auto tag = request.to.tag();
    if (!tag) return std::nullopt;
    return DialogId{request.call_id, std::string(*tag), text_of(request.from.tag())};
}

DialogId dialog_of_response(const Received& response) {
    return {response.call_id, text_of(response.from.tag()), text_of(response.to.tag())};
}

Result<Dialog> Dialog::from_response(const Message& invite, const Received& response) {
    const int status = response.message.status;
    if (status <= 100 || status >= 300)
        return fail(ErrorCode::bad_input,
                    "a response " + std::to_string(status) + " does not establish a dialog");
    const auto tag = response.to.tag();
    if (!tag && status < 200)
        return fail(ErrorCode::bad_input, "a provisional response without a tag does not establish a dialog");
    const auto sent = CALLCHAIN_TRY(read_sent(invite));
    if (!answers(response, sent)) return fail(ErrorCode::bad_input, "the response is to another request");

    Dialog dialog;
    dialog.id_ = {sent.call_id, text_of(sent.from.tag()), text_of(tag)};
    dialog.local_ = party(sent.from, dialog.id_.local_tag);
    dialog.remote_ = party(sent.to, dialog.id_.remote_tag);
    dialog.remote_target_ = invite.uri;
    dialog.route_set_ = reversed(response.record_route);
    dialog.local_cseq_ = sent.cseq.number;
    dialog.take_contact(response);
    if (status >= 200) dialog.confirm();
    return dialog;
}

Result<Dialog> Dialog::from_request(const Received& invite, std::string_view local_tag) {
    if (invite.to.tag()) return fail(ErrorCode::bad_input, "a request with a To tag begins no dialog");
    if (invite.contact.empty() || invite.contact_star)
        return fail(ErrorCode::bad_input, "a request without Contact begins no dialog");
    Dialog dialog;
    dialog.id_ = {invite.call_id, std::string(local_tag), text_of(invite.from.tag())};
    dialog.local_ = party(invite.to, local_tag);
    dialog.remote_ = party(invite.from, dialog.id_.remote_tag);
    dialog.route_set_ = invite.record_route;
    dialog.remote_cseq_ = invite.cseq.number;
    dialog.remote_invite_cseq_ = invite.cseq.number;
    dialog.take_contact(invite);
    return dialog;
}

void Dialog::take_contact(const Received& message) {
    if (!message.contact.empty() && !message.contact_star)
        remote_target_ = request_uri_of(message.contact.front().uri);
}

void Dialog::confirm() {
    if (state_ == DialogState::early) state_ = DialogState::confirmed;
}

void Dialog::confirm(const Received& response) {
    state_ = DialogState::confirmed;
    route_set_ = reversed(response.record_route);
    take_contact(response);
}

DialogRequest Dialog::routed(std::string_view method, std::uint32_t cseq) const {
    DialogRequest result;
    auto& message = result.message;
    message.method = method;
    message.uri = remote_target_;
    auto routes = route_set_;
    if (!routes.empty() && !routes.front().uri.parameters.find("lr")) {
        // A strict router takes its address from the Request-URI and puts the next Route there.
        message.uri = request_uri_of(routes.front().uri);
        routes.erase(routes.begin());
        routes.push_back({{}, remote_target_});
        result.next_hop = message.uri;
    } else {
        result.next_hop = routes.empty() ? remote_target_ : routes.front().uri;
    }
    for (const auto& route : routes) message.add("Route", write_name_address(route));
    message.add("Max-Forwards", "70");
    message.add("From", local_);
    message.add("To", remote_);
    message.add("Call-ID", id_.call_id);
    message.add("CSeq", std::to_string(cseq) + " " + std::string(method));
    return result;
}

Result<DialogRequest> Dialog::request(std::string_view method) {
    if (local_cseq_ >= kMostCseq) return fail(ErrorCode::limit, "the dialog has used up its CSeq numbers");
    return routed(method, ++local_cseq_);
}

DialogRequest Dialog::ack(const Message& invite) const {
    const auto cseq = parse_cseq(text_of(invite.find("CSeq")));
    auto result = routed("ACK", cseq ? cseq->number : local_cseq_);
    for (const std::string_view name : {"Authorization", "Proxy-Authorization"}) {
        for (const auto value : invite.values(name)) result.message.add(name, std::string(value));
    }
    return result;
}

InDialog Dialog::receive(const Received& request) {
    const auto& method = request.message.method;
    const auto number = request.cseq.number;
    const bool ours = dialog_of_request(request) == id_;
    if (method == "ACK") return ours && number == remote_invite_cseq_ ? InDialog::ack : InDialog::stray_ack;
    if (!ours) return InDialog::no_such_dialog;
    if (method == "CANCEL") return InDialog::cancel;
    if (remote_cseq_ && number <= *remote_cseq_) return InDialog::old_cseq;
    if (state_ == DialogState::terminated && method != "BYE") return InDialog::no_such_dialog;
    remote_cseq_ = number;
    if (method == "INVITE") remote_invite_cseq_ = number;
    return InDialog::proceed;
}

void Dialog::accepted(const Received& request) {
    if (moves_target(request.message.method)) take_contact(request);
}

void Dialog::on_response(const Received& response) {
    const auto& method = response.cseq.method;
    const int status = response.message.status;
    if (method == "CANCEL") return;
    if (status >= 200 && status < 300 && moves_target(method)) take_contact(response);
    if (std::find(kEndDialog.begin(), kEndDialog.end(), status) != kEndDialog.end()) terminate();
}

std::optional<std::size_t> DialogSet::find_or_add(const Received& response) {
    const auto known =
        std::find_if(entries_.begin(), entries_.end(),
                     [id = dialog_of_response(response)](const Dialog& other) { return other.id() == id; });
    if (known != entries_.end()) {
        if (response.cseq != parse_cseq(invite_.find("CSeq").value_or(""))) return std::nullopt;
        return static_cast<std::size_t>(known - entries_.begin());
    }
    auto dialog = Dialog::from_response(invite_, response);
    if (!dialog) return std::nullopt;
    if (entries_.size() < kMostDialogs) {
        entries_.push_back(*std::move(dialog));
        answered_.push_back(false);
        return entries_.size() - 1;
    }
    // Full: what has only rung gives way to what must be ended.
    const auto idle = std::find(answered_.begin(), answered_.end(), false);
    if (response.message.status < 200 || idle == answered_.end()) return std::nullopt;
    const auto index = static_cast<std::size_t>(idle - answered_.begin());
    entries_[index] = *std::move(dialog);
    return index;
}

DialogSet::Outcome DialogSet::on_response(const Received& response) {
    using enum What;
    const int status = response.message.status;
    if (status >= 300) {
        failed_ = true;
        end_early();
        return {failed};
    }
    const auto index = find_or_add(response);
    if (!index) return {nothing};
    auto& dialog = entries_[*index];
    if (status < 200) return {answered_[*index] ? nothing : early, *index};

    if (answered_[*index]) return {confirmed_ == *index ? again : extra_again, *index};
    answered_[*index] = true;
    dialog.confirm(response);
    // A 2xx behind a failure is no call either: its INVITE was reported as refused.
    if (confirmed_ || failed_) return {extra, *index};
    confirmed_ = *index;
    return {confirmed, *index};
}

void DialogSet::end_early() {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (!answered_[i]) entries_[i].terminate();
    }
}

}  // namespace callchain::sip
