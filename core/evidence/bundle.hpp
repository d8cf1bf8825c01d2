/// An archive of evidence of one call or of many, fit to be given to a vendor's support.
#pragma once

#include "base/result.hpp"
#include "evidence/archive.hpp"
#include "evidence/mask.hpp"
#include "timeline/event.hpp"

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::evidence {

/// How a recorded delivery was judged, where there were secrets to judge it with.
struct Judged {
    std::string verdict;  ///< "valid", "invalid", "no_signature", "no_secret"
    std::string scheme;   ///< "standard", "twilio", "none"
    std::string label;    ///< of the secret that fits; may be empty
    std::vector<std::string> codes = {};
    bool proved = false;
    std::string detail = {};
};

struct Input {
    enum class Kind {
        log,        ///< of serve or gateway run
        capture,    ///< one recorded request
        sip_trace,  ///< JSON lines of the gateway's trace, or SIP messages as text
        twilio,     ///< of twilio fetch --save
    };
    Kind kind = Kind::log;
    std::string name;  ///< without folders
    std::string bytes;
    std::optional<timeline::WallTime> at = std::nullopt;  ///< of a capture; else not in the timeline
    std::optional<Judged> judged = std::nullopt;          ///< of a capture
};

enum class Audience { anybody, openai, twilio, meta };
[[nodiscard]] std::string_view name_of(Audience audience);

struct Request {
    std::vector<Input> inputs;
    std::string call;  ///< any id of a call: only what belongs to it; empty: all
    Audience audience = Audience::anybody;
    std::vector<signature::LabelledSecret> secrets;  ///< all that are configured
    std::set<Kind> revealed;
    std::string tool_version;
    std::vector<std::pair<std::string, std::string>> libraries;  ///< names and versions
};

using Ids = std::map<std::string, std::set<std::string>>;

struct Bundle {
    std::vector<ArchiveFile> files;  ///< manifest.json and README.txt among them
    std::string manifest;            ///< the same document, callchain.bundle/1
    Tally masked;
    Ids ids;
    std::size_t calls = 0;
    std::size_t inputs = 0;  ///< of those, how many something was taken of
};

/// For OpenAI: logs of serve, deliveries of OpenAI's, verdicts. For Twilio: logs, webhooks of Twilio's, what
/// Twilio keeps, SIP traces. For Meta: the gateway's lines and SIP traces. The timeline is in all of them.
/// With an id, lines and files that hold none of the ids of that call are left out; a trace that is no JSON
/// lines stays whole.
/// Errors: bad_input, with the name, for an input that is none of its kind.
/// A bundle without inputs means that nothing belongs to the call.
[[nodiscard]] Result<Bundle> make_bundle(const Request& request);

}  // namespace callchain::evidence
