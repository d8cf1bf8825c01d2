#include "base/text.hpp"
#include "sip/message.hpp"

#include <algorithm>
#include <array>

namespace callchain::sip {
namespace {

// Indexed by the letter; "" where no name has it. Source: IANA, "SIP Parameters", header fields.
constexpr std::array<std::string_view, 26> kLongNames = {
    /* a */ "Accept-Contact",
    /* b */ "Referred-By",
    /* c */ "Content-Type",
    /* d */ "Request-Disposition",
    /* e */ "Content-Encoding",
    /* f */ "From",
    /* g */ "",
    /* h */ "",
    /* i */ "Call-ID",
    /* j */ "Reject-Contact",
    /* k */ "Supported",
    /* l */ "Content-Length",
    /* m */ "Contact",
    /* n */ "Identity-Info",
    /* o */ "Event",
    /* p */ "",
    /* q */ "",
    /* r */ "Refer-To",
    /* s */ "Subject",
    /* t */ "To",
    /* u */ "Allow-Events",
    /* v */ "Via",
    /* w */ "",
    /* x */ "Session-Expires",
    /* y */ "Identity",
    /* z */ ""};

// Most names differ in length already.
bool same_name(std::string_view one, std::string_view other) {
    return one.size() == other.size() && equal_ignoring_case(one, other);
}

bool has_name(const Parameter& parameter, std::string_view name) { return same_name(parameter.name, name); }

}  // namespace

std::optional<std::string_view> Parameters::find(std::string_view name) const {
    const auto found = std::find_if(list.begin(), list.end(),
                                    [&](const Parameter& parameter) { return has_name(parameter, name); });
    if (found == list.end()) return std::nullopt;
    return found->value ? std::string_view(*found->value) : std::string_view();
}

void Parameters::set(std::string_view name, std::optional<std::string> value) {
    const auto found = std::find_if(list.begin(), list.end(),
                                    [&](const Parameter& parameter) { return has_name(parameter, name); });
    if (found == list.end())
        list.push_back({std::string(name), std::move(value)});
    else
        found->value = std::move(value);
}

void Parameters::remove(std::string_view name) {
    std::erase_if(list, [&](const Parameter& parameter) { return has_name(parameter, name); });
}

std::string_view long_header_name(std::string_view name) {
    if (name.size() != 1) return name;
    const auto letter = static_cast<unsigned char>(name.front()) | 0x20U;
    if (letter < 'a' || letter > 'z' || kLongNames[letter - 'a'].empty()) return name;
    return kLongNames[letter - 'a'];
}

std::vector<std::string_view> Message::values(std::string_view name) const {
    std::vector<std::string_view> found;
    const auto wanted = long_header_name(name);
    for (const auto& field : headers)
        if (same_name(long_header_name(field.name), wanted)) found.push_back(field.value);
    return found;
}

std::optional<std::string_view> Message::find(std::string_view name) const {
    const auto wanted = long_header_name(name);
    const auto found = std::find_if(headers.begin(), headers.end(), [&](const HeaderField& field) {
        return same_name(long_header_name(field.name), wanted);
    });
    if (found == headers.end()) return std::nullopt;
    return found->value;
}

void Message::add(std::string_view name, std::string value) {
    constexpr std::size_t kOfAnAnswer = 8;  // that many are usual, and more grow from there
    if (headers.empty()) headers.reserve(kOfAnAnswer);
    headers.push_back({std::string(name), std::move(value)});
}

}  // namespace callchain::sip
