#include "b2bua/admission.hpp"

#include "base/text.hpp"
#include "sip/sip_text.hpp"

#include <chrono>
#include <gtest/gtest.h>

namespace callchain::b2bua {
namespace {

using namespace std::chrono_literals;
using Kind = Admission::Kind;

constexpr sip::SteadyTime kNow{1'000'000s};
constexpr const char* kNumber = "12145551869";
const Presence kMeta{"69.171.251.112", 0, false};
const Presence kTwilio{"54.172.60.1", 0, false};
const Presence kStranger{"203.0.113.9", 0, false};

// As Meta sends it: three Vias are not needed here, its From, To and Request-URI are.
sip::Received request(const std::string& credentials = "", const std::string& user = "+12145551869",
                      const std::string& method = "INVITE") {
    return sip::received(method + " sip:" + user +
                         "@meta-voip.example.com;transport=tls SIP/2.0\n"
                         "Via: SIP/2.0/TLS [2803:6080:f948:9597::]:57363;rport;branch=z9hG4bKPj3a9f;alias\n"
                         "Max-Forwards: 69\n"
                         "From: \"12195550714\" <sip:+12195550714@wa.meta.vc>;tag=8a0f7e65\n"
                         "To: <sip:+12145551869@meta-voip.example.com>\n"
                         "Contact: <sip:+12195550714@wa.meta.vc;transport=tls;ob>;isfocus\n"
                         "Call-ID: outgoing:wacid.HBgLMTIx=\n"
                         "CSeq: 9990 " +
                         method + "\n" +
                         (credentials.empty() ? "" : "Proxy-Authorization: " + credentials + "\n") +
                         "Content-Length: 0\n\n");
}

// The answer to a challenge, computed by the parts of RFC 7616; `uri` without ;transport=tls, as Meta's is.
std::string answer_to(const Admission& challenge, const std::string& user, const std::string& password,
                      const std::string& called = "+12145551869") {
    const auto field = challenge.response->find("Proxy-Authenticate");
    if (!field) return {};
    const auto asked = sip::parse_challenges(*field).value().at(0);
    sip::Credentials answer;
    answer.username = user;
    answer.realm = asked.realm;
    answer.nonce = asked.nonce;
    answer.uri = "sip:" + called + "@meta-voip.example.com";
    answer.cnonce = "7d40";
    answer.qop = "auth";
    answer.nc = "00000001";
    answer.response = sip::digest_response({.algorithm = sip::DigestAlgorithm::md5,
                                            .username = user,
                                            .realm = asked.realm,
                                            .password = password,
                                            .method = "INVITE",
                                            .uri = answer.uri,
                                            .nonce = asked.nonce,
                                            .qop = "auth",
                                            .nc = "00000001",
                                            .cnonce = "7d40"});
    return sip::write_credentials(answer);
}

AdmissionSettings settings() {
    AdmissionSettings settings;
    settings.realm = "gateway.example.com";
    return settings;
}
AdmissionSettings with_list(AdmissionSettings settings) {
    settings.allow = config::parse_networks("69.171.224.0/19").value();
    return settings;
}
AdmissionSettings with_account(AdmissionSettings settings) {
    settings.accounts = {{kNumber, "right"}};
    return settings;
}
AdmissionSettings with_outward(AdmissionSettings settings) {
    settings.outward = sip::DigestAccount{"twilio", "outward-right"};
    return settings;
}
AdmissionSettings with_outward_list(AdmissionSettings settings) {
    settings.allow_outward = config::parse_networks("54.172.60.0/30").value();
    return settings;
}

AdmissionControl control(AdmissionSettings settings) {
    return {std::move(settings), crypto::HmacKey(crypto::HashAlgorithm::sha256, "key")};
}

// Asks twice, the second time with an answer to the challenge of the first.
Admission log_in(AdmissionControl& control, const Presence& from, const std::string& user,
                 const std::string& password, const std::string& called = "+12145551869") {
    const auto first = control.judge(request({}, called), from, kNow, 1);
    if (!first.response) return first;
    return control.judge(request(answer_to(first, user, password, called), called), from, kNow, 2);
}

TEST(Admission, DemandsAllThatIsConfigured) {
    struct Row {
        const char* name;
        AdmissionSettings settings;
        Presence from;
        Kind kind;
        std::string_view what;
    };
    for (const auto& row : {
             Row{"nobody is checked", settings(), kStranger, Kind::admitted, "admitted"},
             Row{"on the list", with_list(settings()), kMeta, Kind::admitted, "admitted"},
             Row{"on no list", with_list(settings()), kStranger, Kind::drop, "not_allowed"},
             Row{"digest", with_account(settings()), kStranger, Kind::answer, "challenged"},
             Row{"list and digest, on it", with_account(with_list(settings())), kMeta, Kind::answer,
                 "challenged"},
             Row{"list and digest, on none", with_account(with_list(settings())), kStranger, Kind::drop,
                 "not_allowed"},
             Row{"outward by user, no list", with_outward(with_account(settings())), kTwilio, Kind::answer,
                 "challenged"},
             Row{"outward by list alone", with_outward_list(with_outward(settings())), kTwilio, Kind::answer,
                 "challenged"},
             Row{"Twilio's list, outward off", with_outward_list(with_list(settings())), kTwilio, Kind::drop,
                 "not_allowed"},
         }) {
        SCOPED_TRACE(row.name);
        auto admission = control(row.settings);
        const auto got = admission.judge(request(), row.from, kNow, 1);
        EXPECT_EQ(got.kind, row.kind);
        EXPECT_EQ(got.what, row.what);
        if (got.kind == Kind::answer) {
            EXPECT_EQ(got.response->status, 407);
        }
    }
}

TEST(Admission, TakesMetasDigestWithoutTheTransport) {
    auto admission = control(with_account(settings()));
    const auto got = log_in(admission, kMeta, kNumber, "right");
    EXPECT_EQ(got.kind, Kind::admitted);
    EXPECT_EQ(got.account, kNumber);
    EXPECT_EQ(got.direction, sdp::Direction::meta_to_twilio);
}

TEST(Admission, AnswersWrongCredentialsWith403AndNoOtherChallenge) {
    for (const auto& [user, password] : std::initializer_list<std::pair<const char*, const char*>>{
             {kNumber, "wrong"}, {"106540352242922", "right"}, {"+12145551869", "right"}}) {
        SCOPED_TRACE(user);
        auto admission = control(with_account(settings()));
        const auto got = log_in(admission, kMeta, user, password);
        ASSERT_EQ(got.kind, Kind::answer);
        EXPECT_EQ(got.response->status, 403);
        EXPECT_FALSE(got.response->find("Proxy-Authenticate").has_value());
        EXPECT_EQ(got.why.find("right"), std::string::npos);
    }
}

TEST(Admission, ChallengesAgainWhereANonceWasUsed) {
    auto admission = control(with_account(settings()));
    const auto first = admission.judge(request(), kMeta, kNow, 1);
    const auto answer = answer_to(first, kNumber, "right");
    ASSERT_EQ(admission.judge(request(answer), kMeta, kNow, 2).kind, Kind::admitted);
    const auto again = admission.judge(request(answer), kMeta, kNow, 3);
    EXPECT_EQ(again.what, "stale");
    EXPECT_NE(again.response->find("Proxy-Authenticate")->find("stale=true"), std::string_view::npos);
}

TEST(Admission, ChoosesThePasswordByTheNumberThatIsCalled) {
    auto both = settings();
    both.accounts = {{kNumber, "right"}, {"12145550000", "other"}};
    struct Row {
        const char* called;
        const char* user;
        const char* password;
        std::string_view what;
    };
    for (const auto& row : {Row{"+12145551869", kNumber, "right", "admitted"},
                            Row{"%2B12145551869", kNumber, "right", "admitted"},
                            Row{"+12145550000", "12145550000", "other", "admitted"},
                            Row{"+12145550000", kNumber, "right", "refused"},
                            Row{"+12145551869", kNumber, "other", "refused"}}) {
        SCOPED_TRACE(std::string(row.called) + " " + row.user);
        auto admission = control(both);
        EXPECT_EQ(log_in(admission, kMeta, row.user, row.password, row.called).what, row.what);
    }
}

TEST(Admission, LetsCallsToWhatsAppInByTheirOwnUserAlone) {
    auto admission = control(with_outward(with_account(settings())));
    const auto got = log_in(admission, kTwilio, "twilio", "outward-right");
    EXPECT_EQ(got.kind, Kind::admitted);
    EXPECT_EQ(got.direction, sdp::Direction::twilio_to_meta);
    EXPECT_EQ(log_in(admission, kTwilio, "twilio", "right").what, "refused");
    EXPECT_EQ(log_in(admission, kMeta, kNumber, "right").direction, sdp::Direction::meta_to_twilio);
    // Meta's password opens no way to Meta, and the other way round.
    EXPECT_EQ(log_in(admission, kTwilio, kNumber, "outward-right").what, "refused");
}

TEST(Admission, NeverTakesTwiliosAddressForMetas) {
    // Nothing tells Meta apart here but that it is not on Twilio's list.
    auto admission = control(with_outward_list(with_outward(settings())));
    const auto got = log_in(admission, kTwilio, "twilio", "outward-right");
    EXPECT_EQ(got.kind, Kind::admitted);
    EXPECT_EQ(got.direction, sdp::Direction::twilio_to_meta);
    // With Meta's digest demanded, an address of Twilio's without its user is no caller of Meta's.
    auto strict = control(with_outward_list(with_outward(with_account(with_list(settings())))));
    EXPECT_EQ(log_in(strict, kTwilio, kNumber, "right").what, "refused");
}

TEST(Admission, ListsDoNotCountWhereAddressesAreHidden) {
    auto hidden = with_account(with_list(settings()));
    hidden.addresses_known = false;
    auto admission = control(hidden);
    EXPECT_TRUE(admission.knows("203.0.113.9"));
    EXPECT_EQ(admission.judge(request(), kStranger, kNow, 1).what, "challenged");
    EXPECT_EQ(log_in(admission, kStranger, kNumber, "right").kind, Kind::admitted);
}

TEST(Admission, DrainsAndLimitsWith503AndRetryAfter) {
    auto few = settings();
    few.most_calls = 2;
    few.calls_per_second = 3;
    auto admission = control(few);
    const auto draining = admission.judge(request(), {"192.0.2.1", 0, true}, kNow, 1);
    const auto full = admission.judge(request(), {"192.0.2.1", 2, false}, kNow, 1);
    for (int call = 0; call < 3; ++call)
        EXPECT_EQ(admission.judge(request(), {"192.0.2.1", 0, false}, kNow, 1).kind, Kind::admitted);
    const auto fast = admission.judge(request(), {"192.0.2.1", 0, false}, kNow, 1);
    for (const auto& [got, what] : std::initializer_list<std::pair<const Admission&, std::string_view>>{
             {draining, "draining"}, {full, "full"}, {fast, "too_fast"}}) {
        SCOPED_TRACE(what);
        ASSERT_EQ(got.kind, Kind::answer);
        EXPECT_EQ(got.what, what);
        EXPECT_EQ(got.response->status, 503);
        EXPECT_TRUE(parse_decimal(got.response->find("Retry-After").value_or("")).has_value());
    }
    EXPECT_EQ(admission.judge(request(), {"192.0.2.1", 0, false}, kNow + 1s, 1).kind, Kind::admitted);
}

TEST(Admission, WhoIsNotProvedUsesNoLimitUp) {
    auto few = with_account(settings());
    few.calls_per_second = 2;
    auto admission = control(few);
    for (int attempt = 0; attempt < 3; ++attempt)
        EXPECT_EQ(admission.judge(request(), kStranger, kNow, 1).what, "challenged");
    EXPECT_EQ(log_in(admission, kMeta, kNumber, "right").kind, Kind::admitted);
}

TEST(Admission, KeepsUpWithMetasPaceAndNotWithAGuessers) {
    auto admission = control(with_account(settings()));
    int admitted = 0;
    for (int call = 0; call < 90; ++call) {
        const auto at = kNow + std::chrono::milliseconds(10 * call);
        const auto first = admission.judge(request(), kMeta, at, static_cast<std::uint64_t>(call));
        ASSERT_EQ(first.kind, Kind::answer);
        if (admission.judge(request(answer_to(first, kNumber, "right")), kMeta, at, 7).kind == Kind::admitted)
            ++admitted;
    }
    EXPECT_EQ(admitted, 90);
    int silent = 0;
    for (int guess = 0; guess < 50; ++guess)
        if (log_in(admission, kStranger, kNumber, "guess" + std::to_string(guess)).kind == Kind::drop)
            ++silent;
    EXPECT_EQ(silent, 30) << "of 50 within one moment 20 are answered";
}

TEST(Admission, LooksAtOtherRequestsByAddressAlone) {
    auto admission = control(with_account(with_list(settings())));
    for (const char* method : {"OPTIONS", "REGISTER", "SUBSCRIBE"}) {
        EXPECT_EQ(admission.judge(request({}, "+12145551869", method), kMeta, kNow, 1).kind, Kind::admitted)
            << method;
        EXPECT_EQ(admission.judge(request({}, "+12145551869", method), kStranger, kNow, 1).kind, Kind::drop)
            << method;
    }
}

}  // namespace
}  // namespace callchain::b2bua
