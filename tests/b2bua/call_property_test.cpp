// Promises of the call that hold whatever comes, in whatever order.
#include "b2bua/call_fixture.hpp"

#include <array>
#include <gtest/gtest.h>
#include <random>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <set>

namespace callchain::b2bua {
namespace {

struct Event {
    int what = 0;
    int how = 0;
    int wait_ms = 0;
};
std::ostream& operator<<(std::ostream& out, const Event& event) {
    return out << '{' << event.what << ", " << event.how << ", " << event.wait_ms << '}';
}

constexpr int kKinds = 20;
constexpr std::array kWaits{0, 0, 20, 500, 3'000, 33'000, 65'000, 310'000};

// Both peers, as rude as the transactions in between let them be: a request is answered finally once, an INVITE
// by 2xx as often as they like, and by any branch of a fork.
class World : public CallBench {
  public:
    std::vector<std::string> faults;

    void run(int offer, const std::vector<Event>& events) {
        settings.most_length = 900s;
        offerless_ = offer == 1;
        invite_a = {1};
        watch(CallBench::begin(offer == 0 ? meta_offer() : offer == 1 ? "" : sample("meta-default")), 0);
        for (const auto& event : events) {
            if (forgotten_) break;
            watch(pass(std::chrono::milliseconds(event.wait_ms)), 0);
            if (!forgotten_) happen(event);
        }
        finish();
    }
    [[nodiscard]] CallEnd end() const { return record().end; }

  private:
    void fault(const std::string& what) { faults.push_back(what); }

    // Every answer is to what was asked, and no more than one of them is final.
    void watch(const Happened& happened, std::uint64_t asked) {
        for (const auto& one : happened.responses) {
            const int status = one.response.status;
            auto& known = finals_[one.transaction.value];
            if (status < 200) {
                if (known) fault("a 1xx behind the final answer");
            } else if (!known) {
                known = one.response;
                if (one.transaction != invite_a && one.transaction.value != asked)
                    fault("an answer to nothing that was asked");
            } else if (*known != one.response || status / 100 != 2 ||
                       one.response.find("CSeq")->find("INVITE") == std::string_view::npos) {
                fault("a second final answer");
            }
        }
        if (asked != 0 && !finals_[asked]) fault("a request without its final answer");
        for (const auto& one : happened.requests) {
            open_.push_back(one);
            if (one.leg == Leg::b && one.message.method == "BYE") ended_.insert(tag_of_to(one.message));
        }
        for (const auto& one : happened.acks) unacknowledged_.erase(tag_of_to(one.message));
        for (const auto& word : happened.words) {
            if (forgotten_) fault("something behind Forget");
            if (word == "over") on_over();
            if (word == "forget") forgotten_ = true;
        }
    }
    void on_over() {
        if (over_) fault("over twice");
        over_ = true;
        if (record().end == CallEnd::none) fault("over without an end");
        if (!finals_[invite_a.value]) fault("over, and the INVITE has no final answer");
        if (!unacknowledged_.empty()) fault("over, and a 2xx has no ACK");
        for (const auto& tag : confirmed_)
            if (!ended_.contains(tag)) fault("over, and a dialog of leg B goes on");
    }
    void finish() {
        if (!forgotten_) watch(hang_up(), 0);
        if (!forgotten_) watch(pass(64s), 0);
        if (!over_) fault("never over");
        if (!forgotten_) fault("not forgotten 128*T1 after the last event");
        for (const auto& tag : confirmed_)
            if (!ended_.contains(tag)) fault("a dialog of leg B was never ended");
    }

    static std::string tag_of_to(const sip::Message& message) {
        const std::string to(message.find("To").value_or(""));
        const auto at = to.find(";tag=");
        return at == std::string::npos ? std::string() : to.substr(at + 5);
    }
    static std::string tag(int how) { return how % 4 == 3 ? "twilio-2" : "twilio-1"; }
    static std::string body(int how) {
        switch (how % 5) {
            case 0:
                return "";
            case 1:
                return replace_all(twilio_answer(), "a=sendrecv", "a=sendonly");
            case 2:
                return "no SDP\n";
            default:
                return twilio_answer();
        }
    }

    void happen(const Event& event) {
        const int how = event.how;
        switch (event.what) {
            case 0:
                return asked_a(cancel_from_a());
            case 1:
            case 2:
                return watch(ack_from_a(offerless_ ? body(how) : ""), 0);
            case 3:
                return asked_a(from_a("BYE"));
            case 4:
                return asked_a(from_a(how % 2 == 0 ? "INFO" : "OPTIONS"));
            case 5:
                return asked_a(from_a(how % 2 == 0 ? "INVITE" : "UPDATE", {.body = how % 3 == 0 ? "" : meta_offer()}));
            case 6:
                return asked_a(from_a("BYE", {}, 31000));
            case 7:
                return watch(hang_up(), 0);
            case 8:
                if (how % 7 == 0) return watch(pass(900s), 0);
                return watch(ack_from_a({}, 31160 + static_cast<std::uint32_t>(how % 3)), 0);
            default:
                if (invite_b.number.value != 0) happen_at_b(event.what, how);
        }
    }
    void happen_at_b(int what, int how) {
        const With with{.body = body(how), .tag = tag(how)};
        switch (what) {
            case 9:
                return ring(how % 2 == 0 ? With{.tag = tag(how)} : with);
            case 10:
            case 11:
            case 12:
                return answer_invite(with);
            case 13:
                return refuse_invite(how);
            case 14:
                asked_a(from_b("BYE", {.tag = tag(how)}));
                if (finals_[last.value]->status == 200) ended_.insert(tag(how));
                return;
            case 15:
                return asked_a(from_b(how % 2 == 0 ? "INVITE" : "UPDATE", with));
            case 16:
                return watch(ack_from_b(101 + static_cast<std::uint32_t>(how % 4), with), 0);
            case 17:
                return asked_a(from_b(how % 2 == 0 ? "INFO" : "REFER", {.tag = tag(how)}));
            case 18:
                return answer_open(how);
            default:
                return fail_open(how);
        }
    }
    void asked_a(const Happened& happened) { watch(happened, last.value); }

    [[nodiscard]] bool invite_is_open() const {
        for (const auto& one : open_)
            if (one.number == invite_b.number) return true;
        return false;
    }
    void ring(const With& with) {
        if (invite_is_open()) watch(answer(183, with), 0);
    }
    void answer_invite(const With& with) {
        // A 2xx behind a challenge that was answered belongs to an INVITE that is gone.
        confirmed_.insert(with.tag);
        unacknowledged_.insert(with.tag);
        const bool open = invite_is_open();
        const bool first = confirmed_.size() == 1;
        std::erase_if(open_, [this](const SendRequest& one) { return one.number == invite_b.number; });
        watch(open ? answer(200, with) : late_answer(with), 0);
        if (!offerless_ && !unacknowledged_.empty()) fault("a 2xx without its ACK");
        if (!first && unacknowledged_.contains(with.tag) && !offerless_) fault("a repeated 2xx without its ACK");
    }
    void refuse_invite(int how) {
        if (!invite_is_open()) return;
        std::erase_if(open_, [this](const SendRequest& one) { return one.number == invite_b.number; });
        if (how % 3 == 0) return watch(answer(486), 0);
        watch(answer(407, {.headers = "Proxy-Authenticate: Digest realm=\"t\", nonce=\"n" + std::to_string(how) +
                                      "\", stale=" + (how % 2 == 0 ? "true" : "false") + "\n"}),
              0);
    }
    std::optional<SendRequest> take_open(int how) {
        if (open_.empty()) return std::nullopt;
        const auto at = open_.begin() + how % static_cast<int>(open_.size());
        auto one = *at;
        if (one.message.method == "INVITE") return std::nullopt;
        open_.erase(at);
        return one;
    }
    void answer_open(int how) {
        constexpr std::array kStatus{200, 481, 407, 503, 408};
        const auto request = take_open(how);
        if (!request) return;
        watch(answer(*request, kStatus[static_cast<std::size_t>(how) % kStatus.size()],
                     {.headers = "Proxy-Authenticate: Digest realm=\"t\", nonce=\"n\"\n"}),
              0);
    }
    void fail_open(int how) {
        if (open_.empty()) return;
        const auto at = open_.begin() + how % static_cast<int>(open_.size());
        const auto request = *at;
        open_.erase(at);
        watch(CallBench::fail(request, how % 2 == 0 ? RequestFault::timeout : RequestFault::transport), 0);
    }

    bool offerless_ = false;
    bool over_ = false;
    bool forgotten_ = false;
    std::map<std::uint64_t, std::optional<sip::Message>> finals_;
    std::vector<SendRequest> open_;
    std::set<std::string> confirmed_;       // dialogs of leg B with a 2xx
    std::set<std::string> ended_;           // by a BYE, ours or theirs
    std::set<std::string> unacknowledged_;  // whose last 2xx has no ACK yet
};

rc::Gen<Event> any_event() {
    return rc::gen::build<Event>(rc::gen::set(&Event::what, rc::gen::inRange(0, kKinds)),
                                 rc::gen::set(&Event::how, rc::gen::inRange(0, 60)),
                                 rc::gen::set(&Event::wait_ms, rc::gen::elementOf(std::vector<int>(
                                                                   kWaits.begin(), kWaits.end()))));
}

RC_GTEST_PROP(CallProperty, KeepsEveryPromise, ()) {
    const auto offer = *rc::gen::weightedElement<int>({{6, 0}, {3, 1}, {1, 2}});
    const auto events = *rc::gen::container<std::vector<Event>>(any_event());
    World world;
    world.run(offer, events);
    RC_ASSERT(world.faults == std::vector<std::string>{});
}

TEST(CallProperty, KeepsEveryPromiseForFixedSeedsAndReachesEveryEnd) {
    // Else the promises would be about nothing.
    std::set<CallEnd> ends;
    for (unsigned seed = 1; seed <= 3'000; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        const auto below = [&random](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
        std::vector<Event> events;
        for (int i = 0; i < 24; ++i)
            events.push_back({below(kKinds), below(60), kWaits[static_cast<std::size_t>(below(kWaits.size()))]});
        World world;
        world.run(seed % 10 == 0 ? 2 : seed % 3 == 0 ? 1 : 0, events);
        EXPECT_EQ(world.faults, std::vector<std::string>{});
        ends.insert(world.end());
        if (::testing::Test::HasFailure()) return;
    }
    for (const auto end :
         {CallEnd::offer_refused, CallEnd::cancelled, CallEnd::refused, CallEnd::credentials_refused,
          CallEnd::unreachable, CallEnd::no_answer, CallEnd::answer_refused, CallEnd::not_acknowledged,
          CallEnd::hung_up_by_a, CallEnd::hung_up_by_b, CallEnd::too_long, CallEnd::lost, CallEnd::stopped})
        EXPECT_TRUE(ends.contains(end)) << name_of(end);
}

}  // namespace
}  // namespace callchain::b2bua
