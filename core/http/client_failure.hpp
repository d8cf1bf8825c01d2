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

/// One line: what failed, against which host, and `words`, made safe to print.
[[nodiscard]] std::string failure_message(ClientFailure::Kind kind, std::string_view url,
                                          std::string_view words);

}  // namespace callchain::http
