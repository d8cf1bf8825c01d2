/// Does the public URL lead here? The host asks itself from outside.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "doctor/host_checks.hpp"
#include "doctor/online_checks.hpp"
#include "http/server.hpp"
#include "http/url.hpp"
#include "service/routes.hpp"
#include "signature/secret.hpp"
#include "signature/standard_webhooks.hpp"
#include "signature/twilio_url.hpp"
#include "webhook/made_up.hpp"

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

namespace callchain::doctor {
namespace {

using service::Check;
using Outcome = Check::Result;

constexpr std::size_t kMostUrls = 4;
constexpr const char* kName = "public-url";

std::string shown(const std::string& url) { return safe_excerpt(signature::show_url(url), 120); }

/// Stands on the port of `serve` where that is free, and keeps what comes.
class Mirror {
  public:
    Mirror(const service::ServeConfig& config, std::string token) : token_(std::move(token)) {
        http::ServerOptions options;
        options.listen = {config.listen};
        options.tls = config.tls;
        options.fall_back_to_ipv4 = !config.listen_chosen;
        auto started =
            http::Server::start(std::move(options), [this](http::Request request, http::Responder responder) {
                const http::Response answer{
                    200, "text/plain; charset=utf-8", "ok\n", {{service::kInstanceHeader, token_}}};
                {
                    const std::lock_guard lock(mutex_);
                    last_ = std::move(request);
                }
                responder.send(answer);
            });
        if (started) server_ = *std::move(started);
    }
    Mirror(const Mirror&) = delete;
    Mirror& operator=(const Mirror&) = delete;
    ~Mirror() {
        if (server_) server_->stop();
    }

    [[nodiscard]] bool stands() const { return server_ != nullptr; }
    [[nodiscard]] std::optional<http::Request> last() const {
        const std::lock_guard lock(mutex_);
        return last_;
    }

  private:
    std::string token_;
    mutable std::mutex mutex_;
    std::optional<http::Request> last_;
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
    if (asked.status == 200)
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
    } else if (detail.starts_with("timestamp_")) {
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
    std::optional<Mirror> mirror;
    auto expected = neighbour.instance;
    webhook::MadeUpIds ids(material_.random(16));
    if (neighbour.kind == Neighbour::Kind::nobody) {
        expected = ids.hex(16);
        mirror.emplace(config, expected);
        if (!mirror->stands()) {
            mirror.reset();
            expected.clear();
        }
    }
    const auto secrets = webhook_secrets(material_);
    for (std::size_t i = 0; i < std::min(config.public_urls.size(), kMostUrls); ++i) {
        const auto& url = config.public_urls[i];
        const auto place = judged(url, client_.perform(request("GET", url + "/healthz")));
        checks.push_back(judge_place(place, expected));
        if (place.instance.empty() || secrets.empty()) continue;

        const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        const auto body = telltale_body(ids, now);
        const auto key = signature::read_secret(secrets.front().text);
        if (!key) continue;
        const auto id = ids.webhook_id();
        const auto timestamp = std::to_string(now.time_since_epoch().count());
        auto delivery = request("POST", url + "/openai/webhook");
        delivery.body = body;
        delivery.headers = {
            {"Content-Type", "application/json"},
            {"webhook-id", id},
            {"webhook-timestamp", timestamp},
            {"webhook-signature",
             signature::sign_webhook({crypto::HashAlgorithm::sha256, key->bytes}, id, timestamp, body)}};
        const auto answered = judged(url, client_.perform(std::move(delivery)));
        checks.push_back(mirror && place.instance == expected
                             ? judge_mirrored(answered, body, mirror->last())
                             : judge_verified(answered, secrets.front().label));
    }
    return checks;
}

}  // namespace callchain::doctor
