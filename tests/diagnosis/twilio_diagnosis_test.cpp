#include "diagnosis/twilio_diagnosis.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "encoding/base64.hpp"
#include "encoding/charset.hpp"
#include "encoding/text_codings.hpp"
#include "signature/twilio.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <set>

namespace callchain::diagnosis {
namespace {

using encoding::FormFields;

const std::string kToken = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

// A delivery as it arrives. The default is what Twilio signed.
struct Delivery {
    std::vector<signature::LabelledSecret> tokens{{"primary", kToken}};
    std::string signature;
    std::string url = "https://bridge.example.com/Twilio/voice?trace=t-1&n=a+b%27c";
    std::string origin = "--url";
    std::string method = "POST";
    std::string content_type{kForm};
    FormFields fields{{"CallSid", "CA00000000000000000000000000000001"},
                      {"CallStatus", "ringing"},
                      {"CallerName", "José & Ção"},
                      {"Caller", "whatsapp:+5511999998888"},
                      {"From", "whatsapp:+5511999998888"},
                      {"DialSipHeader_X-Note", "100%25 "},
                      {"To", "whatsapp:+5511988887777"}};
    std::string body = {};
    std::string target = {};
    signature::HeaderFields headers = {};
};

void write_body(Delivery& delivery) { delivery.body = encoding::write_form(delivery.fields); }

Delivery signed_delivery() {
    Delivery delivery;
    delivery.signature = signature::sign_twilio(kToken, delivery.url, delivery.fields);
    write_body(delivery);
    return delivery;
}

const std::string kJson = R"({"type":"call","count":2})";

Delivery signed_json() {
    Delivery delivery;
    delivery.content_type = "application/json";
    delivery.body = kJson;
    delivery.url = "https://bridge.example.com/twilio/events?bodySHA256=" + crypto::sha256_hex(kJson);
    delivery.signature = signature::sign_twilio(kToken, delivery.url, {});
    return delivery;
}

TwilioMaterial material_of(const Delivery& delivery) {
    TwilioMaterial material;
    material.tokens = delivery.tokens;
    material.signature = delivery.signature;
    material.urls = {{delivery.url, delivery.origin}};
    material.method = delivery.method;
    material.content_type = delivery.content_type;
    material.body = delivery.body;
    material.target = delivery.target;
    material.headers = delivery.headers;
    return material;
}

TwilioDiagnosis diagnose(const Delivery& delivery, const TwilioSearchLimits& limits = {}) {
    auto result = diagnose_twilio(material_of(delivery), limits);
    EXPECT_TRUE(result.has_value()) << result.error().message;
    return result ? *std::move(result) : TwilioDiagnosis{};
}

bool accepted(const Delivery& delivery) {
    std::vector<crypto::HmacKey> keys;
    for (const auto& token : delivery.tokens) keys.push_back(signature::twilio_key(token.text));
    const std::vector<std::string> urls{delivery.url};
    const auto check = signature::check_twilio(
        keys, urls, {delivery.method, delivery.content_type, delivery.body, delivery.signature});
    return check && check->valid();
}

using Codes = std::set<std::string>;

// One set of codes per explanation.
std::set<Codes> explained(const TwilioDiagnosis& diagnosis) {
    std::set<Codes> all;
    for (const auto& explanation : diagnosis.explanations) {
        Codes codes;
        for (const auto& finding : explanation.findings) {
            EXPECT_EQ(finding.proof, Proof::proved) << finding.code;
            EXPECT_FALSE(finding.detail.empty()) << finding.code;
            codes.insert(finding.code);
        }
        all.insert(codes);
    }
    return all;
}

Codes hinted(const TwilioDiagnosis& diagnosis) {
    Codes codes;
    for (const auto& hint : diagnosis.hints) {
        EXPECT_EQ(hint.proof, Proof::hint) << hint.code;
        codes.insert(hint.code);
    }
    return codes;
}

std::string* value_of(Delivery& delivery, std::string_view name) {
    for (auto& [key, value] : delivery.fields) {
        if (key == name) return &value;
    }
    return nullptr;
}

void drop_field(Delivery& delivery, std::string_view name) {
    std::erase_if(delivery.fields, [&](const auto& field) { return field.first == name; });
    write_body(delivery);
}

void sign_again(Delivery& delivery) {
    delivery.signature = signature::sign_twilio(kToken, delivery.url, delivery.fields);
    write_body(delivery);
}

void replace(std::string& text, std::string_view from, std::string_view to) {
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
}

struct Damage {
    const char* name;
    const char* code;
    std::function<void(Delivery&)> apply;
};

const Damage kUrlDamage[] = {
    {"TLS ended at the proxy", "url_scheme", [](auto& d) { replace(d.url, "https", "http"); }},
    {"internal host, public one forwarded", "url_host",
     [](auto& d) {
         replace(d.url, "bridge.example.com", "app.railway.internal");
         d.headers = {{"Host", "app.railway.internal"},
                      {"X-Forwarded-Host", "proxy.example.com, bridge.example.com"}};
     }},
    {"host in Forwarded", "url_host",
     [](auto& d) {
         replace(d.url, "bridge.example.com", "app");
         d.headers = {{"Forwarded", "for=1.2.3.4;host=\"bridge.example.com\""}};
     }},
    {"www added", "url_host", [](auto& d) { replace(d.url, "bridge", "www.bridge"); }},
    {"upper-case host", "url_host",
     [](auto& d) {
         replace(d.url, "https://bridge.example.com", "https://BRIDGE.example.com.");
         d.headers = {{"Host", "bridge.example.com"}};
     }},
    {"signed with a port that is lost", "url_port",
     [](auto& d) {
         replace(d.url, ".com", ".com:9443");
         sign_again(d);
         replace(d.url, ":9443", "");
         d.headers = {{"Host", "bridge.example.com:9443"}};
     }},
    {"another port than the forwarded one", "url_port",
     [](auto& d) {
         replace(d.url, ".com", ".com:9443");
         sign_again(d);
         replace(d.url, ":9443", ":3000");
         d.headers = {{"X-Forwarded-Port", "9443"}};
     }},
    {"slash added", "url_path_slash", [](auto& d) { replace(d.url, "voice", "voice/"); }},
    {"slash removed", "url_path_slash",
     [](auto& d) {
         replace(d.url, "voice", "voice/");
         sign_again(d);
         replace(d.url, "voice/", "voice");
     }},
    {"two slashes merged", "url_path_double_slash",
     [](auto& d) {
         replace(d.url, "/Twilio", "//Twilio");
         sign_again(d);
         replace(d.url, "//Twilio", "/Twilio");
     }},
    {"prefix stripped, X-Forwarded-Prefix", "url_path_prefix",
     [](auto& d) {
         replace(d.url, "/Twilio", "/bridge-7/Twilio");
         sign_again(d);
         replace(d.url, "/bridge-7", "");
         d.headers = {{"X-Forwarded-Prefix", "/bridge-7/"}};
     }},
    {"prefix stripped, X-Original-URI", "url_path_prefix",
     [](auto& d) {
         replace(d.url, "/Twilio", "/bridge-7/Twilio");
         sign_again(d);
         replace(d.url, "/bridge-7", "");
         d.headers = {{"X-Original-URI", "/bridge-7/Twilio/voice?x=1"}};
     }},
    {"prefix added", "url_path_prefix", [](auto& d) { replace(d.url, "/Twilio", "/internal/v2/Twilio"); }},
    {"path in another case", "url_path_case",
     [](auto& d) {
         replace(d.url, "/Twilio", "/twilio");
         sign_again(d);
         replace(d.url, "/twilio", "/Twilio");
     }},
    {"path in lower case, the request line knows better", "url_path_case",
     [](auto& d) {
         replace(d.url, "/Twilio", "/twilio");
         d.target = "/Twilio/voice";
     }},
    {"path decoded", "url_path_decoded",
     [](auto& d) {
         d.url = "https://bridge.example.com/tw%41/caf%C3%A9";
         sign_again(d);
         d.url = "https://bridge.example.com/tw%2541/caf%25C3%25A9";
     }},
    {"path encoded", "url_path_decoded",
     [](auto& d) {
         d.url = "https://bridge.example.com/tw%40";
         sign_again(d);
         d.url = "https://bridge.example.com/tw@";
     }},
    {"path rewritten", "url_path_rewritten",
     [](auto& d) {
         replace(d.url, "/Twilio/voice", "/index.php");
         d.headers = {{"X-Original-URL", "/Twilio/voice"}};
     }},
    {"query sorted", "url_query_order",
     [](auto& d) { replace(d.url, "trace=t-1&n=a+b%27c", "n=a+b%27c&trace=t-1"); }},
    {"query percent-decoded", "url_query_decoded",
     [](auto& d) {
         replace(d.url, "%27", "'");
         replace(d.url, "a+b", "a b");
     }},
    {"query written anew", "url_query_decoded",
     [](auto& d) {
         replace(d.url, "a+b%27c", "x%2fy+z");
         sign_again(d);
         replace(d.url, "x%2fy+z", "x%2Fy+z");
     }},
    {"query lost, the request line has it", "url_query_missing",
     [](auto& d) {
         replace(d.url, "?trace=t-1&n=a+b%27c", "");
         d.target = "/Twilio/voice?trace=t-1&n=a+b%27c";
     }},
    {"query added", "url_query_added", [](auto& d) { d.url += "&utm_source=x"; }},
    {"whole query added", "url_query_added",
     [](auto& d) {
         d.url = "https://bridge.example.com/voice";
         sign_again(d);
         d.url += "?a=1&b=2&c=3";
     }},
    {"user and password not put back", "url_userinfo",
     [](auto& d) {
         replace(d.url, "https://", "https://twilio:s3cret@");
         sign_again(d);
         replace(d.url, "twilio:s3cret@", "");
         d.headers = {{"authorization", "Basic dHdpbGlvOnMzY3JldA=="}};
     }},
    // RFC 7617 section 2: a user without a password is sent with the colon.
    {"user without a password not put back", "url_userinfo",
     [](auto& d) {
         replace(d.url, "https://", "https://twilio@");
         sign_again(d);
         replace(d.url, "twilio@", "");
         d.headers = {{"Authorization", "Basic dHdpbGlvOg=="}};
     }},
    {"the first credentials cannot be read", "url_userinfo",
     [](auto& d) {
         replace(d.url, "https://", "https://twilio:s3cret@");
         sign_again(d);
         replace(d.url, "twilio:s3cret@", "");
         d.headers = {{"Authorization", "Basic [masked]"}, {"Authorization", "Basic dHdpbGlvOnMzY3JldA=="}};
     }},
    {"connection overrides left in", "url_fragment", [](auto& d) { d.url += "#rc=2&rp=all"; }},
};

const Damage kParameterDamage[] = {
    {"an empty parameter dropped", "parameter_missing",
     [](auto& d) {
         d.fields.emplace_back("ForwardedFrom", "");
         sign_again(d);
         drop_field(d, "ForwardedFrom");
     }},
    {"the empty places dropped", "parameter_missing",
     [](auto& d) {
         for (const char* party : {"From", "To", "Caller", "Called"}) {
             for (const char* key : {"City", "State", "Zip"})
                 d.fields.emplace_back(std::string(party) + key, "");
         }
         sign_again(d);
         std::erase_if(d.fields, [](const auto& field) { return field.second.empty(); });
         write_body(d);
     }},
    {"a twin dropped", "parameter_missing", [](auto& d) { drop_field(d, "Caller"); }},
    {"a parameter added", "parameter_added",
     [](auto& d) {
         d.fields.emplace_back("received_at", "1750861210");
         write_body(d);
     }},
    {"the query merged into the form", "parameter_added",
     [](auto& d) {
         d.fields.emplace_back("trace", "t-1");
         d.fields.emplace_back("n", "a b'c");
         write_body(d);
     }},
    {"a value trimmed", "parameter_trimmed",
     [](auto& d) {
         *value_of(d, "DialSipHeader_X-Note") = "100%25";
         write_body(d);
     }},
    {"decoded before it was recorded", "parameter_decoded_twice",
     [](auto& d) {
         *value_of(d, "CallerName") = "José";
         sign_again(d);
         d.body = encoding::percent_decode(d.body, encoding::PlusSign::space);
     }},
    {"'+' lost in every value", "parameter_decoded_twice",
     [](auto& d) {
         *value_of(d, "CallerName") = "José";
         *value_of(d, "DialSipHeader_X-Note") = "";
         sign_again(d);
         for (auto& [name, value] : d.fields) std::replace(value.begin(), value.end(), '+', ' ');
         write_body(d);
     }},
    {"one value decoded twice", "parameter_decoded_twice",
     [](auto& d) {
         *value_of(d, "DialSipHeader_X-Note") = "a%2Fb";
         sign_again(d);
         *value_of(d, "DialSipHeader_X-Note") = "a/b";
         write_body(d);
     }},
    {"encoded twice", "parameter_encoded_twice",
     [](auto& d) {
         *value_of(d, "DialSipHeader_X-Note") = "";
         sign_again(d);
         for (auto& [name, value] : d.fields) value = encoding::percent_encode(value);
         write_body(d);
     }},
    {"read as Latin-1 and written as UTF-8", "body_mojibake",
     [](auto& d) {
         auto* name = value_of(d, "CallerName");
         *name = encoding::single_byte_to_utf8(*name, encoding::SingleByteCharset::latin1);
         write_body(d);
     }},
    {"converted to Latin-1", "body_latin1",
     [](auto& d) {
         *value_of(d, "CallerName") = "Jos\xe9 & \xc7\xe3o";
         write_body(d);
     }},
    {"the form as JSON", "body_form_as_json",
     [](auto& d) {
         d.fields = {{"CallSid", "CA1"}, {"Digits", "1"}, {"Digits", "2"}, {"From", "+5511"}};
         sign_again(d);
         d.body = R"({"CallSid":"CA1","Digits":["1","2"],"From":"+5511"})";
     }},
    {"the form as JSON, Content-Type too", "body_form_as_json",
     [](auto& d) {
         d.fields = {{"CallSid", "CA1"}, {"From", "+5511"}};
         sign_again(d);
         d.body = R"({"CallSid": "CA1", "From": "+5511"})";
         d.content_type = "application/json";
     }},
    {"an editor's final newline", "body_trailing_newline_added", [](auto& d) { d.body += "\n"; }},
    {"a byte-order mark", "body_bom_added", [](auto& d) { d.body.insert(0, encoding::kUtf8Bom); }},
    {"base64 of AWS API Gateway", "body_base64_encoded",
     [](auto& d) { d.body = encoding::to_base64(d.body); }},
    {"escaped for HTML", "body_html_escaped", [](auto& d) { d.body = encoding::html_escape(d.body); }},
    {"the Content-Type says JSON", "parameter_ignored", [](auto& d) { d.content_type = "application/json"; }},
    {"the method says GET", "parameter_ignored", [](auto& d) { d.method = "GET"; }},
    {"a body that Twilio did not sign", "body_taken_as_form",
     [](auto& d) { d.signature = signature::sign_twilio(kToken, d.url, {}); }},
};

const Damage kTextDamage[] = {
    {"quotes around the token", "secret_quoted", [](auto& d) { d.tokens[0].text = "\"" + kToken + "\""; }},
    {"a newline behind the token", "secret_trailing_newline", [](auto& d) { d.tokens[0].text += "\n"; }},
    {"a blank behind the token", "secret_trailing_whitespace", [](auto& d) { d.tokens[0].text += " "; }},
    {"a blank before the token", "secret_leading_whitespace",
     [](auto& d) { d.tokens[0].text.insert(0, " "); }},
    {"an assignment", "secret_env_assignment",
     [](auto& d) { d.tokens[0].text.insert(0, "TWILIO_AUTH_TOKEN="); }},
    {"an invisible character", "secret_invisible_character",
     [](auto& d) { d.tokens[0].text.insert(7, "\u200b"); }},
    {"the token in upper case", "secret_case_folded",
     [](auto& d) {
         for (char& c : d.tokens[0].text) c = static_cast<char>(std::toupper(c));
     }},
    {"the account's identifier in front", "token_with_sid",
     [](auto& d) { d.tokens[0].text.insert(0, "AC00000000000000000000000000000001:"); }},
    {"the signature percent-encoded", "signature_percent_encoded",
     [](auto& d) { d.signature = encoding::percent_encode(d.signature); }},
    {"the signature's padding lost", "signature_padding_lost", [](auto& d) { d.signature.pop_back(); }},
    {"the signature in hex", "signature_hex",
     [](auto& d) { d.signature = encoding::to_hex(*encoding::parse_base64(d.signature)); }},
    {"the signature in quotes", "signature_quoted", [](auto& d) { d.signature = "\"" + d.signature + "\""; }},
    {"two signatures joined", "header_joined",
     [](auto& d) { d.signature = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=, " + d.signature; }},
};

const Damage kJsonDamage[] = {
    {"another body", "body_sha256_wrong", [](auto& d) { d.body = R"({"type":"call","count":3})"; }},
    {"a final newline", "body_trailing_newline_added", [](auto& d) { d.body += "\n"; }},
    {"written anew", "body_json_reserialized", [](auto& d) { d.body = R"({"type": "call", "count": 2})"; }},
    {"bodySHA256 lost from the URL", "url_query_missing",
     [](auto& d) { d.url = d.url.substr(0, d.url.find('?')); }},
    {"no bodySHA256 at all", "body_sha256_missing",
     [](auto& d) {
         d.url = d.url.substr(0, d.url.find('?'));
         d.signature = signature::sign_twilio(kToken, d.url, {});
     }},
    {"a body hash on a form", "parameter_ignored",
     [](auto& d) {
         d.fields = {{"a", "1"}};
         sign_again(d);
     }},
};

void expect_only(const Damage& row, Delivery delivery) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(accepted(delivery));
    row.apply(delivery);
    EXPECT_FALSE(accepted(delivery));
    EXPECT_EQ(explained(diagnose(delivery)), (std::set<Codes>{{row.code}}));
}

TEST(DiagnoseTwilio, NamesWhatHappenedToTheUrl) {
    for (const auto& row : kUrlDamage) expect_only(row, signed_delivery());
}

TEST(DiagnoseTwilio, NamesWhatHappenedToTheParameters) {
    for (const auto& row : kParameterDamage) expect_only(row, signed_delivery());
}

TEST(DiagnoseTwilio, NamesWhatHappenedToTokenAndSignature) {
    for (const auto& row : kTextDamage) expect_only(row, signed_delivery());
}

TEST(DiagnoseTwilio, NamesWhatHappenedToAJsonBody) {
    for (const auto& row : kJsonDamage) expect_only(row, signed_json());
}

// A signature whose text has '+', '/' and no '=' inside, found by counting up CallSid.
Delivery delivery_with_signature_characters() {
    Delivery delivery = signed_delivery();
    for (int i = 0; delivery.signature.find('+') == std::string::npos ||
                    delivery.signature.find('/') == std::string::npos;
         ++i) {
        *value_of(delivery, "CallSid") = "CA" + std::to_string(i);
        sign_again(delivery);
    }
    return delivery;
}

TEST(DiagnoseTwilio, NamesWhatHappenedToTheSignaturesAlphabet) {
    const Damage rows[] = {
        {"URL-safe", "signature_base64url",
         [](auto& d) {
             std::replace(d.signature.begin(), d.signature.end(), '+', '-');
             std::replace(d.signature.begin(), d.signature.end(), '/', '_');
         }},
        {"plus lost", "signature_plus_lost",
         [](auto& d) { std::replace(d.signature.begin(), d.signature.end(), '+', ' '); }},
    };
    for (const auto& row : rows) expect_only(row, delivery_with_signature_characters());
}

TEST(DiagnoseTwilio, ExplainsTwoFaultsTogether) {
    struct Pair {
        const char* name;
        Codes codes;
        std::function<void(Delivery&)> apply;
    };
    const Pair rows[] = {
        {"scheme and host",
         {"url_scheme", "url_host"},
         [](auto& d) {
             d.headers = {{"Host", "app:3000"}, {"X-Forwarded-Host", "bridge.example.com"}};
             replace(d.url, "https://bridge.example.com", "http://app:3000");
         }},
        {"scheme and prefix",
         {"url_scheme", "url_path_prefix"},
         [](auto& d) {
             replace(d.url, "https://bridge.example.com/Twilio", "http://bridge.example.com");
             d.headers = {{"X-Forwarded-Prefix", "/Twilio"}};
         }},
        {"slash and fragment",
         {"url_path_slash", "url_fragment"},
         [](auto& d) {
             replace(d.url, "voice", "voice/");
             d.url += "#rc=1";
         }},
        {"scheme and token",
         {"url_scheme", "secret_trailing_newline"},
         [](auto& d) {
             replace(d.url, "https", "http");
             d.tokens[0].text += "\r\n";
         }},
        {"token twice",
         {"secret_quoted", "secret_trailing_newline"},
         [](auto& d) { d.tokens[0].text = "'" + kToken + "'\n"; }},
        {"scheme and a newline behind the body",
         {"url_scheme", "body_trailing_newline_added"},
         [](auto& d) {
             replace(d.url, "https", "http");
             d.body += "\n";
         }},
        {"host and a trimmed value",
         {"url_host", "parameter_trimmed"},
         [](auto& d) {
             replace(d.url, "bridge", "www.bridge");
             *value_of(d, "DialSipHeader_X-Note") = "100%25";
             write_body(d);
         }},
        {"signature twice",
         {"signature_quoted", "signature_padding_lost"},
         [](auto& d) {
             d.signature.pop_back();
             d.signature = "\"" + d.signature + "\"";
         }},
        {"scheme and signature",
         {"url_scheme", "signature_padding_lost"},
         [](auto& d) {
             d.signature.pop_back();
             replace(d.url, "https", "http");
         }},
        {"a parameter added, another trimmed",
         {"parameter_added", "parameter_trimmed"},
         [](auto& d) {
             *value_of(d, "DialSipHeader_X-Note") = "100%25";
             d.fields.emplace_back("received_at", "1750861210");
             write_body(d);
         }},
        {"two values trimmed",
         {"parameter_trimmed"},
         [](auto& d) {
             *value_of(d, "CallStatus") = "ringing ";
             sign_again(d);
             *value_of(d, "CallStatus") = "ringing";
             *value_of(d, "DialSipHeader_X-Note") = "100%25";
             write_body(d);
         }},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto delivery = signed_delivery();
        row.apply(delivery);
        EXPECT_FALSE(accepted(delivery));
        const auto diagnosis = diagnose(delivery);
        EXPECT_EQ(explained(diagnosis), (std::set<Codes>{row.codes}));
        for (const auto& explanation : diagnosis.explanations) EXPECT_EQ(explanation.findings.size(), 2U);
    }
}

TEST(DiagnoseTwilio, ExplainsAJsonBodyBehindAProxy) {
    auto delivery = signed_json();
    replace(delivery.url, "https", "http");
    delivery.body += "\r\n";
    EXPECT_EQ(explained(diagnose(delivery)),
              (std::set<Codes>{{"url_scheme", "body_trailing_newline_added"}}));
}

TEST(DiagnoseTwilio, NamesTheTokenThatSigned) {
    auto delivery = signed_delivery();
    delivery.tokens = {{"main", "ffffffffffffffffffffffffffffffff"}, {"subaccount", kToken}};
    auto diagnosis = diagnose(delivery);
    EXPECT_EQ(explained(diagnosis), (std::set<Codes>{{"token_other_label"}}));
    EXPECT_EQ(diagnosis.explanations.at(0).token_index, 1U);
    delivery.tokens[1].label = "TWILIO_AUTH_TOKEN_SECONDARY";
    EXPECT_EQ(explained(diagnose(delivery)), (std::set<Codes>{{"token_secondary"}}));
    replace(delivery.url, "https", "http");
    EXPECT_EQ(explained(diagnose(delivery)), (std::set<Codes>{{"token_secondary", "url_scheme"}}));
}

TEST(DiagnoseTwilio, SaysNothingOfAValidRequest) {
    for (const auto& delivery : {signed_delivery(), signed_json()}) {
        const auto diagnosis = diagnose(delivery);
        EXPECT_TRUE(diagnosis.explanations.empty());
        EXPECT_TRUE(diagnosis.findings().empty());
        EXPECT_TRUE(diagnosis.complete);
    }
}

TEST(DiagnoseTwilio, ProvesNothingForUnrelatedTokens) {
    auto delivery = signed_delivery();
    for (int i = 0; i < 50; ++i) {
        delivery.tokens = {{"unrelated", crypto::sha256_hex(std::to_string(i)).substr(0, 32)}};
        const auto diagnosis = diagnose(delivery);
        EXPECT_TRUE(diagnosis.explanations.empty());
        EXPECT_GT(diagnosis.tried, 1000U);
        EXPECT_LE(diagnosis.tried, TwilioSearchLimits{}.most_signatures);
    }
}

TEST(DiagnoseTwilio, LooksAtTokensWithoutShowingThem) {
    struct Row {
        const char* token;
        const char* code;
    };
    const Row rows[] = {
        {"SKabcdefabcdefabcdefabcdefabcdefab", "token_is_sid"},
        {"AC00000000000000000000000000000001", "token_is_sid"},
        {"AbCdEfGhIjKlMnOpQrStUvWxYz012345", "token_is_api_secret"},
        {"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "token_is_webhook_secret"},
        {"0123456789abcdef", "token_malformed"},
        {"", "secret_empty"},
        {"\"0123456789abcdef0123456789abcdef\"", "secret_quoted"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.token);
        auto delivery = signed_delivery();
        delivery.url += "x";
        delivery.tokens = {{"configured", row.token}};
        const auto diagnosis = diagnose(delivery);
        EXPECT_TRUE(hinted(diagnosis).contains(row.code));
        EXPECT_EQ(hinted(diagnosis).size(), 1U);
        for (const auto& hint : diagnosis.hints) {
            EXPECT_NE(hint.detail.find("configured"), std::string::npos);
            EXPECT_TRUE(*row.token == '\0' || hint.detail.find(row.token) == std::string::npos);
        }
    }
}

TEST(DiagnoseTwilio, HintsAtWhatIsMissingOrMalformed) {
    auto delivery = signed_delivery();
    delivery.signature = "";
    delivery.body = "";
    delivery.url = "http://localhost:3000/voice";
    EXPECT_EQ(hinted(diagnose(delivery)), (Codes{"header_missing", "body_empty", "url_host"}));
    delivery = signed_delivery();
    delivery.signature = "v1,abc";
    delivery.content_type = "multipart/form-data; boundary=x";
    EXPECT_EQ(hinted(diagnose(delivery)), (Codes{"signature_malformed", "body_multipart"}));
    EXPECT_EQ(diagnose(delivery).tried, 0U);
}

TEST(DiagnoseTwilio, HintsAtAHostThatTwilioCannotReach) {
    for (const char* host : {"web", "web:8080", "localhost", "10.0.0.7", "172.31.255.1", "100.64.0.1",
                             "app.railway.internal", "voice.default.svc", "[::1]", "[fd12::1]:8000"}) {
        SCOPED_TRACE(host);
        auto delivery = signed_delivery();
        delivery.url = "http://" + std::string(host) + "/voice";
        EXPECT_EQ(hinted(diagnose(delivery)), Codes{"url_host"});
    }
    for (const char* host : {"172.32.0.1", "8.8.8.8", "bridge.example.com", "[2a00::1]"}) {
        SCOPED_TRACE(host);
        auto delivery = signed_delivery();
        delivery.url = "http://" + std::string(host) + "/voice";
        EXPECT_EQ(hinted(diagnose(delivery)), Codes{});
    }
}

TEST(DiagnoseTwilio, ShowsNoPasswordAndNoPhoneNumber) {
    auto delivery = signed_delivery();
    delivery.url = "https://twilio:s3cret@bridge.example.com/v?From=%2B5511999998888";
    sign_again(delivery);
    replace(delivery.url, "https://twilio:s3cret@", "https://");
    delivery.headers = {{"Authorization", "Basic dHdpbGlvOnMzY3JldA=="}};
    const auto diagnosis = diagnose(delivery);
    ASSERT_EQ(explained(diagnosis), (std::set<Codes>{{"url_userinfo"}}));
    EXPECT_EQ(diagnosis.explanations[0].signed_url, "https://twilio:…@bridge.example.com/v?From=%2B…8888");
    EXPECT_EQ(diagnosis.explanations[0].url_origin, "--url");
    for (const auto& finding : diagnosis.findings()) {
        std::string text = finding.detail;
        for (const auto& evidence : finding.evidence) {
            if (const auto* value = std::get_if<std::string>(&evidence.value)) text += *value;
        }
        for (const char* hidden : {"s3cret", "999998888", kToken.c_str()})
            EXPECT_EQ(text.find(hidden), std::string::npos);
    }
}

TEST(DiagnoseTwilio, RefusesUrlsThatAreNotAbsolute) {
    auto delivery = signed_delivery();
    delivery.url = "/twilio/voice";
    const auto result = diagnose_twilio(material_of(delivery));
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::bad_input);
}

TEST(DiagnoseTwilio, SaysWhenNotEverythingWasTried) {
    auto delivery = signed_delivery();
    delivery.tokens[0].text = "ffffffffffffffffffffffffffffffff";
    TwilioSearchLimits limits;
    limits.most_signatures = 100;
    const auto few = diagnose(delivery, limits);
    EXPECT_EQ(few.tried, 100U);
    EXPECT_FALSE(few.complete);
    limits = {};
    limits.most_hashed_bytes = 10'000;
    EXPECT_FALSE(diagnose(delivery, limits).complete);
}

TEST(DiagnoseTwilio, IsBoundedForHostileBodies) {
    for (const std::string& unit :
         {std::string("a&"), std::string("%"), std::string("a=+%41&"), std::string(1, '\0')}) {
        SCOPED_TRACE(unit);
        auto delivery = signed_delivery();
        delivery.body.clear();
        while (delivery.body.size() < (std::size_t{1} << 20U)) delivery.body += unit;
        replace(delivery.url, "https", "http");
        EXPECT_TRUE(diagnose(delivery).explanations.empty());
    }
}

// Whatever row is applied is found, whatever the parameters are.
TEST(DiagnoseTwilio, FindsUrlDamageOfAnyRequest) {
    EXPECT_TRUE(rc::check("url rows", [] {
        auto delivery = signed_delivery();
        delivery.fields = *rc::gen::arbitrary<FormFields>();
        sign_again(delivery);
        const auto& row =
            *rc::gen::elementOf(std::vector<const Damage*>{&kUrlDamage[0], &kUrlDamage[3], &kUrlDamage[7]});
        row->apply(delivery);
        RC_ASSERT(explained(diagnose(delivery)) == (std::set<Codes>{{row->code}}));
    }));
}

TEST(DiagnoseTwilio, TakesOneTokenUnderTwoNamesForTheFirst) {
    auto delivery = signed_delivery();
    delivery.tokens = {{"primary", kToken}, {"secondary", kToken}};
    EXPECT_TRUE(diagnose(delivery).explanations.empty());
    replace(delivery.url, "https", "http");
    const auto diagnosis = diagnose(delivery);
    EXPECT_EQ(explained(diagnosis), (std::set<Codes>{{"url_scheme"}}));
    EXPECT_EQ(diagnosis.explanations.at(0).token_label, "primary");
}

TEST(DiagnoseTwilio, VariesTheFirstUrlsOnlyAndSaysThatItLeftSomeOut) {
    const auto delivery = signed_delivery();
    auto material = material_of(delivery);
    const std::string damaged = replace_all(delivery.url, "https", "http");
    material.urls = {{"https://a.example.com/1", "--url"}, {damaged, "--url"}};
    TwilioSearchLimits limits;
    limits.most_urls_varied = 2;
    const auto all = diagnose_twilio(material, limits);
    ASSERT_TRUE(all.has_value());
    EXPECT_EQ(explained(*all), (std::set<Codes>{{"url_scheme"}}));
    EXPECT_TRUE(all->complete);
    const auto expect_left_out = [&] {
        const auto some = diagnose_twilio(material, limits);
        ASSERT_TRUE(some.has_value());
        EXPECT_TRUE(some->explanations.empty());
        EXPECT_FALSE(some->complete);
    };
    limits.most_urls_varied = 1;
    expect_left_out();
    limits = {};
    limits.most_url_bytes = damaged.size() - 1;
    expect_left_out();
}

// A name of a form field that reads like the end of a URL: both readings sign the same bytes.
TEST(DiagnoseTwilio, SaysNothingOfAValidRequestThatCouldBeReadAsAFaultyOne) {
    auto delivery = signed_delivery();
    delivery.url = "https://bridge.example.com/voice";
    delivery.fields = {{"?bodySHA256=00", ""}};
    sign_again(delivery);
    EXPECT_TRUE(accepted(delivery));
    auto material = material_of(delivery);
    material.urls.push_back({delivery.url + "?bodySHA256=00", "--url"});
    for (int order = 0; order < 2; ++order) {
        const auto diagnosis = diagnose_twilio(material);
        ASSERT_TRUE(diagnosis.has_value());
        EXPECT_TRUE(diagnosis->explanations.empty());
        std::swap(material.urls[0], material.urls[1]);
    }
    material.urls.erase(material.urls.begin());
    const auto alone = diagnose_twilio(material);
    ASSERT_TRUE(alone.has_value());
    EXPECT_EQ(explained(*alone), (std::set<Codes>{{"body_sha256_wrong"}}));
}

}  // namespace
}  // namespace callchain::diagnosis
