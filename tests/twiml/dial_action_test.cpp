#include "twiml/dial_action.hpp"

#include "twilio/error_codes.hpp"
#include "twiml/dial_parameters.hpp"

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace callchain::twiml {
namespace {

struct Row {
    const char* given;  ///< a form body
    const char* name;
    DialSeverity severity;
    DialAnswer answer;
    int related = 0;
};

constexpr auto ok = DialSeverity::ok;
constexpr auto failed = DialSeverity::failed;
constexpr auto unknown = DialSeverity::unknown;
constexpr auto hang_up = DialAnswer::hang_up;
constexpr auto fallback = DialAnswer::fallback;

// The meaning of the parameters is Twilio's, "TwiML Voice: <Dial>" and "TwiML Voice: <Sip>"; how they combine
// is inferred from it and from calls that were seen.
constexpr Row kRows[] = {
    // completed
    {"DialCallStatus=completed&DialBridged=true&DialSipResponseCode=200&DialCallDuration=29", "bridged", ok,
     hang_up},
    {"DialCallStatus=completed&DialBridged=true&DialCallDuration=10", "bridged", ok, hang_up},
    {"DialCallStatus=completed&DialBridged=true&DialCallDuration=9", "bridged_short", ok, hang_up},
    {"DialCallStatus=completed&DialBridged=true&DialCallDuration=0", "bridged_short", ok, hang_up},
    {"DialCallStatus=completed&DialBridged=true", "bridged", ok, hang_up},
    {"DialCallStatus=Completed+&DialBridged=True", "bridged", ok, hang_up},
    {"DialCallStatus=completed", "completed", ok, hang_up},
    {"DialCallStatus=completed&DialSipResponseCode=200", "completed", ok, hang_up},
    {"DialCallStatus=completed&DialBridged=false&DialSipResponseCode=200", "completed_not_bridged", unknown,
     fallback},
    {"DialCallStatus=completed&DialBridged=true&DialSipResponseCode=400", "contradiction", unknown, hang_up},
    {"DialCallStatus=completed&DialBridged=true&DialSipResponseCode=299", "bridged", ok, hang_up},
    {"DialCallStatus=completed&DialBridged=true&DialSipResponseCode=300", "contradiction", unknown, hang_up},
    {"DialCallStatus=completed&DialBridged=true&ErrorCode=13224", "contradiction", unknown, hang_up, 13224},
    {"DialCallStatus=completed&DialBridged=true&ErrorCode=32011", "bridged_after_failed_attempt", ok, hang_up,
     32011},
    {"DialCallStatus=completed&DialBridged=true&ErrorCode=15003", "bridged", ok, hang_up, 15003},
    // answered
    {"DialCallStatus=answered", "conference", ok, hang_up},
    {"DialCallStatus=answered&DialBridged=true", "conference", ok, hang_up},
    {"DialCallStatus=answered&DialBridged=false", "contradiction", unknown, hang_up},
    // failed, no SIP status
    {"DialCallStatus=failed&DialBridged=false", "invite_never_left", failed, fallback},
    {"DialCallStatus=failed&ErrorCode=13227", "invite_never_left", failed, fallback, 13227},
    {"DialCallStatus=failed&ErrorCode=13214", "caller_id_refused", failed, fallback, 13214},
    {"DialCallStatus=failed&ErrorCode=13247", "caller_id_refused", failed, fallback, 13247},
    {"DialCallStatus=failed&ErrorMessage=valid+callerId+must+be+provided+for+TwilioClient+and+SIP+calls",
     "caller_id_refused", failed, fallback, 13214},
    {"DialCallStatus=failed&ErrorCode=13224&ErrorMessage=invalid+phone+number+format", "number_refused",
     failed, fallback, 13224},
    {"DialCallStatus=failed&ErrorCode=13243", "sip_uri_refused", failed, fallback, 13243},
    {"DialCallStatus=failed&ErrorCode=13223", "sip_uri_refused", failed, fallback, 13223},
    {"DialCallStatus=failed&ErrorCode=13254", "sip_host_not_found", failed, fallback, 13254},
    {"DialCallStatus=failed&ErrorCode=32011", "endpoint_unreachable", failed, fallback, 32011},
    {"DialCallStatus=failed&DialSipResponseCode=183", "invite_never_left", failed, fallback},
    // failed, with one
    {"DialCallStatus=failed&DialBridged=false&DialSipResponseCode=400", "not_accepted", failed, fallback,
     13224},
    {"DialCallStatus=failed&DialBridged=false&DialSipResponseCode=400&ErrorCode=13224", "not_accepted",
     failed, fallback, 13224},
    {"DialCallStatus=failed&DialSipResponseCode=400&ErrorCode=32011", "not_accepted", failed, fallback,
     32011},
    {"DialCallStatus=failed&DialSipResponseCode=401", "credentials_demanded", failed, fallback, 13244},
    {"DialCallStatus=failed&DialSipResponseCode=407", "credentials_demanded", failed, fallback, 13244},
    {"DialCallStatus=failed&DialBridged=false&DialSipResponseCode=403", "forbidden", failed, fallback},
    {"DialCallStatus=failed&DialBridged=false&DialSipResponseCode=404", "not_found", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=408&ErrorCode=32011", "endpoint_unreachable", failed,
     fallback, 32011},
    {"DialCallStatus=failed&DialSipResponseCode=503&ErrorCode=32011", "endpoint_unreachable", failed,
     fallback, 32011},
    {"DialCallStatus=failed&DialSipResponseCode=503", "far_end_fault", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=504", "endpoint_unreachable", failed, fallback, 32011},
    {"DialCallStatus=failed&DialSipResponseCode=410", "not_found", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=604", "not_found", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=500", "far_end_fault", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=500&ErrorCode=32011", "endpoint_unreachable", failed,
     fallback, 32011},
    {"DialCallStatus=failed&DialSipResponseCode=480", "far_end_unavailable", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=486", "rejected", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=603", "rejected", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=487", "not_accepted_in_time", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=488", "media_refused", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=302", "redirected", failed, fallback, 32219},
    {"DialCallStatus=failed&DialSipResponseCode=481", "refused", failed, fallback},
    {"DialCallStatus=failed&DialBridged=false&DialSipResponseCode=200", "answered_then_failed", failed,
     fallback},
    {"DialCallStatus=failed&DialBridged=true&DialSipResponseCode=200", "contradiction", unknown, hang_up},
    {"DialCallStatus=failed&DialBridged=true", "contradiction", unknown, hang_up},
    // busy, no-answer, canceled
    {"DialCallStatus=busy&DialBridged=false&DialSipResponseCode=486", "rejected", failed, fallback},
    {"DialCallStatus=busy&DialBridged=false&DialSipResponseCode=600", "rejected", failed, fallback},
    {"DialCallStatus=busy&DialBridged=false&DialSipResponseCode=603", "rejected", failed, fallback},
    {"DialCallStatus=busy", "rejected", failed, fallback},
    {"DialCallStatus=busy&DialSipResponseCode=404", "rejected", failed, fallback},
    {"DialCallStatus=no-answer&DialSipResponseCode=404", "not_accepted_in_time", failed, fallback},
    {"DialCallStatus=busy&DialSipResponseCode=200", "contradiction", unknown, hang_up},
    {"DialCallStatus=busy&DialBridged=true", "contradiction", unknown, hang_up},
    {"DialCallStatus=no-answer&DialBridged=false&DialSipResponseCode=487", "not_accepted_in_time", failed,
     fallback},
    {"DialCallStatus=no-answer&DialBridged=false&DialSipResponseCode=408", "not_accepted_in_time", failed,
     fallback},
    {"DialCallStatus=no-answer", "not_accepted_in_time", failed, fallback},
    {"DialCallStatus=no-answer&DialSipResponseCode=200", "contradiction", unknown, hang_up},
    {"DialCallStatus=canceled", "canceled", failed, hang_up},
    {"DialCallStatus=canceled&DialSipResponseCode=487", "canceled", failed, hang_up},
    {"DialCallStatus=canceled&DialBridged=true", "contradiction", unknown, hang_up},
    // no DialCallStatus
    {"DialBridged=true&DialSipResponseCode=200", "bridged", ok, hang_up},
    {"DialBridged=false&DialSipResponseCode=400", "not_accepted", failed, fallback, 13224},
    {"DialSipResponseCode=400", "not_accepted", failed, fallback, 13224},
    {"DialSipResponseCode=486", "rejected", failed, fallback},
    {"DialSipResponseCode=487", "not_accepted_in_time", failed, fallback},
    {"DialBridged=true&DialSipResponseCode=400", "contradiction", unknown, hang_up},
    {"DialBridged=false", "too_few_parameters", unknown, hang_up},
    {"DialBridged=false&ErrorCode=13214", "caller_id_refused", failed, fallback, 13214},
    {"DialCallStatus=failed&DialSipResponseCode=4xx", "sip_status_unreadable", failed, fallback},
    {"DialCallStatus=failed&DialSipResponseCode=", "invite_never_left", failed, fallback},
    {"DialSipResponseCode=200", "too_few_parameters", unknown, hang_up},
    {"DialCallDuration=12", "too_few_parameters", unknown, hang_up},
    {"DialCallSid=CA1&ErrorCode=13224", "too_few_parameters", unknown, hang_up, 13224},
    {"DialCallStatus=&DialCallSid=CA1", "too_few_parameters", unknown, hang_up},
    // others
    {"DialCallStatus=cancelled", "unknown_status", unknown, hang_up},
    {"DialCallStatus=nonsense&DialBridged=true", "unknown_status", unknown, hang_up},
    {"DialCallStatus=in-progress", "status_not_final", unknown, hang_up},
    {"DialCallStatus=ringing", "status_not_final", unknown, hang_up},
};

TEST(ReadDial, ReadsEveryRowOfTheTruthTable) {
    for (const auto& row : kRows) {
        SCOPED_TRACE(row.given);
        const auto parameters = parse_dial_parameters(row.given);
        ASSERT_TRUE(parameters.has_value());
        const auto got = read_dial(*parameters);
        EXPECT_EQ(got.name, row.name);
        EXPECT_EQ(severity_name(got.severity), severity_name(row.severity));
        EXPECT_EQ(got.answer, row.answer);
        EXPECT_EQ(got.related_code.value_or(0), row.related);
        EXPECT_TRUE(got.happened.ends_with('.')) << got.happened;
        EXPECT_TRUE(got.next.ends_with('.')) << got.next;
    }
}

TEST(ReadDial, IsDocumentedOnlyWhereTwilioSaysSo) {
    const std::set<std::string_view> documented{"bridged", "completed", "conference", "canceled"};
    for (const auto& row : kRows) {
        SCOPED_TRACE(row.given);
        const auto parameters = parse_dial_parameters(row.given);
        const auto got = read_dial(*parameters);
        const bool want = documented.contains(got.name) && parameters->status;
        EXPECT_EQ(confidence_name(got.confidence), want ? "documented" : "inferred");
    }
}

TEST(ReadDial, NamesOnlyTwilioCodesThatHaveAPage) {
    for (const auto& row : kRows)
        EXPECT_TRUE(row.related == 0 || twilio::find_error(row.related) != nullptr) << row.related;
}

TEST(ReadDial, SaysThatTheStatusIsMissing) {
    DialResult result;
    result.bridged = true;
    EXPECT_NE(read_dial(result).happened.find("DialCallStatus is missing"), std::string::npos);
    result.status = "completed";
    EXPECT_EQ(read_dial(result).happened.find("missing"), std::string::npos);
}

std::string happened(const char* given) { return read_dial(*parse_dial_parameters(given)).happened; }

TEST(ReadDial, NamesNoSipStatusOrCauseThatTheParametersDoNotBear) {
    for (const auto* code : {"410", "604"})
        EXPECT_EQ(
            happened((std::string("DialCallStatus=failed&DialSipResponseCode=") + code).c_str()).find("404"),
            std::string::npos)
            << code;
    for (const auto* code : {"400", "404", "500"})
        EXPECT_EQ(happened((std::string("DialCallStatus=busy&DialSipResponseCode=") + code).c_str())
                      .find("called reject"),
                  std::string::npos)
            << code;
    EXPECT_NE(happened("DialCallStatus=busy&DialSipResponseCode=486").find("called reject"),
              std::string::npos);
    EXPECT_EQ(happened("DialCallStatus=no-answer&DialSipResponseCode=404").find("rang"), std::string::npos);
    EXPECT_NE(happened("DialCallStatus=no-answer&DialSipResponseCode=487").find("rang"), std::string::npos);
    const auto overload = happened("DialCallStatus=failed&DialSipResponseCode=503");
    EXPECT_NE(overload.find("an answer"), std::string::npos);
    EXPECT_NE(overload.find("overloaded, or not able"), std::string::npos);
    EXPECT_NE(happened("DialCallStatus=failed&DialSipResponseCode=504").find("no answer in time"),
              std::string::npos);
    // Twilio, "TwiML Voice: <Dial>": canceled through the REST API before it was answered.
    const auto canceled = happened("DialCallStatus=canceled");
    EXPECT_NE(canceled.find("documents one cause, a REST request"), std::string::npos);
    EXPECT_NE(canceled.find("we infer"), std::string::npos);
}

TEST(DialReadings, HaveEachNameOnceAndEveryNameThatIsGiven) {
    std::set<std::string_view> names;
    for (const auto& reading : dial_readings())
        EXPECT_TRUE(names.insert(reading.name).second) << reading.name;
    std::set<std::string_view> given;
    for (const auto& row : kRows) given.insert(row.name);
    EXPECT_EQ(names, given);
}

// Whatever comes: a connected call is never called failed, and an unconnected one never ok.
TEST(ReadDial, NeverContradictsDialBridged) {
    for (const auto& status : dial_statuses()) {
        for (int code = 99; code <= 700; ++code) {
            for (const bool bridged : {true, false}) {
                DialResult result;
                result.status = status;
                if (code > 99 && code < 700) result.sip_response_code = code;
                result.bridged = bridged;
                const auto got = read_dial(result);
                ASSERT_NE(got.severity, bridged ? failed : ok) << status << " " << code;
            }
        }
    }
}

}  // namespace
}  // namespace callchain::twiml
