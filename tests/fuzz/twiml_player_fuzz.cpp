/// Whatever the application under test answers, the stand-in of Twilio runs or refuses: the same steps each
/// time, nothing to dial where there is a fault, and words that can be shown.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "simulator/twiml_player.hpp"

#include <cstdint>

using namespace callchain;
using namespace callchain::simulator;

namespace {

void check_problem(const TwilioProblem& problem) {
    require(problem.code >= 10'000 && problem.code < 100'000);
    require(!problem.why.empty() && visible(problem.why) == problem.why);
}

void check_dial(const DialStep& dial) {
    if (dial.fault) {
        require(dial.sips.empty());
        check_problem(*dial.fault);
    }
    for (const auto& sip : dial.sips) {
        require(!sip.uri.host.empty());
        const auto written = sip::write_uri(sip.uri);
        require(visible(written) == written && sip::parse_uri(written).has_value());
        for (const auto& header : sip.headers)
            require((header.name + header.value).find_first_of("\r\n") == std::string::npos);
    }
    for (const std::string_view caller : {"whatsapp:+5561999994321", "sip:a@b.example"}) {
        if (const auto problem = check_caller_id(dial, caller)) check_problem(*problem);
        (void)shown_caller_id(dial, caller);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view document(reinterpret_cast<const char*>(data), size);
    const auto script = read_script(document);
    for (const auto& warning : script.warnings) check_problem(warning);
    if (script.failure) {
        check_problem(*script.failure);
        require(script.steps.empty());
    }
    for (const auto& step : script.steps) {
        if (const auto* dial = std::get_if<DialStep>(&step)) check_dial(*dial);
        if (const auto* reject = std::get_if<RejectStep>(&step))
            require(reject->status == 486 || reject->status == 404);
        if (const auto* pause = std::get_if<PauseStep>(&step)) require(pause->length.count() >= 0);
    }
    const auto summary = summary_of(script);
    require(!summary.empty() && visible(summary) == summary && summary == summary_of(read_script(document)));
    return 0;
}
