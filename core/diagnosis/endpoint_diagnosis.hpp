/// What the webhook endpoints of a project say about a signature that does not match: who is subscribed to
/// call events, whose secret ours is, and where the deliveries go.
#pragma once

#include "diagnosis/finding.hpp"
#include "openai/webhook_endpoints.hpp"
#include "signature/secret.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

struct EndpointMaterial {
    std::vector<openai::WebhookEndpoint> endpoints;
    std::vector<signature::LabelledSecret> secrets;  ///< may be none
    std::vector<std::string> own_hosts;  ///< of this server, as host_of_url() writes them; none: not known
    bool complete = true;                ///< false: the project has more endpoints than were read
};

struct SecretFit {
    std::string label;
    openai::HintComparison comparison;
};

/// One endpoint, in the order of the material.
struct EndpointView {
    bool announces_calls = false;
    std::optional<bool> is_here;  ///< its URL is this server; nullopt: it is not known where that is
    std::vector<SecretFit> fits;  ///< one for each secret
};

struct EndpointReport {
    std::vector<EndpointView> views;
    std::vector<Finding> findings;  ///< endpoint_…; all are hints, since no signature is recomputed
};

/// In lower case, without port, brackets kept, without a final dot; empty for what is no http or https URL.
[[nodiscard]] std::string host_of_url(std::string_view url);

/// Findings: endpoint_several_subscribed, endpoint_none_subscribed, endpoint_url_elsewhere,
/// endpoint_secret_unknown (no given secret fits a subscribed endpoint, and every hint shows enough to say
/// so), endpoint_secret_of_other (a secret fits an endpoint elsewhere, and none fits the one that is here).
/// What a list that is not complete cannot say is not said. Pure.
[[nodiscard]] EndpointReport judge_endpoints(const EndpointMaterial& material);

/// `whe_1 "bridge" https://bridge.example.com/openai/webhook`: made visible, cut, without a password.
[[nodiscard]] std::string endpoint_in_words(const openai::WebhookEndpoint& endpoint);

}  // namespace callchain::diagnosis
