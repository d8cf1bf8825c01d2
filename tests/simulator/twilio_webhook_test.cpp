#include "simulator/twilio_webhook.hpp"

#include <gtest/gtest.h>

namespace callchain::simulator {
namespace {

WebhookAccount account() {
    WebhookAccount account;
    account.account_sid = "AC00000000000000000000000000000001";
    account.auth_token = "12345";
    account.voice_url = "https://bridge.example.com/twilio/voice";
    return account;
}

std::string header_of(const http::ClientRequest& request, std::string_view name) {
    for (const auto& header : request.headers)
        if (header.name == name) return header.value;
    return {};
}

// The signature was computed by twilio-node 6.2.0 over the same fields.
TEST(MakeWebhook, SignsAsTwilioDoes) {
    WebhookCall call;
    call.call_sid = "CA00000000000000000000000000000001";
    call.from = "whatsapp:+5511999998888";
    call.to = "whatsapp:+5511988887777";
    const auto request = make_webhook(account(), "POST", account().voice_url, voice_fields(account(), call),
                                      std::string(16, 'x'));
    EXPECT_EQ(request.url, "https://bridge.example.com/twilio/voice");
    EXPECT_EQ(header_of(request, "X-Twilio-Signature"), "BU4D3IXad1kh7BEe4R8PFTfRq9Q=");
    EXPECT_EQ(header_of(request, "User-Agent"), "TwilioProxy/1.1");
    EXPECT_EQ(header_of(request, "I-Twilio-Idempotency-Token"), "78787878-7878-4878-a878-787878787878");
    EXPECT_EQ(request.body,
              "AccountSid=AC00000000000000000000000000000001&ApiVersion=2010-04-01&CallSid="
              "CA00000000000000000000000000000001&CallStatus=ringing&Direction=inbound&From=whatsapp%3A%"
              "2B5511999998888&Caller=whatsapp%3A%2B5511999998888&To=whatsapp%3A%2B5511988887777&Called="
              "whatsapp%3A%2B5511988887777");
}

// The signature was computed by twilio-node 6.2.0 for the same URL.
TEST(MakeWebhook, PutsTheFieldsOfAGetIntoTheUrl) {
    const auto request = make_webhook(account(), "GET", account().voice_url,
                                      {{"CallSid", "CA1"}, {"From", "+5511999998888"}}, std::string(16, 'x'));
    EXPECT_EQ(request.url, "https://bridge.example.com/twilio/voice?CallSid=CA1&From=%2B5511999998888");
    EXPECT_EQ(request.body, "");
    EXPECT_EQ(header_of(request, "X-Twilio-Signature"), "208Qlkuilqh8nayXLbYGROJwzOc=");
}

TEST(MakeWebhook, SendsToTheServiceBehindTheProxy) {
    auto behind = account();
    behind.voice_url = "http://127.0.0.1:8000/twilio/voice";
    struct Row {
        const char* name;
        const char* public_url;
        const char* url;
        const char* sent;
    };
    for (const auto& row :
         {Row{"no proxy", "", "https://x.example/a", "https://x.example/a"},
          Row{"the voice URL", "https://bridge.example.com/twilio/voice",
              "https://bridge.example.com/twilio/voice", "http://127.0.0.1:8000/twilio/voice"},
          Row{"another path", "https://bridge.example.com/twilio/voice",
              "https://bridge.example.com/twilio/dial-action?a=1",
              "http://127.0.0.1:8000/twilio/dial-action?a=1"},
          Row{"an origin alone", "https://bridge.example.com", "https://bridge.example.com/twilio/voice",
              "http://127.0.0.1:8000/twilio/voice"},
          Row{"a prefix", "https://bridge.example.com/calls/twilio/voice",
              "https://bridge.example.com/calls/twilio/dial-action",
              "http://127.0.0.1:8000/twilio/dial-action"},
          Row{"another host", "https://bridge.example.com/twilio/voice", "https://other.example/x",
              "https://other.example/x"}}) {
        SCOPED_TRACE(row.name);
        behind.public_url = row.public_url;
        EXPECT_EQ(sent_url(behind, row.url), row.sent);
    }
    behind.public_url = "https://bridge.example.com";
    EXPECT_EQ(known_voice_url(behind), "https://bridge.example.com/twilio/voice");
}

TEST(CallbackUrl, ReadsReferences) {
    struct Row {
        const char* reference;
        const char* url;
    };
    for (const auto& row :
         {Row{"https://a.example/x#rc=2", "https://a.example/x"}, Row{"/dial", "https://b.example:8443/dial"},
          Row{"dial?a=1", "https://b.example:8443/twilio/dial?a=1"},
          Row{"?a=1", "https://b.example:8443/twilio/voice?a=1"},
          Row{"", "https://b.example:8443/twilio/voice?n=1"}}) {
        SCOPED_TRACE(row.reference);
        EXPECT_EQ(callback_url("https://b.example:8443/twilio/voice?n=1", row.reference), row.url);
    }
    EXPECT_EQ(callback_url("https://b.example/", "ftp://a.example/"), std::nullopt);
}

// Source: Twilio, "Receiving SIP": parameters of a call to a SIP Domain.
TEST(VoiceFields, TellOfTheSipLeg) {
    WebhookCall call;
    call.call_sid = "CA1";
    call.from = "sip:gateway01@127.0.0.1";
    call.to = "sip:bridge@example.sip.twilio.com";
    call.sip_call_id = "abc";
    call.sip_domain = "example.sip.twilio.com";
    call.sip_source = "192.0.2.1";
    call.sip_username = "gateway01";
    sip::Message invite;
    invite.add("X-Callchain-Id", "cc_1");
    invite.add("Subject", "no");
    invite.add("User-to-User", "u");
    call.sip_headers = passed_headers(invite);
    const auto fields = voice_fields(account(), call);
    const encoding::FormFields tail(fields.end() - 7, fields.end());
    EXPECT_EQ(tail, (encoding::FormFields{{"SipCallId", "abc"},
                                          {"SipDomain", "example.sip.twilio.com"},
                                          {"SipDomainSid", "SD00000000000000000000000000000001"},
                                          {"SipSourceIp", "192.0.2.1"},
                                          {"SipUsername", "gateway01"},
                                          {"SipHeader_X-Callchain-Id", "cc_1"},
                                          {"SipHeader_User-to-User", "u"}}));
}

// Source: Twilio, error and warning dictionary.
TEST(JudgeWebhook, GivesTwiliosNumber) {
    using http::ClientFailure;
    using http::TlsCause;
    using Kind = ClientFailure::Kind;
    const auto answer = [](int status, std::string type) {
        http::ClientResponse response;
        response.status = status;
        if (!type.empty()) response.headers.fields.push_back({"Content-Type", std::move(type)});
        return http::ClientResult(response);
    };
    struct Row {
        const char* name;
        http::ClientResult result;
        int code;
    };
    for (const auto& row :
         {Row{"XML", answer(200, "text/xml; charset=utf-8"), 0},
          Row{"application/xml", answer(200, "Application/XML"), 0},
          Row{"403", answer(403, "text/plain"), 11200}, Row{"500", answer(500, "text/xml"), 11200},
          Row{"JSON", answer(200, "application/json"), 12300}, Row{"no type", answer(204, ""), 12300},
          Row{"no URL", ClientFailure{Kind::url, "", TlsCause::none}, 11100},
          Row{"no such host", ClientFailure{Kind::resolve, "", TlsCause::none}, 11210},
          Row{"refused", ClientFailure{Kind::connect, "", TlsCause::none}, 11202},
          Row{"no connection in time",
              ClientFailure{Kind::connect, "no connection to x: Connection timed out after 10000 ms",
                            TlsCause::none},
              11205},
          Row{"slow", ClientFailure{Kind::timeout, "", TlsCause::none}, 11205},
          Row{"broken", ClientFailure{Kind::broken, "", TlsCause::none}, 11200},
          Row{"self-signed", ClientFailure{Kind::tls, "", TlsCause::self_signed}, 11237},
          Row{"expired", ClientFailure{Kind::tls, "", TlsCause::expired}, 11236},
          Row{"another name", ClientFailure{Kind::tls, "", TlsCause::host_name}, 11235},
          Row{"not TLS", ClientFailure{Kind::tls, "", TlsCause::not_tls}, 11220}}) {
        SCOPED_TRACE(row.name);
        const auto reply = judge_webhook(row.result);
        EXPECT_EQ(reply.problem ? reply.problem->code : 0, row.code);
    }
}

}  // namespace
}  // namespace callchain::simulator
