/// OpenAI's webhook endpoints of a project: addresses of the API that manages them, its answers, and which
/// secret a masked hint fits.
#pragma once

#include "base/result.hpp"
#include "openai/call_outcome.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::openai {

/// What is asked of the API. Source: OpenAI API reference, "Webhook endpoints".
enum class EndpointRequest {
    list,           ///< GET  /webhook_endpoints
    test,           ///< POST /webhook_endpoints/{id}/test
    rotate_secret,  ///< POST /webhook_endpoints/{id}/rotate_secret
};

/// As check_call_id(), of an endpoint's id (whe_…). Errors: bad_input.
[[nodiscard]] Result<void> check_endpoint_id(std::string_view id);
/// One page of the list, with limit=100; `after` is the last id of the page before, empty for the first.
/// Errors: usage where `base` is no base URL, as call_url().
[[nodiscard]] Result<std::string> endpoints_url(std::string_view base, std::string_view after);
/// The address of `test` or `rotate_secret`. Errors: as endpoints_url() and check_endpoint_id().
[[nodiscard]] Result<std::string> endpoint_url(std::string_view base, std::string_view id,
                                               EndpointRequest request);
/// {"event_type":…} and {"keep_old_secret_active_for_24_hours":…}. The API's own default for the latter is
/// false: the old secret dies at once.
[[nodiscard]] std::string test_body(std::string_view event_type);
enum class OldSecret { kept_24_hours, dropped };
[[nodiscard]] std::string rotate_body(OldSecret old_secret);

/// One of the three types that announce a call: realtime.call.incoming, live.transport.incoming,
/// live.call.incoming.
[[nodiscard]] bool announces_call(std::string_view event_type);

struct WebhookEndpoint {
    std::string id;  ///< as it came; check_endpoint_id() is the caller's where it becomes part of an address
    std::string name;
    std::string url;
    std::vector<std::string> event_types;
    std::optional<std::chrono::sys_seconds> created_at;
    /// Of the last change of configuration or secret; a test does not move it.
    std::optional<std::chrono::sys_seconds> updated_at;
    std::string secret_hint;  ///< signing_secret_hint as it came; empty where there is none

    [[nodiscard]] bool announces_calls() const;
};

struct EndpointPage {
    std::vector<WebhookEndpoint> endpoints;
    std::string next;  ///< what the next page begins behind; empty: this is the last one
};
/// {data: […], has_more, last_id}; unknown members are ignored, members of another kind count as absent.
/// Errors: bad_input for what is no JSON object, has no array `data` or an endpoint without an id, or
/// promises more without saying behind what. Messages quote nothing of the body.
[[nodiscard]] Result<EndpointPage> read_endpoint_page(std::string_view body);

/// The pages of one list, gathered.
struct EndpointListing {
    static constexpr std::size_t kMostPages = 20;
    std::vector<WebhookEndpoint> endpoints;
    std::size_t pages = 0;  ///< given to add()
    bool complete = true;   ///< false: there are more than kMostPages pages

    /// Takes one page, and says what the next begins behind; empty: this was the last to ask for. Errors:
    /// bad_input for a page that is none, is empty and promises another, or brings an endpoint of a page
    /// before it: such a list would never end.
    [[nodiscard]] Result<std::string> add(std::string_view body);
};

/// What the server behind the endpoint answered to a test. Source: OpenAI API reference,
/// "webhook_endpoint.test": success is true for every result, the status is what tells.
struct EndpointTest {
    std::string event_type;
    int status = 0;  ///< 0: there was no answer, or none was named
    [[nodiscard]] bool delivered() const { return status >= 200 && status < 300; }
};
/// Errors: bad_input for what is no JSON object.
[[nodiscard]] Result<EndpointTest> read_endpoint_test(std::string_view body);
/// What a status other than 2xx says of the server, and where to look: one sentence.
[[nodiscard]] std::string_view advice_on_test(int status);

/// The new secret, which is shown this once. Errors: bad_input where there is none to be read.
[[nodiscard]] Result<std::string> read_rotated_secret(std::string_view body);

/// Named results. A name never changes its meaning.
enum class EndpointOutcome {
    done,
    api_missing,         ///< 404 of the list, or of an address as a whole: no such API at this base URL
    not_found,           ///< 404: the project has no such endpoint
    request_refused,     ///< other 4xx
    credential_refused,  ///< 401, 403
    rate_limited,        ///< 429
    server_error,        ///< 5xx
    network_failure,     ///< no answer, or none in time
    unexpected_answer,   ///< any other status, or 2xx with what cannot be read
};
[[nodiscard]] EndpointOutcome outcome_of(const ApiAnswer& answer, EndpointRequest request);
[[nodiscard]] std::string_view name_of(EndpointOutcome outcome);
/// One sentence: what it means here.
[[nodiscard]] std::string_view meaning_of(EndpointOutcome outcome);
/// The finding code whose page explains it, endpoint_…; empty for done.
[[nodiscard]] std::string_view code_of(EndpointOutcome outcome);
/// True where the request certainly changed nothing at OpenAI.
[[nodiscard]] bool had_no_effect(EndpointOutcome outcome, const ApiAnswer& answer);

/// Whether a secret can be the one behind a hint.
enum class HintFit {
    fits,        ///< all that the hint shows is so in the secret
    differs,     ///< something that it shows is not
    too_little,  ///< fewer than three characters of the secret are visible: nothing can be told
    no_hint,     ///< the endpoint has none
};
[[nodiscard]] std::string_view name_of(HintFit fit);

struct HintComparison {
    HintFit fit = HintFit::no_hint;
    std::string compared;  ///< for a person: "whsec_ and the last 4 characters"; empty for no_hint
};
/// Compares what is visible before and behind the mask with the same places of the secret. How OpenAI masks
/// is not documented, so all common forms are read: what cannot stand in a secret is mask, and where there is
/// none of it, runs of three and more 'x'. A hint without any mask is held against both ends. `whsec_` and
/// padding tell nothing, since all secrets have them, and a secret that lost its padding or prefix is
/// compared by the rest. `secret` is without blanks and quotes around it. Never shows more than lengths.
[[nodiscard]] HintComparison compare_hint(std::string_view hint, std::string_view secret);

/// A hint as it may be shown: made visible, at most 60 characters; what is no mask but as long as a good part
/// of a secret is withheld.
[[nodiscard]] std::string show_hint(std::string_view hint);

}  // namespace callchain::openai
