#include "signature/twilio.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::signature {
namespace {

using encoding::FormFields;

constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::string_view kToken = "12345";

struct Outcome {
    std::string error;
    TwilioCheck check;
};

Outcome check(std::string_view token, const std::vector<std::string>& urls, const TwilioRequest& request) {
    const crypto::HmacKey keys[] = {twilio_key(token)};
    auto result = check_twilio(keys, urls, request);
    if (!result) return {result.error().message, {}};
    return {"", *std::move(result)};
}

bool accepts(const std::string& url, std::string_view body, std::string_view signature,
             std::string_view content_type = kForm, std::string_view method = "POST") {
    const auto outcome = check(kToken, {url}, {method, content_type, body, signature});
    EXPECT_EQ(outcome.error, "");
    return outcome.check.valid();
}

struct Vector {
    const char* name;
    std::string url;
    std::string body;
    const char* signature;
};

const std::string kUrl = "https://mycompany.com/myapp.php?foo=1&bar=2";
const std::string kCall =
    "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";

// Test suites of twilio-node (spec/validation.spec.js) and twilio-python
// (tests/unit/test_request_validator.py).
const Vector kPublished[] = {
    {"no port", kUrl, kCall, "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
    {"https with its port", "https://mycompany.com:443/myapp.php?foo=1&bar=2", kCall,
     "kvajT1Ptam85bY51eRf/AJRuM3w="},
    {"http with another port", "http://mycompany.com:1234/myapp.php?foo=1&bar=2", kCall,
     "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="},
    {"http with its port", "http://mycompany.com:80/myapp.php?foo=1&bar=2", kCall,
     "0ZXoZLH/DfblKGATFgpif+LLRf4="},
    {"user and password", "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", kCall,
     "CukzLTc1tT5dXEDIHm/tKBanW10="},
    {"user and password, port", "https://user:pass@mycompany.com:443/myapp.php?foo=1&bar=2", kCall,
     "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="},
    {"user alone", "https://user@mycompany.com/myapp.php?foo=1&bar=2", kCall, "2YRLlVAflCqxaNicjMpJcSTgzSs="},
    {"escaped apostrophe", kUrl + "&Body=It%27s+amazing", kCall, "TfZzewPq8wqrGlMfyAud8+/IvJ0="},
    {"bare apostrophe", kUrl + "&Body=It's+amazing", kCall, "dsq4Ehbj6cs+KdTkpF5sSSplOWw="},
    {"two values of one name", kUrl,
     "MessagingBinding.Address=%2B1325xxxxxxx&MessagingBinding.Address=%2B1415xxxxxxx",
     "83O6e2vORAoJHUNzJjDWN1jz+BA="},
    {"the same two in the other order", kUrl,
     "MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx",
     "83O6e2vORAoJHUNzJjDWN1jz+BA="},
    {"a value given twice", kUrl, "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
     "IK+Dwps556ElfBT0I3Rgjkr1wJU="},
};

const std::string kBridge = "https://bridge.example.com/twilio/voice";
const std::string kInbound =
    "AccountSid=AC00000000000000000000000000000001&ApiVersion=2010-04-01&CallSid="
    "CA00000000000000000000000000000001&"
    "CallStatus=ringing&Called=whatsapp%3A%2B5511988887777&Caller=whatsapp%3A%2B5511999998888&Direction="
    "inbound&"
    "From=whatsapp%3A%2B5511999998888&To=whatsapp%3A%2B5511988887777";

// Computed with Python's hmac and confirmed with twilio-node 6.2.0.
const Vector kOwn[] = {
    {"O1, an inbound WhatsApp call", kBridge, kInbound, "BU4D3IXad1kh7BEe4R8PFTfRq9Q="},
    {"O2, port 443", "https://bridge.example.com:443/twilio/voice", kInbound, "PHPu+1dVmqjBL8rUaws9BvCqkl4="},
    {"O3, port 8443", "https://bridge.example.com:8443/twilio/voice", kInbound,
     "m/icKSeG52HoTxymiwERIvioHcY="},
    {"O4, a dial action with an empty value", "https://bridge.example.com/twilio/dial-action?trace=t-1&n=2",
     "AccountSid=AC00000000000000000000000000000001&CallSid=CA00000000000000000000000000000001&CallStatus=in-"
     "progress&"
     "DialBridged=false&DialCallSid=CA00000000000000000000000000000002&DialCallStatus=failed&"
     "DialSipCallId=abc123%400.0.0.0&DialSipResponseCode=404&DialSipHeader_X-Note=",
     "sSBkjOu1GjTvO3HKU0h8wYKHenM="},
    {"O5, letters outside ASCII", kBridge, "CallerName=Jos%C3%A9+%26+%C3%87%C3%A3o&From=%2B5511999998888",
     "jemrwwjIOv22wgkkfgb3g5Q/vek="},
    {"O6, a GET webhook", kBridge + "?CallSid=CA1&From=%2B5511999998888", "", "208Qlkuilqh8nayXLbYGROJwzOc="},
    {"O7, the order of names", kBridge, "a=1&B=2&A=3&_x=4&b=5", "PQfR08XzanAgTYnDYTKpKvZ0GQo="},
    {"O8, the order of values is textual", kBridge, "D=9&D=10&D=9", "6kcVO/4GX8Oeq75PncCO/lHas5k="},
};

TEST(SignTwilio, ReproducesThePublishedVectors) {
    for (const auto& row : kPublished) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(sign_twilio(kToken, row.url, encoding::parse_form(row.body)), row.signature);
        EXPECT_TRUE(accepts(row.url, row.body, row.signature));
    }
}

TEST(SignTwilio, ReproducesTheProjectsOwnVectors) {
    for (const auto& row : kOwn) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(sign_twilio(kToken, row.url, encoding::parse_form(row.body)), row.signature);
        EXPECT_TRUE(accepts(row.url, row.body, row.signature, kForm, row.body.empty() ? "GET" : "POST"));
    }
}

// The same suites: what a validator accepts although the URL it knows differs from the one that was signed.
TEST(CheckTwilio, AcceptsTheUrlWithAndWithoutItsPort) {
    struct Row {
        const char* name;
        std::string url;
        const char* signature;
        UrlForm form;
    };
    const Row rows[] = {
        {"signed without, received with 1234", "https://mycompany.com:1234/myapp.php?foo=1&bar=2",
         "RSOYDt4T1cUTdK1PDd93/VVr8B8=", UrlForm::port_removed},
        {"signed with 443, received without", kUrl, "kvajT1Ptam85bY51eRf/AJRuM3w=", UrlForm::port_kept},
        {"signed with 80, received without", "http://mycompany.com/myapp.php?foo=1&bar=2",
         "0ZXoZLH/DfblKGATFgpif+LLRf4=", UrlForm::port_kept},
        {"user, password and 443, received without port",
         "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2",
         "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=", UrlForm::port_kept},
        {"bare apostrophe received, escaped one signed", kUrl + "&Body=It's+amazing",
         "TfZzewPq8wqrGlMfyAud8+/IvJ0=", UrlForm::normalised_port_removed},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto outcome = check(kToken, {row.url}, {"POST", kForm, kCall, row.signature});
        ASSERT_TRUE(outcome.check.valid());
        EXPECT_EQ(outcome.check.candidate->form, row.form) << outcome.check.candidate->url;
    }
}

// Negative checks run on twilio-node 6.2.0.
TEST(CheckTwilio, RefusesOtherUrls) {
    const char* signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    for (const char* url :
         {"http://mycompany.com/myapp.php?foo=1&bar=2", "https://mycompany.com/myapp.php?foo=1&bar=2#rc=2",
          "https://mycompany.com/myapp.php/?foo=1&bar=2", "https://mycompany.com/MyApp.php?foo=1&bar=2",
          "https://mycompany.com/myapp.php?bar=2&foo=1", "https://mycompany.com/myapp.php",
          "https://www.mycompany.com/myapp.php?foo=1&bar=2"}) {
        SCOPED_TRACE(url);
        EXPECT_FALSE(accepts(url, kCall, signature));
    }
    EXPECT_FALSE(accepts(kUrl, kCall, "CukzLTc1tT5dXEDIHm/tKBanW10="));  // signed with user:pass@
}

TEST(CheckTwilio, AcceptsAConfiguredUserWithAndWithoutIt) {
    const std::string url = "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2";
    const auto kept = check(kToken, {url}, {"POST", kForm, kCall, "CukzLTc1tT5dXEDIHm/tKBanW10="});
    const auto removed = check(kToken, {url}, {"POST", kForm, kCall, "RSOYDt4T1cUTdK1PDd93/VVr8B8="});
    ASSERT_TRUE(kept.check.valid() && removed.check.valid());
    EXPECT_EQ(kept.check.candidate->userinfo, Userinfo::kept);
    EXPECT_EQ(removed.check.candidate->userinfo, Userinfo::removed);
}

TEST(CheckTwilio, RefusesAlteredSignatures) {
    for (const char* signature :
         {"", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "RSOYDt4T1cUTdK1PDd93_VVr8B8=", "RSOYDt4T1cUTdK1PDd93/VVr8B9=",
          "rsoydt4t1cutdk1pdd93/vvr8b8=", " RSOYDt4T1cUTdK1PDd93/VVr8B8="}) {
        SCOPED_TRACE(signature);
        EXPECT_FALSE(accepts(kUrl, kCall, signature));
    }
}

// twilio-node test suite, "validateRequestWithBody".
const std::string kJson = R"({"property": "value", "boolean": true})";
const std::string kJsonHash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";

TEST(CheckTwilio, ChecksTheHashOfAJsonBody) {
    const std::string with_query = kUrl + "&bodySHA256=" + kJsonHash;
    const std::string alone = "https://mycompany.com/myapp.php?bodySHA256=" + kJsonHash;
    EXPECT_TRUE(accepts(with_query, kJson, "a9nBmqA0ju/hNViExpshrM61xv4=", "application/json"));
    EXPECT_TRUE(accepts(alone, kJson, "y77kIzt2vzLz71DgmJGsen2scGs=", "application/json"));
    // The hash decides, whatever the content type says: a form is not appended to such a URL.
    EXPECT_TRUE(accepts(with_query, kJson, "a9nBmqA0ju/hNViExpshrM61xv4=", kForm));
}

TEST(CheckTwilio, ChecksTheHashOfAnEmptyJsonObject) {
    const std::string url =
        kUrl + "&bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    EXPECT_TRUE(accepts(url, "{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc=", "application/json"));  // port 443 added
    EXPECT_TRUE(accepts(url, "{}", "rw/jVviOgicj2+kHZULvebnA4ag=", "application/json"));
}

TEST(CheckTwilio, TellsAWrongBodyHashFromAWrongSignature) {
    const std::string url = kUrl + "&bodySHA256=" + kJsonHash;
    const auto outcome =
        check(kToken, {url}, {"POST", "application/json", kJson + "\n", "a9nBmqA0ju/hNViExpshrM61xv4="});
    EXPECT_EQ(outcome.check.mac, Mac::matches);
    EXPECT_EQ(outcome.check.body, BodyCheck::sha256_differs);
    EXPECT_FALSE(outcome.check.valid());
}

TEST(CheckTwilio, NeverTrustsABodyThatNothingCovers) {
    const auto signature = sign_twilio(kToken, kBridge, {});
    const auto outcome = check(kToken, {kBridge}, {"POST", "application/json", "{}", signature});
    EXPECT_EQ(outcome.check.mac, Mac::matches);
    EXPECT_EQ(outcome.check.body, BodyCheck::uncovered);
    EXPECT_FALSE(outcome.check.valid());
    EXPECT_TRUE(check(kToken, {kBridge}, {"POST", "application/json", "", signature}).check.valid());
    EXPECT_TRUE(check(kToken, {kBridge}, {"GET", "", "\n", signature}).check.valid());
}

TEST(CheckTwilio, NamesTheTokenAndTheUrlThatMatched) {
    std::vector<crypto::HmacKey> keys;
    keys.push_back(twilio_key("other"));
    keys.push_back(twilio_key(kToken));
    const std::vector<std::string> urls{"https://other.example.com/", kUrl};
    const auto result = check_twilio(
        keys, urls,
        {"POST", "Application/X-WWW-Form-Urlencoded; charset=UTF-8", kCall, "RSOYDt4T1cUTdK1PDd93/VVr8B8="});
    ASSERT_TRUE(result.has_value());
    ASSERT_TRUE(result->valid());
    EXPECT_EQ(result->token_index, 1U);
    EXPECT_EQ(result->url_index, 1U);
}

// Nothing separates URL and parameters, so one signature can stand for two requests.
TEST(CheckTwilio, PrefersAUrlUnderWhichTheBodyFitsToo) {
    const std::string query = "?bodySHA256=" + std::string(64, '0');
    const auto signature = sign_twilio(kToken, kBridge + query, {});
    const std::string body = "%3FbodySHA256%3D" + std::string(64, '0');
    const TwilioRequest request{"POST", kForm, body, signature};
    const auto both = check(kToken, {kBridge + query, kBridge}, request);
    EXPECT_TRUE(both.check.valid());
    EXPECT_EQ(both.check.url_index, 1U);
    const auto first = check(kToken, {kBridge + query}, request);
    EXPECT_EQ(first.check.mac, Mac::matches);
    EXPECT_EQ(first.check.body, BodyCheck::sha256_differs);
}

TEST(CheckTwilio, RefusesUrlsThatAreNotAbsolute) {
    for (const char* url :
         {"", "/twilio/voice", "bridge.example.com/twilio", "ftp://bridge.example.com/", "https://",
          "https:///voice", "https://user:pw@/voice", "https://bridge.example.com/voice\n"}) {
        SCOPED_TRACE(url);
        const auto outcome = check(kToken, {url}, {"POST", kForm, kCall, "RSOYDt4T1cUTdK1PDd93/VVr8B8="});
        EXPECT_NE(outcome.error.find("not an absolute http or https URL"), std::string::npos)
            << outcome.error;
    }
}

TEST(IsTwilioSignature, WantsTwentyBytesOfStrictBase64) {
    EXPECT_TRUE(is_twilio_signature("RSOYDt4T1cUTdK1PDd93/VVr8B8="));
    for (const char* bad :
         {"", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "RSOYDt4T1cUTdK1PDd93_VVr8B8=", "RSOYDt4T1cUTdK1PDd93/VVr8BA==",
          "RSOYDt4T1cUTdK1PDd93/VVr8B8A", "RSOYDt4T1cUTdK1PDd93/VVr8B9="}) {
        SCOPED_TRACE(bad);
        EXPECT_FALSE(is_twilio_signature(bad));
    }
}

// Whatever is signed is accepted in any order of its parameters, and nothing else is.
TEST(CheckTwilio, AgreesWithSignTwilioForAnyRequest) {
    EXPECT_TRUE(rc::check("sign, shuffle, check", [] {
        const auto fields = *rc::gen::arbitrary<FormFields>();
        const auto path = encoding::percent_encode(*rc::gen::arbitrary<std::string>());
        const auto query = encoding::write_form(*rc::gen::arbitrary<FormFields>());
        const auto token = *rc::gen::arbitrary<std::string>();
        const auto port = *rc::gen::element<std::string>("", ":443", ":8443");
        RC_PRE(!query_parameter(query, kBodyHashParameter));
        const std::string url = "https://bridge.example.com" + port + "/" + path + "?" + query;
        const auto signature = sign_twilio(token, url, fields);
        auto shuffled = fields;
        std::reverse(shuffled.begin(), shuffled.end());
        if (!fields.empty()) shuffled.push_back(fields.front());
        const auto body = encoding::write_form(shuffled);
        RC_ASSERT(check(token, {url}, {"POST", kForm, body, signature}).check.valid());
        RC_ASSERT(!check(token + "x", {url}, {"POST", kForm, body, signature}).check.valid());
        RC_ASSERT(!check(token, {url + "x"}, {"POST", kForm, body, signature}).check.valid());
        RC_ASSERT(!check(token, {url}, {"POST", kForm, body + "&one-more=x", signature}).check.valid());
    }));
}

}  // namespace
}  // namespace callchain::signature
