#include "diagnosis/endpoint_diagnosis.hpp"

#include "base/text.hpp"
#include "diagnosis/catalogue.hpp"

#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

using openai::HintFit;
using openai::WebhookEndpoint;

// Keys 00…1f and that of the test suites of OpenAI's SDKs.
const std::string kOne = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string kOther = "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=";

WebhookEndpoint endpoint_of(std::string id, std::string host, const std::string& secret,
                            std::vector<std::string> types = {"realtime.call.incoming"}) {
    WebhookEndpoint endpoint;
    endpoint.id = std::move(id);
    endpoint.name = "bridge";
    endpoint.url = "https://" + host + "/openai/webhook";
    endpoint.event_types = std::move(types);
    endpoint.secret_hint = "whsec_…" + secret.substr(secret.size() - 4);
    return endpoint;
}

std::vector<std::string> codes_of(const EndpointReport& report) {
    std::vector<std::string> codes;
    for (const auto& finding : report.findings) codes.push_back(finding.code);
    return codes;
}

TEST(JudgeEndpoints, SaysOfEachListWhatIsWrongWithIt) {
    struct Row {
        const char* name;
        EndpointMaterial material;
        std::vector<std::string> codes;
    };
    const auto prod = endpoint_of("whe_1", "prod.example", kOne);
    const auto lab = endpoint_of("whe_2", "lab.example", kOther);
    const auto batch = endpoint_of("whe_3", "batch.example", kOther, {"batch.completed"});
    const auto live = endpoint_of("whe_4", "live.example", kOther, {"live.transport.incoming"});
    auto no_hint = lab;
    no_hint.secret_hint.clear();
    const signature::LabelledSecret one{"railway", kOne};
    const signature::LabelledSecret other{"laptop", kOther};
    const signature::LabelledSecret third{"third", "whsec_" + std::string(43, 'Z') + "="};
    const signature::LabelledSecret quoted{"quoted", "\"" + kOne + "\"\n"};
    const std::vector<std::string> here{"prod.example"};
    const std::string several = "endpoint_several_subscribed";
    for (const auto& row : {
             Row{"all as it should be", {{prod, batch}, {one}, here}, {}},
             Row{"nothing to compare with", {{prod}, {}, {}}, {}},
             Row{"quotes around the secret", {{prod}, {quoted}, here}, {}},
             Row{"no endpoint at all", {{}, {one}, here}, {"endpoint_none_subscribed"}},
             Row{"none subscribed", {{batch}, {one}, here}, {"endpoint_none_subscribed"}},
             Row{"two, and each secret right", {{prod, lab}, {one, other}, here}, {several}},
             Row{"two, of two APIs", {{prod, live}, {one}, here}, {several}},
             Row{"two, and one secret copied",
                 {{lab, prod}, {other}, here},
                 {several, "endpoint_secret_of_other"}},
             Row{"two, and it is not known where this is", {{lab, prod}, {other}, {}}, {several}},
             Row{"two, and neither is here",
                 {{lab, live}, {third}, here},
                 {several, "endpoint_url_elsewhere", "endpoint_secret_unknown"}},
             Row{"the secret of a deleted one", {{prod}, {third}, here}, {"endpoint_secret_unknown"}},
             Row{"one of two is right: a rotation", {{prod}, {one, third}, here}, {}},
             Row{"the secret of one without call events",
                 {{prod, batch}, {other}, {}},
                 {"endpoint_secret_unknown"}},
             Row{"the same, elsewhere", {{prod, batch}, {other}, here}, {"endpoint_secret_of_other"}},
             Row{"elsewhere, with its secret",
                 {{lab}, {other}, here},
                 {"endpoint_url_elsewhere", "endpoint_secret_of_other"}},
             Row{"elsewhere, without a secret", {{lab}, {}, here}, {"endpoint_url_elsewhere"}},
             Row{"no hint", {{no_hint}, {third}, {}}, {}},
             Row{"no hint at one of two", {{prod, no_hint}, {third}, here}, {several}},
             Row{"not all of the list", {{batch, lab}, {third}, here, false}, {}},
             Row{"not all of the list, two are enough", {{prod, lab}, {third}, here, false}, {several}},
         }) {
        SCOPED_TRACE(row.name);
        const auto report = judge_endpoints(row.material);
        EXPECT_EQ(codes_of(report), row.codes);
        ASSERT_EQ(report.views.size(), row.material.endpoints.size());
        for (const auto& finding : report.findings) {
            ASSERT_NE(find_entry(finding.code), nullptr) << finding.code;
            EXPECT_EQ(finding.proof, Proof::hint);
            EXPECT_FALSE(finding.detail.empty());
            EXPECT_EQ(finding.detail.find('\n'), std::string::npos);
        }
    }
}

TEST(JudgeEndpoints, NamesAllThatAreSubscribedInOneLine) {
    const auto report = judge_endpoints(
        {{endpoint_of("whe_1", "prod.example", kOne), endpoint_of("whe_2", "lab.example", kOther)},
         {{"railway", kOne}, {"laptop", kOne}},
         {"prod.example"}});
    ASSERT_EQ(report.findings.size(), 1U);
    EXPECT_EQ(report.findings.front().detail,
              "whe_1 \"bridge\" https://prod.example/openai/webhook (this server): fits \"railway\" and "
              "\"laptop\"; whe_2 \"bridge\" https://lab.example/openai/webhook: fits none of ours");
}

TEST(JudgeEndpoints, NamesEverySecretThatFitsNowhere) {
    const std::string lost = "whsec_" + std::string(43, 'Z') + "=";
    const auto detail_with = [&](std::vector<signature::LabelledSecret> secrets) {
        const auto report =
            judge_endpoints({{endpoint_of("whe_1", "prod.example", kOne)}, std::move(secrets), {}});
        return report.findings.empty() ? "" : report.findings.front().detail;
    };
    EXPECT_EQ(detail_with({{"railway", lost}}), "\"railway\" fits none of whe_1.");
    EXPECT_EQ(detail_with({{"railway", lost}, {"laptop", kOther}}),
              "\"railway\", \"laptop\" fit none of whe_1.");
}

TEST(JudgeEndpoints, KnowsTheServerByItsHost) {
    auto endpoint = endpoint_of("whe_1", "PROD.example.", kOne);
    endpoint.url = "https://PROD.example.:8443/openai/webhook?x=1";
    EXPECT_EQ(judge_endpoints({{endpoint}, {}, {"prod.example"}}).views.front().is_here, true);
    EXPECT_EQ(judge_endpoints({{endpoint}, {}, {"prod.example.org"}}).views.front().is_here, false);
    EXPECT_EQ(judge_endpoints({{endpoint}, {}, {}}).views.front().is_here, std::nullopt);
    endpoint.url = "not a URL";
    EXPECT_EQ(judge_endpoints({{endpoint}, {}, {"prod.example"}}).views.front().is_here, false);
}

TEST(JudgeEndpoints, ShowsNoSecretPasswordOrControlCharacter) {
    auto first = endpoint_of("whe_\x1b[2J", "prod.example", kOne);
    first.name = kOne;
    first.url = "https://user:pass-word@prod.example/\r\n" + std::string(10'000, 'x');
    auto second = first;
    second.id = kOther;
    const auto report = judge_endpoints({{first, second}, {{"one", kOne}}, {"here.example"}});
    ASSERT_FALSE(report.findings.empty());
    for (const auto& finding : report.findings) {
        EXPECT_EQ(visible(finding.detail), finding.detail);
        for (const std::string_view part : {"pass-word", "AwQFBgcI", "YFYUXuIF"})
            EXPECT_EQ(finding.detail.find(part), std::string::npos) << part;
        EXPECT_LE(finding.detail.size(), 2'000U);
    }
}

TEST(JudgeEndpoints, NamesAFewOfMany) {
    EndpointMaterial material;
    for (int i = 0; i < 50; ++i)
        material.endpoints.push_back(endpoint_of("whe_" + std::to_string(i), "a.example", kOne));
    const auto report = judge_endpoints(material);
    ASSERT_EQ(codes_of(report), std::vector<std::string>{"endpoint_several_subscribed"});
    EXPECT_NE(report.findings.front().detail.find("; and 42 more"), std::string::npos);
}

TEST(HostOfUrl, ReadsHostsAsTheyAreCompared) {
    struct Row {
        std::string_view url;
        std::string_view host;
    };
    for (const auto& row : {Row{"https://Bridge.Example.com/openai/webhook", "bridge.example.com"},
                            Row{"http://bridge.example.com:8000", "bridge.example.com"},
                            Row{"https://[2001:DB8::1]:443/", "[2001:db8::1]"},
                            Row{"https://user:word@bridge.example.com", "bridge.example.com"},
                            Row{"https://bridge.example.com.", "bridge.example.com"},
                            Row{"bridge.example.com", ""}, Row{"", ""}, Row{"https://", ""}}) {
        SCOPED_TRACE(row.url);
        EXPECT_EQ(host_of_url(row.url), row.host);
    }
}

}  // namespace
}  // namespace callchain::diagnosis
