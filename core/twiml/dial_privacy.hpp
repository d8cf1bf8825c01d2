/// What may be shown of a dial action's parameters: no whole phone numbers, no credentials, no names of
/// people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace callchain::twiml {

/// `text` with all but the last four digits of each phone number left out: "+…3636". A phone number is a
/// run of seven digits or more, within words too, and across what people put between them (blanks, hyphens,
/// dots, brackets); also the digits of a WhatsApp user id (BR.1502576394655843) where there are five or more.
/// Sids, UUIDs and dates stay.
[[nodiscard]] std::string mask_phone_numbers(std::string_view text);

/// `text` with the values of names that carry credentials (`token=…`) and the passwords of URLs
/// (`https://user:…@host`) replaced by "(withheld)".
[[nodiscard]] std::string withhold_credentials(std::string_view text);

/// Whether `name` is that of a credential or of a person, so that nothing of its value may be shown: anything
/// with token, secret, password, auth, key, signature, credential; SipUsername; CallerName. Case does not
/// matter.
[[nodiscard]] bool is_private_name(std::string_view name);

/// Any text of a request as it may be shown, of at most `most` characters: both of the above, secrets
/// withheld, control characters visible.
[[nodiscard]] std::string show_text(std::string_view text, std::size_t most);

/// As show_text(), of the value of `name`; that of a private name is "(withheld, 12 characters)".
[[nodiscard]] std::string show_parameter(std::string_view name, std::string_view value, std::size_t most);

}  // namespace callchain::twiml
