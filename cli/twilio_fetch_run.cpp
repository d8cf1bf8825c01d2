#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "http/loop.hpp"
#include "signature/known_secrets.hpp"
#include "twilio_fetch.hpp"
#include "webhook/capture_summary.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace callchain::cli {
namespace {

using encoding::JsonValue;
using twilio::CallNotice;
using twilio::FetchOutcome;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr std::size_t kMostPages = 20;
constexpr std::size_t kMostLegs = 20;
constexpr std::size_t kMostDetails = 50;
constexpr std::size_t kMostAnswerBytes = std::size_t{16} << 20U;
constexpr seconds kRecently{60};
// Notifications come seconds behind the call: the tries with --wait, after the first one.
constexpr std::array kWaits{seconds{5}, seconds{10}};
// Alerts have no filter for a call, but one for times.
constexpr std::chrono::minutes kAround{5};

struct Reply {
    FetchOutcome outcome = FetchOutcome::network_failure;
    int status = 0;
    twilio::FetchError error;
    std::string failure;
    bool nothing_was_sent = false;
    std::string body;
    JsonValue document;
};

// Whatever answers may bring back what it was asked with.
Reply reply_of(http::ClientResult&& result, const signature::KnownSecrets& known) {
    Reply reply;
    if (const auto* failure = std::get_if<http::ClientFailure>(&result)) {
        reply.failure = failure->message;
        reply.nothing_was_sent = failure->nothing_was_sent();
        return reply;
    }
    auto& response = std::get<http::ClientResponse>(result);
    // Half a document is of no use, and searching it costs ten times its size.
    response.body = response.body_cut ? std::string() : known.withhold(response.body);
    reply.status = response.status;
    reply.error = twilio::read_fetch_error(response.status >= 400 ? response.body : "");
    reply.outcome = twilio::outcome_of(response.status, reply.error.code);
    if (reply.outcome != FetchOutcome::done) return reply;
    auto document = encoding::parse_json_text(response.body);
    if (response.body_cut || !document) {
        reply.outcome = FetchOutcome::unexpected_answer;
        reply.failure = response.body_cut ? "the answer has more than 16 MiB"
                                          : "the answer is no JSON: " + document.error().message;
        return reply;
    }
    reply.body = std::move(response.body);
    reply.document = *std::move(document);
    return reply;
}

std::string why_of(const Reply& reply) {
    std::vector<std::string> parts;
    if (reply.status != 0) parts.push_back(std::to_string(reply.status));
    if (reply.error.code != 0) parts.push_back("Twilio's code " + std::to_string(reply.error.code));
    if (!reply.error.message.empty()) parts.push_back(webhook::mask_telephone_numbers(reply.error.message));
    if (!reply.failure.empty()) parts.push_back(reply.failure);
    return join(parts, ", ");
}

class Fetcher {
  public:
    Fetcher(const TwilioFetchPlan& plan, const TwilioFetchOptions& options, Context& context)
        : plan_(plan),
          options_(options),
          context_(context),
          client_(options_of(options.send)),
          known_(std::vector<signature::LabelledSecret>{
              {plan.account.secret_variable, plan.account.secret},
              {"Basic", encoding::to_base64(plan.account.user + ":" + plan.account.secret)}}) {}

    std::optional<Fetched> fetch() {
        const auto started = SteadyClock::now();
        if (fetch_call()) {
            fetch_legs();
            fetch_notifications();
            if (options_.wait) wait_for_notifications();
            fetch_exchanges();
            fetch_alerts();
        }
        if (interrupted_) return std::nullopt;
        out_.file.is_whole = out_.missing.empty();
        out_.duration = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - started);
        return std::move(out_);
    }

  private:
    static http::ClientOptions options_of(const SendOptions& send) {
        auto options = client_options(send);
        options.body_bytes = kMostAnswerBytes;
        return options;
    }

    Reply ask(const std::string& url) {
        http::Loop loop;
        Reply reply;
        context_.detail("GET " + visible_excerpt(url, 300));
        client_.send(fetch_request(plan_, url, options_.send), [&](http::ClientResult got) {
            loop.post([&, got = std::move(got)]() mutable {
                reply = reply_of(std::move(got), known_);
                loop.stop();
            });
        });
        if (!run_until_interrupted(loop)) {
            interrupted_ = true;
            client_.stop();
        }
        ++out_.requests;
        // Whoever is refused so is refused in everything else too.
        if (reply.outcome == FetchOutcome::network_failure ||
            reply.outcome == FetchOutcome::credential_refused || reply.outcome == FetchOutcome::rate_limited)
            given_up_ = true;
        return reply;
    }

    void keep(const char* what, const std::string& call_sid, const std::string& url, Reply& reply) {
        out_.resources.push_back({what, call_sid, url, std::move(reply.body)});
    }
    void miss(const char* what, const std::string& call_sid, const Reply& reply) {
        out_.missing.push_back({what, call_sid, reply.outcome, reply.status, why_of(reply)});
    }
    void miss(const char* what, const std::string& call_sid, FetchOutcome outcome, std::string why) {
        out_.missing.push_back({what, call_sid, outcome, 0, std::move(why)});
    }
    // Whether there is no point in asking; says so once for each part.
    bool leaves_out(const char* what, const std::string& call_sid) {
        if (interrupted_) return true;
        if (!given_up_) return false;
        miss(what, call_sid, FetchOutcome::done, "not asked for, after what was answered before");
        return true;
    }

    bool fetch_call() {
        auto reply = ask(plan_.first.url);
        auto call = twilio::read_call(reply.document);
        if (reply.outcome == FetchOutcome::done && (!call || call->sid != options_.call_sid)) {
            reply.outcome = FetchOutcome::unexpected_answer;
            reply.failure = call ? "the answer is about another call" : call.error().message;
        }
        out_.outcome = reply.outcome;
        out_.status = reply.status;
        out_.error = reply.error;
        out_.failure = reply.failure;
        out_.nothing_was_sent = reply.nothing_was_sent;
        if (reply.outcome != FetchOutcome::done) return false;
        out_.file.call = *std::move(call);
        keep("call", options_.call_sid, plan_.first.url, reply);
        return !interrupted_;
    }

    /// Page behind page; what came before a page that fails is kept.
    template <class T>
    void fetch_list(const char* what, const std::string& call_sid, const std::string& origin, std::string url,
                    const std::function<Result<twilio::Page<T>>(const JsonValue&)>& read,
                    const std::function<void(T&&)>& take) {
        if (leaves_out(what, call_sid)) return;
        std::set<std::string> seen;
        while (seen.insert(url).second) {
            auto reply = ask(url);
            if (interrupted_) return;
            if (reply.outcome != FetchOutcome::done) return miss(what, call_sid, reply);
            auto page = read(reply.document);
            if (!page) return miss(what, call_sid, FetchOutcome::unexpected_answer, page.error().message);
            keep(what, call_sid, url, reply);
            for (auto& item : page->items) take(std::move(item));
            if (page->next.empty()) return;
            const auto next = twilio::next_page_url(origin, page->next);
            if (!next) return miss(what, call_sid, FetchOutcome::unexpected_answer, next.error().message);
            if (seen.size() == kMostPages)
                return miss(what, call_sid, FetchOutcome::done,
                            "the list has more than " + std::to_string(kMostPages) +
                                " pages; the rest was not asked for");
            url = *next;
        }
        miss(what, call_sid, FetchOutcome::unexpected_answer, "the pages of the list repeat");
    }

    void fetch_legs() {
        fetch_list<twilio::CallResource>(
            "legs", options_.call_sid, plan_.account.origin,
            twilio::child_calls_url(plan_.account.origin, plan_.account.sid, options_.call_sid),
            twilio::read_call_page, [this](twilio::CallResource&& leg) {
                const auto& legs = out_.file.legs;
                const bool is_new = std::none_of(legs.begin(), legs.end(),
                                                 [&](const auto& other) { return other.sid == leg.sid; });
                if (is_new && leg.sid != options_.call_sid) out_.file.legs.push_back(std::move(leg));
            });
        auto& legs = out_.file.legs;
        std::stable_sort(legs.begin(), legs.end(),
                         [](const auto& a, const auto& b) { return a.created_at < b.created_at; });
        if (legs.size() <= kMostLegs) return;
        miss("legs", options_.call_sid, FetchOutcome::done,
             "the call has " + std::to_string(legs.size()) + " legs; of the first 20 all was asked for");
    }

    [[nodiscard]] std::vector<std::string> all_sids() const {
        std::vector<std::string> sids{options_.call_sid};
        for (const auto& leg : out_.file.legs)
            if (sids.size() <= kMostLegs) sids.push_back(leg.sid);
        return sids;
    }

    bool has_notice(const std::string& sid) const {
        const auto& notices = out_.file.notices;
        return std::any_of(notices.begin(), notices.end(), [&](const auto& one) { return one.sid == sid; });
    }

    void fetch_notifications() {
        for (const auto& sid : all_sids()) {
            std::vector<CallNotice> found;
            fetch_list<CallNotice>("notifications", sid, plan_.account.origin,
                                   twilio::notifications_url(plan_.account.origin, plan_.account.sid, sid),
                                   twilio::read_notification_page, [&](CallNotice&& notice) {
                                       if (notice.call_sid.empty()) notice.call_sid = sid;
                                       if (!has_notice(notice.sid)) found.push_back(std::move(notice));
                                   });
            for (auto& notice : found) add_with_details(std::move(notice));
        }
    }

    // The single notice has what was sent and what was answered.
    void add_with_details(CallNotice&& notice) {
        const char* const what = notice.is_alert ? "alert" : "notification";
        const auto url = notice.is_alert ? twilio::alert_url(plan_.monitor_origin, notice.sid)
                                         : twilio::notification_url(plan_.account.origin, plan_.account.sid,
                                                                    notice.call_sid, notice.sid);
        out_.file.notices.push_back(std::move(notice));
        auto& kept = out_.file.notices.back();
        if (details_ == kMostDetails) {
            ++details_;
            miss(what, kept.call_sid, FetchOutcome::done,
                 "there are more than " + std::to_string(kMostDetails) +
                     "; of the others the request and the answer were not asked for");
        }
        if (details_ > kMostDetails || leaves_out(what, kept.call_sid)) return;
        ++details_;
        auto reply = ask(url);
        if (interrupted_) return;
        if (reply.outcome != FetchOutcome::done) return miss(what, kept.call_sid, reply);
        const auto whole =
            kept.is_alert ? twilio::read_alert(reply.document) : twilio::read_notification(reply.document);
        if (!whole || whole->sid != kept.sid)
            return miss(what, kept.call_sid, FetchOutcome::unexpected_answer,
                        whole ? "the answer is about another one" : whole.error().message);
        kept.request_variables = whole->request_variables;
        kept.response_headers = whole->response_headers;
        kept.response_body = whole->response_body;
        if (kept.message.empty()) kept.message = whole->message;
        keep(what, kept.call_sid, url, reply);
    }

    // Only a call that ended just now can have notifications that are still to come.
    [[nodiscard]] bool may_lag() const {
        const auto& call = out_.file.call;
        if (!out_.file.notices.empty() || given_up_ || interrupted_) return false;
        return !call.ended_at || context_.clock.now() - *call.ended_at < kRecently;
    }

    void wait_for_notifications() {
        for (const auto pause : kWaits) {
            if (!may_lag()) return;
            context_.say("callchain: " + context_.command + ": no notification yet; asking again in " +
                         duration_of(pause));
            http::Loop loop;
            const auto timer = loop.after(pause, [&loop] { loop.stop(); });
            if (!run_until_interrupted(loop)) {
                interrupted_ = true;
                return;
            }
            ++out_.tries;
            fetch_notifications();
        }
    }

    void fetch_exchanges() {
        for (const auto& sid : all_sids()) {
            fetch_list<twilio::WebhookExchange>(
                "events", sid, plan_.account.origin,
                twilio::call_events_url(plan_.account.origin, plan_.account.sid, sid),
                [&sid](const JsonValue& document) { return twilio::read_exchange_page(document, sid); },
                [this](twilio::WebhookExchange&& exchange) {
                    out_.file.exchanges.push_back(std::move(exchange));
                });
        }
        std::stable_sort(out_.file.exchanges.begin(), out_.file.exchanges.end(),
                         [](const auto& a, const auto& b) { return a.at < b.at; });
    }

    void fetch_alerts() {
        const auto& call = out_.file.call;
        const auto begin = call.created_at ? call.created_at : call.started_at;
        if (!begin)
            return miss("alerts", "", FetchOutcome::done, "not asked for: the call has no time to ask for");
        const auto sids = all_sids();
        const auto end = call.ended_at.value_or(context_.clock.now());
        std::vector<CallNotice> found;
        fetch_list<CallNotice>(
            "alerts", "", plan_.monitor_origin,
            twilio::alerts_url(plan_.monitor_origin, *begin - kAround, std::max(*begin, end) + kAround),
            twilio::read_alert_page, [&](CallNotice&& alert) {
                const bool is_ours = std::find(sids.begin(), sids.end(), alert.call_sid) != sids.end();
                if (is_ours && !has_notice(alert.sid)) found.push_back(std::move(alert));
            });
        for (auto& alert : found) add_with_details(std::move(alert));
    }

    const TwilioFetchPlan& plan_;
    const TwilioFetchOptions& options_;
    Context& context_;
    http::Client client_;
    signature::KnownSecrets known_;
    Fetched out_;
    std::size_t details_ = 0;
    bool given_up_ = false;
    bool interrupted_ = false;
};

}  // namespace

std::optional<Fetched> fetch_call(const TwilioFetchPlan& plan, const TwilioFetchOptions& options,
                                  Context& context) {
    return Fetcher(plan, options, context).fetch();
}

}  // namespace callchain::cli
