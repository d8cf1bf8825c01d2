/// Read once for all files of this folder, in front of each. No file may lean on it: `./dev lint` compiles
/// without.
#pragma once

#include <CLI/App.hpp>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::cli::precompiled {

// What these ask of nlohmann's templates is worked out here, and not again in each file. Nothing is called.
using Json = nlohmann::ordered_json;
using Made = decltype(Json{{"text", std::string()},
                           {"view", std::string_view()},
                           {"literal", "text"},
                           {"number", 1},
                           {"count", std::size_t{1}},
                           {"real", 1.0},
                           {"yes", true},
                           {"nothing", nullptr},
                           {"json", Json()},
                           {"object", {{"inner", 1}}}});
using Member = decltype(std::declval<Json&>()["name"] = std::string());
using Element = decltype(std::declval<Json&>().push_back(Json()));
using Text = decltype(std::declval<const Json&>().get<std::string>());
using Found = decltype(std::declval<const Json&>().find("name") == std::declval<const Json&>().end());

}  // namespace callchain::cli::precompiled
