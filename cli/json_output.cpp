#include "json_output.hpp"

#include "context.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {

using Json = nlohmann::ordered_json;

void print_document(const Context& context, const Json& document) {
    context.out << json_document(document) << "\n";
}

Json read_json(std::string_view text) { return Json::parse(text, nullptr, false); }

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(std::string(text)); }

Json ms_or_null(const std::optional<std::chrono::milliseconds>& time) {
    return time ? Json(time->count()) : Json(nullptr);
}

}  // namespace callchain::cli
