#include "doctor/questions.hpp"

#include "encoding/base64.hpp"
#include "openai/webhook_endpoints.hpp"
#include "service/gateway_check.hpp"
#include "sip/message.hpp"
#include "twilio/call_resources.hpp"
#include "twilio/create_call.hpp"

#include <algorithm>

namespace callchain::doctor {
namespace {

http::ClientRequest of_sip(const std::string& method, const sip::Uri& uri) {
    http::ClientRequest request;
    request.method = method;
    request.url = sip::write_uri(uri);
    return request;
}

http::ClientRequest delivery(const Material& material, const std::string& url) {
    auto request = question(material, "POST", url + "/openai/webhook");
    request.headers = {{"Content-Type", "application/json"},
                       {"webhook-id", "wh_…"},
                       {"webhook-timestamp", "…"},
                       {"webhook-signature", "v1,…"}};
    request.body = "{\"type\": \"callchain.doctor\", …}";
    return request;
}

std::string account_sid(const Material& material) {
    const auto sid = material.value("TWILIO_ACCOUNT_SID");
    return sid.empty() ? material.value("TWILIO_SID") : sid;
}

}  // namespace

http::ClientRequest question(const Material& material, std::string method, std::string url) {
    http::ClientRequest request;
    request.method = std::move(method);
    request.url = std::move(url);
    request.headers = {{"Accept", "application/json"}};
    request.total_time = material.patience;
    request.connect_time = std::min(request.connect_time, material.patience);
    return request;
}

Result<http::ClientRequest> api_question(const Material& material, const std::string& after) {
    const auto access = CALLCHAIN_TRY(api_access(material));
    auto request = question(material, "GET", CALLCHAIN_TRY(openai::endpoints_url(access.base_url, after)));
    request.headers.push_back({"Authorization", "Bearer " + access.key});
    // A key of another project is told apart by this alone (mismatched_project).
    if (!access.project.empty()) request.headers.push_back({"OpenAI-Project", access.project});
    return request;
}

Result<http::ClientRequest> account_question(const Material& material) {
    const auto sid = account_sid(material);
    auto base = material.value("CALLCHAIN_TWILIO_API_URL");
    // A token belongs to its region.
    if (base.empty())
        base = CALLCHAIN_TRY(
            twilio::api_origin("api", material.value("TWILIO_EDGE"), material.value("TWILIO_REGION")));
    auto request = question(material, "GET", CALLCHAIN_TRY(twilio::account_url(base, sid)));
    if (!http::is_url_for_secrets(request.url))
        return fail(ErrorCode::usage, "the auth token goes only over https, or over http to this machine",
                    "write https:// in CALLCHAIN_TWILIO_API_URL");
    const auto value = material.value("TWILIO_AUTH_TOKEN");
    const auto pair = sid + ":" + std::string(service::tolerant_secret(value));
    request.headers.push_back({"Authorization", "Basic " + encoding::to_base64(pair)});
    return request;
}

std::vector<Question> questions(const Material& material) {
    std::vector<Question> all;
    if (auto api = api_question(material, "")) all.push_back({"api", *std::move(api), "OPENAI_API_KEY"});
    if (material.serve && material.serve->result.config) {
        const auto& config = *material.serve->result.config;
        for (const auto& url : config.public_urls) {
            all.push_back({"public-url", question(material, "GET", url + "/healthz")});
            if (!webhook_secrets(material).empty()) all.push_back({"public-url", delivery(material, url)});
        }
        sip::Uri uri{.scheme = "sip", .user = config.voice.project_id, .host = config.voice.host, .port = {}};
        uri.parameters.set("transport", "tls");
        all.push_back({"sip", of_sip("OPTIONS", uri)});
    }
    const bool has_token = material.is_set("TWILIO_AUTH_TOKEN");
    if (auto account = account_question(material); account && has_token)
        all.push_back({"twilio-account", *std::move(account), "TWILIO_AUTH_TOKEN", account_sid(material)});
    if (material.gateway && material.gateway->result.config) {
        const auto probe = service::twilio_probe(*material.gateway->result.config, material.invites);
        all.push_back({"twilio-domain", of_sip(material.invites ? "INVITE" : "OPTIONS", probe.target)});
    }
    return all;
}

}  // namespace callchain::doctor
