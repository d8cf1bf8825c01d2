#include "webhook/diff.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::webhook {
namespace {

TEST(DiffBodies, FindsNothingInEqualBodies) {
    for (const auto* body : {"", "{\"id\": 1}"}) {
        const auto difference = diff_bodies(body, body);
        EXPECT_TRUE(difference.equal());
        EXPECT_EQ(difference.common_prefix, std::string(body).size());
        EXPECT_EQ(difference.common_suffix, 0U);
        EXPECT_TRUE(difference.rows_a.empty());
    }
}

TEST(DiffBodies, SaysWhereABlankWasLost) {
    //                     0123456789
    const std::string a = "{\n  \"id\": \"evt_1\"}";
    const std::string b = "{\n  \"id\":\"evt_1\"}";
    const auto difference = diff_bodies(a, b);
    EXPECT_EQ(difference.first, 9U);
    EXPECT_EQ(difference.place, (BodyPlace{2, 8}));
    EXPECT_EQ(difference.common_prefix, 9U);
    EXPECT_EQ(difference.common_suffix, 8U);
    ASSERT_EQ(difference.rows_a.size(), 2U);
    EXPECT_EQ(difference.rows_a[0].offset, 0U);
    EXPECT_EQ(difference.rows_a[0].text, "{.  \"id\": \"evt_1");
    EXPECT_EQ(difference.rows_a[0].bytes, a.substr(0, 16));
    EXPECT_EQ(difference.rows_a[0].differs.to_string(), "0000001000000000");  // bit 9, from the right
    ASSERT_EQ(difference.rows_b.size(), 2U);
    EXPECT_TRUE(difference.rows_b[0].differs.none());  // b has nothing in its place
}

TEST(DiffBodies, ShowsAWindowAroundTheFirstDifference) {
    std::string a(1000, 'x');
    std::string b = a;
    b[500] = 'y';
    b[900] = 'y';
    const auto difference = diff_bodies(a, b);
    EXPECT_EQ(difference.first, 500U);
    EXPECT_EQ(difference.common_suffix, 99U);
    ASSERT_EQ(difference.rows_b.size(), kMostHexRows);
    EXPECT_EQ(difference.rows_b[0].offset, 480U);
    EXPECT_EQ(difference.rows_b[1].offset, 496U);
    EXPECT_FALSE(difference.rows_b[1].differs[3]);
    EXPECT_TRUE(difference.rows_b[1].differs[4]);
}

TEST(DiffBodies, TakesTheShorterLengthWhereOneBeginsWithTheOther) {
    const auto difference = diff_bodies("abc", "abc\n");
    EXPECT_EQ(difference.first, 3U);
    EXPECT_EQ(difference.place, (BodyPlace{1, 4}));
    EXPECT_EQ(difference.common_suffix, 0U);
    ASSERT_EQ(difference.rows_b.size(), 1U);
    EXPECT_EQ(difference.rows_b[0].text, "abc.");
    EXPECT_TRUE(difference.rows_b[0].differs[3]);
    EXPECT_TRUE(difference.rows_a[0].differs.none());
}

TEST(DiffBodies, PrefixAndSuffixNeverOverlap) {
    const auto difference = diff_bodies("aaa", "aa");
    EXPECT_EQ(difference.common_prefix, 2U);
    EXPECT_EQ(difference.common_suffix, 0U);
    const bool held = rc::check("prefix and suffix fit into both bodies", [] {
        const auto text = rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab\n")));
        const std::string a = *text;
        const std::string b = *text;
        const auto d = diff_bodies(a, b);
        RC_ASSERT(d.equal() == (a == b));
        RC_ASSERT(d.common_prefix + d.common_suffix <= std::min(a.size(), b.size()));
        RC_ASSERT(a.substr(0, d.common_prefix) == b.substr(0, d.common_prefix));
        RC_ASSERT(a.substr(a.size() - d.common_suffix) == b.substr(b.size() - d.common_suffix));
    });
    ASSERT_TRUE(held);
}

TEST(HeaderRole, KnowsWhoSetsAHeader) {
    struct Row {
        const char* name;
        HeaderRole role;
    };
    for (const auto& row :
         {Row{"Webhook-Id", HeaderRole::signed_content}, Row{"webhook-timestamp", HeaderRole::signed_content},
          Row{"WEBHOOK-SIGNATURE", HeaderRole::signed_content}, Row{"Content-Length", HeaderRole::body_shape},
          Row{"Cookie", HeaderRole::credential}, Row{"Via", HeaderRole::proxy},
          Row{"X-Forwarded-For", HeaderRole::proxy}, Row{"X-Railway-Edge", HeaderRole::proxy},
          Row{"CF-Ray", HeaderRole::proxy}, Row{"fly-request-id", HeaderRole::proxy},
          Row{"Connection", HeaderRole::proxy}, Row{"X-Real-IP", HeaderRole::proxy},
          Row{"Proxy-Authorization", HeaderRole::credential}, Row{"cfoo", HeaderRole::other},
          Row{"via2", HeaderRole::other}, Row{"User-Agent", HeaderRole::other}}) {
        EXPECT_EQ(header_role(row.name), row.role) << row.name;
    }
}

TEST(DiffHeaders, ListsEachKindOfDifferenceSignedOnesFirst) {
    const Headers a{{{"Host", "a.example"},
                     {"webhook-id", "wh_1"},
                     {"Accept", "*/*"},
                     {"Webhook-Signature", "v1,a"},
                     {"X-Two", "1"},
                     {"X-Two", "2"}}};
    const Headers b{{{"Host", "b.example"},
                     {"X-Forwarded-For", "192.0.2.1"},
                     {"webhook-signature", "v1,a"},
                     {"webhook-id", "wh_1 "},
                     {"X-Two", "2"},
                     {"X-Two", "1"}}};
    const auto result = diff_headers(a, b);
    using Kind = HeaderDifference::Kind;
    struct Row {
        Kind kind;
        const char* name;
        HeaderRole role;
    };
    const std::vector<Row> want{{Kind::values, "webhook-id", HeaderRole::signed_content},
                                {Kind::name_case, "Webhook-Signature", HeaderRole::signed_content},
                                {Kind::values, "Host", HeaderRole::other},
                                {Kind::only_in_a, "Accept", HeaderRole::other},
                                {Kind::values, "X-Two", HeaderRole::other},
                                {Kind::only_in_b, "X-Forwarded-For", HeaderRole::proxy}};
    ASSERT_EQ(result.differences.size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
        SCOPED_TRACE(want[i].name);
        EXPECT_EQ(result.differences[i].kind, want[i].kind);
        EXPECT_EQ(result.differences[i].name, want[i].name);
        EXPECT_EQ(result.differences[i].role, want[i].role);
    }
    EXPECT_EQ(result.differences[4].a, (std::vector<std::string>{"1", "2"}));
    EXPECT_EQ(result.differences[4].b, (std::vector<std::string>{"2", "1"}));
    EXPECT_TRUE(result.order_differs);  // webhook-signature before webhook-id
}

TEST(DiffHeaders, SeesDuplicatesAndOrder) {
    const auto doubled = diff_headers({{{"a", "1"}, {"b", "2"}}}, {{{"a", "1"}, {"b", "2"}, {"a", "1"}}});
    ASSERT_EQ(doubled.differences.size(), 1U);
    EXPECT_EQ(doubled.differences[0].kind, HeaderDifference::Kind::values);
    EXPECT_EQ(doubled.differences[0].b.size(), 2U);
    EXPECT_FALSE(doubled.order_differs);
    const auto moved = diff_headers({{{"a", "1"}, {"b", "2"}}}, {{{"b", "2"}, {"A", "1"}}});
    EXPECT_TRUE(moved.order_differs);
    const Headers same{{{"a", "1"}, {"b", "2"}}};
    EXPECT_TRUE(diff_headers(same, same).equal());
}

TEST(DiffHeaders, NeverShowsCredentials) {
    const auto result =
        diff_headers({{{"Authorization", "Bearer sk-abcdefgh"}}}, {{{"Authorization", "Basic dTpw"}}});
    ASSERT_EQ(result.differences.size(), 1U);
    EXPECT_EQ(result.differences[0].a, (std::vector<std::string>{"(18 bytes, not shown)"}));
    EXPECT_EQ(result.differences[0].b, (std::vector<std::string>{"(10 bytes, not shown)"}));
}

}  // namespace
}  // namespace callchain::webhook
