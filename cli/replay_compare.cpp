/// replay-webhook --compare: the same deliveries to two receivers.
#include "base/text.hpp"
#include "diagnosis/receiver_comparison.hpp"
#include "diagnosis/render.hpp"
#include "progress.hpp"
#include "replay_options.hpp"
#include "service/replay_driver.hpp"
#include "webhook/diff.hpp"

#include <nlohmann/json.hpp>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using diagnosis::ComparedDelivery;

constexpr std::size_t kControlKeyBytes = 32;

// The same bytes, for both.
struct Probe {
    ComparedDelivery::Kind kind = ComparedDelivery::Kind::as_recorded;
    std::string label;
    webhook::Delivery delivery;
    std::vector<ReplayAnswer> answers;  // of A, then of B
};

const char* word_of(ComparedDelivery::Kind kind) {
    switch (kind) {
        case ComparedDelivery::Kind::signed_by_secret:
            return "signed_by_secret";
        case ComparedDelivery::Kind::control:
            return "control";
        case ComparedDelivery::Kind::as_recorded:
            break;
    }
    return "as_recorded";
}

std::string words_of(const Probe& probe) {
    switch (probe.kind) {
        case ComparedDelivery::Kind::signed_by_secret:
            return "signed with \"" + visible_excerpt(probe.label, 60) + "\"";
        case ComparedDelivery::Kind::control:
            return "signed with a key that nobody has, as a control";
        case ComparedDelivery::Kind::as_recorded:
            break;
    }
    return "as recorded";
}

class Compare {
  public:
    explicit Compare(Replay& replay) : replay_(replay), progress_(replay.context) {
        if (replay.options.as_is) {
            add(ComparedDelivery::Kind::as_recorded, "", {});
        } else {
            for (std::size_t i = 0; i < replay.secrets.size(); ++i)
                add(ComparedDelivery::Kind::signed_by_secret, replay.secrets[i].label,
                    std::span(&replay.keys[i], 1));
        }
        const crypto::HmacKey nobodys(crypto::HashAlgorithm::sha256, replay.ids.bytes(kControlKeyBytes));
        add(ComparedDelivery::Kind::control, "", std::span(&nobodys, 1));
    }

    Result<int> run() {
        send();
        progress_.clear();
        if (interrupted_) {
            replay_.context.say("callchain: replay-webhook: interrupted; nothing was compared");
            return kInterrupted;
        }
        judge();
        const auto reported = print_and_report(replay_, text(), json(), report());
        int code = comparison_.same ? kDone : kNo;
        if (!complete_ || one_side_is_silent()) code = kNetwork;
        return with_report(replay_, reported, code);
    }

  private:
    void add(ComparedDelivery::Kind kind, const std::string& label, std::span<const crypto::HmacKey> keys) {
        const auto& prepared = replay_.prepared.front();
        Probe probe{kind, label, prepared.delivery, {}};
        if (!keys.empty()) {
            const auto now = std::chrono::floor<std::chrono::seconds>(replay_.context.clock.now());
            webhook::sign_delivery(probe.delivery, keys,
                                   {replay_.options.keep_id && kind != ComparedDelivery::Kind::control
                                        ? prepared.recorded_id
                                        : replay_.ids.webhook_id(),
                                    std::to_string(now.time_since_epoch().count())});
        }
        probes_.push_back(std::move(probe));
    }

    [[nodiscard]] const std::string& side(std::size_t index) const {
        return index == 0 ? replay_.options.to : replay_.options.compare;
    }

    void send() {
        http::Loop loop;
        http::Client client(replay_client(replay_.options));
        service::ReplayShape shape;
        shape.count = probes_.size() * 2;
        if (replay_.options.rate > 0) shape.per_second = replay_.options.rate;
        shape.most_time = std::chrono::seconds{replay_.options.max_time_s};
        std::chrono::steady_clock::time_point began;
        service::ReplayDriver driver(
            loop, service::sender_of(client), shape,
            [&](std::size_t number) {
                began = std::chrono::steady_clock::now();
                return request_for(replay_, side(number % 2), probes_[number / 2].delivery);
            },
            [&](std::size_t number, http::ClientResult result) {
                probes_[number / 2].answers.push_back(keep_answer(replay_, std::move(result), began));
                progress_.show("replay-webhook: answer " + std::to_string(number + 1) + " of " +
                               std::to_string(probes_.size() * 2));
            },
            [&loop] { loop.stop(); });
        driver.start();
        interrupted_ = !run_until_interrupted(loop);
        client.stop();
        // Only --max-time can leave one without its answers; of what is left no more is said than it says.
        complete_ = !driver.out_of_time();
        std::erase_if(probes_, [](const Probe& probe) { return probe.answers.size() < 2; });
    }

    void judge() {
        for (const auto& probe : probes_)
            compared_.push_back({probe.label, probe.kind, receiver_answer(probe.answers[0]),
                                 receiver_answer(probe.answers[1])});
        comparison_ = diagnosis::compare_receivers(compared_, "A", "B");
        if (!complete_)
            comparison_.sentences.insert(comparison_.sentences.begin(),
                                         "--max-time was up before all was sent: what follows is a part.");
    }

    [[nodiscard]] bool one_side_is_silent() const {
        if (probes_.empty()) return true;
        for (const std::size_t index : {std::size_t{0}, std::size_t{1}}) {
            if (std::all_of(probes_.begin(), probes_.end(), [index](const Probe& probe) {
                    return probe.answers[index].response() == nullptr;
                }))
                return true;
        }
        return false;
    }

    // Where the bodies of the two answers part, in a few words. What is kept of them may be the start only.
    [[nodiscard]] static std::string body_difference(const Probe& probe) {
        const auto* a = probe.answers[0].response();
        const auto* b = probe.answers[1].response();
        if (a == nullptr || b == nullptr) return {};
        if (probe.answers[0].body_sha256 == probe.answers[1].body_sha256) return "the same answer body";
        const auto lengths = with_thousands(probe.answers[0].body_length) + " and " +
                             count_of(probe.answers[1].body_length, "byte");
        const auto difference = webhook::diff_bodies(a->body, b->body);
        if (difference.equal()) return "the answer bodies (" + lengths + ") differ behind what is shown";
        return "the answer bodies (" + lengths + ") part at byte " + with_thousands(*difference.first) +
               " of what is shown";
    }

    [[nodiscard]] std::string verdict_word() const {
        if (!complete_) return "NOT ALL WAS SENT";
        if (comparison_.same) return "SAME";
        const bool differs = std::any_of(compared_.begin(), compared_.end(), [](const ComparedDelivery& one) {
            return diagnosis::agreement_of(one) == diagnosis::Agreement::differs;
        });
        return differs ? "DIFFERENT" : "NOT DECIDED";
    }

    [[nodiscard]] std::string text() const {
        const auto colour = replay_.context.colour_of_out();
        std::string out;
        for (const std::size_t index : {std::size_t{0}, std::size_t{1}})
            out += std::string(index == 0 ? "A  " : "B  ") +
                   shown_url(url_for(side(index), replay_.prepared.front().delivery)) + "\n";
        out += replay_.prepared.front().source + "\n";
        for (const auto& probe : probes_) {
            out += "\n" + words_of(probe) + "\n";
            for (const std::size_t index : {std::size_t{0}, std::size_t{1}})
                out += std::string(index == 0 ? "  A  " : "  B  ") + answer_line(probe.answers[index]) +
                       "\n" + answer_body_lines(replay_, probe.answers[index]);
            if (const auto words = body_difference(probe); !words.empty()) out += "  " + words + "\n";
        }
        out += "\n" +
               diagnosis::paint(verdict_word(),
                                comparison_.same ? diagnosis::Paint::green : diagnosis::Paint::red, colour) +
               "\n";
        for (const auto& sentence : comparison_.sentences)
            out += "  " + wrap_text(sentence, 110, "  ") + "\n";
        for (const auto& finding : comparison_.findings)
            out += "\n" + diagnosis::finding_text(finding, colour);
        return out;
    }

    [[nodiscard]] Json json() const {
        Json document{{"schema", "callchain.replay-webhook/1"},
                      {"tool_version", CALLCHAIN_VERSION},
                      {"mode", "compare"},
                      {"to", shown_url(replay_.options.to)},
                      {"compare", shown_url(replay_.options.compare)},
                      {"sent", !probes_.empty()},
                      {"same", comparison_.same && complete_},
                      {"complete", complete_},
                      {"sentences", comparison_.sentences},
                      {"findings", Json::array()},
                      {"deliveries", Json::array()}};
        for (const auto& finding : comparison_.findings)
            document["findings"].push_back(diagnosis::finding_json(finding));
        for (const auto& probe : probes_) {
            Json entry{{"kind", word_of(probe.kind)},
                       {"secret", probe.label.empty() ? Json(nullptr) : Json(probe.label)},
                       {"webhook_id", visible(probe.delivery.headers.find("webhook-id").value_or(""))},
                       {"a", Json::object()},
                       {"b", Json::object()}};
            add_answer(entry["a"], replay_, probe.answers[0]);
            add_answer(entry["b"], replay_, probe.answers[1]);
            document["deliveries"].push_back(std::move(entry));
        }
        return document;
    }

    [[nodiscard]] diagnosis::CiReport report() const {
        diagnosis::CiReport report;
        report.suite = "callchain replay-webhook --compare";
        report.subject = shown_url(replay_.options.to) + " and " + shown_url(replay_.options.compare);
        report.remarks = comparison_.sentences;
        for (const auto& probe : probes_) {
            const auto status = [&](std::size_t index) {
                const auto* response = probe.answers[index].response();
                return response == nullptr ? std::string("none") : std::to_string(response->status);
            };
            diagnosis::CiResult result;
            result.name = probe.label.empty() ? word_of(probe.kind) : probe.label;
            result.title = words_of(probe);
            const auto agreement =
                diagnosis::agreement_of(compared_[static_cast<std::size_t>(&probe - probes_.data())]);
            result.state = agreement == diagnosis::Agreement::same ? diagnosis::CiResult::State::passed
                                                                   : diagnosis::CiResult::State::failed;
            result.wanted = "the same class from both";
            result.got = "A " + status(0) + ", B " + status(1);
            if (agreement == diagnosis::Agreement::differs)
                result.message = "one accepts it and the other refuses it";
            if (agreement == diagnosis::Agreement::undecided)
                result.message = "not decided: an answer neither accepts nor refuses";
            result.duration = probe.answers[0].duration + probe.answers[1].duration;
            report.results.push_back(std::move(result));
        }
        return report;
    }

    Replay& replay_;
    ProgressLine progress_;
    std::vector<Probe> probes_;
    std::vector<ComparedDelivery> compared_;
    diagnosis::Comparison comparison_;
    bool complete_ = true;
    bool interrupted_ = false;
};

}  // namespace

Result<int> replay_comparison(Replay& replay) { return Compare(replay).run(); }

}  // namespace callchain::cli
