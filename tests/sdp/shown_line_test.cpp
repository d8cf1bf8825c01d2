#include "sdp/shown_line.hpp"

#include "sdp/filter.hpp"
#include "sdp/sdp_texts.hpp"
#include "sdp/verdict.hpp"

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace callchain::sdp {
namespace {

TEST(ShownLine, HidesKeys) {
    for (const auto& [line, shown] : std::vector<std::pair<std::string, std::string>>{
             {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^20\r\n",
              "a=crypto:1 AES_CM_128_HMAC_SHA1_80 (not shown)"},
             {"a=crypto:c2VjcmV0c2VjcmV0\r\n", "a=crypto:(not shown)"},
             {"a=crypto:1 inline:c2VjcmV0\r\n", "a=crypto:(not shown)"},
             {" a=crypto:1 S inline:c2VjcmV0\r\n", "(not shown)"},
             {"a= crypto:1 S inline:c2VjcmV0\r\n", "a=(not shown)"},
             {"a=crypto :1 S inline:c2VjcmV0\r\n", "a=crypto:(not shown)"},
             {"a=acap:1 crypto:1 S inline:c2VjcmV0\r\n", "a=acap:(not shown)"},
             {"a=cryptoscale:1 client S inline:c2VjcmV0\r\n", "a=cryptoscale:(not shown)"},
             {"a=key-mgmt:mikey c2VjcmV0\r\n", "a=key-mgmt:(not shown)"},
             {"a=ice-pwd c2VjcmV0\r\n", "a=ice-pwd:(not shown)"},
             {"a= ICE-PWD:c2VjcmV0\r\n", "a=(not shown)"},
             {"K=clear:c2VjcmV0\r\n", "K=(not shown)"},
             {" k=c2VjcmV0\r\n", "(not shown)"},
             {"v=0\\r\\na=crypto:1 S inline:c2VjcmV0", "v=(not shown)"},
             {"a=CRYPTO:1 X inline:c2VjcmV0\n", "a=crypto:1 X (not shown)"},
             {"a=ice-pwd:c2VjcmV0\r\n", "a=ice-pwd:(not shown)"},
             {"k=clear:c2VjcmV0\r\n", "k=(not shown)"},
             {"a=rtpmap:0 PCMU/8000\r\n", "a=rtpmap:0 PCMU/8000"},
             {"a=x:\x1b[31m\r\n", "a=x:\\x1b[31m"}}) {
        EXPECT_EQ(shown_line(line), shown);
    }
}

// A line end that was lost puts a=crypto behind the formats of m=, each of its words a format.
TEST(ShownLine, HidesKeysInWordsOfALine) {
    const std::string key = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw";
    for (const std::string& word : {std::string("inline:").append(key), std::string("8a=crypto:1"),
                                    std::string("inline:").append(key) + "|2^20"})
        EXPECT_EQ(shown_line(word, 20), "(not shown)");
    EXPECT_EQ(shown_line("126", 20), "126");
    const auto text = sdp_of({"m=audio 4000 RTP/SAVP 9a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key});
    const auto verdict = judge_offer(text, default_keep_list(), {});
    ASSERT_TRUE(verdict.has_value()) << verdict.error().message;
    for (const auto& issue : verdict->issues)
        EXPECT_EQ(issue.detail.find(key.substr(0, 3)), std::string::npos) << issue.detail;
}

}  // namespace
}  // namespace callchain::sdp
