/// Reads a DNS message that answers one question. Pure, and trusts no length, count or pointer in it.
#pragma once

#include "base/result.hpp"
#include "sip/resolve.hpp"

#include <cstdint>
#include <string_view>

namespace callchain::gateway {

/// As the wire has it. Source: RFC 1035 section 3.2.2; RFC 3596 section 2.1; RFC 2782.
[[nodiscard]] std::uint16_t record_type(sip::DnsQuery::Type type);

/// What `message` says about `query`, from its answer section: the records of the name, or of the name that
/// its aliases lead to, in the order in which they stand. No such name, and no record of the type: `none`. A
/// server's refusal, and aliases that lead to themselves or are more than 16: `failed`. That the message
/// belongs to the question (its number, the question repeated) was the caller's to find out.
/// Names come out in small letters without a final dot, bytes that are no host name's as \DDD, the root as
/// ".". Units:  the lowest life of records and aliases; one beyond 2^31 - 1 seconds counts as 0 (RFC 2181
/// section 8). Errors: bad_input (with offset) for what is no answer, breaks off or contradicts itself.
/// Source: RFC 1035 sections 4.1 and 5.1; RFC 1034 section 3.6.2.
[[nodiscard]] Result<sip::DnsAnswer> parse_dns_reply(std::string_view message, const sip::DnsQuery& query);

}  // namespace callchain::gateway
