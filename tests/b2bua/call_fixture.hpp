/// A call between a Meta and a Twilio that are written here, with a clock that only the test moves.
#pragma once

#include "b2bua/call.hpp"
#include "base/text.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace callchain::b2bua {

using namespace std::chrono_literals;

/// One of samples/sdp: "meta-sdes-g711" is what Meta offers, "twilio-answer" what Twilio says to it.
inline std::string sample(const std::string& name) {
    std::ifstream file(std::string(SAMPLES_DIR) + "/sdp/" + name + ".sdp", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
inline std::string meta_offer() { return sample("meta-sdes-g711"); }
inline std::string twilio_answer() { return sample("twilio-answer"); }

/// The message of this head, in plain line ends, and this body. A test that writes one wrongly ends at once.
inline sip::Received message_of(std::string head, const std::string& body = {}) {
    head += "Content-Length: " + std::to_string(body.size()) + "\n\n";
    auto message = sip::parse_message(replace_all(head, "\n", "\r\n") + body, sip::Carrier::stream);
    if (message) return *std::move(message);
    std::cerr << "a test's message cannot be read: " << message.error().why << "\n" << head << "\n";
    std::abort();
}

/// What one event, or the passing of time, led to.
struct Happened {
    std::vector<Respond> responses;
    std::vector<SendRequest> requests;
    std::vector<SendAck> acks;
    std::vector<CancelRequest> cancels;
    std::vector<Remark> remarks;
    std::vector<std::string> words;

    /// In order, as in "a:100 INVITE, b>INVITE": answers with the method that they are to, requests, "over"
    /// and "forget". Timers and remarks are left out.
    [[nodiscard]] std::string text() const {
        std::string text;
        for (const auto& word : words) {
            if (!text.empty()) text += ", ";
            text += word;
        }
        return text;
    }
    [[nodiscard]] const Remark* remark(std::string_view what) const {
        for (const auto& one : remarks)
            if (one.what.find(what) != std::string_view::npos) return &one;
        return nullptr;
    }
    void add(Happened more) {
        const auto append = [](auto& to, auto& from) {
            to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
        };
        append(responses, more.responses);
        append(requests, more.requests);
        append(acks, more.acks);
        append(cancels, more.cancels);
        append(remarks, more.remarks);
        append(words, more.words);
    }
};

/// What a peer's message has beside what it must have.
struct With {
    std::string headers = {};  ///< lines with their "\n"
    std::string body = {};     ///< SDP where `headers` has no Content-Type
    std::string tag = "twilio-1";
    std::string contact = "<sip:media@twilio.example.com:5061;transport=tls>";
};

/// The call, its settings, its peers' numbers, and the timers that run.
class CallBench {
  public:
    CallBench() {
        settings.advertised_host = "gw.example.com";
        settings.domain = "bridge.sip.twilio.com";
        settings.destination = "agent";
    }
    CallBench(const CallBench&) = delete;  // the call borrows from it
    CallBench& operator=(const CallBench&) = delete;

    CallSettings settings;
    sip::DigestClient digest{{"gateway", "secret"}};
    sip::SteadyTime now{std::chrono::hours(1)};
    std::unique_ptr<Call> call;
    std::map<CallTimer, sip::SteadyTime> timers;
    SendRequest invite_b;  ///< the last one
    sip::TransactionId invite_a;

    // ---- leg A: Meta, in the shape of its "SIP Configuration Guide" ----

    Happened begin(const std::string& offer = meta_offer(), const std::string& headers = {}) {
        invite_a = {++last_transaction_};
        auto invite = message_of(
            "INVITE sip:+12145551869@gw.example.com;transport=tls SIP/2.0\n"
            "Via: SIP/2.0/TLS [2001:db8:9597::]:57363;rport;branch=z9hG4bKPj3a9f;alias\n"
            "Record-Route: <sip:wa.meta.vc;transport=tls;lr>\n"
            "Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\n"
            "Via: SIP/2.0/TLS [2001:db8:9597:d33c:e00:400:0:1]:5061;branch=z9hG4bKPj3a9f\n"
            "Max-Forwards: 69\n"
            "From: \"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65\n"
            "To: <sip:+12145551869@gw.example.com>\n"
            "Contact: <sip:+12195550714@wa.meta.vc;transport=tls;ob>;isfocus\n"
            "Call-ID: outgoing:wacid.HBgLMTIxOTU1NTA3MTQVAgASGCA=\n"
            "CSeq: 31159 INVITE\n"
            "X-FB-External-Domain: wa.meta.vc\n"
            "Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS\n"
            "User-Agent: Facebook SipGateway\n" +
                headers + type_of(offer, headers),
            offer);
        call = std::make_unique<Call>(settings, digest, "cc-0123456789abcdef", std::move(invite), invite_a,
                                      moment());
        return take(call->start(moment()));
    }
    /// A request within the dialog of leg A.
    Happened from_a(const std::string& method, const With& with = {}, std::uint32_t cseq = 0) {
        cseq_a_ = cseq == 0 ? cseq_a_ + 1 : cseq;
        last = {++last_transaction_};
        return take(call->on_request(Leg::a, request_of_a(method, with, cseq_a_), last, moment()));
    }
    Happened ack_from_a(const std::string& answer = {}, std::uint32_t cseq = 31159) {
        return take(call->on_ack(Leg::a, request_of_a("ACK", {.body = answer}, cseq), moment()));
    }
    Happened cancel_from_a(const std::string& headers = {}) {
        last = {++last_transaction_};
        auto cancel = message_of(
            "CANCEL sip:+12145551869@gw.example.com;transport=tls SIP/2.0\n"
            "Via: SIP/2.0/TLS [2001:db8:9597::]:57363;rport;branch=z9hG4bKPj3a9f;alias\n"
            "From: \"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65\n"
            "To: <sip:+12145551869@gw.example.com>\n"
            "Call-ID: outgoing:wacid.HBgLMTIxOTU1NTA3MTQVAgASGCA=\n"
            "CSeq: 31159 CANCEL\n" +
            headers);
        return take(call->on_cancel(Leg::a, cancel, last, invite_a, moment()));
    }

    // ---- leg B: Twilio ----

    /// Twilio's answer to a request of ours.
    Happened answer(const SendRequest& request, int status, const With& with = {}) {
        return take(call->on_response(request.number, response_to(request, status, with), moment()));
    }
    /// To the last INVITE.
    Happened answer(int status, const With& with = {}) { return answer(invite_b, status, with); }
    /// A 2xx whose transaction is gone.
    Happened late_answer(const With& with = {}) {
        return take(call->on_late_answer(response_to(invite_b, 200, with), moment()));
    }
    Happened fail(const SendRequest& request, RequestFault fault) {
        return take(call->on_failure(request.number, fault, "no connection", moment()));
    }
    /// A request within the dialog of leg B, whose tag `with` has.
    Happened from_b(const std::string& method, const With& with = {}, std::uint32_t cseq = 0) {
        cseq_b_ = cseq == 0 ? cseq_b_ + 1 : cseq;
        last = {++last_transaction_};
        return take(call->on_request(Leg::b, request_of_b(method, with, cseq_b_), last, moment()));
    }
    Happened ack_from_b(std::uint32_t cseq, const With& with = {}) {
        return take(call->on_ack(Leg::b, request_of_b("ACK", with, cseq), moment()));
    }

    // ---- the rest ----

    Happened hang_up() { return take(call->hang_up(CallEnd::stopped, moment())); }
    /// Lets time pass; timers that are due go off in their order.
    Happened pass(std::chrono::milliseconds time) {
        Happened all;
        const auto end = now + time;
        while (call) {
            const auto* next = static_cast<const std::pair<const CallTimer, sip::SteadyTime>*>(nullptr);
            for (const auto& one : timers)
                if (one.second <= end && (next == nullptr || one.second < next->second)) next = &one;
            if (next == nullptr) break;
            const auto timer = next->first;
            now = std::max(now, next->second);
            timers.erase(timer);
            all.add(take(call->on_timer(timer, moment())));
        }
        now = end;
        return all;
    }
    void set_up() {
        begin();
        answer(180);
        answer(200, {.body = twilio_answer()});
        ack_from_a();
    }
    [[nodiscard]] std::optional<std::chrono::milliseconds> due_in(CallTimer timer) const {
        const auto found = timers.find(timer);
        if (found == timers.end()) return std::nullopt;
        return std::chrono::duration_cast<std::chrono::milliseconds>(found->second - now);
    }
    [[nodiscard]] const CallRecord& record() const { return call->record(); }

    sip::TransactionId last;  ///< of the last request that came in

    [[nodiscard]] Moment moment() const {
        return {now, WallTime(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch())),
                random_};
    }
    Happened take(CallActions actions) {
        Happened happened;
        for (auto& action : actions)
            std::visit([this, &happened](auto& one) { this->note(happened, one); }, action);
        return happened;
    }
    [[nodiscard]] sip::Received response_to(const SendRequest& request, int status, const With& with) const {
        const auto& message = request.message;
        const auto value = [&message](std::string_view name) {
            return std::string(message.find(name).value_or(""));
        };
        const auto to = value("To");
        std::string head =
            "SIP/2.0 " + std::to_string(status) +
            " As Twilio says\nVia: SIP/2.0/TLS gw.example.com:5061;branch=z9hG4bK1\nFrom: " + value("From") +
            "\nTo: " + to;
        if (to.find(";tag=") == std::string::npos && !with.tag.empty()) head += ";tag=" + with.tag;
        head += "\nCall-ID: " + value("Call-ID") + "\nCSeq: " + value("CSeq") + "\n";
        if (status / 100 <= 2 && !with.contact.empty()) head += "Contact: " + with.contact + "\n";
        return message_of(head + with.headers + type_of(with.body, with.headers), with.body);
    }
    [[nodiscard]] sip::Received request_of_a(const std::string& method, const With& with,
                                             std::uint32_t cseq) const {
        return message_of(method +
                              " sip:callchain@gw.example.com;transport=tls SIP/2.0\n"
                              "Via: SIP/2.0/TLS [2001:db8:9597::]:57363;rport;branch=z9hG4bKPj" +
                              std::to_string(cseq) + method +
                              ";alias\n"
                              "Max-Forwards: 69\n"
                              "From: \"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65\n"
                              "To: <sip:+12145551869@gw.example.com>;tag=" +
                              call->local_tag(Leg::a) +
                              "\nCall-ID: outgoing:wacid.HBgLMTIxOTU1NTA3MTQVAgASGCA=\n"
                              "CSeq: " +
                              std::to_string(cseq) + " " + method +
                              "\nContact: <sip:+12195550714@wa.meta.vc;transport=tls;ob>;isfocus\n" +
                              with.headers + type_of(with.body, with.headers),
                          with.body);
    }
    [[nodiscard]] sip::Received request_of_b(const std::string& method, const With& with,
                                             std::uint32_t cseq) const {
        return message_of(
            method +
                " sip:callchain@gw.example.com;transport=tls SIP/2.0\n"
                "Via: SIP/2.0/TLS twilio.example.com:5061;branch=z9hG4bKtw" +
                std::to_string(cseq) + method +
                "\nMax-Forwards: 70\n"
                "From: <sip:agent@bridge.sip.twilio.com;transport=tls>;tag=" +
                with.tag + "\nTo: <sip:+12195550714@gw.example.com>;tag=" + call->local_tag(Leg::b) +
                "\nCall-ID: " + call->call_id(Leg::b) + "\nCSeq: " + std::to_string(cseq) + " " + method +
                "\nContact: " + with.contact + "\n" + with.headers + type_of(with.body, with.headers),
            with.body);
    }

  private:
    static std::string type_of(const std::string& body, const std::string& headers) {
        const bool said = headers.find("Content-Type") != std::string::npos;
        return body.empty() || said ? std::string() : std::string("Content-Type: application/sdp\n");
    }
    static std::string leg_word(Leg leg) { return leg == Leg::a ? "a" : "b"; }

    void note(Happened& happened, Respond& one) {
        const auto cseq = std::string(one.response.find("CSeq").value_or(""));
        happened.words.push_back(leg_word(one.leg) + ":" + std::to_string(one.response.status) +
                                 cseq.substr(std::min(cseq.size(), cseq.find(' '))));
        happened.responses.push_back(one);
    }
    void note(Happened& happened, SendRequest& one) {
        happened.words.push_back(leg_word(one.leg) + ">" + one.message.method);
        if (one.message.method == "INVITE") invite_b = one;
        happened.requests.push_back(one);
    }
    void note(Happened& happened, SendAck& one) {
        happened.words.push_back(leg_word(one.leg) + ">ACK");
        happened.acks.push_back(one);
    }
    static void note(Happened& happened, CancelRequest& one) {
        happened.words.emplace_back("b>CANCEL");
        happened.cancels.push_back(one);
    }
    static void note(Happened& happened, Remark& one) { happened.remarks.push_back(one); }
    static void note(Happened& happened, CallOver&) { happened.words.emplace_back("over"); }
    void note(Happened& happened, Forget&) {
        happened.words.emplace_back("forget");
        timers.clear();
    }
    void note(Happened&, SetCallTimer& one) { timers[one.timer] = one.due; }
    void note(Happened&, StopCallTimer& one) { timers.erase(one.timer); }

    std::uint64_t last_random_ = 0x1234;
    std::function<std::uint64_t()> random_ = [this] {
        return last_random_ = last_random_ * 6364136223846793005U + 1442695040888963407U;
    };
    std::uint64_t last_transaction_ = 0;
    std::uint32_t cseq_a_ = 31159;
    std::uint32_t cseq_b_ = 100;
};

/// One that is up, with nothing open.
struct UpCall : CallBench {
    UpCall() { set_up(); }
};

}  // namespace callchain::b2bua
