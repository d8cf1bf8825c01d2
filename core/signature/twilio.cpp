#include "signature/twilio.hpp"

#include "base/text.hpp"
#include "encoding/base64.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace callchain::signature {
namespace {

constexpr std::size_t kSignatureBytes = 20;  // SHA-1

bool is_form(std::string_view content_type) {
    const auto media_type = trim(content_type.substr(0, content_type.find(';')));
    return media_type.empty() || equal_ignoring_case(media_type, "application/x-www-form-urlencoded");
}

bool has_no_body(std::string_view method) {
    return equal_ignoring_case(method, "GET") || equal_ignoring_case(method, "HEAD");
}

std::string signature_of(const crypto::HmacKey& key, std::string_view url, std::string_view parameters) {
    return encoding::to_base64(key.sign({url, parameters}).view());
}

BodyCheck check_body(BodyRole role, const UrlParts& url, std::string_view body) {
    switch (role) {
        case BodyRole::none:
        case BodyRole::parameters:
            return BodyCheck::covered;
        case BodyRole::uncovered:
            return BodyCheck::uncovered;
        case BodyRole::hashed:
            break;
    }
    const auto announced = query_parameter(url.query, kBodyHashParameter).value_or("");
    return crypto::equal_in_constant_time(announced, crypto::sha256_hex(body)) ? BodyCheck::sha256_matches
                                                                               : BodyCheck::sha256_differs;
}

// The first candidate and key that yield the signature.
std::optional<std::pair<UrlCandidate, std::size_t>> find_match(std::span<const crypto::HmacKey> keys,
                                                               const UrlParts& url,
                                                               std::string_view parameters,
                                                               std::string_view signature) {
    for (auto& candidate : url_candidates(url)) {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (crypto::equal_in_constant_time(signature_of(keys[i], candidate.url, parameters), signature))
                return std::pair{std::move(candidate), i};
        }
    }
    return std::nullopt;
}

}  // namespace

std::string signed_parameters(const encoding::FormFields& fields) {
    std::vector<std::pair<std::string_view, std::string_view>> sorted(fields.begin(), fields.end());
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    std::string out;
    for (const auto& [name, value] : sorted) out.append(name).append(value);
    return out;
}

crypto::HmacKey twilio_key(std::string_view token) { return {crypto::HashAlgorithm::sha1, token}; }

std::string sign_twilio(std::string_view token, std::string_view url, const encoding::FormFields& fields) {
    return signature_of(twilio_key(token), url, signed_parameters(fields));
}

BodyRole body_role(const UrlParts& url, const TwilioRequest& request) {
    if (query_parameter(url.query, kBodyHashParameter)) return BodyRole::hashed;
    if (request.body.empty() || has_no_body(request.method)) return BodyRole::none;
    return is_form(request.content_type) ? BodyRole::parameters : BodyRole::uncovered;
}

Result<TwilioCheck> check_twilio(std::span<const crypto::HmacKey> keys, std::span<const std::string> urls,
                                 const TwilioRequest& request) {
    std::vector<UrlParts> parsed;
    for (const auto& url : urls) parsed.push_back(CALLCHAIN_TRY(split_url(url)));
    std::optional<std::string> parameters;
    TwilioCheck best;
    for (std::size_t i = 0; i < parsed.size(); ++i) {
        const BodyRole role = body_role(parsed[i], request);
        if (role == BodyRole::parameters && !parameters)
            parameters = signed_parameters(encoding::parse_form(request.body));
        const BodyCheck body = check_body(role, parsed[i], request.body);
        if (i == 0) best.body = body;
        const auto match =
            find_match(keys, parsed[i], role == BodyRole::parameters ? *parameters : "", request.signature);
        if (!match) continue;
        TwilioCheck check{Mac::matches, body, match->second, i, match->first};
        if (best.mac == Mac::differs || check.valid()) best = std::move(check);
        if (best.valid()) break;
    }
    return best;
}

bool is_twilio_signature(std::string_view text) {
    const auto bytes = encoding::parse_base64(text);
    return bytes && bytes->size() == kSignatureBytes;
}

}  // namespace callchain::signature
