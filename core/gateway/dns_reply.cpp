#include "gateway/dns_reply.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace callchain::gateway {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestName = 255;  // on the wire, with its lengths
constexpr std::size_t kMostPointers = 127;
constexpr std::size_t kMostAliases = 16;
constexpr std::size_t kMostRecords = 256;
constexpr std::uint16_t kClassInternet = 1;
constexpr std::uint16_t kTypeAlias = 5;
constexpr std::uint32_t kLongestLife = 0x7FFF'FFFF;

// Of the header's second word.
constexpr std::uint32_t kIsAnswer = 0x8000;
constexpr std::uint32_t kOperation = 0x7800;
constexpr std::uint32_t kTruncated = 0x0200;
constexpr std::uint32_t kCode = 0x000F;
constexpr std::uint32_t kNoSuchName = 3;

// No two names become one text: a dot or backslash within a label is written as a number.
void append_label(std::string& text, std::string_view label) {
    if (!text.empty()) text += '.';
    for (const char c : label) {
        const auto byte = static_cast<unsigned char>(c);
        if (c >= 'A' && c <= 'Z') {
            text += static_cast<char>(c + ('a' - 'A'));
        } else if (byte > ' ' && byte < 0x7F && c != '.' && c != '\\') {
            text += c;
        } else {
            text += '\\';
            for (const unsigned int unit : {100U, 10U, 1U})
                text += static_cast<char>('0' + byte / unit % 10U);
        }
    }
}

// Reads on from a place. What is not there reads as 0 or empty, and the reader stays broken.
class Reader {
  public:
    Reader(std::string_view message, std::size_t position) : message_(message), position_(position) {}

    std::uint32_t number(std::size_t bytes) {
        std::uint32_t value = 0;
        for (const char c : take(bytes)) value = value << 8U | static_cast<unsigned char>(c);
        return value;
    }
    std::string_view take(std::size_t bytes) {
        if (broken_ || bytes > message_.size() - position_) {
            broken_ = true;
            return {};
        }
        const auto taken = message_.substr(position_, bytes);
        position_ += bytes;
        return taken;
    }
    std::string name();

    [[nodiscard]] std::size_t position() const { return position_; }
    [[nodiscard]] bool broken() const { return broken_; }

  private:
    std::string_view message_;
    std::size_t position_;
    bool broken_ = false;
};

std::string Reader::name() {
    std::string text;
    std::size_t pointers = 0;
    std::size_t wire_bytes = 1;
    std::size_t behind = 0;              // where the message goes on behind the first pointer
    std::size_t part_start = position_;  // a pointer leads to before it, so that names end
    while (!broken_) {
        const auto length = number(1);
        if (length > kLongestLabel) {
            const auto target = (length & 0x3FU) << 8U | number(1);
            if (pointers++ == 0) behind = position_;
            broken_ = broken_ || length < 0xC0U || target >= part_start || pointers > kMostPointers;
            position_ = part_start = target;
        } else if (length == 0) {
            if (pointers > 0) position_ = behind;
            break;
        } else {
            wire_bytes += length + 1;
            append_label(text, take(length));
            broken_ = broken_ || wire_bytes > kLongestName;
        }
    }
    return text.empty() ? "." : text;
}

struct Alias {
    std::string name;
    std::string target;
    std::uint32_t life = 0;
};
// One record of the type that was asked for.
struct Found {
    std::string name;
    std::uint32_t life = 0;
    std::string address = {};
    sip::SrvRecord service = {};
};
struct Section {
    std::vector<Alias> aliases;
    std::vector<Found> found;
};

std::string address_text(int family, std::string_view bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr) return {};
    return text.data();
}

// Reads what a record of that type says. False: not what the type has.
bool read_data(Reader& reader, std::size_t bytes, sip::DnsQuery::Type type, Found& found) {
    using Type = sip::DnsQuery::Type;
    if (type == Type::srv) {
        found.service.priority = static_cast<std::uint16_t>(reader.number(2));
        found.service.weight = static_cast<std::uint16_t>(reader.number(2));
        found.service.port = static_cast<std::uint16_t>(reader.number(2));
        found.service.target = reader.name();
        return true;
    }
    if (bytes != (type == Type::a ? sizeof(in_addr) : sizeof(in6_addr))) return false;
    const auto address = reader.take(bytes);
    if (reader.broken()) return false;
    found.address = address_text(type == Type::a ? AF_INET : AF_INET6, address);
    return !found.address.empty();
}

// Reads one record into the section. False: malformed.
bool read_record(Reader& reader, sip::DnsQuery::Type wanted, Section& section) {
    auto name = reader.name();
    const auto type = reader.number(2);
    const auto record_class = reader.number(2);
    const auto told = reader.number(4);
    const auto life = told > kLongestLife ? 0 : told;
    const auto bytes = reader.number(2);
    const auto end = reader.position() + bytes;
    const bool internet = record_class == kClassInternet;
    if (internet && type == kTypeAlias) {
        section.aliases.push_back({std::move(name), reader.name(), life});
    } else if (internet && type == record_type(wanted)) {
        Found found{std::move(name), life};
        if (!read_data(reader, bytes, wanted, found)) return false;
        section.found.push_back(std::move(found));
    } else {
        reader.take(bytes);
    }
    return !reader.broken() && reader.position() == end;
}

sip::DnsAnswer answer_of(const Section& section, std::string name) {
    using Status = sip::DnsAnswer::Status;
    auto life = kLongestLife;
    const auto& aliases = section.aliases;
    for (std::size_t followed = 0;; ++followed) {
        const auto alias = std::find_if(aliases.begin(), aliases.end(),
                                        [&name](const Alias& entry) { return entry.name == name; });
        if (alias == aliases.end()) break;
        if (followed == kMostAliases) return {.status = Status::failed};
        life = std::min(life, alias->life);
        name = alias->target;
    }
    sip::DnsAnswer answer;
    for (const auto& found : section.found) {
        if (found.name != name) continue;
        if (answer.services.size() + answer.addresses.size() == kMostRecords) break;
        answer.status = Status::records;
        life = std::min(life, found.life);
        if (found.address.empty())
            answer.services.push_back(found.service);
        else
            answer.addresses.push_back(found.address);
    }
    if (answer.status == Status::records) answer.time_to_live = std::chrono::seconds(life);
    return answer;
}

tl::unexpected<Error> malformed(std::size_t offset, std::string_view what) {
    return fail_at(offset, ErrorCode::bad_input, "a malformed DNS answer: " + std::string(what));
}

}  // namespace

std::uint16_t record_type(sip::DnsQuery::Type type) {
    constexpr std::array<std::uint16_t, 3> kTypes{33, 1, 28};
    return kTypes.at(static_cast<std::size_t>(type));
}

Result<sip::DnsAnswer> parse_dns_reply(std::string_view message, const sip::DnsQuery& query) {
    if (message.size() < kHeaderBytes) return malformed(message.size(), "no whole header");
    Reader reader(message, 2);
    const auto flags = reader.number(2);
    const auto questions = reader.number(2);
    const auto answers = reader.number(2);
    if ((flags & kIsAnswer) == 0 || (flags & kOperation) != 0) return malformed(2, "it is a question");
    if ((flags & kTruncated) != 0) return malformed(2, "it is cut short");
    const auto code = flags & kCode;
    if (code == kNoSuchName) return sip::DnsAnswer{};
    if (code != 0) return sip::DnsAnswer{.status = sip::DnsAnswer::Status::failed};

    reader.take(4);
    for (std::uint32_t i = 0; i < questions && !reader.broken(); ++i) {
        reader.name();
        reader.take(4);
    }
    Section section;
    for (std::uint32_t i = 0; i < answers; ++i) {
        const auto start = reader.position();
        if (reader.broken() || !read_record(reader, query.type, section))
            return malformed(std::min(start, message.size()), "a record breaks off or is not what it says");
    }
    if (reader.broken()) return malformed(kHeaderBytes, "the question breaks off");
    return answer_of(section, query.name);
}

}  // namespace callchain::gateway
