#include "simulator/fault.hpp"

#include "base/nearest_words.hpp"

#include <algorithm>
#include <chrono>

namespace callchain::simulator {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kFirstService = "the first service, January 2026";
constexpr std::string_view kFirstGateway = "the first gateway";
constexpr std::string_view kMetaGuide = "Meta, \"SIP troubleshooting\"";
constexpr std::string_view kTwilioGuide = "Twilio, error and warning dictionary";
constexpr std::string_view kOpenAiForum = "OpenAI, developer community";

// As the first service answered: without a caller id, <Dial> passes on "whatsapp:+…", which is no SIP user.
constexpr std::string_view kTwimlWithoutCallerId =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Dial><Sip>"
    "sip:proj_00000000000000000000000a@sip.api.openai.com;transport=tls</Sip></Dial></Response>";

// In place of a value that is somebody else's.
std::string altered(std::string text) {
    if (!text.empty()) text.back() = text.back() == 'a' ? 'b' : 'a';
    return text;
}

// Each of a network that its owner publishes for signalling: AS32934 of Meta, and Twilio, "SIP Interface: IP
// addresses".
constexpr const char* kAddressOfMeta = "157.240.0.1";
constexpr const char* kAddressOfTwilio = "54.172.60.1";

// The model ends the call, so that Twilio has a BYE to send.
void hang_up_on_new_connection(Plan& plan) {
    plan.twilio.bye_on_new_connection = true;
    plan.openai.model_hangs_up = 500ms;
    plan.meta.hangs_up = false;
}

constexpr Fault kFaults[] = {
    // WhatsApp and the gateway
    {"expired-certificate", "the gateway's certificate has ended", kMetaGuide, true,
     [](Plan& plan, const RunSecrets&) { plan.gateway_certificate_life = -1h; }},
    {"wrong-meta-password", "META_SIP_PASSWORD is another application's", kMetaGuide, true,
     [](Plan& plan, const RunSecrets& secrets) {
         plan.gateway["META_SIP_PASSWORD"] = altered(secrets.meta_password);
     }},
    {"dtls-offer", "Meta offers DTLS, its default, which Twilio's SIP Domains do not speak", kMetaGuide, true,
     [](Plan& plan, const RunSecrets&) { plan.meta.offer = Offer::dtls_opus; }},
    {"opus-offer", "Meta offers Opus alone: additional_codecs is not set", kMetaGuide, true,
     [](Plan& plan, const RunSecrets&) { plan.meta.offer = Offer::sdes_opus; }},
    {"secure-media-off", "the SIP Domain has Secure Media off, and the gateway knows it", kTwilioGuide, true,
     [](Plan& plan, const RunSecrets&) { plan.twilio.secure_media = TwilioSettings::SecureMedia::off; }},
    {"secure-media-mismatch", "the SIP Domain has Secure Media off, and the gateway takes it for on",
     kTwilioGuide, true,
     [](Plan& plan, const RunSecrets&) {
         plan.twilio.secure_media = TwilioSettings::SecureMedia::off;
         plan.gateway["CALLCHAIN_TWILIO_SECURE_MEDIA"] = "on";
     }},
    {"wrong-sip-password", "TWILIO_SIP_PASSWORD is not the one of the credential list", kFirstGateway, true,
     [](Plan& plan, const RunSecrets& secrets) {
         plan.gateway["TWILIO_SIP_PASSWORD"] = altered(secrets.twilio_password);
     }},
    {"dropped-connection", "Meta's connection breaks in mid-call", kMetaGuide, true,
     [](Plan& plan, const RunSecrets&) { plan.meta.drops_connection = 500ms; }},
    {"bye-on-new-connection",
     "the BYE of Twilio comes by a connection that nobody has seen, and CALLCHAIN_ALLOW is meta", kMetaGuide,
     true,
     [](Plan& plan, const RunSecrets&) {
         hang_up_on_new_connection(plan);
         plan.gateway["CALLCHAIN_ALLOW"] = "meta";
         plan.gateway["CALLCHAIN_PROXY_PROTOCOL_FROM"] = "127.0.0.1";
         plan.peers_of_gateway = {kAddressOfMeta, kAddressOfTwilio};
     }},
    {"second-replica", "a second replica runs, and the BYE of Twilio reaches the one without the call",
     kFirstGateway, true,
     [](Plan& plan, const RunSecrets&) {
         hang_up_on_new_connection(plan);
         plan.meta.patience = 4s;
         plan.second_replica = true;
     }},
    {"no-media", "no sound of the business reaches WhatsApp, which hangs up after 20 s", kMetaGuide, true,
     [](Plan& plan, const RunSecrets&) { plan.meta.hears = false; }},

    // Twilio and its webhooks
    {"missing-caller-id", "the TwiML dials OpenAI without callerId", kFirstService, false,
     [](Plan& plan, const RunSecrets&) { plan.foreign_twiml = kTwimlWithoutCallerId; }},
    {"wrong-auth-token", "TWILIO_AUTH_TOKEN is another account's", kTwilioGuide, false,
     [](Plan& plan, const RunSecrets& secrets) {
         plan.serve["TWILIO_AUTH_TOKEN"] = altered(secrets.auth_token);
     }},
    {"slow-voice-webhook", "serve does not answer the voice webhook within Twilio's 15 s", kTwilioGuide,
     false,
     [](Plan& plan, const RunSecrets&) {
         plan.twilio.webhook_time = 2s;
         plan.freezes_serve = true;
     }},
    {"wrong-project", "OPENAI_PROJECT_ID names another project", kOpenAiForum, false,
     [](Plan& plan, const RunSecrets&) {
         plan.serve["OPENAI_PROJECT_ID"] = "proj_00000000000000000000000b";
     }},

    // OpenAI's webhook
    {"wrong-secret", "OPENAI_WEBHOOK_SECRET is the secret of another endpoint", kFirstService, false,
     [](Plan& plan, const RunSecrets& secrets) {
         plan.serve["OPENAI_WEBHOOK_SECRET"] = secrets.other_secret;
     }},
    {"quoted-secret", "OPENAI_WEBHOOK_SECRET stands in quotes, which became part of it", kFirstService, false,
     [](Plan& plan, const RunSecrets& secrets) {
         plan.serve["OPENAI_WEBHOOK_SECRET"] = "\"" + secrets.secret + "\"";
     }},
    {"body-reserialised", "a proxy parses the body and writes it anew", kFirstService, false,
     [](Plan& plan, const RunSecrets&) { plan.openai.body_reserialised = true; }},
    {"clock-skew", "the clocks of the two sides are ten minutes apart", kOpenAiForum, false,
     [](Plan& plan, const RunSecrets&) { plan.openai.clock_skew = -10min; }},
    {"slow-webhook", "the webhook comes when OpenAI has given the call up", kOpenAiForum, false,
     [](Plan& plan, const RunSecrets&) {
         plan.openai.accept_time = 1s;
         plan.openai.dispatch_delay = 1'500ms;
     }},
    {"redelivery-storm", "the same webhook comes twenty times", kOpenAiForum, false,
     [](Plan& plan, const RunSecrets&) { plan.openai.redeliveries = 20; }},
    {"two-endpoints", "a second endpoint is subscribed to the calls, and accepts first", kFirstService, false,
     [](Plan& plan, const RunSecrets&) {
         plan.other_endpoint = true;
         plan.openai.between_endpoints = 200ms;
     }},

    // The accept and the session
    {"wrong-api-key", "OPENAI_API_KEY is not of this project", kOpenAiForum, false,
     [](Plan& plan, const RunSecrets& secrets) { plan.serve["OPENAI_API_KEY"] = altered(secrets.api_key); }},
    {"accept-race", "the call is not yet known when it is accepted: 404, then 200", kOpenAiForum, false,
     [](Plan& plan, const RunSecrets&) { plan.openai.not_found_first = 2; }},
    {"dead-accept", "the accept is answered 200, and no session begins", kOpenAiForum, false,
     [](Plan& plan, const RunSecrets&) {
         plan.openai.dead_accepts = true;
         plan.openai.dead_after = 1'500ms;
     }},
    {"api-down", "OpenAI's API answers 500", kOpenAiForum, false,
     [](Plan& plan, const RunSecrets&) { plan.openai.fails_percent = 100; }},
    {"silent-model", "the model does not speak", kOpenAiForum, false,
     [](Plan& plan, const RunSecrets&) { plan.openai.greets = false; }},
    {"killed-service", "the platform kills serve at once behind SIGTERM", "Railway, \"Deployment teardown\"",
     false, [](Plan& plan, const RunSecrets&) { plan.kills_serve = 500ms; }},
};

}  // namespace

std::span<const Fault> faults() { return kFaults; }

const Fault* find_fault(std::string_view name) {
    const auto* found = std::find_if(std::begin(kFaults), std::end(kFaults),
                                     [name](const Fault& fault) { return fault.name == name; });
    return found == std::end(kFaults) ? nullptr : found;
}

std::vector<std::string_view> nearest_faults(std::string_view name) {
    std::vector<std::string_view> names;
    for (const auto& fault : kFaults) names.push_back(fault.name);
    return nearest_words(name, names);
}

}  // namespace callchain::simulator
