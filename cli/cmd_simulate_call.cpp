#include "base/shell_word.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "config/env_file.hpp"
#include "json_output.hpp"
#include "progress.hpp"
#include "run_folder.hpp"
#include "simulator/chain.hpp"
#include "simulator/conclusion.hpp"
#include "simulator/fault.hpp"
#include "system/random.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <unistd.h>
#include <utility>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using simulator::CallResult;
using simulator::ChainResult;
using simulator::Conclusion;
using std::chrono::milliseconds;

constexpr std::size_t kSecretBytes = 192;
constexpr milliseconds kCommand{30'000};
constexpr double kLeastRate = 0.1;
constexpr double kMostRate = 500;
constexpr std::size_t kMostCalls = 100'000;
constexpr double kMostTalk = 600;
constexpr const char* kEnvironmentFile = "environment";

struct SimulateCallOptions {
    std::vector<std::string> faults;
    bool list_faults = false;
    std::size_t calls = 1;
    double rate = 10;
    double talk = 2;
    std::string without;
    std::string out;
    bool stay = false;
};

// The plan with its faults, or which of them do not fit.
Result<simulator::Plan> plan_of(const SimulateCallOptions& options, const simulator::RunSecrets& secrets) {
    auto plan = simulator::make_plan(secrets);
    plan.with_gateway = options.without != "gateway";
    plan.calls = options.calls;
    plan.rate = options.rate;
    plan.meta.talk = milliseconds(static_cast<std::int64_t>(options.talk * 1000));
    for (const auto& name : options.faults) {
        const auto* fault = simulator::find_fault(name);
        if (fault == nullptr) {
            const auto near = simulator::nearest_faults(name);
            return fail(ErrorCode::usage, "there is no fault \"" + visible_excerpt(name, 60) + "\"",
                        near.empty() ? "callchain simulate call --list-faults names them"
                                     : "did you mean " + std::string(near.front()) + "?");
        }
        if (fault->needs_gateway && !plan.with_gateway)
            return fail(ErrorCode::usage, "the fault " + name + " is one of the gateway's side",
                        "leave --without gateway out");
        fault->apply(plan, secrets);
    }
    return plan;
}

int list_faults(Context& context) {
    if (context.output.json) {
        auto list = Json::array();
        for (const auto& fault : simulator::faults())
            list.push_back({{"name", fault.name},
                            {"title", fault.title},
                            {"source", fault.source},
                            {"needs_gateway", fault.needs_gateway}});
        print_document(context, Json{{"schema", "callchain.simulate-faults/1"},
                                     {"tool_version", CALLCHAIN_VERSION},
                                     {"faults", std::move(list)}});
        return kDone;
    }
    std::size_t width = 0;
    for (const auto& fault : simulator::faults()) width = std::max(width, fault.name.size());
    for (const auto& fault : simulator::faults())
        context.out << fault.name << std::string(width + 2 - fault.name.size(), ' ') << fault.title << "\n";
    return kDone;
}

// An empty folder that is ours: the one that is named, which may not exist yet, or a new one.
Result<std::string> make_folder(const std::string& named) {
    namespace fs = std::filesystem;
    std::error_code error;
    if (named.empty()) {
        auto made = make_run_folder();
        if (!made) made.error().hint = "name one: --out DIR";
        return made;
    }
    if (fs::exists(named, error) && !fs::is_empty(named, error))
        return fail(ErrorCode::usage, "--out: \"" + visible_excerpt(named, 200) + "\" is not empty",
                    "name a new folder: files of another run would be mixed with this one's");
    fs::create_directories(named, error);
    if (!error) fs::permissions(named, fs::perms::owner_all, error);
    if (error)
        return fail(ErrorCode::io,
                    "--out: cannot make \"" + visible_excerpt(named, 200) + "\": " + error.message());
    const auto whole = fs::absolute(named, error);
    return error ? named : whole.string();
}

Result<void> write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) return fail(ErrorCode::io, "cannot write " + path, "is there room on that disk?");
    return {};
}

// The folder is ours alone; the mode is for where the file is copied to.
Result<void> write_private_file(const std::string& path, const std::string& text) {
    using std::filesystem::perms;
    CALLCHAIN_TRY(write_file(path, text));
    std::error_code error;
    std::filesystem::permissions(path, perms::owner_read | perms::owner_write, error);
    if (error) return fail(ErrorCode::io, "cannot protect " + path + ": " + error.message());
    return {};
}

// The first that is not good, else the first.
std::size_t most_telling(const ChainResult& result) {
    const auto bad = std::find_if(result.calls.begin(), result.calls.end(),
                                  [](const CallResult& call) { return !call.good(); });
    return bad == result.calls.end() ? 0 : static_cast<std::size_t>(bad - result.calls.begin());
}

// Beside the first event that was part of the trouble.
timeline::Finding finding_of(const Conclusion& found, const timeline::Timeline& of) {
    timeline::Finding finding{
        .code = found.code, .title = found.component + ": " + found.cause, .fix = found.fix};
    const auto trouble = std::find_if(of.events.begin(), of.events.end(),
                                      [](const timeline::Event& event) { return event.trouble; });
    if (trouble != of.events.end()) finding.event = static_cast<std::size_t>(trouble - of.events.begin());
    return finding;
}

// The findings are those of the call that is shown.
void add_findings(ChainResult& result, const std::optional<Conclusion>& conclusion,
                  const std::vector<Conclusion>& borne) {
    auto& of = result.calls[most_telling(result)].timeline;
    if (conclusion) of.findings.push_back(finding_of(*conclusion, of));
    for (const auto& found : borne) of.findings.push_back(finding_of(found, of));
}

Result<void> write_pictures(const std::string& folder, const ChainResult& result) {
    std::vector<timeline::Timeline> timelines;
    for (const auto& call : result.calls) timelines.push_back(call.timeline);
    CALLCHAIN_TRY(write_file(folder + "/timeline.json", timeline::to_json(timelines, CALLCHAIN_VERSION)));
    const auto& shown = result.calls[most_telling(result)].timeline;
    CALLCHAIN_TRY(write_file(folder + "/call.mmd", timeline::to_mermaid(shown)));
    return write_file(folder + "/call.svg", timeline::to_svg(shown));
}

// ---- stages ----

struct Stage {
    const char* name;
    std::vector<milliseconds> times = {};
};

std::vector<Stage> stages_of(const ChainResult& result) {
    Stage rang{"ringing"};
    Stage answered{"answered"};
    Stage webhook{"webhook"};
    Stage accepted{"accepted"};
    Stage greeted{"greeted"};
    const auto add = [](Stage& stage, const std::optional<milliseconds>& time) {
        if (time) stage.times.push_back(*time);
    };
    for (const auto& call : result.calls) {
        if (call.meta) add(rang, call.meta->rang);
        if (call.meta) add(answered, call.meta->answered);
        if (!call.openai) continue;
        add(webhook, call.openai->webhook_after);
        add(accepted, call.openai->accepted_after);
        add(greeted, call.openai->greeted_after);
    }
    std::vector<Stage> stages;
    for (auto* stage : {&rang, &answered, &webhook, &accepted, &greeted}) {
        if (stage->times.empty()) continue;
        std::sort(stage->times.begin(), stage->times.end());
        stages.push_back(std::move(*stage));
    }
    return stages;
}

milliseconds percentile(const std::vector<milliseconds>& sorted, std::size_t percent) {
    return sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)];
}

// ---- output ----

struct Outcome {
    const ChainResult& result;
    const std::optional<Conclusion>& conclusion;
    const std::vector<Conclusion>& borne;
    std::size_t placed = 0;
    std::size_t good = 0;
    bool kept = false;
    std::vector<std::string> to_ask = {};  ///< commands that can be run while everything stays up
};

void print_cause(const Conclusion& found, std::ostream& out) {
    out << "where:  " << visible_excerpt(found.component, 300) << "\n";
    out << "cause:  " << visible_excerpt(found.cause, 600) << (found.proved ? " (proved)" : "") << "\n";
    out << "fix:    " << visible_excerpt(found.fix, 600) << "\n";
    if (!found.command.empty())
        out << "shown:  " << found.command << "   # exit " << found.exit_code
            << (found.code.empty() ? "" : ", " + found.code) << "\n";
}

// Of many calls it is told how many, and what the one that is shown heard.
std::string how_many(const Outcome& outcome, std::size_t count) {
    if (outcome.placed == 1) return {};
    return std::to_string(count) + " of " + count_of(outcome.placed, "call") + ", such as this: ";
}

void print_conclusion(const Outcome& outcome, std::ostream& out) {
    if (outcome.conclusion) {
        out << "failed: " << how_many(outcome, outcome.placed - outcome.good) << outcome.conclusion->caller
            << "\n";
        return print_cause(*outcome.conclusion, out);
    }
    out << "good:   " << how_many(outcome, outcome.good) << heard_by_caller(outcome.result.calls.front())
        << "; bridged, greeted and ended cleanly\n";
    for (const auto& found : outcome.borne) print_cause(found, out);
}

// They stand above it.
std::string to_text_without_findings(const ChainResult& result) {
    auto shown = result.calls[most_telling(result)].timeline;
    shown.findings.clear();
    return timeline::to_text(shown);
}

void print_text(const Outcome& outcome, std::ostream& out) {
    print_conclusion(outcome, out);
    if (outcome.placed > 1) {
        out << "\nms behind the INVITE   p50    p95    p99    most\n";
        for (const auto& stage : stages_of(outcome.result)) {
            out << stage.name << std::string(20 - std::string_view(stage.name).size(), ' ');
            for (const std::size_t percent : {50U, 95U, 99U, 100U}) {
                const auto text = std::to_string(percentile(stage.times, percent).count());
                out << std::string(text.size() < 6 ? 6 - text.size() : 1, ' ') << text << " ";
            }
            out << "\n";
        }
    } else if (!outcome.result.calls.empty()) {
        out << "\n" << to_text_without_findings(outcome.result);
    }
    const auto remarks = remarks_of(outcome.result);
    if (!remarks.empty()) out << "\nremarks of the processes\n";
    for (const auto& remark : remarks) out << "  " << visible_excerpt(remark, 300) << "\n";
    if (outcome.kept)
        out << "\nfiles:  " << outcome.result.evidence.folder
            << "  (verdict.txt, call.svg, call.mmd, timeline.json, "
            << (outcome.result.evidence.second_gateway_log.empty() ? "" : "gateway-2.log, ")
            << "gateway.log, serve.log, captures)\n";
    if (outcome.to_ask.empty()) return;
    out << "\nstays:  everything is up until Ctrl-C or SIGTERM; ask it now\n";
    for (const auto& command : outcome.to_ask) out << "        " << command << "\n";
}

// What is printed is kept too: with --json nobody has seen it, and a folder is passed on more often than a
// terminal.
Result<void> write_verdict(const std::string& folder, const Outcome& outcome) {
    std::ostringstream text;
    print_text(outcome, text);
    return write_file(folder + "/verdict.txt", text.str());
}

Json conclusion_json(const Conclusion& found) {
    return {{"caller", found.caller},   {"component", found.component}, {"cause", found.cause},
            {"fix", found.fix},         {"code", found.code},           {"proved", found.proved},
            {"command", found.command}, {"exit_code", found.exit_code}};
}

Json stay_json(const Outcome& outcome) {
    if (outcome.to_ask.empty()) return nullptr;
    const auto& evidence = outcome.result.evidence;
    return {{"environment", evidence.folder + "/" + evidence.environment_file}, {"commands", outcome.to_ask}};
}

void print_json(const Outcome& outcome, const SimulateCallOptions& options, Context& context) {
    auto stages = Json::array();
    for (const auto& stage : stages_of(outcome.result))
        stages.push_back({{"name", stage.name},
                          {"calls", stage.times.size()},
                          {"p50_ms", percentile(stage.times, 50).count()},
                          {"p95_ms", percentile(stage.times, 95).count()},
                          {"p99_ms", percentile(stage.times, 99).count()},
                          {"most_ms", stage.times.back().count()}});
    auto borne = Json::array();
    for (const auto& found : outcome.borne) borne.push_back(conclusion_json(found));
    auto calls = Json::array();
    for (const auto& call : outcome.result.calls)
        calls.push_back({{"good", call.good()},
                         {"caller", heard_by_caller(call)},
                         {"bridged", call.bridged()},
                         {"greeted", call.greeted()},
                         {"ended_cleanly", call.ended_cleanly()},
                         {"ids", call.timeline.ids}});
    print_document(
        context,
        Json{{"schema", "callchain.simulate-call/1"},
             {"tool_version", CALLCHAIN_VERSION},
             {"result", outcome.conclusion ? "failed" : "good"},
             {"faults", options.faults},
             {"placed", outcome.placed},
             {"good", outcome.good},
             {"conclusion", outcome.conclusion ? conclusion_json(*outcome.conclusion) : Json(nullptr)},
             {"borne", std::move(borne)},
             {"remarks", remarks_of(outcome.result)},
             {"stages", std::move(stages)},
             {"calls", std::move(calls)},
             {"folder", outcome.kept ? Json(outcome.result.evidence.folder) : Json(nullptr)},
             {"stay", stay_json(outcome)}});
}

// ---- the run ----

volatile std::sig_atomic_t g_interrupted = 0;

extern "C" void note_interrupt(int) { g_interrupted = 1; }

std::string own_program() {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? std::string("callchain") : path.string();
}

// Secrets of the endpoints as somebody has them who looks at OpenAI's list: files, named by their label.
Result<std::vector<std::string>> write_secrets(const std::string& folder, const simulator::Plan& plan,
                                               const std::string& held_by_serve) {
    std::vector<std::string> named;
    const std::pair<const char*, std::string> all[] = {
        {"serve", held_by_serve}, {"endpoint", plan.secret}, {"other-endpoint", plan.other_secret}};
    for (const auto& [label, secret] : all) {
        if (label != std::string_view("serve") && secret == held_by_serve) continue;
        const auto file = std::string(label) + ".secret";
        CALLCHAIN_TRY(write_private_file(folder + "/" + file, secret + "\n"));
        named.push_back(std::string(label) + "=" + file);
    }
    return named;
}

// What can be asked while everything stays up: nothing where it does not.
std::vector<std::string> commands_to_ask(const ChainResult& result) {
    const auto& evidence = result.evidence;
    if (evidence.environment_file.empty()) return {};
    const auto from = " --env-file " + shell_word(evidence.folder + "/" + evidence.environment_file);
    // Twilio's and OpenAI's names lead to stand-ins here that no resolver knows.
    std::vector<std::string> commands{"callchain endpoints list" + from,
                                      "callchain doctor --online --for serve --skip public-url,sip" + from};
    const auto& ids = result.calls[most_telling(result)].timeline.ids;
    if (const auto sid = ids.find("call_sid"); sid != ids.end())
        commands.push_back("callchain twilio fetch " + sid->second + " --log " +
                           shell_word(evidence.folder + "/serve.log") + from);
    return commands;
}

int tell(const Outcome& outcome, const SimulateCallOptions& options, Context& context) {
    if (context.output.json)
        print_json(outcome, options, context);
    else
        print_text(outcome, context.out);
    context.out << std::flush;  // whoever waits for it may be a program, and the run may stay
    return outcome.conclusion ? kNo : kDone;
}

// What one run of the command has beside its options.
struct Desk {
    simulator::Plan plan;
    std::string folder;
    std::vector<std::string> secrets = {};  ///< files of them, "LABEL=PATH"
};

// Looks into what the run left, writes and prints what is found. The exit code.
int judge(ChainResult& result, const Desk& desk, const SimulateCallOptions& options, Context& context) {
    if (result.calls.empty())
        return context.report_error({.code = ErrorCode::internal,
                                     .message = "no side told of any call",
                                     .hint = "the logs are in " + desk.folder});
    const simulator::RunCommand command = [&desk](const std::vector<std::string>& arguments,
                                                  const std::map<std::string, std::string>& environment) {
        return simulator::run_to_end({.program = own_program(),
                                      .arguments = arguments,
                                      .environment = environment,
                                      .folder = desk.folder,
                                      .output_file = {}},
                                     kCommand);
    };
    const auto conclusion = conclude(result, desk.secrets, command);
    const auto borne = conclusion ? std::vector<Conclusion>{} : borne_by(result, command);
    add_findings(result, conclusion, borne);
    const bool kept =
        conclusion.has_value() || !options.faults.empty() || !options.out.empty() || options.stay;
    auto written = write_pictures(desk.folder, result);
    const auto good = static_cast<std::size_t>(std::count_if(
        result.calls.begin(), result.calls.end(), [](const CallResult& call) { return call.good(); }));
    const Outcome outcome{result, conclusion, borne, desk.plan.calls, good, kept, commands_to_ask(result)};
    if (written) written = write_verdict(desk.folder, outcome);
    const int code = tell(outcome, options, context);
    // What was found is not lost for want of a picture.
    if (!written) return context.report_error(written.error());
    if (!kept) {
        std::error_code ignored;  // what is left of it harms nobody
        std::filesystem::remove_all(desk.folder, ignored);
    }
    return code;
}

// Whoever pastes a command into this shell would ask with what is set here.
void warn_of_shadowed(const std::map<std::string, std::string>& environment, const Context& context) {
    std::vector<std::string> names;
    for (const auto& [name, value] : environment) {
        const auto own = context.variable_with_origin(name);
        if (own && own->file.empty() && own->value != value) names.push_back(name);
    }
    if (names.empty()) return;
    context.say("callchain: simulate call: " + join(names, ", ") + (names.size() == 1 ? " is" : " are") +
                " set in this shell and would win over the file: unset " +
                (names.size() == 1 ? "it" : "them") + " where you run the commands");
}

// The verdict while everything is up, with the file that leads other commands there.
int judge_staying(ChainResult result, const std::map<std::string, std::string>& environment, const Desk& desk,
                  const SimulateCallOptions& options, Context& context) {
    const config::Assignments assignments(environment.begin(), environment.end());
    const auto path = desk.folder + "/" + kEnvironmentFile;
    if (const auto written = write_private_file(path, config::write_env_file(assignments)); !written)
        return context.report_error(written.error());
    warn_of_shadowed(environment, context);
    result.evidence.environment_file = kEnvironmentFile;
    return judge(result, desk, options, context);
}

// The exit code of the verdict.
Result<int> run_with_progress(const Desk& desk, const SimulateCallOptions& options, Context& context) {
    g_interrupted = 0;
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGINT, note_interrupt);
    std::signal(SIGTERM, note_interrupt);
    std::optional<ProgressLine> progress(std::in_place, context);
    const auto calls = desk.plan.calls;
    std::optional<int> code;
    simulator::ChainEvents events;
    events.interrupted = [] { return g_interrupted != 0; };
    events.on_progress = [&progress, calls](std::size_t placed, std::size_t over) {
        progress->show(std::to_string(placed) + " of " + std::to_string(calls) + " calls placed, " +
                       std::to_string(over) + " over");
    };
    if (options.stay)
        events.on_stay = [&](ChainResult result, const std::map<std::string, std::string>& environment) {
            progress.reset();
            code = judge_staying(std::move(result), environment, desk, options, context);
        };
    auto result = simulator::run_chain(desk.plan, {.program = own_program(), .folder = desk.folder}, events);
    progress.reset();
    // From here on no socket is written to, and whoever reads our output may have seen enough.
    std::signal(SIGPIPE, SIG_DFL);
    if (code) return *code;
    if (!result) return tl::unexpected(std::move(result).error());
    if (!result->interrupted) return judge(*result, desk, options, context);
    context.say("callchain: simulate call: interrupted; what there is, is in " + desk.folder);
    return kInterrupted;
}

int run(const SimulateCallOptions& options, Context& context) {
    if (options.list_faults) return list_faults(context);
    const auto secrets = simulator::make_secrets(system::random_bytes(kSecretBytes));
    auto plan = plan_of(options, secrets);
    if (!plan) return context.report_error(plan.error());
    const auto folder = make_folder(options.out);
    if (!folder) return context.report_error(folder.error());
    Desk desk{*std::move(plan), *folder};
    const auto& of_serve = desk.plan.serve;
    const auto held = of_serve.find("OPENAI_WEBHOOK_SECRET");
    auto named = write_secrets(*folder, desk.plan, held == of_serve.end() ? desk.plan.secret : held->second);
    if (!named) return context.report_error(named.error());
    desk.secrets = *std::move(named);
    const auto code = run_with_progress(desk, options, context);
    return code ? *code : context.report_error(code.error());
}

std::string footer() {
    return "Starts stand-ins for Meta, Twilio and OpenAI and, as the processes that they are in production, "
           "gateway run "
           "and\nserve; places calls; says what the caller heard, which part failed, why, and what to do, "
           "found with "
           "the\ncommands that are named. Everything stays on loopback. The run's logs, captures and "
           "pictures are kept in "
           "a\nfolder where a call failed, a fault was asked for, or --out names one.\n"
           "Exit codes: 0 every call was bridged, greeted and ended cleanly; 1 one was not; 2 usage, or what "
           "could not "
           "be\nstarted or written; 130 interrupted.";
}

}  // namespace

void add_simulate_call(CLI::App& simulate, Context& context) {
    auto options = std::make_shared<SimulateCallOptions>();
    auto* command =
        simulate.add_subcommand("call", "One call through the whole chain, or many, with faults on request");
    command->add_option("--fault", options->faults, "Break the chain in that way; may be given several times")
        ->type_name("NAME")
        ->allow_extra_args(false);
    command->add_flag("--list-faults", options->list_faults, "List the faults and end");
    command->add_option("--calls", options->calls, "How many calls")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, kMostCalls).description(""))
        ->capture_default_str();
    command->add_option("--rate", options->rate, "New calls a second")
        ->type_name("R")
        ->check(number_within(kLeastRate, kMostRate))
        ->capture_default_str();
    command->add_option("--talk", options->talk, "Seconds from the answer to the caller's hanging up")
        ->type_name("SECONDS")
        ->check(number_within(0.0, kMostTalk))
        ->capture_default_str();
    command
        ->add_option("--without", options->without,
                     "Begin at Twilio, as a WhatsApp sender of Twilio's does: gateway")
        ->type_name("PART")
        ->check(one_of({"gateway"}));
    command->add_option("--out", options->out, "Folder for logs, captures and pictures; new or empty")
        ->type_name("DIR");
    command->add_flag("--stay", options->stay,
                      "Behind the verdict keep everything up until Ctrl-C, for other commands to ask");
    add_common_options(*command, context);
    set_footer(*command, footer(),
               {"callchain simulate call", "callchain simulate call --fault wrong-secret  # exit 1"});
    set_body(*command, context, [options, &context] { return run(*options, context); });
}

}  // namespace callchain::cli
