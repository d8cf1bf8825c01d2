#include "openai/webhook_endpoints.hpp"

#include "base/text.hpp"
#include "openai/call.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <set>

namespace callchain::openai {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

// The secret of the test suites of OpenAI's SDKs.
constexpr std::string_view kSecret = "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=";

ApiAnswer answer_of(int status, std::string message = {}, std::string code = {}) {
    ApiAnswer answer;
    answer.status = status;
    answer.error_message = std::move(message);
    answer.error_code = std::move(code);
    return answer;
}

// Addresses. Source: OpenAI API reference, "Webhook endpoints".

TEST(EndpointsUrl, AsksForPagesOfAHundred) {
    EXPECT_EQ(endpoints_url("https://api.openai.com/v1", "").value(),
              "https://api.openai.com/v1/webhook_endpoints?limit=100");
    EXPECT_EQ(endpoints_url("https://api.openai.com/v1/", "whe_1").value(),
              "https://api.openai.com/v1/webhook_endpoints?limit=100&after=whe_1");
    EXPECT_EQ(endpoints_url("http://[::1]:8080/v1", "a&b=c/d").value(),
              "http://[::1]:8080/v1/webhook_endpoints?limit=100&after=a%26b%3Dc%2Fd");
    EXPECT_FALSE(endpoints_url("api.openai.com", "").has_value());
    EXPECT_FALSE(endpoints_url("https://user:word@api.openai.com/v1", "").has_value());
}

TEST(EndpointUrl, NamesTheEndpointAndTheDeed) {
    EXPECT_EQ(endpoint_url(kDefaultBaseUrl, "whe_123", EndpointRequest::test).value(),
              "https://api.openai.com/v1/webhook_endpoints/whe_123/test");
    EXPECT_EQ(endpoint_url(kDefaultBaseUrl, "whe_123", EndpointRequest::rotate_secret).value(),
              "https://api.openai.com/v1/webhook_endpoints/whe_123/rotate_secret");
}

TEST(EndpointUrl, RefusesAnIdThatLeadsElsewhere) {
    for (const std::string_view id : {"", ".", "..", "a/b", "a?b", "a#b", "a%2Fb", "a b", "a\nb", "é"}) {
        SCOPED_TRACE(id);
        const auto got = endpoint_url(kDefaultBaseUrl, id, EndpointRequest::rotate_secret);
        ASSERT_FALSE(got.has_value());
        EXPECT_TRUE(got.error().message.starts_with("the endpoint id ")) << got.error().message;
        EXPECT_NE(got.error().hint.find("endpoints list"), std::string::npos);
    }
}

TEST(Bodies, AreThoseOfTheReference) {
    EXPECT_EQ(test_body("realtime.call.incoming"), R"({"event_type":"realtime.call.incoming"})");
    EXPECT_EQ(test_body("a\"b"), R"({"event_type":"a\"b"})");
    EXPECT_EQ(rotate_body(OldSecret::kept_24_hours), R"({"keep_old_secret_active_for_24_hours":true})");
    EXPECT_EQ(rotate_body(OldSecret::dropped), R"({"keep_old_secret_active_for_24_hours":false})");
}

TEST(AnnouncesCall, KnowsTheThreeTypes) {
    for (const std::string_view type :
         {"realtime.call.incoming", "live.transport.incoming", "live.call.incoming"})
        EXPECT_TRUE(announces_call(type)) << type;
    for (const std::string_view type : {"", "realtime.call", "batch.completed", "REALTIME.CALL.INCOMING"})
        EXPECT_FALSE(announces_call(type)) << type;
}

// Pages

TEST(ReadEndpointPage, TakesWhatTheReferenceShows) {
    const auto page = read_endpoint_page(
        R"({"object":"list","data":[{"id":"whe_2","object":"webhook_endpoint","name":"bridge",)"
        R"("url":"https://bridge.example.com/openai/webhook","event_types":["realtime.call.incoming","batch.failed"],)"
        R"("created_at":1750287018,"updated_at":1750287099,"signing_secret_hint":"whsec_…40c="},)"
        R"({"id":"whe_1","name":"n","url":"https://x.example","event_types":[],"created_at":1,)"
        R"("signing_secret_hint":null}],"first_id":"whe_2","last_id":"whe_1","has_more":true})");
    ASSERT_TRUE(page.has_value()) << page.error().message;
    ASSERT_EQ(page->endpoints.size(), 2U);
    const auto& first = page->endpoints.front();
    EXPECT_EQ(first.id, "whe_2");
    EXPECT_EQ(first.name, "bridge");
    EXPECT_EQ(first.url, "https://bridge.example.com/openai/webhook");
    EXPECT_EQ(first.event_types, (std::vector<std::string>{"realtime.call.incoming", "batch.failed"}));
    EXPECT_EQ(first.created_at, sys_seconds{seconds{1750287018}});
    EXPECT_EQ(first.updated_at, sys_seconds{seconds{1750287099}});
    EXPECT_EQ(first.secret_hint, "whsec_…40c=");
    EXPECT_TRUE(first.announces_calls());
    EXPECT_TRUE(page->endpoints.back().secret_hint.empty());
    EXPECT_FALSE(page->endpoints.back().updated_at.has_value());
    EXPECT_FALSE(page->endpoints.back().announces_calls());
    EXPECT_EQ(page->next, "whe_1");
}

TEST(ReadEndpointPage, TellsWhetherAnotherOneFollows) {
    struct Row {
        const char* name;
        std::string_view body;
        std::string_view next;
    };
    for (const auto& row : {
             Row{"none", R"({"data":[]})", ""},
             Row{"false", R"({"data":[{"id":"a"}],"has_more":false,"last_id":"a"})", ""},
             Row{"last_id", R"({"data":[{"id":"a"}],"has_more":true,"last_id":"z"})", "z"},
             Row{"without last_id", R"({"data":[{"id":"a"},{"id":"b"}],"has_more":true})", "b"},
             Row{"a null last_id", R"({"data":[{"id":"a"}],"has_more":true,"last_id":null})", "a"},
             Row{"a text in place of true", R"({"data":[{"id":"a"}],"has_more":"true"})", ""},
         }) {
        SCOPED_TRACE(row.name);
        const auto page = read_endpoint_page(row.body);
        ASSERT_TRUE(page.has_value()) << page.error().message;
        EXPECT_EQ(page->next, row.next);
    }
}

TEST(ReadEndpointPage, TakesMembersOfAnotherKindForAbsent) {
    const auto page = read_endpoint_page(
        R"({"data":[{"id":"a","name":1,"url":[],"event_types":["x",7,null],"created_at":"1","updated_at":-1,)"
        R"("signing_secret_hint":{}},{"id":"b","event_types":{},"created_at":1e9,"updated_at":99999999999999999999}]})");
    ASSERT_TRUE(page.has_value()) << page.error().message;
    const auto& first = page->endpoints.front();
    EXPECT_TRUE(first.name.empty() && first.url.empty() && first.secret_hint.empty());
    EXPECT_EQ(first.event_types, (std::vector<std::string>{"x"}));
    for (const auto& endpoint : page->endpoints)
        EXPECT_FALSE(endpoint.created_at || endpoint.updated_at) << endpoint.id;
}

TEST(ReadEndpointPage, RefusesWhatIsNoPage) {
    struct Row {
        const char* name;
        std::string body;
    };
    std::string many;
    for (int i = 0; i <= 1'000; ++i) many += (i == 0 ? "" : ",") + std::string(R"({"id":"a"})");
    for (const auto& row : {
             Row{"nothing", ""},
             Row{"a login page", "<html><title>Sign in</title></html>"},
             Row{"half an answer", R"({"data":[{"id":"whe_1","name":"bri)"},
             Row{"an array", R"([{"id":"a"}])"},
             Row{"a text", R"("data")"},
             Row{"no data", R"({"object":"list"})"},
             Row{"data of another kind", R"({"data":{"id":"a"}})"},
             Row{"no object in it", R"({"data":["a"]})"},
             Row{"no id", R"({"data":[{"name":"a"}]})"},
             Row{"an empty id", R"({"data":[{"id":""}]})"},
             Row{"an id that is a number", R"({"data":[{"id":1}]})"},
             Row{"more behind nothing", R"({"data":[],"has_more":true})"},
             Row{"too many", R"({"data":[)" + many + "]}"},
             Row{"too deep", R"({"data":)" + std::string(10'000, '[')},
             Row{"a NUL behind it", std::string("{\"data\":[]}\0", 12)},
             Row{"not UTF-8", "{\"data\":[{\"id\":\"\xff\"}]}"},
         }) {
        SCOPED_TRACE(row.name);
        const auto page = read_endpoint_page(row.body);
        ASSERT_FALSE(page.has_value());
        EXPECT_EQ(page.error().code, ErrorCode::bad_input);
        EXPECT_LE(page.error().message.size(), 100U);
        EXPECT_EQ(page.error().message.find("Sign in"), std::string::npos);
    }
}

TEST(ReadEndpointPage, EndsForAnyBytes) {
    rc::check("for any bytes behind the beginning of a page", [](const std::string& bytes) {
        static_cast<void>(read_endpoint_page(R"({"data":[)" + bytes));
        static_cast<void>(read_endpoint_test(bytes));
        static_cast<void>(read_rotated_secret(bytes));
    });
}

// Tests

TEST(ReadEndpointTest, TellsWhatTheServerAnswered) {
    struct Row {
        const char* name;
        std::string_view body;
        int status;
        bool delivered;
    };
    for (
        const auto& row : {
            Row{"as in the reference",
                R"({"object":"webhook_endpoint.test","event_type":"realtime.call.incoming","status_code":200,)"
                R"("success":true,"webhook_endpoint_id":"whe_1"})",
                200, true},
            Row{"204", R"({"status_code":204})", 204, true},
            Row{"success is no verdict", R"({"status_code":401,"success":true})", 401, false},
            Row{"a redirect", R"({"status_code":301})", 301, false},
            Row{"null", R"({"status_code":null})", 0, false},
            Row{"nought", R"({"status_code":0})", 0, false},
            Row{"none", R"({})", 0, false},
            Row{"a text", R"({"status_code":"200"})", 0, false},
            Row{"a fraction", R"({"status_code":200.5})", 0, false},
            Row{"out of range", R"({"status_code":20000000000000000000})", 0, false},
        }) {
        SCOPED_TRACE(row.name);
        const auto got = read_endpoint_test(row.body);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(got->status, row.status);
        EXPECT_EQ(got->delivered(), row.delivered);
    }
    EXPECT_FALSE(read_endpoint_test("OK").has_value());
    EXPECT_FALSE(read_endpoint_test("[]").has_value());
}

TEST(AdviceOnTest, NamesWhatToLookAt) {
    struct Row {
        int status;
        std::string_view part;
    };
    for (const auto& row : {Row{0, "reached from outside"}, Row{301, "redirects"}, Row{308, "redirects"},
                            Row{400, "secret"}, Row{401, "verify-sig"}, Row{403, "endpoints list"},
                            Row{404, "path"}, Row{405, "POST"}, Row{413, "size"}, Row{429, "limits"},
                            Row{418, "log"}, Row{500, "log"}, Row{502, "proxy"}, Row{504, "in time"}}) {
        SCOPED_TRACE(row.status);
        EXPECT_NE(advice_on_test(row.status).find(row.part), std::string_view::npos)
            << advice_on_test(row.status);
    }
}

// Rotations

TEST(ReadRotatedSecret, TakesTheSecretAndNothingElse) {
    EXPECT_EQ(
        read_rotated_secret(R"({"id":"whe_1","signing_secret":"whsec_AAAA","signing_secret_hint":"whsec_…"})")
            .value(),
        "whsec_AAAA");
    for (const std::string body : {R"({"id":"whe_1"})", R"({"signing_secret":""})",
                                   R"({"signing_secret":null})", R"({"signing_secret":"whsec_A\nB"})",
                                   R"({"signing_secret":"whsec_ AAAA"})", R"({"signing_secret":"whsec_é"})",
                                   R"({"signing_secret":"whsec_secretsecretsecret)", R"("whsec_AAAA")"}) {
        SCOPED_TRACE(body);
        const auto got = read_rotated_secret(body);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().message.find("whsec_"), std::string::npos) << got.error().message;
    }
    EXPECT_FALSE(read_rotated_secret(R"({"signing_secret":")" + std::string(5'000, 'a') + "\"}").has_value());
}

// Outcomes

TEST(OutcomeOf, JudgesEachStatus) {
    using enum EndpointOutcome;
    struct Row {
        const char* name;
        ApiAnswer answer;
        EndpointRequest request;
        EndpointOutcome want;
    };
    constexpr auto kList = EndpointRequest::list;
    constexpr auto kRotate = EndpointRequest::rotate_secret;
    for (const auto& row : {
             Row{"200", answer_of(200), kList, done},
             Row{"204", answer_of(204), kRotate, done},
             Row{"no answer", answer_of(0), kList, network_failure},
             Row{"redirect", answer_of(302), kList, unexpected_answer},
             Row{"400", answer_of(400), kRotate, request_refused},
             Row{"401", answer_of(401), kList, credential_refused},
             Row{"403", answer_of(403), kRotate, credential_refused},
             Row{"404 of the list", answer_of(404, "Invalid URL (GET /v1/webhook_endpoints)"), kList,
                 api_missing},
             Row{"404 of an endpoint", answer_of(404, "No such endpoint"), kRotate, not_found},
             Row{"404 with a code alone", answer_of(404, "", "not_found"), EndpointRequest::test, not_found},
             Row{"404 of the address", answer_of(404, "Invalid URL (POST /v1/x)"), kRotate, api_missing},
             Row{"404 by its code", answer_of(404, "no", "unknown_url"), kRotate, api_missing},
             Row{"404 of a proxy", answer_of(404), kRotate, api_missing},
             Row{"409", answer_of(409), kRotate, request_refused},
             Row{"429", answer_of(429), kList, rate_limited},
             Row{"500", answer_of(500), kList, server_error},
             Row{"503", answer_of(503), kRotate, server_error},
             Row{"600", answer_of(600), kList, unexpected_answer},
         }) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(outcome_of(row.answer, row.request), row.want);
    }
}

TEST(HadNoEffect, IsSureOnlyWhereItCanBe) {
    using enum EndpointOutcome;
    ApiAnswer unsent;
    unsent.nothing_was_sent = true;
    EXPECT_TRUE(had_no_effect(network_failure, unsent));
    EXPECT_FALSE(had_no_effect(network_failure, {}));
    for (const auto outcome : {api_missing, not_found, request_refused, credential_refused, rate_limited})
        EXPECT_TRUE(had_no_effect(outcome, {})) << name_of(outcome);
    for (const auto outcome : {done, server_error, unexpected_answer})
        EXPECT_FALSE(had_no_effect(outcome, {})) << name_of(outcome);
}

TEST(OutcomeNames, AreOnePerOutcome) {
    using enum EndpointOutcome;
    std::set<std::string_view> meanings;
    for (const auto outcome : {api_missing, not_found, request_refused, credential_refused, rate_limited,
                               server_error, network_failure, unexpected_answer}) {
        EXPECT_EQ(code_of(outcome), "endpoint_" + std::string(name_of(outcome)));
        EXPECT_TRUE(meanings.insert(meaning_of(outcome)).second);
    }
    EXPECT_EQ(name_of(done), "done");
    EXPECT_TRUE(code_of(done).empty());
}

// Hints

TEST(CompareHint, ReadsEveryUsualMask) {
    using enum HintFit;
    struct Row {
        const char* name;
        std::string_view hint;
        HintFit fit;
        std::string_view compared;
    };
    constexpr std::string_view kLast4 = "whsec_ and the last 4 characters";
    for (const auto& row : {
             Row{"ellipsis", "whsec_…40c=", fits, kLast4},
             Row{"three dots", "whsec_...40c=", fits, kLast4},
             Row{"stars", "whsec_********40c=", fits, kLast4},
             Row{"one star", "whsec_*40c=", fits, kLast4},
             Row{"bullets", "whsec_••••••40c=", fits, kLast4},
             Row{"crosses", "whsec_xxxxxxxx40c=", fits, kLast4},
             Row{"capital crosses", "whsec_XXXX40c=", fits, kLast4},
             Row{"blanks around it", "  whsec_…40c= ", fits, kLast4},
             Row{"a blank in it", "whsec_ … 40c=", fits, kLast4},
             Row{"brackets", "whsec_[hidden]40c=", fits, kLast4},
             Row{"no prefix", "****40c=", fits, "the last 4 characters"},
             Row{"a piece of the prefix", "whs…40c=", fits, "the last 4 characters"},
             Row{"both ends", "whsec_Rdva…40c=", fits,
                 "whsec_, the first 4 characters behind it and the last 4 characters"},
             Row{"both ends without the prefix", "Rdva…40c=", fits,
                 "the first 4 characters and the last 4 characters"},
             Row{"the front alone", "whsec_Rdv…", fits, "whsec_ and the first 3 characters behind it"},
             Row{"the front alone, three", "Rdv***", fits, "the first 3 characters"},
             Row{"the padding left off", "whsec_…j40c", fits, kLast4},
             Row{"two masks", "whsec_Rdva…Uf7a…40c=", fits,
                 "whsec_, the first 4 characters behind it and the last 4 characters"},
             Row{"no mask, the last", "40c=", fits, "the last 4 characters"},
             Row{"no mask, the first", "RdvaYF", fits, "the first 6 characters"},
             Row{"no mask, the first behind the prefix", "whsec_RdvaYF", fits,
                 "whsec_ and the first 6 characters behind it"},
             Row{"all of it", kSecret, fits, "whsec_ and the first 44 characters behind it"},

             Row{"other last characters", "whsec_…41c=", differs, kLast4},
             Row{"other first characters", "whsec_Rdvb…40c=", differs,
                 "whsec_, the first 4 characters behind it and the last 4 characters"},
             Row{"another case", "whsec_…40C=", differs, kLast4},
             Row{"no mask, neither end", "abcd", differs, "the first 4 characters and the last 4 characters"},
             Row{"longer than the secret",
                 "whsec_RdvaYFYUXuIFuEbvZHwMfYFh…UXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=", differs,
                 "whsec_, the first 24 characters behind it and the last 37 characters"},

             Row{"the prefix alone", "whsec_", too_little, "whsec_"},
             Row{"the prefix and a mask", "whsec_********", too_little, "whsec_"},
             Row{"a mask alone", "********", too_little, "nothing: it shows neither end"},
             Row{"two characters", "whsec_…0c", too_little, "whsec_ and the last 2 characters"},
             Row{"two and the padding", "whsec_…0c=", too_little, "whsec_ and the last 3 characters"},
             Row{"one at each end", "R…c", too_little, "the first character and the last character"},
             Row{"no mask and short", "0c", too_little, "the last 2 characters"},
             Row{"something in the middle", "***vaYF***", too_little, "nothing: it shows neither end"},
             Row{"none", "", no_hint, ""},
             Row{"blanks", "  ", no_hint, ""},
         }) {
        SCOPED_TRACE(row.name);
        const auto got = compare_hint(row.hint, kSecret);
        EXPECT_EQ(name_of(got.fit), name_of(row.fit));
        EXPECT_EQ(got.compared, row.compared);
    }
}

TEST(CompareHint, ForgivesTheSecretWhatADecoderDoes) {
    const auto without_padding = kSecret.substr(0, kSecret.size() - 1);
    EXPECT_EQ(compare_hint("whsec_…40c=", without_padding).fit, HintFit::fits);
    EXPECT_EQ(compare_hint("whsec_…j40c", without_padding).fit, HintFit::fits);
    const auto got = compare_hint("whsec_…40c=", kSecret.substr(6));
    EXPECT_EQ(got.fit, HintFit::fits);
    EXPECT_EQ(got.compared, "whsec_ and the last 4 characters; whsec_ itself is not in ours");
}

TEST(CompareHint, TakesCrossesForWhatTheyAreWhereThereIsAnotherMask) {
    constexpr std::string_view kCrossed = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdxxx=";
    EXPECT_EQ(compare_hint("whsec_…xxx=", kCrossed).compared, "whsec_ and the last 4 characters");
    EXPECT_EQ(compare_hint("whsec_…xxx=", kCrossed).fit, HintFit::fits);
    EXPECT_EQ(compare_hint("whsec_…xxx=", kSecret).fit, HintFit::differs);
}

TEST(CompareHint, FitsTheMaskOfEverySecretAndNamesNoCharacterOfIt) {
    rc::check("for secrets of base64 and their last characters", [] {
        const auto digit =
            rc::gen::elementOf(std::string("ABCDEFGHIJKLMNOPQRSTUVWYZabcdefghijklmnopqrstuvwyz0123456789+/"));
        const auto payload = *rc::gen::container<std::string>(43, digit) + "=";
        const auto shown = *rc::gen::inRange<std::size_t>(4, 12);
        const auto mask = *rc::gen::element<std::string>("…", "...", "****", "•", "xxxx");
        const auto last = payload.substr(payload.size() - shown);
        const auto got = compare_hint("whsec_" + mask + last, "whsec_" + payload);
        RC_ASSERT(got.fit == HintFit::fits);
        RC_ASSERT(got.compared == "whsec_ and the last " + std::to_string(shown) + " characters");
        auto other = payload;
        other[other.size() - 2] = other[other.size() - 2] == 'Q' ? 'R' : 'Q';
        RC_ASSERT(compare_hint("whsec_" + mask + last, "whsec_" + other).fit == HintFit::differs);
    });
}

TEST(ShowHint, ShowsAMaskAndNoSecret) {
    EXPECT_EQ(show_hint("whsec_…40c="), "whsec_…40c=");
    EXPECT_EQ(show_hint("whsec_Rdva****40c="), "whsec_Rdva****40c=");
    EXPECT_EQ(show_hint("a\x1b[2Jb"), "a\\x1b[2Jb");
    for (const std::string_view hint :
         {kSecret, kSecret.substr(6), kSecret.substr(0, 30), std::string_view("…Uf7aMYjYcmM24+Aj40c=")}) {
        SCOPED_TRACE(hint);
        EXPECT_NE(show_hint(hint).find("not shown"), std::string::npos);
        EXPECT_EQ(show_hint(hint).find("Uf7aMY"), std::string::npos);
    }
    EXPECT_LE(show_hint(std::string(1U << 20U, '*')).size(), 70U);
}

}  // namespace
}  // namespace callchain::openai
