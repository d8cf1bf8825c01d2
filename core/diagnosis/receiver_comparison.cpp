#include "diagnosis/receiver_comparison.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "diagnosis/receiver_status.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace callchain::diagnosis {
namespace {

using Kind = ComparedDelivery::Kind;
using Labels = std::vector<std::string>;

bool is_decided(const ReceiverAnswer& answer) {
    const auto read = read_answer(answer);
    return read == Answer::accepts || read == Answer::refuses;
}

std::string quoted(const std::string& label) { return '"' + label + '"'; }

// "a", "b" and "c", each in quotes.
std::string listed(const Labels& labels) {
    std::string out;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (i > 0) out += i + 1 == labels.size() ? " and " : ", ";
        out += quoted(labels[i]);
    }
    return out;
}

std::string what_was_sent(const ComparedDelivery& delivery) {
    switch (delivery.kind) {
        case Kind::signed_by_secret:
            return "what " + quoted(delivery.label) + " signed";
        case Kind::control:
            return "what was signed with a secret that nobody has";
        case Kind::as_recorded:
            break;
    }
    return "the delivery as it was recorded";
}

// What one receiver did with all of it.
struct Side {
    std::string name;
    Labels accepted;  // of secrets
    Labels refused;
    std::size_t undecided = 0;  // of what a secret signed
    bool accepts_control = false;
    bool accepts_other = false;            // than the control
    std::set<int> refusals;                // statuses, but to the control
    std::vector<ReceiverAnswer> troubles;  // each kind once

    [[nodiscard]] bool tells_secrets() const {
        return !accepts_control && undecided == 0 && accepted.size() + refused.size() > 0;
    }
    [[nodiscard]] bool holds_some() const { return !accepts_control && !accepted.empty(); }
};

void note(Side& side, const ComparedDelivery& delivery, const ReceiverAnswer& answer) {
    const auto read = read_answer(answer);
    if (!is_decided(answer)) {
        const auto is_known = [&](const auto& known) {
            return read_answer(known) == read && known.status == answer.status;
        };
        if (std::none_of(side.troubles.begin(), side.troubles.end(), is_known))
            side.troubles.push_back(answer);
        if (delivery.kind == Kind::signed_by_secret) ++side.undecided;
        return;
    }
    const bool accepts = read == Answer::accepts;
    const bool is_control = delivery.kind == Kind::control;
    if (accepts) (is_control ? side.accepts_control : side.accepts_other) = true;
    if (!accepts && !is_control) side.refusals.insert(*answer.status);
    if (delivery.kind == Kind::signed_by_secret)
        (accepts ? side.accepted : side.refused).push_back(safe_excerpt(delivery.label, 60));
}

// Builds the sentences and findings in the order of telling.
class Comparer {
  public:
    Comparer(const std::vector<ComparedDelivery>& deliveries, const std::string& name_a,
             const std::string& name_b)
        : deliveries_(deliveries) {
        a_.name = safe_excerpt(name_a, 300);
        b_.name = safe_excerpt(name_b, 300);
        for (const auto& delivery : deliveries) {
            note(a_, delivery, delivery.a);
            note(b_, delivery, delivery.b);
        }
    }

    Comparison compare() && {
        out_.same = !deliveries_.empty() &&
                    std::all_of(deliveries_.begin(), deliveries_.end(),
                                [](const auto& one) { return agreement_of(one) == Agreement::same; });
        if (deliveries_.empty()) say("Nothing was sent, so nothing can be said.");
        for (const auto* side : {&a_, &b_}) tell_control(*side);
        for (const auto* side : {&a_, &b_}) tell_troubles(*side);
        if (a_.tells_secrets() && b_.tells_secrets())
            compare_secrets();
        else
            for (const auto* side : {&a_, &b_}) tell_alone(*side);
        tell_recorded();
        for (const auto* side : {&a_, &b_}) tell_refusals(*side);
        tell_statuses();
        // Only the control was sent, and nobody took it.
        if (out_.sentences.empty()) {
            say("Both refuse what was signed with a secret that nobody has, as they should. No secret was "
                "tried, so "
                "nothing is known about theirs.");
        }
        return std::move(out_);
    }

  private:
    void say(std::string sentence) { out_.sentences.push_back(std::move(sentence)); }
    void find(std::string_view code, std::string detail, std::vector<Evidence> evidence) {
        out_.findings.push_back({std::string(code), Proof::hint, std::move(detail), std::move(evidence)});
    }

    void tell_control(const Side& side) {
        if (!side.accepts_control) return;
        say(side.name +
            " accepts what was signed with a secret that nobody has: it answers 2xx to anything, or "
            "never checks. Its other answers say nothing about the secret that it holds.");
        find("receiver_accepts_wrong_secret",
             side.name +
                 " answered 2xx to a delivery that was signed with a secret that nobody has. The sender "
                 "takes any 2xx as delivered: its log looks green and it never tries again.",
             {{"receiver", side.name}});
    }

    void tell_troubles(const Side& side) {
        for (const auto& answer : side.troubles) {
            const auto trouble = trouble_of(answer);
            const auto sentence = side.name + " " + trouble.what + ". " + trouble.then;
            say(sentence);
            auto evidence = answer_evidence(answer);
            evidence.insert(evidence.begin(), Evidence{"receiver", side.name});
            find(trouble.code, sentence, std::move(evidence));
        }
    }

    // Where the other side says nothing about secrets.
    void tell_alone(const Side& side) {
        if (side.tells_secrets() && side.accepted.empty()) refuses_all(side);
        if (side.holds_some())
            say(side.name + " accepts what " + listed(side.accepted) + " signed, so it holds " +
                (side.accepted.size() == 1 ? "that secret." : "those secrets."));
    }

    void compare_secrets() {
        if (a_.accepted == b_.accepted) {
            if (a_.accepted.empty())
                both_refuse_all();
            else
                both_hold();
        } else if (a_.accepted.empty()) {
            one_refuses_all(b_, a_);
        } else if (b_.accepted.empty()) {
            one_refuses_all(a_, b_);
        } else {
            secrets_differ();
        }
    }

    void both_hold() {
        std::string sentence = "Both accept what " + listed(a_.accepted) + " signed";
        if (!a_.refused.empty()) sentence += " and refuse " + listed(a_.refused);
        sentence +=
            a_.accepted.size() == 1 ? ": they hold the same secret." : ": they hold the same secrets.";
        const bool has_control =
            std::any_of(deliveries_.begin(), deliveries_.end(),
                        [](const auto& delivery) { return delivery.kind == Kind::control; });
        if (!has_control)
            sentence =
                "Both accept what " + listed(a_.accepted) +
                " signed; whether they would accept anything was not tried, so that says nothing about "
                "their secrets.";
        say(std::move(sentence));
    }

    void both_refuse_all() {
        const bool one = a_.refused.size() == 1;
        say("Both refuse what " + listed(a_.refused) + " signed: neither holds " +
            (one ? "this secret" : "any of these secrets") +
            ", or each has a clock that is off or something in front that alters the body. Give the secret "
            "that "
            "one of them is known to hold, and compare again.");
        for (const auto* side : {&a_, &b_}) find_refuses_all(*side);
    }

    void one_refuses_all(const Side& holder, const Side& other) {
        const bool one = holder.accepted.size() + holder.refused.size() == 1;
        say(holder.name + " accepts what " + listed(holder.accepted) + " signed, and " + other.name +
            (one ? " refuses it: " : " refuses all that was signed: ") + other.name + " does not hold " +
            (one ? "this secret" : "any of these secrets") +
            ", or its clock is off, or something in front of it alters the body.");
        find_refuses_all(other);
    }

    void refuses_all(const Side& side) {
        say(side.name + " refuses what " + listed(side.refused) + " signed: it does not hold " +
            (side.refused.size() == 1 ? "this secret" : "any of these secrets") +
            ", or its clock is off, or something in front of it alters the body.");
        find_refuses_all(side);
    }

    void find_refuses_all(const Side& side) {
        find("receiver_refuses_everything",
             side.name + " refused all that was sent to it, signed with " + listed(side.refused) + ".",
             {{"receiver", side.name}, {"secrets", join(side.refused, ", ")}});
    }

    // Both accept something, so neither clock nor body is at fault: it is the secret.
    void secrets_differ() {
        std::string sentence = a_.name + " accepts what " + listed(a_.accepted) + " signed" +
                               (a_.refused.empty() ? "" : " and refuses " + listed(a_.refused));
        if (a_.accepted == b_.refused && a_.refused == b_.accepted)
            sentence += "; " + b_.name + " the other way round";
        else
            sentence += "; " + b_.name + " accepts " + listed(b_.accepted) +
                        (b_.refused.empty() ? "" : " and refuses " + listed(b_.refused));
        sentence +=
            ": they hold different secrets. Every endpoint has one of its own: give each receiver that "
            "of the endpoint whose deliveries it gets.";
        say(sentence);
        find("receiver_secrets_differ", sentence,
             {{"accepted_by_a", join(a_.accepted, ", ")}, {"accepted_by_b", join(b_.accepted, ", ")}});
    }

    void tell_recorded() {
        for (const auto& delivery : deliveries_) {
            if (delivery.kind != Kind::as_recorded || !is_decided(delivery.a) || !is_decided(delivery.b))
                continue;
            const bool by_a = read_answer(delivery.a) == Answer::accepts;
            const bool by_b = read_answer(delivery.b) == Answer::accepts;
            const auto sent = what_was_sent(delivery);
            if (by_a != by_b) {
                const auto& holder = by_a ? a_ : b_;
                const auto& other = by_a ? b_ : a_;
                say(holder.name + " accepts " + sent + ", and " + other.name + " refuses it: " + other.name +
                    " holds another secret or checks the age, which " + holder.name +
                    " may not do; or its clock is off, or something in front of it alters the body.");
            } else if (by_a) {
                say("Both accept " + sent + ".");
            } else {
                say("Both refuse " + sent +
                    ". A recorded delivery is too old after 300 seconds, so that says "
                    "nothing about their secrets: sign it anew.");
            }
        }
    }

    // A path that is wrong looks like a refusal. 401 says no more than was said already.
    void tell_refusals(const Side& side) {
        if (side.accepts_control || side.accepts_other || side.refusals.size() != 1) return;
        const int status = *side.refusals.begin();
        const auto hint = status == 401 ? std::string() : refusal_hint(status);
        if (!hint.empty()) say("Of " + side.name + ": " + hint);
    }

    void tell_statuses() {
        for (const auto& delivery : deliveries_) {
            if (!is_decided(delivery.a) || read_answer(delivery.a) != read_answer(delivery.b)) continue;
            if (delivery.a.status == delivery.b.status) continue;
            const bool accepts = read_answer(delivery.a) == Answer::accepts;
            say("To " + what_was_sent(delivery) + " " + a_.name + " answered " + status_text(delivery.a) +
                " and " + b_.name + " " + status_text(delivery.b) + ": " +
                (accepts ? "both accept it, and the sender sees no difference."
                         : "both refuse it, and the sender tries again either way."));
        }
    }

    const std::vector<ComparedDelivery>& deliveries_;
    Side a_;
    Side b_;
    Comparison out_;
};

}  // namespace

Agreement agreement_of(const ComparedDelivery& delivery) {
    if (!is_decided(delivery.a) || !is_decided(delivery.b)) return Agreement::undecided;
    return read_answer(delivery.a) == read_answer(delivery.b) ? Agreement::same : Agreement::differs;
}

Comparison compare_receivers(const std::vector<ComparedDelivery>& deliveries, const std::string& name_a,
                             const std::string& name_b) {
    return Comparer(deliveries, name_a, name_b).compare();
}

}  // namespace callchain::diagnosis
