/// The tables that make up the catalogue, one per section. Internal: everybody else includes catalogue.hpp.
#pragma once

#include "diagnosis/catalogue.hpp"

#include <span>

namespace callchain::diagnosis {

/// Each is in ascending order of its codes, which are unique over all of them.
[[nodiscard]] std::span<const CatalogueEntry> secret_entries();
[[nodiscard]] std::span<const CatalogueEntry> content_entries();  ///< content_, id_, timestamp_
[[nodiscard]] std::span<const CatalogueEntry> body_entries();
[[nodiscard]] std::span<const CatalogueEntry> signature_entries();  ///< algorithm_, header_, signature_
[[nodiscard]] std::span<const CatalogueEntry>
twilio_entries();                                             ///< parameter_, token_, url_, body_sha256_wrong
[[nodiscard]] std::span<const CatalogueEntry> log_entries();  ///< capture_, log_
[[nodiscard]] std::span<const CatalogueEntry> sdp_entries();  ///< sdp_
[[nodiscard]] std::span<const CatalogueEntry> twiml_entries();       ///< twiml_
[[nodiscard]] std::span<const CatalogueEntry> call_entries();        ///< call_
[[nodiscard]] std::span<const CatalogueEntry> receiver_entries();    ///< receiver_
[[nodiscard]] std::span<const CatalogueEntry> endpoint_entries();    ///< endpoint_
[[nodiscard]] std::span<const CatalogueEntry> twilio_api_entries();  ///< twilio_

}  // namespace callchain::diagnosis
