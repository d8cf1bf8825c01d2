#include "encoding/json_document.hpp"

#include <nlohmann/json.hpp>

namespace callchain::encoding {

using Json = nlohmann::ordered_json;

std::string json_document(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string json_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace callchain::encoding
