#include "b2bua/admission.hpp"

#include "base/text.hpp"
#include "sip/sip_text.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

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
                      const std::string& called = "+12145551869", const std::string& nc = "00000001") {
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
    answer.nc = nc;
    answer.response = sip::digest_response({.algorithm = sip::DigestAlgorithm::md5,
                                            .username = user,
                                            .realm = asked.realm,
                                            .password = password,
                                            .method = "INVITE",
                                            .uri = answer.uri,
                                            .nonce = asked.nonce,
                                            .qop = "auth",
                                            .nc = nc,
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

TEST(Admission, CountsTheAnswersToOneNonce) {
    auto admission = control(with_account(settings()));
    const auto first = admission.judge(request(), kMeta, kNow, 1);
    struct Row {
        const char* nc;
        std::string_view what;
    };
    for (const auto& row :
         {Row{"00000001", "admitted"}, Row{"00000001", "stale"}, Row{"00000003", "admitted"},
          Row{"00000002", "stale"}, Row{"00000003", "stale"}, Row{"00000004", "admitted"}}) {
        SCOPED_TRACE(row.nc);
        const auto answer = answer_to(first, kNumber, "right", "+12145551869", row.nc);
        EXPECT_EQ(admission.judge(request(answer), kMeta, kNow, 2).what, row.what);
    }
}

TEST(Admission, ChallengesAgainWhereANonceIsOldOrOfAnotherProcess) {
    auto admission = control(with_account(settings()));
    const auto first = admission.judge(request(), kMeta, kNow, 1);
    const auto answer = answer_to(first, kNumber, "right");
    const auto late = admission.judge(request(answer), kMeta, kNow + 10min, 2);
    EXPECT_EQ(late.what, "stale");
    EXPECT_EQ(late.response->status, 407);
    EXPECT_NE(late.response->find("Proxy-Authenticate")->find("stale=true"), std::string_view::npos);
    // Its answer to that is taken: no loop.
    const auto next = answer_to(late, kNumber, "right");
    EXPECT_EQ(admission.judge(request(next), kMeta, kNow + 10min, 3).kind, Kind::admitted);
    AdmissionControl restarted(with_account(settings()),
                               crypto::HmacKey(crypto::HashAlgorithm::sha256, "another key"));
    EXPECT_EQ(restarted.judge(request(answer), kMeta, kNow, 2).what, "stale");
    // Wrong and old is wrong: a password is not tried again for the age of its nonce.
    const auto wrong = admission.judge(request(answer_to(first, kNumber, "wrong")), kMeta, kNow + 10min, 4);
    EXPECT_EQ(wrong.what, "refused");
}

TEST(Admission, AnswersCredentialsForNobodyWith400) {
    auto admission = control(with_account(settings()));
    for (const char* credentials : {"Digest", "Digest username=\"12145551869\"", "Digest ,,,=\""}) {
        SCOPED_TRACE(credentials);
        const auto got = admission.judge(request(credentials), kMeta, kNow, 1);
        ASSERT_EQ(got.kind, Kind::answer);
        EXPECT_EQ(got.response->status, 400);
        EXPECT_EQ(got.what, "refused");
    }
    // Of another realm or scheme: none for us.
    EXPECT_EQ(admission.judge(request("Basic QTpC"), kMeta, kNow, 1).what, "challenged");
    EXPECT_EQ(
        admission
            .judge(request("Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"sip:d\", response=\"e\""),
                   kMeta, kNow, 1)
            .what,
        "challenged");
}

TEST(Admission, ChallengesWithTheAlgorithmsThatAreSet) {
    auto both = with_account(settings());
    both.algorithms = {sip::DigestAlgorithm::sha256, sip::DigestAlgorithm::md5};
    auto admission = control(both);
    const auto got = admission.judge(request(), kMeta, kNow, 1);
    ASSERT_EQ(got.response->values("Proxy-Authenticate").size(), 2U);
    for (const auto value : got.response->values("Proxy-Authenticate"))
        EXPECT_EQ(sip::parse_challenges(value).value().at(0).realm, "gateway.example.com");
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
    for (const auto& row :
         {Row{"+12145551869", kNumber, "right", "admitted"},
          Row{"%2B12145551869", kNumber, "right", "admitted"},
          Row{"+12145550000", "12145550000", "other", "admitted"},
          Row{"+12145550000;tgrp=wacall;trunk-context=byoc.example.com", "12145550000", "other", "admitted"},
          Row{"%2B12145550000;tgrp=12145551869", "12145550000", "other", "admitted"},
          Row{"%2B12145550000;tgrp=12145551869", kNumber, "right", "refused"},
          Row{"+12145559999", kNumber, "right", "refused"}, Row{"bridge", kNumber, "right", "refused"},
          Row{"+12145550000", kNumber, "right", "refused"},
          Row{"+12145551869", kNumber, "other", "refused"}}) {
        SCOPED_TRACE(std::string(row.called) + " " + row.user);
        auto admission = control(both);
        EXPECT_EQ(log_in(admission, kMeta, row.user, row.password, row.called).what, row.what);
    }
}

TEST(Admission, OfOneAccountServesEveryNumber) {
    auto admission = control(with_account(settings()));
    EXPECT_EQ(log_in(admission, kMeta, kNumber, "right", "+12145559999").what, "admitted");
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

TEST(Admission, KnowsMoreThanIsListed) {
    const auto none = control(settings());
    EXPECT_TRUE(none.knows(kStranger.address));
    EXPECT_FALSE(none.is_listed(kStranger.address));
    const auto both = control(with_outward_list(with_outward(with_list(settings()))));
    for (const auto& [from, is_listed] :
         {std::pair{kMeta, true}, std::pair{kTwilio, true}, std::pair{kStranger, false}}) {
        EXPECT_EQ(both.is_listed(from.address), is_listed) << from.address;
        EXPECT_EQ(both.knows(from.address), is_listed) << from.address;
    }
    const auto off = control(with_outward_list(with_list(settings())));
    EXPECT_FALSE(off.is_listed(kTwilio.address));
    EXPECT_FALSE(off.knows(kTwilio.address));
}

// Each way has its own list and its own account; what proves one proves nothing of the other.
TEST(Admission, KeepsTheTwoDirectionsApart) {
    using enum sdp::Direction;
    const auto all = with_outward_list(with_outward(with_account(with_list(settings()))));
    struct Row {
        const char* name;
        AdmissionSettings settings;
        Presence from;
        const char* user;
        const char* password;
        std::string_view what;
        sdp::Direction direction = meta_to_twilio;
    };
    for (const auto& row : {
             Row{"Meta, its user", all, kMeta, kNumber, "right", "admitted", meta_to_twilio},
             Row{"Twilio, its user", all, kTwilio, "twilio", "outward-right", "admitted", twilio_to_meta},
             Row{"Meta's address, Twilio's user", all, kMeta, "twilio", "outward-right", "refused"},
             Row{"Twilio's address, Meta's user", all, kTwilio, kNumber, "right", "refused"},
             Row{"a stranger, Twilio's user", all, kStranger, "twilio", "outward-right", "not_allowed"},
             Row{"no list of Twilio's, its user", with_outward(with_account(with_list(settings()))),
                 kStranger, "twilio", "outward-right", "admitted", twilio_to_meta},
             Row{"no list of Twilio's, Meta's user", with_outward(with_account(with_list(settings()))),
                 kStranger, kNumber, "right", "refused"},
             Row{"no list of Meta's, Twilio's user",
                 with_outward_list(with_outward(with_account(settings()))), kStranger, "twilio",
                 "outward-right", "refused"},
             Row{"outward off, Twilio's user", with_account(with_list(settings())), kMeta, "twilio",
                 "outward-right", "refused"},
             Row{"outward off, Twilio's address", with_outward_list(with_account(with_list(settings()))),
                 kTwilio, "twilio", "outward-right", "not_allowed"},
         }) {
        SCOPED_TRACE(row.name);
        auto admission = control(row.settings);
        const auto got = log_in(admission, row.from, row.user, row.password);
        EXPECT_EQ(got.what, row.what);
        if (got.kind == Kind::admitted) {
            EXPECT_EQ(got.direction, row.direction);
            EXPECT_EQ(got.account, row.user);
        }
    }
}

// Whatever else is set, and whoever asks: no call without a proof where one is demanded.
RC_GTEST_PROP(Admission, AdmitsNoCallWithoutProofWhereADigestIsSet, ()) {
    auto any = settings();
    if (*rc::gen::arbitrary<bool>()) any = with_list(any);
    if (*rc::gen::arbitrary<bool>()) any = with_outward_list(any);
    any.addresses_known = *rc::gen::arbitrary<bool>();
    const bool outward = *rc::gen::arbitrary<bool>();
    if (outward) any = with_outward(any);
    any = with_account(any);
    const auto called =
        *rc::gen::element<std::string>("+12145551869", "%2B12145551869", "bridge", "+1;tgrp=x");
    const auto from = *rc::gen::element(kMeta, kTwilio, kStranger);
    auto admission = control(any);
    RC_ASSERT(admission.judge(request({}, called), from, kNow, 1).kind != Kind::admitted);
    const auto user =
        *rc::gen::element<std::string>(kNumber, "twilio", "", "+12145551869", "106540352242922");
    const auto password = *rc::gen::element<std::string>("right", "outward-right", "wrong", "");
    const auto got = log_in(admission, from, user, password, called);
    const bool proved = (user == kNumber && password == "right") ||
                        (outward && user == "twilio" && password == "outward-right");
    RC_ASSERT(got.kind != Kind::admitted || proved);
    if (got.kind == Kind::admitted)
        RC_ASSERT((got.direction == sdp::Direction::twilio_to_meta) == (user == "twilio"));
}

TEST(Admission, ListsDoNotCountWhereAddressesAreHidden) {
    auto hidden = with_account(with_list(settings()));
    hidden.addresses_known = false;
    auto admission = control(hidden);
    EXPECT_TRUE(admission.knows("203.0.113.9"));
    EXPECT_FALSE(admission.is_listed(kMeta.address));
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

TEST(Admission, OfADrainIsTheAnswerToEverybodyOnTheListAndToNobodyElse) {
    auto admission = control(with_account(with_list(settings())));
    for (int call = 0; call < 100; ++call) {
        const auto got = admission.judge(request(), {kMeta.address, 0, true}, kNow, 1);
        ASSERT_EQ(got.what, "draining") << "no limit on these";
        EXPECT_FALSE(got.response->find("Proxy-Authenticate").has_value());
    }
    EXPECT_EQ(admission.judge(request(), {kStranger.address, 0, true}, kNow, 1).kind, Kind::drop);
    EXPECT_EQ(admission.judge(request({}, "+12145551869", "OPTIONS"), {kMeta.address, 0, true}, kNow, 1).kind,
              Kind::admitted);
}

TEST(Admission, TakesTheLastCallThatFitsAndNotTheNext) {
    auto few = settings();
    few.most_calls = 2;
    auto admission = control(few);
    EXPECT_EQ(admission.judge(request(), {"192.0.2.1", 1, false}, kNow, 1).kind, Kind::admitted);
    const auto full = admission.judge(request(), {"192.0.2.1", 2, false}, kNow, 1);
    EXPECT_EQ(full.what, "full");
    EXPECT_NE(full.why.find("CALLCHAIN_MAX_CALLS"), std::string::npos);
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
    // Another address is another matter, and so is this one a second later.
    EXPECT_EQ(log_in(admission, kTwilio, kNumber, "guess").what, "refused");
    EXPECT_EQ(log_in(admission, kStranger, kNumber, "guess").what, "limited");
    // A nonce is of its second and its random number: this one is new.
    const auto next = admission.judge(request(), kMeta, kNow, 999);
    EXPECT_EQ(admission.judge(request(answer_to(next, kNumber, "right")), kMeta, kNow, 7).what, "admitted");
    const auto first = admission.judge(request(), kStranger, kNow + 1s, 1);
    EXPECT_EQ(admission.judge(request(answer_to(first, kNumber, "guess")), kStranger, kNow + 1s, 2).what,
              "refused");
}

TEST(Admission, LimitsNobodyByAnAddressThatIsNotHis) {
    auto hidden = with_account(settings());
    hidden.addresses_known = false;
    auto admission = control(hidden);
    for (int guess = 0; guess < 50; ++guess)
        EXPECT_EQ(log_in(admission, kStranger, kNumber, "guess").what, "refused");
    EXPECT_EQ(log_in(admission, kStranger, kNumber, "right").kind, Kind::admitted);
}

TEST(Admission, StopsChallengingAFlood) {
    auto few = with_account(settings());
    few.calls_per_second = 5;
    auto admission = control(few);
    int challenged = 0;
    for (int call = 0; call < 100; ++call)
        if (admission.judge(request(), kStranger, kNow, 1).what == "challenged") ++challenged;
    EXPECT_EQ(challenged, 10) << "twice the calls";
    EXPECT_EQ(admission.judge(request(), kMeta, kNow, 1).what, "challenged");
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
