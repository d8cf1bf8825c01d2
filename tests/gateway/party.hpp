/// Meta or Twilio for tests of the gateway: a user agent on bare transports, without timers.
#pragma once

#include "base/text.hpp"
#include "gateway/node.hpp"
#include "sip/digest_client.hpp"
#include "sip/digest_server.hpp"
#include "sip/response.hpp"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace callchain::gateway {

/// One of samples/sdp: "meta-sdes-g711" is what Meta offers, "twilio-answer" what Twilio says to it.
inline std::string sdp_sample(const std::string& name) {
    std::ifstream file(std::string(SAMPLES_DIR) + "/sdp/" + name + ".sdp", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// One end of a call, as its party sees it: what a request within the dialog is made of.
struct CallEndpoint {
    sip::FlowId flow;
    std::string call_id;
    std::string local;   ///< value of From in requests of ours
    std::string remote;  ///< and of To: with the gateway's tag once it is known
    std::string target;  ///< the gateway's Contact
    std::uint32_t cseq = 1;
};

/// Sends what the test says, acknowledges each final answer to its INVITE, and answers whatever comes: an
/// INVITE with 180 and 200, all else with 200. A repeated request gets the same answers again.
class Party {
  public:
    Party(Loop& loop, Transport transport, std::string name, const std::string& address = "127.0.0.1:0")
        : node(loop, listening(transport, address)), transport_(transport), name_(std::move(name)) {
        node.on_message = [this](const Arrived& arrived) {
            arrived.message.message.is_request() ? on_request(arrived) : on_response(arrived);
        };
    }

    // What it does; to be set before.
    bool rings = true;
    bool answers = true;
    bool acknowledges = true;
    int refuses_with = 0;
    std::optional<sip::DigestAccount> asks_for;    ///< as server: 407 without it, 403 for another
    std::optional<sip::DigestClient> credentials;  ///< as client: answers a 407

    // ---- calling ----

    /// An INVITE in the shape of Meta's, or of Twilio's where the test sets the headers.
    void invite(sip::FlowId flow, std::vector<sip::HeaderField> more = {}) {
        CallEndpoint call;
        call.flow = flow;
        call.call_id = next("outgoing:wacid.");
        call.local = "<sip:+12195550714@wa.meta.vc>;tag=" + next("tag");
        call.remote = "<sip:" + called + "@sip.example.com>";
        call.target = "sip:" + called + "@sip.example.com";
        call.cseq = 31159;
        auto message = request("INVITE", call);
        message.headers.insert(message.headers.end(), more.begin(), more.end());
        message.add("Content-Type", "application/sdp");
        message.body = offer;
        attempt_ = {};
        calls[call.call_id] = call;
        last_call = call.call_id;
        send_invite(flow, std::move(message));
    }
    /// Of the INVITE that was sent last.
    void cancel() {
        auto message = last_invite;
        message.method = "CANCEL";
        std::erase_if(message.headers, [](const sip::HeaderField& field) {
            return field.name == "Content-Type" || field.name == "Proxy-Authorization";
        });
        for (auto& field : message.headers)
            if (field.name == "CSeq") field.value = std::to_string(call().cseq) + " CANCEL";
        message.body.clear();
        send(call().flow, message);
    }

    // ---- within the dialog ----

    /// On the connection of the call, or another one.
    void send_within(CallEndpoint& call, const std::string& method,
                     std::optional<sip::FlowId> flow = std::nullopt) {
        ++call.cseq;
        send(flow.value_or(call.flow), request(method, call));
    }
    /// The one that was begun, or came in, last.
    [[nodiscard]] CallEndpoint& call() { return calls.at(last_call); }

    // ---- the rest ----

    [[nodiscard]] sip::Message request(const std::string& method, const CallEndpoint& call) {
        sip::Message message;
        message.method = method;
        message.uri = *sip::parse_uri(call.target);
        message.add("Via", "SIP/2.0/" + std::string(name_of(transport_)) + " " + node.address(transport_) +
                               ";rport;branch=" + next("z9hG4bK"));
        message.add("Max-Forwards", "69");
        message.add("From", call.local);
        message.add("To", call.remote);
        message.add("Call-ID", call.call_id);
        message.add("CSeq", std::to_string(call.cseq) + " " + method);
        message.add("Contact", contact());
        return message;
    }
    void send(sip::FlowId flow, const sip::Message& message) {
        const auto bytes = sip::write_message(message);
        ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
        EXPECT_TRUE(node.transports->send(flow, *bytes));
    }
    void answer(const Arrived& to, int status) {
        auto response = sip::make_response(to.message, status, "", tag_of(to));
        response.add("Contact", contact());
        if (status == 200 && to.message.cseq.method == "INVITE") {
            response.add("Content-Type", "application/sdp");
            response.body = sdp_sample("twilio-answer");
        }
        say(to, std::move(response));
    }
    std::string odd_contact;  ///< in place of its own
    [[nodiscard]] std::string contact() const {
        if (!odd_contact.empty()) return odd_contact;
        return "<sip:" + name_ + "@" + node.address(transport_) +
               ";transport=" + ascii_lower(name_of(transport_)) + ">";
    }
    /// Statuses of the answers to that method, each as often as it came.
    [[nodiscard]] std::vector<int> statuses(const std::string& method) const {
        std::vector<int> all;
        for (const auto& one : node.messages)
            if (!one.message.message.is_request() && one.message.cseq.method == method)
                all.push_back(one.message.message.status);
        return all;
    }
    [[nodiscard]] bool has_heard(const std::string& method, int status) const {
        for (const auto one : statuses(method))
            if (one == status) return true;
        return false;
    }
    /// Requests of that method, repetitions not counted.
    [[nodiscard]] std::size_t requests(const std::string& method) const {
        std::set<std::string> branches;
        for (const auto& one : node.messages)
            if (one.message.message.method == method) branches.emplace(one.message.via[0].branch());
        return branches.size();
    }
    /// The last request of that method; nullptr: none came.
    [[nodiscard]] const Arrived* last(const std::string& method) const {
        for (auto one = node.messages.rbegin(); one != node.messages.rend(); ++one)
            if (one->message.message.method == method) return &*one;
        return nullptr;
    }
    /// The last answer to that method.
    [[nodiscard]] const Arrived* last_answer(const std::string& method) const {
        for (auto one = node.messages.rbegin(); one != node.messages.rend(); ++one)
            if (!one->message.message.is_request() && one->message.cseq.method == method) return &*one;
        return nullptr;
    }

    Node node;
    std::string called = "+12145551869";
    std::string offer = sdp_sample("meta-sdes-g711");
    std::map<std::string, CallEndpoint> calls;  ///< by Call-ID
    std::string last_call;
    sip::Message last_invite;        ///< that was sent
    std::optional<Arrived> invited;  ///< the last one that came

  private:
    static TransportSettings listening(Transport transport, const std::string& address) {
        auto settings = tls_settings();
        settings.listeners = {{transport, address}};
        return settings;
    }
    // Unlike every other of this process: parties share the gateway.
    static std::string next(const std::string& prefix) {
        static int last = 0;
        return prefix + std::to_string(++last);
    }
    // One for each INVITE that begins a dialog; within it none is added.
    [[nodiscard]] std::string tag_of(const Arrived& to) {
        auto& tag = tags_[to.message.call_id];
        if (tag.empty()) tag = next(name_);
        return tag;
    }

    void on_request(const Arrived& arrived) {
        const auto& request = arrived.message;
        const auto& method = request.message.method;
        if (method == "ACK") return;
        const auto said = said_.find(method + std::string(request.via[0].branch()));
        if (said != said_.end()) {
            for (const auto& bytes : said->second)
                static_cast<void>(node.transports->send(arrived.flow.id, bytes));
            return;
        }
        if (method == "INVITE" && !request.to.tag()) return on_invite(arrived);
        answer(arrived, 200);
        if (method == "CANCEL" && invited) answer(*invited, 487);
    }
    void on_invite(const Arrived& arrived) {
        invited = arrived;
        if (asks_for && !is_let_in(arrived)) return;
        if (refuses_with != 0) return answer(arrived, refuses_with);
        const auto& request = arrived.message;
        last_call = request.call_id;
        calls[last_call] = {arrived.flow.id,
                            request.call_id,
                            std::string(*request.message.find("To")) + ";tag=" + tag_of(arrived),
                            std::string(*request.message.find("From")),
                            sip::write_uri(request.contact.at(0).uri),
                            100};
        if (rings) answer(arrived, 180);
        if (answers) answer(arrived, 200);
    }
    bool is_let_in(const Arrived& arrived) {
        if (!server_)
            server_.emplace(sip::DigestServerSettings{.realm = "sip.twilio.com"},
                            crypto::HmacKey(crypto::HashAlgorithm::sha256, std::string(32, 'k')));
        const auto verdict = server_->judge(
            arrived.message,
            [this](std::string_view user) {
                return user == asks_for->username ? std::optional(asks_for->password) : std::nullopt;
            },
            Loop::now());
        using Kind = sip::DigestVerdict::Kind;
        if (verdict.kind == Kind::accepted) return true;
        if (verdict.kind == Kind::no_credentials || verdict.kind == Kind::stale) {
            const auto stale = verdict.kind == Kind::stale ? sip::Stale::yes : sip::Stale::no;
            say(arrived, server_->refusal(arrived.message, Loop::now(), ++challenges_, stale));
        } else {
            answer(arrived, 403);
        }
        return false;
    }
    void say(const Arrived& to, const sip::Message& response) {
        const auto bytes = sip::write_message(response);
        ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
        said_[to.message.message.method + std::string(to.message.via[0].branch())].push_back(*bytes);
        EXPECT_TRUE(node.transports->send(to.flow.id, *bytes));
    }

    void send_invite(sip::FlowId flow, sip::Message message) {
        if (credentials)
            for (auto& field : credentials->credentials(attempt_, "INVITE", sip::write_uri(message.uri)))
                message.headers.push_back(std::move(field));
        last_invite = message;
        send(flow, message);
    }
    void on_response(const Arrived& arrived) {
        const auto& response = arrived.message;
        const auto found = calls.find(response.call_id);
        const int status = response.message.status;
        if (response.cseq.method != "INVITE" || status < 200 || found == calls.end()) return;
        auto& call = found->second;
        if (status >= 300) return on_refusal(arrived, call);
        call.remote = *response.message.find("To");
        call.target = sip::write_uri(response.contact.at(0).uri);
        if (!acknowledges) return;
        auto ack = request("ACK", call);
        for (auto& field : ack.headers)
            if (field.name == "CSeq") field.value = std::to_string(response.cseq.number) + " ACK";
        send(call.flow, ack);
    }
    void on_refusal(const Arrived& arrived, CallEndpoint& call) {
        const auto& response = arrived.message;
        // In the transaction of the INVITE: with its branch, and the tag of the answer.
        auto ack = request("ACK", call);
        ack.uri = last_invite.uri;
        for (auto& field : ack.headers) {
            if (field.name == "Via") field.value = *last_invite.find("Via");
            if (field.name == "To") field.value = *response.message.find("To");
            if (field.name == "CSeq") field.value = std::to_string(response.cseq.number) + " ACK";
        }
        send(arrived.flow.id, ack);
        if (response.message.status != 407 || !credentials || response.cseq.number != call.cseq) return;
        const auto verdict = credentials->on_challenge(attempt_, response.message, ++challenges_);
        if (verdict.kind != sip::ChallengeVerdict::Kind::retry) return;
        ++call.cseq;
        auto again = last_invite;
        std::erase_if(again.headers,
                      [](const sip::HeaderField& field) { return field.name == "Proxy-Authorization"; });
        for (auto& field : again.headers) {
            if (field.name == "Via") field.value = *request("INVITE", call).find("Via");
            if (field.name == "CSeq") field.value = std::to_string(call.cseq) + " INVITE";
        }
        send_invite(call.flow, std::move(again));
    }

    Transport transport_;
    std::string name_;
    std::map<std::string, std::string> tags_;               // by Call-ID
    std::map<std::string, std::vector<std::string>> said_;  // by method and branch
    std::optional<sip::DigestServer> server_;
    sip::DigestAttempt attempt_;
    std::uint64_t challenges_ = 0;
};

}  // namespace callchain::gateway
