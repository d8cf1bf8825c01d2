#include "sip/digest_client.hpp"

#include "sip/sip_text.hpp"

#include <gtest/gtest.h>

namespace callchain::sip {
namespace {

using Kind = ChallengeVerdict::Kind;

constexpr std::string_view kUri = "sip:bridge@example.sip.twilio.com";
constexpr std::uint64_t kRandom = 0x0A4F113B'00C0FFEE;

Message answer(int status, const std::vector<std::string>& challenges) {
    Message message;
    message.status = status;
    for (const auto& challenge : challenges)
        message.add(status == 407 ? "Proxy-Authenticate" : "WWW-Authenticate", challenge);
    return message;
}

std::string challenge(std::string_view nonce, std::string_view more = "") {
    return R"(Digest realm="sip.twilio.com", nonce=")" + std::string(nonce) + R"(", qop="auth")" +
           std::string(more);
}

DigestClient twilio_client() { return DigestClient({"gateway01", "Str0ngPassw0rd12"}); }

Credentials only(const std::vector<HeaderField>& fields) {
    EXPECT_EQ(fields.size(), 1U);
    return fields.empty() ? Credentials{} : parse_credentials(fields.front().value).value_or(Credentials{});
}

// Response by digest_response(), which is held against published examples in digest_test.cpp.
std::string expected_response(const Credentials& got, DigestAlgorithm algorithm, std::string_view method) {
    return digest_response({algorithm, "gateway01", got.realm, "Str0ngPassw0rd12", method, kUri, got.nonce,
                            or_empty(got.qop), or_empty(got.nc), or_empty(got.cnonce)});
}

TEST(DigestClient, HasNoCredentialsBeforeAChallenge) {
    auto client = twilio_client();
    DigestAttempt attempt;
    EXPECT_TRUE(client.credentials(attempt, "INVITE", kUri).empty());
}

TEST(DigestClient, AnswersAChallengeAndNeverShowsThePassword) {
    auto client = twilio_client();
    DigestAttempt attempt;
    const auto verdict =
        client.on_challenge(attempt, answer(407, {challenge("n1", R"(, opaque="o;=")")}), kRandom);
    EXPECT_EQ(verdict.kind, Kind::retry);
    const auto fields = client.credentials(attempt, "INVITE", kUri);
    ASSERT_EQ(fields.size(), 1U);
    EXPECT_EQ(fields[0].name, "Proxy-Authorization");
    EXPECT_EQ(fields[0].value.find("Str0ng"), std::string::npos);
    const auto got = only(fields);
    EXPECT_EQ(got.username, "gateway01");
    EXPECT_EQ(got.uri, kUri);
    EXPECT_EQ(got.opaque, "o;=");
    EXPECT_EQ(got.algorithm, "");
    EXPECT_EQ(got.nc, "00000001");
    EXPECT_EQ(got.cnonce, "0a4f113b00c0ffee");
    EXPECT_EQ(got.response, expected_response(got, DigestAlgorithm::md5, "INVITE"));
}

// RFC 2617 section 3.2.2: without qop neither cnonce nor nc is sent. The response is that of the vector for
// Twilio in digest_test.cpp.
TEST(DigestClient, AnswersInTheFormOfRfc2069) {
    auto client = twilio_client();
    DigestAttempt attempt;
    const auto verdict = client.on_challenge(
        attempt, answer(401, {R"(Digest realm="sip.twilio.com", nonce="abcdef0123456789")"}), kRandom);
    EXPECT_EQ(verdict.kind, Kind::retry);
    const auto fields = client.credentials(attempt, "INVITE", kUri);
    ASSERT_EQ(fields.size(), 1U);
    EXPECT_EQ(fields[0].name, "Authorization");
    const auto got = only(fields);
    EXPECT_EQ(got.qop, std::nullopt);
    EXPECT_EQ(got.nc, std::nullopt);
    EXPECT_EQ(got.cnonce, std::nullopt);
    EXPECT_EQ(got.response, "75abea9de94633b13af5942969a63d2b");
}

TEST(DigestClient, ChoosesTheStrongestChallengeThatItHas) {
    struct Row {
        const char* name = "";
        std::vector<std::string> fields;
        const char* nonce = "";
        DigestAlgorithm algorithm;
    };
    std::vector<std::string> sixteen_and_a_stronger(16, challenge("b"));
    sixteen_and_a_stronger.push_back(challenge("c", ", algorithm=SHA-256"));
    const Row rows[] = {
        {"RFC 8760, strongest first",
         {challenge("a", ", algorithm=SHA-512-256"), challenge("b", ", algorithm=SHA-256"),
          challenge("c", ", algorithm=MD5")},
         "a",
         DigestAlgorithm::sha512_256},
        {"MD5 on top", {challenge("a"), challenge("b", ", algorithm=SHA-256")}, "b", DigestAlgorithm::sha256},
        {"in one field",
         {challenge("a") + ", " + challenge("b", ", algorithm=sha-256")},
         "b",
         DigestAlgorithm::sha256},
        {"one that is not known",
         {challenge("a", ", algorithm=SHA-1024"), challenge("b")},
         "b",
         DigestAlgorithm::md5},
        {"one with auth-int only",
         {R"(Digest realm="sip.twilio.com", nonce="a", algorithm=SHA-256, qop="auth-int")", challenge("b")},
         "b",
         DigestAlgorithm::md5},
        {"-sess without qop",
         {R"(Digest realm="sip.twilio.com", nonce="a", algorithm=SHA-256-sess)", challenge("b")},
         "b",
         DigestAlgorithm::md5},
        {"qop before none",
         {R"(Digest realm="sip.twilio.com", nonce="a")", challenge("b")},
         "b",
         DigestAlgorithm::md5},
        {"the plain form before -sess",
         {challenge("a", ", algorithm=MD5-sess"), challenge("b", ", algorithm=MD5")},
         "b",
         DigestAlgorithm::md5},
        {"one that is damaged", {"Digest realm=", challenge("b")}, "b", DigestAlgorithm::md5},
        {"none behind the sixteenth field", sixteen_and_a_stronger, "b", DigestAlgorithm::md5},
        {"equals: the first", {challenge("a"), challenge("b")}, "a", DigestAlgorithm::md5},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto client = twilio_client();
        DigestAttempt attempt;
        EXPECT_EQ(client.on_challenge(attempt, answer(407, row.fields), kRandom).kind, Kind::retry);
        const auto got = only(client.credentials(attempt, "INVITE", kUri));
        EXPECT_EQ(got.nonce, row.nonce);
        EXPECT_EQ(got.response, expected_response(got, row.algorithm, "INVITE"));
    }
}

TEST(DigestClient, SaysWhyItCannotAnswer) {
    struct Row {
        const char* name = "";
        Message response;
        Kind kind{};
    };
    const Row rows[] = {
        {"no challenge", answer(407, {}), Kind::malformed},
        {"damaged", answer(407, {"Digest realm"}), Kind::malformed},
        {"another scheme", answer(401, {R"(Basic realm="x")"}), Kind::unsupported},
        {"another algorithm", answer(401, {challenge("a", ", algorithm=AKAv1-MD5")}), Kind::unsupported},
        {"another qop", answer(401, {R"(Digest realm="x", nonce="a", qop="auth-int")"}), Kind::unsupported},
        {"another status", answer(403, {challenge("a")}), Kind::malformed},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto client = twilio_client();
        DigestAttempt attempt;
        const auto verdict = client.on_challenge(attempt, row.response, kRandom);
        EXPECT_EQ(verdict.kind, row.kind);
        EXPECT_FALSE(verdict.why.empty());
        EXPECT_TRUE(client.credentials(attempt, "INVITE", kUri).empty());
    }
}

TEST(DigestClient, NamesAllThatItCannotAnswer) {
    auto client = twilio_client();
    DigestAttempt attempt;
    const auto verdict = client.on_challenge(
        attempt, answer(401, {challenge("a", ", algorithm=AKAv1-MD5"), challenge("a", ", algorithm=MD6")}),
        kRandom);
    EXPECT_NE(verdict.why.find("AKAv1-MD5 with qop auth; MD6 with qop auth"), std::string::npos)
        << verdict.why;
}

TEST(DigestClient, CallsThePasswordWrongOnlyWhenThisAttemptsAnswerWasRefused) {
    auto client = twilio_client();
    DigestAttempt attempt;
    EXPECT_EQ(client.on_challenge(attempt, answer(407, {challenge("a")}), kRandom).kind, Kind::retry);
    EXPECT_EQ(client.credentials(attempt, "INVITE", kUri).size(), 1U);
    // Stale: the password was right.
    EXPECT_EQ(client.on_challenge(attempt, answer(407, {challenge("b", ", stale=true")}), kRandom).kind,
              Kind::retry);
    EXPECT_EQ(only(client.credentials(attempt, "INVITE", kUri)).nonce, "b");
    const auto verdict = client.on_challenge(attempt, answer(407, {challenge("c")}), kRandom);
    EXPECT_EQ(verdict.kind, Kind::wrong_password);
    EXPECT_EQ(verdict.why.find("Str0ng"), std::string::npos);
    // Nothing of it is tried on the next call.
    DigestAttempt next;
    EXPECT_TRUE(client.credentials(next, "INVITE", kUri).empty());
}

TEST(DigestClient, RemembersTheNonceForTheNextCallAndForgivesOneRefusalOfIt) {
    auto client = twilio_client();
    DigestAttempt first;
    ASSERT_EQ(client.on_challenge(first, answer(407, {challenge("a")}), kRandom).kind, Kind::retry);
    const auto one = only(client.credentials(first, "INVITE", kUri));
    EXPECT_EQ(one.nc, "00000001");

    DigestAttempt second;
    const auto two = only(client.credentials(second, "INVITE", kUri));
    EXPECT_EQ(two.nonce, "a");
    EXPECT_EQ(two.nc, "00000002");
    EXPECT_EQ(two.cnonce, one.cnonce);
    EXPECT_NE(two.response, one.response);
    // A server that forgot the nonce and does not say so.
    EXPECT_EQ(client.on_challenge(second, answer(407, {challenge("b")}), kRandom).kind, Kind::retry);
    EXPECT_EQ(only(client.credentials(second, "INVITE", kUri)).nc, "00000001");
    EXPECT_EQ(client.on_challenge(second, answer(407, {challenge("c")}), kRandom).kind, Kind::wrong_password);
}

TEST(DigestClient, GoesOnCountingWhenTheSameNonceComesAgain) {
    auto client = twilio_client();
    DigestAttempt first;
    ASSERT_EQ(client.on_challenge(first, answer(407, {challenge("a")}), kRandom).kind, Kind::retry);
    const auto one = only(client.credentials(first, "INVITE", kUri));
    EXPECT_EQ(one.nc, "00000001");
    DigestAttempt second;
    ASSERT_EQ(client.on_challenge(second, answer(407, {challenge("a")}), kRandom + 1).kind, Kind::retry);
    const auto two = only(client.credentials(second, "BYE", kUri));
    EXPECT_EQ(two.nc, "00000002");
    EXPECT_EQ(two.cnonce, one.cnonce);
}

TEST(DigestClient, AnswersAServerAndAProxyInOneRequest) {
    auto client = twilio_client();
    DigestAttempt attempt;
    ASSERT_EQ(client.on_challenge(attempt, answer(407, {challenge("p")}), 1).kind, Kind::retry);
    EXPECT_EQ(client.credentials(attempt, "INVITE", kUri).size(), 1U);
    // The proxy was content; now the one behind it asks, without stale: no refusal of the first.
    ASSERT_EQ(client.on_challenge(attempt, answer(401, {challenge("s")}), 2).kind, Kind::retry);
    const auto fields = client.credentials(attempt, "INVITE", kUri);
    ASSERT_EQ(fields.size(), 2U);
    EXPECT_EQ(fields[0].name, "Proxy-Authorization");
    EXPECT_EQ(parse_credentials(fields[0].value)->nc, "00000002");
    EXPECT_EQ(fields[1].name, "Authorization");
    EXPECT_EQ(parse_credentials(fields[1].value)->nc, "00000001");
}

TEST(DigestClient, GivesUpOnAServerThatCallsEveryNonceStale) {
    auto client = twilio_client();
    DigestAttempt attempt;
    for (int i = 0; i < DigestClient::kMostChallenges; ++i) {
        const auto nonce = std::to_string(i);
        ASSERT_EQ(client.on_challenge(attempt, answer(407, {challenge(nonce, ", stale=true")}), 1).kind,
                  Kind::retry);
        ASSERT_EQ(client.credentials(attempt, "INVITE", kUri).size(), 1U);
    }
    EXPECT_EQ(client.on_challenge(attempt, answer(407, {challenge("z", ", stale=true")}), 1).kind,
              Kind::too_many);
}

TEST(DigestClient, RemembersFewRealms) {
    auto client = twilio_client();
    for (int i = 0; i < 50; ++i) {
        DigestAttempt attempt;
        const auto field = R"(Digest nonce="n", realm="r)" + std::to_string(i) + "\"";
        ASSERT_EQ(client.on_challenge(attempt, answer(407, {field}), 1).kind, Kind::retry);
    }
    DigestAttempt attempt;
    EXPECT_EQ(client.credentials(attempt, "INVITE", kUri).size(), 4U);
}

}  // namespace
}  // namespace callchain::sip
