#include "base/redact.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/render.hpp"
#include "json_output.hpp"
#include "secrets.hpp"
#include "sip/status.hpp"
#include "twilio/error_codes.hpp"
#include "twiml/dial_action.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using diagnosis::Paint;

constexpr std::size_t kWidth = 88;

struct ExplainOptions {
    std::vector<std::string> words;
    bool list = false;
};

/// A result of <Dial> as it is written in a question, failed:400, and how it is read.
struct DialCase {
    std::string given;
    twiml::DialResult result;
};

/// A code of Twilio's and the page that explains it, perhaps with its neighbours.
struct TwilioPage {
    int code = 0;
    const twilio::ErrorPage* page = nullptr;
};

/// What was asked for, in one of the five.
struct Asked {
    std::vector<const diagnosis::CatalogueEntry*> findings;
    std::vector<TwilioPage> twilio;
    std::vector<int> sip;
    std::vector<DialCase> dial;
    std::vector<const twiml::DialReading*> readings;
};

// Text output keeps the order of the question; JSON has an array for each kind.
struct Page {
    enum class Kind { finding, twilio, sip, dial, reading };
    Kind kind = Kind::finding;
    std::size_t at = 0;
};

void print_heading(std::string_view text, Context& context) {
    context.out << diagnosis::paint(text, Paint::bold, context.colour_of_out()) << "\n";
}

void print_part(const std::string& name, std::string_view text, Context& context) {
    if (!text.empty())
        context.out << "\n  " << wrap_text(name + ": " + std::string(text), kWidth, "    ") << "\n";
}

// Finding codes

Json entry_json(const diagnosis::CatalogueEntry& entry) {
    return {{"code", std::string(entry.code)},
            {"title", std::string(entry.title)},
            {"fix", std::string(entry.fix)},
            {"page", std::string(entry.page)}};
}

void print_entry(const diagnosis::CatalogueEntry& entry, Context& context) {
    print_heading(entry.code, context);
    context.out << "  " << wrap_text(entry.title, kWidth, "  ") << "\n\n  "
                << wrap_text(entry.page, kWidth, "  ") << "\n";
    if (!entry.fix.empty()) context.out << "\n  fix: " << wrap_text(entry.fix, kWidth, "       ") << "\n";
}

// Twilio's codes

std::string code_range(const twilio::ErrorPage& page) {
    return std::to_string(page.code) + (page.last == 0 ? "" : "-" + std::to_string(page.last));
}

Json twilio_json(const TwilioPage& asked) {
    const auto& page = *asked.page;
    return {{"code", asked.code},
            {"explained_as", code_range(page)},
            {"level", std::string(twilio::level_name(page.level))},
            {"title", std::string(page.title)},
            {"as_of", std::string(page.as_of)},
            {"cause", std::string(page.cause)},
            {"more", std::string(page.more)},
            {"fix", std::string(page.fix)},
            {"url", twilio::error_url(asked.code)}};
}

void print_twilio(const TwilioPage& asked, Context& context) {
    const auto& page = *asked.page;
    const bool known = page.level != twilio::Level::unknown;
    print_heading("Twilio " + std::to_string(asked.code) +
                      (page.last == 0 ? "" : " (one of " + code_range(page) + ")") + ", " +
                      (known ? std::string(twilio::level_name(page.level)) : "level unknown"),
                  context);
    const auto title =
        std::string(page.title) + " (" + (known ? "as of " : "") + std::string(page.as_of) + ")";
    context.out << "  " << wrap_text((known ? "Twilio says: " : "") + title, kWidth, "    ") << "\n";
    print_part("in this chain", page.cause, context);
    if (!page.more.empty())
        for (const auto paragraph : split(page.more, '\n'))
            context.out << "\n  " << wrap_text(paragraph, kWidth, "  ") << "\n";
    print_part("fix", page.fix, context);
    context.out << "\n  " << twilio::error_url(asked.code) << "\n";
}

Error unknown_twilio(std::int64_t code) {
    std::vector<std::string> near;
    for (const auto each : twilio::nearest_errors(static_cast<int>(code), 3))
        near.push_back(std::to_string(each));
    return {ErrorCode::usage, "Twilio code " + std::to_string(code) + " is not one of those known here",
            std::nullopt,
            "its page is " + twilio::error_url(static_cast<int>(code)) +
                (near.empty() ? "" : "; known near it: " + join(near, ", "))};
}

// SIP statuses

Json sip_json(int code) {
    const auto* page = sip::find_status(code);
    const auto of_class = sip::status_class(code).value_or(sip::StatusClass{});
    const auto known = page != nullptr ? *page : sip::StatusPage{};
    return {{"code", code},
            {"reason", std::string(known.reason)},
            {"source", std::string(page != nullptr ? known.source : "RFC 3261, section 8.1.3.2")},
            {"class", std::string(of_class.name)},
            {"meaning", std::string(page != nullptr ? known.meaning : of_class.meaning)},
            {"meta", std::string(known.meta)},
            {"twilio", std::string(known.twilio)},
            {"openai", std::string(known.openai)},
            {"gateway", std::string(known.gateway)},
            {"fix", std::string(known.fix)}};
}

void print_sip(int code, Context& context) {
    const auto* page = sip::find_status(code);
    const auto of_class = sip::status_class(code).value_or(sip::StatusClass{});
    if (page == nullptr) {
        print_heading("SIP " + std::to_string(code) + ", " + std::string(of_class.name), context);
        context.out << "  "
                    << wrap_text("There is no page of this status; this holds for its class. " +
                                     std::string(of_class.meaning) + " (RFC 3261, section 8.1.3.2)",
                                 kWidth, "  ")
                    << "\n";
        if (code >= 300)
            print_part("from OpenAI",
                       "The service may have sent it: reject takes any status_code from 300 to 699.",
                       context);
        return;
    }
    print_heading("SIP " + std::to_string(code) + " " + std::string(page->reason), context);
    context.out << "  "
                << wrap_text(std::string(page->meaning) + " (" + std::string(page->source) + ")", kWidth,
                             "  ")
                << "\n";
    print_part("from Meta", page->meta, context);
    print_part("from Twilio's SIP Domain", page->twilio, context);
    print_part("from OpenAI, as DialSipResponseCode", page->openai, context);
    print_part("the gateway", page->gateway, context);
    print_part("fix", page->fix, context);
}

// Results of <Dial>

constexpr int kTellingStatuses[] = {200, 302, 400, 401, 403, 404, 408, 480, 486, 487, 488, 500, 503};

DialCase dial_case(const std::string& status, std::optional<int> sip = {}, std::optional<int> error = {}) {
    DialCase made;
    made.given = status + (sip || error ? ":" : "") + (sip ? std::to_string(*sip) : "") +
                 (error ? ":" + std::to_string(*error) : "");
    made.result.status = status;
    made.result.sip_response_code = sip;
    made.result.error_code = error;
    return made;
}

/// Where only a status was asked for: what the other parameters make of it.
std::vector<DialCase> variants_of(const DialCase& asked) {
    std::vector<DialCase> variants;
    if (asked.result.sip_response_code || asked.result.error_code) return variants;
    if (asked.result.status == "failed")
        for (const auto code : kTellingStatuses) variants.push_back(dial_case("failed", code));
    if (asked.result.status == "completed") {
        for (const bool bridged : {true, false}) {
            auto variant = dial_case("completed");
            variant.given += bridged ? ", DialBridged true" : ", DialBridged false";
            variant.result.bridged = bridged;
            variants.push_back(std::move(variant));
        }
    }
    return variants;
}

/// A reading, behind what was `given`; that is none where its page was asked for by name.
Json reading_json(const twiml::DialReading& reading, Json json = Json::object()) {
    json["reading"] = std::string(reading.name);
    json["severity"] = std::string(twiml::severity_name(reading.severity));
    json["confidence"] = std::string(twiml::confidence_name(reading.confidence));
    json["happened"] = reading.happened;
    json["next"] = reading.next;
    json["twilio_code"] = reading.related_code ? Json(*reading.related_code) : Json(nullptr);
    return json;
}

Json dial_json(const DialCase& asked) {
    auto json = reading_json(twiml::read_dial(asked.result), {{"given", asked.given}});
    json["sip_status"] =
        asked.result.sip_response_code ? Json(*asked.result.sip_response_code) : Json(nullptr);
    return json;
}

void print_dial_line(const DialCase& asked, std::size_t width, Context& context) {
    const auto reading = twiml::read_dial(asked.result);
    context.out << "  " << asked.given << std::string(width + 2 - asked.given.size(), ' ') << reading.name
                << "\n";
}

void print_reading(const std::string& heading, const twiml::DialReading& reading, Context& context) {
    print_heading(heading, context);
    context.out << "  "
                << wrap_text(reading.happened + " (" + std::string(twiml::severity_name(reading.severity)) +
                                 ", " + std::string(twiml::confidence_name(reading.confidence)) + ")",
                             kWidth, "  ")
                << "\n";
    print_part("next", reading.next, context);
}

void print_reading(const twiml::DialReading& reading, Context& context) {
    print_reading(std::string(reading.name).append(", a reading of twiml dial-action"), reading, context);
    if (reading.related_code)
        print_part("more", "callchain explain " + std::to_string(*reading.related_code), context);
}

void print_dial(const DialCase& asked, Context& context) {
    const auto reading = twiml::read_dial(asked.result);
    print_reading(std::string("dial ").append(asked.given).append(": ").append(reading.name), reading,
                  context);
    std::vector<std::string> more;
    if (reading.related_code) more.push_back("callchain explain " + std::to_string(*reading.related_code));
    if (asked.result.sip_response_code)
        more.push_back("callchain explain sip " + std::to_string(*asked.result.sip_response_code));
    print_part("more", join(more, "; "), context);
    const auto variants = variants_of(asked);
    std::size_t widest = 0;
    for (const auto& variant : variants) widest = std::max(widest, variant.given.size());
    if (!variants.empty()) context.out << "\n  with the other parameters:\n";
    for (const auto& variant : variants) {
        context.out << "  ";
        print_dial_line(variant, widest, context);
    }
}

Result<DialCase> parse_dial_case(const std::string& word) {
    const auto bad = [&word](const std::string& what) {
        return fail(ErrorCode::usage, "\"" + safe_echo(word, 60) + "\": " + what,
                    "dial STATUS[:SIP[:CODE]], for example dial failed:400:13224; STATUS is " +
                        join(twiml::dial_statuses(), ", "));
    };
    const auto parts = split(word, ':');
    const auto status = ascii_lower(parts[0]);
    const auto& known = twiml::dial_statuses();
    if (std::ranges::find(known, status) == known.end()) return bad("that is no DialCallStatus");
    if (parts.size() > 3) return bad("there are more than three parts");
    std::optional<int> numbers[2];
    constexpr std::pair<int, int> kRanges[] = {{100, 699}, {10000, 99999}};
    for (std::size_t i = 1; i < parts.size() && i <= std::size(numbers); ++i) {
        if (parts[i].empty()) continue;
        const auto number = parse_decimal(parts[i]);
        if (!number || *number < kRanges[i - 1].first || *number > kRanges[i - 1].second)
            return bad(i == 1 ? "the second part is no SIP status" : "the third part is no Twilio code");
        numbers[i - 1] = static_cast<int>(*number);
    }
    return dial_case(status, numbers[0], numbers[1]);
}

// The question

Error unknown_finding(const std::string& code) {
    std::vector<std::string> near;
    for (const auto each : diagnosis::nearest_codes(code)) near.emplace_back(each);
    return {ErrorCode::usage, "there is no finding code \"" + safe_echo(code, 60) + "\"", std::nullopt,
            near.empty() ? "callchain explain --list shows all" : "did you mean " + join(near, " or ") + "?"};
}

Error no_number(const std::string& word) {
    return {ErrorCode::usage, visible_excerpt(word, 20) + " is neither a SIP status nor a code of Twilio's",
            std::nullopt, "a SIP status has 3 digits, 100 to 699; a code of Twilio's has 5"};
}

tl::unexpected<Error> nothing_behind(const std::string& kind) {
    return fail(ErrorCode::usage, "nothing behind " + kind,
                "callchain explain sip 488, twilio 13224 or dial failed:400");
}

/// Reads the words one after the other; a kind (sip, twilio, dial) goes with the word behind it.
class Question {
  public:
    explicit Question(Context& context) : context_(context) {}

    [[nodiscard]] Result<void> read(const std::vector<std::string>& words) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            const auto kind = ascii_lower(words[i]);
            const bool named = kind == "sip" || kind == "twilio" || kind == "dial";
            if (named && i + 1 == words.size()) return nothing_behind(kind);
            if (named) {
                CALLCHAIN_TRY(take(kind, words[++i]));
            } else {
                CALLCHAIN_TRY(take_bare(words[i]));
            }
        }
        return {};
    }

    [[nodiscard]] const Asked& asked() const { return asked_; }
    [[nodiscard]] const std::vector<Page>& pages() const { return pages_; }

  private:
    Result<void> take(const std::string& kind, const std::string& word) {
        if (kind == "dial") {
            asked_.dial.push_back(CALLCHAIN_TRY(parse_dial_case(word)));
            pages_.push_back({Page::Kind::dial, asked_.dial.size() - 1});
            return {};
        }
        const auto number = parse_decimal(word);
        const bool fits = number && (kind == "sip" ? *number >= 100 && *number <= 699
                                                   : *number >= 10000 && *number <= 99999);
        if (!fits)
            return fail(ErrorCode::usage,
                        "\"" + safe_echo(word, 60) + "\" is no " +
                            (kind == "sip" ? "SIP status" : "code of Twilio's"),
                        kind == "sip" ? "a SIP status is a number from 100 to 699"
                                      : "a code of Twilio's has 5 digits");
        if (kind == "sip") {
            asked_.sip.push_back(static_cast<int>(*number));
            pages_.push_back({Page::Kind::sip, asked_.sip.size() - 1});
            return {};
        }
        const auto* page = twilio::find_error(static_cast<int>(*number));
        if (page == nullptr) return tl::unexpected(unknown_twilio(*number));
        asked_.twilio.push_back({static_cast<int>(*number), page});
        pages_.push_back({Page::Kind::twilio, asked_.twilio.size() - 1});
        return {};
    }

    /// sip-488, twilio:13224, dial:failed, failed:400.
    Result<bool> take_joined(const std::string& word) {
        const auto mark = word.find_first_of(":-");
        const auto first = ascii_lower(word.substr(0, mark));
        if (first == "sip" || first == "twilio" || first == "dial") {
            const auto rest = mark == std::string::npos ? std::string() : word.substr(mark + 1);
            if (rest.empty()) return nothing_behind(first);
            CALLCHAIN_TRY(take(first, rest));
            return true;
        }
        const auto status = ascii_lower(word.substr(0, word.find(':')));
        if (std::ranges::find(twiml::dial_statuses(), status) == twiml::dial_statuses().end()) return false;
        CALLCHAIN_TRY(take("dial", word));
        return true;
    }

    Result<void> take_bare(const std::string& word) {
        if (!word.empty() && std::ranges::all_of(word, is_ascii_digit)) {
            if (word.size() == 5) return take("twilio", word);
            if (word.size() != 3 || word < "100" || word > "699") return tl::unexpected(no_number(word));
            context_.say("callchain: explain: " + word + " is taken as a SIP status");
            return take("sip", word);
        }
        if (CALLCHAIN_TRY(take_joined(word))) return {};
        const auto name = ascii_lower(word);
        const auto& readings = twiml::dial_readings();
        const auto reading = std::ranges::find(readings, name, &twiml::DialReading::name);
        if (reading != readings.end()) {
            asked_.readings.push_back(&*reading);
            pages_.push_back({Page::Kind::reading, asked_.readings.size() - 1});
            return {};
        }
        const auto* entry = diagnosis::find_entry(name);
        if (entry == nullptr) return tl::unexpected(unknown_finding(word));
        asked_.findings.push_back(entry);
        pages_.push_back({Page::Kind::finding, asked_.findings.size() - 1});
        return {};
    }

    Context& context_;
    Asked asked_;
    std::vector<Page> pages_;
};

Json json_of(const Asked& asked) {
    Json document{{"schema", "callchain.explain/1"}, {"tool_version", CALLCHAIN_VERSION}};
    document["codes"] = Json::array();
    for (const auto* entry : asked.findings) document["codes"].push_back(entry_json(*entry));
    for (const auto& page : asked.twilio) document["twilio"].push_back(twilio_json(page));
    for (const auto code : asked.sip) document["sip"].push_back(sip_json(code));
    for (const auto& each : asked.dial) {
        auto json = dial_json(each);
        json["variants"] = Json::array();
        for (const auto& variant : variants_of(each)) json["variants"].push_back(dial_json(variant));
        document["dial"].push_back(std::move(json));
    }
    for (const auto* reading : asked.readings) document["readings"].push_back(reading_json(*reading));
    return document;
}

// Lists

Asked everything(const std::string& kind) {
    Asked all;
    if (kind.empty())
        for (const auto& entry : diagnosis::catalogue()) all.findings.push_back(&entry);
    if (kind == "twilio")
        for (const auto& page : twilio::error_pages()) all.twilio.push_back({page.code, &page});
    if (kind == "sip")
        for (const auto& page : sip::status_pages()) all.sip.push_back(page.code);
    if (kind == "dial")
        for (const auto& status : twiml::dial_statuses()) all.dial.push_back(dial_case(status));
    return all;
}

void print_list(const Asked& all, Context& context) {
    std::size_t widest = 0;
    for (const auto* entry : all.findings) widest = std::max(widest, entry->code.size());
    for (const auto* entry : all.findings)
        context.out << entry->code << std::string(widest + 2 - entry->code.size(), ' ') << entry->title
                    << "\n";
    for (const auto& [number, page] : all.twilio) {
        const auto code = code_range(*page);
        const auto level = std::string(twilio::level_name(page->level));
        context.out << code << std::string(13 - code.size(), ' ') << level
                    << std::string(9 - level.size(), ' ') << page->title << "\n";
    }
    for (const auto code : all.sip) context.out << code << "  " << sip::find_status(code)->reason << "\n";
    for (const auto& each : all.dial) {
        print_dial_line(each, 27, context);
        for (const auto& variant : variants_of(each)) print_dial_line(variant, 27, context);
    }
}

int list_codes(const ExplainOptions& options, Context& context) {
    const auto kind = options.words.empty() ? std::string() : ascii_lower(options.words.front());
    if (options.words.size() > 1 || (!kind.empty() && kind != "twilio" && kind != "sip" && kind != "dial"))
        return context.report_error({ErrorCode::usage, "--list takes one kind at most", std::nullopt,
                                     "callchain explain --list, --list twilio, --list sip or --list dial"});
    const auto all = everything(kind);
    if (context.output.json) {
        print_document(context, json_of(all));
        return kDone;
    }
    print_list(all, context);
    if (kind.empty())
        context.say(
            "callchain: explain: these are the finding codes; --list twilio, --list sip and --list dial "
            "list the others");
    return kDone;
}

int run_explain(const ExplainOptions& options, Context& context) {
    if (options.list) return list_codes(options, context);
    if (options.words.empty())
        return context.report_error({ErrorCode::usage, "no code given", std::nullopt,
                                     "callchain explain CODE; callchain explain --list shows all"});
    // "sip 488" in quotes, as it is pasted from a line of a log, is what it is without them.
    std::vector<std::string> words;
    for (const auto& argument : options.words)
        for (const auto word : split(argument, ' '))
            if (!word.empty() || argument.empty()) words.emplace_back(word);
    Question question(context);
    if (const auto read = question.read(words); !read) return context.report_error(read.error());
    const auto& asked = question.asked();
    if (context.output.json) {
        print_document(context, json_of(asked));
        return kDone;
    }
    bool first = true;
    for (const auto& page : question.pages()) {
        if (!first) context.out << "\n";
        first = false;
        switch (page.kind) {
            case Page::Kind::finding:
                print_entry(*asked.findings[page.at], context);
                break;
            case Page::Kind::twilio:
                print_twilio(asked.twilio[page.at], context);
                break;
            case Page::Kind::sip:
                print_sip(asked.sip[page.at], context);
                break;
            case Page::Kind::dial:
                print_dial(asked.dial[page.at], context);
                break;
            case Page::Kind::reading:
                print_reading(*asked.readings[page.at], context);
                break;
        }
    }
    return kDone;
}

}  // namespace

void define_explain(CLI::App& command, Context& context) {
    auto options = std::make_shared<ExplainOptions>();
    command
        .add_option("code", options->words,
                    "Finding codes; 13224 or twilio 13224; sip 488; failed:400 or dial failed; a reading, "
                    "not_accepted. Several may be mixed")
        ->type_name("CODE");
    command.add_flag("--list", options->list,
                     "List every finding code; with twilio, sip or dial: list those");
    add_common_options(command, context);
    set_footer(command, "Exit codes: 0 explained, 2 a code that is not known, or usage.",
               {"callchain explain secret_other_label", "callchain explain 13224 sip 488 dial failed:400",
                "callchain explain --list twilio"});
    set_body(command, context, [options, &context] { return run_explain(*options, context); });
}

}  // namespace callchain::cli
