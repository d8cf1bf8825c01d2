#include "http/url.hpp"

#include "http/client.hpp"

#include <gtest/gtest.h>

namespace callchain::http {
namespace {

TEST(IsUrlForSecrets, TakesHttpsAndLoopback) {
    for (const auto* url :
         {"https://api.openai.com", "https://api.openai.com/v1/realtime/calls/rtc_1/accept?x=1&y=%20",
          "HTTPS://API.OpenAI.com/v1", "https://192.0.2.1:8443/", "https://[2001:db8::1]/",
          "wss://api.openai.com/v1", "https://host_name.internal:1", "http://localhost",
          "http://LOCALHOST:8080/x", "http://127.0.0.1:8080", "http://127.255.0.3/", "http://[::1]:8080/",
          "http://[0:0:0:0:0:0:0:1]/", "ws://127.0.0.1:1/a?b", "ws://localhost?x"}) {
        EXPECT_TRUE(is_url_for_secrets(url)) << url;
    }
}

TEST(IsUrlForSecrets, RefusesOtherHostsInClear) {
    for (const auto* url :
         {"http://api.openai.com/", "ws://api.openai.com/", "http://192.168.1.1/", "http://0.0.0.0/",
          "http://[::]/", "http://128.0.0.1/", "http://[::2]/", "http://[::ffff:127.0.0.1]/",
          "http://[fe80::1]/", "http://127.0.0.1.evil.example/", "http://localhost.evil.example/",
          "http://notlocalhost/", "http://localhost.localdomain/", "http://evil.example/127.0.0.1",
          "http://evil.example?localhost"}) {
        EXPECT_FALSE(is_url_for_secrets(url)) << url;
    }
}

TEST(IsUrlForSecrets, RefusesWhatTwoReadersUnderstandInTwoWays) {
    for (const std::string url :
         {"", "https:", "https://", "https:///x", "https:/api.openai.com", "https:api.openai.com",
          "api.openai.com", "//api.openai.com", "ftp://127.0.0.1/", "file:///etc/passwd", "htt ps://x/",
          // Userinfo.
          "http://127.0.0.1@evil.example/", "http://127.0.0.1:80@evil.example/",
          "https://user:pass@api.openai.com/", "http://localhost:80#@evil.example/",
          "http://localhost\\@evil.example/", "http://localhost%40evil.example/",
          // Final dots, empty labels and ports.
          "http://localhost./", "http://127.0.0.1./", "https://api.openai.com./", "https://a..b/",
          "https://.a/", "http://localhost:/", "https://a:0/", "https://a:65536/", "https://a:+1/",
          "https://a:80:80/", "https://a:8o/",
          // Addresses in other forms.
          "http://127.1/", "http://2130706433/", "http://0177.0.0.1/", "http://127.0.0.01/",
          "http://0x7f.0.0.1/", "http://0x7f000001/", "http://127.0.0.1.1/", "http://127.0.0.256/",
          "https://1.2.3/", "http://[::1/", "http://::1/", "http://[::1]x/", "http://[::1%25lo]/",
          "http://[127.0.0.1]/", "http://[]/", "http://[v1.x]/", "http://localhost[::1]/",
          // Backslashes, blanks, controls and bytes beyond ASCII.
          "https:\\\\api.openai.com", "http://localhost\\.evil.example/", "https://api.openai.com/\\evil",
          " https://api.openai.com/", "https://api.openai.com/ ", "https://api.openai.com/a b",
          "https://api.openai.com\t/", "https://api.openai.com/\r\nX: y", "https://api.open\nai.com/",
          "https://api.openai.com/\x7f", "https://\xc3\xa4.example/", "http://\342\221\24027.0.0.1/",
          "https://api.openai.com/#x", "https://api.openai.com/<x>", "https://api.openai.com/{x}"}) {
        EXPECT_FALSE(is_url_for_secrets(url)) << url;
    }
    EXPECT_FALSE(is_url_for_secrets(std::string_view("http://localhost\0.evil.example/", 31)));
    EXPECT_FALSE(is_url_for_secrets(std::string_view("https://api.openai.com/\0", 24)));
    EXPECT_FALSE(is_url_for_secrets(std::string_view("http://[::1\0.evil.example]/", 27)));
}

TEST(ReadUrl, TakesAUrlApart) {
    struct Row {
        std::string url, scheme, host, authority, target;
        int port;
    };
    for (const auto& row : {Row{"wss://API.openai.com/v1/realtime?call_id=a/b?c", "wss", "api.openai.com",
                                "api.openai.com", "/v1/realtime?call_id=a/b?c", 443},
                            Row{"http://localhost:8080", "http", "localhost", "localhost:8080", "/", 8080},
                            Row{"https://a:443/", "https", "a", "a", "/", 443},
                            Row{"ws://[::1]:81?q", "ws", "::1", "[::1]:81", "/?q", 81}}) {
        SCOPED_TRACE(row.url);
        const auto parts = read_url(row.url);
        ASSERT_TRUE(parts.has_value());
        EXPECT_EQ(parts->scheme, row.scheme);
        EXPECT_EQ(parts->host, row.host);
        EXPECT_EQ(parts->authority, row.authority);
        EXPECT_EQ(parts->target, row.target);
        EXPECT_EQ(parts->port, row.port);
    }
}

TEST(ShownHost, HasNeitherUserinfoNorPathNorQuery) {
    for (const auto* url : {"https://user:secret@host:81/path?secret", "https://host:81?secret",
                            "http://host:81#secret", "https://a@secret@host:81", "host:81/secret"}) {
        EXPECT_EQ(shown_host(url), "host:81") << url;
    }
    EXPECT_EQ(shown_host("https:///x"), "no host");
    EXPECT_EQ(shown_host("http://a\x1b[31m"), "a\\x1b[31m");
}

TEST(ReadUrl, TellsWhetherAPathWasWritten) {
    EXPECT_FALSE(read_url("http://127.0.0.1:8080")->has_path);
    EXPECT_FALSE(read_url("http://127.0.0.1:8080?a=1")->has_path);
    EXPECT_TRUE(read_url("http://127.0.0.1:8080/")->has_path);
    EXPECT_TRUE(read_url("http://127.0.0.1:8080/openai/webhook?a=1")->has_path);
}

}  // namespace
}  // namespace callchain::http
