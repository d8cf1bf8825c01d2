/// A scenario of a stand-in is read or refused, whatever its form; what is read is as JSON would have it, and
/// an error names a place of the document or can be shown.
#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "fuzz/require.hpp"
#include "simulator/scenario.hpp"

#include <cstdint>

using namespace callchain;
using namespace callchain::simulator;

namespace {

template <class Conduct>
void check_script(const Scenario& scenario) {
    const auto script = make_script(scenario, {}, Conduct{});
    if (script)
        require(script->calls.size() == scenario.calls.size());
    else
        require(!script.error().message.empty() && visible(script.error().message) == script.error().message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto scenario = read_scenario(text);
    if (!scenario) {
        require(scenario.error().offset.value_or(0) <= size);
        require(visible(scenario.error().message) == scenario.error().message);
        return 0;
    }
    require(encoding::parse_json_text(text).has_value());
    check_script<MetaConduct>(*scenario);
    check_script<TwilioConduct>(*scenario);
    check_script<OpenAiConduct>(*scenario);
    return 0;
}
