#include "evidence/bundle.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "encoding/json_document.hpp"
#include "evidence/selection.hpp"
#include "timeline/timeline.hpp"
#include "webhook/capture.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace callchain::evidence {
namespace {

using Json = nlohmann::ordered_json;

std::string_view folder_of(Input::Kind kind) {
    switch (kind) {
        case Input::Kind::log:
            return "logs/";
        case Input::Kind::capture:
            return "captures/";
        case Input::Kind::sip_trace:
            return "sip/";
        case Input::Kind::twilio:
            break;
    }
    return "twilio/";
}

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(std::string(text)); }

// A name of our own making: no path, nothing that a shell or a terminal could take for more.
std::string plain_name(std::string_view name) {
    std::string plain;
    for (const char c : name.substr(name.find_last_of('/') + 1)) {
        const bool is_plain = is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              std::string_view("._-").find(c) != std::string_view::npos;
        plain += is_plain ? c : '_';
    }
    while (plain.starts_with('.')) plain.front() = '_';
    constexpr std::size_t kLongest = 100;
    return plain.empty() ? "input" : plain.substr(0, kLongest);
}

bool is_text(std::string_view bytes) { return is_utf8(bytes) && bytes.find('\0') == std::string_view::npos; }

class Assembler {
  public:
    explicit Assembler(const Request& request)
        : request_(request), masker_(request.secrets, request.revealed) {}

    Result<Bundle> assemble() {
        auto selection = CALLCHAIN_TRY(select(request_));
        out_.ids = selection.ids;
        out_.inputs = selection.inputs.size();
        for (const auto& call : selection.calls) out_.calls += call.ids.empty() ? 0 : 1;
        for (const auto& input : selection.inputs) masker_.learn(input.bytes);
        for (const auto& input : selection.inputs) add(input);
        add_timeline(selection.calls);
        if (!verdicts_.empty())
            add_file("verdicts.json",
                     masked("verdicts.json", encoding::json_document({{"schema", "callchain.verdicts/1"},
                                                                      {"tool_version", request_.tool_version},
                                                                      {"captures", verdicts_}}) +
                                                 "\n"));
        add_file("README.txt", masked("README.txt", readme()));
        out_.manifest = manifest();
        out_.files.push_back({"manifest.json", out_.manifest});
        return std::move(out_);
    }

  private:
    std::string masked(const std::string& file, std::string_view text) {
        Tally tally;
        auto out = masker_.mask(text, tally);
        note(file, tally);
        return out;
    }

    void note(const std::string& file, const Tally& tally) {
        for (const auto& [kind, count] : tally) {
            out_.masked[kind] += count;
            masked_.push_back({{"file", file}, {"kind", std::string(name_of(kind))}, {"times", count}});
        }
    }

    void add_file(std::string name, std::string bytes) {
        out_.files.push_back({std::move(name), std::move(bytes)});
    }

    std::string new_name(const Input& input) {
        const auto plain = plain_name(input.name);
        const auto dot = std::min(plain.rfind('.'), plain.size());
        const auto stem = std::string(folder_of(input.kind)) + plain.substr(0, dot);
        auto name = stem + plain.substr(dot);
        for (int number = 2; !names_.insert(name).second; ++number)
            name = stem + "-" + std::to_string(number) + plain.substr(dot);
        return name;
    }

    void add(const Input& input) {
        const auto name = new_name(input);
        Json source{
            {"file", name}, {"length", input.bytes.size()}, {"sha256", crypto::sha256_hex(input.bytes)}};
        auto bytes = input.kind == Input::Kind::capture ? masked_capture(name, input, source)
                                                        : masked(name, input.bytes);
        sources_.push_back(std::move(source));
        add_file(name, std::move(bytes));
        if (!input.judged) return;
        const auto& judged = *input.judged;
        verdicts_.push_back({{"file", name},
                             {"verdict", judged.verdict},
                             {"scheme", judged.scheme},
                             {"label", text_or_null(judged.label)},
                             {"codes", judged.codes},
                             {"proved", judged.proved},
                             {"detail", text_or_null(judged.detail)}});
    }

    // Head and body apart: a body may be revealed, and one that is no text cannot be masked.
    std::string masked_capture(const std::string& name, const Input& input, Json& source) {
        auto capture = webhook::parse_capture(input.bytes).value_or(webhook::Capture{});
        source["body_length"] = capture.body.size();
        source["body_sha256"] = crypto::sha256_hex(capture.body);
        Tally tally;
        if (!is_text(capture.body)) {
            if (!masker_.reveals(Kind::bodies)) {
                capture.body =
                    "[a body of " + count_of(capture.body.size(), "byte") + " that is no text was left out]";
                ++tally[Kind::bodies];
            }
        } else {
            capture.body = masker_.reveals(Kind::bodies) ? masker_.withhold(capture.body, tally)
                                                         : masker_.mask(capture.body, tally);
        }
        // Chunked framing is undone, and the body may have another length now.
        std::erase_if(capture.headers.fields, [](const auto& header) {
            return equal_ignoring_case(header.name, "Transfer-Encoding") ||
                   equal_ignoring_case(header.name, "Content-Length");
        });
        capture.headers.fields.push_back({"Content-Length", std::to_string(capture.body.size())});
        const auto body = std::move(capture.body);
        capture.body.clear();
        auto bytes = masker_.mask(webhook::write_capture(capture), tally) + body;
        note(name, tally);
        return bytes;
    }

    void add_timeline(const std::vector<timeline::Timeline>& calls) {
        constexpr std::size_t kWidth = 160;
        std::string text;
        const timeline::Timeline* only = nullptr;
        for (const auto& call : calls) {
            if (!text.empty()) text += "\n";
            text += timeline::to_text(call, kWidth);
            if (!call.ids.empty()) only = &call;
        }
        if (text.empty()) return;
        add_file("timeline.txt", masked("timeline.txt", text));
        add_file("timeline.json", masked("timeline.json", timeline::to_json(calls, request_.tool_version)));
        if (out_.calls != 1) return;
        add_file("timeline.svg", masked("timeline.svg", timeline::to_svg(*only)));
        add_file("timeline.mmd", masked("timeline.mmd", timeline::to_mermaid(*only)));
    }

    std::string readme() const {
        std::string text =
            "Evidence of " +
            (out_.calls == 0 ? std::string("voice calls") : count_of(out_.calls, "voice call")) +
            " through WhatsApp, Twilio and OpenAI Realtime SIP.\nMade by callchain " + request_.tool_version +
            (request_.audience == Audience::anybody
                 ? std::string()
                 : ", for the support of " + std::string(name_of(request_.audience))) +
            ".\n\nWhat to search for\n";
        for (const auto& [name, values] : out_.ids) {
            constexpr std::size_t kMostShown = 20;
            std::size_t shown = 0;
            for (const auto& value : values) {
                if (shown++ == kMostShown) break;
                text += "  " + visible(name) + "  " + visible_excerpt(value, 120) + "\n";
            }
            if (values.size() > kMostShown)
                text += "  " + visible(name) + "  and " + std::to_string(values.size() - kMostShown) +
                        " more in manifest.json\n";
        }
        if (out_.ids.empty()) text += "  no id of a call stands in the evidence\n";
        text += readme_verdicts();
        text +=
            "\nWhat is in it\n"
            "  timeline.txt   what happened, in its order; .json the same for programs, .svg and .mmd a "
            "picture\n"
            "                 where there is one call\n"
            "  logs/          lines of our service and of our SIP gateway\n"
            "  captures/      HTTP requests as they were received\n"
            "  sip/           SIP messages of our gateway\n"
            "  twilio/        what Twilio's REST API says of the call\n"
            "  verdicts.json  whether the signatures of the captures match\n"
            "  manifest.json  sizes and SHA-256 of all files, and what was masked\n"
            "\nWhat was masked\n"
            "  Secrets are [withheld]. Telephone numbers are cut to their last four digits, the same number "
            "to\n"
            "  the same digits everywhere. Mail addresses, display names and addresses of end devices are "
            "taken\n"
            "  out; IP addresses of servers are kept. So a masked body has another hash than the one that "
            "was\n"
            "  signed: manifest.json has length and SHA-256 of each body as it was received.\n";
        if (!request_.revealed.empty()) text += "  Not masked on purpose: " + join(revealed(), ", ") + ".\n";
        return text;
    }

    std::string readme_verdicts() const {
        if (verdicts_.empty()) return {};
        std::string text = "\nSignatures\n";
        for (const auto& verdict : verdicts_) {
            text += "  " + verdict["file"].get<std::string>() + "  " + verdict["verdict"].get<std::string>();
            for (const auto& code : verdict["codes"]) text += " " + code.get<std::string>();
            text += verdict["proved"].get<bool>() ? " (proved)\n" : "\n";
        }
        return text;
    }

    std::vector<std::string> revealed() const {
        std::vector<std::string> names;
        for (const auto kind : kKinds)
            if (masker_.reveals(kind)) names.emplace_back(name_of(kind));
        return names;
    }

    std::string manifest() const {
        auto files = out_.files;
        std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
        Json listed = Json::array();
        for (const auto& file : files)
            listed.push_back({{"name", file.name},
                              {"size", file.bytes.size()},
                              {"sha256", crypto::sha256_hex(file.bytes)}});
        Json libraries = Json::object();
        for (const auto& [name, version] : request_.libraries) libraries[name] = version;
        Json ids = Json::object();
        for (const auto& [name, values] : out_.ids) ids[name] = values;
        const Json document{
            {"schema", "callchain.bundle/1"},
            {"tool_version", request_.tool_version},
            {"libraries", std::move(libraries)},
            {"call", text_or_null(request_.call)},
            {"for", request_.audience == Audience::anybody ? Json(nullptr)
                                                           : Json(std::string(name_of(request_.audience)))},
            {"calls", out_.calls},
            {"ids", std::move(ids)},
            {"masked", masked_},
            {"revealed", revealed()},
            {"sources", sources_},
            {"files", std::move(listed)}};
        Tally ignored;  // the manifest cannot count what is masked in itself
        return masker_.mask(encoding::json_document(document) + "\n", ignored);
    }

    const Request& request_;
    Masker masker_;
    Bundle out_;
    std::set<std::string> names_;
    Json masked_ = Json::array();
    Json sources_ = Json::array();
    Json verdicts_ = Json::array();
};

}  // namespace

std::string_view name_of(Audience audience) {
    switch (audience) {
        case Audience::openai:
            return "OpenAI";
        case Audience::twilio:
            return "Twilio";
        case Audience::meta:
            return "Meta";
        case Audience::anybody:
            break;
    }
    return "anybody";
}

Result<Bundle> make_bundle(const Request& request) { return Assembler(request).assemble(); }

}  // namespace callchain::evidence
