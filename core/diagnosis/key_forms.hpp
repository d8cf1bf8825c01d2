/// Every key that a secret may have been turned into, by the sender's or the receiver's side.
#pragma once

#include "diagnosis/forms.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

struct KeyForm {
    std::string bytes;
    Faults faults;  ///< empty: the key as configured
    int cost = 0;   ///< how unlikely, in faults; 0 to 2
    Reach reach = Reach::combines;
};

/// The key forms of one secret, no two with equal bytes, cheapest first. Includes up to two faults: dirt
/// around the secret, how it was decoded, and one character lost at an end or mistaken for one that looks
/// like it.
[[nodiscard]] std::vector<KeyForm> key_forms(std::string_view secret);

/// Hands over the keys of all other typos, of cost 2: a character lost within, any character mistaken for any
/// other, two look-alikes. They are thousands, so they are made one by one and not kept.
void visit_typo_forms(std::string_view secret, const std::function<void(KeyForm)>& visit);

/// HMAC fills a short key with zero bytes, so keys that differ only in zero bytes at the end are one key
/// (RFC 2104 section 2). This is the part that counts. Borrows from `key`.
[[nodiscard]] std::string_view significant_key(std::string_view key);

/// Keys of code that does not take a list of secrets apart: the whole list as text, with and without
/// `whsec_`.
[[nodiscard]] std::vector<KeyForm> unsplit_key_forms(const std::vector<std::string>& secrets);

/// Keys that need no secret: what code uses when the variable is not set.
[[nodiscard]] std::vector<KeyForm> unset_key_forms();

}  // namespace callchain::diagnosis
