/// The URLs, parameters, tokens and signatures that may have been the true ones, given those that are here.
#pragma once

#include "crypto/hash.hpp"
#include "diagnosis/finding.hpp"
#include "diagnosis/twilio_diagnosis.hpp"
#include "diagnosis/twilio_faults.hpp"
#include "signature/twilio.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// What was undone to get at a form; empty for what is here as it is. Their `proof` is proved: they are only
/// told of forms that match.
using Steps = std::vector<Finding>;

struct UrlStep {
    signature::UrlParts parts;
    std::size_t origin = 0;  ///< index of the URL that it was derived from
    Steps steps = {};
    std::size_t next_row = 0;  ///< of url_faults(): rows before it are not tried on top of this
    Pairing pairing = Pairing::with_others;
};
/// Everything one fault further than `from`.
[[nodiscard]] std::vector<UrlStep> alter(const UrlStep& from, const TwilioScene& scene);

struct FieldsStep {
    encoding::FormFields fields;
    Steps steps = {};
    std::size_t next_row = 0;  ///< of fields_faults()
    bool from_form =
        true;  ///< false: the fields were not read from a form, so no form need have been expected
};
[[nodiscard]] std::vector<FieldsStep> alter(const FieldsStep& from, const TwilioScene& scene);

struct TokenStep {
    std::string text;
    std::size_t index = 0;  ///< of the token that it was derived from
    Steps steps = {};
};
[[nodiscard]] std::vector<TokenStep> alter(const TokenStep& from);

/// The 20 bytes that a signature text stands for.
struct Target {
    std::string bytes;
    Steps steps = {};
};
/// The text as it is, where it has the right shape; else everything up to two faults away that has it.
[[nodiscard]] std::vector<Target> signature_targets(std::string_view text);

}  // namespace callchain::diagnosis
