/// X-Twilio-Signature: HMAC-SHA1 over the URL that Twilio asked for and the parameters that it sent.
#pragma once

#include "base/result.hpp"
#include "crypto/hash.hpp"
#include "encoding/text_codings.hpp"
#include "signature/standard_webhooks.hpp"
#include "signature/twilio_url.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace callchain::signature {

/// The query parameter in which Twilio announces the hash of a body that is no form.
inline constexpr std::string_view kBodyHashParameter = "bodySHA256";

/// What Twilio appends to the URL: for each distinct name in byte order, for each distinct value of that name
/// in byte order, name and value without anything between them. Source: twilio-node 6.2.0 and twilio-python,
/// request validators (code units there, bytes here; the two differ only beyond U+FFFF).
[[nodiscard]] std::string signed_parameters(const encoding::FormFields& fields);

/// The HMAC key of an auth token: its text.
[[nodiscard]] crypto::HmacKey twilio_key(std::string_view token);

/// The header value for a request with these form fields; a GET request and a JSON body have none.
/// Source: Twilio, "Webhooks security", "Validating signatures from Twilio".
[[nodiscard]] std::string sign_twilio(std::string_view token, std::string_view url,
                                      const encoding::FormFields& fields);

/// The parts of a request that matter here, as received. Borrow from whoever holds the request.
struct TwilioRequest {
    std::string_view method;        ///< empty is read as POST
    std::string_view content_type;  ///< empty is read as a form, which is what Twilio's voice webhooks send
    std::string_view body;
    std::string_view signature;  ///< the value of X-Twilio-Signature
};

/// How the signature covers the body.
enum class BodyRole {
    none,        ///< there is no body, or none that means anything: GET has its data in the URL
    parameters,  ///< form fields, signed together with the URL
    hashed,      ///< the URL carries bodySHA256
    uncovered,   ///< no form and no bodySHA256: nothing vouches for the body
};
[[nodiscard]] BodyRole body_role(const UrlParts& url, const TwilioRequest& request);

enum class BodyCheck {
    covered,         ///< part of what was signed, or there is no body
    sha256_matches,  ///< SHA-256 of the body is the one in the URL
    sha256_differs,
    uncovered,  ///< see BodyRole
};

struct TwilioCheck {
    Mac mac = Mac::differs;
    BodyCheck body = BodyCheck::covered;     ///< under the URL that matched; under the first one if none did
    std::optional<std::size_t> token_index;  ///< which of the keys matched
    std::optional<std::size_t> url_index;    ///< which of the URLs
    std::optional<UrlCandidate> candidate;   ///< the form of that URL under which it matched
    [[nodiscard]] bool valid() const {
        return mac == Mac::matches && (body == BodyCheck::covered || body == BodyCheck::sha256_matches);
    }
};

/// Judges one request: the signature, compared in constant time, under every key and every candidate of every
/// URL (url_candidates()); and for a URL with bodySHA256 the hash of the raw body as well. Where several
/// combinations match, one with a fitting body is preferred. Errors: bad_input where a URL is no absolute
/// http or https URL. A wrong, cut or empty signature is a TwilioCheck. Source: twilio-node 6.2.0,
/// validateRequest and validateRequestWithBody. Unlike those, an empty body is hashed as such (not as "{}"),
/// and a JSON body without bodySHA256 is never valid.
[[nodiscard]] Result<TwilioCheck> check_twilio(std::span<const crypto::HmacKey> keys,
                                               std::span<const std::string> urls,
                                               const TwilioRequest& request);

/// 28 characters of strict base64, which are 20 bytes: the only shape that Twilio sends.
[[nodiscard]] bool is_twilio_signature(std::string_view text);

}  // namespace callchain::signature
