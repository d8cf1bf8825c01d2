#include "simulator/chain.hpp"

#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "simulator/chain_parts.hpp"
#include "simulator/relay.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <thread>
#include <utility>

namespace callchain::simulator {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using timeline::Party;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr const char* kPublicOrigin = "https://serve.example.com";  // what Twilio and OpenAI were told
constexpr const char* kOtherOrigin = "https://other.example.com";
constexpr const char* kWebhookPath = "/openai/webhook";
// The processes, and their logs.
constexpr const char* kGateway = "gateway";
constexpr const char* kSecondGateway = "gateway-2";
constexpr const char* kServe = "serve";
constexpr milliseconds kStart{20'000};
constexpr milliseconds kStop{15'000};
// The longest that OpenAI waits, tries again and that serve asks, with room; beside the talk.
constexpr milliseconds kLongestCall{90'000};
constexpr milliseconds kQuiet{1'500};

std::string last_line(const std::vector<std::string>& lines) {
    return lines.empty() ? std::string("it said nothing") : visible_excerpt(lines.back(), 300);
}

// The chain while it runs. Destroyed from the caller's side to OpenAI's, so that nobody calls what is gone.
class Chain {
  public:
    Chain(Plan plan, const ChainSettings& settings, const ChainEvents& events)
        : plan_(std::move(plan)), settings_(settings), events_(events) {
        places_.folder = settings.folder;
        places_.public_url = kPublicOrigin;
    }

    Result<void> start();
    void place_calls();
    void wait_until_over();
    void stay();
    void stop();
    ChainResult result();

  private:
    Result<void> start_openai();
    Result<void> start_twilio();
    Result<void> start_serve();
    Result<void> start_gateway();
    Result<void> start_meta();
    Result<std::unique_ptr<ChildProcess>> start_process(Party party, const std::string& name,
                                                        const std::vector<std::string>& arguments,
                                                        std::map<std::string, std::string> environment);
    EventSink sink() {
        return [this](timeline::Event event) { recorder_.add(std::move(event)); };
    }
    bool interrupted() {
        interrupted_ = interrupted_ || (events_.interrupted && events_.interrupted());
        return interrupted_;
    }
    void progress() const {
        if (!events_.on_progress) return;
        const auto counts = recorder_.counts();
        events_.on_progress(placed_, plan_.with_gateway ? counts.meta : counts.twilio);
    }
    void kill_serve_when_due();
    void settle();

    Plan plan_;
    const ChainSettings& settings_;
    const ChainEvents& events_;
    Places places_;
    Recorder recorder_;
    std::unique_ptr<Authority> authority_;
    std::unique_ptr<OpenAi> openai_;
    std::unique_ptr<OtherEndpoint> other_;
    std::unique_ptr<http::Server> foreign_service_;
    std::unique_ptr<Twilio> twilio_;
    std::unique_ptr<ChildProcess> serve_;
    std::unique_ptr<ChildProcess> gateway_;
    std::unique_ptr<ChildProcess> second_gateway_;
    std::unique_ptr<Relay> relay_;  // before the gateways, where there is one
    std::unique_ptr<Meta> meta_;
    std::size_t placed_ = 0;
    bool interrupted_ = false;
    bool serve_killed_ = false;
    std::optional<int> gateway_exit_;
    std::optional<int> serve_exit_;
    std::map<std::string, std::string> gateway_environment_;
};

Result<void> Chain::start() {
    authority_ = CALLCHAIN_TRY(Authority::create(settings_.folder));
    places_.ca_file = authority_->ca_file();
    CALLCHAIN_TRY(start_openai());
    CALLCHAIN_TRY(start_twilio());
    CALLCHAIN_TRY(start_serve());
    if (!plan_.with_gateway) return {};
    CALLCHAIN_TRY(start_gateway());
    return start_meta();
}

Result<void> Chain::start_openai() {
    auto& of = plan_.openai;
    const auto files = CALLCHAIN_TRY(authority_->issue("openai", {"127.0.0.1", "sip.api.openai.com"}));
    of.certificate = files.certificate;
    of.key = files.key;
    openai_ =
        CALLCHAIN_TRY(OpenAi::start(of, sink(), [this](OpenAiCall call) { recorder_.add(std::move(call)); }));
    places_.openai_url = openai_->api_url();
    return {};
}

Result<void> Chain::start_twilio() {
    auto& of = plan_.twilio;
    const auto files = CALLCHAIN_TRY(authority_->issue("twilio", {"127.0.0.1", "example.sip.twilio.com"}));
    of.certificate = files.certificate;
    of.key = files.key;
    of.ca_file = places_.ca_file;
    of.openai = parse_endpoint(openai_->sip_address()).value_or(Endpoint{});
    of.public_url = std::string(kPublicOrigin) + "/twilio/voice";
    if (events_.on_stay) of.api_listen = "127.0.0.1:0";
    twilio_ =
        CALLCHAIN_TRY(Twilio::start(of, sink(), [this](TwilioCall call) { recorder_.add(std::move(call)); }));
    places_.twilio_address = twilio_->address();
    places_.twilio_api_url = twilio_->api_url();
    return {};
}

Result<std::unique_ptr<ChildProcess>> Chain::start_process(Party party, const std::string& name,
                                                           const std::vector<std::string>& arguments,
                                                           std::map<std::string, std::string> environment) {
    auto child = CALLCHAIN_TRY(ChildProcess::start(
        {.program = settings_.program,
         .arguments = arguments,
         .environment = std::move(environment),
         .folder = settings_.folder,
         .output_file = settings_.folder + "/" + name + ".log"},
        [this, party, name](const std::string& line) { recorder_.add_line(party, name, line); }));
    if (!child->wait_for_line("\"message\":\"ready\"", kStart))
        return fail(ErrorCode::io, name + " did not start: " + last_line(recorder_.log_of(name)),
                    "its whole output is in " + settings_.folder + "/" + name + ".log");
    return child;
}

Result<void> Chain::start_serve() {
    if (::mkdir((settings_.folder + "/captures").c_str(), 0700) != 0)
        return fail(ErrorCode::io, "cannot make " + settings_.folder + "/captures");
    serve_ = CALLCHAIN_TRY(start_process(Party::serve, kServe, {"serve"}, serve_environment(plan_, places_)));
    std::string address;
    for (const auto& line : recorder_.log_of(kServe)) {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (json.is_object() && json.value("message", std::string()) == "ready")
            address = json.value("listen", std::string());
    }
    if (plan_.freezes_serve) serve_->signal(SIGSTOP);
    const auto base = address.starts_with("http") ? address : "http://" + address;
    places_.serve_address = base.substr(base.find("//") + 2);
    std::vector<WebhookEndpoint> endpoints{
        {base + kWebhookPath, plan_.secret, std::string(kPublicOrigin) + kWebhookPath, "serve"}};
    if (plan_.other_endpoint) {
        other_ = CALLCHAIN_TRY(OtherEndpoint::start(plan_.openai.api_key, places_.openai_url));
        endpoints.insert(endpoints.begin(), {other_->url(), plan_.other_secret,
                                             std::string(kOtherOrigin) + kWebhookPath, "another host"});
    }
    openai_->set_endpoints(std::move(endpoints));
    if (plan_.foreign_twiml.empty()) {
        twilio_->set_voice_url(base + "/twilio/voice");
        return {};
    }
    std::ofstream(settings_.folder + "/voice.twiml") << plan_.foreign_twiml;
    foreign_service_ = CALLCHAIN_TRY(http::Server::start(
        {.listen = {"127.0.0.1:0"}},
        [document = plan_.foreign_twiml](const http::Request&, http::Responder responder) {
            responder.send({.status = 200, .content_type = "text/xml", .body = document});
        }));
    twilio_->set_voice_url("http://" + foreign_service_->addresses().front() + "/twilio/voice");
    return {};
}

Result<void> Chain::start_gateway() {
    const auto files = CALLCHAIN_TRY(
        authority_->issue("gateway", {"127.0.0.1", "localhost"}, plan_.gateway_certificate_life));
    places_.gateway_certificate = files.certificate;
    places_.gateway_key = files.key;
    places_.gateway_port = CALLCHAIN_TRY(free_port());
    places_.advertised_port = places_.gateway_port;
    auto second = places_;
    second.gateway_name = kSecondGateway;
    while (plan_.second_replica && second.gateway_port == places_.gateway_port)
        second.gateway_port = CALLCHAIN_TRY(free_port());
    if (plan_.second_replica || !plan_.peers_of_gateway.empty()) {
        std::vector<std::uint16_t> ports{places_.gateway_port};
        if (plan_.second_replica) ports.push_back(second.gateway_port);
        relay_ = CALLCHAIN_TRY(Relay::start({.backends = ports, .sources = plan_.peers_of_gateway}));
        places_.advertised_port = second.advertised_port = relay_->port();
    }
    gateway_environment_ = gateway_environment(plan_, places_);
    const std::vector<std::string> run{"gateway", "run"};
    gateway_ = CALLCHAIN_TRY(start_process(Party::gateway, kGateway, run, gateway_environment_));
    if (!plan_.second_replica) return {};
    second_gateway_ =
        CALLCHAIN_TRY(start_process(Party::gateway, kSecondGateway, run, gateway_environment(plan_, second)));
    return {};
}

Result<void> Chain::start_meta() {
    auto& of = plan_.meta;
    const auto files = CALLCHAIN_TRY(authority_->issue("meta", {"127.0.0.1", "wa.meta.vc"}));
    of.certificate = files.certificate;
    of.key = files.key;
    of.ca_file = places_.ca_file;
    of.gateway_host = "127.0.0.1";
    of.gateway_port = places_.advertised_port;
    meta_ = CALLCHAIN_TRY(Meta::start(of, sink()));
    return {};
}

void Chain::place_calls() {
    const auto between = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(1 / std::max(plan_.rate, 0.001)));
    const auto began = std::chrono::steady_clock::now();
    while (placed_ < plan_.calls && !interrupted()) {
        const auto due = began + between * static_cast<std::int64_t>(placed_);
        if (const auto now = std::chrono::steady_clock::now(); now < due) {
            std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(due - now, 100ms));
            continue;
        }
        if (meta_)
            meta_->place_call([this](MetaCall call) { recorder_.add(std::move(call)); });
        else
            twilio_->place_call(plan_.meta.talk);
        ++placed_;
        progress();
    }
}

// The order that Railway has without a draining time: SIGTERM, and nothing is waited for.
void Chain::kill_serve_when_due() {
    if (serve_killed_ || !plan_.kills_serve || recorder_.counts().bridged == 0) return;
    serve_killed_ = true;
    std::this_thread::sleep_for(*plan_.kills_serve);
    serve_->signal(SIGTERM);
    serve_->signal(SIGKILL);
}

// Over when every side has told of every call; where one never got a call, when nothing happens any more.
void Chain::wait_until_over() {
    const auto end = std::chrono::steady_clock::now() + kLongestCall + plan_.meta.talk;
    auto last = recorder_.counts();
    auto quiet_since = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < end && !interrupted()) {
        kill_serve_when_due();
        recorder_.wait(100ms);
        progress();
        const auto counts = recorder_.counts();
        const auto first = plan_.with_gateway ? counts.meta : counts.twilio;
        if (counts.events != last.events) quiet_since = std::chrono::steady_clock::now();
        last = counts;
        if (first < placed_) continue;
        if (counts.twilio >= placed_ && counts.openai >= placed_) break;
        if (std::chrono::steady_clock::now() - quiet_since > kQuiet) break;
    }
}

// The verdict reads the summaries that the processes log behind a call, as it does where they have ended.
void Chain::settle() {
    const auto end = std::chrono::steady_clock::now() + kStop;
    auto events = recorder_.counts().events;
    auto quiet_since = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < end && !interrupted()) {
        recorder_.wait(100ms);
        const auto now = std::chrono::steady_clock::now();
        if (const auto count = recorder_.counts().events; count != std::exchange(events, count))
            quiet_since = now;
        if (now - quiet_since > kQuiet) return;
    }
}

void Chain::stay() {
    settle();
    if (interrupted()) return;
    if (serve_killed_) serve_exit_ = serve_->wait(kQuiet);
    events_.on_stay(result(), desk_environment(plan_, places_));
    while (!interrupted()) std::this_thread::sleep_for(100ms);
}

void Chain::stop() {
    // Drains: what is under way is summed up in the logs.
    const auto most = interrupted_ ? milliseconds(1'000) : kStop;
    if (gateway_) gateway_exit_ = gateway_->stop(most);
    if (second_gateway_) second_gateway_->stop(most);
    if (serve_ && plan_.freezes_serve) serve_->signal(SIGCONT);
    if (serve_) serve_exit_ = serve_->stop(most);
    meta_.reset();
    twilio_.reset();
    openai_.reset();
}

ChainResult Chain::result() {
    ChainResult result;
    result.interrupted = interrupted_;
    result.placed = placed_;
    result.calls = recorder_.take(result.others);
    result.evidence = {
        .folder = settings_.folder,
        .gateway_log = recorder_.log_of(kGateway),
        .second_gateway_log = recorder_.log_of(kSecondGateway),
        .serve_log = recorder_.log_of(kServe),
        .gateway_exit = gateway_exit_,
        .serve_exit = serve_exit_,
        .gateway_environment = gateway_environment_,
        .voice_document = plan_.foreign_twiml.empty() ? std::string() : settings_.folder + "/voice.twiml"};
    return result;
}

}  // namespace

Result<ChainResult> run_chain(Plan plan, const ChainSettings& settings, const ChainEvents& events) {
    Chain chain(std::move(plan), settings, events);
    CALLCHAIN_TRY(chain.start());
    chain.place_calls();
    chain.wait_until_over();
    if (events.on_stay) chain.stay();
    chain.stop();
    return chain.result();
}

}  // namespace callchain::simulator
