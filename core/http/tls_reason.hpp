/// What OpenSSL says of a call that failed. Internal to core/http.
#pragma once

#include <string>

namespace callchain::http {

/// The first of the errors that OpenSSL has queued for this thread, in words: it is the cause, later ones
/// only say who passed it on. The queue is emptied: it belongs to the thread, not to the connection.
[[nodiscard]] std::string take_tls_reason();

}  // namespace callchain::http
