/// What a Loop is made of. Internal to core/http: everybody else includes loop.hpp.
#pragma once

#include <boost/asio/io_context.hpp>

namespace callchain::http {

struct LoopState {
    boost::asio::io_context io{1};
};

}  // namespace callchain::http
