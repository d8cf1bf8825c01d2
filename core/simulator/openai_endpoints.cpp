#include "simulator/openai_endpoints.hpp"

#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "encoding/json_text.hpp"
#include "encoding/text_codings.hpp"
#include "http/url.hpp"
#include "signature/secret.hpp"
#include "simulator/randomness.hpp"
#include "system/random.hpp"
#include "webhook/made_up.hpp"

#include <algorithm>
#include <utility>

namespace callchain::simulator {
namespace {

using encoding::JsonValue;
using encoding::quote_json;
using std::chrono::sys_seconds;
using timeline::Medium;
using timeline::Party;

constexpr std::string_view kCollection = "/v1/webhook_endpoints";
constexpr std::string_view kCallEvent = "realtime.call.incoming";
constexpr std::size_t kMostEndpoints = 100;
constexpr std::size_t kMostText = 500;
constexpr std::size_t kSecretBytes = 32;
// Source: OpenAI API reference, "List webhook endpoints": 20 where nothing is said.
constexpr std::int64_t kUsualPage = 20;
constexpr std::int64_t kLongestPage = 100;
constexpr std::chrono::hours kOldSecretLives{24};

sys_seconds now_in_seconds() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string new_secret() { return "whsec_" + encoding::to_base64(system::random_bytes(kSecretBytes)); }

std::shared_ptr<const crypto::HmacKey> key_of(const signature::SecretKey& secret) {
    return std::make_shared<const crypto::HmacKey>(crypto::HashAlgorithm::sha256, secret.bytes);
}

std::string seconds_text(sys_seconds when) { return std::to_string(when.time_since_epoch().count()); }

http::Response json(std::string body) { return {200, "application/json", std::move(body), {}}; }

http::Response invalid(std::string_view message) { return api_error(400, "invalid_value", message); }

http::Response endpoint_not_found(std::string_view id) {
    return api_error(404, "not_found",
                     "No webhook endpoint found with id '" + visible_excerpt(std::string(id), 60) + "'.");
}

// "realtime.call.incoming": words with dots between. Which of them exist, OpenAI's own list says.
bool is_event_type(const JsonValue& value) {
    if (value.kind != JsonValue::Kind::string || value.text.size() > 100) return false;
    const auto words = split(value.text, '.');
    return words.size() > 1 && std::all_of(words.begin(), words.end(), [](std::string_view word) {
               return !word.empty() && std::all_of(word.begin(), word.end(),
                                                   [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
           });
}

// ---- what a body asks for ----

// The members of create and update that are there. `problem`: what is wrong with one of them.
struct Wanted {
    std::optional<std::string> name;
    std::optional<std::string> url;
    std::optional<std::vector<std::string>> event_types;
    std::string problem;
};

Wanted read_wanted(const JsonValue& body) {
    Wanted wanted;
    if (const auto* name = body.find("name")) {
        if (name->kind != JsonValue::Kind::string || name->text.empty() || name->text.size() > kMostText)
            wanted.problem = "name must be a text that is not empty.";
        wanted.name = name->text;
    }
    if (const auto* url = body.find("url")) {
        const auto parts = http::read_url(url->text);
        const bool is_web = parts && (parts->scheme == "https" || parts->scheme == "http");
        if (url->kind != JsonValue::Kind::string || !is_web || url->text.size() > kMostText)
            wanted.problem = "url must be an http or https URL.";
        wanted.url = url->text;
    }
    if (const auto* types = body.find("event_types")) {
        wanted.event_types.emplace();
        for (const auto& type : types->items) {
            if (is_event_type(type))
                wanted.event_types->push_back(type.text);
            else
                wanted.problem = "event_types names something that is no event type.";
        }
        if (types->kind != JsonValue::Kind::array || types->items.empty())
            wanted.problem = "event_types must be a list of event types that is not empty.";
    }
    return wanted;
}

// True: the endpoint is another one behind it.
bool apply(const Wanted& wanted, Subscription& endpoint) {
    bool changed = false;
    const auto set = [&changed](auto& member, const auto& value) {
        changed = changed || member != value;
        member = value;
    };
    if (wanted.name) set(endpoint.name, *wanted.name);
    if (wanted.url) {
        set(endpoint.url, *wanted.url);
        endpoint.target = endpoint.url;
    }
    if (wanted.event_types) set(endpoint.event_types, *wanted.event_types);
    return changed;
}

}  // namespace

// ---- one endpoint ----

Result<Subscription> Subscription::make(std::string secret, sys_seconds now) {
    Subscription made;
    made.key_ = key_of(CALLCHAIN_TRY(signature::read_secret(secret)));
    made.secret_ = std::move(secret);
    made.created_at = made.updated_at = now;
    return made;
}

Result<void> Subscription::rotate(std::string secret, OldSecret old, sys_seconds now) {
    auto key = key_of(CALLCHAIN_TRY(signature::read_secret(secret)));
    if (old == OldSecret::dropped)
        old_.clear();
    else
        old_.insert(old_.begin(), {key_, now + kOldSecretLives});
    key_ = std::move(key);
    secret_ = std::move(secret);
    updated_at = now;
    return {};
}

SigningKeys Subscription::keys(sys_seconds now) const {
    SigningKeys keys{key_};
    for (const auto& old : old_)
        if (now < old.until) keys.push_back(old.key);
    return keys;
}

bool Subscription::wants(std::string_view event_type) const {
    return std::find(event_types.begin(), event_types.end(), event_type) != event_types.end();
}

std::string Subscription::to_json(Secret secret) const {
    std::vector<std::string> types;
    for (const auto& type : event_types) types.push_back(quote_json(type));
    return "{\"id\": " + quote_json(id) +
           ", \"object\": \"webhook_endpoint\", \"name\": " + quote_json(name) +
           ", \"url\": " + quote_json(url) + ", \"event_types\": [" + join(types, ", ") +
           "], \"created_at\": " + seconds_text(created_at) +
           ", \"updated_at\": " + seconds_text(updated_at) +
           ", \"signing_secret_hint\": " + quote_json(mask_as_hint(secret_)) +
           (secret == Secret::shown ? ", \"signing_secret\": " + quote_json(secret_) : std::string()) + "}";
}

std::string mask_as_hint(std::string_view secret) {
    constexpr std::string_view kPrefix = "whsec_";
    constexpr std::string_view kMask = "...";
    constexpr std::size_t kShown = 4;
    constexpr std::size_t kShortest = 24;
    if (!secret.starts_with(kPrefix) || secret.size() < kPrefix.size() + kShortest) return std::string(kMask);
    const auto rest = secret.substr(kPrefix.size());
    return std::string(kPrefix) + std::string(rest.substr(0, kShown)) + std::string(kMask) +
           std::string(rest.substr(rest.size() - kShown));
}

// ---- requests ----

bool is_endpoint_path(std::string_view path) {
    return path == kCollection || path.starts_with(std::string(kCollection) + "/");
}

std::optional<EndpointTarget> read_endpoint_target(std::string_view method, std::string_view path) {
    using enum EndpointTarget::Action;
    if (!is_endpoint_path(path)) return std::nullopt;
    if (path == kCollection) {
        if (method == "GET") return EndpointTarget{list};
        if (method == "POST") return EndpointTarget{create};
        return std::nullopt;
    }
    const auto parts = split(path.substr(kCollection.size() + 1), '/');
    const auto id = encoding::percent_decode(parts[0], encoding::PlusSign::literal);
    if (id.empty() || parts.size() > 2) return std::nullopt;
    if (parts.size() == 2) {
        if (method == "POST" && parts[1] == "test") return EndpointTarget{test, id};
        if (method == "POST" && parts[1] == "rotate_secret") return EndpointTarget{rotate_secret, id};
        return std::nullopt;
    }
    if (method == "GET") return EndpointTarget{read, id};
    if (method == "POST") return EndpointTarget{update, id};
    if (method == "DELETE") return EndpointTarget{remove, id};
    return std::nullopt;
}

std::string write_sample_event(std::string_view event_type, std::string_view random, sys_seconds now) {
    webhook::MadeUpIds ids{std::string(random)};
    if (const auto event = webhook::parse_made_up_event(event_type))
        return webhook::made_up_event(*event, ids, now);
    const auto subject = std::string(event_type.substr(0, event_type.find('.')));
    return "{\"id\": " + quote_json(ids.event_id()) +
           ", \"object\": \"event\", \"created_at\": " + seconds_text(now) +
           ", \"type\": " + quote_json(event_type) +
           ", \"data\": {\"id\": " + quote_json(subject + "_" + ids.hex(32)) + "}}";
}

Result<void> OpenAiEndpoints::set(const std::vector<WebhookEndpoint>& endpoints) {
    std::vector<Kept> made;
    for (const auto& given : endpoints) {
        auto one =
            std::make_shared<Subscription>(CALLCHAIN_TRY(Subscription::make(given.secret, now_in_seconds())));
        one->id = "whe_" + encoding::to_hex(system::random_bytes(16));
        one->name = given.name.empty() ? "endpoint " + std::to_string(made.size() + 1) : given.name;
        one->url = given.known_url.empty() ? given.url : given.known_url;
        one->target = given.url;
        one->event_types = {std::string(kCallEvent)};
        made.push_back(std::move(one));
    }
    endpoints_ = std::move(made);
    return {};
}

std::vector<std::shared_ptr<const Subscription>> OpenAiEndpoints::subscribed_to(
    std::string_view event_type) const {
    std::vector<std::shared_ptr<const Subscription>> subscribed;
    for (const auto& endpoint : endpoints_)
        if (endpoint->wants(event_type)) subscribed.push_back(endpoint);
    return subscribed;
}

void OpenAiEndpoints::answer(const http::Request& request, const Answer& answer) {
    using enum EndpointTarget::Action;
    if (auto refusal = gate_.refuse(request)) return answer(*std::move(refusal));
    const auto target = read_endpoint_target(request.method, request.path());
    if (!target) return answer(api_error(404, "unknown_url", "Unknown request URL."));
    if (target->action == list) return answer(this->list(request));
    const auto found = std::find_if(endpoints_.begin(), endpoints_.end(),
                                    [&](const Kept& one) { return one->id == target->id; });
    if (target->action != create && found == endpoints_.end()) return answer(endpoint_not_found(target->id));
    if (target->action == read) return answer(json((*found)->to_json(Subscription::Secret::hidden)));
    if (target->action == remove) return answer(this->remove(Kept(*found)));
    const auto body = encoding::parse_json_text(trim(request.body).empty() ? "{}" : request.body);
    if (!body || body->kind != JsonValue::Kind::object)
        return answer(api_error(400, "invalid_json", "The body is no JSON object."));
    if (target->action == create) return answer(this->create(*body));
    if (target->action == update) return answer(this->update(*found, *body));
    if (target->action == rotate_secret) return answer(this->rotate(*found, *body));
    this->test(*found, *body, answer);
}

http::Response OpenAiEndpoints::list(const http::Request& request) const {
    std::int64_t limit = kUsualPage;
    auto from = endpoints_.rbegin();  // newest first
    for (const auto& [name, value] : encoding::parse_form(request.query())) {
        if (name == "limit") {
            const auto given = parse_decimal(value);
            if (!given || *given < 1 || *given > kLongestPage) return invalid("limit must be 1 to 100.");
            limit = *given;
        } else if (name == "after") {
            const auto& id = value;
            const auto found = std::find_if(endpoints_.rbegin(), endpoints_.rend(),
                                            [&id](const Kept& one) { return one->id == id; });
            if (found == endpoints_.rend()) return endpoint_not_found(id);
            from = found + 1;
        }
    }
    std::vector<std::string> page;
    std::string first = "null";
    std::string last = "null";
    for (; from != endpoints_.rend() && std::cmp_less(page.size(), limit); ++from) {
        last = quote_json((*from)->id);
        if (page.empty()) first = last;
        page.push_back((*from)->to_json(Subscription::Secret::hidden));
    }
    return json("{\"object\": \"list\", \"data\": [" + join(page, ", ") + "], \"first_id\": " + first +
                ", \"last_id\": " + last +
                ", \"has_more\": " + (from == endpoints_.rend() ? "false" : "true") + "}");
}

http::Response OpenAiEndpoints::create(const JsonValue& body) {
    const auto wanted = read_wanted(body);
    if (!wanted.problem.empty()) return invalid(wanted.problem);
    if (!wanted.name || !wanted.url || !wanted.event_types)
        return api_error(400, "missing_required_parameter", "name, url and event_types are required.");
    if (endpoints_.size() >= kMostEndpoints) return invalid("The project has too many webhook endpoints.");
    auto made = Subscription::make(new_secret(), now_in_seconds());
    if (!made) return api_error(500, "server_error", made.error().message);
    auto one = std::make_shared<Subscription>(*std::move(made));
    one->id = "whe_" + encoding::to_hex(system::random_bytes(16));
    apply(wanted, *one);
    endpoints_.push_back(one);
    note(*one, "a webhook endpoint was made");
    return json(one->to_json(Subscription::Secret::shown));
}

http::Response OpenAiEndpoints::update(const Kept& endpoint, const JsonValue& body) {
    const auto wanted = read_wanted(body);
    if (!wanted.problem.empty()) return invalid(wanted.problem);
    // An update that changes nothing does not advance updated_at.
    if (apply(wanted, *endpoint)) endpoint->updated_at = now_in_seconds();
    note(*endpoint, "a webhook endpoint was changed");
    return json(endpoint->to_json(Subscription::Secret::hidden));
}

http::Response OpenAiEndpoints::remove(const Kept& endpoint) {
    endpoints_.erase(std::find(endpoints_.begin(), endpoints_.end(), endpoint));
    note(*endpoint, "a webhook endpoint was deleted");
    return json("{\"id\": " + quote_json(endpoint->id) +
                ", \"object\": \"webhook_endpoint.deleted\", \"deleted\": true}");
}

http::Response OpenAiEndpoints::rotate(const Kept& endpoint, const JsonValue& body) {
    auto old = Subscription::OldSecret::dropped;  // where nothing is said: the old one dies at once
    if (const auto* keep = body.find("keep_old_secret_active_for_24_hours")) {
        if (keep->kind != JsonValue::Kind::boolean)
            return invalid("keep_old_secret_active_for_24_hours must be true or false.");
        if (keep->truth) old = Subscription::OldSecret::kept_24_hours;
    }
    if (const auto done = endpoint->rotate(new_secret(), old, now_in_seconds()); !done)
        return api_error(500, "server_error", done.error().message);
    note(*endpoint, old == Subscription::OldSecret::dropped
                        ? "the signing secret was rotated"
                        : "the signing secret was rotated, and the old one is kept for 24 hours");
    return json(endpoint->to_json(Subscription::Secret::shown));
}

void OpenAiEndpoints::test(const Kept& endpoint, const JsonValue& body, const Answer& answer) {
    const auto* given = body.find("event_type");
    if (given == nullptr)
        return answer(api_error(400, "missing_required_parameter", "event_type is required."));
    if (!is_event_type(*given)) return answer(invalid("event_type is no event type."));
    const auto type = given->text;
    const auto now = now_in_seconds();
    const auto event = write_sample_event(type, system::random_bytes(32), now);
    const Delivery delivery{.url = endpoint->target,
                            .webhook_id = "wh_" + encoding::to_hex(system::random_bytes(16)),
                            .body = event,
                            .signed_body = event,
                            .timestamp = now,
                            .time = delivery_time_};
    note(*endpoint, "a test of " + type + " is sent");
    // The answer comes on the client's thread.
    http_.send(make_delivery(delivery, endpoint->keys(now)), [this, endpoint, type,
                                                              answer](const http::ClientResult& result) {
        const auto* response = std::get_if<http::ClientResponse>(&result);
        const auto status = std::to_string(response == nullptr ? 0 : response->status);
        loop_.post([this, endpoint, type, answer, status] {
            note(*endpoint, "the test was answered " + (status == "0" ? "nothing" : status));
            answer(json("{\"object\": \"webhook_endpoint.test\", \"event_type\": " + quote_json(type) +
                        ", \"status_code\": " + status +
                        ", \"success\": true, \"webhook_endpoint_id\": " + quote_json(endpoint->id) + "}"));
        });
    });
}

void OpenAiEndpoints::note(const Subscription& endpoint, std::string label) const {
    if (!sink_) return;
    sink_({wall_now(), Party::openai, Party::openai, Medium::note, std::move(label), endpoint.id, {}, false});
}

}  // namespace callchain::simulator
