#include "base/text.hpp"
#include "commands.hpp"
#include "json_output.hpp"
#include "service/gateway_values.hpp"
#include "simulator/chain.hpp"
#include "simulator/conclusion.hpp"
#include "simulator/meta.hpp"
#include "stand_in.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace callchain::cli {
namespace {

using Json = nlohmann::ordered_json;
using simulator::MetaCall;
using simulator::MetaConduct;
using std::chrono::milliseconds;

constexpr double kLeastRate = 0.1;
constexpr double kMostRate = 500;

struct MetaOptions {
    StandInOptions common;
    std::string gateway;
    std::string ca_file;
    double rate = 1;
};

Result<simulator::MetaSettings> settings_of(const MetaOptions& options, const StandInAuthority& authority,
                                            Context& context) {
    simulator::MetaSettings settings;
    const auto script = CALLCHAIN_TRY(script_of<MetaConduct>(options.common, context, settings));
    static_cast<MetaConduct&>(settings) = script.rest;
    settings.script = script.calls;
    settings.listen = options.common.listen;
    settings.transport = transport_of(options.common);
    auto gateway = service::parse_host_address(options.gateway, service::TransportBehind::refused);
    if (!gateway) {
        gateway.error().message = "GATEWAY: " + gateway.error().message;
        return tl::unexpected(std::move(gateway).error());
    }
    const bool is_tls = settings.transport == sip::Transport::tls;
    settings.gateway_host = gateway->host;
    settings.gateway_port = gateway->port.value_or(sip::default_port(settings.transport));
    settings.account = CALLCHAIN_TRY(sip_account_of(
        context, "META_SIP", "set both as the gateway has them, or none: then a challenge is not answered"));
    if (!is_tls) return settings;
    const auto files = CALLCHAIN_TRY(authority.issue("meta", {"127.0.0.1", "wa.meta.vc"}));
    settings.certificate = files.certificate;
    settings.key = files.key;
    settings.ca_file = options.ca_file.empty() ? authority.ca_file() : options.ca_file;
    return settings;
}

bool is_good(const MetaCall& call) {
    using End = MetaCall::End;
    return call.answered && (call.end == End::hung_up || call.end == End::ended_by_peer);
}

CallReport report_of(const MetaCall& call) {
    CallReport report;
    report.good = is_good(call);
    report.id = call.wacid;
    report.sentence = simulator::heard_by_caller({.timeline = {}, .meta = call});
    if (!call.why.empty()) report.sentence += "; " + call.why;
    if (!call.warning.empty()) report.sentence += "; Warning: " + call.warning;
    report.fields = json_line(Json{{"call_id", call.call_id},
                                   {"wacid", call.wacid},
                                   {"status", call.status},
                                   {"warning", call.warning},
                                   {"end", simulator::word_of(call.end)},
                                   {"why", call.why},
                                   {"rang_ms", ms_or_null(call.rang)},
                                   {"answered_ms", ms_or_null(call.answered)},
                                   {"ended_ms", call.ended.count()}});
    return report;
}

// Places each call when it is due.
class Placing {
  public:
    Placing(simulator::Meta& meta, StandInRun& run, std::size_t calls, double rate)
        : meta_(meta), run_(run), calls_(calls), rate_(rate), began_(Clock::now()) {}

    milliseconds operator()() {
        while (placed_ < calls_) {
            const auto due =
                began_ + std::chrono::duration_cast<Clock::duration>(
                             std::chrono::duration<double>(static_cast<double>(placed_) / rate_));
            if (const auto now = Clock::now(); now < due) return std::chrono::ceil<milliseconds>(due - now);
            ++placed_;
            meta_.place_call([&run = run_](const MetaCall& call) { run.add(report_of(call)); });
        }
        return milliseconds::max();
    }

  private:
    using Clock = std::chrono::steady_clock;
    simulator::Meta& meta_;
    StandInRun& run_;
    std::size_t calls_;
    double rate_;
    Clock::time_point began_;
    std::size_t placed_ = 0;
};

int run(const MetaOptions& options, Context& context) {
    const auto authority = StandInAuthority::open(options.common);
    if (!authority) return context.report_error(authority.error());
    const auto settings = settings_of(options, *authority, context);
    if (!settings) return context.report_error(settings.error());
    StandInRun run(context, "callchain.simulate-meta/1");
    int code = kDone;
    {
        auto started =
            simulator::Meta::start(*settings, [&run](timeline::Event event) { run.add(std::move(event)); });
        if (!started) return report_start_error(started.error(), context);
        auto& meta = **started;
        run.tell_ready({{"sip", meta.address()},
                        {"gateway", options.gateway},
                        {"transport", options.common.transport},
                        {"ca_file", settings->ca_file}});
        const auto calls = std::max<std::size_t>(options.common.calls, 1);
        code = run.wait(calls, Placing(meta, run, calls, options.rate));
    }
    run.print_rest();
    return code;
}

}  // namespace

void add_simulate_meta(CLI::App& simulate, Context& context) {
    auto options = std::make_shared<MetaOptions>();
    auto* command =
        simulate.add_subcommand("meta", "WhatsApp's side alone: calls a SIP gateway as Meta does");
    command->add_option("gateway", options->gateway, "Whom to call: host, host:port; IPv6 in brackets")
        ->required()
        ->type_name("GATEWAY");
    add_transport_option(*command, options->common);
    command
        ->add_option("--ca-file", options->ca_file,
                     "Who signed the gateway's certificate; otherwise the authority")
        ->type_name("FILE");
    command->add_option("--calls", options->common.calls, "How many calls; 1 where it is not given")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, std::size_t{100'000}).description(""));
    command->add_option("--rate", options->rate, "New calls a second")
        ->type_name("R")
        ->check(number_within(kLeastRate, kMostRate))
        ->capture_default_str();
    add_stand_in_options(*command, options->common, context);
    add_conduct_options<MetaConduct>(*command, options->common);
    set_footer(
        *command,
        "Digest credentials come from META_SIP_USERNAME and META_SIP_PASSWORD. The first line says that it "
        "is "
        "ready; then a line for each\nmessage, and one for each call; with --json one document a line. "
        "--authority DIR also holds service.pem and service.key for the\ngateway that is tried.\n"
        "Exit codes: 0 every call was answered and hung up, 1 one was not, 2 usage, 6 the address is taken, "
        "130 ended by Ctrl-C.",
        {"callchain simulate meta 127.0.0.1:9 --transport tcp  # exit 1"});
    set_body(*command, context, [options, &context] { return run(*options, context); });
}

}  // namespace callchain::cli
