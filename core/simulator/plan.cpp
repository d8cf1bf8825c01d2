#include "simulator/plan.hpp"

#include "encoding/base64.hpp"
#include "encoding/text_codings.hpp"

#include <utility>

namespace callchain::simulator {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr const char* kMetaUser = "12145551869";
constexpr const char* kTwilioUser = "gateway";

void override_with(std::map<std::string, std::string>& environment,
                   const std::map<std::string, std::string>& changes) {
    for (const auto& [name, value] : changes) {
        if (value.empty())
            environment.erase(name);
        else
            environment[name] = value;
    }
}

}  // namespace

RunSecrets make_secrets(const std::string& random_bytes) {
    const auto piece = [&random_bytes](std::size_t which) {
        return random_bytes.substr(which * kSecretBytes, kSecretBytes);
    };
    RunSecrets secrets;
    secrets.meta_password = encoding::to_hex(piece(0));
    // Twilio asks for a digit, a small and a capital letter, and 12 characters.
    secrets.twilio_password = "Aa1" + encoding::to_hex(piece(1)).substr(0, 24);
    secrets.auth_token = encoding::to_hex(piece(2)).substr(0, 32);
    secrets.api_key = "sk-proj-" + encoding::to_hex(piece(3));
    secrets.secret = "whsec_" + encoding::to_base64(piece(4));
    secrets.other_secret = "whsec_" + encoding::to_base64(piece(5));
    return secrets;
}

Plan make_plan(const RunSecrets& secrets) {
    Plan plan;
    plan.meta.account = sip::DigestAccount{kMetaUser, secrets.meta_password};
    plan.twilio.account = sip::DigestAccount{kTwilioUser, secrets.twilio_password};
    plan.twilio.auth_token = secrets.auth_token;
    plan.openai.api_key = secrets.api_key;
    plan.secret = secrets.secret;
    plan.other_secret = secrets.other_secret;
    return plan;
}

std::map<std::string, std::string> gateway_environment(const Plan& plan, const Places& places) {
    const bool secure = plan.twilio.secure_media == TwilioSettings::SecureMedia::on;
    std::map<std::string, std::string> environment{
        {"CALLCHAIN_LOG", "json"},
        {"CALLCHAIN_LISTEN", "127.0.0.1:" + std::to_string(places.gateway_port)},
        {"CALLCHAIN_ADVERTISE", "127.0.0.1:" + std::to_string(places.advertised_port)},
        {"CALLCHAIN_ADMIN_LISTEN", "127.0.0.1:0"},
        {"CALLCHAIN_ALLOW", "127.0.0.0/8"},
        {"CALLCHAIN_CA_FILE", places.ca_file},
        {"CALLCHAIN_MAX_CALLS", "100000"},
        {"CALLCHAIN_CALLS_PER_SECOND", "1000"},
        {"CALLCHAIN_TWILIO_SECURE_MEDIA", secure ? "on" : "off"},
        {"CALLCHAIN_TRACE", places.folder + "/" + places.gateway_name + "-trace.jsonl"},
        {"META_SIP_USERNAME", plan.meta.account ? plan.meta.account->username : ""},
        {"META_SIP_PASSWORD", plan.meta.account ? plan.meta.account->password : ""},
        // What Meta trusts, for the judgement of gateway check: in this run that is our authority.
        {"SSL_CERT_FILE", places.ca_file},
        {"TLS_CERT_PATH", places.gateway_certificate},
        {"TLS_KEY_PATH", places.gateway_key},
        {"TWILIO_DESTINATION", "bridge"},
        {"TWILIO_SIP_DOMAIN", places.twilio_address},
        {"TWILIO_SIP_PASSWORD", plan.twilio.account ? plan.twilio.account->password : ""},
        {"TWILIO_SIP_USERNAME", plan.twilio.account ? plan.twilio.account->username : ""},
        {"USE_TLS", "true"},
    };
    override_with(environment, plan.gateway);
    return environment;
}

std::map<std::string, std::string> serve_environment(const Plan& plan, const Places& places) {
    std::map<std::string, std::string> environment{
        {"CALLCHAIN_ADMIN_LISTEN", "127.0.0.1:0"},     {"CALLCHAIN_CAPTURE_DIR", places.folder + "/captures"},
        {"CALLCHAIN_LISTEN", "127.0.0.1:0"},           {"CALLCHAIN_LOG", "json"},
        {"CALLCHAIN_PUBLIC_URL", places.public_url},   {"CALLCHAIN_RECORD", "full"},
        {"OPENAI_API_KEY", plan.openai.api_key},       {"OPENAI_BASE_URL", places.openai_url},
        {"OPENAI_PROJECT_ID", plan.openai.project_id}, {"OPENAI_REALTIME_GREETING", "Hello."},
        {"OPENAI_WEBHOOK_SECRET", plan.secret},        {"TWILIO_AUTH_TOKEN", plan.twilio.auth_token},
        {"TWILIO_SIP_CALLER_ID", plan.meta.called},
    };
    override_with(environment, plan.serve);
    return environment;
}

std::map<std::string, std::string> desk_environment(const Plan& plan, const Places& places) {
    auto environment = serve_environment(plan, places);
    environment["CALLCHAIN_CA_FILE"] = places.ca_file;
    environment["CALLCHAIN_LISTEN"] = places.serve_address;
    environment["TWILIO_ACCOUNT_SID"] = plan.twilio.account_sid;
    environment["TWILIO_SIP_DOMAIN"] = places.twilio_address;
    if (plan.twilio.account) {
        environment["TWILIO_SIP_USERNAME"] = plan.twilio.account->username;
        environment["TWILIO_SIP_PASSWORD"] = plan.twilio.account->password;
    }
    environment["CALLCHAIN_TWILIO_API_URL"] = places.twilio_api_url;
    environment["CALLCHAIN_TWILIO_MONITOR_URL"] = places.twilio_api_url;
    return environment;
}

}  // namespace callchain::simulator
