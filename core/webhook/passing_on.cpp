#include "webhook/passing_on.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace callchain::webhook {
namespace {

template <class List>
bool has_name(const List& names, std::string_view name) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view other) { return equal_ignoring_case(name, other); });
}

std::vector<std::string_view> names_in_connection(const Headers& headers) {
    std::vector<std::string_view> names;
    for (const auto value : headers.values("connection")) {
        for (const auto part : split(value, ',')) names.push_back(trim(part));
    }
    return names;
}

// Behind scheme and authority, where there are any. Borrows from `url`.
std::size_t end_of_authority(std::string_view url) {
    const auto mark = url.find("://");
    if (mark == std::string_view::npos) return 0;
    return std::min(url.find_first_of("/?", mark + 3), url.size());
}

}  // namespace

Headers without_hop_by_hop(const Headers& headers) {
    constexpr std::array<std::string_view, 7> kHopByHop{
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"};
    const auto named = names_in_connection(headers);
    Headers left;
    for (const auto& field : headers.fields) {
        if (!has_name(kHopByHop, field.name) && !has_name(named, field.name)) left.fields.push_back(field);
    }
    return left;
}

Headers request_headers_to_pass_on(const Headers& headers, HostHeader host) {
    auto left = without_hop_by_hop(headers);
    std::erase_if(left.fields, [host](const Header& field) {
        return equal_ignoring_case(field.name, "Content-Length") ||
               equal_ignoring_case(field.name, "Expect") ||
               (host == HostHeader::of_target && equal_ignoring_case(field.name, "Host"));
    });
    return left;
}

std::optional<std::string> join_targets(std::string_view configured, std::string_view received) {
    std::string with_path;
    if (!received.starts_with('/')) {
        const auto end = end_of_authority(received);
        if (end == 0) return std::nullopt;
        with_path = received.substr(end);
        if (!with_path.starts_with('/')) with_path.insert(0, 1, '/');
        received = with_path;
    }
    const auto query_at = std::min(configured.find('?'), configured.size());
    std::string joined(configured.substr(0, query_at));
    if (joined.empty()) joined = '/';
    const auto received_query_at = std::min(received.find('?'), received.size());
    if (joined.ends_with('/')) joined += received.substr(1, received_query_at - 1);
    joined += configured.substr(query_at);
    if (received_query_at == received.size()) return joined;
    joined += query_at == configured.size() ? '?' : '&';
    return joined += received.substr(received_query_at + 1);
}

std::optional<std::string> join_url(std::string_view url, std::string_view received) {
    const auto end = end_of_authority(url);
    auto target = join_targets(url.substr(end), received);
    if (target) target->insert(0, url.substr(0, end));
    return target;
}

}  // namespace callchain::webhook
