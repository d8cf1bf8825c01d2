/// Bytes that are read as a DNS answer give what the type has and nothing else, in its one form; written
/// plainly they say the same again, and no beginning of that is taken for the whole.
#include "fuzz/require.hpp"
#include "gateway/dns_message.hpp"
#include "gateway/dns_reply.hpp"

#include <algorithm>
#include <cstdint>

using namespace callchain;
using namespace callchain::gateway;
using sip::DnsAnswer;
using sip::DnsQuery;

namespace {

constexpr std::size_t kMostRecords = 256;

bool is_name(const std::string& name) {
    const auto plain = [](char c) { return c > ' ' && c < '\x7F' && !(c >= 'A' && c <= 'Z'); };
    return !name.empty() && std::all_of(name.begin(), name.end(), plain);
}

void require_sound(const DnsAnswer& answer, DnsQuery::Type type) {
    const auto records = answer.services.size() + answer.addresses.size();
    require((answer.status == DnsAnswer::Status::records) == (records > 0) && records <= kMostRecords);
    require(type == DnsQuery::Type::srv ? answer.addresses.empty() : answer.services.empty());
    require(answer.time_to_live.count() >= 0 && answer.time_to_live.count() <= 0x7FFF'FFFF);
    for (const auto& service : answer.services) require(is_name(service.target));
}

std::vector<DnsRecord> records_of(const DnsAnswer& answer, const DnsQuery& query) {
    const auto life = static_cast<std::uint32_t>(answer.time_to_live.count());
    std::vector<DnsRecord> records;
    for (const auto& service : answer.services)
        records.push_back(
            srv_record(query.name, {service.priority, service.weight, service.port}, service.target, life));
    for (const auto& address : answer.addresses)
        records.push_back(query.type == DnsQuery::Type::a ? a_record(query.name, address, life)
                                                          : aaaa_record(query.name, address, life));
    return records;
}

void require_round_trip(const DnsAnswer& answer, const DnsQuery& query) {
    // Names with bytes of no host are written otherwise than they are shown.
    const auto& services = answer.services;
    if (std::any_of(services.begin(), services.end(), [](const sip::SrvRecord& service) {
            return service.target.find('\\') != std::string::npos;
        }))
        return;
    const auto plain = write_dns_reply(1, kAnswerFlags, wire_question(query.name, record_type(query.type)),
                                       records_of(answer, query));
    const auto again = parse_dns_reply(plain, query);
    require(again.has_value() && again->status == answer.status);
    require(again->services == answer.services && again->addresses == answer.addresses);
    require(again->time_to_live == answer.time_to_live);
    require(!parse_dns_reply(std::string_view(plain).substr(0, plain.size() - 1), query));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    for (const auto type : {DnsQuery::Type::srv, DnsQuery::Type::a, DnsQuery::Type::aaaa}) {
        const DnsQuery query{type, "host.example.com"};
        const auto answer = parse_dns_reply(message, query);
        if (!answer) {
            require(answer.error().offset.has_value() && *answer.error().offset <= size);
            continue;
        }
        require_sound(*answer, type);
        if (answer->status == DnsAnswer::Status::records) require_round_trip(*answer, query);
    }
    return 0;
}
