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
          Row{"BAD_FUNCTION_ARGUMENT", 43, Kind::url}, Row{"COULDNT_CONNECT", 7, Kind::connect},
          Row{"OPERATION_TIMEDOUT", 28, Kind::connect}, Row{"SSL_CONNECT_ERROR", 35, Kind::tls},
          Row{"GOT_NOTHING", 52, Kind::connect}, Row{"SEND_ERROR", 55, Kind::connect},
          Row{"RECV_ERROR", 56, Kind::connect}, Row{"SSL_CERTPROBLEM", 58, Kind::tls},
          Row{"PEER_FAILED_VERIFICATION", 60, Kind::tls}, Row{"SSL_CACERT_BADFILE", 77, Kind::tls},
          Row{"PROXY", 97, Kind::connect}}) {
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

TEST(NameOf, TellsKindsAndCausesApart) {
    for (const auto& [kind, name] : {std::pair{Kind::url, "url"},
                                     {Kind::resolve, "resolve"},
                                     {Kind::connect, "connect"},
                                     {Kind::tls, "tls"},
                                     {Kind::timeout, "timeout"},
                                     {Kind::broken, "broken"},
                                     {Kind::closed, "closed"}})
        EXPECT_EQ(name_of(kind), name);
    for (const auto& [cause, name] : {std::pair{TlsCause::none, "none"},
                                      {TlsCause::expired, "expired"},
                                      {TlsCause::not_yet_valid, "not_yet_valid"},
                                      {TlsCause::self_signed, "self_signed"},
                                      {TlsCause::unknown_issuer, "unknown_issuer"},
                                      {TlsCause::host_name, "host_name"},
                                      {TlsCause::not_tls, "not_tls"},
                                      {TlsCause::other, "other"}})
        EXPECT_EQ(name_of(cause), name);
}

// Codes: libcurl-errors(3), and x509_vfy.h of OpenSSL 3.0 for the second; words as libcurl 7.88.1 prints
// them.
TEST(TlsCauseOf, NamesWhatTheCertificateOrTheHandshakeLacks) {
    struct Row {
        const char* name;
        int code;
        long verify_result;
        const char* words;
        TlsCause cause;
    };
    for (const auto& row :
         {Row{"expired", 60, 10, "SSL certificate problem: certificate has expired", TlsCause::expired},
          Row{"not yet valid", 60, 9, "SSL certificate problem: certificate is not yet valid",
              TlsCause::not_yet_valid},
          Row{"self-signed", 60, 18, "SSL certificate problem: self-signed certificate",
              TlsCause::self_signed},
          Row{"self-signed root", 60, 19,
              "SSL certificate problem: self-signed certificate in certificate chain", TlsCause::self_signed},
          Row{"no issuer", 60, 20, "SSL certificate problem: unable to get local issuer certificate",
              TlsCause::unknown_issuer},
          Row{"no issuer of an issuer", 60, 2, "SSL certificate problem: unable to get issuer certificate",
              TlsCause::unknown_issuer},
          Row{"not trusted", 60, 27, "SSL certificate problem: certificate not trusted",
              TlsCause::unknown_issuer},
          Row{"chain cut", 60, 21, "SSL certificate problem: unable to verify the first certificate",
              TlsCause::unknown_issuer},
          Row{"another name", 60, 1,
              "SSL: no alternative certificate subject name matches target host name 'a.example'",
              TlsCause::host_name},
          Row{"common name", 60, 0,
              "SSL: certificate subject name 'b.example' does not match target host name 'a.example'",
              TlsCause::host_name},
          Row{"another name for OpenSSL", 60, 62, "SSL certificate problem: hostname mismatch",
              TlsCause::host_name},
          Row{"another address for OpenSSL", 60, 64, "SSL certificate problem: IP address mismatch",
              TlsCause::host_name},
          Row{"plain HTTP", 35, 0, "OpenSSL/3.0.17: error:0A00010B:SSL routines::wrong version number",
              TlsCause::not_tls},
          Row{"no common version", 35, 0,
              "OpenSSL/3.0.17: error:0A00042E:SSL routines::tlsv1 alert protocol version", TlsCause::other},
          Row{"revoked", 60, 23, "SSL certificate problem: certificate revoked", TlsCause::other}}) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(tls_cause_of(row.code, row.verify_result, row.words), row.cause);
        EXPECT_FALSE(advice_on(row.cause).empty());
    }
    EXPECT_EQ(advice_on(TlsCause::none), "");
}

}  // namespace
}  // namespace callchain::http
