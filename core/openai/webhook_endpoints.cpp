#include "openai/webhook_endpoints.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "encoding/text_codings.hpp"
#include "openai/call.hpp"

#include <algorithm>
#include <array>

namespace callchain::openai {
namespace {

using encoding::JsonValue;

constexpr std::string_view kCollection = "/webhook_endpoints";
constexpr std::size_t kMostEndpoints = 1'000;  // on a page: ten times what is asked for
constexpr std::size_t kMostEventTypes = 200;

/// Errors: bad_input; the parser quotes nothing but positions, and those go as well.
Result<JsonValue> parse_object(std::string_view body) {
    auto value = encoding::parse_json_text(body);
    if (!value) return fail(ErrorCode::bad_input, "the answer is not JSON");
    if (value->kind != JsonValue::Kind::object)
        return fail(ErrorCode::bad_input, "the answer is no JSON object");
    return value;
}

std::string text_of(const JsonValue& object, std::string_view name) {
    const auto* member = object.find(name);
    return member != nullptr && member->kind == JsonValue::Kind::string ? member->text : std::string();
}

/// Whole seconds up to the year 9999; a fraction is cut off, anything else is no time.
std::optional<std::chrono::sys_seconds> time_of(const JsonValue& object, std::string_view name) {
    constexpr std::int64_t kMostSeconds = 253'402'300'799;
    const auto* member = object.find(name);
    if (member == nullptr || member->kind != JsonValue::Kind::number) return std::nullopt;
    const std::string_view token = member->text;
    if (token.find_first_of("eE") != std::string_view::npos) return std::nullopt;
    const auto seconds = parse_decimal(token.substr(0, token.find('.')));
    if (!seconds || *seconds > kMostSeconds) return std::nullopt;
    return std::chrono::sys_seconds{std::chrono::seconds{*seconds}};
}

Result<WebhookEndpoint> read_endpoint(const JsonValue& value) {
    WebhookEndpoint endpoint;
    endpoint.id = text_of(value, "id");
    if (endpoint.id.empty())
        return fail(ErrorCode::bad_input, "the answer lists something that is no endpoint with an id");
    endpoint.name = text_of(value, "name");
    endpoint.url = text_of(value, "url");
    endpoint.created_at = time_of(value, "created_at");
    endpoint.updated_at = time_of(value, "updated_at");
    endpoint.secret_hint = text_of(value, "signing_secret_hint");
    if (const auto* types = value.find("event_types");
        types != nullptr && types->kind == JsonValue::Kind::array) {
        for (const auto& type : types->items) {
            const bool is_one = type.kind == JsonValue::Kind::string;
            if (is_one && endpoint.event_types.size() < kMostEventTypes)
                endpoint.event_types.push_back(type.text);
        }
    }
    return endpoint;
}

struct OutcomeText {
    std::string_view name;
    std::string_view code;
    std::string_view meaning;
};

OutcomeText text_of(EndpointOutcome outcome) {
    switch (outcome) {
        case EndpointOutcome::done:
            return {"done", "", "The API took the request."};
        case EndpointOutcome::api_missing:
            return {"api_missing", "endpoint_api_missing",
                    "This base URL has no API for webhook endpoints; OpenAI's own has it since 2026, "
                    "gateways and other vendors may not."};
        case EndpointOutcome::not_found:
            return {"not_found", "endpoint_not_found", "The project of this key has no endpoint of that id."};
        case EndpointOutcome::request_refused:
            return {"request_refused", "endpoint_request_refused", "OpenAI refuses the request as it is."};
        case EndpointOutcome::credential_refused:
            return {"credential_refused", "endpoint_credential_refused",
                    "OpenAI refuses the API key, or the key may not manage webhooks."};
        case EndpointOutcome::rate_limited:
            return {"rate_limited", "endpoint_rate_limited", "The limit for such requests is used up."};
        case EndpointOutcome::server_error:
            return {"server_error", "endpoint_server_error", "OpenAI failed to answer the request."};
        case EndpointOutcome::network_failure:
            return {"network_failure", "endpoint_network_failure", "No answer came from OpenAI."};
        case EndpointOutcome::unexpected_answer:
            break;
    }
    return {"unexpected_answer", "endpoint_unexpected_answer",
            "The answer is none that this API gives; look whether the base URL is OpenAI's."};
}

/// Whether a 404 is about the address as a whole and not about the endpoint. OpenAI's own says "Invalid URL";
/// a proxy or an older gateway gives no error of OpenAI's form at all.
bool is_address_unknown(const ApiAnswer& answer) {
    const bool is_openai_form =
        !answer.error_message.empty() || !answer.error_code.empty() || !answer.error_type.empty();
    return !is_openai_form || answer.error_code == "unknown_url" ||
           answer.error_message.starts_with("Invalid URL");
}

// Hints

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kFewestTelling = 3;

bool may_stand_in_secret(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("+/=_-").find(c) != std::string_view::npos;
}
bool is_cross(char c) { return c == 'x' || c == 'X'; }

/// What a hint shows of the two ends of a secret. Borrows.
struct VisibleEnds {
    std::string_view front;
    std::string_view back;
    bool masked = false;  ///< false: `front` is the whole hint, and it may be either end
};

/// First and last character of the mask within `text`, where there is one.
std::optional<std::pair<std::size_t, std::size_t>> find_mask(std::string_view text) {
    std::optional<std::pair<std::size_t, std::size_t>> mask;
    const auto widen = [&](std::size_t first, std::size_t last) {
        mask = mask ? std::pair{mask->first, last} : std::pair{first, last};
    };
    for (std::size_t i = 0; i < text.size(); ++i)
        if (!may_stand_in_secret(text[i])) widen(i, i);
    if (mask) return mask;
    // 'x' stands in secrets as well, but seldom three of them in a row.
    constexpr std::size_t kFewestCrosses = 3;
    for (std::size_t i = 0; i < text.size();) {
        const auto end = static_cast<std::size_t>(
            std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), is_cross) -
            text.begin());
        if (end - i >= kFewestCrosses) widen(i, end - 1);
        i = std::max(end, i + 1);
    }
    return mask;
}

VisibleEnds visible_ends(std::string_view hint) {
    const auto mask = find_mask(hint);
    if (!mask) return {hint, {}, false};
    return {hint.substr(0, mask->first), hint.substr(mask->second + 1), true};
}

std::string_view without_padding(std::string_view text) {
    return text.substr(0, text.find_last_not_of('=') + 1);
}
std::string_view without_prefix(std::string_view text) {
    return text.substr(text.starts_with(kPrefix) ? kPrefix.size() : 0);
}

std::string characters(std::string_view which, std::size_t count) {
    return "the " + std::string(which) + " " +
           (count == 1 ? "character" : std::to_string(count) + " characters");
}

/// What was held against the secret: the parts behind `whsec_`, and how to say so.
struct Compared {
    bool shows_prefix = false;
    std::string_view front;  ///< behind whsec_
    std::string_view back;
    [[nodiscard]] std::size_t telling() const { return front.size() + without_padding(back).size(); }
    [[nodiscard]] std::string in_words() const {
        std::vector<std::string> parts;
        if (shows_prefix) parts.emplace_back(kPrefix);
        if (!front.empty())
            parts.push_back(characters("first", front.size()) + (shows_prefix ? " behind it" : ""));
        if (!back.empty()) parts.push_back(characters("last", back.size()));
        if (parts.empty()) return "nothing: it shows neither end";
        const auto last = parts.back();
        parts.pop_back();
        return parts.empty() ? last : join(parts, ", ") + " and " + last;
    }
};

/// Of a masked hint. A piece of `whsec_` at the front tells as little as all of it.
Compared compared_of(const VisibleEnds& ends) {
    Compared compared;
    compared.back = ends.back;
    compared.shows_prefix = ends.front.starts_with(kPrefix);
    if (compared.shows_prefix)
        compared.front = ends.front.substr(kPrefix.size());
    else if (!kPrefix.starts_with(ends.front))
        compared.front = ends.front;
    return compared;
}

bool is_fitting(const Compared& compared, std::string_view secret) {
    const auto rest = without_padding(without_prefix(secret));
    const auto front = without_padding(compared.front);
    const auto back = without_padding(compared.back);
    return front.size() + back.size() <= rest.size() && rest.starts_with(front) && rest.ends_with(back);
}

HintComparison compare(const Compared& compared, std::string_view secret) {
    auto words = compared.in_words();
    if (compared.telling() < kFewestTelling) return {HintFit::too_little, std::move(words)};
    if (!is_fitting(compared, secret)) return {HintFit::differs, std::move(words)};
    if (compared.shows_prefix && !secret.starts_with(kPrefix)) words += "; whsec_ itself is not in ours";
    return {HintFit::fits, std::move(words)};
}

}  // namespace

Result<void> check_endpoint_id(std::string_view id) {
    return check_id(id, "the endpoint id", "pass it on as callchain endpoints list shows it: whe_…");
}

Result<std::string> endpoints_url(std::string_view base, std::string_view after) {
    auto url = CALLCHAIN_TRY(api_root(base));
    url += std::string(kCollection) + "?limit=100";
    if (!after.empty()) url += "&after=" + encoding::percent_encode(after);
    return url;
}

Result<std::string> endpoint_url(std::string_view base, std::string_view id, EndpointRequest request) {
    auto url = CALLCHAIN_TRY(api_root(base));
    CALLCHAIN_TRY(check_endpoint_id(id));
    url += std::string(kCollection) + "/" + encoding::percent_encode(id);
    if (request == EndpointRequest::test) url += "/test";
    if (request == EndpointRequest::rotate_secret) url += "/rotate_secret";
    return url;
}

std::string test_body(std::string_view event_type) {
    return "{\"event_type\":" + encoding::quote_json(event_type) + "}";
}

std::string rotate_body(OldSecret old_secret) {
    return std::string(R"({"keep_old_secret_active_for_24_hours":)") +
           (old_secret == OldSecret::kept_24_hours ? "true}" : "false}");
}

bool announces_call(std::string_view event_type) {
    constexpr std::array<std::string_view, 3> kTypes{"realtime.call.incoming", "live.transport.incoming",
                                                     "live.call.incoming"};
    return std::find(kTypes.begin(), kTypes.end(), event_type) != kTypes.end();
}

bool WebhookEndpoint::announces_calls() const {
    return std::any_of(event_types.begin(), event_types.end(), announces_call);
}

Result<EndpointPage> read_endpoint_page(std::string_view body) {
    const auto object = CALLCHAIN_TRY(parse_object(body));
    const auto* data = object.find("data");
    if (data == nullptr || data->kind != JsonValue::Kind::array)
        return fail(ErrorCode::bad_input, "the answer has no list \"data\"");
    if (data->items.size() > kMostEndpoints)
        return fail(ErrorCode::bad_input,
                    "the answer lists " + count_of(data->items.size(), "endpoint") + " on one page");
    EndpointPage page;
    for (const auto& item : data->items) page.endpoints.push_back(CALLCHAIN_TRY(read_endpoint(item)));
    const auto* more = object.find("has_more");
    if (more == nullptr || more->kind != JsonValue::Kind::boolean || !more->truth) return page;
    page.next = text_of(object, "last_id");
    if (page.next.empty() && !page.endpoints.empty()) page.next = page.endpoints.back().id;
    if (page.next.empty())
        return fail(ErrorCode::bad_input, "the answer promises another page and does not say behind what");
    return page;
}

Result<std::string> EndpointListing::add(std::string_view body) {
    const auto number = std::to_string(++pages);
    auto page = CALLCHAIN_TRY(read_endpoint_page(body));
    for (auto& endpoint : page.endpoints) {
        const bool is_known = std::any_of(endpoints.begin(), endpoints.end(),
                                          [&](const auto& one) { return one.id == endpoint.id; });
        if (is_known)
            return fail(ErrorCode::bad_input,
                        "page " + number + " of the list brings an endpoint of a page before it");
        endpoints.push_back(std::move(endpoint));
    }
    if (!page.next.empty() && page.endpoints.empty())
        return fail(ErrorCode::bad_input,
                    "page " + number + " of the list is empty and promises another one");
    if (!page.next.empty() && pages == kMostPages) {
        complete = false;
        return std::string();
    }
    return page.next;
}

Result<EndpointTest> read_endpoint_test(std::string_view body) {
    const auto object = CALLCHAIN_TRY(parse_object(body));
    EndpointTest test;
    test.event_type = text_of(object, "event_type");
    const auto* status = object.find("status_code");
    if (status != nullptr && status->kind == JsonValue::Kind::number) {
        const auto number = parse_decimal(status->text);
        if (number && *number >= 100 && *number <= 999) test.status = static_cast<int>(*number);
    }
    return test;
}

std::string_view advice_on_test(int status) {
    if (status == 0)
        return "No answer of the server was reported: look whether its URL can be reached from outside, at "
               "its certificate, and whether it answers in time.";
    if (status >= 300 && status < 400)
        return "OpenAI follows no redirects: give the endpoint the URL that the redirect leads to (https, "
               "host, final slash).";
    switch (status) {
        case 400:
        case 401:
        case 403:
            return "The server refuses the delivery, as a rule because its secret is not this endpoint's: "
                   "compare with callchain endpoints list, prove with callchain verify-sig, and look for a "
                   "firewall or login page in front.";
        case 404:
        case 410:
            return "The server has nothing at that path: compare the path of the endpoint's URL with the "
                   "one that the service answers (serve: /openai/webhook), and look whether it is deployed.";
        case 405:
            return "The path is there and takes no POST: the URL leads to a page and not to the webhook.";
        case 408:
        case 504:
            return "Nothing answered in time: look whether the service is up, and answer before the work is "
                   "done.";
        case 413:
            return "Something in front of the service takes no body of that size.";
        case 429:
            return "Something in front of the service limits requests; let OpenAI's deliveries through.";
        default:
            break;
    }
    if (status >= 500)
        return "The server failed, or a proxy found none behind it: look into its log at this time.";
    return "Only 2xx counts as delivered: look into the log of the server at this time.";
}

Result<std::string> read_rotated_secret(std::string_view body) {
    constexpr std::size_t kMostSecret = 4'096;
    const auto object = CALLCHAIN_TRY(parse_object(body));
    auto secret = text_of(object, "signing_secret");
    if (secret.empty()) return fail(ErrorCode::bad_input, "the answer has no signing_secret");
    const bool is_visible =
        std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (secret.size() > kMostSecret || !is_visible)
        return fail(ErrorCode::bad_input,
                    "the signing_secret of the answer (" + count_of(secret.size(), "byte") + ") is none");
    return secret;
}

EndpointOutcome outcome_of(const ApiAnswer& answer, EndpointRequest request) {
    using enum EndpointOutcome;
    const int status = answer.status;
    if (status == 0) return network_failure;
    if (status >= 200 && status < 300) return done;
    if (status == 401 || status == 403) return credential_refused;
    if (status == 404)
        return request == EndpointRequest::list || is_address_unknown(answer) ? api_missing : not_found;
    if (status == 429) return rate_limited;
    if (status >= 400 && status < 500) return request_refused;
    return status >= 500 && status < 600 ? server_error : unexpected_answer;
}

std::string_view name_of(EndpointOutcome outcome) { return text_of(outcome).name; }
std::string_view meaning_of(EndpointOutcome outcome) { return text_of(outcome).meaning; }
std::string_view code_of(EndpointOutcome outcome) { return text_of(outcome).code; }

bool had_no_effect(EndpointOutcome outcome, const ApiAnswer& answer) {
    switch (outcome) {
        case EndpointOutcome::api_missing:
        case EndpointOutcome::not_found:
        case EndpointOutcome::request_refused:
        case EndpointOutcome::credential_refused:
        case EndpointOutcome::rate_limited:
            return true;
        case EndpointOutcome::network_failure:
            return answer.nothing_was_sent;
        case EndpointOutcome::done:
        case EndpointOutcome::server_error:
        case EndpointOutcome::unexpected_answer:
            break;
    }
    return false;
}

std::string_view name_of(HintFit fit) {
    switch (fit) {
        case HintFit::fits:
            return "fits";
        case HintFit::differs:
            return "differs";
        case HintFit::too_little:
            return "too_little";
        case HintFit::no_hint:
            break;
    }
    return "no_hint";
}

HintComparison compare_hint(std::string_view hint, std::string_view secret) {
    hint = trim(hint);
    if (hint.empty()) return {};
    const auto ends = visible_ends(hint);
    const auto masked = compared_of(ends);
    // Without a mask only whsec_ tells which end it is.
    if (ends.masked || masked.shows_prefix || masked.front.empty()) return compare(masked, secret);
    const auto as_back = compare({false, {}, hint}, secret);
    if (as_back.fit != HintFit::differs) return as_back;
    const auto as_front = compare({false, hint, {}}, secret);
    if (as_front.fit == HintFit::fits) return as_front;
    return {HintFit::differs, as_front.compared + " and " + as_back.compared};
}

std::string show_hint(std::string_view hint) {
    constexpr std::size_t kMostShown = 60;
    constexpr std::size_t kMostVisible = 16;
    const auto compared = compared_of(visible_ends(trim(hint)));
    if (compared.front.size() >= kMostVisible || compared.back.size() >= kMostVisible)
        return "(" + count_of(hint.size(), "character") + ", not shown: too much of a secret)";
    return safe_excerpt(hint, kMostShown);
}

}  // namespace callchain::openai
