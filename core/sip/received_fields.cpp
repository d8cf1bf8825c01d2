#include "sip/received_fields.hpp"

#include "base/text.hpp"
#include "sip/grammar.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace callchain::sip {
namespace {

using ReadValue = bool (*)(Received& received, std::string_view value);

bool read_vias(Received& received, std::string_view value) {
    ListValues values(value);
    while (const auto part = values.next())
        if (!read_via(received.via.emplace_back(), *part)) return false;
    return true;
}

bool read_address(NameAddress& to, std::string_view value) {
    return read_name_address(to, value).has_value();
}

bool read_addresses(std::vector<NameAddress>& to, std::string_view value) {
    ListValues values(value);
    while (const auto part = values.next())
        if (!read_name_address(to.emplace_back(), *part)) return false;
    return true;
}

bool read_contact(Received& received, std::string_view value) {
    if (value != "*") return read_addresses(received.contact, value);
    received.contact_star = true;
    return true;
}

/// "=" is no character of a Call-ID by RFC 3261 section 25.1, but Meta's have it; blanks nobody may have.
bool read_call_id(Received& received, std::string_view value) {
    received.call_id = value;
    return !value.empty() && is_visible_ascii(value);
}

bool read_cseq(Received& received, std::string_view value) {
    auto cseq = parse_cseq(value);
    if (!cseq) return false;
    received.cseq = *std::move(cseq);
    return true;
}

/// Source: RFC 3261 section 20.22.
bool read_max_forwards(Received& received, std::string_view value) {
    constexpr std::uint64_t kMost = 255;
    const auto hops = parse_number(value, kMost);
    if (hops) received.max_forwards = static_cast<std::uint32_t>(*hops);
    return hops.has_value();
}

bool read_content_length(Received& received, std::string_view value) {
    received.content_length = parse_number(value, std::numeric_limits<std::uint32_t>::max());
    return received.content_length.has_value();
}

bool read_option_tags(std::vector<std::string>& to, std::string_view value) {
    ListValues values(value);
    while (const auto tag = values.next()) {
        if (tag->empty()) continue;
        if (!is_token(*tag)) return false;
        to.emplace_back(*tag);
    }
    return true;
}

enum class Times { once, often };
struct NeededField {
    std::string_view name;
    Times times;
    ReadValue read;
};
constexpr std::array<NeededField, 12> kNeeded = {{
    {"Via", Times::often, read_vias},
    {"From", Times::once, [](Received& to, std::string_view value) { return read_address(to.from, value); }},
    {"To", Times::once, [](Received& to, std::string_view value) { return read_address(to.to, value); }},
    {"Call-ID", Times::once, read_call_id},
    {"CSeq", Times::once, read_cseq},
    {"Contact", Times::often, read_contact},
    {"Max-Forwards", Times::once, read_max_forwards},
    {"Content-Length", Times::once, read_content_length},
    {"Route", Times::often,
     [](Received& to, std::string_view value) { return read_addresses(to.route, value); }},
    {"Record-Route", Times::often,
     [](Received& to, std::string_view value) { return read_addresses(to.record_route, value); }},
    {"Require", Times::often,
     [](Received& to, std::string_view value) { return read_option_tags(to.require, value); }},
    {"Proxy-Require", Times::often,
     [](Received& to, std::string_view value) { return read_option_tags(to.proxy_require, value); }},
}};
constexpr std::size_t kMandatory = 5;  // the first of kNeeded

auto malformed(std::string_view what) { return fail(ErrorCode::bad_input, std::string(what)); }

Result<void> read_start_line(Received& received, std::string_view line) {
    const auto start = parse_start_line(line);
    if (!start) return malformed("the start line is none of SIP");
    received.version = start->version;
    auto& message = received.message;
    message.status = start->status;
    if (start->status != 0) {
        message.reason = start->reason;
        return {};
    }
    message.method = start->method;
    if (!read_uri(message.uri, start->uri)) return malformed("the Request-URI is malformed");
    return {};
}

class FieldReader {
  public:
    explicit FieldReader(Received& received) : received_(received) {}

    Result<void> read(const HeaderField& field) {
        const auto name = long_header_name(field.name);
        const auto* needed = std::find_if(kNeeded.begin(), kNeeded.end(), [&](const NeededField& row) {
            return row.name.size() == name.size() && equal_ignoring_case(row.name, name);
        });
        if (needed == kNeeded.end()) return {};
        const auto bit = 1U << static_cast<unsigned>(needed - kNeeded.begin());
        if (needed->times == Times::once && (seen_ & bit) != 0)
            return malformed(std::string(needed->name) + " is there twice");
        seen_ |= bit;
        if (!needed->read(received_, field.value))
            return malformed(std::string(needed->name) + " is malformed");
        return {};
    }

    [[nodiscard]] Result<void> check_mandatory() const {
        for (std::size_t i = 0; i < kMandatory; ++i)
            if ((seen_ & (1U << i)) == 0) return malformed("there is no " + std::string(kNeeded[i].name));
        return {};
    }

  private:
    Received& received_;
    unsigned seen_ = 0;
};

}  // namespace

Result<void> read_fields(Received& received, const HeadText& head) {
    CALLCHAIN_TRY(read_start_line(received, head.start_line));
    constexpr std::size_t kUsualFields = 24;
    received.message.headers.reserve(kUsualFields);
    FieldReader reader(received);
    auto fields = head.fields;
    while (const auto line = take_field(fields)) {
        if (line->name.empty()) return malformed("a line of the head is no header field");
        auto& field = received.message.headers.emplace_back();
        field.name = line->name;
        field.value = line->unfolded();
        CALLCHAIN_TRY(reader.read(field));
    }
    CALLCHAIN_TRY(reader.check_mandatory());
    if (received.message.is_request() && received.cseq.method != received.message.method)
        return malformed("CSeq names another method than the request line");
    return {};
}

}  // namespace callchain::sip
