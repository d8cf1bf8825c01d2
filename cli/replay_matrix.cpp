/// replay-webhook --matrix: what a receiver must take, and what it must refuse.
#include "base/text.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/render.hpp"
#include "progress.hpp"
#include "replay_options.hpp"
#include "service/replay_driver.hpp"

#include <nlohmann/json.hpp>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using diagnosis::CaseOutcome;
using diagnosis::MatrixCase;
using diagnosis::Paint;

// Far below the 300 seconds that a receiver allows.
constexpr std::chrono::seconds kFreshFor{30};

struct Judged {
    ReplayAnswer answer;
    diagnosis::CaseVerdict verdict;
};

const char* class_of(diagnosis::RightAnswer right) {
    return right == diagnosis::RightAnswer::accepted ? "2xx" : "4xx";
}

std::string status_of(const ReplayAnswer& answer) {
    return answer.response() == nullptr ? "none" : std::to_string(answer.response()->status);
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

class Matrix {
  public:
    explicit Matrix(Replay& replay) : replay_(replay), progress_(replay.context) { make_cases(); }

    Result<int> run() {
        send();
        progress_.clear();
        collect_findings();
        const auto reported = print_and_report(replay_, text(), json(), report());
        int code = wrong() == 0 ? kDone : kNo;
        if (judged_.size() < cases_.size()) code = interrupted_ ? kInterrupted : kNetwork;
        if (silent() && !interrupted_) {
            const auto& failure = *judged_.front().answer.failure();
            code = replay_.context.report_failure(kNetwork, failure.message, hint_on_failure(failure));
        }
        return with_report(replay_, reported, code);
    }

  private:
    // Signed with the time of now; the bodies and what is wrong with them stay what they are.
    void make_cases() {
        built_at_ = std::chrono::steady_clock::now();
        cases_ = matrix_cases(replay_);
    }

    // In a slow run the deliveries at its end would be stale by themselves. The second one stays that of the
    // first, whose duplicate it is.
    void refresh(std::size_t number) {
        if (number < 2 || std::chrono::steady_clock::now() - built_at_ < kFreshFor) return;
        auto asked = std::move(cases_);
        make_cases();
        std::move(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(number), cases_.begin());
    }

    // A first delivery that found no connection, or two that were not answered in time: the others would fare
    // no better, and each would take its time.
    [[nodiscard]] bool silent() const {
        const bool none = std::all_of(judged_.begin(), judged_.end(), [](const Judged& one) {
            const auto* failure = one.answer.failure();
            return failure != nullptr &&
                   (failure->nothing_was_sent() || failure->kind == http::ClientFailure::Kind::timeout);
        });
        return none && !judged_.empty() &&
               (judged_.size() > 1 || judged_.front().answer.failure()->nothing_was_sent());
    }

    void send() {
        http::Loop loop;
        http::Client client(replay_client(replay_.options));
        service::ReplayShape shape;
        shape.count = cases_.size();
        if (replay_.options.rate > 0) shape.per_second = replay_.options.rate;
        shape.most_time = std::chrono::seconds{replay_.options.max_time_s};
        std::chrono::steady_clock::time_point began;
        std::optional<service::ReplayDriver> driver;
        driver.emplace(
            loop, service::sender_of(client), shape,
            [&](std::size_t number) {
                refresh(number);
                began = std::chrono::steady_clock::now();
                return request_for(replay_, replay_.options.to, cases_[number].delivery);
            },
            [&](std::size_t number, http::ClientResult result) {
                auto answer = keep_answer(replay_, std::move(result), began);
                auto verdict = diagnosis::judge_case(cases_[number], receiver_answer(answer));
                judged_.push_back({std::move(answer), std::move(verdict)});
                show_progress();
                if (silent()) driver->stop();
            },
            [&loop] { loop.stop(); });
        const auto first_look = loop.after(ProgressLine::kFirstLook, [this] { show_progress(); });
        driver->start();
        interrupted_ = !run_until_interrupted(loop);
        client.stop();
    }

    void show_progress() {
        std::string line = "replay-webhook: " + std::to_string(judged_.size()) + " of " +
                           std::to_string(cases_.size()) + " answered, " + std::to_string(wrong()) + " wrong";
        if (judged_.size() < cases_.size()) line += "; next: " + cases_[judged_.size()].name;
        progress_.show(line);
    }

    [[nodiscard]] std::size_t count(CaseOutcome outcome) const {
        return static_cast<std::size_t>(
            std::count_if(judged_.begin(), judged_.end(),
                          [outcome](const Judged& one) { return one.verdict.outcome == outcome; }));
    }
    [[nodiscard]] std::size_t wrong() const {
        return count(CaseOutcome::wrong) + count(CaseOutcome::unanswered);
    }

    void collect_findings() {
        std::vector<diagnosis::ReceiverAnswer> answers;
        for (const auto& one : judged_) answers.push_back(receiver_answer(one.answer));
        const std::vector<MatrixCase> asked(cases_.begin(),
                                            cases_.begin() + static_cast<std::ptrdiff_t>(judged_.size()));
        findings_ = diagnosis::judge_matrix(asked, answers);
    }

    [[nodiscard]] std::string text() const {
        const auto colour = replay_.context.colour_of_out();
        std::string out = "matrix of " + count_of(cases_.size(), "delivery", "deliveries") + " for " +
                          shown_url(url_for(replay_.options.to, cases_.front().delivery)) +
                          ", signed with \"" + visible_excerpt(replay_.secrets.front().label, 60) + "\"\n";
        for (std::size_t i = 0; i < judged_.size(); ++i) add_case(out, cases_[i], judged_[i]);
        for (const auto& finding : findings_) out += "\n" + diagnosis::finding_text(finding, colour);
        add_meanings(out);
        out += "\n" + summary_line() + "\n";
        return out;
    }

    void add_case(std::string& out, const MatrixCase& one, const Judged& judged) const {
        const auto colour = replay_.context.colour_of_out();
        const auto outcome = judged.verdict.outcome;
        // Of the full matrix only what went wrong is worth a line each.
        if (one.optional_case && outcome == CaseOutcome::right && replay_.context.output.verbose == 0) return;
        const auto paint = outcome == CaseOutcome::right       ? Paint::green
                           : outcome == CaseOutcome::tolerated ? Paint::yellow
                                                               : Paint::red;
        out += "  " + diagnosis::paint(padded(std::string(name_of(outcome)), 10), paint, colour) + " " +
               padded(status_of(judged.answer), 4) + " " + padded(one.name, 28) + " " +
               (outcome == CaseOutcome::right ? "" : std::string("wants ") + class_of(one.right) + ": ") +
               one.title + "\n";
        if (!judged.verdict.remark.empty())
            out += "             " + visible(judged.verdict.remark) +
                   (judged.verdict.finding ? " (" + judged.verdict.finding->code + ")" : "") + "\n";
        if (outcome == CaseOutcome::wrong || replay_.context.output.verbose > 0)
            out += answer_body_lines(replay_, judged.answer);
    }

    // What each kind of fault means, once; where all of them have one cause that was told, that is enough.
    void add_meanings(std::string& out) const {
        if (!findings_.empty()) return;
        std::vector<std::string> told;
        for (const auto& one : judged_) {
            if (!one.verdict.finding) continue;
            const auto& finding = *one.verdict.finding;
            if (std::find(told.begin(), told.end(), finding.code) != told.end()) continue;
            told.push_back(finding.code);
            const auto* entry = diagnosis::find_entry(finding.code);
            if (entry == nullptr) continue;
            out += "\n" + diagnosis::paint(finding.code, Paint::bold, replay_.context.colour_of_out()) +
                   ": " + std::string(entry->title) + "\n  " + wrap_text(entry->fix, 100, "  ") + "\n";
        }
        if (!told.empty()) out += "\nmore on each: callchain explain CODE\n";
    }

    [[nodiscard]] std::string summary_line() const {
        std::string line = wrong() == 0 && judged_.size() == cases_.size() ? "PASSED: " : "FAILED: ";
        line += std::to_string(count(CaseOutcome::right)) + " right, " +
                std::to_string(count(CaseOutcome::tolerated)) + " tolerated, " +
                std::to_string(count(CaseOutcome::wrong)) + " wrong, " +
                std::to_string(count(CaseOutcome::unanswered)) + " unanswered";
        if (judged_.size() < cases_.size())
            line += ", " + std::to_string(cases_.size() - judged_.size()) + " not sent: " +
                    (interrupted_ ? "interrupted"
                     : silent()   ? "the receiver does not answer"
                                  : "--max-time was up");
        const auto hidden = static_cast<std::size_t>(std::count_if(
            cases_.begin(), cases_.end(), [](const MatrixCase& one) { return one.optional_case; }));
        if (hidden > 0 && replay_.context.output.verbose == 0)
            line += " (altered bodies that were refused are not listed; -v lists them)";
        return line;
    }

    [[nodiscard]] Json json() const {
        Json document{{"schema", "callchain.replay-webhook/1"},
                      {"tool_version", CALLCHAIN_VERSION},
                      {"mode", "matrix"},
                      {"matrix", replay_.options.matrix},
                      {"to", shown_url(replay_.options.to)},
                      {"sent", true},
                      {"secret", replay_.secrets.front().label},
                      {"passed", wrong() == 0 && judged_.size() == cases_.size()},
                      {"summary",
                       {{"cases", cases_.size()},
                        {"right", count(CaseOutcome::right)},
                        {"tolerated", count(CaseOutcome::tolerated)},
                        {"wrong", count(CaseOutcome::wrong)},
                        {"unanswered", count(CaseOutcome::unanswered)},
                        {"not_sent", cases_.size() - judged_.size()}}},
                      {"findings", Json::array()},
                      {"cases", Json::array()}};
        for (const auto& finding : findings_)
            document["findings"].push_back(diagnosis::finding_json(finding));
        for (std::size_t i = 0; i < judged_.size(); ++i)
            document["cases"].push_back(case_json(cases_[i], judged_[i]));
        return document;
    }

    [[nodiscard]] Json case_json(const MatrixCase& one, const Judged& judged) const {
        const auto& verdict = judged.verdict;
        Json json{{"name", one.name},
                  {"title", one.title},
                  {"right", class_of(one.right)},
                  {"outcome", std::string(name_of(verdict.outcome))},
                  {"remark", verdict.remark.empty() ? Json(nullptr) : Json(visible(verdict.remark))},
                  {"finding", verdict.finding ? diagnosis::finding_json(*verdict.finding) : Json(nullptr)}};
        add_answer(json, replay_, judged.answer);
        return json;
    }

    [[nodiscard]] diagnosis::CiReport report() const {
        diagnosis::CiReport report;
        report.suite = "callchain replay-webhook --matrix";
        report.subject = shown_url(replay_.options.to);
        for (const auto& finding : findings_) report.remarks.push_back(finding.code + ": " + finding.detail);
        for (std::size_t i = 0; i < judged_.size(); ++i) {
            const auto& verdict = judged_[i].verdict;
            const bool failed =
                verdict.outcome == CaseOutcome::wrong || verdict.outcome == CaseOutcome::unanswered;
            diagnosis::CiResult result;
            result.name = cases_[i].name;
            result.title = cases_[i].title;
            result.state = failed ? diagnosis::CiResult::State::failed : diagnosis::CiResult::State::passed;
            result.wanted = class_of(cases_[i].right);
            result.got = status_of(judged_[i].answer);
            result.message =
                verdict.finding ? verdict.finding->code + ": " + verdict.finding->detail : verdict.remark;
            // Where the answers have one cause that was told, each single one would only lead astray.
            if (failed && !findings_.empty())
                result.message = "a consequence of " + findings_.front().code;
            else if (const auto* entry =
                         verdict.finding ? diagnosis::find_entry(verdict.finding->code) : nullptr)
                result.detail = std::string(entry->fix) + "\n";
            if (failed) result.detail += answer_body_lines(replay_, judged_[i].answer);
            result.duration = judged_[i].answer.duration;
            report.results.push_back(std::move(result));
        }
        return report;
    }

    Replay& replay_;
    ProgressLine progress_;
    std::vector<MatrixCase> cases_;
    std::vector<Judged> judged_;
    std::vector<diagnosis::Finding> findings_;
    std::chrono::steady_clock::time_point built_at_;
    bool interrupted_ = false;
};

}  // namespace

std::vector<MatrixCase> matrix_cases(Replay& replay) {
    const auto key = signature::read_secret(replay.secrets.front().text);
    diagnosis::MatrixMaterial material{replay.prepared.front().delivery,
                                       crypto::HmacKey(crypto::HashAlgorithm::sha256, key->bytes),
                                       std::chrono::floor<std::chrono::seconds>(replay.context.clock.now())};
    material.full = replay.options.matrix == "full";
    return diagnosis::receiver_matrix(material, replay.ids);
}

Result<int> replay_matrix(Replay& replay) { return Matrix(replay).run(); }

}  // namespace callchain::cli
