#include "http/tls_reason.hpp"

#include <openssl/err.h>
#include <system_error>

namespace callchain::http {

std::string take_tls_reason() {
    const auto code = ERR_peek_error();
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
    const char* reason = ERR_reason_error_string(code);
    return reason == nullptr ? "unknown reason" : reason;
}

}  // namespace callchain::http
