#include "listen_output.hpp"

#include "base/internet_time.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "diagnosis/render.hpp"
#include "json_output.hpp"

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>
#include <poll.h>
#include <unistd.h>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using service::DeliveryReport;
using service::Judgement;

constexpr std::size_t kMostShown = 200;
constexpr int kReaderPollMs = 100;

std::string in_ms(std::chrono::microseconds duration) {
    return with_thousands(
               static_cast<std::uint64_t>(std::chrono::round<std::chrono::milliseconds>(duration).count())) +
           " ms";
}

Json document(const char* type) {
    return {{"schema", "callchain.listen/1"}, {"tool_version", CALLCHAIN_VERSION}, {"type", type}};
}

const char* word_of(Judgement::Scheme scheme) {
    return scheme == Judgement::Scheme::twilio ? "twilio" : "standard";
}

}  // namespace

void ListenOutput::print_ready(const ListenPlaces& places) {
    if (context_.output.json) {
        auto json = document("ready");
        json["listen"] = places.url;
        json["captures"] = visible(places.captures);
        if (!places.forward_to.empty()) json["forward_to"] = places.forward_to;
        return put(json_line(json));
    }
    std::string line = "ready listen=" + places.url + " captures=" + visible(places.captures);
    if (!places.forward_to.empty()) line += " forward_to=" + places.forward_to;
    put(line);
}

bool ListenOutput::print(const DeliveryReport& report) {
    ++told_;
    if (report.judgement.passes()) ++valid_;
    put(context_.output.json ? json_of(report) : line_of(report));
    if (!report.judgement.detail.empty())
        context_.detail(report.file + ": " + shown(report.judgement.detail, 2 * kMostShown));
    // A full disk stays full for a while: once is enough beside the lines.
    const bool is_first = !std::exchange(told_disk_, report.file.empty());
    if (report.file.empty() && is_first) print_remark("deliveries are not recorded: " + report.not_recorded);
    return !closed_;
}

void ListenOutput::print_remark(const std::string& text) {
    context_.say("callchain: listen: " + known_.withhold(visible(text)));
}

// False where nobody reads, and we are about to end.
bool ListenOutput::wait_for_reader() const {
    while (true) {
        struct pollfd waiting {
            STDOUT_FILENO, POLLOUT, 0
        };
        // A reader that went away counts as well: writing then tells so.
        const bool leaving = leaving_;
        if (::poll(&waiting, 1, leaving ? 0 : kReaderPollMs) > 0) return true;
        if (leaving) return false;
    }
}

void ListenOutput::put(const std::string& line) {
    if (closed_ || !wait_for_reader()) return;
    errno = 0;
    context_.out << line << std::endl;  // scripts wait for it
    if (context_.out) return;
    closed_ = true;
    // Who closes a pipe has seen enough. Of anything else main() tells.
    if (errno == EPIPE) context_.out.clear();
}

std::string ListenOutput::shown(std::string_view text, std::size_t most) const {
    return safe_excerpt(known_.withhold(webhook::mask_telephone_numbers(text)), most);
}

std::string ListenOutput::verdict_in_words(const DeliveryReport& report) const {
    const auto& judgement = report.judgement;
    const auto colour = context_.colour_of_out();
    const auto label = judgement.label.empty() ? std::string() : " (" + visible(judgement.label) + ")";
    switch (judgement.verdict) {
        case Judgement::Verdict::valid:
            return diagnosis::paint("valid", diagnosis::Paint::green, colour) + label;
        case Judgement::Verdict::invalid:
            return diagnosis::paint("invalid: " + join(judgement.codes, ", "), diagnosis::Paint::red,
                                    colour) +
                   (judgement.proved ? ", proved" : "") + label;
        case Judgement::Verdict::no_signature:
            return "no signature";
        case Judgement::Verdict::no_secret:
            break;
    }
    return judgement.scheme == Judgement::Scheme::twilio ? "no auth token given" : "no secret given";
}

std::string ListenOutput::answer_in_words(const DeliveryReport& report) const {
    const auto status = std::to_string(report.status);
    if (!report.passed_on) return "answered " + status;
    auto words = "passed on " +
                 (report.judgement.passes()
                      ? std::string()
                      : diagnosis::paint("UNVERIFIED ", diagnosis::Paint::red, context_.colour_of_out())) +
                 status;
    if (!report.upstream_failure.empty()) words += " (" + shown(report.upstream_failure, kMostShown) + ")";
    return words;
}

std::string ListenOutput::line_of(const DeliveryReport& report) const {
    const auto& summary = report.summary;
    const auto file = report.file.empty()
                          ? "not recorded: " + visible_excerpt(report.not_recorded, kMostShown)
                          : report.file;
    return join({write_rfc3339(report.received_at),
                 visible_excerpt(summary.method, kMostShown) + " " + shown(summary.target, kMostShown),
                 count_of(summary.body_length, "byte"), shown(summary.event.type.value_or("-"), kMostShown),
                 verdict_in_words(report), answer_in_words(report), in_ms(report.duration), file},
                "  ");
}

std::string ListenOutput::json_of(const DeliveryReport& report) const {
    const auto& summary = report.summary;
    const auto& judgement = report.judgement;
    const auto shown_or_null = [this](const std::optional<std::string>& text) {
        return text ? Json(shown(*text, kMostShown)) : Json(nullptr);
    };
    const bool is_signed = judgement.scheme != Judgement::Scheme::none;
    auto json = document("delivery");
    json["time"] = write_rfc3339(report.received_at);
    json["peer"] = report.peer;
    json["method"] = visible_excerpt(summary.method, kMostShown);
    json["target"] = shown(summary.target, kMostShown);
    json["webhook_id"] = shown_or_null(summary.webhook_id);
    json["body"] = {{"length", summary.body_length}, {"sha256", summary.body_sha256}};
    json["event"] = {{"type", shown_or_null(summary.event.type)},
                     {"id", shown_or_null(summary.event.id)},
                     {"call_id", shown_or_null(summary.event.call())}};
    json["verdict"] = service::name_of(judgement.verdict);
    json["scheme"] = is_signed ? Json(word_of(judgement.scheme)) : Json(nullptr);
    json["secret"] = text_or_null(visible(judgement.label));
    json["codes"] = judgement.codes;
    json["proved"] = judgement.proved;
    json["detail"] = text_or_null(shown(judgement.detail, 2 * kMostShown));
    json["status"] = report.status;
    json["duration_ms"] = static_cast<double>(report.duration.count()) / 1000.0;
    json["passed_on"] = report.passed_on;
    json["upstream_status"] = report.upstream_status ? Json(*report.upstream_status) : Json(nullptr);
    json["upstream_failure"] = text_or_null(shown(report.upstream_failure, 2 * kMostShown));
    json["file"] = text_or_null(report.file);
    json["not_recorded"] = text_or_null(visible_excerpt(report.not_recorded, kMostShown));
    return json_line(json);
}

}  // namespace callchain::cli
