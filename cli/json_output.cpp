#include "json_output.hpp"

#include <nlohmann/json.hpp>

namespace callchain::cli {

using Json = nlohmann::ordered_json;

std::string json_document(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string json_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json read_json(std::string_view text) { return Json::parse(text, nullptr, false); }

}  // namespace callchain::cli
