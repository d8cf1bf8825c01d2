/// Does the public URL lead here? The host asks itself from outside.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "doctor/host_checks.hpp"
#include "doctor/online_checks.hpp"
#include "doctor/questions.hpp"
#include "http/server.hpp"
#include "http/url.hpp"
#include "service/routes.hpp"
#include "signature/secret.hpp"
#include "signature/standard_webhooks.hpp"
#include "signature/twilio_url.hpp"
#include "webhook/made_up.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

namespace callchain::doctor {
namespace {

using service::Check;
using Outcome = Check::Outcome;

constexpr std::size_t kMostUrls = 4;
constexpr const char* kName = "public-url";

std::string shown(const std::string& url) { return safe_excerpt(signature::show_url(url), 120); }

/// Stands on the port of `serve` where that is free, and keeps the delivery that is ours. Whatever else comes
/// is answered 503: a true delivery is sent again then, and nothing believes that a service is there.
class Mirror {
  public:
    Mirror(const service::ServeConfig& config, std::string token, std::string webhook_id)
        : token_(std::move(token)), webhook_id_(std::move(webhook_id)) {
        http::ServerOptions options;
        options.listen = {config.listen};
        options.tls = config.tls;
        options.fall_back_to_ipv4 = !config.listen_chosen;
        auto started =
            http::Server::start(std::move(options), [this](http::Request request, http::Responder responder) {
                responder.send(answer(std::move(request)));
            });
        if (started)
            server_ = *std::move(started);
        else
            why_not_ = started.error().message;
    }
    Mirror(const Mirror&) = delete;
    Mirror& operator=(const Mirror&) = delete;
    ~Mirror() {
        if (server_) server_->stop();
    }

    /// Why it does not stand; empty: it does.
    [[nodiscard]] const std::string& why_not() const { return why_not_; }
    /// The query that tells our own question from that of a platform.
    [[nodiscard]] std::string question() const { return "doctor=" + token_; }
    /// The delivery as it came last, once: that of one address must not stand for another's.
    [[nodiscard]] std::optional<http::Request> take_delivery() {
        const std::lock_guard lock(mutex_);
        return std::exchange(delivery_, std::nullopt);
    }

  private:
    http::Response answer(http::Request request) {
        const bool is_question =
            request.method == "GET" && request.path() == "/healthz" && request.query() == question();
        const bool is_delivery = request.headers.find("webhook-id").value_or("") == webhook_id_;
        if (is_delivery) {
            const std::lock_guard lock(mutex_);
            delivery_ = std::move(request);
        }
        http::Response response{is_question || is_delivery ? 200 : 503,
                                "text/plain; charset=utf-8",
                                "ok\n",
                                {{service::kInstanceHeader, token_}}};
        if (response.status == 503) response.body = "no service is here at the moment\n";
        return response;
    }

    std::string token_;
    std::string webhook_id_;
    std::string why_not_;
    std::mutex mutex_;
    std::optional<http::Request> delivery_;
    std::unique_ptr<http::Server> server_;  // ends first: its handler uses the rest
};

// A body that whatever parses it and writes it again would change: blanks, escapes, a number's form.
std::string telltale_body(webhook::MadeUpIds& ids, std::chrono::sys_seconds now) {
    return "{\"id\": \"" + ids.event_id() +
           "\", \"object\": \"event\",  \"created_at\": " + std::to_string(now.time_since_epoch().count()) +
           ", \"type\": \"callchain.doctor\", \"data\": {\"text\": \"\xC3\xA9 \\u00e9 \\/ <&>\", \"number\": "
           "1.50}}\n";
}

/// What both of the questions to one URL are about.
struct Asked {
    std::string url;
    http::ClientResult result;
    std::string instance;  ///< of whoever answered; empty: not ours
    int status = 0;
};

Asked judged(std::string url, http::ClientResult result) {
    Asked asked{std::move(url), std::move(result), {}, 0};
    if (const auto* response = std::get_if<http::ClientResponse>(&asked.result)) {
        asked.status = response->status;
        asked.instance = safe_excerpt(response->headers.find(service::kInstanceHeader).value_or(""), 40);
    }
    return asked;
}

Check unreached(const Asked& asked, const http::ClientFailure& failure) {
    return {
        Outcome::fail, kName, shown(asked.url) + " is not reached: " + failure.message,
        "look at the name, the tunnel and the platform's domain; where only this host cannot reach itself "
        "(its network turns nothing back), ask from another: curl -i URL/healthz"};
}

Check redirected(const Asked& asked) {
    const auto& response = std::get<http::ClientResponse>(asked.result);
    return {Outcome::fail, kName,
            shown(asked.url) + " answers " + std::to_string(asked.status) + " to " +
                shown(std::string(response.headers.find("location").value_or("(no Location)"))),
            "give Twilio and OpenAI the address that it leads to: a redirected POST becomes a GET, or is not "
            "followed at all"};
}

Check of_somebody_else(const Asked& asked) {
    const auto& response = std::get<http::ClientResponse>(asked.result);
    const auto server = response.headers.find("server").value_or("");
    return {
        Outcome::fail, kName,
        "something that is not callchain answers at " + shown(asked.url) + ": " +
            std::to_string(asked.status) +
            (server.empty() ? std::string() : ", Server: " + safe_excerpt(server, 60)),
        "point the domain or tunnel at this service's port, or mend CALLCHAIN_PUBLIC_URL; an older callchain "
        "does not say who it is"};
}

// Where `expected` is empty, whoever answers is only known to be callchain.
Check judge_place(const Asked& asked, const std::string& expected) {
    if (const auto* failure = std::get_if<http::ClientFailure>(&asked.result))
        return unreached(asked, *failure);
    if (asked.status >= 300 && asked.status < 400) return redirected(asked);
    if (asked.instance.empty()) return of_somebody_else(asked);
    if (expected.empty()) return {Outcome::pass, kName, "callchain answers at " + shown(asked.url)};
    if (asked.instance == expected) return {Outcome::pass, kName, shown(asked.url) + " leads here"};
    return {
        Outcome::fail, kName, shown(asked.url) + " leads to another process of callchain",
        "look whether a tunnel to another machine, an old deployment or a second replica has that name; a "
        "signature that is good there says nothing here"};
}

// The mirror saw the body itself.
Check judge_mirrored(const Asked& asked, const std::string& sent, const std::optional<http::Request>& got) {
    const std::string name = "public-url-body";
    if (!got || got->method != "POST")
        return {Outcome::fail, name,
                "a POST to " + shown(asked.url) + " did not arrive here as a POST (answer " +
                    std::to_string(asked.status) + ")",
                "look for a redirect or a rule of the proxy that turns or holds up POST requests"};
    if (got->body != sent)
        return {
            Outcome::fail, name,
            "a body of " + count_of(sent.size(), "byte") + " arrived as " +
                count_of(got->body.size(), "byte") +
                ", and not as it was sent: no signature over it can match",
            "switch off what rewrites bodies on the way: a middleware, a rule of the proxy, a gateway that "
            "parses JSON"};
    return {Outcome::pass, name,
            "a body of " + count_of(sent.size(), "byte") + " came through " + shown(asked.url) +
                " as it was sent"};
}

// `serve` verified it, or did not.
Check judge_verified(const Asked& asked, const std::string& label) {
    const std::string name = "public-url-body";
    if (const auto* failure = std::get_if<http::ClientFailure>(&asked.result))
        return {Outcome::fail, name,
                "a signed delivery to " + shown(asked.url) + " was not answered: " + failure->message,
                "ask again; look into the log of serve"};
    const auto& response = std::get<http::ClientResponse>(asked.result);
    const auto body = nlohmann::json::parse(response.body, nullptr, false);
    const auto detail = body.is_object() && body.contains("detail") && body["detail"].is_string()
                            ? body["detail"].get<std::string>()
                            : std::string();
    const auto outcome = body.is_object() && body.contains("outcome") && body["outcome"].is_string()
                             ? body["outcome"].get<std::string>()
                             : std::string();
    if (asked.status == 200 && (outcome == "ignored" || outcome == "duplicate"))
        return {Outcome::pass, name,
                "a delivery signed with \"" + label + "\" was verified at " + shown(asked.url) +
                    ": that secret is there, and the body came as it was sent"};
    Check check{Outcome::fail, name,
                "a delivery signed with \"" + label + "\" was answered " + std::to_string(asked.status) +
                    " at " + shown(asked.url) +
                    (detail.empty() ? std::string() : " (" + safe_excerpt(detail, 60) + ")")};
    if (detail == "signature_mismatch") {
        check.remedy =
            "the process there has another secret than this environment, or something rewrites the body on "
            "its way: "
            "compare callchain serve --print-config on both sides, then callchain replay-webhook --matrix";
        check.code = detail;
    } else if (detail == "timestamp_too_old" || detail == "timestamp_too_new") {
        check.remedy = "the clocks of the two hosts differ by more than 300 seconds";
        check.code = detail;
    } else {
        check.remedy =
            "look into the log of serve for that moment, and at the rules of the proxy in front of it";
    }
    return check;
}

std::optional<Check> judge_scheme(const std::string& url) {
    const auto parts = http::read_url(url);
    if (!parts || parts->encrypted() || parts->loopback()) return std::nullopt;
    return Check{Outcome::fail, "public-url-scheme",
                 shown(url) +
                     " is not encrypted: platforms redirect it, and a redirected POST loses its body; "
                     "Twilio signs another URL than it shows",
                 "write https:// in CALLCHAIN_PUBLIC_URL, and in the consoles of Twilio and OpenAI"};
}

std::chrono::sys_seconds now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

// As OpenAI signs. False where the secret has no key.
bool sign(http::ClientRequest& delivery, const signature::LabelledSecret& secret, const std::string& id,
          std::string body) {
    const auto key = signature::read_secret(secret.text);
    if (!key) return false;
    const auto timestamp = std::to_string(now().time_since_epoch().count());
    delivery.body = std::move(body);
    delivery.headers = {
        {"Content-Type", "application/json"},
        {"webhook-id", id},
        {"webhook-timestamp", timestamp},
        {"webhook-signature",
         signature::sign_webhook({crypto::HashAlgorithm::sha256, key->bytes}, id, timestamp, delivery.body)}};
    return true;
}

}  // namespace

std::vector<Check> Online::check_public_url() {
    const auto& config = *material_.serve->result.config;
    std::vector<Check> checks;
    if (config.public_urls.empty())
        return {{Outcome::warn, kName, "CALLCHAIN_PUBLIC_URL is not set",
                 "set it to the address under which Twilio and OpenAI reach this service, https://host"}};
    for (const auto& url : config.public_urls)
        if (auto scheme = judge_scheme(url)) checks.push_back(*std::move(scheme));
    if (!material_.online) {
        checks.push_back({Outcome::skipped, kName, "not asked: nothing is sent without --online"});
        return checks;
    }

    const auto neighbour = ask_port(material_, config);
    const auto secrets = webhook_secrets(material_);
    webhook::MadeUpIds ids(material_.random(16));
    const auto webhook_id = ids.webhook_id();
    std::unique_ptr<Mirror> mirror;
    auto expected = neighbour.instance;
    if (neighbour.kind == Neighbour::Kind::nobody && port_of(config.listen) != "0") {
        expected = ids.hex(16);
        mirror = std::make_unique<Mirror>(config, expected, webhook_id);
        if (!mirror->why_not().empty()) {
            checks.push_back({Outcome::skipped, kName, "not asked: nobody listens here: " + mirror->why_not(),
                              "mend that first, or start serve"});
            return checks;
        }
    }
    if (neighbour.kind == Neighbour::Kind::other || port_of(config.listen) == "0") {
        checks.push_back({Outcome::skipped, kName,
                          port_of(config.listen) == "0" ? "not asked: PORT=0 is another port at each start"
                                                        : "not asked: the port of serve is somebody else's"});
        return checks;
    }
    std::size_t asked_urls = 0;
    for (const auto& url : config.public_urls) {
        if (judge_scheme(url)) continue;  // it has failed, and a signed delivery does not go in clear
        if (++asked_urls > kMostUrls) {
            checks.push_back({Outcome::skipped, kName, shown(url) + ": not asked, it is behind the fourth"});
            continue;
        }
        const auto query = mirror ? "?" + mirror->question() : std::string();
        const auto place = judged(url, client_.perform(question(material_, "GET", url + "/healthz" + query)));
        checks.push_back(judge_place(place, expected));
        if (place.status != 200 || place.instance.empty()) continue;
        if (secrets.empty()) continue;
        auto delivery = question(material_, "POST", url + "/openai/webhook");
        if (!sign(delivery, secrets.front(), webhook_id, telltale_body(ids, now()))) continue;
        const auto sent = delivery.body;
        const auto answered = judged(url, client_.perform(std::move(delivery)));
        checks.push_back(mirror && place.instance == expected
                             ? judge_mirrored(answered, sent, mirror->take_delivery())
                             : judge_verified(answered, secrets.front().label));
    }
    return checks;
}

}  // namespace callchain::doctor
