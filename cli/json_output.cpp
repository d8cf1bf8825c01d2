#include "json_output.hpp"

#include "context.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {

using Json = nlohmann::ordered_json;

std::string json_document(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

void print_document(const Context& context, const Json& document) {
    context.out << json_document(document) << "\n";
}

std::string json_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json read_json(std::string_view text) { return Json::parse(text, nullptr, false); }

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(std::string(text)); }

Json ms_or_null(const std::optional<std::chrono::milliseconds>& time) {
    return time ? Json(time->count()) : Json(nullptr);
}

}  // namespace callchain::cli
