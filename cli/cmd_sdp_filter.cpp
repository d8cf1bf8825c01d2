#include "base/text.hpp"
#include "commands.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/render.hpp"
#include "encoding/base64.hpp"
#include "json_output.hpp"
#include "sdp/answer.hpp"
#include "sdp/filter.hpp"
#include "sdp/shown_line.hpp"
#include "sdp/verdict.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <unistd.h>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using diagnosis::Paint;
using sdp::Filtered;
using sdp::MediaOutcome;

// More than a session description may have, so that its own limit speaks.
constexpr std::size_t kMostBytes = std::size_t{64} << 20U;
constexpr std::size_t kWidth = 88;
constexpr std::size_t kMostListed = 20;

struct SdpFilterOptions {
    std::string file = "-";
    std::optional<std::string> keep;
    bool explain = false;
    bool verdict = false;
    bool hash = false;
    std::string direction;
    std::string secure_media;
    std::string answer;
};

const char* word_of(Filtered::Outcome outcome) {
    switch (outcome) {
        case Filtered::Outcome::no_codec_left:
            return "no_codec_left";
        case Filtered::Outcome::no_audio:
            return "no_audio";
        case Filtered::Outcome::audio_left:
            break;
    }
    return "audio_left";
}

const char* word_of(MediaOutcome::Action action) {
    switch (action) {
        case MediaOutcome::Action::changed:
            return "changed";
        case MediaOutcome::Action::refused:
            return "refused";
        case MediaOutcome::Action::at_zero:
            return "at_zero";
        case MediaOutcome::Action::kept:
            break;
    }
    return "kept";
}

const char* word_of(sdp::Verdict::Answer answer) {
    switch (answer) {
        case sdp::Verdict::Answer::works:
            return "works";
        case sdp::Verdict::Answer::works_if:
            return "works_if";
        case sdp::Verdict::Answer::fails:
            break;
    }
    return "fails";
}

std::string codec_text(const sdp::Format& format) { return format.codec ? format.codec->text() : "unknown"; }

// --- JSON ---

Json head(const std::string& file) {
    return {{"schema", "callchain.sdp-filter/1"},
            {"tool_version", CALLCHAIN_VERSION},
            {"file", visible_excerpt(file, 200)}};
}

Json reason_json(const std::optional<sdp::Rule>& rule) {
    return rule ? Json(std::string(sdp::text_of(*rule).code)) : Json(nullptr);
}

Json media_json(const sdp::Media& media, const MediaOutcome& outcome) {
    Json json{{"index", outcome.index},
              {"line", outcome.line},
              {"type", sdp::shown_line(media.type, 40)},
              {"port", std::string(media.port_text)},
              {"protocol", sdp::shown_line(media.protocol, 60)},
              {"action", word_of(outcome.action)},
              {"reason", reason_json(outcome.reason)},
              {"formats", Json::array()}};
    for (const auto& each : outcome.formats) {
        json["formats"].push_back(
            {{"format", sdp::shown_line(each.format.text, 20)},
             {"codec", each.format.codec ? Json(codec_text(each.format)) : Json(nullptr)},
             {"kept", !each.removed_by.has_value()},
             {"reason", reason_json(each.removed_by)}});
    }
    return json;
}

Json change_json(const sdp::Change& change) {
    const auto& rule = sdp::text_of(change.rule);
    return {{"line", change.line},
            {"action", change.after.empty() ? "removed" : "changed"},
            {"before", sdp::shown_line(change.before)},
            {"after", change.after.empty() ? Json(nullptr) : Json(sdp::shown_line(change.after))},
            {"code", std::string(rule.code)},
            {"rule", std::string(rule.sentence)},
            {"source", std::string(rule.source)}};
}

/// The members that describe a filtered text; `input` is what it was made from.
void add_filtered(Json& json, const Filtered& filtered, std::string_view input) {
    json["outcome"] = word_of(filtered.outcome);
    json["changed"] = !filtered.changes.empty();
    const bool text = is_utf8(filtered.text);
    json["sdp"] = text ? Json(filtered.text) : Json(nullptr);
    if (!text) json["sdp_base64"] = encoding::to_base64(filtered.text);
    json["length"] = filtered.text.size();
    json["sha256"] = crypto::sha256_hex(filtered.text);
    json["media"] = Json::array();
    // It was parsed before, or there would be nothing to print.
    if (const auto document = sdp::parse_document(input)) {
        for (const auto& outcome : filtered.media)
            json["media"].push_back(media_json(document->media[outcome.index], outcome));
    }
    json["changes"] = Json::array();
    for (const auto& change : filtered.changes) json["changes"].push_back(change_json(change));
}

Json issues_json(const std::vector<sdp::Issue>& issues) {
    Json json = Json::array();
    for (const auto& issue : issues) {
        const auto* entry = diagnosis::find_entry(issue.code);
        json.push_back({{"code", std::string(issue.code)},
                        {"proved", false},
                        {"severity", issue.weight == sdp::Issue::Weight::stops ? "error" : "warning"},
                        {"title", entry != nullptr ? std::string(entry->title) : ""},
                        {"detail", issue.detail},
                        {"fix", issue.remedy},
                        {"evidence", Json::object()}});
    }
    return json;
}

void print(const Json& json, Context& context) { print_document(context, json); }

// --- text ---

void print_issue(const sdp::Issue& issue, diagnosis::Colour colour, std::ostream& out) {
    const auto* entry = diagnosis::find_entry(issue.code);
    out << "  " << diagnosis::paint(issue.code, Paint::bold, colour) << ": "
        << (entry != nullptr ? entry->title : std::string_view("?")) << "\n    "
        << wrap_text(issue.detail, kWidth, "    ")
        << "\n    fix: " << wrap_text(issue.remedy, kWidth, "         ") << "\n";
}

void print_issues(const std::vector<sdp::Issue>& issues, Context& context) {
    const auto colour = context.colour_of_out();
    const char* heading = nullptr;
    for (const auto& issue : issues) {
        const char* wanted = issue.weight == sdp::Issue::Weight::stops       ? "what stops it"
                             : issue.weight == sdp::Issue::Weight::condition ? "what it depends on"
                                                                             : "what else to know";
        if (heading != wanted) context.out << "\n" << diagnosis::paint(wanted, Paint::bold, colour) << "\n";
        heading = wanted;
        print_issue(issue, colour, context.out);
    }
}

/// The formats that an m= line lost, each with its reason.
void explain_formats(const Filtered& filtered, std::size_t line, std::ostream& out) {
    for (const auto& media : filtered.media) {
        if (media.line != line) continue;
        std::size_t listed = 0;
        for (const auto& format : media.formats) {
            if (!format.removed_by) continue;
            if (++listed > kMostListed) {
                out << "        and more: --json has them all\n";
                break;
            }
            const auto& why = sdp::text_of(*format.removed_by);
            out << "        " << sdp::shown_line(format.format.text, 20) << " is "
                << codec_text(format.format) << ": " << why.sentence << " [" << why.code << ", " << why.source
                << "]\n";
        }
    }
}

/// Each removed or changed line; behind those in a row that share a rule, the rule.
void explain(const Filtered& filtered, const sdp::KeepList& keep, Context& context) {
    auto& out = context.err;
    const auto colour = context.colour_of_err();
    if (filtered.changes.empty()) out << "nothing was changed; kept are " << keep.text() << "\n";
    for (std::size_t i = 0; i < filtered.changes.size(); ++i) {
        const auto& change = filtered.changes[i];
        const auto number = std::to_string(change.line);
        const auto shown_number = std::string(number.size() < 4 ? 4 - number.size() : 0, ' ') + number;
        const auto before = sdp::shown_line(change.before);
        out << diagnosis::paint(shown_number + " - " + (before.empty() ? "(an empty line)" : before),
                                Paint::red, colour)
            << "\n";
        if (!change.after.empty())
            out << diagnosis::paint("     + " + sdp::shown_line(change.after), Paint::green, colour) << "\n";
        const bool same_follows =
            i + 1 < filtered.changes.size() && filtered.changes[i + 1].rule == change.rule;
        if (same_follows && change.after.empty()) continue;
        const auto& rule = sdp::text_of(change.rule);
        out << "       " << rule.code << ": " << rule.sentence << " (" << rule.source << ")\n";
        explain_formats(filtered, change.line, out);
    }
}

std::string formats_text(const std::vector<sdp::Format>& formats) {
    std::vector<std::string> texts;
    for (const auto& format : formats) {
        if (texts.size() == kMostListed) {
            texts.push_back("and " + std::to_string(formats.size() - kMostListed) + " more");
            break;
        }
        texts.push_back(sdp::shown_line(format.text, 20) + " " + codec_text(format));
    }
    return texts.empty() ? "none" : join(texts, ", ");
}

std::string keys_text(const sdp::AudioFacts& facts) {
    if (facts.keys == sdp::KeyExchange::none) return "no SRTP";
    return "SRTP with keys by " + std::string(sdp::word_of(facts.keys));
}

std::string ice_text(const sdp::AudioFacts& facts) {
    if (facts.ice == sdp::Ice::none) return "no ICE";
    return facts.ice == sdp::Ice::lite ? "ICE-lite" : "ICE";
}

void print_facts(const char* name, const sdp::AudioFacts& facts, std::ostream& out) {
    out << "  " << name << std::string(10 - std::string_view(name).size(), ' ') << "line " << facts.line
        << ": audio, port " << facts.port_text << ", " << sdp::shown_line(facts.protocol, 60) << ": "
        << keys_text(facts) << ", " << ice_text(facts) << "\n  codecs    "
        << wrap_text(formats_text(facts.formats), kWidth, "            ") << "\n";
}

// --- the three jobs ---

void say_what_is_missing(const Filtered& filtered, const sdp::KeepList& keep, Context& context) {
    if (filtered.outcome == Filtered::Outcome::audio_left) return;
    if (filtered.outcome == Filtered::Outcome::no_audio) {
        context.say("callchain: sdp-filter: no live audio stream over RTP is offered");
    } else {
        std::vector<std::string> offered;
        for (const auto& media : filtered.media) {
            for (const auto& format : media.formats) offered.push_back(codec_text(format.format));
        }
        if (offered.size() > kMostListed) {
            offered.resize(kMostListed);
            offered.emplace_back("and more");
        }
        context.say("callchain: sdp-filter: no voice codec is left" +
                    (offered.empty() ? std::string() : ": offered are " + join(offered, ", ")) +
                    "; kept are " + keep.text());
    }
    context.say(
        "hint: the gateway answers such an offer with 488; --verdict says which setting of Meta or Twilio to "
        "change");
}

Result<int> run_filter(const SdpFilterOptions& options, const std::string& input, const sdp::KeepList& keep,
                       Context& context) {
    const auto filtered = CALLCHAIN_TRY(sdp::filter_offer(input, keep));
    const int code = filtered.outcome == Filtered::Outcome::audio_left ? kDone : kNo;
    if (context.output.json) {
        auto json = head(options.file);
        json["keep"] = Json::array();
        for (const auto& entry : keep.entries) json["keep"].push_back(entry.text());
        add_filtered(json, filtered, input);
        print(json, context);
        return code;
    }
    if (options.hash) {
        context.out << crypto::sha256_hex(filtered.text) << "  -\n";
    } else {
        context.out << filtered.text;
    }
    context.out.flush();
    if (options.explain) explain(filtered, keep, context);
    say_what_is_missing(filtered, keep, context);
    return code;
}

Result<int> run_verdict(const SdpFilterOptions& options, const std::string& input, const sdp::KeepList& keep,
                        Context& context) {
    const sdp::Setting setting{options.direction == "twilio-to-meta" ? sdp::Direction::twilio_to_meta
                                                                     : sdp::Direction::meta_to_twilio,
                               options.secure_media == "off" ? sdp::SecureMedia::off : sdp::SecureMedia::on};
    const auto verdict = CALLCHAIN_TRY(sdp::judge_offer(input, keep, setting));
    const bool fails = verdict.answer == sdp::Verdict::Answer::fails;
    if (context.output.json) {
        auto json = head(options.file);
        Json judged{
            {"answer", word_of(verdict.answer)},
            {"row", std::string(verdict.row)},
            {"summary", verdict.summary},
            {"direction", std::string(sdp::word_of(setting.direction))},
            {"secure_media", setting.secure_media == sdp::SecureMedia::on ? "on" : "off"},
            {"keys", verdict.offer ? Json(std::string(sdp::word_of(verdict.offer->keys))) : Json(nullptr)},
            {"ice", verdict.offer ? Json(std::string(sdp::word_of(verdict.offer->ice))) : Json(nullptr)},
            {"left", verdict.left},
            {"sip_status", fails ? Json(488) : Json(nullptr)},
            {"warning_code", fails ? Json(verdict.warning_code) : Json(nullptr)},
            {"warning_text", fails ? Json(verdict.warning_text) : Json(nullptr)}};
        json["verdict"] = std::move(judged);
        json["findings"] = issues_json(verdict.issues);
        print(json, context);
        return fails ? kNo : kDone;
    }
    auto& out = context.out;
    const auto colour = context.colour_of_out();
    out << (fails ? diagnosis::paint("FAILS", Paint::red, colour)
            : verdict.answer == sdp::Verdict::Answer::works
                ? diagnosis::paint("WORKS", Paint::green, colour)
                : diagnosis::paint("WORKS IF", Paint::yellow, colour))
        << ": " << verdict.summary << "\n";
    out << "  between   " << sdp::word_of(setting.direction)
        << (setting.direction == sdp::Direction::meta_to_twilio
                ? std::string(", Secure Media ") +
                      (setting.secure_media == sdp::SecureMedia::on ? "on" : "off")
                : std::string())
        << "\n";
    if (verdict.offer) print_facts("offer", *verdict.offer, out);
    out << "  left      " << (verdict.left.empty() ? "nothing" : join(verdict.left, ", ")) << " (kept are "
        << keep.text() << ")\n  row       " << verdict.row << "\n";
    print_issues(verdict.issues, context);
    if (fails) {
        out << "\nthe gateway answers 488 Not Acceptable Here, with\n  Warning: " << verdict.warning_code
            << " HOST \"" << verdict.warning_text << "\"\n";
    }
    return fails ? kNo : kDone;
}

Result<int> run_answer(const SdpFilterOptions& options, const std::string& offer, Context& context) {
    const auto answer = CALLCHAIN_TRY(context.read_input(options.answer, kMostBytes));
    const auto verdict = CALLCHAIN_TRY(sdp::judge_answer(offer, answer));
    if (context.output.json) {
        auto json = head(options.file);
        json["answer_file"] = visible_excerpt(options.answer, 200);
        json["good"] = verdict.good;
        add_filtered(json, verdict.filtered, answer);
        json["findings"] = issues_json(verdict.issues);
        print(json, context);
        return verdict.good ? kDone : kNo;
    }
    const auto colour = context.colour_of_out();
    context.out << (verdict.good ? diagnosis::paint("GOOD ANSWER", Paint::green, colour)
                                 : diagnosis::paint("BAD ANSWER", Paint::red, colour))
                << (verdict.good ? ": it takes what was offered\n" : ": with it the call has no sound\n");
    if (verdict.answer) print_facts("answer", *verdict.answer, context.out);
    print_issues(verdict.issues, context);
    return verdict.good ? kDone : kNo;
}

Result<void> check_usage(const SdpFilterOptions& options, const Context& context) {
    std::vector<std::string> problems;
    if (!options.verdict && (!options.direction.empty() || !options.secure_media.empty()))
        problems.emplace_back("--direction and --secure-media belong to --verdict");
    if (options.verdict && !options.answer.empty())
        problems.emplace_back("--verdict judges an offer and --answer an answer: one at a time");
    if (!options.answer.empty() && options.keep)
        problems.emplace_back("--keep does not go with --answer, which goes by what was offered");
    if (options.hash && (options.verdict || !options.answer.empty() || context.output.json))
        problems.emplace_back(
            "--hash prints the hash of the filtered text, and goes with none of --verdict, --answer, --json");
    if (options.explain && (options.verdict || !options.answer.empty()))
        problems.emplace_back("--explain is about the filter, and goes with neither --verdict nor --answer");
    if (problems.empty()) return {};
    return fail(ErrorCode::usage, join(problems, "; "), "callchain help sdp-filter");
}

Result<int> run_sdp_filter(const SdpFilterOptions& options, Context& context) {
    CALLCHAIN_TRY(check_usage(options, context));
    const auto keep = options.keep ? CALLCHAIN_TRY(sdp::parse_keep_list(*options.keep)) : sdp::default_keep_list();
    if (options.file == "-" && ::isatty(STDIN_FILENO) == 1)
        context.say("callchain: sdp-filter: reading the session description from the terminal, up to Ctrl-D");
    const auto input = CALLCHAIN_TRY(context.read_input(options.file, kMostBytes));
    if (options.verdict) return run_verdict(options, input, keep, context);
    if (!options.answer.empty()) return run_answer(options, input, context);
    return run_filter(options, input, keep, context);
}

}  // namespace

void define_sdp_filter(CLI::App& command, Context& context) {
    auto options = std::make_shared<SdpFilterOptions>();
    command.add_option("offer", options->file, "A session description; - or nothing is standard input")
        ->type_name("FILE");
    command
        .add_option("--keep", options->keep,
                    "Codecs to keep, name[/clock[/channels]], divided by commas (PCMU,PCMA,telephone-event)")
        ->type_name("LIST");
    command.add_flag("--explain", options->explain,
                     "Say on stderr of each removed or changed line why, with the RFC");
    command.add_flag("--hash", options->hash, "Print the SHA-256 of the filtered text instead of it");
    command.add_flag(
        "--verdict", options->verdict,
        "Judge instead: can this offer work without a media engine, and if not, which setting to change?");
    command
        .add_option("--direction", options->direction,
                    "With --verdict: meta-to-twilio (default) or twilio-to-meta")
        ->check(one_of({"meta-to-twilio", "twilio-to-meta"}))
        ->type_name("WAY");
    command
        .add_option("--secure-media", options->secure_media,
                    "With --verdict: Secure Media of the Twilio SIP Domain, on (default) or off")
        ->check(one_of({"on", "off"}))
        ->type_name("SWITCH");
    command.add_option("--answer", options->answer, "Judge this answer against the offer")->type_name("FILE");
    add_common_options(command, context);
    set_footer(
        command,
        "Exit codes: 0 audio is left (the offer works, the answer is good), 1 none is (488; it fails; it is "
        "bad), 2 usage or no session description.",
        {"callchain sdp-filter --explain samples/sdp/meta-sdes-g711.sdp",
         "callchain sdp-filter --verdict samples/sdp/meta-default.sdp  # exit 1",
         "callchain sdp-filter samples/sdp/meta-sdes-g711.sdp --answer samples/sdp/twilio-answer.sdp"});
    set_body(command, context, [options, &context] {
        const auto done = run_sdp_filter(*options, context);
        return done ? *done : context.report_error(done.error());
    });
}

}  // namespace callchain::cli
