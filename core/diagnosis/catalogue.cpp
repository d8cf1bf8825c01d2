#include "diagnosis/catalogue.hpp"

#include "base/nearest_words.hpp"
#include "diagnosis/catalogue_tables.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <utility>

namespace callchain::diagnosis {
namespace {

std::vector<CatalogueEntry> joined_tables() {
    std::vector<CatalogueEntry> all;
    for (const auto table : {secret_entries(), content_entries(), body_entries(), signature_entries(),
                             twilio_entries(), log_entries(), sdp_entries(), twiml_entries(), call_entries(),
                             receiver_entries(), endpoint_entries(), twilio_api_entries()}) {
        all.insert(all.end(), table.begin(), table.end());
    }
    return all;
}

}  // namespace

std::span<const CatalogueEntry> catalogue() {
    static const std::vector<CatalogueEntry> all = joined_tables();
    return all;
}

const CatalogueEntry* find_entry(std::string_view code) {
    const auto all = catalogue();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.code == code; });
    return found == all.end() ? nullptr : &*found;
}

std::vector<std::string_view> nearest_codes(std::string_view code) {
    std::vector<std::string_view> codes;
    for (const auto& entry : catalogue()) codes.push_back(entry.code);
    return nearest_words(code, codes);
}

}  // namespace callchain::diagnosis
