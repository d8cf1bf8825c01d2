/// A header of a request, where an absent one is as good as an empty one.
#pragma once

#include "http/message.hpp"

#include <string_view>

namespace callchain::service {

/// The first of that name; valid as long as the request.
[[nodiscard]] inline std::string_view header(const http::Request& request, std::string_view name) {
    return request.headers.find(name).value_or(std::string_view{});
}

}  // namespace callchain::service
