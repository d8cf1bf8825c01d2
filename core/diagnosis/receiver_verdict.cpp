/// Judges the answers to the negative matrix.
#include "base/text.hpp"
#include "diagnosis/receiver_matrix.hpp"
#include "diagnosis/receiver_status.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <set>

namespace callchain::diagnosis {
namespace {

// What an answer of the wrong class means. The remark goes behind "the receiver", or stands alone; the
// other text follows upon what was sent and answered.
struct Meaning {
    std::string_view code;
    std::string_view remark;
    std::string_view then;
};

constexpr std::string_view kLooksGreen =
    "The sender takes any 2xx as delivered: its log looks green and it never tries again.";

constexpr std::array kMeanings{
    Meaning{
        "receiver_accepts_altered_body", "it accepts a body whose bytes are not those that were signed",
        "It checks something else than the bytes that it received, or answers 2xx whatever the check says."},
    Meaning{
        "receiver_accepts_bad_timestamp", "it accepts a webhook-timestamp that is no number",
        "Compared with the clock, such a timestamp is neither too old nor too new, so its check of the age "
        "lets it through, or there is none."},
    Meaning{
        "receiver_accepts_cut_signature", "it accepts the beginning of a signature for the whole",
        "It compares only as many characters as came in, so a few guesses find a signature that it takes."},
    Meaning{
        "receiver_accepts_future", "it accepts a timestamp that is far ahead of its clock",
        "Its clock is off, or it checks the age on one side only: what was sent early stays good for long."},
    Meaning{"receiver_accepts_missing_header", "it accepts a delivery that lacks a header of the signature",
            "It checks only where the headers are there, so whoever leaves them out needs no secret."},
    Meaning{"receiver_accepts_other_version", "it accepts a signature that is marked as another version's",
            "It does not look at the version, so it would take values of a scheme that it does not know."},
    Meaning{
        "receiver_accepts_reserialized_body", "it accepts a body that was parsed and written again",
        "It checks a document that it wrote itself and not the bytes that it received: the check fails as "
        "soon as its sender writes otherwise."},
    Meaning{
        "receiver_accepts_stale", "it accepts a delivery that is too old",
        "It does not check the age of the timestamp, so whoever recorded one delivery can send it again at "
        "any time."},
    Meaning{"receiver_accepts_tampered_body", "it accepts a body that was changed after it was signed",
            "It does not check the signature over the body, or checks it and answers 2xx all the same."},
    Meaning{
        "receiver_accepts_wrong_id", "it accepts a webhook-id that was changed after signing",
        "The webhook-id is not part of what it checks: one delivery sent again under other ids is not known "
        "as a duplicate."},
    Meaning{
        "receiver_accepts_wrong_secret", "it accepts what was signed with a secret that nobody has",
        "It does not check the signature, or checks it and answers 2xx all the same: anybody who finds the "
        "address can send it events."},
    Meaning{"receiver_accepts_wrong_timestamp",
            "it accepts a webhook-timestamp that was changed after signing",
            "The timestamp is not part of what it checks, so a recorded delivery can be given a fresh one."},
    Meaning{
        "receiver_refuses_duplicate", "it refuses a delivery that it has had before",
        "OpenAI delivers at least once: a retry is not at fault, and a refusal leads to the next one. The "
        "answer to a duplicate is that to the first, or 200."},
    Meaning{
        "receiver_refuses_header_case", "it refuses header names in capitals",
        "Names of headers are the same in upper and lower case, and whatever stands in between may change "
        "it."},
    Meaning{
        "receiver_refuses_large_body", "it refuses a large body",
        "Any 2xx, or 413 for the size, would have been right: what it answered sounds like another fault."},
    Meaning{"receiver_refuses_compact_body", "it refuses a body that is written without blanks",
            "The bytes are rightly signed: it checks something else than the bytes that it received."},
    Meaning{"receiver_refuses_rotation", "it refuses a delivery that has two signatures",
            "That is what OpenAI sends for 24 hours after a rotation of the secret: every delivery would be "
            "lost for that long."},
    Meaning{
        "receiver_refuses_unknown_type", "it refuses events of a type that it does not know",
        "OpenAI adds types; a refusal makes it try again for up to 72 hours. What is not known is accepted "
        "and ignored."},
    Meaning{
        "receiver_refuses_utf8_body", "it refuses a body with characters beyond ASCII",
        "It makes a text of the body before it checks, in another character set, or refuses members that it "
        "does not know."},
    Meaning{"receiver_refuses_valid", "it refuses a delivery that is rightly signed", ""},
};

const Meaning* meaning_of(std::string_view code) {
    const auto found = std::find_if(kMeanings.begin(), kMeanings.end(),
                                    [code](const auto& meaning) { return meaning.code == code; });
    return found == kMeanings.end() ? nullptr : &*found;
}

bool is_tolerated(const MatrixCase& one, int status) {
    const auto text = std::to_string(status);
    return one.tolerated == text || (one.tolerated.size() == 1 && text.starts_with(one.tolerated));
}

std::vector<Evidence> evidence_of(const MatrixCase& one, const ReceiverAnswer& answer) {
    auto evidence = answer_evidence(answer);
    if (!one.name.empty()) evidence.insert(evidence.begin(), Evidence{"case", one.name});
    if (one.code == "receiver_accepts_altered_body")
        evidence.push_back({"cause", one.name.substr(0, one.name.find('-'))});
    return evidence;
}

CaseVerdict wrong_class(const MatrixCase& one, const ReceiverAnswer& answer) {
    const bool accepted = one.right == RightAnswer::refused;
    CaseVerdict verdict{CaseOutcome::wrong, {}, std::nullopt};
    const auto* meaning = meaning_of(one.code);
    verdict.remark = meaning != nullptr ? std::string(meaning->remark)
                     : accepted         ? "it accepts what it must refuse"
                                        : "it refuses what it must accept";
    if (one.code.empty()) return verdict;
    std::string detail = "The receiver answered " + status_text(answer) + " to this: " + one.title + ".";
    if (meaning != nullptr && !meaning->then.empty()) detail += " " + std::string(meaning->then);
    const auto more = accepted ? std::string(kLooksGreen) : refusal_hint(*answer.status);
    if (!more.empty()) detail += " " + more;
    verdict.finding = Finding{one.code, Proof::hint, std::move(detail), evidence_of(one, answer)};
    return verdict;
}

// ---- the matrix as a whole ----

// The statuses of what was decided, and by which class.
struct Tally {
    std::size_t good_accepted = 0;
    std::size_t good_refused = 0;
    std::size_t bad_accepted = 0;
    std::size_t bad_refused = 0;
    bool stranger_accepted = false;  // what was signed with a secret that nobody has
    bool valid_refused = false;      // as OpenAI writes it,
    bool compact_accepted = false;   // and as a JSON library of JavaScript's does
    std::set<int> statuses;
};

// Cases in which either answer passes say nothing, and what is no JSON is refused by a receiver that only
// parses it.
bool is_telling(const MatrixCase& one) { return one.tolerated.empty() && !one.optional_case; }

Tally tally_of(const std::vector<MatrixCase>& cases, const std::vector<ReceiverAnswer>& answers) {
    Tally tally;
    for (std::size_t i = 0; i < std::min(cases.size(), answers.size()); ++i) {
        const auto answer = read_answer(answers[i]);
        if (!is_telling(cases[i]) || (answer != Answer::accepts && answer != Answer::refuses)) continue;
        const bool good = cases[i].right == RightAnswer::accepted;
        const bool accepted = answer == Answer::accepts;
        if (good) ++(accepted ? tally.good_accepted : tally.good_refused);
        if (!good) ++(accepted ? tally.bad_accepted : tally.bad_refused);
        if (accepted && cases[i].code == "receiver_accepts_wrong_secret") tally.stranger_accepted = true;
        if (!accepted && cases[i].name == "valid") tally.valid_refused = true;
        if (accepted && cases[i].name == "compact_body") tally.compact_accepted = true;
        tally.statuses.insert(*answers[i].status);
    }
    return tally;
}

std::string statuses_text(const std::set<int>& statuses) {
    std::vector<std::string> words;
    for (const int status : statuses) words.push_back(std::to_string(status));
    return join(words, ", ");
}

std::int64_t as_number(std::size_t count) { return static_cast<std::int64_t>(count); }

Finding accepts_everything(const Tally& tally) {
    std::string detail =
        "All " + count_of(tally.bad_accepted, "delivery", "deliveries") + " that it must refuse got " +
        statuses_text(tally.statuses) +
        ", one signed with a secret that nobody has among them. It does not check signatures, "
        "or checks them and answers 2xx all the same: anybody can send it events, and since the "
        "sender takes any 2xx as delivered, its log looks green and it never tries again.";
    return {
        "receiver_accepts_everything",
        Proof::hint,
        std::move(detail),
        {{"wrongly_accepted", as_number(tally.bad_accepted)}, {"statuses", statuses_text(tally.statuses)}}};
}

Finding refuses_everything(const Tally& tally) {
    std::string detail = "All " + count_of(tally.good_refused + tally.bad_refused, "delivery", "deliveries") +
                         " got " + statuses_text(tally.statuses) +
                         ", rightly signed ones among them, so what it refused proves nothing.";
    const auto hint = tally.statuses.size() == 1 ? refusal_hint(*tally.statuses.begin()) : std::string();
    detail += hint.empty() ? " It holds another secret, its clock is off, or something in front of it alters "
                             "the body or refuses on its own."
                           : " " + hint;
    return {
        "receiver_refuses_everything",
        Proof::hint,
        std::move(detail),
        {{"wrongly_refused", as_number(tally.good_refused)}, {"statuses", statuses_text(tally.statuses)}}};
}

Finding reserializes(const Tally& tally) {
    return {
        "receiver_reserializes_body",
        Proof::hint,
        "It refuses the delivery as OpenAI writes it, with a blank behind each comma and colon, and accepts "
        "the same without blanks: it parses the JSON, writes it anew and checks the signature over that, so "
        "every delivery of OpenAI fails.",
        {{"wrongly_refused", as_number(tally.good_refused)}}};
}

}  // namespace

std::string_view name_of(CaseOutcome outcome) {
    switch (outcome) {
        case CaseOutcome::right:
            return "right";
        case CaseOutcome::tolerated:
            return "tolerated";
        case CaseOutcome::wrong:
            return "wrong";
        case CaseOutcome::unanswered:
            break;
    }
    return "unanswered";
}

CaseVerdict judge_case(const MatrixCase& one, const ReceiverAnswer& answer) {
    const auto read = read_answer(answer);
    if (read == Answer::accepts || read == Answer::refuses) {
        const bool accepted = read == Answer::accepts;
        if (accepted == (one.right == RightAnswer::accepted)) return {};
        if (is_tolerated(one, *answer.status)) {
            return {CaseOutcome::tolerated, status_text(answer) + " is no fault either: " + one.why_tolerated,
                    std::nullopt};
        }
        return wrong_class(one, answer);
    }
    const auto trouble = trouble_of(answer);
    // A limit of the rate answers nothing that was asked, and no sender would call it a fault.
    const bool unanswered = read == Answer::silent || read == Answer::limits;
    return {unanswered ? CaseOutcome::unanswered : CaseOutcome::wrong, "it " + trouble.what,
            Finding{std::string(trouble.code), Proof::hint,
                    "The receiver " + trouble.what + ". " + trouble.then + " Sent was: " + one.title + ".",
                    evidence_of(one, answer)}};
}

std::vector<Finding> judge_matrix(const std::vector<MatrixCase>& cases,
                                  const std::vector<ReceiverAnswer>& answers) {
    assert(cases.size() == answers.size());
    const auto tally = tally_of(cases, answers);
    const auto accepted = tally.good_accepted + tally.bad_accepted;
    const auto refused = tally.good_refused + tally.bad_refused;
    // With some of the cases only, less can be said: a receiver may accept all stale ones and nothing else.
    if (tally.stranger_accepted && refused == 0) return {accepts_everything(tally)};
    if (tally.valid_refused && tally.compact_accepted && !tally.stranger_accepted)
        return {reserializes(tally)};
    if (tally.good_refused > 0 && tally.bad_refused > 0 && accepted == 0) return {refuses_everything(tally)};
    return {};
}

}  // namespace callchain::diagnosis
