#include "sip/digest.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::sip {
namespace {

struct VectorRow {
    const char* name = "";
    DigestInput input;
    const char* response = "";
};

constexpr std::string_view kNonce7616 = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
constexpr std::string_view kCnonce7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
constexpr std::string_view kNonce2617 = "dcd98b7102dd2f0e8b11d0f600bfb0c093";

DigestInput of_7616(DigestAlgorithm algorithm) {
    return {algorithm,        "Mufasa", "http-auth@example.org",
            "Circle of Life", "GET",    "/dir/index.html",
            kNonce7616,       "auth",   "00000001",
            kCnonce7616};
}

DigestInput of_twilio(DigestAlgorithm algorithm, std::string_view qop) {
    return {algorithm,          "gateway01", "sip.twilio.com",
            "Str0ngPassw0rd12", "INVITE",    "sip:bridge@example.sip.twilio.com",
            "abcdef0123456789", qop,         "00000001",
            "0a4f113b"};
}

TEST(DigestResponse, MatchesPublishedExamples) {
    const VectorRow rows[] = {
        {"RFC 7616 section 3.9.1, MD5", of_7616(DigestAlgorithm::md5), "8ca523f5e9506fed4657c9700eebdbec"},
        {"RFC 7616 section 3.9.1, SHA-256", of_7616(DigestAlgorithm::sha256),
         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
        // The RFC prints the result of another truncation of SHA-512; this is that of its erratum 4897.
        {"RFC 7616 section 3.9.2, SHA-512-256",
         {DigestAlgorithm::sha512_256, "J\xC3\xA4s\xC3\xB8n Doe", "api@example.org", "Secret, or not?", "GET",
          "/doe.json", "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "auth", "00000001",
          "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"},
         "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
        {"RFC 2617 section 3.5",
         {DigestAlgorithm::md5, "Mufasa", "testrealm@host.com", "Circle Of Life", "GET", "/dir/index.html",
          kNonce2617, "auth", "00000001", "0a4f113b"},
         "6629fae49393a05397450978507c4ef1"},
        // As corrected by erratum 749.
        {"RFC 2069 section 2.4",
         {DigestAlgorithm::md5, "Mufasa", "testrealm@host.com", "CircleOfLife", "GET", "/dir/index.html",
          kNonce2617},
         "1949323746fe6a43ef61f9606e7febea"},
        {"own vector in the form of Twilio, by Python's hashlib", of_twilio(DigestAlgorithm::md5, "auth"),
         "061f7f26643a68ed85c5941def7d995b"},
        {"the same without qop", of_twilio(DigestAlgorithm::md5, ""), "75abea9de94633b13af5942969a63d2b"},
        // Computed with Python's hashlib after RFC 7616 section 3.4.2.
        {"MD5-sess", of_twilio(DigestAlgorithm::md5_sess, "auth"), "2251c41fd43614f10fdd24d1b4149814"},
        {"SHA-256-sess", of_twilio(DigestAlgorithm::sha256_sess, "auth"),
         "b16f46225ce5323c2cfa524188ffb86e433a685b4820f211c555070d83795043"},
        {"SHA-512-256-sess", of_twilio(DigestAlgorithm::sha512_256_sess, "auth"),
         "b3321d6dfaa637016fd7ea334c69dd3133910410cbac2dee32f35aff94607c58"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(digest_response(row.input), row.response);
    }
}

TEST(FindDigestAlgorithm, KnowsNamesWithoutCaseAndTakesNoNameForMd5) {
    EXPECT_EQ(find_digest_algorithm(""), DigestAlgorithm::md5);
    EXPECT_EQ(find_digest_algorithm("md5"), DigestAlgorithm::md5);
    EXPECT_EQ(find_digest_algorithm("MD5-Sess"), DigestAlgorithm::md5_sess);
    EXPECT_EQ(find_digest_algorithm("sha-512-256"), DigestAlgorithm::sha512_256);
    EXPECT_EQ(find_digest_algorithm("SHA-512"), std::nullopt);
    EXPECT_EQ(find_digest_algorithm("AKAv1-MD5"), std::nullopt);
}

// As wa.meta.vc writes it: no blank behind the commas.
TEST(ParseChallenges, ReadsMetasForm) {
    const auto got = parse_challenges(
        R"(Digest realm="wa.meta.vc",nonce="6a5f0c2d",opaque="3b1e",algorithm=MD5,qop="auth")");
    ASSERT_TRUE(got.has_value()) << got.error().message;
    const Challenge want{"wa.meta.vc", "6a5f0c2d", "3b1e", "MD5", {"auth"}};
    EXPECT_EQ(*got, std::vector<Challenge>{want});
}

// RFC 3261 section 20.27, and RFC 7616 section 3.9.1 with both of its challenges in one field.
TEST(ParseChallenges, ReadsOneOrSeveralOfAField) {
    const auto one =
        parse_challenges(R"(Digest realm="atlanta.com", domain="sip:ss1.carrier.com", qop="auth",)"
                         R"( nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=MD5)");
    ASSERT_TRUE(one.has_value()) << one.error().message;
    ASSERT_EQ(one->size(), 1U);
    EXPECT_EQ(one->front().opaque, "");
    EXPECT_FALSE(one->front().stale);
    EXPECT_EQ(one->front().other, (std::vector<Parameter>{{"domain", R"("sip:ss1.carrier.com")"}}));

    const auto two = parse_challenges(
        R"(Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="n1",)"
        R"( opaque="o", Basic realm="b", digest realm="http-auth@example.org",qop="auth,auth-int",)"
        R"(algorithm=MD5,nonce="n2",stale=True,Negotiate YII/+abc==, x)");
    ASSERT_TRUE(two.has_value()) << two.error().message;
    ASSERT_EQ(two->size(), 2U);
    EXPECT_EQ((*two)[0].algorithm, "SHA-256");
    EXPECT_EQ((*two)[0].qop, (std::vector<std::string>{"auth", "auth-int"}));
    EXPECT_EQ((*two)[1].nonce, "n2");
    EXPECT_TRUE((*two)[1].stale);
}

TEST(ParseChallenges, KeepsWhatItDoesNotKnowAsWritten) {
    const auto got =
        parse_challenges(R"(Digest realm="a\"b\\c", nonce=Zm9v/+==, Userhash="tr\ue", x=, y= 1)");
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_EQ(got->front().realm, R"(a"b\c)");
    EXPECT_EQ(got->front().nonce, "Zm9v/+==");
    EXPECT_EQ(got->front().other,
              (std::vector<Parameter>{{"Userhash", R"("tr\ue")"}, {"x", ""}, {"y", "1"}}));
    EXPECT_EQ(write_challenge(got->front()),
              R"(Digest realm="a\"b\\c", nonce="Zm9v/+==", Userhash="tr\ue", x=, y=1)");
}

struct FaultRow {
    const char* name = "";
    std::string text;
    std::size_t offset;
};

TEST(ParseChallenges, SaysWhereItIsDamaged) {
    const FaultRow rows[] = {
        {"nothing", "", 0},
        {"no realm", R"(Digest nonce="a")", 0},
        {"no nonce in the second", R"(Digest realm="a", nonce="b", Digest realm="c")", 29},
        {"a quote that does not end", R"(Digest realm="a)", 13},
        {"a backslash at the end", R"(Digest realm="a\)", 13},
        {"no comma", R"(Digest realm="a" nonce="b")", 17},
        {"a parameter that comes twice", R"(Digest realm="a", nonce="b", NONCE="c")", 34},
        {"no scheme", R"(realm="a", nonce="b")", 5},
        {"no name", R"(Digest ="a")", 7},
        {"a control character", "Digest realm=\"a\x01\", nonce=\"b\"", 15},
        {"a stroke in a scheme", "Digest/1 realm=a", 6},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = parse_challenges(row.text);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        EXPECT_EQ(got.error().offset, row.offset);
    }
}

TEST(ParseChallenges, IsBounded) {
    std::string parameters = R"(Digest realm="a", nonce="b")";
    for (int i = 0; i < 62; ++i) parameters += ", p" + std::to_string(i) + "=1";
    EXPECT_TRUE(parse_challenges(parameters).has_value());
    const auto many = parse_challenges(parameters + ", q=1");
    ASSERT_FALSE(many.has_value());
    EXPECT_EQ(many.error().code, ErrorCode::limit);

    std::string challenges;
    for (int i = 0; i < 17; ++i) challenges += R"(Digest realm="a", nonce="b", )";
    ASSERT_FALSE(parse_challenges(challenges).has_value());
    EXPECT_EQ(parse_challenges(challenges).error().code, ErrorCode::limit);
}

// Meta's SIP guide for WhatsApp calls: the form of Meta's sample.
TEST(ParseCredentials, ReadsMetasForm) {
    const std::string text =
        R"(Digest username="12145551869", realm="sip.twilio.com", nonce="QXJlIHlvdQ",)"
        R"( uri="sip:+12145551869@meta-voip.example.com", response="0123456789abcdef0123456789abcdef",)"
        R"( cnonce="7d40", opaque="4f2a", qop=auth, nc=00000001)";
    const auto got = parse_credentials(text);
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_EQ(got->username, "12145551869");
    EXPECT_EQ(got->uri, "sip:+12145551869@meta-voip.example.com");
    EXPECT_EQ(got->algorithm, "");
    EXPECT_EQ(got->qop, "auth");
    EXPECT_EQ(got->nc, "00000001");
    EXPECT_EQ(write_credentials(*got), text);
}

TEST(ParseCredentials, TakesQuotesWherePeersPutThem) {
    const auto got = parse_credentials(R"(Digest username=a,realm=b,nonce=c,uri=sip:x@y;transport=tls,)"
                                       R"(response="00",algorithm="MD5",qop="auth",nc="0000000A",cnonce=d)");
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_EQ(got->uri, "sip:x@y;transport=tls");
    EXPECT_EQ(got->algorithm, "MD5");
    EXPECT_EQ(got->qop, "auth");
    EXPECT_EQ(got->nc, "0000000A");
}

TEST(ParseCredentials, RefusesWhatCannotBeJudged) {
    const std::string good = R"(Digest username="a", realm="b", nonce="c", uri="sip:d", response="e")";
    ASSERT_TRUE(parse_credentials(good).has_value());
    for (const auto& text : std::initializer_list<std::string>{
             "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", good + ", " + good, good + ", qop=auth",
             good + ", qop=auth, nc=00000001", good + ", qop=auth, cnonce=x",
             good + ", qop=auth, cnonce=x, nc=1", good + ", qop=auth, cnonce=x, nc=0000000g",
             good + R"(, nonce="d")", "Digest", "," + good}) {
        SCOPED_TRACE(text);
        const auto got = parse_credentials(text);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
    }
    for (const std::string_view name : {"username", "realm", "nonce", "uri", "response"}) {
        SCOPED_TRACE(name);
        auto text = good;
        text.replace(text.find(name), 1, "x");
        EXPECT_FALSE(parse_credentials(text).has_value());
    }
}

TEST(IsDigestScheme, LooksAtTheFirstWordOnly) {
    EXPECT_TRUE(is_digest_scheme("  dIGEST realm"));
    EXPECT_TRUE(is_digest_scheme("Digest"));
    EXPECT_FALSE(is_digest_scheme("Digest2 realm=a"));
    EXPECT_FALSE(is_digest_scheme("Basic Digest"));
    EXPECT_FALSE(is_digest_scheme(""));
}

// Any byte that may stand in a header field.
rc::Gen<std::string> field_text() {
    const auto byte = rc::gen::suchThat(
        rc::gen::arbitrary<char>(), [](char c) { return c == '\t' || (c != '\x7F' && (c < 0 || c >= ' ')); });
    return rc::gen::container<std::string>(
        rc::gen::oneOf(byte, rc::gen::element('"', '\\', ',', '=', ' ', ';', 'a')));
}

TEST(WriteChallenge, IsReadBackEqual) {
    EXPECT_TRUE(rc::check([] {
        Challenge challenge{*field_text(), *field_text()};
        if (*rc::gen::arbitrary<bool>()) challenge.opaque = *field_text();
        challenge.algorithm = *field_text();
        challenge.qop = *rc::gen::element(std::vector<std::string>{}, std::vector<std::string>{"auth"},
                                          std::vector<std::string>{"auth-int", "a\"b"});
        challenge.stale = *rc::gen::arbitrary<bool>();
        const auto read = parse_challenges(write_challenge(challenge));
        RC_ASSERT(read.has_value());
        RC_ASSERT(*read == std::vector<Challenge>{challenge});
    }));
}

TEST(WriteCredentials, IsReadBackEqual) {
    EXPECT_TRUE(rc::check([] {
        Credentials credentials{*field_text(), *field_text(), *field_text(), *field_text(), *field_text()};
        credentials.algorithm = *field_text();
        credentials.opaque = *field_text();
        if (*rc::gen::arbitrary<bool>()) {
            credentials.qop = *field_text();
            credentials.cnonce = *field_text();
            credentials.nc = "0000abCD";
        }
        const auto read = parse_credentials(write_credentials(credentials));
        RC_ASSERT(read.has_value());
        RC_ASSERT(*read == credentials);
    }));
}

}  // namespace
}  // namespace callchain::sip
