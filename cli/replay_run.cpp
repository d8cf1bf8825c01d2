/// replay-webhook without --matrix and --compare: deliveries to one receiver, once or many times.
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/render.hpp"
#include "http/url.hpp"
#include "progress.hpp"
#include "replay_options.hpp"
#include "service/replay_driver.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::microseconds;

// Deliveries that are shown one by one; of a longer run those that were not answered as expected.
constexpr std::size_t kMostShown = 20;
constexpr std::size_t kMostInJson = 1'000;

// One delivery that is told of.
struct Told {
    std::size_t number = 0;
    std::size_t source = 0;
    webhook::Delivery delivery;  // without its body
    ReplayAnswer answer;
    bool expected = false;
};

struct Totals {
    std::size_t answered = 0;
    std::size_t expected = 0;
    std::size_t failed = 0;
    std::map<int, std::size_t> statuses;
    std::vector<microseconds> durations;  // of answers
    std::size_t begun = 0;
    bool out_of_time = false;
    bool interrupted = false;
    std::chrono::milliseconds elapsed{};
    [[nodiscard]] std::size_t unexpected() const { return answered - expected - failed; }
};

microseconds quantile(const std::vector<microseconds>& sorted, std::size_t per_thousand) {
    const auto index = (sorted.size() * per_thousand + 999) / 1000;
    return sorted[std::min(sorted.size() - 1, index == 0 ? 0 : index - 1)];
}

double in_ms(microseconds duration) { return static_cast<double>(duration.count()) / 1000.0; }

std::string short_ms(microseconds duration) {
    const auto tenths = duration.count() / 100;
    return with_thousands(static_cast<std::uint64_t>(tenths / 10)) + "." + std::to_string(tenths % 10) +
           " ms";
}

class Run {
  public:
    explicit Run(Replay& replay) : replay_(replay), progress_(replay.context) {
        total_ = replay.prepared.size() * static_cast<std::size_t>(replay.options.repeat);
        one_by_one_ = total_ <= kMostShown;
    }

    Result<int> run() {
        send();
        progress_.clear();
        std::sort(told_.begin(), told_.end(),
                  [](const Told& a, const Told& b) { return a.number < b.number; });
        std::sort(totals_.durations.begin(), totals_.durations.end());
        const auto reported = print_and_report(replay_, text(), json(), report());
        if (!replay_.context.output.json) tell_hints();
        tell_failure();
        return with_report(replay_, reported, exit_code());
    }

  private:
    void send() {
        http::Loop loop;
        auto settings = replay_client(replay_.options);
        settings.most_connections_per_host = static_cast<std::size_t>(replay_.options.concurrency);
        http::Client client(settings);
        service::ReplayShape shape;
        shape.count = total_;
        shape.concurrency = static_cast<std::size_t>(replay_.options.concurrency);
        if (replay_.options.rate > 0) shape.per_second = replay_.options.rate;
        shape.most_time = std::chrono::seconds{replay_.options.max_time_s};
        const auto started = std::chrono::steady_clock::now();
        service::ReplayDriver driver(
            loop, service::sender_of(client), shape, [this](std::size_t number) { return make(number); },
            [this](std::size_t number, http::ClientResult result) { take(number, std::move(result)); },
            [&loop] { loop.stop(); });
        const auto first_look = loop.after(ProgressLine::kFirstLook, [this] { show_progress(); });
        driver.start();
        totals_.interrupted = !run_until_interrupted(loop);
        totals_.elapsed =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
        totals_.begun = driver.begun();
        totals_.out_of_time = driver.out_of_time();
        client.stop();
    }

    http::ClientRequest make(std::size_t number) {
        auto& prepared = replay_.prepared[number % replay_.prepared.size()];
        auto delivery = sign_now(replay_, prepared);
        auto request = request_for(replay_, replay_.options.to, delivery);
        // The request has a copy of the body, and that is enough.
        delivery.body = {};
        under_way_[number] = {std::move(delivery), std::chrono::steady_clock::now()};
        return request;
    }

    void take(std::size_t number, http::ClientResult result) {
        const auto node = under_way_.extract(number);
        auto& sent = node.mapped();
        auto answer = keep_answer(replay_, std::move(result), sent.at);
        const auto* response = answer.response();
        const bool expected = response != nullptr && replay_.expected.holds(response->status);
        ++totals_.answered;
        if (expected) ++totals_.expected;
        if (response == nullptr) {
            ++totals_.failed;
        } else {
            ++totals_.statuses[response->status];
            totals_.durations.push_back(answer.duration);
        }
        // What is told of a long run is what went wrong, and its first deliveries.
        if (told_.size() < kMostInJson && (one_by_one_ || !expected || number < kMostShown))
            told_.push_back({number, number % replay_.prepared.size(), std::move(sent.delivery),
                             std::move(answer), expected});
        show_progress();
    }

    void show_progress() {
        std::string line = "replay-webhook: " + with_thousands(totals_.answered) + " of " +
                           with_thousands(total_) + " answered";
        if (totals_.unexpected() + totals_.failed > 0)
            line += ", " + with_thousands(totals_.unexpected() + totals_.failed) + " not as expected";
        progress_.show(line);
    }

    [[nodiscard]] std::string signed_line(const Told& told) const {
        const auto& prepared = replay_.prepared[told.source];
        if (replay_.options.as_is) {
            const auto& stale = prepared.staleness;
            std::string line = "as recorded";
            if (stale.scheme == webhook::Staleness::Scheme::standard && !stale.age)
                line += ", its timestamp is no time";
            if (stale.age)
                line += ", signed " + duration_of(*stale.age) + (stale.age->count() < 0 ? " ahead" : " ago");
            return line;
        }
        std::string labels;
        for (const auto& secret : replay_.secrets)
            labels += (labels.empty() ? "" : " and ") + std::string("\"") +
                      visible_excerpt(secret.label, 60) + "\"";
        return std::string(told.delivery.headers.find("webhook-id").value_or("")) +
               (replay_.options.keep_id ? " (as recorded)" : "") + ", signed now with " + labels;
    }

    void add_told(std::string& out, const Told& told) const {
        const auto colour = replay_.context.colour_of_out();
        const auto& prepared = replay_.prepared[told.source];
        out += prepared.source + " to " + shown_url(url_for(replay_.options.to, told.delivery)) + "\n";
        out +=
            "  " + visible(signed_line(told)) + ", " + count_of(prepared.delivery.body.size(), "byte") + "\n";
        const auto paint = told.expected ? diagnosis::Paint::green : diagnosis::Paint::red;
        out += "  " + diagnosis::paint(answer_line(told.answer), paint, colour) +
               (told.expected ? "" : ", expected " + replay_.expected.text()) + "\n";
        out += answer_body_lines(replay_, told.answer);
    }

    [[nodiscard]] std::string statuses_in_words() const {
        std::vector<std::string> parts;
        for (const auto& [status, count] : totals_.statuses)
            parts.push_back(with_thousands(count) + " times " + std::to_string(status));
        if (totals_.failed > 0) parts.push_back(with_thousands(totals_.failed) + " times no answer");
        return parts.empty() ? "nothing was answered" : join(parts, ", ");
    }

    [[nodiscard]] std::string text() const {
        std::string out;
        std::size_t shown = 0;
        for (const auto& told : told_) {
            if (!one_by_one_ && told.expected) continue;
            if (shown++ == kMostShown) break;
            add_told(out, told);
        }
        if (total_ == 1 && totals_.answered == 1) return out;
        out += count_of(totals_.answered, "delivery", "deliveries") + " in " + short_ms(totals_.elapsed) +
               ": " + statuses_in_words() + "\n";
        if (!totals_.durations.empty() && total_ > 1) {
            const auto& sorted = totals_.durations;
            out += "  time to the answer: median " + short_ms(quantile(sorted, 500)) + ", 95 % " +
                   short_ms(quantile(sorted, 950)) + ", 99 % " + short_ms(quantile(sorted, 990)) +
                   ", longest " + short_ms(sorted.back()) + "\n";
        }
        if (totals_.answered < total_)
            out += "  " + with_thousands(total_ - totals_.answered) + " were not sent or not waited for: " +
                   (totals_.interrupted ? "interrupted" : "--max-time was up") + "\n";
        return out;
    }

    [[nodiscard]] Json told_json(const Told& told) const {
        const auto& prepared = replay_.prepared[told.source];
        const auto header = [&](std::string_view name) {
            const auto value = told.delivery.headers.find(name);
            return value ? Json(visible(*value)) : Json(nullptr);
        };
        Json json{{"number", told.number + 1},
                  {"source", prepared.source},
                  {"url", shown_url(url_for(replay_.options.to, told.delivery))},
                  {"webhook_id", header("webhook-id")},
                  {"webhook_timestamp", header("webhook-timestamp")},
                  {"signed", !replay_.options.as_is},
                  {"age_seconds", replay_.options.as_is && prepared.staleness.age
                                      ? Json(prepared.staleness.age->count())
                                      : Json(nullptr)},
                  {"body", {{"length", prepared.delivery.body.size()}, {"sha256", prepared.body_sha256}}},
                  {"left_out", prepared.left_out},
                  {"expected", told.expected}};
        add_answer(json, replay_, told.answer);
        return json;
    }

    [[nodiscard]] Json summary_json() const {
        Json json{{"deliveries", total_},
                  {"answered", totals_.answered - totals_.failed},
                  {"expected", totals_.expected},
                  {"unexpected", totals_.unexpected()},
                  {"failed", totals_.failed},
                  {"statuses", Json::object()},
                  {"duration_ms", nullptr},
                  {"elapsed_ms", totals_.elapsed.count()},
                  {"ended_early", totals_.interrupted   ? Json("interrupted")
                                  : totals_.out_of_time ? Json("max_time")
                                                        : Json(nullptr)}};
        for (const auto& [status, count] : totals_.statuses) json["statuses"][std::to_string(status)] = count;
        if (!totals_.durations.empty()) {
            const auto& sorted = totals_.durations;
            json["duration_ms"] = {{"shortest", in_ms(sorted.front())},
                                   {"median", in_ms(quantile(sorted, 500))},
                                   {"p95", in_ms(quantile(sorted, 950))},
                                   {"p99", in_ms(quantile(sorted, 990))},
                                   {"longest", in_ms(sorted.back())}};
        }
        return json;
    }

    [[nodiscard]] Json json() const {
        Json document{{"schema", "callchain.replay-webhook/1"},
                      {"tool_version", CALLCHAIN_VERSION},
                      {"mode", "replay"},
                      {"to", shown_url(replay_.options.to)},
                      {"sent", totals_.begun > 0},
                      {"expect", replay_.expected.text()},
                      {"summary", summary_json()},
                      {"deliveries", Json::array()},
                      {"deliveries_left_out", totals_.answered - told_.size()}};
        for (const auto& told : told_) document["deliveries"].push_back(told_json(told));
        return document;
    }

    [[nodiscard]] diagnosis::CiReport report() const {
        diagnosis::CiReport report;
        report.suite = "callchain replay-webhook";
        report.subject = shown_url(replay_.options.to);
        if (totals_.answered > told_.size())
            report.remarks.push_back(count_of(totals_.answered - told_.size(), "delivery", "deliveries") +
                                     " that were answered as expected are not listed");
        for (const auto& told : told_) {
            diagnosis::CiResult result;
            result.name = "delivery " + std::to_string(told.number + 1);
            result.title = replay_.prepared[told.source].source;
            result.state =
                told.expected ? diagnosis::CiResult::State::passed : diagnosis::CiResult::State::failed;
            result.wanted = replay_.expected.text();
            result.got = told.answer.response() == nullptr ? "no answer"
                                                           : std::to_string(told.answer.response()->status);
            if (!told.expected) result.message = answer_line(told.answer);
            result.detail = answer_body_lines(replay_, told.answer);
            result.duration = told.answer.duration;
            report.results.push_back(std::move(result));
        }
        return report;
    }

    // What an answer that was not expected means; the same for all of its kind.
    void tell_hints() const {
        std::set<std::string> said;
        for (const auto& told : told_) {
            const auto* response = told.answer.response();
            if (told.expected || response == nullptr) continue;
            const auto hint = hint_on(told, response->status);
            if (!hint.empty() && said.insert(hint).second) replay_.context.say("hint: " + hint);
        }
    }

    // The first delivery that was not answered stands for all.
    void tell_failure() const {
        const auto first = std::find_if(told_.begin(), told_.end(),
                                        [](const Told& told) { return told.answer.failure() != nullptr; });
        if (first == told_.end()) return;
        const auto& failure = *first->answer.failure();
        auto message = failure.message;
        if (totals_.failed > 1)
            message += " (" + with_thousands(totals_.failed) + " deliveries without an answer)";
        replay_.context.report_failure(kNetwork, message, hint_on_failure(failure));
    }

    [[nodiscard]] std::string hint_on(const Told& told, int status) const {
        const auto& stale = replay_.prepared[told.source].staleness;
        if (status >= 300 && status < 400)
            return "a redirect is a failed delivery: OpenAI does not follow it, and neither does this "
                   "command; "
                   "give the sender the address that it leads to";
        if (status == 404 || status == 405)
            return "the receiver has no such path, or takes no " + told.delivery.method +
                   " there: check --to";
        if (status == 429) return "the receiver limits the rate: slow down with --rate";
        if (status >= 600) return "that is no status of HTTP's: is this port one of a web server?";
        if (status >= 500)
            return "the receiver failed; OpenAI would deliver again, for up to 72 hours. Its log says why";
        if (status < 400) return {};
        if (replay_.options.as_is && stale.age && std::chrono::abs(*stale.age) > std::chrono::seconds{300})
            return "an honest receiver refuses a delivery that is older than 300 seconds; without --as-is it "
                   "is "
                   "signed afresh";
        return "the receiver refused it: it holds another secret, its clock is off, or something in front of "
               "it "
               "alters the body; callchain verify-sig --log with its log names the cause";
    }

    [[nodiscard]] int exit_code() const {
        if (totals_.interrupted) return kInterrupted;
        if (totals_.failed > 0 || totals_.out_of_time) return kNetwork;
        return totals_.expected == totals_.answered ? kDone : kNo;
    }

    struct UnderWay {
        webhook::Delivery delivery;
        std::chrono::steady_clock::time_point at;
    };

    Replay& replay_;
    ProgressLine progress_;
    std::size_t total_ = 0;
    bool one_by_one_ = true;
    std::map<std::size_t, UnderWay> under_way_;
    std::vector<Told> told_;
    Totals totals_;
};

}  // namespace

Result<int> replay_deliveries(Replay& replay) { return Run(replay).run(); }

}  // namespace callchain::cli
