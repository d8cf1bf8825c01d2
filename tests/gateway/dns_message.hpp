/// DNS answers written by hand for tests and fuzzing: plain, without compression, as wrong as they are asked
/// for.
#pragma once

#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::gateway {

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeCname = 5;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr std::uint16_t kTypeSrv = 33;

inline std::string wire_number(std::uint32_t value, unsigned bytes) {
    std::string wire;
    for (auto i = bytes; i > 0; --i) wire += static_cast<char>(value >> 8U * (i - 1) & 0xFFU);
    return wire;
}

/// "n7.example". Piece by piece, since g++ 12 warns of copies that cannot happen in operator+ and replace().
inline std::string numbered(std::string_view before, int number, std::string_view behind = {}) {
    std::string text(before);
    text += std::to_string(number);
    text += behind;
    return text;
}

/// "." is the root; labels may be of any bytes but a dot.
inline std::string wire_name(std::string_view name) {
    std::string wire;
    while (!name.empty() && name != ".") {
        const auto label = name.substr(0, name.find('.'));
        wire += static_cast<char>(label.size());
        wire += label;
        name.remove_prefix(label.size() == name.size() ? name.size() : label.size() + 1);
    }
    return wire + '\0';
}

inline std::string wire_address(int family, const std::string& text) {
    std::array<char, sizeof(in6_addr)> bytes{};
    inet_pton(family, text.c_str(), bytes.data());
    return {bytes.data(), family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr)};
}

struct DnsRecord {
    std::string name;
    std::uint16_t type = 0;
    std::uint32_t life = 0;
    std::string data;
};

inline DnsRecord a_record(std::string name, const std::string& address, std::uint32_t life = 60) {
    return {std::move(name), kTypeA, life, wire_address(AF_INET, address)};
}
inline DnsRecord aaaa_record(std::string name, const std::string& address, std::uint32_t life = 60) {
    return {std::move(name), kTypeAaaa, life, wire_address(AF_INET6, address)};
}
inline DnsRecord cname_record(std::string name, std::string_view target, std::uint32_t life = 60) {
    return {std::move(name), kTypeCname, life, wire_name(target)};
}
struct ServiceNumbers {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;
};
inline DnsRecord srv_record(std::string name, ServiceNumbers numbers, std::string_view target,
                            std::uint32_t life = 60) {
    return {std::move(name), kTypeSrv, life,
            wire_number(numbers.priority, 2) + wire_number(numbers.weight, 2) + wire_number(numbers.port, 2) +
                wire_name(target)};
}

/// The question section of one question.
inline std::string wire_question(std::string_view name, std::uint16_t type) {
    return wire_name(name) + wire_number(type, 2) + wire_number(1, 2);
}

inline std::string wire_record(const DnsRecord& record) {
    return wire_name(record.name) + wire_number(record.type, 2) + wire_number(1, 2) +
           wire_number(record.life, 4) + wire_number(static_cast<std::uint32_t>(record.data.size()), 2) +
           record.data;
}

constexpr std::uint32_t kAnswerFlags = 0x8180;  ///< an answer, recursion desired and available

/// A message with one question. `flags` is the header's second word.
inline std::string write_dns_reply(std::uint32_t number, std::uint32_t flags, const std::string& question,
                                   const std::vector<DnsRecord>& answers) {
    auto wire = wire_number(number, 2) + wire_number(flags, 2) + wire_number(1, 2) +
                wire_number(static_cast<std::uint32_t>(answers.size()), 2) + wire_number(0, 4) + question;
    for (const auto& record : answers) wire += wire_record(record);
    return wire;
}

}  // namespace callchain::gateway
