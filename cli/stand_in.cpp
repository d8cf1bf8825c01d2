#include "stand_in.hpp"

#include "base/internet_time.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "http/url.hpp"
#include "json_output.hpp"
#include "run_folder.hpp"
#include "secrets.hpp"
#include "signature/twilio_url.hpp"
#include "timeline/timeline.hpp"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <unistd.h>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr std::size_t kMostScenarioBytes = 1 << 20U;
constexpr std::size_t kMostPending = 100'000;
constexpr std::size_t kMostCalls = 1'000'000;
constexpr milliseconds kLongestWait{100};

volatile std::sig_atomic_t g_signal = 0;

extern "C" void note_signal(int number) { g_signal = number; }

Json document(const std::string& schema, const char* type) {
    return {{"schema", schema}, {"tool_version", CALLCHAIN_VERSION}, {"type", type}};
}

}  // namespace

void add_stand_in_options(CLI::App& command, StandInOptions& options, Context& context) {
    options.command = &command;
    command.add_option("--listen", options.listen, "Address of its SIP; port 0: a free one")
        ->type_name("ADDRESS")
        ->check(listen_address())
        ->capture_default_str();
    command
        .add_option(
            "--authority", options.authority,
            "Folder of a certificate authority, which stand-ins share; it is made where it is missing")
        ->type_name("DIR");
    command
        .add_option("--scenario", options.scenario,
                    "JSON file with members of the conduct below; \"calls\" has them for single calls")
        ->type_name("FILE");
    add_common_options(command, context);
}

void add_transport_option(CLI::App& command, StandInOptions& options) {
    command.add_option("--transport", options.transport, "Of its SIP: tls, tcp or udp")
        ->type_name("WORD")
        ->check(one_of({"tls", "tcp", "udp"}))
        ->capture_default_str();
}

sip::Transport transport_of(const StandInOptions& options) {
    if (options.transport == "udp") return sip::Transport::udp;
    return options.transport == "tcp" ? sip::Transport::tcp : sip::Transport::tls;
}

Result<void> check_url(const std::string& option, const std::string& url) {
    if (http::read_url(url)) return {};
    return fail(
        ErrorCode::usage,
        option + ": \"" + safe_echo(signature::show_url(url), 200) + "\" is no URL that can be called",
        signature::split_url(url) ? "leave user and password out of it"
                                  : "http:// or https://, a host, and a path");
}

Result<std::optional<sip::DigestAccount>> sip_account_of(const Context& context, const std::string& name,
                                                         const std::string& hint) {
    const auto username = context.variable(name + "_USERNAME").value_or("");
    const auto password = context.variable(name + "_PASSWORD").value_or("");
    if (username.empty() && password.empty()) return std::nullopt;
    if (username.empty() || password.empty())
        return fail(ErrorCode::usage, name + "_USERNAME and " + name + "_PASSWORD go together", hint);
    return sip::DigestAccount{username, password};
}

void add_calls_option(CLI::App& command, StandInOptions& options) {
    command.add_option("--calls", options.calls, "End when so many calls are over")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, kMostCalls).description(""));
}

Result<simulator::Scenario> read_scenario_file(const StandInOptions& options, Context& context) {
    if (options.scenario.empty()) return simulator::Scenario{};
    const auto text = CALLCHAIN_TRY(context.read_input(options.scenario, kMostScenarioBytes));
    auto scenario = simulator::read_scenario(text);
    if (!scenario)
        scenario.error().message =
            "--scenario " + visible_excerpt(options.scenario, 200) + ": " + scenario.error().message;
    return scenario;
}

// ---- the authority ----

Result<StandInAuthority> StandInAuthority::open(const StandInOptions& options) {
    auto folder = options.authority;
    if (folder.empty()) folder = CALLCHAIN_TRY(make_run_folder());
    auto authority = simulator::Authority::open(folder);
    StandInAuthority made(authority ? *std::move(authority) : nullptr,
                          options.authority.empty() ? folder : std::string());
    if (!authority) return tl::unexpected(std::move(authority).error());
    return made;
}

StandInAuthority::~StandInAuthority() {
    std::error_code ignored;  // what is left of it harms nobody
    for (const auto& file : issued_) std::filesystem::remove(file, ignored);
    if (!removed_.empty()) std::filesystem::remove_all(removed_, ignored);
}

Result<simulator::CertificateFiles> StandInAuthority::issue(const std::string& name,
                                                            const std::vector<std::string>& subjects) const {
    auto files = CALLCHAIN_TRY(authority_->issue(name + "-" + std::to_string(::getpid()), subjects));
    issued_.insert(issued_.end(), {files.certificate, files.key});
    return files;
}

// ---- the run ----

StandInRun::StandInRun(Context& context, std::string schema) : context_(context), schema_(std::move(schema)) {
    g_signal = 0;
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGINT, note_signal);
    std::signal(SIGTERM, note_signal);
}

StandInRun::~StandInRun() { std::signal(SIGPIPE, SIG_DFL); }

void StandInRun::add(timeline::Event event) {
    {
        const std::lock_guard lock(mutex_);
        if (events_.size() < kMostPending)
            events_.push_back(std::move(event));
        else
            ++lost_;
    }
    changed_.notify_one();
}

void StandInRun::add(CallReport report) {
    {
        const std::lock_guard lock(mutex_);
        reports_.push_back(std::move(report));
    }
    changed_.notify_one();
}

void StandInRun::tell_ready(const std::vector<std::pair<std::string, std::string>>& fields) {
    auto json = document(schema_, "ready");
    std::string line = "ready";
    for (const auto& [name, value] : fields) {
        if (value.empty()) continue;
        json[name] = value;
        line += " " + name + "=" + visible(value);
    }
    context_.out << (context_.output.json ? json_line(json) : line) << std::endl;  // scripts wait for it
}

int StandInRun::wait(std::size_t calls, const std::function<milliseconds()>& work) {
    while (print_pending()) {
        if (g_signal == SIGINT) return kInterrupted;
        if (g_signal != 0) return kDone;
        if (calls != 0 && over_ >= calls) return good_ == over_ ? kDone : kNo;
        const auto idle = work ? std::min(work(), kLongestWait) : kLongestWait;
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, idle, [this] { return !events_.empty() || !reports_.empty(); });
    }
    return kDone;
}

bool StandInRun::print_pending() {
    std::deque<timeline::Event> events;
    std::deque<CallReport> reports;
    std::size_t lost = 0;
    {
        const std::lock_guard lock(mutex_);
        events.swap(events_);
        reports.swap(reports_);
        lost = std::exchange(lost_, 0);
    }
    errno = 0;
    for (const auto& event : events) print(event);
    for (const auto& report : reports) print(report);
    if (lost != 0)
        context_.say("callchain: " + context_.command + ": " + count_of(lost, "event") +
                     " left out: the output is not read fast enough");
    if (!events.empty() || !reports.empty()) context_.out.flush();
    if (context_.out) return !reader_gone_;
    // Who closes a pipe has seen enough. Of anything else main() tells.
    reader_gone_ = errno == EPIPE;
    if (reader_gone_) context_.out.clear();
    return false;
}

void StandInRun::print(const timeline::Event& event) {
    if (!context_.output.json) {
        context_.out << write_rfc3339(event.at) << "  " << timeline::to_line(event) << "\n";
        return;
    }
    auto json = document(schema_, "event");
    json["at"] = write_rfc3339(event.at);
    json["from"] = timeline::word_of(event.from);
    json["to"] = timeline::word_of(event.to);
    json["medium"] = timeline::word_of(event.medium);
    json["label"] = visible(event.label);
    json["detail"] = visible(event.detail);
    json["ids"] = Json::object();
    for (const auto& [name, value] : event.ids) json["ids"][visible(name)] = visible(value);
    json["trouble"] = event.trouble;
    context_.out << json_line(json) << "\n";
}

void StandInRun::print(const CallReport& report) {
    ++over_;
    if (report.good) ++good_;
    if (!context_.output.json) {
        context_.out << "call " << visible(report.id) << (report.good ? " good: " : " failed: ")
                     << visible_excerpt(report.sentence, 400) << "\n";
        return;
    }
    auto json = document(schema_, "call");
    json["good"] = report.good;
    json["sentence"] = visible(report.sentence);
    json.update(read_json(report.fields));
    context_.out << json_line(json) << "\n";
}

}  // namespace callchain::cli
