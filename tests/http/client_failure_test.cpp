#include "http/client_failure.hpp"

#include <gtest/gtest.h>

namespace callchain::http {
namespace {

using Kind = ClientFailure::Kind;

// The numbers are those of libcurl-errors(3).
TEST(KindOfCurlCode, GoesByTheCodeWhileNothingWasSent) {
    struct Row {
        const char* name;
        int code;
        Kind kind;
    };
    for (const auto& row :
         {Row{"UNSUPPORTED_PROTOCOL", 1, Kind::url}, Row{"URL_MALFORMAT", 3, Kind::url},
          Row{"COULDNT_RESOLVE_PROXY", 5, Kind::resolve}, Row{"COULDNT_RESOLVE_HOST", 6, Kind::resolve},
          Row{"COULDNT_CONNECT", 7, Kind::connect}, Row{"OPERATION_TIMEDOUT", 28, Kind::connect},
          Row{"SSL_CONNECT_ERROR", 35, Kind::tls}, Row{"GOT_NOTHING", 52, Kind::connect},
          Row{"SEND_ERROR", 55, Kind::connect}, Row{"RECV_ERROR", 56, Kind::connect},
          Row{"SSL_CERTPROBLEM", 58, Kind::tls}, Row{"PEER_FAILED_VERIFICATION", 60, Kind::tls},
          Row{"SSL_CACERT_BADFILE", 77, Kind::tls}, Row{"PROXY", 97, Kind::connect}}) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(kind_of_curl_code(row.code, Progress::waiting), row.kind);
    }
}

TEST(KindOfCurlCode, NeverSaysThatNothingWasSentOnceSomethingWas) {
    for (int code = 1; code < 100; ++code) {
        const ClientFailure failure{kind_of_curl_code(code, Progress::sent), ""};
        EXPECT_FALSE(failure.nothing_was_sent()) << code;
        EXPECT_EQ(failure.kind, code == 28 ? Kind::timeout : Kind::broken) << code;
    }
}

TEST(FailureMessage, NamesTheHostAndShowsNoControlCharacter) {
    EXPECT_EQ(failure_message(Kind::connect, "https://user:pw@host:1/path?query", "Connection\nrefused "),
              "no connection to host:1: Connection\\nrefused");
    EXPECT_EQ(failure_message(Kind::closed, "https://host/", ""),
              "the client was stopped before host had answered");
    EXPECT_LT(
        failure_message(Kind::tls, "https://" + std::string(9'999, 'h'), std::string(9'999, 'w')).size(),
        400U);
}

}  // namespace
}  // namespace callchain::http
