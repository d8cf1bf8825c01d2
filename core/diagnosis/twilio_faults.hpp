/// What may have happened to a Twilio request between Twilio and here, as tables: each row undoes one kind of
/// damage, so that recomputing the signature shows whether it was that.
#pragma once

#include "encoding/text_codings.hpp"
#include "signature/public_url.hpp"
#include "signature/secret_cleaning.hpp"
#include "signature/twilio_url.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// What the rows may look at besides the piece that they change.
struct TwilioScene {
    std::string_view method;
    std::string_view content_type;
    std::string_view body;
    std::string_view target;                ///< of the request line; may be empty
    signature::HeaderFields headers;        ///< as received
    encoding::FormFields fields;            ///< the body read as a form
    std::vector<signature::UrlParts> urls;  ///< every URL that was given or rebuilt
};

/// Whether a row or one of its changes also takes part in pairs of faults. The wide ones and those that are
/// only a guess do not: their pairs would fill the search.
enum class Pairing { with_others, alone };

struct UrlChange {
    signature::UrlParts url;
    std::string detail;  ///< what Twilio signed, and what stands here
    Pairing pairing = Pairing::with_others;
};
struct UrlFault {
    std::string_view code;
    Pairing pairing;
    std::vector<UrlChange> (*undo)(const signature::UrlParts& url, const TwilioScene& scene);
};
[[nodiscard]] std::span<const UrlFault> url_faults();

struct FieldsChange {
    encoding::FormFields fields;
    std::string detail;
};
/// May a pair consist of this fault in two places?
enum class Twice { no, yes };
/// Faults of the parameters once they are read. The rows that change one field at a time, or add some, give
/// nothing where fits_one_by_one() says no.
struct FieldsFault {
    std::string_view code;
    Twice twice;
    std::vector<FieldsChange> (*undo)(const encoding::FormFields& fields, const TwilioScene& scene);
};
/// At most 100 fields and 32 KiB: several times what Twilio sends.
[[nodiscard]] bool fits_one_by_one(const encoding::FormFields& fields);
[[nodiscard]] std::span<const FieldsFault> fields_faults();

struct TextChange {
    std::string text;
    std::string detail;
};
struct TextFault {
    std::string_view code;
    std::vector<TextChange> (*undo)(std::string_view text);
};
/// Faults of the header's value; each result is to be judged as X-Twilio-Signature again.
[[nodiscard]] std::span<const TextFault> signature_faults();

/// Faults of an auth token beyond those of any secret (signature::secret_cleanings()).
[[nodiscard]] std::span<const signature::SecretCleaning> token_faults();
/// Two capital letters and 32 hex digits: an identifier (AC…, SK…, CA…), never a token.
[[nodiscard]] bool is_twilio_sid(std::string_view text);

}  // namespace callchain::diagnosis
