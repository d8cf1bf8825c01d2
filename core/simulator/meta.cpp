#include "simulator/meta.hpp"

#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "gateway/message_trace.hpp"
#include "simulator/meta_offer.hpp"
#include "simulator/phone.hpp"
#include "simulator/randomness.hpp"
#include "system/random.hpp"

#include <cmath>
#include <map>
#include <thread>
#include <utility>

namespace callchain::simulator {
namespace {

using gateway::Loop;
using Headers = std::vector<sip::HeaderField>;
using std::chrono::milliseconds;

// What Meta's messages show of the hosts behind its edge: as in its samples, with addresses that RFC 3849
// keeps for documentation.
constexpr const char* kEdgeHost = "[2001:db8:f948:9597::]";
constexpr std::uint16_t kEdgePort = 57363;
constexpr const char* kInnerHost = "[2001:db8:f948:9597:d33c:e00:400:0]";
constexpr const char* kInnerAddress = "2001:db8:f948:9597:d33c:e00:400:0";
constexpr const char* kPrivateRoute = "onevc-sip-proxy.fbinfra.net:8191";  // nobody outside can resolve it
constexpr const char* kDomain = "wa.meta.vc";
// No PRACK, UPDATE, INFO and REFER.
constexpr const char* kMetaAllow = "INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS";
constexpr std::string_view kOutgoing = "outgoing:";  // of each Call-ID, before the wacid
constexpr std::size_t kWacidBytes = 22;

// "US.1349…" in place of a number. Source: Meta, "Business-scoped user ID".
bool is_business_scoped(const std::string& caller) { return caller.find('.') != std::string::npos; }

std::string transport_parameter(sip::Transport transport) {
    return transport == sip::Transport::udp ? std::string() : ";transport=" + ascii_lower(name_of(transport));
}

std::uint16_t media_port() {
    constexpr std::uint64_t kFirst = 20'000;
    constexpr std::uint64_t kPorts = 20'000;
    return static_cast<std::uint16_t>(kFirst + 2 * (system::random_number() % kPorts));
}

std::string warning_of(const sip::Received* response) {
    if (response == nullptr) return {};
    return std::string(response->message.find("Warning").value_or(""));
}

struct Running {
    MetaCall result;
    const MetaConduct* conduct;
    std::function<void(MetaCall)> done;
    sip::SteadyTime began;
    Headers proxies = {};
    // Why this side ends it; nothing: the other side does, or it fails.
    std::optional<MetaCall::End> wish = std::nullopt;
    bool dropped = false;

    [[nodiscard]] milliseconds since_start() const {
        return std::chrono::duration_cast<milliseconds>(Loop::now() - began);
    }
};

}  // namespace

std::string_view word_of(MetaCall::End end) {
    switch (end) {
        case MetaCall::End::refused:
            return "refused";
        case MetaCall::End::hung_up:
            return "hung_up";
        case MetaCall::End::ended_by_peer:
            return "ended_by_peer";
        case MetaCall::End::cancelled:
            return "cancelled";
        case MetaCall::End::silence:
            return "silence";
        case MetaCall::End::connection_dropped:
            return "connection_dropped";
        case MetaCall::End::no_answer:
            break;
    }
    return "no_answer";
}

struct Meta::State {
    State(MetaSettings given, EventSink of_user) : settings(std::move(given)), sink(std::move(of_user)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (!thread.joinable()) return;
        // By two turns of the loop: what is still to be sent has been posted by the one that sent it.
        loop.post([this] {
            loop.post([this] {
                phone.reset();
                loop.stop();
            });
        });
        thread.join();
    }

    Result<void> start();
    [[nodiscard]] PhoneSettings phone_settings() const;
    PhoneEvents phone_events();

    void place(std::function<void(MetaCall)> done);
    [[nodiscard]] Result<OutgoingCall> make_call(const Running& running) const;
    [[nodiscard]] Headers proxy_headers() const;
    void on_answered(CallNumber number);
    void end_by(CallNumber number, MetaCall::End wish, const std::string& why);
    [[nodiscard]] Headers bye_headers(const Running& running) const;
    void on_failed(CallNumber number, int status, const sip::Received* response, const std::string& why);
    void on_hung_up(CallNumber number, int status);
    void finish(CallNumber number, MetaCall::End end, const std::string& why);
    void tell(const gateway::TracedMessage& message) const;
    /// Work on a call that is not over by then.
    void later(CallNumber number, milliseconds delay, std::function<void(Running&)> work);

    Running* find(CallNumber number) {
        const auto found = calls.find(number);
        return found == calls.end() ? nullptr : &found->second;
    }

    const MetaSettings settings;
    const EventSink sink;
    Endpoint bound;
    std::map<CallNumber, Running> calls;
    std::size_t placed = 0;
    Loop loop;
    std::unique_ptr<Phone> phone;
    std::thread thread;
};

PhoneSettings Meta::State::phone_settings() const {
    PhoneSettings of_phone;
    auto& transports = of_phone.stack.transports;
    transports.listeners = {{settings.transport, settings.listen}};
    if (settings.transport == sip::Transport::tls) {
        transports.tls_server = gateway::TlsServerSettings{.certificate = {.path = settings.certificate},
                                                           .key = {.path = settings.key}};
        transports.tls_ca_file = settings.ca_file;
    }
    of_phone.stack.sent_by = kEdgeHost;
    of_phone.stack.sent_by_port = kEdgePort;
    of_phone.user_agent = "Facebook SipGateway";
    return of_phone;
}

PhoneEvents Meta::State::phone_events() {
    PhoneEvents up;
    up.on_ringing = [this](CallNumber number, const sip::Received&) {
        if (auto* running = find(number); running != nullptr && !running->result.rang)
            running->result.rang = running->since_start();
    };
    up.on_answered = [this](CallNumber number, const sip::Received&) { on_answered(number); };
    up.on_failed = [this](CallNumber number, int status, const sip::Received* response,
                          const std::string& why) { on_failed(number, status, response, why); };
    up.on_ended = [this](CallNumber number, const sip::Received& request) {
        const auto reason = request.message.find("Reason");
        finish(number, MetaCall::End::ended_by_peer,
               reason ? "the business ended the call: " + visible_excerpt(*reason, 120)
                      : std::string("the business ended the call"));
    };
    up.on_hung_up = [this](CallNumber number, int status) { on_hung_up(number, status); };
    // Meta takes no change of a call. Source: Meta, "Calling API FAQ".
    up.on_request_within = [](CallNumber, const sip::Received& request) {
        const auto& method = request.message.method;
        if (method == "INVITE") return 500;
        return method == "OPTIONS" || method == "NOTIFY" ? 200 : 405;
    };
    up.on_trace = [this](const gateway::TracedMessage& message) { tell(message); };
    return up;
}

Result<void> Meta::State::start() {
    phone = std::make_unique<Phone>(loop, phone_settings(), phone_events());
    const auto addresses = CALLCHAIN_TRY(phone->listen());
    bound = addresses.front().endpoint;
    thread = std::thread([this] { loop.run(); });
    return {};
}

// By the form of the Call-ID, so that what comes behind the end of a call is of it all the same.
void Meta::State::tell(const gateway::TracedMessage& message) const {
    if (!sink) return;
    const auto call_id = gateway::call_id_of(message);
    if (!call_id.starts_with(kOutgoing)) return;
    sink(sip_event(message, timeline::Party::whatsapp, timeline::Party::gateway, "call_id_meta",
                   {{"wacid", call_id.substr(kOutgoing.size())}}));
}

// ---- the call ----

// Two of the hosts that a message passes inside, and the pair that leads back. In this order in Meta's
// samples.
Headers Meta::State::proxy_headers() const {
    const auto via = "SIP/2.0/" + std::string(name_of(settings.transport)) + " " + kInnerHost;
    const auto parameters = transport_parameter(settings.transport) + ";lr>";
    return {{"Record-Route", "<sip:" + text_of(bound) + parameters},
            {"Record-Route", std::string("<sip:") + kPrivateRoute + parameters},
            {"Via", via + ":5061;branch=z9hG4bKPj" + random_word()},
            {"Via", via + ":63057;rport=63057;received=" + kInnerAddress + ";branch=z9hG4bKPj-" +
                        random_word() + ";alias"}};
}

Result<OutgoingCall> Meta::State::make_call(const Running& running) const {
    const auto& conduct = *running.conduct;
    const auto host = bracketed(without_brackets(settings.gateway_host));
    const auto transport = transport_parameter(settings.transport);
    const auto called = "sip:" + conduct.called + "@" + host;
    const auto place = called + ":" + std::to_string(settings.gateway_port);
    const auto caller = "sip:" + conduct.caller + "@" + kDomain;
    const auto shown = conduct.caller.starts_with('+') ? conduct.caller.substr(1) : conduct.caller;
    OutgoingCall call;
    call.target = CALLCHAIN_TRY(sip::parse_uri(place + transport));
    call.from = CALLCHAIN_TRY(sip::parse_name_address("\"" + shown + "\" <" + caller + ">"));
    call.to = CALLCHAIN_TRY(sip::parse_name_address("<" + called + ">"));
    call.call_id = running.result.call_id;
    call.contact = "<" + caller + transport + ";ob>;isfocus";
    call.headers = running.proxies;
    call.headers.push_back({"Max-Forwards", "69"});
    call.headers.push_back({"X-FB-External-Domain", kDomain});
    call.headers.push_back({"x-wa-meta-wacid", running.result.wacid});
    if (is_business_scoped(conduct.caller)) call.headers.push_back({"x-wa-meta-user-id", conduct.caller});
    call.headers.push_back({"Allow", kMetaAllow});
    call.sdp = make_offer(conduct.offer, media_port(), &system::random_bytes);
    call.destination = CALLCHAIN_TRY(sip::destination_of(call.target, settings.transport));
    call.account = settings.account;
    call.digest_uri = place;
    return call;
}

void Meta::State::place(std::function<void(MetaCall)> done) {
    const MetaConduct& conduct = placed < settings.script.size() ? settings.script[placed] : settings;
    ++placed;
    Running running;
    running.conduct = &conduct;
    running.result.wacid = "wacid." + encoding::to_base64(system::random_bytes(kWacidBytes));
    running.result.call_id = std::string(kOutgoing) + running.result.wacid;
    running.done = std::move(done);
    running.began = Loop::now();
    running.proxies = proxy_headers();
    auto call = make_call(running);
    const auto number = call ? phone->call(*std::move(call)) : tl::unexpected(std::move(call).error());
    if (!number) {
        running.result.status = 503;
        running.result.end = MetaCall::End::no_answer;
        running.result.why = number.error().message;
        return running.done(std::move(running.result));
    }
    calls.emplace(*number, std::move(running));
    later(*number, conduct.ring, [this, number = *number](Running& one) {
        if (!one.result.answered) end_by(number, MetaCall::End::cancelled, "it rang for too long");
    });
}

void Meta::State::later(CallNumber number, milliseconds delay, std::function<void(Running&)> work) {
    phone->after(delay, [this, number, work = std::move(work)] {
        if (auto* running = find(number)) work(*running);
    });
}

void Meta::State::on_answered(CallNumber number) {
    auto* running = find(number);
    if (running == nullptr) return;
    const auto& conduct = *running->conduct;
    running->result.status = 200;
    running->result.answered = running->since_start();
    if (conduct.drops_connection) {
        later(number, *conduct.drops_connection, [this, number](Running& one) {
            one.dropped = true;
            if (sink)
                sink({.at = wall_now(),
                      .from = timeline::Party::whatsapp,
                      .to = timeline::Party::whatsapp,
                      .label = "the connection breaks",
                      .ids = {{"call_id_meta", one.result.call_id}}});
            phone->drop_connection(number);
        });
    }
    const auto ends = [&](milliseconds behind, MetaCall::End wish, const char* why) {
        later(number, behind, [this, number, wish, why](Running&) { end_by(number, wish, why); });
    };
    using End = MetaCall::End;
    if (!conduct.hears) return ends(conduct.silence, End::silence, "no sound came from the business");
    if (conduct.hangs_up) return ends(conduct.talk, End::hung_up, "the caller hung up");
    ends(conduct.patience, End::hung_up, "the business did not end the call, the caller did");
}

void Meta::State::end_by(CallNumber number, MetaCall::End wish, const std::string& why) {
    auto* running = find(number);
    if (running == nullptr || running->wish) return;
    running->wish = wish;
    running->result.why = why;
    phone->hang_up(number, running->result.answered ? bye_headers(*running) : Headers{});
}

// Source: Meta, "SIP Configuration Guide", the BYE of an answered call.
Headers Meta::State::bye_headers(const Running& running) const {
    using Seconds = std::chrono::duration<double>;
    auto headers = running.proxies;
    const auto lasted = running.since_start() - *running.result.answered;
    headers.push_back({"X-FB-External-Domain", kDomain});
    headers.push_back({"x-wa-meta-wacid", running.result.wacid});
    headers.push_back({"x-wa-meta-call-duration", std::to_string(std::lround(Seconds(lasted).count()))});
    const auto& caller = running.conduct->caller;
    if (is_business_scoped(caller)) headers.push_back({"x-wa-meta-user-id", caller});
    if (running.wish == MetaCall::End::silence)
        headers.push_back({"Reason", "SIP;cause=408;text=\"RTP Timeout\""});
    return headers;
}

void Meta::State::on_failed(CallNumber number, int status, const sip::Received* response,
                            const std::string& why) {
    auto* running = find(number);
    if (running == nullptr) return;
    running->result.status = status;
    running->result.warning = warning_of(response);
    if (running->wish) return finish(number, *running->wish, running->result.why);
    const auto said = std::to_string(status) + (why.empty() ? "" : " " + visible_excerpt(why, 200));
    if (response == nullptr)
        return finish(number, MetaCall::End::no_answer, "no answer came: " + visible_excerpt(why, 200));
    finish(number, MetaCall::End::refused, "the gateway refused the call: " + said);
}

void Meta::State::on_hung_up(CallNumber number, int status) {
    auto* running = find(number);
    if (running == nullptr) return;
    using End = MetaCall::End;
    running->result.bye_status = status;
    if (status == 0 && running->dropped)
        return finish(number, End::connection_dropped, "the connection broke, and no other could be made");
    finish(number, running->wish.value_or(End::hung_up), running->result.why);
}

void Meta::State::finish(CallNumber number, MetaCall::End end, const std::string& why) {
    auto node = calls.extract(number);
    if (node.empty()) return;
    auto& running = node.mapped();
    running.result.ended = running.since_start();
    running.result.end = end;
    running.result.why = why;
    if (running.done) running.done(std::move(running.result));
}

// ---- the public side ----

Meta::Meta(std::unique_ptr<State> state) : state_(std::move(state)) {}
Meta::~Meta() = default;

Result<std::unique_ptr<Meta>> Meta::start(MetaSettings settings, EventSink sink) {
    auto state = std::make_unique<State>(std::move(settings), std::move(sink));
    CALLCHAIN_TRY(state->start());
    return std::unique_ptr<Meta>(new Meta(std::move(state)));
}

std::string Meta::address() const { return text_of(state_->bound); }

void Meta::place_call(std::function<void(MetaCall)> done) {
    state_->loop.post(
        [state = state_.get(), done = std::move(done)]() mutable { state->place(std::move(done)); });
}

}  // namespace callchain::simulator
