/// A delivery while it is put together from the lines of a log.
#pragma once

#include "webhook/log_facts.hpp"
#include "webhook/railway_log.hpp"

#include <array>

namespace callchain::webhook {

inline constexpr std::array<LoggedField LoggedDelivery::*, 3> kDeliveryHeaders{
    &LoggedDelivery::id, &LoggedDelivery::timestamp, &LoggedDelivery::signature};

/// A delivery with the forms in which its facts came.
struct OpenDelivery {
    LoggedDelivery delivery;
    FactForm header_form = FactForm::none;
    FactForm sha256_form = FactForm::none;
    FactForm length_form = FactForm::none;
    FactForm error_form = FactForm::none;
};

/// True where `facts` must be of another delivery: they say something again in the same form, or otherwise.
[[nodiscard]] bool conflicts(const OpenDelivery& open, const LineFacts& facts);

/// Takes from `facts` what `open` has not.
void attach(OpenDelivery& open, LineFacts&& facts);

/// Puts into `facts` what `more` has and it has not: two readings of one line.
void complete(LineFacts& facts, LineFacts&& more);

/// Puts the body candidate first that has the SHA-256 which was logged, if one has.
void confirm_body(LoggedDelivery& delivery);

}  // namespace callchain::webhook
