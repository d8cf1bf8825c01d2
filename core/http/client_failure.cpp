#include "http/client_failure.hpp"

#include "base/text.hpp"
#include "http/url.hpp"

#include <curl/curl.h>

namespace callchain::http {
namespace {

using Kind = ClientFailure::Kind;

constexpr std::size_t kMostWords = 200;

// Of a request that no connection was ready for.
Kind kind_of_waiting(int code) {
    switch (code) {
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_BAD_FUNCTION_ARGUMENT:  // a URL or method longer than libcurl takes
            return Kind::url;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return Kind::resolve;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CLIENTCERT:
        case CURLE_SSL_CRL_BADFILE:
        case CURLE_SSL_ENGINE_INITFAILED:
        case CURLE_SSL_ENGINE_NOTFOUND:
        case CURLE_SSL_ENGINE_SETFAILED:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        case CURLE_USE_SSL_FAILED:
            return Kind::tls;
        default:
            // A proxy that refuses, a handshake that takes too long, a connection lost in it: all before
            // ours.
            return Kind::connect;
    }
}

std::string what_failed(Kind kind, const std::string& host) {
    switch (kind) {
        case Kind::url:
            return "cannot send this request to " + host;
        case Kind::resolve:
            return "no address for " + host;
        case Kind::connect:
            return "no connection to " + host;
        case Kind::tls:
            return "no secure connection to " + host;
        case Kind::timeout:
            return "no whole answer from " + host + " in time";
        case Kind::broken:
            return "the connection to " + host + " ended before a whole answer";
        case Kind::closed:
            break;
    }
    return "the client was stopped before " + host + " had answered";
}

}  // namespace

std::string_view name_of(ClientFailure::Kind kind) {
    switch (kind) {
        case Kind::url:
            return "url";
        case Kind::resolve:
            return "resolve";
        case Kind::connect:
            return "connect";
        case Kind::tls:
            return "tls";
        case Kind::timeout:
            return "timeout";
        case Kind::broken:
            return "broken";
        case Kind::closed:
            break;
    }
    return "closed";
}

ClientFailure::Kind kind_of_curl_code(int code, Progress progress) {
    if (progress == Progress::waiting) return kind_of_waiting(code);
    return code == CURLE_OPERATION_TIMEDOUT ? Kind::timeout : Kind::broken;
}

std::string failure_message(Kind kind, std::string_view url, std::string_view words) {
    auto message = what_failed(kind, shown_host(url));
    if (!trim(words).empty()) message += ": " + visible_excerpt(trim(words), kMostWords);
    return message;
}

}  // namespace callchain::http
