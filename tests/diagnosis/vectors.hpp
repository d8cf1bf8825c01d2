/// Published and own test vectors that several tests share.
#pragma once

#include "signature/secret.hpp"

#include <string>
#include <vector>

namespace callchain::testing {

struct Vector {
    std::string secret;
    std::string id;
    std::string timestamp;
    std::string body;
    std::string signature;
};

/// Used by the test suites of all OpenAI SDKs (openai-python tests/lib/test_webhook_signature.py and others).
inline const Vector kSdkVector{
    "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=", "wh_685c059ae39c8190af8c71ed1022a24d", "1750861210",
    R"({"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, "type": "response.completed", "data": {"id": "resp_123"}})",
    "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY="};

/// A call event in the form that OpenAI sends; key bytes 00 to 1f. Signatures by Python's hmac module.
inline const Vector kCallVector{
    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "wh_00000000000000000000000000000002", "1750287078",
    R"({"id": "evt_test_0001", "object": "event", "created_at": 1750287018, "type": "realtime.call.incoming", "data": {"call_id": "rtc_u1_test0001", "sip_headers": [{"name": "From", "value": "\"Jos\u00e9 & Co\" <sip:+15550100@sip.example.com>"}, {"name": "To", "value": "sip:proj_test@sip.api.openai.com;transport=tls"}, {"name": "X-Ratio", "value": "1.0/2"}]}})",
    "v1,CBTrrwrCprSg+So15PJ3z4FzGOdNF92Ubm9/IY7hDlA="};

inline std::vector<signature::LabelledSecret> labelled(const std::string& secret,
                                                       const std::string& label = "railway") {
    return {{label, secret}};
}

}  // namespace callchain::testing
