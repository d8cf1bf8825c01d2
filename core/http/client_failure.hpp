/// What libcurl's error codes mean for a request. Internal to core/http.
#pragma once

#include "http/client.hpp"

#include <string>
#include <string_view>

namespace callchain::http {

/// How far a request had come when it failed.
enum class Progress {
    waiting,  ///< no connection was ready for it: not a byte of it was sent
    sent,     ///< it may have reached the peer, in part or as a whole
};

/// Total over every code of libcurl. A code that by its name says "not connected" still means `broken` once a
/// request was on its way, as when a second attempt of libcurl's own did not connect.
/// Units: `code` is a CURLcode other than CURLE_OK.
[[nodiscard]] ClientFailure::Kind kind_of_curl_code(int code, Progress progress);

/// Why TLS failed, from libcurl's code and words and OpenSSL's verdict on the certificate.
/// Units: `verify_result` is CURLINFO_SSL_VERIFYRESULT, an X509_V_ERR code or 0.
[[nodiscard]] TlsCause tls_cause_of(int code, long verify_result, std::string_view words);

/// One line: what failed, against which host, and `words`, made safe to print.
[[nodiscard]] std::string failure_message(ClientFailure::Kind kind, std::string_view url,
                                          std::string_view words);

}  // namespace callchain::http
