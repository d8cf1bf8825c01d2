/// Any text is refused or cut without loss; its candidates are few, distinct, absolute, and keep the path
/// wherever they do not normalise; what was normalised stays as it is when normalised again.
#include "fuzz/require.hpp"
#include "signature/public_url.hpp"
#include "signature/twilio_url.hpp"

#include <cstdint>
#include <set>

namespace callchain::signature {
namespace {

void check_candidates(const UrlParts& url) {
    const auto candidates = url_candidates(url);
    require(candidates.size() >= 2 && candidates.size() <= kMostUrlCandidates);
    std::set<std::string> seen;
    for (const auto& candidate : candidates) {
        require(seen.insert(candidate.url).second);
        const auto parts = split_url(candidate.url);
        require(parts.has_value());
        if (candidate.form != UrlForm::port_removed && candidate.form != UrlForm::port_kept) continue;
        require(parts->path == url.path && parts->query == url.query && parts->fragment == url.fragment);
        require(parts->host == url.host);
        require(candidate.form == UrlForm::port_kept || parts->port.empty());
    }
}

void check_normal_form(const UrlParts& url) {
    const auto normal = normalise_url(url);
    if (!normal) return;
    require(normal->path.starts_with('/'));
    const auto again = split_url(normal->text());
    require(again.has_value() && normalise_url(*again).has_value());
    require(normalise_url(*again)->text() == normal->text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto url = split_url(text);
    if (url) {
        require(url->text() == text);
        check_candidates(*url);
        check_normal_form(*url);
    }
    require(show_url(text).find('\x1b') == std::string::npos);
    const HeaderFields headers{{"Forwarded", std::string(text)},
                               {"X-Forwarded-Host", std::string(text)},
                               {"X-Forwarded-Prefix", std::string(text)},
                               {"X-Forwarded-Port", std::string(text)}};
    const auto rebuilt = rebuild_urls("/v", headers);
    require(rebuilt.size() <= kMostRebuiltUrls);
    for (const auto& candidate : rebuilt) require(split_url(candidate.url).has_value());
    return 0;
}

}  // namespace callchain::signature
