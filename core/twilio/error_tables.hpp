/// The tables that make up the error pages, one per subject. Internal: everybody else includes
/// error_codes.hpp.
#pragma once

#include "twilio/error_codes.hpp"

#include <span>

namespace callchain::twilio {

/// Each is in ascending order of its codes, which are unique over all of them.
[[nodiscard]] std::span<const ErrorPage>
webhook_errors();  ///< account, fetching our answers: 10xxx, 11xxx, 15xxx
[[nodiscard]] std::span<const ErrorPage> twiml_errors();  ///< reading our answers: 12xxx, 13xxx
[[nodiscard]] std::span<const ErrorPage> rest_errors();   ///< REST: 20xxx, 21xxx
[[nodiscard]] std::span<const ErrorPage> sip_errors();    ///< SIP Domains and trunks: 32xxx
[[nodiscard]] std::span<const ErrorPage>
whatsapp_errors();  ///< WhatsApp calling, and products beside it: 37xxx and above

/// Where a title comes from, as a date: the list of all codes, or a newer page of the one code.
inline constexpr std::string_view kList = "2023-05-15";
inline constexpr std::string_view kPage = "2026";
inline constexpr std::string_view kPages = "2024 to 2026";  ///< a copy of its page without a date of its own

}  // namespace callchain::twilio
