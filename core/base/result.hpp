/// Errors as values: the one place that names tl::expected.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace callchain {

/// What a caller can do about an error; each maps to one exit code of the program.
enum class ErrorCode {
    usage,      ///< the command line, configuration or a secret is missing or malformed
    bad_input,  ///< an input was read and cannot be parsed
    io,         ///< an input cannot be read, or an output cannot be written
    limit,      ///< an input is larger or deeper than we accept
    internal,   ///< a fault of our own
};

/// Why work could not be done. A fault that we found *in* the input is a Finding, not an Error.
struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;                     ///< one line: what happened, with the offending text
    std::optional<std::size_t> offset = {};  ///< byte offset in the input, where there is one
    std::string hint = {};                   ///< one line: what to try next; may be empty
};

/// A T, or why there is none. Functions that return it are themselves [[nodiscard]].
template <class T>
using Result = tl::expected<T, Error>;

/// Makes the failure side of any Result.
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {}) {
    return tl::unexpected(Error{code, std::move(message), std::nullopt, std::move(hint)});
}

/// As fail(), for a place in the input. Units: `offset` in bytes from the start of the input.
[[nodiscard]] inline tl::unexpected<Error> fail_at(std::size_t offset, ErrorCode code, std::string message,
                                                   std::string hint = {}) {
    return tl::unexpected(Error{code, std::move(message), offset, std::move(hint)});
}

/// Takes the value out of a Result that holds one; also for Result<void>, which has no value().
template <class T>
T unwrap(Result<T>&& result) {
    return *std::move(result);
}
inline void unwrap(Result<void>&&) {}

}  // namespace callchain

/// Evaluates to the value of a Result, or returns its Error from the enclosing function.
#define CALLCHAIN_TRY(...)                                                       \
    __extension__({                                                              \
        auto try_result_ = (__VA_ARGS__);                                        \
        if (!try_result_) return tl::unexpected(std::move(try_result_).error()); \
        ::callchain::unwrap(std::move(try_result_));                             \
    })
