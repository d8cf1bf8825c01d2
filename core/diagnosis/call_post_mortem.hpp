/// What became of a call, read from what Twilio keeps of it.
#pragma once

#include "diagnosis/finding.hpp"
#include "twilio/call_resources.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

enum class CallFate {
    connected,      ///< the caller was connected, and nothing went wrong
    failed,         ///< the call, its leg to OpenAI or its document failed
    not_connected,  ///< busy, not answered, cancelled, or over without a leg
    not_over,       ///< it is queued, rings or goes on
    unknown,        ///< what Twilio keeps does not tell
};
[[nodiscard]] std::string_view name_of(CallFate fate);

/// A code of Twilio's, or a reading of its dial, that the resources of a call show.
struct ShownCode {
    enum class Kind { twilio_error, dial } kind = Kind::twilio_error;
    std::string explain;  ///< what `explain` has a page on: "13224", "failed:400"
    std::string title = {};
    std::string detail = {};  ///< of this call, safe to print; may be empty
    std::string fix = {};
    bool is_warning = false;
    std::size_t times = 1;
};

struct PostMortem {
    CallFate fate = CallFate::unknown;
    std::string sentence;          ///< what became of it
    std::string fix;               ///< may be empty
    std::string explain;           ///< as ShownCode::explain; may be empty
    std::vector<ShownCode> codes;  ///< the dial first, then errors, then warnings, each once
};

/// The dial is read from the last webhook that Twilio sent about it, else from the leg itself; what is safe
/// to print of texts from outside is kept, telephone numbers by their last four digits.
[[nodiscard]] PostMortem judge_call(const twilio::CallFile& file);

}  // namespace callchain::diagnosis
