#include "webhook/diff.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>

namespace callchain::webhook {
namespace {

BodyPlace place_of(std::string_view body, std::size_t offset) {
    const auto before = body.substr(0, offset);
    const auto last = before.rfind('\n');
    return {static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
            offset - (last == std::string_view::npos ? 0 : last + 1) + 1};
}

std::vector<HexRow> window(std::string_view body, std::size_t first, std::size_t from, std::size_t to) {
    std::vector<HexRow> rows;
    const auto row_of_first = first / kHexRowBytes;
    auto offset = (row_of_first == 0 ? 0 : row_of_first - 1) * kHexRowBytes;
    for (; offset < body.size() && rows.size() < kMostHexRows; offset += kHexRowBytes) {
        HexRow row;
        row.offset = offset;
        row.bytes = body.substr(offset, kHexRowBytes);
        for (std::size_t i = 0; i < row.bytes.size(); ++i) {
            const char c = row.bytes[i];
            row.text += c >= ' ' && c < 0x7F ? c : '.';
            row.differs[i] = offset + i >= from && offset + i < to;
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

struct RoleRow {
    std::string_view name;  ///< lower case; a final '*' stands for any rest
    HeaderRole role;
};
// Sources: RFC 9110 section 7.6 (hop-by-hop), RFC 7239 (forwarded), Railway's documentation of the
// headers that its edge adds; the other prefixes are those of widespread platforms and tracing systems,
// without claim to be complete.
constexpr std::array<RoleRow, 82> kRoles{{
    {"webhook-id", HeaderRole::signed_content},
    {"webhook-timestamp", HeaderRole::signed_content},
    {"webhook-signature", HeaderRole::signed_content},
    {"svix-id", HeaderRole::signed_content},
    {"svix-timestamp", HeaderRole::signed_content},
    {"svix-signature", HeaderRole::signed_content},
    {"x-twilio-signature", HeaderRole::signed_content},
    {"content-length", HeaderRole::body_shape},
    {"content-type", HeaderRole::body_shape},
    {"content-encoding", HeaderRole::body_shape},
    {"transfer-encoding", HeaderRole::body_shape},
    {"content-md5", HeaderRole::body_shape},
    {"digest", HeaderRole::body_shape},
    {"content-digest", HeaderRole::body_shape},
    {"authorization", HeaderRole::credential},
    {"proxy-authorization", HeaderRole::credential},
    {"cookie", HeaderRole::credential},
    {"set-cookie", HeaderRole::credential},
    {"x-api-key", HeaderRole::credential},
    {"api-key", HeaderRole::credential},
    {"x-auth-token", HeaderRole::credential},
    {"x-amz-security-token", HeaderRole::credential},
    {"x-vercel-oidc-token", HeaderRole::credential},
    {"x-vercel-proxy-signature*", HeaderRole::credential},
    {"x-api-token", HeaderRole::credential},
    {"x-access-token", HeaderRole::credential},
    {"x-session-token", HeaderRole::credential},
    {"x-csrf-token", HeaderRole::credential},
    {"x-xsrf-token", HeaderRole::credential},
    {"x-gitlab-token", HeaderRole::credential},
    {"x-forwarded-access-token", HeaderRole::credential},
    {"x-forwarded-client-cert", HeaderRole::credential},
    {"x-auth-request-access-token", HeaderRole::credential},
    {"x-amzn-oidc-*", HeaderRole::credential},
    {"x-goog-iap-jwt-assertion", HeaderRole::credential},
    {"x-ms-token-*", HeaderRole::credential},
    {"cf-access-client-secret", HeaderRole::credential},
    {"cf-access-jwt-assertion", HeaderRole::credential},
    {"connection", HeaderRole::proxy},
    {"keep-alive", HeaderRole::proxy},
    {"proxy-*", HeaderRole::proxy},
    {"te", HeaderRole::proxy},
    {"trailer", HeaderRole::proxy},
    {"upgrade", HeaderRole::proxy},
    {"via", HeaderRole::proxy},
    {"forwarded", HeaderRole::proxy},
    {"x-forwarded-*", HeaderRole::proxy},
    {"x-original-*", HeaderRole::proxy},
    {"x-real-ip", HeaderRole::proxy},
    {"x-request-id", HeaderRole::proxy},
    {"x-request-start", HeaderRole::proxy},
    {"x-railway-*", HeaderRole::proxy},
    {"cf-*", HeaderRole::proxy},
    {"cdn-loop", HeaderRole::proxy},
    {"true-client-ip", HeaderRole::proxy},
    {"fly-*", HeaderRole::proxy},
    {"x-vercel-*", HeaderRole::proxy},
    {"x-amzn-*", HeaderRole::proxy},
    {"x-amz-cf-id", HeaderRole::proxy},
    {"x-azure-*", HeaderRole::proxy},
    {"x-arr-*", HeaderRole::proxy},
    {"x-ms-client-principal*", HeaderRole::proxy},
    {"x-appengine-*", HeaderRole::proxy},
    {"x-nf-*", HeaderRole::proxy},
    {"rndr-id", HeaderRole::proxy},
    {"ngrok-*", HeaderRole::proxy},
    {"fastly-*", HeaderRole::proxy},
    {"akamai-*", HeaderRole::proxy},
    {"x-akamai-*", HeaderRole::proxy},
    {"x-client-ip", HeaderRole::proxy},
    {"x-cluster-client-ip", HeaderRole::proxy},
    {"x-scheme", HeaderRole::proxy},
    {"x-cloud-trace-context", HeaderRole::proxy},
    {"x-envoy-*", HeaderRole::proxy},
    {"x-heroku-*", HeaderRole::proxy},
    {"traceparent", HeaderRole::proxy},
    {"tracestate", HeaderRole::proxy},
    {"baggage", HeaderRole::proxy},
    {"b3", HeaderRole::proxy},
    {"x-b3-*", HeaderRole::proxy},
    {"x-datadog-*", HeaderRole::proxy},
    {"uber-trace-id", HeaderRole::proxy},
}};

/// All fields of one name in one of the requests.
struct Named {
    std::vector<std::string> names;
    std::vector<std::string> values;
    std::size_t first = 0;  ///< index of the first field
};
using ByName = std::map<std::string, Named>;

ByName by_name(const Headers& headers) {
    ByName found;
    for (std::size_t i = 0; i < headers.fields.size(); ++i) {
        auto& named = found[ascii_lower(headers.fields[i].name)];
        if (named.names.empty()) named.first = i;
        named.names.push_back(headers.fields[i].name);
        named.values.push_back(headers.fields[i].value);
    }
    return found;
}

std::vector<std::string> shown(const std::vector<std::string>& values, HeaderRole role) {
    if (role != HeaderRole::credential) return values;
    std::vector<std::string> lengths;
    std::transform(values.begin(), values.end(), std::back_inserter(lengths), [](const std::string& value) {
        return "(" + count_of(value.size(), "byte") + ", not shown)";
    });
    return lengths;
}

std::optional<HeaderDifference> compare(const std::string& lower_name, const Named* a, const Named* b) {
    using Kind = HeaderDifference::Kind;
    const auto role = header_role(lower_name);
    if (b == nullptr) return HeaderDifference{Kind::only_in_a, a->names[0], role, shown(a->values, role), {}};
    if (a == nullptr) return HeaderDifference{Kind::only_in_b, b->names[0], role, {}, shown(b->values, role)};
    if (a->values != b->values) {
        return HeaderDifference{Kind::values, a->names[0], role, shown(a->values, role),
                                shown(b->values, role)};
    }
    if (a->names != b->names) return HeaderDifference{Kind::name_case, a->names[0], role, a->names, b->names};
    return std::nullopt;
}

/// The names that both have, in the order of `headers`.
std::vector<std::string> shared_order(const Headers& headers, const ByName& other) {
    std::vector<std::string> order;
    for (const auto& field : headers.fields) {
        auto name = ascii_lower(field.name);
        if (other.contains(name)) order.push_back(std::move(name));
    }
    return order;
}

bool a_count_differs(const ByName& a, const ByName& b) {
    return std::any_of(a.begin(), a.end(), [&](const auto& entry) {
        const auto other = b.find(entry.first);
        return other != b.end() && other->second.values.size() != entry.second.values.size();
    });
}

}  // namespace

BodyDifference diff_bodies(std::string_view a, std::string_view b) {
    BodyDifference difference;
    difference.length_a = a.size();
    difference.length_b = b.size();
    const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    difference.common_prefix = static_cast<std::size_t>(at_a - a.begin());
    if (at_a == a.end() && at_b == b.end()) return difference;
    const auto rest_a = a.substr(difference.common_prefix);
    const auto rest_b = b.substr(difference.common_prefix);
    const auto ends = std::mismatch(rest_a.rbegin(), rest_a.rend(), rest_b.rbegin(), rest_b.rend());
    difference.common_suffix = static_cast<std::size_t>(ends.first - rest_a.rbegin());
    const auto first = difference.common_prefix;
    difference.first = first;
    difference.place = place_of(a, first);
    difference.rows_a = window(a, first, first, a.size() - difference.common_suffix);
    difference.rows_b = window(b, first, first, b.size() - difference.common_suffix);
    return difference;
}

HeaderRole header_role(std::string_view name) {
    const auto lower = ascii_lower(name);
    for (const auto& row : kRoles) {
        const bool any_rest = row.name.ends_with('*');
        const auto stem = row.name.substr(0, row.name.size() - (any_rest ? 1 : 0));
        if (any_rest ? lower.starts_with(stem) : lower == stem) return row.role;
    }
    return HeaderRole::other;
}

HeadersDifference diff_headers(const Headers& a, const Headers& b) {
    const auto names_a = by_name(a);
    const auto names_b = by_name(b);
    // Ranked by role, then by place in `a`; what `a` has not comes last, in the order of `b`.
    std::map<std::pair<HeaderRole, std::size_t>, HeaderDifference> ranked;
    const auto look = [&](const std::string& name, const Named* in_a, const Named* in_b) {
        auto difference = compare(name, in_a, in_b);
        if (!difference) return;
        const auto place = in_a != nullptr ? in_a->first : a.fields.size() + in_b->first;
        const auto role = difference->role;
        ranked.emplace(std::pair{role, place}, *std::move(difference));
    };
    for (const auto& [name, named] : names_a) {
        const auto other = names_b.find(name);
        look(name, &named, other == names_b.end() ? nullptr : &other->second);
    }
    for (const auto& [name, named] : names_b) {
        if (!names_a.contains(name)) look(name, nullptr, &named);
    }
    HeadersDifference result;
    for (auto& entry : ranked) result.differences.push_back(std::move(entry.second));
    result.order_differs =
        !a_count_differs(names_a, names_b) && shared_order(a, names_b) != shared_order(b, names_a);
    return result;
}

}  // namespace callchain::webhook
