#include "base/text.hpp"
#include "sip/message.hpp"

#include <algorithm>

namespace callchain::sip {
namespace {

bool is_among(std::string_view tag, const std::vector<std::string>& tags) {
    return std::any_of(tags.begin(), tags.end(),
                       [&](const std::string& other) { return equal_ignoring_case(tag, other); });
}

std::string unsupported_of(const std::vector<std::string>& required,
                           const std::vector<std::string>& supported) {
    std::vector<std::string> missing;
    for (const auto& tag : required)
        if (!is_among(tag, supported) && !is_among(tag, missing)) missing.push_back(tag);
    return join(missing, ", ");
}

}  // namespace

std::optional<Refusal> check_request(const Received& request, const std::vector<std::string>& supported) {
    const auto& method = request.message.method;
    if (method == "ACK") return std::nullopt;  // nothing answers an ACK
    if (!equal_ignoring_case(request.version, "SIP/2.0")) return Refusal{505, "Version Not Supported"};
    const auto& scheme = request.message.uri.scheme;
    if (scheme != "sip" && scheme != "sips") return Refusal{416, "Unsupported URI Scheme"};
    if (request.max_forwards == 0U && method != "OPTIONS") return Refusal{483, "Too Many Hops"};
    if (method == "CANCEL") return std::nullopt;
    auto unsupported = unsupported_of(request.require, supported);
    if (unsupported.empty()) return std::nullopt;
    return Refusal{420, "Bad Extension", {{"Unsupported", std::move(unsupported)}}};
}

}  // namespace callchain::sip
