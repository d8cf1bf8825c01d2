#include "service/gateway_probe.hpp"

#include "b2bua/crossing.hpp"
#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "gateway/loop_wait.hpp"
#include "gateway/redact_message.hpp"
#include "gateway/sip_stack.hpp"
#include "gateway/tls_context.hpp"
#include "service/gateway_values.hpp"
#include "sip/dialog.hpp"
#include "system/random.hpp"

#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace callchain::service {
namespace {

using Verdict = ProbeResult::Verdict;
using std::chrono::milliseconds;

constexpr std::size_t kNameBytes = 16;
/// What a CANCEL or BYE gets for its answer.
constexpr milliseconds kCleanUp{3'000};

// "192.0.2.1:5061 connect, 192.0.2.2:5061 timeout; no connection …" for a person. Anything else stays.
std::string unreachable_sentence(const std::string& history) {
    const auto semicolon = history.find("; ");
    const auto trouble = semicolon == std::string::npos ? std::string() : history.substr(semicolon + 2);
    std::vector<std::string> tried;
    std::string first;
    for (const auto item : split(std::string_view(history).substr(0, semicolon), ',')) {
        const auto text = trim(item);
        const auto blank = text.rfind(' ');
        const auto word = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
        const auto* what = word == "connect"       ? "could not be reached"
                           : word == "timeout"     ? "did not answer"
                           : word == "unavailable" ? "was unavailable (503)"
                                                   : nullptr;
        if (what == nullptr) return history;
        if (first.empty()) first = text.substr(0, blank);
        tried.push_back(std::string(text.substr(0, blank)) + " " + what);
    }
    if (tried.size() == 1 && trouble.find(first) != std::string::npos) return trouble;
    return join(tried, ", ") + (trouble.empty() ? "" : ": " + trouble);
}

class Probe {
  public:
    explicit Probe(const ProbeSettings& settings)
        : settings_(settings),
          client_(settings.account),
          request_(probe_request(settings, encoding::to_hex(system::random_bytes(kNameBytes)))),
          deadline_(loop_, [this] { out_of_time(); }),
          stack_(loop_, stack_settings(settings), events(), &system::random_bytes) {}

    Result<ProbeResult> run() {
        destination_ = CALLCHAIN_TRY(sip::destination_of(settings_.target, settings_.transport));
        // Read again by the connection, for which its absence would be one more way not to be reached.
        if (settings_.transport == gateway::Transport::tls)
            static_cast<void>(CALLCHAIN_TRY(gateway::TlsClientContext::load(settings_.ca_file)));
        static_cast<void>(CALLCHAIN_TRY(stack_.listen()));
        began_ = gateway::Loop::now();
        deadline_.set(began_ + settings_.patience);
        send();
        loop_.run();
        result_.took = since_start();
        return std::move(result_);
    }

  private:
    static gateway::StackSettings stack_settings(const ProbeSettings& settings) {
        gateway::StackSettings stack;
        stack.transports.tls_ca_file = settings.ca_file;
        stack.dns.servers = settings.dns_servers;
        stack.first_answer = settings.first_answer;
        // A datagram needs a socket of ours; connections make their own.
        if (settings.transport == gateway::Transport::udp)
            stack.transports.listeners = {
                {gateway::Transport::udp, settings.target.host.starts_with('[') ? "[::]:0" : "0.0.0.0:0"}};
        return stack;
    }

    gateway::StackEvents events() {
        gateway::StackEvents up;
        up.on_response = [this](gateway::RequestId id, const sip::Received& response,
                                const gateway::FlowInfo& flow) { on_response(id, response, flow); };
        up.on_failure = [this](gateway::RequestId id, const gateway::RequestFailure& failure) {
            on_failure(id, failure.why);
        };
        up.on_late_answer = [this](const sip::Received& response, const gateway::FlowInfo&) {
            const bool is_ours = response.call_id == request_.find("Call-ID");
            if (settings_.invite && is_ours && response.cseq.method == "INVITE") end_call(response);
        };
        up.on_trace = [this](const gateway::TracedMessage& message) {
            result_.exchange.push_back({message.received, text_of(message.flow.peer), since_start(),
                                        gateway::redact_message(message.bytes)});
            if (!message.flow.tls_version.empty()) result_.tls_version = message.flow.tls_version;
        };
        return up;
    }

    void send() {
        auto message = request_;
        for (auto& field : client_.credentials(attempt_, request_.method, sip::write_uri(request_.uri))) {
            message.headers.push_back(std::move(field));
            with_credentials_ = true;
        }
        sent_ = message;
        const auto id = stack_.send({.message = std::move(message), .destination = destination_});
        if (!id) return finish(Verdict::refused, id.error().message);
        running_ = *id;
    }

    void on_response(gateway::RequestId id, const sip::Received& response, const gateway::FlowInfo& flow) {
        if (response.cseq.method == "BYE") return on_end_of_bye(response.message.status);
        const bool is_answer = response.message.status >= 200 && response.message.status < 300;
        if (settings_.invite && is_answer) return on_answer(id, response, flow);
        if (!running_ || id != *running_) return;
        note(response, flow);
        if (result_.status < 200) return on_progress();
        if (given_up_ || result_.verdict == Verdict::call_began) {
            running_.reset();  // the end of what was cancelled
            return stop_when_all_is_over();
        }
        if (result_.status == 401 || result_.status == 407) return on_challenge(response);
        judge(response);
    }

    void note(const sip::Received& response, const gateway::FlowInfo& flow) {
        result_.status = response.message.status;
        result_.reason = response.message.reason;
        result_.peer = text_of(flow.peer);
        result_.tls_version = flow.tls_version;
        if (const auto date = response.message.find("Date")) result_.date = std::string(*date);
    }

    // Of the INVITE: that call is ended, whatever had been decided.
    void on_answer(gateway::RequestId id, const sip::Received& response, const gateway::FlowInfo& flow) {
        if (running_ && id == *running_) {
            note(response, flow);
            running_.reset();
        }
        end_call(response);
    }

    void on_end_of_bye(int status) {
        if (status < 200) return;
        if (byes_ > 0) --byes_;
        stop_when_all_is_over();
    }

    void on_failure(gateway::RequestId id, const std::string& why) {
        if (!running_ || id != *running_) return on_end_of_bye(408);  // RFC 3261 section 8.1.3.1
        running_.reset();
        // What was cancelled or is being ended has been judged already.
        if (given_up_ || result_.verdict == Verdict::call_began) return stop_when_all_is_over();
        result_.why = unreachable_sentence(why);
        if (!settings_.invite || result_.exchange.empty()) return leave();
        // An address that was given up may have let it ring, and may still answer.
        given_up_ = true;
        deadline_.set(gateway::Loop::now() + kCleanUp);
    }

    void stop_when_all_is_over() {
        if (byes_ == 0 && !running_) leave();
    }

    // It rings: nobody asked for that.
    void on_progress() {
        if (!settings_.invite || result_.verdict == Verdict::call_began) return;
        result_.verdict = Verdict::call_began;
        result_.why = "the INVITE was not refused for its option: it began to ring, and was cancelled";
        stack_.cancel(*running_);
        deadline_.set(gateway::Loop::now() + kCleanUp);
    }

    // Each repeated 2xx is acknowledged (RFC 3261 section 13.2.2.4); each of another tag is one more call, by
    // a fork or another address. What is still asked elsewhere is cancelled.
    void end_call(const sip::Received& response) {
        const auto tag = std::string(response.to.tag().value_or(""));
        if (const auto known = acks_.find(tag); known != acks_.end()) return stack_.send_ack(known->second);
        result_.verdict = Verdict::call_began;
        result_.why = "the INVITE was answered, and the call was ended with BYE";
        deadline_.set(gateway::Loop::now() + kCleanUp);
        if (running_) stack_.cancel(*running_);
        if (auto dialog = sip::Dialog::from_response(sent_, response)) {
            acknowledge(tag, *dialog);
            send_bye(*dialog);
        }
        stop_when_all_is_over();
    }

    void acknowledge(const std::string& tag, sip::Dialog& dialog) {
        auto ack = dialog.ack(sent_);
        auto to = sip::destination_of(ack.next_hop, settings_.transport);
        if (!to) return;
        const auto known = acks_.emplace(
            tag, gateway::OutgoingRequest{.message = std::move(ack.message), .destination = *std::move(to)});
        stack_.send_ack(known.first->second);
    }

    void send_bye(sip::Dialog& dialog) {
        auto bye = dialog.request("BYE");
        if (!bye) return;
        auto to = sip::destination_of(bye->next_hop, settings_.transport);
        if (!to) return;
        for (auto& field : client_.credentials(attempt_, "BYE", sip::write_uri(bye->message.uri)))
            bye->message.headers.push_back(std::move(field));
        if (stack_.send({.message = std::move(bye->message), .destination = *std::move(to)})) ++byes_;
    }

    void on_challenge(const sip::Received& response) {
        if (settings_.account.username.empty())
            return finish(Verdict::challenged, "it asks for credentials, and none were given");
        const auto verdict = client_.on_challenge(attempt_, response.message, system::random_number());
        if (verdict.kind != sip::ChallengeVerdict::Kind::retry)
            return finish(Verdict::credentials_refused, verdict.why);
        for (auto& field : request_.headers)
            if (field.name == "CSeq") field.value = std::to_string(++cseq_) + " " + request_.method;
        send();
    }

    void judge(const sip::Received& response) {
        result_.authenticated = with_credentials_;
        const bool good = result_.status < 300 || (settings_.invite && result_.status == 420);
        if (good) return finish(Verdict::accepted, {});
        result_.authenticated = false;
        auto why = b2bua::explain_failure(response, sdp::Direction::meta_to_twilio);
        finish(result_.status == 403 && with_credentials_ ? Verdict::credentials_refused : Verdict::refused,
               std::move(why));
    }

    void out_of_time() {
        if (leaving_) return;
        if (given_up_ || result_.verdict == Verdict::call_began) return leave();
        result_.why = "no final answer within " + std::to_string(settings_.patience.count()) + " ms";
        if (!settings_.invite || !running_) return leave();
        // It may still begin to ring once nobody looks any more.
        given_up_ = true;
        deadline_.set(gateway::Loop::now() + kCleanUp);
        stack_.cancel(*running_);
    }

    void finish(Verdict verdict, std::string why) {
        result_.verdict = verdict;
        if (!why.empty()) result_.why = std::move(why);
        running_.reset();
        leave();
    }

    // Behind what is still to be sent: the ACK of the answer that ends it all gathers on its connection, and
    // leaves with what was posted meanwhile.
    void leave() {
        if (std::exchange(leaving_, true)) return;
        loop_.post([this] { loop_.post([this] { loop_.stop(); }); });
    }

    [[nodiscard]] milliseconds since_start() const {
        return std::chrono::duration_cast<milliseconds>(gateway::Loop::now() - began_);
    }

    const ProbeSettings& settings_;
    ProbeResult result_;
    sip::DigestClient client_;
    sip::DigestAttempt attempt_;
    sip::Message request_;
    sip::Message sent_;
    sip::Destination destination_;
    std::optional<gateway::RequestId> running_;
    sip::SteadyTime began_{};
    std::map<std::string, gateway::OutgoingRequest> acks_;  // by the tag of who answered
    std::size_t byes_ = 0;                                  // without an answer
    std::uint32_t cseq_ = 1;
    bool with_credentials_ = false;
    bool leaving_ = false;
    bool given_up_ = false;  // an INVITE that had no final answer in time, and was cancelled
    gateway::Loop loop_;
    gateway::Alarm deadline_;
    gateway::SipStack stack_;  // the last: its events need all of the above
};

}  // namespace

std::string_view name_of(ProbeResult::Verdict verdict) {
    switch (verdict) {
        case Verdict::accepted:
            return "accepted";
        case Verdict::credentials_refused:
            return "credentials_refused";
        case Verdict::challenged:
            return "challenged";
        case Verdict::refused:
            return "refused";
        case Verdict::call_began:
            return "call_began";
        case Verdict::unreachable:
            break;
    }
    return "unreachable";
}

sip::Message probe_request(const ProbeSettings& settings, std::string_view random) {
    const auto user =
        escape_sip_user(settings.account.username.empty() ? std::string("probe") : settings.account.username);
    sip::Message message;
    message.method = settings.invite ? "INVITE" : "OPTIONS";
    message.uri = settings.target;
    message.uri.headers.clear();
    message.add("Max-Forwards", "70");
    message.add("From",
                "<sip:" + user + "@" + settings.from_host + ">;tag=" + std::string(random.substr(0, 16)));
    message.add("To", "<" + sip::write_uri(message.uri) + ">");
    message.add("Call-ID", "probe-" + std::string(random));
    message.add("CSeq", "1 " + message.method);
    message.add("Contact", "<sip:" + user + "@" + settings.from_host + ">");
    message.add("User-Agent", settings.user_agent);
    if (settings.invite) message.add("Require", std::string(kProbeOption));
    message.add("Accept", "application/sdp");
    return message;
}

Result<ProbeResult> run_probe(const ProbeSettings& settings) { return Probe(settings).run(); }

}  // namespace callchain::service
