/// The commands within `endpoints`.
#pragma once

#include "context.hpp"

#include <CLI/App.hpp>

namespace callchain::cli {

void add_endpoints_list(CLI::App& endpoints, Context& context);
void add_endpoints_test(CLI::App& endpoints, Context& context);
void add_endpoints_rotate(CLI::App& endpoints, Context& context);

}  // namespace callchain::cli
