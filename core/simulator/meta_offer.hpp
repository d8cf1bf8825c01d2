/// What Meta offers: session descriptions in its shape, with keys and numbers of their own. Pure.
#pragma once

#include "simulator/meta.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace callchain::simulator {

/// Units: `random` yields so many bytes that nobody can guess; keys are made of them. `port` is that of the
/// media on 127.0.0.1. Source: Meta, "SIP Configuration Guide", SDP samples; "Call settings",
/// additional_codecs.
[[nodiscard]] std::string make_offer(Offer offer, std::uint16_t port,
                                     const std::function<std::string(std::size_t)>& random);

}  // namespace callchain::simulator
