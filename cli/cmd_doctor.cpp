#include "base/nearest_words.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "call_commands.hpp"
#include "check_sheet.hpp"
#include "commands.hpp"
#include "doctor/doctor.hpp"
#include "doctor/questions.hpp"
#include "encoding/base64.hpp"
#include "gateway_inputs.hpp"
#include "json_output.hpp"
#include "own_hosts.hpp"
#include "serve_inputs.hpp"
#include "system/random.hpp"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <ostream>
#include <unistd.h>
#include <utility>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using service::Check;

struct DoctorOptions {
    std::string online;  ///< "options", "invite"; empty: nothing is sent
    std::vector<std::string> only;
    std::vector<std::string> skip;
    std::vector<std::string> fail_on;
    std::string about;  ///< "serve", "gateway", "both"; empty: by the variables that are set
    bool list = false;
    bool dry_run = false;
    bool print_curl = false;
    int timeout_s = 5;
};

bool is_set(const Context& context, std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](const char* name) { return !context.variable(name).value_or("").empty(); });
}

// A gateway is what its settings make one; without any, it is about serve.
bool looks_at_gateway(const DoctorOptions& options, const Context& context) {
    if (!options.about.empty()) return options.about != "serve";
    return is_set(context, {"TWILIO_SIP_DOMAIN", "TWILIO_SIP_USERNAME", "META_SIP_USERNAME"});
}
bool looks_at_serve(const DoctorOptions& options, const Context& context) {
    if (!options.about.empty()) return options.about != "gateway";
    return is_set(context, {"OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET", "OPENAI_PROJECT_ID"}) ||
           !looks_at_gateway(options, context);
}

std::vector<std::string> variable_names(const Context& context) {
    std::vector<std::string> names;
    for (char** at = ::environ; at != nullptr && *at != nullptr; ++at) {
        const std::string_view assignment = *at;
        names.emplace_back(assignment.substr(0, assignment.find('=')));
    }
    for (const auto& [name, variable] : context.file_variables()) names.push_back(name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::vector<doctor::Shadowed> shadowed_variables(const Context& context) {
    std::vector<doctor::Shadowed> shadowed;
    for (const auto& [name, variable] : context.file_variables())
        if (const auto real = context.real_variable(name))
            shadowed.push_back({name, variable.file, *real != variable.value});
    return shadowed;
}

// What already went wrong with the sources comes first.
template <class Result>
Result with_problems(Result result, std::vector<Error> problems) {
    if (problems.empty()) return result;
    result.problems.insert(result.problems.begin(), problems.begin(), problems.end());
    result.config.reset();
    return result;
}

doctor::Material gather(const DoctorOptions& options, Context& context, CLI::App& scratch,
                        GatewayOptions& gateway_options) {
    doctor::Material material;
    material.now = std::chrono::floor<std::chrono::seconds>(context.clock.now());
    material.version = CALLCHAIN_VERSION;
    material.variable = [&context](const std::string& name) { return context.variable_with_origin(name); };
    material.names = variable_names(context);
    material.shadowed = shadowed_variables(context);
    if (context.own_env_file == "read .env")
        material.env_files.emplace_back(".env");
    else
        material.own_file_left_out = context.own_env_file;
    material.env_files.insert(material.env_files.end(), context.env_files.begin(), context.env_files.end());
    material.online = !options.online.empty();
    material.invites = options.online == "invite";
    material.patience = std::chrono::seconds{options.timeout_s};
    material.random = system::random_bytes;
    if (looks_at_serve(options, context)) {
        auto gathered = gather_serve(
            {}, [](std::string_view) { return std::nullopt; }, context);
        auto result = service::read_serve_config(gathered.inputs);
        material.serve = doctor::ServeSide{std::move(gathered.inputs),
                                           with_problems(std::move(result), std::move(gathered.problems))};
        material.own_hosts = own_hosts(context);
    }
    if (looks_at_gateway(options, context)) {
        add_gateway_options(scratch, gateway_options);
        auto gathered = gather_gateway(gateway_options, scratch, context);
        auto result = service::read_gateway_config(gathered.inputs);
        material.gateway = doctor::GatewaySide{
            std::move(gathered.inputs), with_problems(std::move(result), std::move(gathered.problems))};
    }
    return material;
}

// All that a peer could bring back: as configured, and as it goes over the wire.
signature::KnownSecrets known_secrets(const doctor::Material& material) {
    auto secrets = doctor::webhook_secrets(material);
    for (const char* name : {"OPENAI_API_KEY", "TWILIO_AUTH_TOKEN", "TWILIO_TOKEN", "TWILIO_API_SECRET",
                             "TWILIO_SIP_PASSWORD", "META_SIP_PASSWORD", "CALLCHAIN_OUTWARD_PASSWORD"}) {
        const auto value = material.value(name);
        if (const auto text = service::tolerant_secret(value); !text.empty())
            secrets.push_back({name, std::string(text)});
    }
    const auto token = material.value("TWILIO_AUTH_TOKEN");
    const auto pair =
        material.value("TWILIO_ACCOUNT_SID") + ":" + std::string(service::tolerant_secret(token));
    secrets.push_back({"Basic", encoding::to_base64(pair)});
    return signature::KnownSecrets(secrets);
}

std::string curl_of(const doctor::Question& question) {
    if (question.is_sip())
        return "# curl speaks no SIP: " + question.request.method + " " + visible(question.request.url);
    if (question.user.empty()) return http::curl_command(question.request, question.secret);
    auto request = question.request;
    std::erase_if(request.headers, [](const auto& header) { return header.name == "Authorization"; });
    return http::curl_command(request, question.secret) + " -u \"" + question.user + ":$" + question.secret +
           "\"";
}

// What --online would send; only the wanted steps.
int show_questions(const DoctorOptions& options, const doctor::Material& material,
                   const doctor::Choice& choice, Context& context) {
    Json document{
        {"schema", "callchain.doctor-questions/1"}, {"tool_version", CALLCHAIN_VERSION}, {"sent", false}};
    document["questions"] = Json::array();
    bool is_first = true;
    for (const auto& question : doctor::questions(material)) {
        if (!choice.wants_step(question.step)) continue;
        const auto secret = question.user.empty() ? "$" + question.secret
                                                  : question.user + ":$" + question.secret + " (base64)";
        if (context.output.json) {
            auto json = request_json(question.request, true, secret);
            json["step"] = question.step;
            document["questions"].push_back(std::move(json));
        } else if (options.print_curl) {
            context.out << curl_of(question) << "\n";
        } else {
            if (!std::exchange(is_first, false)) context.out << "\n";
            show_request(context, question.request, secret);
        }
    }
    if (context.output.json) print_document(context, document);
    return kDone;
}

int list_steps(Context& context) {
    if (context.output.json) {
        Json document{{"schema", "callchain.doctor-list/1"}, {"tool_version", CALLCHAIN_VERSION}};
        document["steps"] = Json::array();
        for (const auto& step : doctor::steps())
            document["steps"].push_back({{"name", step.name},
                                         {"asks", step.asks},
                                         {"online", step.is_online},
                                         {"checks", split(step.checks, ' ')}});
        print_document(context, document);
        return kDone;
    }
    constexpr std::size_t kColumn = 16;
    for (const auto& step : doctor::steps()) {
        auto name = std::string(step.name);
        name.resize(kColumn, ' ');
        context.out << name << step.asks << (step.is_online ? "  (--online)" : "") << "\n";
    }
    return kDone;
}

std::optional<Error> wrong_names(const DoctorOptions& options) {
    std::vector<std::string_view> names;
    for (const auto& step : doctor::steps())
        for (const auto name : split(step.checks, ' ')) names.push_back(name);
    for (const auto* list : {&options.only, &options.skip, &options.fail_on}) {
        for (const auto& item : *list) {
            if (doctor::names_a_check(item)) continue;
            const auto nearest = nearest_words(item, names);
            return Error{
                ErrorCode::usage, "there is no check \"" + safe_excerpt(item, 60) + "\"", std::nullopt,
                nearest.empty() ? std::string("callchain doctor --list has their names")
                                : "did you mean " + std::string(nearest.front()) + "? --list has them all"};
        }
    }
    return std::nullopt;
}

// --fail-on turns the warnings that it names into an exit code.
bool fails_by_choice(const DoctorOptions& options, const std::vector<Check>& checks, Context& context) {
    if (options.fail_on.empty()) return false;
    const doctor::Choice chosen(options.fail_on, {});
    const auto found = std::find_if(checks.begin(), checks.end(), [&](const Check& check) {
        return check.result == Check::Outcome::warn && chosen.wants_check(check.name);
    });
    if (found == checks.end()) return false;
    context.say("callchain: " + context.command + ": exit code 1 because of --fail-on " + found->name);
    return true;
}

int examine(const DoctorOptions& options, Context& context) {
    if (options.list) return list_steps(context);
    if (const auto wrong = wrong_names(options)) return context.report_error(*wrong);
    end_on_signals(context);
    // The gateway's settings are read as `gateway check` reads them, with no flag given.
    CLI::App scratch;
    GatewayOptions gateway_options;
    const auto material = gather(options, context, scratch, gateway_options);
    const doctor::Choice choice(options.only, options.skip);
    if (options.dry_run || options.print_curl) return show_questions(options, material, choice, context);
    doctor::Online online(material);
    CheckSheet sheet(context, "callchain.doctor/1", known_secrets(material));
    for (const auto& step : doctor::steps()) {
        if (!choice.wants_step(step.name)) continue;
        // A peer that goes away must not end the command, and a reader of its lines that does must.
        std::signal(SIGPIPE, SIG_IGN);
        auto checks = doctor::run_step(step, material, online, choice);
        std::signal(SIGPIPE, SIG_DFL);
        sheet.add(std::move(checks));
    }
    const int code = sheet.close(Json{{"online", material.online},
                                      {"serve", material.serve.has_value()},
                                      {"gateway", material.gateway.has_value()}});
    if (code == kDone && fails_by_choice(options, sheet.checks(), context)) return kNo;
    return code;
}

void add_choice(CLI::App& command, const std::string& name, std::vector<std::string>& into,
                const std::string& text) {
    command.add_option(name, into, text)->delimiter(',')->allow_extra_args(false)->type_name("NAME,…");
}

std::string footer() {
    return "A line for each check as soon as it is known, with a remedy where there is something to mend; "
           "the last line "
           "is\nthe sum. A warning is no failure. Nothing is sent without --online, but for a question over "
           "loopback "
           "about who has\nthe port. Names: --list. A name takes the checks that begin with it: --only api "
           "takes api-key as "
           "well.\n"
           "Exit codes: 0 nothing failed, 1 a check failed or one of --fail-on warned, 2 usage.";
}

}  // namespace

void define_doctor(CLI::App& command, Context& context) {
    auto options = std::make_shared<DoctorOptions>();
    command
        .add_option("--online", options->online,
                    "Ask OpenAI, Twilio and the public URL as well; invite: the SIP Domain by an INVITE")
        ->expected(0, 1)
        ->default_str("")
        ->check(one_of({"options", "invite"}))
        ->type_name("[options|invite]");
    add_choice(command, "--only", options->only, "These checks and no others");
    add_choice(command, "--skip", options->skip, "All but these");
    add_choice(command, "--fail-on", options->fail_on, "Exit 1 where one of these warns");
    command.add_option("--for", options->about, "Which service; without it, by the variables that are set")
        ->check(one_of({"serve", "gateway", "both"}))
        ->type_name("serve|gateway|both");
    command.add_flag("--list", options->list, "List the checks and end");
    command.add_flag("--dry-run", options->dry_run, "Print what --online would send, and send nothing");
    command.add_flag("--print-curl", options->print_curl, "The same as curl commands");
    command.add_option("--timeout", options->timeout_s, "Longest wait for one answer")
        ->check(number_within(1, 60))
        ->type_name("SECONDS")
        ->capture_default_str();
    add_common_options(command, context);
    set_footer(command, footer(),
               {"callchain doctor --list",
                "callchain doctor --env-file samples/serve.env --skip ports,descriptors"});
    set_body(
        command, context,
        [options, &command, &context] {
            if (command.get_option("--online")->count() != 0 && options->online.empty())
                options->online = "options";
            return examine(*options, context);
        },
        EnvFiles::own_first);
}

}  // namespace callchain::cli
