#include "base/redact.hpp"
#include "base/text.hpp"
#include "call_commands.hpp"
#include "commands.hpp"
#include "diagnosis/catalogue.hpp"
#include "json_output.hpp"
#include "openai/session_body.hpp"
#include "service/life_check.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using Life = openai::LifeVerdict::Life;
using openai::BodySeverity;
using openai::Outcome;

struct AcceptOptions {
    CallOptions call;
    std::string session_file;
    std::string model;
    std::string instructions;
    std::string instructions_file;
    std::string voice;
    bool confirm = false;
    int confirm_s = 10;
    std::string greeting;
};

// The body and what is to say about it.
struct Checked {
    std::string body;
    std::vector<openai::BodyRemark> remarks;
    [[nodiscard]] bool is_refused() const {
        return std::any_of(remarks.begin(), remarks.end(),
                           [](const auto& remark) { return remark.severity == BodySeverity::error; });
    }
};

std::string variable_or_empty(const Context& context, const std::string& name) {
    return context.variable(name).value_or("");
}

Result<std::string> instructions_of(const AcceptOptions& options, Context& context) {
    if (!options.instructions.empty() && !options.instructions_file.empty())
        return fail(ErrorCode::usage, "--instructions and --instructions-file say the same thing",
                    "leave one out");
    if (!options.instructions_file.empty())
        return context.read_input(options.instructions_file, openai::kMostBodyBytes);
    if (!options.instructions.empty()) return options.instructions;
    const auto path = variable_or_empty(context, "OPENAI_PROMPT_PATH");
    if (path.empty()) return variable_or_empty(context, "OPENAI_REALTIME_INSTRUCTIONS");
    return context.read_input(path, openai::kMostBodyBytes);
}

// OPENAI_REALTIME_MODEL and _VOICE are of the other API: a Live session gets what its flags say.
Result<std::string> body_of_flags(const AcceptOptions& options, openai::Dialect dialect, Context& context) {
    openai::SessionSettings settings;
    settings.dialect = dialect;
    settings.model = options.model;
    settings.voice = options.voice;
    if (dialect == openai::Dialect::realtime) {
        if (settings.model.empty()) settings.model = variable_or_empty(context, "OPENAI_REALTIME_MODEL");
        if (settings.voice.empty()) settings.voice = variable_or_empty(context, "OPENAI_REALTIME_VOICE");
    }
    settings.instructions = CALLCHAIN_TRY(instructions_of(options, context));
    return openai::write_accept_body(settings);
}

Result<std::string> accept_body(const AcceptOptions& options, openai::Dialect dialect, Context& context) {
    const bool by_flags = !options.model.empty() || !options.instructions.empty() ||
                          !options.instructions_file.empty() || !options.voice.empty();
    if (!options.greeting.empty() && !options.confirm)
        return fail(ErrorCode::usage, "--greeting is spoken over the sideband, which --confirm opens",
                    "add --confirm");
    if (options.session_file.empty()) return body_of_flags(options, dialect, context);
    if (by_flags)
        return fail(ErrorCode::usage,
                    "--session is the whole body, and goes with none of --model, --instructions, "
                    "--instructions-file and --voice",
                    "put them into the file, or leave the file out");
    return context.read_input(options.session_file, openai::kMostBodyBytes + 1);
}

std::string fix_of(std::string_view code) {
    const auto* entry = diagnosis::find_entry(code);
    return entry == nullptr ? std::string() : std::string(entry->fix);
}

const char* name_of(BodySeverity severity) { return severity == BodySeverity::error ? "error" : "hint"; }

void say_remarks(const Checked& checked, const Context& context) {
    for (const auto& remark : checked.remarks) {
        const bool is_error = remark.severity == BodySeverity::error;
        const auto place = remark.path.empty() ? std::string() : " at " + visible_excerpt(remark.path, 100);
        const auto line = "callchain: accept-call: " + std::string(name_of(remark.severity)) + ": " +
                          std::string(remark.code) + place + ": " + remark.detail;
        const auto fix = fix_of(remark.code);
        const auto text = line + (fix.empty() ? "" : "\n  fix: " + fix);
        if (is_error)
            context.err << text << "\n";
        else
            context.say(text);
    }
}

Json remarks_json(const Checked& checked) {
    Json json = Json::array();
    for (const auto& remark : checked.remarks)
        json.push_back({{"code", std::string(remark.code)},
                        {"severity", name_of(remark.severity)},
                        {"path", remark.path},
                        {"detail", remark.detail},
                        {"fix", fix_of(remark.code)}});
    return json;
}

Json milestone_json(const openai::Milestone& milestone) {
    return {{"name", milestone.name}, {"at_ms", milestone.at.count()}, {"detail", milestone.detail}};
}

const char* name_of(Life life) {
    switch (life) {
        case Life::alive:
            return "alive";
        case Life::quiet:
            return "quiet";
        case Life::pending:
        case Life::dead:
            break;
    }
    return "dead";
}

Json life_json(const service::LifeReport& report) {
    const auto text = [](std::string_view value) {
        return value.empty() ? Json(nullptr) : Json(std::string(value));
    };
    const auto& verdict = report.verdict;
    Json json{{"verdict", name_of(verdict.life)}, {"stage", text(verdict.stage)},
              {"reason", text(verdict.reason)},   {"code", text(verdict.code)},
              {"detail", verdict.detail},         {"milestones", Json::array()}};
    for (const auto& milestone : report.milestones) json["milestones"].push_back(milestone_json(milestone));
    return json;
}

// One accept and, where it is asked for, its proof; everything on the loop of this thread.
class AcceptRun {
  public:
    AcceptRun(const AcceptOptions& options, const CallPlan& plan, Context& context)
        : options_(options), plan_(plan), context_(context), client_(client_options(options.call.send)) {}

    /// False: interrupted.
    [[nodiscard]] bool run() {
        service::AcceptSettings settings;
        settings.policy.deadline = plan_.time;
        service::AcceptDriver driver(loop_, service::sender_of(client_), plan_.request, settings,
                                     [this](service::AcceptResult got) { on_answer(std::move(got)); });
        driver.start();
        const bool finished = run_until_interrupted(loop_);
        client_.stop();
        return finished;
    }
    [[nodiscard]] const std::optional<service::AcceptResult>& result() const { return result_; }
    [[nodiscard]] const std::optional<service::LifeReport>& life() const { return life_; }

  private:
    void on_answer(service::AcceptResult got) {
        result_ = std::move(got);
        const bool accepted = result_->outcome == Outcome::done;
        if (accepted && !context_.output.json)
            context_.out << "accepted " << plan_.id << " (" << openai::name_of(plan_.dialect) << "), "
                         << measure_of(*result_) << std::endl;
        if (!options_.confirm || !(accepted || result_->perhaps_ours)) return loop_.stop();
        if (!accepted)
            context_.say(
                "callchain: accept-call: decided already, perhaps by an earlier attempt of this command that "
                "had no "
                "answer; the sideband will tell");
        confirm();
    }

    void confirm() {
        openai::SidebandSettings settings;
        settings.dialect = plan_.dialect;
        settings.greeting = openai::unwrap_phrase(options_.greeting);
        const auto url = openai::sideband_url(plan_.base_url, plan_.dialect, plan_.id);
        service::SidebandOptions sideband;
        sideband.url = url.value_or("");  // the URL of the accept was made from the same parts
        sideband.api_key = plan_.api_key;
        sideband.ca_file = options_.call.send.ca_file;
        sideband.user_agent = "callchain/" CALLCHAIN_VERSION;
        check_ = std::make_unique<service::LifeCheck>(
            loop_, std::move(settings), service::web_socket_opener(loop_, std::move(sideband)),
            std::chrono::seconds{options_.confirm_s},
            [this](const openai::Milestone& milestone) { show(milestone); },
            [this](service::LifeReport report) {
                life_ = std::move(report);
                loop_.stop();
            });
        check_->start();
    }

    // As they come: whoever watches sees where it stalls.
    void show(const openai::Milestone& milestone) {
        if (context_.output.json) return;
        constexpr std::size_t kNameWidth = 18;
        std::string line = "  " + milestone.name;
        line.resize(std::max(line.size() + 1, kNameWidth), ' ');
        line += with_thousands(static_cast<std::uint64_t>(milestone.at.count())) + " ms";
        if (!milestone.detail.empty()) line += "  " + visible(milestone.detail);
        context_.out << line << std::endl;
    }

    const AcceptOptions& options_;
    const CallPlan& plan_;
    Context& context_;
    http::Loop loop_;
    http::Client client_;
    std::optional<service::AcceptResult> result_;
    std::unique_ptr<service::LifeCheck> check_;
    std::optional<service::LifeReport> life_;
};

// Text only: the JSON document has said all this.
int report_life(const service::LifeReport& report, Context& context) {
    const auto& verdict = report.verdict;
    if (context.output.json) return verdict.life == Life::dead ? kNo : kDone;
    if (verdict.life == Life::dead) {
        context.err << "callchain: accept-call: " << verdict.code << ": no proof of life, " << verdict.stage
                    << " did not come (" << verdict.reason << "): " << visible(verdict.detail) << "\n"
                    << "hint: " << hint_of_code(verdict.code) << "\n";
        return kNo;
    }
    context.out << name_of(verdict.life) << "\n";
    if (verdict.life == Life::quiet)
        context.say("callchain: accept-call: " + verdict.detail +
                    "; with --greeting the audio itself is the proof");
    return kDone;
}

int report(const AcceptRun& run, const CallPlan& plan, const AcceptOptions& options, const Checked& checked,
           Context& context) {
    const auto& result = *run.result();
    if (context.output.json) {
        auto document = plan_json(plan, options.call.send);
        add_result(document, result);
        document["perhaps_ours"] = result.perhaps_ours;
        document["remarks"] = remarks_json(checked);
        document["life"] = run.life() ? life_json(*run.life()) : Json(nullptr);
        print_document(context, document);
    }
    // The sideband is the judge of an accept whose own answer was lost.
    const bool is_ours =
        result.outcome == Outcome::done || (run.life() && run.life()->verdict.life != Life::dead);
    if (is_ours) return run.life() ? report_life(*run.life(), context) : kDone;
    const int code = report_outcome(context, result);
    if (result.perhaps_ours)
        context.say(
            "callchain: accept-call: an earlier attempt of this command had no answer, and may be what "
            "decided; "
            "--confirm finds out by the sideband");
    return code;
}

int accept_call(const AcceptOptions& options, Context& context) {
    const auto dialect = dialect_of(options.call, context);
    const auto body = accept_body(options, dialect, context);
    const auto plan = plan_call(context, options.call, openai::CallAction::accept, dialect, body);
    if (!plan) return context.report_error(plan.error());
    const Checked checked{*body, openai::check_accept_body(dialect, *body)};
    if (!context.output.json) say_remarks(checked, context);
    const int code = checked.is_refused() ? kNo : kDone;
    if (options.call.send.only_shows()) {
        show_plan(context, options.call, *plan,
                  [&](Json& document) { document["remarks"] = remarks_json(checked); });
        return code;
    }
    if (code != kDone) {
        if (context.output.json) {
            auto document = plan_json(*plan, options.call.send);
            document["remarks"] = remarks_json(checked);
            print_document(context, document);
        }
        context.say("callchain: accept-call: nothing was sent");
        return code;
    }
    AcceptRun run(options, *plan, context);
    if (!run.run()) {
        context.say("callchain: accept-call: interrupted; " +
                    std::string(run.result() && run.result()->outcome == Outcome::done
                                    ? "the call was accepted, and goes on"
                                    : "the call may have been accepted"));
        return kInterrupted;
    }
    return report(run, *plan, options, checked, context);
}

void add_body_options(CLI::App& command, AcceptOptions& options) {
    constexpr const char* kGroup = "The session";
    const auto add = [&](const char* name, std::string& value, const char* text, const char* type) {
        command.add_option(name, value, text)->type_name(type)->group(kGroup);
    };
    add("--session", options.session_file, "The whole body, JSON, sent byte for byte; - is standard input",
        "FILE");
    add("--model", options.model, "Model; else OPENAI_REALTIME_MODEL, else gpt-realtime (Live: gpt-live-1)",
        "MODEL");
    add("--instructions", options.instructions,
        "What the model is told; else the file of OPENAI_PROMPT_PATH, else OPENAI_REALTIME_INSTRUCTIONS",
        "TEXT");
    add("--instructions-file", options.instructions_file, "The same from a file; - is standard input",
        "FILE");
    add("--voice", options.voice,
        "Voice, e.g. marin, or voice_… for a custom one; else OPENAI_REALTIME_VOICE", "VOICE");
}

void add_confirm_options(CLI::App& command, AcceptOptions& options) {
    constexpr const char* kGroup = "Proof of life";
    constexpr int kLongestConfirm = 120;
    command
        .add_flag("--confirm", options.confirm,
                  "Open the sideband behind the 200, tell each milestone, and leave the call alone")
        ->group(kGroup);
    command.add_option("--confirm-seconds", options.confirm_s, "Longest wait for the proof")
        ->check(CLI::Range(1, kLongestConfirm))
        ->capture_default_str()
        ->type_name("SECONDS")
        ->group(kGroup);
    command
        .add_option("--greeting", options.greeting,
                    "Have this spoken once, with --confirm; its audio is the proof then")
        ->type_name("TEXT")
        ->group(kGroup);
}

}  // namespace

void define_accept_call(CLI::App& command, Context& context) {
    auto options = std::make_shared<AcceptOptions>();
    add_body_options(command, *options);
    add_confirm_options(command, *options);
    add_call_options(command, options->call, "Longest time for all attempts together");
    add_common_options(command, context);
    set_footer(
        command,
        "The body is checked first: what the API refuses, or answers with 200 and a session that dies, is "
        "not "
        "sent.\n404 is asked again up to three times, since a call may be announced before it can be "
        "accepted; "
        "so are 429, 5xx\nand failures of the network, within --timeout.\n"
        "Exit codes: 0 accepted (with --confirm: and alive), 1 the call is gone or decided, the body has an "
        "error, or no\nproof of life, 2 usage, 4 key refused, 5 OpenAI answered with an error, 6 network "
        "failure or timeout.",
        {"callchain accept-call rtc_u0_abc --voice marin --instructions 'Fale português.' --dry-run",
         "callchain accept-call live_abc --print-curl",
         "echo '{\"type\":\"realtime\",\"voice\":\"marin\"}' | callchain accept-call rtc_u0_abc --session - "
         "--dry-run  # exit 1"});
    set_body(command, context, [options, &context] { return accept_call(*options, context); });
}

}  // namespace callchain::cli
