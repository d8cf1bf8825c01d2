#include "doctor/words.hpp"

#include "diagnosis/catalogue.hpp"

namespace callchain::doctor {

std::string fix_of(std::string_view code) {
    const auto* entry = diagnosis::find_entry(code);
    return entry == nullptr ? std::string() : std::string(entry->fix);
}

std::string titled(std::string_view code, std::string_view detail) {
    const auto* entry = diagnosis::find_entry(code);
    return (entry == nullptr ? std::string() : std::string(entry->title) + ": ") + std::string(detail);
}

}  // namespace callchain::doctor
