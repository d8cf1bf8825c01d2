/// `--computed`: every wrong recipe that people are known to write is found from the value that it yields.
#include "diagnosis/search.hpp"
#include "diagnosis/vectors.hpp"

#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

using testing::kCallVector;

struct Row {
    const char* name;
    const char* value;
    std::vector<std::string> codes;  // in the order key, content, body, algorithm, signature text
    const char* style = nullptr;     // evidence of body_json_reserialized
};

// The values were computed with Python's hmac and json modules from the call vector, one fault each.
const Row kRows[] = {
    {"JSON compact, escapes kept",
     "v1,ssq6nVdphMnoYwcpPK3KQp3CYDmrSrMnQe3ct2aEfW4=",
     {"body_json_reserialized"},
     "compact-ascii"},
    {"JSON.stringify",
     "v1,t5dRXxU9y+PeKOMhgzN2a+OFrU0R7RHo7dPRPi4DrSQ=",
     {"body_json_reserialized"},
     "compact"},
    {"spaced, non-ASCII written out",
     "v1,IVx+8dQTTiJgBuSis9jW4KeiHaLWHxOHU3vYiB19Z8o=",
     {"body_json_unicode_unescaped"},
     "python-utf8"},
    {"sorted keys, spaced",
     "v1,aU28LoOqjJJvY2Wyl1rgBLx77jbSGerQ+5Pniiq2hRY=",
     {"body_json_keys_sorted"},
     "python"},
    {"sorted keys, compact", "v1,gdwdAsqy24HzqxkZ+WJTNzsD6pQI6eDYCEQMp76iaRU=", {"body_json_reserialized"}},
    {"indent 2",
     "v1,SukS90UwP/4D0ZvjmWPdyDiuRlm06n0ZL6ag9rObN5U=",
     {"body_json_reserialized"},
     "indent-2-ascii"},
    {"PHP json_encode", "v1,geFwI2rxUBsgXRseUnJlxlCNTGdRhE4kHl556pqCZmQ=", {"body_json_reserialized"}, "php"},
    {"Go encoder of a map",
     "v1,z+gi0+V5Tyb0f4cinyP1tyQ1Q0nE55iikYNIJZHSk/M=",
     {"body_json_reserialized"},
     "go"},
    {"LF behind", "v1,newjPABlISPbvm5TCnhMSOzK7s05419+1BzF89NSDPU=", {"body_trailing_newline_added"}},
    {"CRLF behind", "v1,NNCdKfiQdlA9fs6M52+q+Y6EmSnY6JUzrPb0PWKJf9M=", {"body_trailing_newline_added"}},
    {"BOM in front", "v1,TL4+f830q5TNELaBE/wAGNp4Gj4tRSDtc4HVNItkqV8=", {"body_bom_added"}},
    {"Python repr", "v1,WYWPcmwPYM6Z2nq6hmlF3U3HLnHXYo0MZBQqnYYzGeA=", {"body_python_bytes"}},
    {"JSON string of the body", "v1,Ij+kK9fYDCW64/4xdTu9WfbiKMsMLAOL5hpwYY0nXDE=", {"body_json_string"}},
    {"base64 of the body", "v1,KA/nFJQHvz79OXUjCmuLMaOeihzmnj8GunkN1QOI3n8=", {"body_base64_encoded"}},
    {"empty body", "v1,aBsN/vSB3+Hz6uslRlTHugH1sSk2K6VqyCY9RjoXxKw=", {"body_empty"}},
    {"[object Object]", "v1,VEYQFgfZihbl3eneFqjCcjQQrzrJ38LU/vuIU7lHc90=", {"body_object_placeholder"}},
    {"undefined", "v1,fYBwXPG8UpZB9UFKMcOZs2ZJXeUD19bTZK5wmbWpZbk=", {"body_object_placeholder"}},
    {"only the data member", "v1,CbMM54khK16++HNrpVRpswLCwuFbRgHfD+pV5pOryqE=", {"body_data_only"}},
    {"UTF-16LE", "v1,iXZ8yQl2zzhhi6jgF1w8I9qJNcDu8xbNlK/DIHz5avw=", {"body_utf16"}},
    {"cut at 256 bytes", "v1,Xnp+RyuqJGvdYB9nGSkBIKTIeE56UL93/XhB7lvMHYo=", {"body_truncated"}},
    {"the whole secret text as key", "v1,qwGLBY43IlXNQdDMqtID5AhVPWAZsQJlXrE/pKjUfCo=", {"secret_raw_text"}},
    {"base64 text as key", "v1,9bpgtf8Y1Phltypa3M5whqeMfiH+hR2GO1rB30/S0T4=", {"secret_undecoded_base64"}},
    {"whsec_ decoded with the rest",
     "v1,3PzoaY/n0q/5Z2H/TXgO9ilYKMsPlbcWhWlaEK4TI6M=",
     {"secret_prefix_decoded"}},
    {"hex text of the key", "v1,HHN55IpVPipLJluEkqa+ah5kGkLp/vS3X/7kTlUFHpQ=", {"secret_hex_of_key"}},
    {"blank in front", "v1,3ZdsdpQzjGQcoIl9DUZiOXENvBT+6cf/OU2c4qrf76k=", {"secret_leading_whitespace"}},
    {"double quotes kept", "v1,dwuFgjvH0n8FNTT7MHPNx1w2FTtwtQfTRFTLfgwdlb8=", {"secret_quoted"}},
    {"single quotes kept", "v1,WbN2wLa2E0GkuoiUtGScYdczZVCrtLvKeuGoTNiJVHs=", {"secret_quoted"}},
    {"base64 text and LF as key",
     "v1,jeymCQ3ZJqI/OlOO047EENDj6VmR5ScvqBbiU4D6Tdk=",
     {"secret_undecoded_base64", "secret_trailing_newline"}},
    {"padding lost, 31 bytes", "v1,C0sWYJSw/R5h06LyJXWixs/Mteid4cUB4Glm0WxK2rE=", {"secret_padding_lost"}},
    {"NAME=value as key", "v1,6w4HxPW/cSRFz6/s6mqc+lbaXt/ZSSu5OyBfJRcFjd8=", {"secret_env_assignment"}},
    {"empty key", "v1,jSw5y5WilQ2KLmcxyxgYb1qQrFhbpP++6vWpqE/eb0s=", {"secret_empty"}},
    {"body only", "v1,bEcZVNeOf2LhwrOfpdIRi06nu8aZ9wvh5E6DGM+JWlw=", {"content_body_only"}},
    {"timestamp.body", "v1,961rd/t+VLd1gvtDdgyu23+tuJ9/8z3uGndCdpjiqKc=", {"content_no_id"}},
    {"id.body", "v1,wcoxTY2oeaDNjEijgbnucsr6NF10FAvX8qXyLvxhwy8=", {"content_no_timestamp"}},
    {"timestamp.id.body", "v1,IkWrcxFj57wxKo05Tjvd5Kd4Xroa5m0ChzXpMinmsbI=", {"content_timestamp_first"}},
    {"event id for webhook-id", "v1,wFtmlY0JNPP9ETxMIj0L+IyUIpFfGK7C7Bw/xWTZY0c=", {"id_is_event_id"}},
    {"empty id", "v1,Nh/7oYgIXnSUW/Q6avoLcQkWlIfvBCGnh8rCrkQ1bDE=", {"content_empty_id"}},
    {"milliseconds", "v1,4RCSK7aeWKcWrPLo6OI50KzIkJ5DVOIn1hVCe9cqrUg=", {"timestamp_milliseconds"}},
    {"created_at", "v1,Ww5OLmsrO2P+gzLbz6LuHFM4MNMRLM7HokZTqh+Ijkk=", {"timestamp_is_created_at"}},
    {"float timestamp", "v1,xD5yT8Y1PCVJNw+glElYuIh52FLf9NoLWpNuyZ9bmx4=", {"timestamp_float"}},
    {"no dots", "v1,eqtHl8uFZGj2CvIoATGl1R3KToCj3WY5fDHYPW42JjA=", {"content_separator"}},
    {"colons", "v1,bsCMhzTRle/fbTEeyRjhRehuibH4hMwrIWbprN3rLpM=", {"content_separator"}},
    {"hex digest", "v1,0814ebaf0ac2a6b4a0f92a35e4f277cf817318e74d17dd946e6f7f218ee10e50", {"signature_hex"}},
    {"bare hex digest",
     "0814ebaf0ac2a6b4a0f92a35e4f277cf817318e74d17dd946e6f7f218ee10e50",
     {"signature_hex"}},
    {"URL-safe base64", "v1,CBTrrwrCprSg-So15PJ3z4FzGOdNF92Ubm9_IY7hDlA=", {"signature_base64url"}},
    {"padding left off", "v1,CBTrrwrCprSg+So15PJ3z4FzGOdNF92Ubm9/IY7hDlA", {"signature_padding_lost"}},
    {"SHA-1", "v1,5kor8vAy7rszneaRofrkh0xHYiM=", {"algorithm_sha1"}},
    {"unkeyed SHA-256", "v1,F5EssBNLuemXHwiNRKcbFWuOlcyjtniVCl8O6hrr7UE=", {"algorithm_unkeyed_sha256"}},
};

std::vector<std::string> codes_of(const Match& match) {
    std::vector<std::string> codes;
    for (const auto& fault : match.faults) codes.emplace_back(fault.code);
    return codes;
}

std::string style_of(const Match& match) {
    for (const auto& fault : match.faults) {
        for (const auto& evidence : fault.evidence) {
            if (evidence.name == "style") return std::get<std::string>(evidence.value);
        }
    }
    return "";
}

TEST(SearchComputed, NamesTheRecipeThatYieldsTheValue) {
    const auto secrets = testing::labelled(kCallVector.secret);
    for (const auto& row : kRows) {
        SCOPED_TRACE(row.name);
        const auto got = search({secrets, kCallVector.id, kCallVector.timestamp, row.value, kCallVector.body},
                                Direction::computed);
        ASSERT_EQ(got.matches.size(), 1U);
        EXPECT_EQ(codes_of(got.matches.front()), row.codes);
        if (row.style != nullptr) {
            EXPECT_EQ(style_of(got.matches.front()), row.style);
        }
    }
}

TEST(SearchComputed, FindsNothingFaultyInTheRightValue) {
    const auto secrets = testing::labelled(kCallVector.secret);
    const auto got =
        search({secrets, kCallVector.id, kCallVector.timestamp, kCallVector.signature, kCallVector.body},
               Direction::computed);
    ASSERT_EQ(got.matches.size(), 1U);
    EXPECT_TRUE(got.matches.front().faults.empty());
}

// openai-python and others, test vector A with one fault each; values by Python's hmac module.
TEST(SearchComputed, NamesTheFaultsOfTheSdkVector) {
    const Row rows[] = {
        {"compact JSON",
         "v1,1lGiyiHmXWAo63BDw+vMuqkNzKAgA+OOQ/AxS2e6SiI=",
         {"body_json_reserialized"},
         "compact"},
        {"sorted keys", "v1,fZL4w8UJ7XfSUi7KNL+/xheXA5/Ba8PJx/xLFAYGrZ0=", {"body_json_keys_sorted"}},
        {"indent 2",
         "v1,sMmcgtV1zSk31FqMv5tXrq7HXbH60BD9dlQZE7+wdlQ=",
         {"body_json_reserialized"},
         "indent-2"},
        {"LF", "v1,Mdv5JOQqdlBGnp0EV3l/JYWusWKMds6IXH3TBm6CEos=", {"body_trailing_newline_added"}},
        {"CRLF", "v1,1mNOBOqiQ3JDMf0/ZASjV/emRt07Xge1Bu8Jz9WWmEE=", {"body_trailing_newline_added"}},
        {"BOM", "v1,ikgGGXIyG6jG2oAE5rHab9EJ/LZgvly4KPa4AhNsusE=", {"body_bom_added"}},
        {"the whole secret text as key",
         "v1,+4ZePMowmy2nbxmfG2/VzffJjNDRa6G96U7XZMM+FWQ=",
         {"secret_raw_text"}},
        {"base64 text as key",
         "v1,c/UrL7bHgi2t38gypmozb2qeApsu/38uEbhHrgs4m3c=",
         {"secret_undecoded_base64"}},
        {"timestamp.body", "v1,z5l8sz8pzaA0sP9n5UTDwA6bgKm9HKml0Rzoxa9XzrQ=", {"content_no_id"}},
        {"body only", "v1,5yDbNadI09ujny59DQppWO12dfFuvrlXz6SIqznctpw=", {"content_body_only"}},
        {"timestamp.id.body", "v1,XM1fdRedlI8Y723t7RuC0I1I8QJE++frMhWaCCMjl6I=", {"content_timestamp_first"}},
    };
    const auto& vector = testing::kSdkVector;
    const auto secrets = testing::labelled(vector.secret);
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got =
            search({secrets, vector.id, vector.timestamp, row.value, vector.body}, Direction::computed);
        ASSERT_EQ(got.matches.size(), 1U);
        EXPECT_EQ(codes_of(got.matches.front()), row.codes);
        if (row.style != nullptr) {
            EXPECT_EQ(style_of(got.matches.front()), row.style);
        }
    }
}

// A value that a verifier with the fault would compute is equally what a sender with that fault would have
// signed.
TEST(SearchReceived, ExplainsTheSameValuesAsSignatures) {
    const auto secrets = testing::labelled(kCallVector.secret);
    for (const auto& row : kRows) {
        SCOPED_TRACE(row.name);
        // No sender signs a body that does not depend on the event.
        const std::string code = row.codes.front();
        if (code == "body_empty" || code == "body_object_placeholder") continue;
        const auto got = search({secrets, kCallVector.id, kCallVector.timestamp, row.value, kCallVector.body},
                                Direction::received);
        ASSERT_GE(got.matches.size(), 1U);
        if (!code.starts_with("body_")) {
            EXPECT_EQ(codes_of(got.matches.front()), row.codes);
        }
    }
}

}  // namespace
}  // namespace callchain::diagnosis
