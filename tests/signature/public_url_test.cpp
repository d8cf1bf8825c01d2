#include "signature/public_url.hpp"

#include <gtest/gtest.h>

namespace callchain::signature {
namespace {

struct Rebuilt {
    const char* name;
    HeaderFields headers;
    std::vector<std::string> urls;
    const char* first_origin;
};

const Rebuilt kRows[] = {
    {"the request's own host, scheme unknown",
     {{"host", "bridge.example.com"}},
     {"https://bridge.example.com/v?a=1", "http://bridge.example.com/v?a=1"},
     "Host, scheme assumed"},
    {"a list of schemes: the client's comes first",
     {{"Host", "bridge.example.com"}, {"X-Forwarded-Proto", "HTTPS, http"}},
     {"https://bridge.example.com/v?a=1"},
     "Host, X-Forwarded-Proto"},
    {"a forwarded host before the request's own",
     {{"Host", "app.internal:3000"},
      {"X-Forwarded-Proto", "https"},
      {"X-Forwarded-Host", " bridge.example.com , app.internal"}},
     {"https://bridge.example.com/v?a=1", "https://app.internal:3000/v?a=1"},
     "X-Forwarded-Host, X-Forwarded-Proto"},
    {"a forwarded port, with it and without",
     {{"Host", "bridge.example.com"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", "8443,443"}},
     {"https://bridge.example.com:8443/v?a=1", "https://bridge.example.com/v?a=1"},
     "Host, X-Forwarded-Proto, X-Forwarded-Port"},
    {"a default port adds nothing",
     {{"Host", "bridge.example.com"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", "443"}},
     {"https://bridge.example.com/v?a=1"},
     "Host, X-Forwarded-Proto"},
    {"a host that has its port keeps it",
     {{"Host", "[::1]:3000"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", "8443"}},
     {"https://[::1]:3000/v?a=1"},
     "Host, X-Forwarded-Proto"},
    {"a stripped prefix",
     {{"Host", "bridge.example.com"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Prefix", "/api/"}},
     {"https://bridge.example.com/api/v?a=1", "https://bridge.example.com/v?a=1"},
     "Host, X-Forwarded-Proto, X-Forwarded-Prefix"},
    {"the original host",
     {{"X-Original-Host", "bridge.example.com"}, {"X-Forwarded-Proto", "https"}},
     {"https://bridge.example.com/v?a=1"},
     "X-Original-Host, X-Forwarded-Proto"},
    {"one host under several names",
     {{"Host", "bridge.example.com"},
      {"X-Forwarded-Proto", "https"},
      {"X-Forwarded-Host", "bridge.example.com"}},
     {"https://bridge.example.com/v?a=1"},
     "X-Forwarded-Host, X-Forwarded-Proto"},
    {"RFC 7239, quoted, several elements",
     {{"Forwarded",
       R"(for=192.0.2.60;proto=https; Host="bridge.example.com:8443", for=10.0.0.1;host=inner)"}},
     {"https://bridge.example.com:8443/v?a=1"},
     "Forwarded"},
    {"RFC 7239 with a scheme alone",
     {{"Forwarded", "proto=https"}, {"Host", "bridge.example.com"}},
     {"https://bridge.example.com/v?a=1"},
     "Host, Forwarded"},
    {"empty and hostile hosts",
     {{"X-Forwarded-Host", ""},
      {"X-Original-Host", "evil.example/x?"},
      {"Host", "a b"},
      {"X-Forwarded-Proto", "javascript"}},
     {},
     ""},
    {"no headers", {}, {}, ""},
};

TEST(RebuildUrls, NamesEachUrlWithItsOrigin) {
    for (const auto& row : kRows) {
        SCOPED_TRACE(row.name);
        const auto rebuilt = rebuild_urls("/v?a=1", row.headers);
        std::vector<std::string> urls;
        for (const auto& url : rebuilt) urls.push_back(url.url);
        EXPECT_EQ(urls, row.urls);
        EXPECT_EQ(rebuilt.empty() ? "" : rebuilt.front().origin, row.first_origin);
    }
}

TEST(RebuildUrls, TakesAnAbsoluteTargetAsItIs) {
    const HeaderFields headers{{"Host", "other.example"}};
    const auto rebuilt = rebuild_urls("https://bridge.example.com/v", headers);
    ASSERT_EQ(rebuilt.size(), 1U);
    EXPECT_EQ(rebuilt[0].url, "https://bridge.example.com/v");
    EXPECT_EQ(rebuilt[0].origin, "request target");
    EXPECT_TRUE(rebuild_urls("*", headers).empty());
    EXPECT_TRUE(rebuild_urls("bridge.example.com:443", headers).empty());
    EXPECT_TRUE(rebuild_urls("", headers).empty());
}

TEST(ParseForwarded, ReadsTheFirstElement) {
    const auto element = parse_forwarded(R"(host="a\"b,c;d";PROTO=http;host2=x, host=other)");
    EXPECT_EQ(element.host, R"(a"b,c;d)");
    EXPECT_EQ(element.proto, "http");
    EXPECT_EQ(parse_forwarded("").host, "");
    EXPECT_EQ(parse_forwarded("\"unclosed;host=x").host, "");
}

}  // namespace
}  // namespace callchain::signature
