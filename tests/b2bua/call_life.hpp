/// A whole call under events that nobody has planned, held against what every call promises.
#pragma once

#include "b2bua/call_fixture.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace callchain::b2bua {

enum class LifeKind {
    ring,
    accept,
    challenge,
    refuse,
    invite_fails,
    cancel,
    ack_a,
    bye_a,
    bye_b,
    offer_a,
    offer_b,
    ack_again,
    other_request,
    old_request,
    answer_request,
    request_fails,
    accept_again,
    hang_up,
    not_acknowledged,
};

/// How often each is drawn: what ends a call is rare, else hardly one would be up for long.
inline const std::vector<LifeKind> kLifeEvents = {
    LifeKind::ring,           LifeKind::ring,          LifeKind::accept,          LifeKind::accept,
    LifeKind::accept,         LifeKind::challenge,     LifeKind::challenge,       LifeKind::refuse,
    LifeKind::invite_fails,   LifeKind::cancel,        LifeKind::ack_a,           LifeKind::ack_a,
    LifeKind::ack_a,          LifeKind::bye_a,         LifeKind::bye_b,           LifeKind::offer_a,
    LifeKind::offer_b,        LifeKind::offer_b,       LifeKind::ack_again,       LifeKind::ack_again,
    LifeKind::other_request,  LifeKind::other_request, LifeKind::old_request,     LifeKind::answer_request,
    LifeKind::answer_request, LifeKind::request_fails, LifeKind::request_fails,   LifeKind::accept_again,
    LifeKind::accept_again,   LifeKind::hang_up,       LifeKind::not_acknowledged};

/// Around the timers: T1, the wait of a BYE, 64*T1, 128*T1, the limits of ringing and of length.
inline const std::vector<int> kLifeWaits = {0,   0,     0,     0,      1,      10,     499,
                                            500, 1'000, 3'000, 31'999, 32'000, 61'000, 301'000};

struct LifeEvent {
    LifeKind kind = LifeKind::ring;
    int choice = 0;
    int wait = 0;  ///< milliseconds, before it
    friend std::ostream& operator<<(std::ostream& out, const LifeEvent& event) {
        return out << "{" << static_cast<int>(event.kind) << "," << event.choice << "," << event.wait << "}";
    }
};

struct LifeSettings {
    bool outward = false;
    bool offerless = false;
    bool answers_options = true;  ///< the peer that is asked whether it is still there
    int start = 0;                ///< 0: just dialled, 1: rings, 2: answered, 3: up
    friend std::ostream& operator<<(std::ostream& out, const LifeSettings& one) {
        return out << "outward " << one.outward << " offerless " << one.offerless << " start " << one.start;
    }
};

/// Plays the peers and the stack: a request of the call gets one final answer or one failure, after 64*T1 at
/// the latest; a 2xx to an INVITE may come again and from other branches.
class CallLife {
  public:
    explicit CallLife(LifeSettings settings) : settings_(settings) {
        bench_.settings.most_length = 900s;
        if (settings_.outward) {
            bench_.settings.direction = sdp::Direction::twilio_to_meta;
            bench_.settings.domain = "wa.meta.vc";
        }
    }

    std::vector<std::string> faults;

    void run(const std::vector<LifeEvent>& events) {
        see(bench_.begin(settings_.offerless ? std::string() : offer()));
        if (settings_.start >= 1) happen({LifeKind::ring, 0, 0});
        if (settings_.start >= 2) happen({LifeKind::accept, 0, 0});
        if (settings_.start >= 3) happen({LifeKind::ack_a, 0, 0});
        for (const auto& event : events) {
            let_pass(std::chrono::milliseconds(event.wait));
            if (forgotten_) break;
            happen(event);
        }
        let_pass(bench_.settings.most_length + 1'000s);
        close();
    }
    [[nodiscard]] const CallRecord& record() const { return bench_.record(); }

  private:
    struct Open {
        SendRequest request;
        sip::SteadyTime deadline;
        bool rang = false;
        bool cancelled = false;
    };

    [[nodiscard]] std::string offer() const {
        return settings_.outward ? replace_all(twilio_answer(), "RTP/SAVP 0 126", "RTP/SAVP 0 8 126")
                                 : meta_offer();
    }
    [[nodiscard]] static std::string answer_of_meta() {
        return replace_all(meta_offer(), "RTP/SAVP 111 8 0 126", "RTP/SAVP 0 126");
    }
    // What leg B says in its 2xx; without an offer of ours that is an offer of its own.
    [[nodiscard]] std::string body_of_b(int choice) const {
        if (choice % 8 == 6) return {};
        if (choice % 8 == 7) return "v=0\r\n";
        return settings_.outward ? answer_of_meta() : twilio_answer();
    }
    [[nodiscard]] std::string body_of_ack(int choice) const {
        if (!settings_.offerless || choice % 8 == 7) return {};
        return settings_.outward ? twilio_answer() : answer_of_meta();
    }
    static std::string tag_of(int choice) { return "twilio-" + std::to_string(1 + (choice / 8) % 3); }
    static std::string challenge(int choice) {
        return "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n" + std::to_string(choice % 3) +
               "\", qop=\"auth\", algorithm=" + (choice % 16 == 15 ? "X" : "MD5") +
               (choice % 2 == 0 ? ", stale=true" : "") + "\n";
    }

    void fault(std::string text) { faults.push_back(std::move(text)); }
    void expect(bool holds, const char* promise) {
        if (!holds) fault(promise);
    }

    // ---- time ----

    void let_pass(std::chrono::milliseconds time) {
        const auto end = bench_.now + time;
        while (!forgotten_) {
            auto next = end;
            for (const auto& open : open_) next = std::min(next, open.deadline);
            for (const auto& [timer, due] : bench_.timers) next = std::min(next, std::max(due, bench_.now));
            see(bench_.pass(std::chrono::duration_cast<std::chrono::milliseconds>(next - bench_.now)));
            if (forgotten_ || !fail_one_that_is_late()) {
                if (next == end) break;
            }
        }
    }
    bool fail_one_that_is_late() {
        const auto asked = std::find_if(open_.begin(), open_.end(), [](const Open& one) {
            return one.request.message.method == "OPTIONS";
        });
        if (settings_.answers_options && asked != open_.end()) {
            const auto request = asked->request;
            open_.erase(asked);
            see(bench_.answer(request, 200));
            return true;
        }
        const auto late = std::find_if(open_.begin(), open_.end(),
                                       [this](const Open& one) { return one.deadline <= bench_.now; });
        if (late == open_.end()) return false;
        const auto request = late->request;
        open_.erase(late);
        see(bench_.fail(request, RequestFault::timeout));
        return true;
    }

    // ---- events ----

    void happen(const LifeEvent& event) {
        if (forgotten_) return;
        const int choice = event.choice;
        switch (event.kind) {
            case LifeKind::ring:
            case LifeKind::accept:
            case LifeKind::challenge:
            case LifeKind::refuse:
            case LifeKind::invite_fails:
                return on_invite(event);
            case LifeKind::accept_again:
                if (accepted_.empty() && choice % 4 != 0) return;  // of an INVITE without an answer: rare
                return accept(choice, true);
            case LifeKind::cancel:
                return handed_in("CANCEL", bench_.cancel_from_a());
            case LifeKind::ack_a:
                acknowledged_a_ = acknowledged_a_ || answered_a_at_.has_value();
                return see(bench_.ack_from_a(body_of_ack(choice)));
            case LifeKind::bye_a:
                return bye_of_a();
            case LifeKind::bye_b:
                return bye_of_b(choice);
            case LifeKind::offer_a:
            case LifeKind::offer_b:
                return offer_again(event.kind == LifeKind::offer_a ? Leg::a : Leg::b, choice);
            case LifeKind::ack_again:
                return acknowledge_again(choice);
            case LifeKind::other_request:
            case LifeKind::old_request:
                return other_request(choice, event.kind == LifeKind::old_request);
            case LifeKind::answer_request:
            case LifeKind::request_fails:
                return on_request_of_ours(event);
            case LifeKind::hang_up:
                return see(bench_.hang_up());
            case LifeKind::not_acknowledged:
                return see(bench_.take(bench_.call->on_not_acknowledged(bench_.invite_a, bench_.moment())));
        }
    }

    std::vector<Open>::iterator open_invite() {
        return std::find_if(open_.begin(), open_.end(),
                            [](const Open& one) { return one.request.message.method == "INVITE"; });
    }

    void on_invite(const LifeEvent& event) {
        const auto open = open_invite();
        if (open == open_.end()) return;
        const int choice = event.choice;
        const auto request = open->request;
        if (event.kind == LifeKind::ring) {
            open->rang = true;
            // It has 64*T1 from its CANCEL on, which waited for this.
            open->deadline = open->cancelled ? bench_.now + 32s : sip::SteadyTime::max();
            const bool early = choice % 4 == 1;
            return see(
                bench_.answer(request, early ? 183 : 180,
                              {.body = early ? body_of_b(choice) : std::string(), .tag = tag_of(choice)}));
        }
        if (event.kind == LifeKind::accept) return accept(choice, false);
        open_.erase(open);
        if (event.kind == LifeKind::invite_fails)
            return see(
                bench_.fail(request, choice % 2 == 0 ? RequestFault::timeout : RequestFault::transport));
        if (event.kind == LifeKind::challenge)
            return see(bench_.answer(request, 407, {.headers = challenge(choice)}));
        const std::vector<int> refusals = {302, 403, 404, 408, 480, 486, 487, 488, 500, 503, 600, 603};
        see(bench_.answer(request, refusals[static_cast<std::size_t>(choice) % refusals.size()], {}));
    }

    // The first 2xx, one again, or one of another branch; `late`: its transaction is gone.
    void accept(int choice, bool late) {
        const auto tag = tag_of(choice);
        const auto open = open_invite();
        if (open != open_.end() && !late) open_.erase(open);
        if (open != open_.end() && late) return;
        const bool waits = settings_.offerless && accepted_.empty() && !ended();
        accepted_.insert(tag);
        const With with{.body = body_of_b(choice), .tag = tag};
        // For 64*T1 the transaction passes each of them up, and the stack does so afterwards.
        const auto happened =
            late && choice % 2 == 0 ? bench_.late_answer(with) : bench_.answer(bench_.invite_b, 200, with);
        const bool acknowledged =
            std::any_of(happened.acks.begin(), happened.acks.end(), [&tag](const SendAck& one) {
                return one.message.find("To").value_or("").find(";tag=" + tag) != std::string_view::npos;
            });
        if (!waits && !settings_.offerless) expect(acknowledged, "each 2xx of leg B gets an ACK at once");
        see(happened);
    }

    void bye_of_a() {
        auto happened = bench_.from_a("BYE");
        for (const auto& one : happened.responses)
            if (one.transaction == bench_.last && one.response.status == 200) bye_received_a_ = true;
        handed_in("BYE", std::move(happened));
    }
    void bye_of_b(int choice) {
        const auto tag = tag_of(choice);
        auto happened = bench_.from_b("BYE", {.tag = tag});
        // 481 where no such dialog is: then it ended nothing.
        for (const auto& one : happened.responses)
            if (one.transaction == bench_.last && one.response.status == 200) ended_b_.insert(tag);
        handed_in("BYE", std::move(happened));
    }

    void offer_again(Leg leg, int choice) {
        const std::string method = choice % 3 == 0 ? "UPDATE" : "INVITE";
        auto body = leg == Leg::a ? offer() : body_of_b(0);
        if (choice % 4 == 1) body.clear();
        if (choice % 4 == 2) body = replace_all(body, "a=sendrecv", "a=inactive");
        auto happened = leg == Leg::a ? bench_.from_a(method, {.body = body})
                                      : bench_.from_b(method, {.body = body, .tag = tag_of(choice)});
        if (method == "INVITE" && !happened.responses.empty() && happened.responses[0].response.status == 200)
            to_acknowledge_.emplace_back(
                leg,
                parse_decimal(split(happened.responses[0].response.find("CSeq").value_or("0"), ' ').front())
                    .value_or(0));
        handed_in(method, std::move(happened));
    }
    void acknowledge_again(int choice) {
        if (to_acknowledge_.empty()) return;
        const auto [leg, cseq] = to_acknowledge_.back();
        const auto number = static_cast<std::uint32_t>(cseq);
        const std::string body = choice % 3 == 0 ? body_of_b(0) : std::string();
        for (const int branch : {0, 8, 16})
            if (!forgotten_)
                see(leg == Leg::a ? bench_.ack_from_a(body, number)
                                  : bench_.ack_from_b(number, {.body = body, .tag = tag_of(branch)}));
        to_acknowledge_.pop_back();
    }

    void other_request(int choice, bool old) {
        const std::vector<std::string> methods = {"OPTIONS", "INFO", "REFER", "MESSAGE", "PRACK", "UNHEARD"};
        const auto& method = methods[static_cast<std::size_t>(choice) % methods.size()];
        const With with{.headers = choice % 5 == 0 ? "Require: timer\n" : "", .tag = tag_of(choice)};
        if (old) {
            // As old as the INVITE; the numbers of the requests that follow go on from where they were.
            bench_.last = {1'000'000U + ++old_requests_};
            const auto request = bench_.request_of_a(method, with, 31'159);
            return handed_in(
                method, bench_.take(bench_.call->on_request(Leg::a, request, bench_.last, bench_.moment())));
        }
        handed_in(method, choice % 2 == 0 ? bench_.from_a(method, with) : bench_.from_b(method, with));
    }

    void on_request_of_ours(const LifeEvent& event) {
        std::vector<std::size_t> others;
        for (std::size_t i = 0; i < open_.size(); ++i)
            if (open_[i].request.message.method != "INVITE") others.push_back(i);
        if (others.empty()) return;
        const auto index = others[static_cast<std::size_t>(event.choice) % others.size()];
        const auto request = open_[index].request;
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(index));
        if (event.kind == LifeKind::request_fails)
            return see(bench_.fail(request,
                                   event.choice % 2 == 0 ? RequestFault::transport : RequestFault::timeout));
        const std::vector<int> answers = {200, 200, 200, 407, 407, 408, 481, 500};
        const int status = answers[static_cast<std::size_t>(event.choice / 2) % answers.size()];
        see(bench_.answer(request, status,
                          {.headers = status == 407 ? challenge(event.choice) : std::string()}));
    }

    // ---- promises ----

    [[nodiscard]] bool ended() const { return bench_.record().end != CallEnd::none; }
    static std::string dialog_of(const SendRequest& request) {
        return (request.leg == Leg::a ? "a " : "b ") + std::string(request.message.find("To").value_or(""));
    }

    // A request that was handed in with its server transaction: exactly one final answer, at once.
    void handed_in(const std::string& method, Happened happened) {
        int answers = 0;
        for (const auto& one : happened.responses)
            if (one.transaction == bench_.last && one.response.status >= 200) ++answers;
        if (answers != 1) fault(method + " got " + std::to_string(answers) + " final answers");
        see(std::move(happened));
    }

    void see(const Happened& happened) {
        if (forgotten_ && !happened.words.empty())
            fault("something was done after Forget: " + happened.text());
        for (const auto& one : happened.responses) see_response(one);
        for (const auto& one : happened.requests) see_request(one);
        for (const auto& one : happened.acks)
            for (const auto& tag : accepted_)
                if (one.message.find("To").value_or("").find(";tag=" + tag) != std::string_view::npos)
                    acknowledged_.insert(tag);
        for (const auto& one : happened.cancels) see_cancel(one);
        for (const auto& word : happened.words) see_word(word);
        const auto invite = open_invite();
        expect(final_a_ < 300 || invite == open_.end() || invite->cancelled,
               "an INVITE whose answer nobody wants is cancelled");
        see_timers();
    }

    void see_response(const Respond& one) {
        const int status = one.response.status;
        auto repeatable = one.response;
        expect(sip::write_message(repeatable).has_value(), "an answer can be written");
        if (one.leg != Leg::a || one.transaction != bench_.invite_a) return;
        if (status < 200) return expect(final_a_ == 0, "no provisional answer follows a final one");
        if (final_a_ == 0) {
            final_a_ = status;
            final_body_a_ = one.response.body;
            if (status == 200) answered_a_at_ = bench_.now;
            return;
        }
        expect(status == 200 && final_a_ == 200, "an INVITE gets one final answer");
        expect(one.response.body == final_body_a_, "a 2xx is repeated as it was");
        expect(!acknowledged_a_, "a 2xx is not repeated behind its ACK");
    }

    void see_request(const SendRequest& one) {
        expect(sip::write_message(one.message).has_value(), "a request can be written");
        const auto& method = one.message.method;
        const auto dialog = dialog_of(one);
        if (method == "INVITE") {
            expect(final_a_ == 0, "no INVITE follows the final answer to leg A");
            expect(open_invite() == open_.end(), "one INVITE at a time");
        } else {
            const auto cseq =
                parse_decimal(split(one.message.find("CSeq").value_or(""), ' ').front()).value_or(0);
            expect(cseq > last_cseq_[dialog], "CSeq rises");
            last_cseq_[dialog] = cseq;
        }
        if (method == "BYE") see_bye(one, dialog);
        open_.push_back({.request = one, .deadline = bench_.now + 32s});
    }

    void see_bye(const SendRequest& one, const std::string& dialog) {
        for (const auto& open : open_)
            expect(open.request.message.method != "BYE" || dialog_of(open.request) != dialog,
                   "one BYE of a dialog at a time");
        if (one.leg == Leg::b) {
            for (const auto& tag : accepted_)
                if (dialog.ends_with(";tag=" + tag)) ended_b_.insert(tag);
            return;
        }
        bye_sent_a_ = true;
        expect(final_a_ == 200, "leg A gets a BYE only where it got a 200");
        expect(acknowledged_a_ || (answered_a_at_ && bench_.now >= *answered_a_at_ + 32s),
               "leg A gets no BYE before its ACK or 64*T1");
    }

    void see_cancel(const CancelRequest& one) {
        const auto open = open_invite();
        if (open == open_.end() || open->request.number != one.number)
            return fault("a CANCEL of no INVITE that is open");
        expect(!open->cancelled, "an INVITE is cancelled once");
        open->cancelled = true;
        if (open->rang) open->deadline = bench_.now + 32s;
    }

    void see_word(const std::string& word) {
        expect(!forgotten_, "Forget is the last");
        if (word == "over") {
            expect(!over_, "CallOver comes once");
            over_ = true;
            const auto& record = bench_.record();
            expect(record.end != CallEnd::none && record.ended.has_value(),
                   "a call that is over has its end");
            expect(record.final_status == final_a_ && final_a_ >= 200,
                   "leg A has its final answer in the record");
            expect(!record.why.empty(), "a call that is over has its why");
        }
        if (word == "forget") {
            expect(over_, "CallOver comes before Forget");
            forgotten_ = true;
        }
    }

    // Nothing lives for ever: whatever it is at, some timer runs that ends it.
    void see_timers() {
        if (forgotten_) return;
        const auto forget = bench_.due_in(CallTimer::forget);
        if (ended()) return expect(forget && *forget <= 64s, "a call that has ended is forgotten in 128*T1");
        expect(bench_.due_in(CallTimer::ring) || bench_.due_in(CallTimer::length),
               "a call has a limit while it rings and while it is up");
    }

    void close() {
        expect(forgotten_, "a call is forgotten");
        expect(over_, "a call is over");
        for (const auto& tag : accepted_) {
            expect(acknowledged_.contains(tag), "each dialog of leg B gets its ACK");
            expect(ended_b_.contains(tag), "each dialog of leg B gets, or sent, its BYE");
        }
        if (final_a_ == 200) expect(bye_sent_a_ || bye_received_a_, "leg A gets, or sent, its BYE");
    }

    LifeSettings settings_;
    CallBench bench_;
    std::vector<Open> open_;
    std::vector<std::pair<Leg, std::int64_t>> to_acknowledge_;
    std::set<std::string> accepted_;
    std::set<std::string> acknowledged_;
    std::set<std::string> ended_b_;
    std::map<std::string, std::int64_t> last_cseq_;
    std::uint64_t old_requests_ = 0;
    int final_a_ = 0;
    std::string final_body_a_;
    std::optional<sip::SteadyTime> answered_a_at_;
    bool acknowledged_a_ = false;
    bool bye_sent_a_ = false;
    bool bye_received_a_ = false;
    bool over_ = false;
    bool forgotten_ = false;
};

}  // namespace callchain::b2bua
