/// Names what was wrong with a certificate or handshake, and what to do about it.
#include "http/client_failure.hpp"

#include <curl/curl.h>
#include <openssl/x509_vfy.h>

namespace callchain::http {
namespace {

TlsCause cause_of_certificate(long verify_result) {
    switch (verify_result) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return TlsCause::expired;
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return TlsCause::not_yet_valid;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return TlsCause::self_signed;
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_UNTRUSTED:
            return TlsCause::unknown_issuer;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return TlsCause::host_name;
        default:
            return TlsCause::other;
    }
}

bool has(std::string_view words, std::string_view part) { return words.find(part) != std::string_view::npos; }

}  // namespace

TlsCause tls_cause_of(int code, long verify_result, std::string_view words) {
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        // libcurl compares the names itself, before it asks OpenSSL for its verdict.
        if (has(words, "does not match") || has(words, "matches target host name"))
            return TlsCause::host_name;
        return cause_of_certificate(verify_result);
    }
    // What OpenSSL says of bytes that are no TLS record, and of an HTTP answer.
    if (has(words, "wrong version number") || has(words, "packet length too long") ||
        has(words, "http request") || has(words, "unknown protocol"))
        return TlsCause::not_tls;
    return TlsCause::other;
}

std::string_view name_of(TlsCause cause) {
    switch (cause) {
        case TlsCause::none:
            return "none";
        case TlsCause::expired:
            return "expired";
        case TlsCause::not_yet_valid:
            return "not_yet_valid";
        case TlsCause::self_signed:
            return "self_signed";
        case TlsCause::unknown_issuer:
            return "unknown_issuer";
        case TlsCause::host_name:
            return "host_name";
        case TlsCause::not_tls:
            return "not_tls";
        case TlsCause::other:
            break;
    }
    return "other";
}

std::string_view advice_on(TlsCause cause) {
    switch (cause) {
        case TlsCause::none:
            return "";
        case TlsCause::expired:
            return "the certificate has expired: renew it, and see that the server loads the new one";
        case TlsCause::not_yet_valid:
            return "the certificate is not valid yet: compare the clocks of both machines";
        case TlsCause::self_signed:
            return "the certificate is self-signed, which no sender of webhooks accepts; for a test, name it "
                   "with "
                   "--ca-file";
        case TlsCause::unknown_issuer:
            return "the issuer is not known here: the server must send the certificates between its own and "
                   "the "
                   "root as well (the full chain); a private authority is named with --ca-file";
        case TlsCause::host_name:
            return "the certificate is for other names than the one in the URL: compare them";
        case TlsCause::not_tls:
            return "the other side does not speak TLS on this port: write http://, or name the port of the "
                   "TLS "
                   "listener";
        case TlsCause::other:
            break;
    }
    return "see what the server says: openssl s_client -connect HOST:PORT -servername HOST";
}

}  // namespace callchain::http
