/// Whatever stands in the variable: a secret that can be read is read the same way again, every cleaning
/// comes to an end, and nothing that is said about a secret shows it.
#include "diagnosis/key_forms.hpp"
#include "encoding/base64.hpp"
#include "fuzz/require.hpp"
#include "signature/secret.hpp"
#include "signature/secret_cleaning.hpp"

#include <cstdint>

namespace callchain::signature {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto& item : split_secret_list(text)) require(item.size() <= size);
    require(without_wrapping(without_wrapping(text)) == without_wrapping(text));

    if (const auto key = read_secret(text); key && text.starts_with(kSecretPrefix)) {
        const auto again = read_secret(std::string(kSecretPrefix) + encoding::to_base64(key->bytes));
        require(again && again->bytes == key->bytes);
    }
    for (const auto& cleaning : secret_cleanings()) {
        const auto cleaned = cleaning.apply(text);
        require(!cleaned || (!cleaned->empty() && *cleaned != text));
    }
    // A word that long is none of ours.
    constexpr std::size_t kTelling = 24;
    const auto start = text.substr(0, kTelling);
    const bool is_word = size >= kTelling && start.find(' ') == std::string_view::npos;
    for (const auto& remark : lint_secret(text))
        require(!is_word || remark.detail.find(start) == std::string::npos);
    require(mask_secret(text).size() <= 6 * 16 + 3);

    int cost = 0;
    for (const auto& form : diagnosis::key_forms(text)) {
        require(form.cost >= cost && form.cost <= 2 && form.faults.size() <= 2);
        cost = form.cost;
    }
    return 0;
}

}  // namespace callchain::signature
