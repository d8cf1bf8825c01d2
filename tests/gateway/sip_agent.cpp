// A small user agent on core/gateway and core/sip, for tests with peers that others wrote: it answers calls,
// or makes one. What happens goes to stdout, one JSON object a line; SIGTERM ends it.
//
//   sip_agent answer --listen TRANSPORT:HOST:PORT… [--digest USER:PASSWORD] [--sha256] [--ring-ms N]
//   sip_agent call URI --transport T [--user U --password P] [--talk-ms N] [--cancel-ms N] [--route URI]
//   both: [--cert FILE --key FILE] [--ca FILE]

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "encoding/text_codings.hpp"
#include "gateway/sip_stack.hpp"
#include "sip/dialog.hpp"
#include "sip/digest_client.hpp"
#include "sip/digest_server.hpp"
#include "sip/response.hpp"

#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/random.h>

using namespace callchain;
using namespace callchain::gateway;
using namespace std::chrono_literals;
using Json = nlohmann::json;

namespace {

constexpr const char* kSdp =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n";

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    if (::getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count)) std::abort();
    return bytes;
}
std::string word() { return encoding::to_hex(random_bytes(8)); }
std::uint64_t number() {
    std::uint64_t value = 0;
    const auto bytes = random_bytes(sizeof value);
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

void say(const Json& event) {
    std::cout << event.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

struct Options {
    std::string mode;
    std::string uri;
    std::string route;
    std::vector<std::string> listen;
    std::map<std::string, std::string> values;
    [[nodiscard]] std::string get(const std::string& name, const std::string& otherwise = {}) const {
        const auto found = values.find(name);
        return found == values.end() ? otherwise : found->second;
    }
    [[nodiscard]] std::chrono::milliseconds time(const std::string& name, int otherwise) const {
        return std::chrono::milliseconds{std::stoi(get(name, std::to_string(otherwise)))};
    }
};

Transport transport_of(const std::string& name) {
    const auto lower = ascii_lower(name);
    return lower == "tls" ? Transport::tls : lower == "tcp" ? Transport::tcp : Transport::udp;
}

std::string contact_of(const FlowInfo& flow) {
    return "<sip:agent@" + text_of(flow.local) + ";transport=" + ascii_lower(name_of(flow.transport)) + ">";
}

class Agent {
  public:
    explicit Agent(Options options)
        : options_(std::move(options)), stack_(loop_, settings(), events(), random_bytes) {}

    int run() {
        const auto bound = stack_.listen();
        if (!bound) {
            say({{"event", "error"}, {"message", bound.error().message}});
            return 2;
        }
        Json addresses = Json::array();
        for (const auto& one : *bound)
            addresses.push_back(
                {{"transport", std::string(name_of(one.transport))}, {"port", one.endpoint.port}});
        say({{"event", "ready"}, {"listen", addresses}});
        loop_.on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) {
            if (signal != SIGHUP) return loop_.stop();
            const auto done = stack_.transports().reload_tls();
            say({{"event", "reload"}, {"ok", done.has_value()}});
        });
        if (options_.mode == "call") loop_.post([this] { begin_call(); });
        loop_.run();
        say({{"event", "end"},
             {"transactions", stack_.transactions()},
             {"requests", stack_.requests()},
             {"timers", loop_.timers()}});
        return code_;
    }

  private:
    // What a call that we answer needs until its BYE.
    struct Answered {
        sip::Dialog dialog;
        sip::TransactionId invite;
        sip::Message ok;
        std::chrono::milliseconds interval{500};
        bool acknowledged = false;
        bool final_sent = false;
        sip::Received request;
        FlowInfo flow;
    };
    enum Timer : std::uint32_t { kRing, kRepeat, kHangUp, kCancel };

    StackSettings settings() {
        StackSettings stack;
        for (const auto& text : options_.listen) {
            const auto colon = text.find(':');
            stack.transports.listeners.push_back(
                {transport_of(text.substr(0, colon)), text.substr(colon + 1)});
        }
        if (!options_.get("cert").empty())
            stack.transports.tls_server =
                TlsServerSettings{{options_.get("cert"), {}}, {options_.get("key"), {}}};
        stack.transports.tls_ca_file = options_.get("ca");
        return stack;
    }

    StackEvents events() {
        StackEvents up;
        up.on_request = [this](IncomingRequest incoming) { on_request(std::move(incoming)); };
        up.on_ack = [this](const sip::Received& ack, const FlowInfo&) { on_ack(ack); };
        up.on_cancel = [this](const IncomingRequest& incoming, std::optional<sip::TransactionId> invite) {
            on_cancel(incoming, invite);
        };
        up.on_response = [this](RequestId id, const sip::Received& response, const FlowInfo& flow) {
            on_response(id, response, flow);
        };
        up.on_failure = [this](RequestId, const RequestFailure& failure) { fail_call(failure.why); };
        up.on_late_answer = [](const sip::Received& response, const FlowInfo&) {
            say({{"event", "late"}, {"status", response.message.status}});
        };
        up.on_not_acknowledged = [](sip::TransactionId) { say({{"event", "no_ack"}}); };
        up.on_timer = [this](UserTimer timer) { on_timer(timer); };
        up.on_remark = [](const std::string& what, const std::string& detail) {
            say({{"event", "remark"}, {"what", what}, {"detail", detail}});
        };
        return up;
    }

    // ---- answering ----

    void on_request(IncomingRequest incoming) {
        const auto& request = incoming.request;
        const auto& method = request.message.method;
        if (const auto refusal = sip::check_request(request, {})) {
            auto response = sip::make_response(request, refusal->status, refusal->reason, word());
            for (const auto& field : refusal->headers) response.add(field.name, field.value);
            return answer_without(incoming, response);
        }
        if (incoming.merged_with)
            return answer_without(incoming, sip::make_response(request, 482, "", word()));
        if (const auto id = sip::dialog_of_request(request)) return on_request_within(incoming, *id);
        if (method == "OPTIONS") return answer_once(incoming, sip::make_response(request, 200, "", word()));
        if (method != "INVITE") return answer_once(incoming, sip::make_response(request, 405, "", word()));
        if (!is_let_in(incoming)) return;
        begin_answer(std::move(incoming));
    }

    bool is_let_in(const IncomingRequest& incoming) {
        const auto account = options_.get("digest");
        if (account.empty()) return true;
        const auto colon = account.find(':');
        if (!server_) {
            sip::DigestServerSettings settings;
            settings.realm = "agent.example";
            if (options_.get("sha256") == "1") settings.algorithms = {sip::DigestAlgorithm::sha256};
            server_.emplace(settings, crypto::HmacKey(crypto::HashAlgorithm::sha256, random_bytes(32)));
        }
        const auto verdict = server_->judge(
            incoming.request,
            [&](std::string_view user) {
                return user == account.substr(0, colon) ? std::optional(account.substr(colon + 1))
                                                        : std::nullopt;
            },
            Loop::now());
        using Kind = sip::DigestVerdict::Kind;
        if (verdict.kind == Kind::accepted) return true;
        if (verdict.kind == Kind::refused) {
            say({{"event", "refused"}, {"why", verdict.why}});
            answer_without(incoming, sip::make_response(incoming.request, 403, "", word()));
            return false;
        }
        answer_without(incoming,
                       server_->refusal(incoming.request, Loop::now(), number(),
                                        verdict.kind == Kind::stale ? sip::Stale::yes : sip::Stale::no));
        return false;
    }

    void begin_answer(IncomingRequest incoming) {
        const auto tag = word();
        auto dialog = sip::Dialog::from_request(incoming.request, tag);
        const auto transaction = stack_.accept(incoming);
        if (!dialog || !transaction)
            return answer_without(incoming, sip::make_response(incoming.request, 400, "", word()));
        const auto& request = incoming.request;
        static_cast<void>(stack_.respond(*transaction, sip::make_response(request, 100, "", "")));
        auto ringing = sip::make_response(request, 180, "", tag);
        ringing.add("Contact", contact_of(incoming.flow));
        static_cast<void>(stack_.respond(*transaction, ringing));
        auto ok = sip::make_response(request, 200, "", tag);
        ok.add("Contact", contact_of(incoming.flow));
        ok.add("Content-Type", "application/sdp");
        ok.body = kSdp;
        const auto id = dialog->id();
        by_invite_[transaction->value] = id;
        owners_[transaction->value] = id;
        say({{"event", "invite"},
             {"call_id", id.call_id},
             {"transport", std::string(name_of(incoming.flow.transport))}});
        calls_.insert_or_assign(id, Answered{*std::move(dialog), *transaction, std::move(ok), 500ms, false,
                                             false, request, incoming.flow});
        stack_.set_timer({transaction->value, kRing}, Loop::now() + options_.time("ring-ms", 30));
    }

    void on_timer(UserTimer timer) {
        if (timer.which == kHangUp) return hang_up();
        if (timer.which == kCancel) {
            say({{"event", "cancel"}});
            return stack_.cancel(*calling_);
        }
        const auto owner = owners_.find(timer.owner);
        if (owner == owners_.end()) return;
        const auto found = calls_.find(owner->second);
        if (found == calls_.end()) return;
        auto& call = found->second;
        if (call.acknowledged) return;
        if (timer.which == kRing) {
            call.final_sent = true;
            call.dialog.confirm();
        }
        static_cast<void>(stack_.respond(call.invite, call.ok));
        if (timer.which == kRepeat)
            call.interval = std::min(call.interval * 2, std::chrono::milliseconds{4'000});
        stack_.set_timer({timer.owner, kRepeat}, Loop::now() + call.interval);
    }

    void on_ack(const sip::Received& ack) {
        if (server_ && server_->acknowledges_refusal(ack)) return;
        const auto id = sip::dialog_of_request(ack);
        const auto found = id ? calls_.find(*id) : calls_.end();
        if (found == calls_.end()) return say({{"event", "stray_ack"}});
        if (found->second.dialog.receive(ack) != sip::InDialog::ack) return say({{"event", "stray_ack"}});
        if (std::exchange(found->second.acknowledged, true)) return;
        stack_.stop_timer({found->second.invite.value, kRepeat});
        say({{"event", "up"}, {"call_id", id->call_id}});
    }

    void on_cancel(const IncomingRequest& incoming, std::optional<sip::TransactionId> invite) {
        const auto known = invite ? by_invite_.find(invite->value) : by_invite_.end();
        const auto call = known == by_invite_.end() ? calls_.end() : calls_.find(known->second);
        const int status = invite ? 200 : 481;
        answer_once(incoming, sip::make_response(incoming.request, status, "", word()));
        if (call == calls_.end() || call->second.final_sent) return;
        call->second.final_sent = true;
        call->second.acknowledged = true;
        stack_.stop_timer({invite->value, kRing});
        static_cast<void>(stack_.respond(
            *invite, sip::make_response(call->second.request, 487, "", call->first.local_tag)));
        say({{"event", "cancelled"}});
        calls_.erase(call);
    }

    void on_request_within(const IncomingRequest& incoming, const sip::DialogId& id) {
        const auto& request = incoming.request;
        if (calling_dialog() != nullptr && calling_dialog()->id() == id) {
            answer_once(incoming, sip::make_response(request, 200, "", ""));
            if (request.message.method == "BYE") end_call("bye from the peer");
            return;
        }
        const auto found = calls_.find(id);
        const auto what =
            found == calls_.end() ? sip::InDialog::no_such_dialog : found->second.dialog.receive(request);
        if (what == sip::InDialog::no_such_dialog)
            return answer_once(incoming, sip::make_response(request, 481, "", ""));
        if (what == sip::InDialog::old_cseq)
            return answer_once(incoming, sip::make_response(request, 500, "", ""));
        answer_once(incoming,
                    sip::make_response(request, request.message.method == "INVITE" ? 488 : 200, "", ""));
        if (request.message.method != "BYE") return;
        say({{"event", "bye"}, {"call_id", id.call_id}});
        calls_.erase(found);
    }

    void answer_once(const IncomingRequest& incoming, const sip::Message& response) {
        const auto id = stack_.accept(incoming);
        if (id) static_cast<void>(stack_.respond(*id, response));
    }
    void answer_without(const IncomingRequest& incoming, const sip::Message& response) {
        static_cast<void>(stack_.respond_statelessly(incoming, response));
    }

    // ---- calling ----

    void begin_call() {
        const auto uri = sip::parse_uri(options_.uri);
        if (!uri) return fail_call(uri.error().message);
        client_.emplace(sip::DigestAccount{options_.get("user"), options_.get("password")});
        invite_.method = "INVITE";
        invite_.uri = *uri;
        if (!options_.route.empty()) invite_.add("Route", "<" + options_.route + ">");
        invite_.add("Max-Forwards", "70");
        invite_.add("From", "<sip:agent@agent.example>;tag=" + word());
        invite_.add("To", "<" + options_.uri + ">");
        invite_.add("Call-ID", word());
        invite_.add("CSeq", "1 INVITE");
        invite_.add("Contact", "<sip:agent@127.0.0.1:9>");
        invite_.add("Content-Type", "application/sdp");
        invite_.body = kSdp;
        send_invite();
    }

    void send_invite() {
        const auto hop = sip::parse_uri(options_.route.empty() ? options_.uri : options_.route);
        const auto destination = sip::destination_of(*hop, transport_of(options_.get("transport", "udp")));
        if (!destination) return fail_call(destination.error().message);
        auto message = invite_;
        for (const auto& field : client_->credentials(attempt_, "INVITE", sip::write_uri(invite_.uri)))
            message.headers.push_back(field);
        dialogs_.emplace(message);
        const auto id = stack_.send({message, flow_, *destination});
        if (!id) return fail_call(id.error().message);
        calling_ = *id;
        if (!options_.get("cancel-ms").empty())
            stack_.set_timer({0, kCancel}, Loop::now() + options_.time("cancel-ms", 0));
    }

    [[nodiscard]] sip::Dialog* calling_dialog() { return dialogs_ ? dialogs_->call() : nullptr; }

    void on_response(RequestId id, const sip::Received& response, const FlowInfo& flow) {
        const int status = response.message.status;
        say({{"event", "response"}, {"status", status}, {"method", response.cseq.method}});
        flow_ = flow.id;
        if (response.cseq.method == "BYE") return end_call("bye answered");
        if (!calling_ || id != *calling_) return;
        if (status == 401 || status == 407) return on_challenge(response);
        using What = sip::DialogSet::What;
        const auto outcome = dialogs_->on_response(response);
        if (outcome.what == What::failed) return end_call("refused " + std::to_string(status));
        if (outcome.what == What::early || outcome.what == What::nothing) return;
        auto ack = dialogs_->dialogs()[outcome.index].ack(dialogs_->invite());
        stack_.send_ack({ack.message, flow_, destination_for(ack.next_hop)});
        if (outcome.what != What::confirmed) return;
        say({{"event", "up"}, {"call_id", response.call_id}});
        stack_.set_timer({0, kHangUp}, Loop::now() + options_.time("talk-ms", 100));
    }

    sip::Destination destination_for(const sip::Uri& hop) {
        return sip::destination_of(hop, transport_of(options_.get("transport", "udp")))
            .value_or(sip::Destination{});
    }

    void on_challenge(const sip::Received& response) {
        const auto verdict = client_->on_challenge(attempt_, response.message, number());
        if (verdict.kind != sip::ChallengeVerdict::Kind::retry) return end_call("challenge: " + verdict.why);
        ++cseq_;
        for (auto& field : invite_.headers) {
            if (field.name == "CSeq") field.value = std::to_string(cseq_) + " INVITE";
        }
        send_invite();
    }

    void hang_up() {
        auto* dialog = calling_dialog();
        if (dialog == nullptr) return;
        const auto bye = dialog->request("BYE");
        if (!bye) return fail_call(bye.error().message);
        dialog->terminate();
        static_cast<void>(stack_.send({bye->message, flow_, destination_for(bye->next_hop)}));
    }

    void fail_call(const std::string& why) {
        code_ = 1;
        end_call("failed: " + why);
    }
    void end_call(const std::string& why) {
        say({{"event", "ended"}, {"why", why}});
        if (options_.mode == "call") loop_.stop();
    }

    Options options_;
    Loop loop_;
    SipStack stack_;
    int code_ = 0;
    std::optional<sip::DigestServer> server_;
    std::map<sip::DialogId, Answered> calls_;
    std::map<std::uint64_t, sip::DialogId> by_invite_;
    std::map<std::uint64_t, sip::DialogId> owners_;

    std::optional<sip::DigestClient> client_;
    sip::DigestAttempt attempt_;
    sip::Message invite_;
    std::optional<sip::DialogSet> dialogs_;
    std::optional<RequestId> calling_;
    std::optional<sip::FlowId> flow_;
    std::uint32_t cseq_ = 1;
};

Options read_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--listen")
            options.listen.emplace_back(argv[++i]);
        else if (argument == "--route")
            options.route = argv[++i];
        else if (argument == "--sha256")
            options.values["sha256"] = "1";
        else if (argument.starts_with("--") && i + 1 < argc)
            options.values[argument.substr(2)] = argv[++i];
        else if (options.mode.empty())
            options.mode = argument;
        else
            options.uri = argument;
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    return Agent(read_options(argc, argv)).run();
}
