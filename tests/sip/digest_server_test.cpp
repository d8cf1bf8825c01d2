#include "sip/digest_server.hpp"

#include "sip/digest_client.hpp"
#include "sip/sip_text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::sip {
namespace {

using namespace std::chrono_literals;
using Kind = DigestVerdict::Kind;

constexpr SteadyTime kNow{1'000'000s};
constexpr std::uint64_t kRandom = 0x0123'4567'89AB'CDEF;
constexpr std::string_view kRealm = "gateway.example.com";
constexpr std::string_view kUser = "12145551869";
constexpr std::string_view kPassword = "Str0ngPassw0rd12";

DigestServer make_server(DigestServerSettings settings = {std::string(kRealm)}) {
    return {std::move(settings), crypto::HmacKey(crypto::HashAlgorithm::sha256, "key of a test")};
}

std::optional<std::string> password_of(std::string_view username) {
    if (username == kUser) return std::string(kPassword);
    return std::nullopt;
}

// The INVITE of Meta's SIP guide for WhatsApp calls, shortened.
Received invite_of_meta(const std::string& credentials = "") {
    return received(
        "INVITE sip:+12145551869@meta-voip.example.com;transport=tls SIP/2.0\n"
        "Via: SIP/2.0/TLS [2803:6080:f948:9597::]:57363;rport;branch=z9hG4bKPj3a9f;alias\n"
        "Record-Route: <sip:wa.meta.vc;transport=tls;lr>\n"
        "Max-Forwards: 69\n"
        "From: \"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65\n"
        "To: <sip:+12145551869@meta-voip.example.com>\n"
        "Contact: <sip:+12195550714@wa.meta.vc;transport=tls;ob>;isfocus\n"
        "Call-ID: outgoing:wacid.HBgLMTIx=\n"
        "CSeq: 9990 INVITE\n" +
        (credentials.empty() ? credentials : "Proxy-Authorization: " + credentials + "\n") +
        "Content-Length: 0\n\n");
}

Challenge challenge_of(const DigestServer& server, SteadyTime now = kNow, std::uint64_t random = kRandom) {
    const auto fields = server.challenge(now, random, Stale::no);
    return parse_challenges(fields.at(0).value).value().at(0);
}

// What Meta sends back, by the form of its sample: no algorithm, and a uri without ;transport=tls.
Credentials answer_of_meta(const std::string& nonce, std::string_view nc = "00000001") {
    Credentials credentials{
        std::string(kUser), std::string(kRealm), nonce, "sip:+12145551869@meta-voip.example.com", {}};
    credentials.cnonce = "7d40";
    credentials.qop = "auth";
    credentials.nc = std::string(nc);
    return credentials;
}

std::string signed_by(Credentials credentials, std::string_view password = kPassword,
                      std::string_view method = "INVITE") {
    credentials.response = digest_response(
        {find_digest_algorithm(credentials.algorithm).value_or(DigestAlgorithm::md5), credentials.username,
         credentials.realm, password, method, credentials.uri, credentials.nonce, or_empty(credentials.qop),
         or_empty(credentials.nc), or_empty(credentials.cnonce)});
    return write_credentials(credentials);
}

Kind judge(DigestServer& server, const std::string& credentials, SteadyTime now = kNow) {
    return server.judge(invite_of_meta(credentials), password_of, now).kind;
}

TEST(DigestServer, ChallengesMd5WithoutItsNameByDefault) {
    const auto server = make_server();
    const auto fields = server.challenge(kNow, kRandom, Stale::no);
    ASSERT_EQ(fields.size(), 1U);
    EXPECT_EQ(fields[0].name, "Proxy-Authenticate");
    const auto challenge = challenge_of(server);
    EXPECT_EQ(challenge.realm, kRealm);
    EXPECT_EQ(challenge.algorithm, "");
    EXPECT_EQ(challenge.qop, std::vector<std::string>{"auth"});
    EXPECT_FALSE(challenge.stale);
    EXPECT_NE(challenge.nonce, challenge_of(server, kNow, kRandom + 1).nonce);
    EXPECT_NE(challenge.nonce, challenge_of(server, kNow + 1s).nonce);
    EXPECT_EQ(server.remembered(), 0U);
}

// RFC 8760 section 2.3: one header field for each algorithm, the preferred one first.
TEST(DigestServer, ChallengesSeveralAlgorithmsInTheirOrder) {
    const auto server = make_server(
        {std::string(kRealm), Challenger::server, {DigestAlgorithm::sha256, DigestAlgorithm::md5}});
    const auto fields = server.challenge(kNow, kRandom, Stale::yes);
    ASSERT_EQ(fields.size(), 2U);
    EXPECT_EQ(fields[0].name, "WWW-Authenticate");
    const auto first = parse_challenges(fields[0].value).value().at(0);
    const auto second = parse_challenges(fields[1].value).value().at(0);
    EXPECT_EQ(first.algorithm, "SHA-256");
    EXPECT_EQ(second.algorithm, "MD5");
    EXPECT_TRUE(first.stale && second.stale);
}

TEST(DigestServer, AcceptsMetasAnswerOnce) {
    auto server = make_server();
    const auto text = signed_by(answer_of_meta(challenge_of(server).nonce));
    const auto verdict = server.judge(invite_of_meta(text), password_of, kNow);
    EXPECT_EQ(verdict.kind, Kind::accepted) << verdict.why;
    EXPECT_EQ(verdict.username, kUser);
    EXPECT_EQ(server.remembered(), 1U);
    EXPECT_EQ(judge(server, text), Kind::stale);
}

TEST(DigestServer, TellsWhatIsWrong) {
    auto server = make_server();
    const auto good = answer_of_meta(challenge_of(server).nonce);
    const auto with = [&good](auto change) {
        auto changed = good;
        change(changed);
        return changed;
    };
    struct Row {
        const char* name = "";
        std::string text;
        Kind kind{};
    };
    const Row rows[] = {
        {"none", "", Kind::no_credentials},
        {"another scheme", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", Kind::no_credentials},
        {"another realm", signed_by(with([](auto& c) { c.realm = "else"; })), Kind::no_credentials},
        {"damaged", "Digest username=", Kind::malformed},
        {"wrong password", signed_by(good, "Str0ngPassw0rd13"), Kind::refused},
        {"empty password", signed_by(good, ""), Kind::refused},
        {"of another method", signed_by(good, kPassword, "BYE"), Kind::refused},
        {"unknown user", signed_by(with([](auto& c) { c.username = "+12145551869"; })), Kind::refused},
        {"unknown user with an empty password", signed_by(with([](auto& c) { c.username = "x"; }), ""),
         Kind::refused},
        {"another user in the uri",
         signed_by(with([](auto& c) { c.uri = "sip:+12145551860@meta-voip.example.com"; })), Kind::refused},
        {"another host in the uri", signed_by(with([](auto& c) { c.uri = "sip:+12145551869@evil.example"; })),
         Kind::refused},
        {"no URI", signed_by(with([](auto& c) { c.uri = "/index.html"; })), Kind::refused},
        {"algorithm not offered", signed_by(with([](auto& c) { c.algorithm = "SHA-256"; })), Kind::refused},
        {"algorithm not known", signed_by(with([](auto& c) { c.algorithm = "MD6"; })), Kind::refused},
        {"qop not offered", signed_by(with([](auto& c) { c.qop = "auth-int"; })), Kind::refused},
        {"empty qop", signed_by(with([](auto& c) { c.qop = ""; })), Kind::refused},
        {"no response", write_credentials(good), Kind::refused},
        {"foreign nonce, wrong password", signed_by(with([](auto& c) { c.nonce = "x"; }), "y"),
         Kind::refused},
        {"foreign nonce", signed_by(with([](auto& c) { c.nonce = "x"; })), Kind::stale},
        {"nonce with its time changed", signed_by(with([](auto& c) { c.nonce[7] ^= 1; })), Kind::stale},
        {"nonce with its MAC changed", signed_by(with([](auto& c) { c.nonce.back() ^= 1; })), Kind::stale},
        {"nc that is no number", signed_by(with([](auto& c) { c.nc = "0000000g"; })), Kind::malformed},
        {"nc of zero", signed_by(with([](auto& c) { c.nc = "00000000"; })), Kind::stale},
        {"all well", signed_by(good), Kind::accepted},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto verdict = server.judge(invite_of_meta(row.text), password_of, kNow);
        EXPECT_EQ(verdict.kind, row.kind) << verdict.why;
        EXPECT_EQ(verdict.why.empty(), row.kind == Kind::accepted);
        EXPECT_EQ(verdict.username.empty(), row.kind != Kind::accepted);
        EXPECT_EQ(verdict.why.find("Str0ng"), std::string::npos);
    }
}

TEST(DigestServer, ComparesTheUriByUserAndHostOnly) {
    for (const std::string_view uri :
         {"sip:+12145551869@META-VOIP.example.com",
          "sips:+12145551869@meta-voip.example.com:5061;transport=tls",
          "sip:%2B12145551869@meta-voip.example.com",
          "sip:+12145551869;tgrp=wacall;trunk-context=byoc.example.com@meta-voip.example.com"}) {
        SCOPED_TRACE(uri);
        auto server = make_server();
        auto credentials = answer_of_meta(challenge_of(server).nonce);
        credentials.uri = uri;
        EXPECT_EQ(judge(server, signed_by(credentials)), Kind::accepted);
    }
}

TEST(DigestServer, FindsItsRealmAmongSeveralFields) {
    auto server = make_server();
    auto other = answer_of_meta("n");
    other.realm = "else";
    auto request = invite_of_meta(signed_by(other));
    request.message.add("Proxy-Authorization", "Digest damaged");
    request.message.add("Proxy-Authorization", signed_by(answer_of_meta(challenge_of(server).nonce)));
    EXPECT_EQ(server.judge(request, password_of, kNow).kind, Kind::accepted);
}

TEST(DigestServer, LooksForItsRealmInTheFirstEightFields) {
    auto server = make_server();
    auto other = answer_of_meta("n");
    other.realm = "else";
    auto request = invite_of_meta(signed_by(other));
    for (int i = 0; i < 7; ++i) request.message.add("Proxy-Authorization", signed_by(other));
    request.message.add("Proxy-Authorization", signed_by(answer_of_meta(challenge_of(server).nonce)));
    EXPECT_EQ(server.judge(request, password_of, kNow).kind, Kind::no_credentials);
}

// RFC 7616 section 3.4.2: A1 of -sess is made with a cnonce.
TEST(DigestServer, WantsACnonceWithASessionAlgorithm) {
    auto server = make_server({std::string(kRealm), Challenger::proxy, {DigestAlgorithm::md5_sess}});
    auto credentials = answer_of_meta(challenge_of(server).nonce);
    credentials.algorithm = "MD5-sess";
    credentials.cnonce.reset();
    credentials.qop.reset();
    credentials.nc.reset();
    const auto verdict = server.judge(invite_of_meta(signed_by(credentials)), password_of, kNow);
    EXPECT_EQ(verdict.kind, Kind::refused);
    EXPECT_NE(verdict.why.find("needs a cnonce"), std::string::npos) << verdict.why;
}

TEST(DigestServer, TakesUpperCaseDigits) {
    auto server = make_server();
    auto credentials = parse_credentials(signed_by(answer_of_meta(challenge_of(server).nonce))).value();
    credentials.response = ascii_upper(credentials.response);
    EXPECT_EQ(judge(server, write_credentials(credentials)), Kind::accepted);
}

TEST(DigestServer, LetsANonceLiveForItsTimeOnly) {
    struct Row {
        const char* name = "";
        std::chrono::seconds age;
        Kind kind{};
    };
    for (const auto& row :
         {Row{"at the end of its life", 60s, Kind::accepted}, Row{"one second later", 61s, Kind::stale},
          Row{"a day later", 86'400s, Kind::stale}, Row{"before it was made", -1s, Kind::stale}}) {
        SCOPED_TRACE(row.name);
        auto server = make_server();
        EXPECT_EQ(judge(server, signed_by(answer_of_meta(challenge_of(server).nonce)), kNow + row.age),
                  row.kind);
    }
}

TEST(DigestServer, DoesNotKnowTheNonceOfAnotherRealmOrKey) {
    auto server = make_server();
    const auto other_realm = make_server({"else"});
    EXPECT_EQ(judge(server, signed_by(answer_of_meta(challenge_of(other_realm).nonce))), Kind::stale);
    const DigestServer other_key({std::string(kRealm)}, crypto::HmacKey(crypto::HashAlgorithm::sha256, "k"));
    EXPECT_EQ(judge(server, signed_by(answer_of_meta(challenge_of(other_key).nonce))), Kind::stale);
}

TEST(DigestServer, TakesARisingCountOnly) {
    auto server = make_server();
    const auto nonce = challenge_of(server).nonce;
    struct Row {
        std::string_view nc;
        Kind kind{};
    };
    for (const auto& row :
         {Row{"00000001", Kind::accepted}, Row{"00000001", Kind::stale}, Row{"00000003", Kind::accepted},
          Row{"00000002", Kind::stale}, Row{"0000000a", Kind::accepted}, Row{"0000000B", Kind::accepted},
          Row{"ffffffff", Kind::accepted}, Row{"ffffffff", Kind::stale}}) {
        SCOPED_TRACE(row.nc);
        EXPECT_EQ(judge(server, signed_by(answer_of_meta(nonce, row.nc))), row.kind);
    }
    EXPECT_EQ(server.remembered(), 1U);
}

// RFC 3261 section 22.4 rule 8 has old clients answer without qop: no count, so once for each nonce.
TEST(DigestServer, TakesAnAnswerWithoutQopOnce) {
    auto server = make_server();
    auto credentials = answer_of_meta(challenge_of(server).nonce);
    credentials.qop.reset();
    credentials.nc.reset();
    credentials.cnonce.reset();
    EXPECT_EQ(judge(server, signed_by(credentials)), Kind::accepted);
    EXPECT_EQ(judge(server, signed_by(credentials)), Kind::stale);
}

TEST(DigestServer, ForgetsWhatHasAgedOut) {
    auto server = make_server();
    for (int i = 0; i < 10; ++i) {
        const auto now = kNow + std::chrono::seconds(40) * i;
        EXPECT_EQ(judge(server, signed_by(answer_of_meta(challenge_of(server, now).nonce)), now),
                  Kind::accepted);
        EXPECT_LE(server.remembered(), 2U);
    }
}

TEST(DigestServer, LetsNoReplayPassWhenItsTableIsFull) {
    DigestServerSettings settings{std::string(kRealm)};
    settings.most_nonces = 3;
    auto server = make_server(settings);
    std::vector<std::string> used;
    for (int i = 0; i < 8; ++i) {
        const auto now = kNow + std::chrono::seconds(i);
        used.push_back(signed_by(answer_of_meta(challenge_of(server, now).nonce)));
        EXPECT_EQ(judge(server, used.back(), now), Kind::accepted);
        EXPECT_LE(server.remembered(), 3U);
        for (const auto& text : used) EXPECT_EQ(judge(server, text, now), Kind::stale);
        // A nonce as old as those that were forgotten costs its client one more challenge.
        if (i < 4) continue;
        EXPECT_EQ(judge(server, signed_by(answer_of_meta(challenge_of(server, kNow, 7).nonce)), now),
                  Kind::stale);
    }
}

TEST(DigestServer, RefusesWithoutAnyState) {
    const auto server = make_server();
    const auto request = invite_of_meta();
    const auto response = server.refusal(request, kNow, kRandom, Stale::no);
    EXPECT_EQ(response.status, 407);
    EXPECT_EQ(response.reason, "Proxy Authentication Required");
    EXPECT_EQ(response.find("Call-ID"), "outgoing:wacid.HBgLMTIx=");
    EXPECT_TRUE(response.values("Record-Route").empty());
    ASSERT_EQ(response.values("Proxy-Authenticate").size(), 1U);
    const auto to = parse_name_address(response.find("To").value()).value();
    ASSERT_TRUE(to.tag().has_value());
    EXPECT_EQ(to.tag()->size(), 16U);
    // The same tag for the same request again, another for the next one.
    EXPECT_EQ(response.find("To"), server.refusal(request, kNow + 5s, 1, Stale::no).find("To"));
    auto next = request;
    next.cseq.number += 1;
    EXPECT_NE(response.find("To"), server.refusal(next, kNow, kRandom, Stale::no).find("To"));

    auto ack = request;
    ack.message.method = ack.cseq.method = "ACK";
    ack.to = to;
    EXPECT_TRUE(server.acknowledges_refusal(ack));
    ack.to.parameters.set("tag", "0123456789abcdef");
    EXPECT_FALSE(server.acknowledges_refusal(ack));
    ack.to.parameters.remove("tag");
    EXPECT_FALSE(server.acknowledges_refusal(ack));
    ack.to = to;
    ack.message.method = "BYE";
    EXPECT_FALSE(server.acknowledges_refusal(ack));
}

rc::Gen<std::string> odd_name() {
    return rc::gen::container<std::string>(
        rc::gen::element('a', '"', '\\', ',', ' ', ':', '=', '\xC3', '\xA4'));
}

// What our client writes our server accepts, once, and only with the right password.
TEST(DigestServer, AcceptsWhatOurClientWrites) {
    EXPECT_TRUE(rc::check([] {
        const auto algorithm = static_cast<DigestAlgorithm>(*rc::gen::inRange(0, 6));
        const auto challenger = *rc::gen::element(Challenger::server, Challenger::proxy);
        const auto realm = *odd_name();
        const auto user = *odd_name();
        const auto password = *odd_name();
        auto server = make_server({realm, challenger, {algorithm}});
        auto request = invite_of_meta();

        const auto lookup = [&](std::string_view name) {
            return name == user ? std::optional(password) : std::nullopt;
        };
        const auto attempt_with = [&](const std::string& tried) {
            DigestClient client({user, tried});
            DigestAttempt attempt;
            const auto refusal =
                server.refusal(request, kNow, *rc::gen::arbitrary<std::uint64_t>(), Stale::no);
            RC_ASSERT(client.on_challenge(attempt, refusal, 1).kind == ChallengeVerdict::Kind::retry);
            auto again = request;
            const auto fields = client.credentials(attempt, "INVITE", write_uri(request.message.uri));
            RC_ASSERT(fields.size() == 1);
            again.message.add(fields[0].name, fields[0].value);
            return again;
        };
        const auto right = attempt_with(password);
        RC_ASSERT(server.judge(right, lookup, kNow).kind == Kind::accepted);
        RC_ASSERT(server.judge(right, lookup, kNow).kind == Kind::stale);
        RC_ASSERT(server.judge(attempt_with(password + "x"), lookup, kNow).kind == Kind::refused);
    }));
}

}  // namespace
}  // namespace callchain::sip
