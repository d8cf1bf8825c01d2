/// WhatsApp's side: calls by SIP as Meta's gateway makes them. Source: Meta, "SIP Configuration Guide" and
/// "SIP troubleshooting".
#pragma once

#include "base/result.hpp"
#include "simulator/sink.hpp"
#include "sip/digest_client.hpp"
#include "sip/resolve.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::simulator {

/// What is offered: SDES with G.711 (additional_codecs and SDES are set), SDES with Opus alone, Meta's
/// default (DTLS, Opus), or plain RTP, which only a lab has.
enum class Offer { sdes_g711, sdes_opus, dtls_opus, plain_g711 };
[[nodiscard]] std::string_view word_of(Offer offer);  ///< "sdes-g711" …
[[nodiscard]] std::optional<Offer> find_offer(std::string_view word);

/// How a call is made, and ended.
struct MetaConduct {
    std::string caller = "+12195550714";  ///< a business-scoped id stands here as it is: "US.1349…"
    std::string called = "+12145551869";
    Offer offer = Offer::sdes_g711;

    std::chrono::milliseconds talk{2'000};  ///< from the answer to the BYE of the caller
    bool hangs_up = true;                   ///< false: waits for the other side, at most `patience`
    std::chrono::milliseconds patience{60'000};
    std::chrono::milliseconds ring{60'000};     ///< CANCEL behind so much ringing
    bool hears = true;                          ///< false: no media comes, BYE after `silence`
    std::chrono::milliseconds silence{20'000};  ///< as Meta has it; shorter where time is compressed
    std::optional<std::chrono::milliseconds> drops_connection = std::nullopt;  ///< so long behind the answer
};

/// The conduct is that of every call, but of those that `script` names.
struct MetaSettings : MetaConduct {
    std::string listen = "127.0.0.1:0";  ///< where a BYE on a new connection finds it
    sip::Transport transport = sip::Transport::tls;
    std::string certificate = {};  ///< PEM files, TLS only
    std::string key = {};
    std::string ca_file = {};  ///< of the gateway's certificate
    std::string gateway_host = "127.0.0.1";
    std::uint16_t gateway_port = 5061;
    std::optional<sip::DigestAccount> account = std::nullopt;
    std::vector<MetaConduct> script = {};  ///< of the first call, the second …
};

/// How a call of the caller went.
struct MetaCall {
    std::string call_id;  ///< "outgoing:wacid.…"
    std::string wacid;
    int status = 0;            ///< final one of the INVITE; 408 or 503 where none came
    std::string warning = {};  ///< of a refusal, as received
    std::optional<std::chrono::milliseconds> rang = std::nullopt;  ///< since the INVITE
    std::optional<std::chrono::milliseconds> answered = std::nullopt;
    std::chrono::milliseconds ended{};
    enum class End {
        refused,
        hung_up,
        ended_by_peer,
        cancelled,
        silence,
        connection_dropped,
        no_answer
    } end = End::refused;
    std::string why = {};  ///< one sentence
    int bye_status = 0;    ///< what its BYE was answered; 0: it sent none, or nothing came
};
[[nodiscard]] std::string_view word_of(MetaCall::End end);

/// On a thread of its own. Functions from any thread.
class Meta {
  public:
    /// Errors: those of Transports::listen().
    [[nodiscard]] static Result<std::unique_ptr<Meta>> start(MetaSettings settings, EventSink sink);
    Meta(const Meta&) = delete;
    Meta& operator=(const Meta&) = delete;
    ~Meta();  ///< calls that are up are dropped without a word; joins the thread

    [[nodiscard]] std::string address() const;  ///< "127.0.0.1:40123", bound
    /// `done` is called once, on the stand-in's thread.
    void place_call(std::function<void(MetaCall)> done);

  private:
    struct State;
    explicit Meta(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace callchain::simulator
