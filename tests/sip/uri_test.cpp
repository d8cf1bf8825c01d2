#include "sip/message.hpp"

#include <gtest/gtest.h>
#include <string>

namespace callchain::sip {
namespace {

TEST(ParseUri, TakesApartWhatRfc3261Allows) {
    struct Row {
        const char* text;
        Uri want;
    };
    Uri meta{"sip", "+12145551869", {}, "meta-voip.example.com", {}, {{{"transport", "tls"}}}};
    Uri trunk{"sip", "+1234567890;tgrp=wacall;trunk-context=byoc.example.com", {}, "sip.example.com"};
    Uri ipv6{"sip", "", {}, "[2803:6080:f948:9597::]", 57363};
    Uri route{"sip", "", {}, "wa.meta.vc", {}, {{{"transport", "tls"}, {"lr", std::nullopt}}}};
    Uri headers{"sips", "a", "", "b.c", 5061, {}, "Route=%3Csip:x%3E&Subject="};
    Uri tel{"tel", "+1-201-555-0123", {}, "", {}, {{{"phone-context", "example.com"}}}};
    Uri other{"soap.beep", "", {}, "", {}, {}, "", "//192.0.2.103:3002"};
    for (const auto& row :
         {Row{"sip:+12145551869@meta-voip.example.com;transport=tls", meta},
          Row{"sip:+1234567890;tgrp=wacall;trunk-context=byoc.example.com@sip.example.com", trunk},
          Row{"sip:[2803:6080:f948:9597::]:57363", ipv6}, Row{"SIP:wa.meta.vc;transport=tls;lr", route},
          Row{"sips:a:@b.c:5061?Route=%3Csip:x%3E&Subject=", headers},
          Row{"tel:+1-201-555-0123;phone-context=example.com", tel},
          Row{"soap.beep://192.0.2.103:3002", other}}) {
        SCOPED_TRACE(row.text);
        const auto uri = parse_uri(row.text);
        ASSERT_TRUE(uri.has_value()) << uri.error().message;
        EXPECT_EQ(*uri, row.want);
        const auto again = parse_uri(write_uri(*uri));
        ASSERT_TRUE(again.has_value());
        EXPECT_EQ(*again, *uri);
    }
}

TEST(ParseUri, RefusesWhatIsNone) {
    for (const auto* text : {"",
                             "sip",
                             "sip:",
                             ":a@b",
                             "1sip:a@b",
                             "sip:@b",
                             "sip:a@",
                             "sip:a b@c",
                             "sip:a@b c",
                             "sip:a@b;",
                             "sip:a@b;;lr",
                             "sip:a@b;=x",
                             "sip:a@b;x=",
                             "sip:a@b?",
                             "sip:a@b?x",
                             "sip:a@b?=x",
                             "sip:a@b?x=1=2",
                             "sip:a@b?x=%zz",
                             "sip:a:%zz@b",
                             "sip:a@@b",
                             "sip:a@b:",
                             "sip:a@b:x",
                             "sip:a@b:65536",
                             "sip:a@[::1",
                             "sip:a@[::1]x",
                             "sip:a@[1.2.3]",
                             "sip:a@[]",
                             "sip:a@[0000:0000:0000:0000:0000:ffff:192.0.002.001:]",
                             "sip:a@::1",
                             "sip:a@1.2.3",
                             "sip:a@1.2.3.256",
                             "sip:a@b..c",
                             "sip:a@.b",
                             "sip:%4@b",
                             "sip:%zz@b",
                             "sip:a#b@c",
                             "<sip:a@b>",
                             "sip:a@b; lr",
                             "sip:a@b\r\n",
                             "tel:",
                             "tel:+",
                             "tel:1 2",
                             "tel:abx",
                             "urn:",
                             "urn:a b",
                             "urn:<a>",
                             "mailto:\"x\""}) {
        SCOPED_TRACE(text);
        const auto uri = parse_uri(text);
        ASSERT_FALSE(uri.has_value());
        EXPECT_EQ(uri.error().code, ErrorCode::bad_input);
    }
    EXPECT_FALSE(parse_uri(std::string_view("sip:a\0@b", 8)).has_value());
}

TEST(ParseUri, TakesTheHostsOfLaboratories) {
    for (const auto* text : {"sip:gateway_1.internal", "sip:a@localhost:5060", "sip:a@host.",
                             "sip:a@192.0.2.1", "sip:a@[::ffff:192.0.2.1]"}) {
        SCOPED_TRACE(text);
        EXPECT_TRUE(parse_uri(text).has_value());
    }
}

TEST(ParseNameAddress, TakesApartWhatRfc3261Allows) {
    struct Row {
        const char* text;
        const char* display_name;
        const char* uri;
        const char* parameters;  // as write_name_address writes them
    };
    for (const auto& row : {
             Row{"\"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f", "\"12195550714\"",
                 "sip:+12195550714@wa.meta.vc", ";tag=8a0f"},
             Row{"<sip:+12195550714@wa.meta.vc;transport=tls;ob>;isfocus", "",
                 "sip:+12195550714@wa.meta.vc;transport=tls;ob", ";isfocus"},
             Row{"sip:caller@example.net;tag=3", "", "sip:caller@example.net", ";tag=3"},
             Row{"caller<sip:a@b>", "caller", "sip:a@b", ""},
             Row{"T. Watson  <sip:a@b>", "T. Watson", "sip:a@b", ""},
             Row{R"("a \"<;,\\" <sip:a@b?x=1> ; q = 0.5 ;e="<,;>")", R"("a \"<;,\\")", "sip:a@b?x=1",
                 R"(;q=0.5;e="<,;>")"},
             Row{"<tel:+12>", "", "tel:+12", ""},
             Row{" <name:John_Smith>\t", "", "name:John_Smith", ""},
         }) {
        SCOPED_TRACE(row.text);
        const auto address = parse_name_address(row.text);
        ASSERT_TRUE(address.has_value()) << address.error().message;
        EXPECT_EQ(address->display_name, row.display_name);
        EXPECT_EQ(write_uri(address->uri), row.uri);
        auto want = std::string(row.display_name) + (*row.display_name == '\0' ? "<" : " <");
        EXPECT_EQ(write_name_address(*address), want + row.uri + ">" + row.parameters);
        const auto again = parse_name_address(write_name_address(*address));
        ASSERT_TRUE(again.has_value());
        EXPECT_EQ(*again, *address);
    }
}

TEST(ParseNameAddress, RefusesWhatIsNone) {
    for (const auto* text : {"",
                             "<>",
                             "<sip:a@b",
                             "sip:a@b>",
                             "\"x <sip:a@b>",
                             "\"x\" y <sip:a@b>",
                             "\"x\" sip:a@b",
                             "Bell, A <sip:a@b>",
                             "< sip:a@b >",
                             "<sip:a@b> x",
                             "<sip:a@b>;",
                             "<sip:a@b>;;x",
                             "<sip:a@b>;x=",
                             "<sip:a@b>;x=\"",
                             "sip:a@b?x=1",
                             "sip:a@b,sip:c@d",
                             "<sip:a@b><sip:c@d>",
                             "sip:a@b;x=<y>",
                             "Ünï <sip:a@b>",
                             "*"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_name_address(text).has_value());
    }
}

TEST(Parameters, CompareNamesWithoutCaseAndKeepTheirPlace) {
    Parameters parameters{{{"Transport", "tls"}, {"lr", std::nullopt}, {"TAG", "a"}}};
    EXPECT_EQ(parameters.find("transport"), "tls");
    EXPECT_EQ(parameters.find("LR"), "");
    EXPECT_EQ(parameters.find("ob"), std::nullopt);
    parameters.set("tag", "b");
    parameters.set("ob", std::nullopt);
    parameters.remove("LR");
    EXPECT_EQ(parameters, (Parameters{{{"Transport", "tls"}, {"TAG", "b"}, {"ob", std::nullopt}}}));
}

}  // namespace
}  // namespace callchain::sip
