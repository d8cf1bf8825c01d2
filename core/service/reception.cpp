#include "service/reception.hpp"

#include "base/text.hpp"

#include <utility>

namespace callchain::service {
namespace {

using std::chrono::steady_clock;

// Beyond that a flood is under way, and its causes are left to verify-sig.
constexpr std::size_t kMostDiagnosedBehind = 16;

http::Response text_response(int status, std::string_view text) {
    return {status, "text/plain; charset=utf-8", std::string(text) + "\n", {}};
}

http::Response busy_response(std::string_view why) {
    auto response = text_response(503, why);
    response.headers = {{"Retry-After", "1"}};
    return response;
}

std::string_view sentence_on(const Judgement& judgement) {
    switch (judgement.verdict) {
        case Judgement::Verdict::valid:
            return "the signature is valid";
        case Judgement::Verdict::invalid:
            return "the signature is not valid here";
        case Judgement::Verdict::no_signature:
            return "the request is not signed";
        case Judgement::Verdict::no_secret:
            break;
    }
    return "the signature was not checked";
}

}  // namespace

struct Reception::Taken {
    http::Request request;
    http::Responder responder;
    steady_clock::time_point begin;
    DeliveryReport report;
};

Reception::Reception(ReceptionSettings settings, DeliveryJudge judge,
                     std::unique_ptr<observe::CaptureStore> store, Tells tells,
                     std::function<void()> on_enough)
    : settings_(std::move(settings)),
      judge_(std::move(judge)),
      store_(std::move(store)),
      tells_(std::move(tells)),
      on_enough_(std::move(on_enough)) {
    if (settings_.forward) forwarder_ = std::make_unique<Forwarder>(*settings_.forward);
}

void Reception::start() { jobs_.start(); }

Reception::~Reception() { stop(); }

void Reception::stop() {
    if (forwarder_) forwarder_->stop();
    jobs_.stop();
}

// Whether one more delivery is taken.
bool Reception::take(std::size_t bytes) {
    const auto deliveries = under_way_.fetch_add(1) + 1;
    const auto all_bytes = bytes_under_way_.fetch_add(bytes) + bytes;
    if (deliveries <= kMostUnderWay && all_bytes <= kMostBytesUnderWay) {
        const auto before = taken_.fetch_add(1);
        if (settings_.most_deliveries == 0 || before < settings_.most_deliveries) return true;
    }
    leave(bytes);
    return false;
}

void Reception::leave(std::size_t bytes) {
    bytes_under_way_.fetch_sub(bytes);
    under_way_.fetch_sub(1);
}

void Reception::handle(http::Request request, http::Responder responder) {
    if (request.method == "CONNECT")
        return responder.send(text_response(405, "this is no proxy: CONNECT is not taken"));
    if (!take(request.body.size())) {
        responder.send(busy_response("no further delivery is taken now"));
        return remark("a delivery of " + request.peer +
                      " was answered 503 and not taken: too many at once, or --count is reached");
    }
    auto taken = std::make_shared<Taken>(
        Taken{std::move(request), std::move(responder), steady_clock::now(), DeliveryReport{}});
    auto& report = taken->report;
    report.received_at = taken->request.received_at;
    report.peer = taken->request.peer;
    report.judgement = judge_.check(taken->request);
    jobs_.add([this, taken] { record(*taken); });
    report.passed_on = forwarder_ && (report.judgement.passes() || settings_.forward_unverified);
    if (!report.passed_on) {
        const bool welcome = report.judgement.passes() || !judge_.has_secrets();
        return answer(taken, text_response(settings_.status.value_or(welcome ? 200 : 401),
                                           sentence_on(report.judgement)));
    }
    forwarder_->send(taken->request, [this, taken](Forwarded forwarded) {
        taken->report.upstream_status = forwarded.status;
        taken->report.upstream_failure = std::move(forwarded.failure);
        answer(taken, std::move(forwarded.response));
    });
}

void Reception::answer(const std::shared_ptr<Taken>& taken, http::Response response) {
    taken->report.status = response.status;
    taken->responder.send(std::move(response));
    taken->report.duration =
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - taken->begin);
    jobs_.add([this, taken] { tell(*taken); });
}

// On the thread of ours, as all below; in front of tell() for the same delivery.
void Reception::record(Taken& taken) {
    const auto capture = capture_of(taken.request);
    auto written = store_->write(webhook::write_capture(capture), taken.request.received_at);
    taken.report.file = std::move(written.name);
    taken.report.not_recorded = std::move(written.why);
    taken.report.summary = webhook::summarize_capture(capture);
}

void Reception::tell(Taken& taken) {
    if (jobs_.waiting() <= kMostDiagnosedBehind) judge_.explain(taken.request, taken.report.judgement);
    const bool goes_on = tells_.delivery(std::move(taken.report));
    leave(taken.request.body.size());
    if (++told_ == settings_.most_deliveries || !goes_on) on_enough_();
}

void Reception::note_refused(int status, const std::string& peer) {
    remark("a request of " + peer + " was refused with " + std::to_string(status) + " " +
           std::string(http::reason_phrase(status)) + ", and not recorded");
}

void Reception::remark(std::string text) {
    {
        const std::lock_guard lock(mutex_);
        const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
        if (!remarks_.take(now)) {
            ++remarks_left_out_;
            return;
        }
        if (const auto left_out = std::exchange(remarks_left_out_, 0); left_out > 0)
            text += " (" + count_of(left_out, "such line") + " left out before)";
    }
    jobs_.add([this, text = std::move(text)] { tells_.remark(text); });
}

}  // namespace callchain::service
