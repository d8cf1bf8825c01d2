/// What every call of one direction has in common.
#pragma once

#include "sdp/codec.hpp"
#include "sdp/verdict.hpp"
#include "sip/resolve.hpp"
#include "sip/transaction.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace callchain::b2bua {

/// The two dialogs of a call, seen from us: `a` called us, `b` is called by us. From Meta to Twilio, Meta is
/// `a`; the other way round Twilio is.
enum class Leg { a, b };
[[nodiscard]] inline Leg other(Leg leg) { return leg == Leg::a ? Leg::b : Leg::a; }
/// "Meta" or "Twilio", for the log.
[[nodiscard]] std::string_view name_of(Leg leg, sdp::Direction direction);

/// Whose number stands in From of leg B. Its host is always ours.
enum class FromUser {
    caller,    ///< as in From of leg A, whatever it is: it may be a business-scoped id
    username,  ///< of the digest: what Twilio may want (its error 32106)
    fixed,
};

struct CallSettings {
    sdp::Direction direction = sdp::Direction::meta_to_twilio;
    sdp::KeepList keep = sdp::default_keep_list();
    sdp::SecureMedia secure_media = sdp::SecureMedia::on;

    /// How others reach us: in Contact toward both, and the host in From of leg B. No port: the default one.
    std::string advertised_host;
    std::optional<std::uint16_t> advertised_port = std::nullopt;
    /// `;transport=` of Contact toward both, where a balancer in front of us ends TLS; else that of the leg.
    std::optional<sip::Transport> advertised_transport = std::nullopt;
    sip::Transport transport_a = sip::Transport::tls;  ///< `;transport=` of Contact toward leg A
    sip::Transport transport_b = sip::Transport::tls;  ///< and of Contact, Request-URI and To on leg B

    /// Of Request-URI and To on leg B: the Twilio SIP Domain, or wa.meta.vc.
    std::string domain;
    std::optional<std::uint16_t> domain_port = std::nullopt;
    std::string destination = {};  ///< user of both; empty: the number that leg A called
    FromUser from_user = FromUser::caller;
    std::string from_name = {};            ///< the digest's user, or the fixed one
    bool pass_caller = true;               ///< X-Callchain-Caller has the true caller
    bool pass_whatsapp_headers = false;    ///< x-wa-meta-* cross, and may be personal data
    std::string user_agent = "callchain";  ///< User-Agent and Server

    std::chrono::seconds ring{60};            ///< from leg B's first 1xx to its final answer
    std::chrono::seconds most_length{3'600};  ///< from the answer to the end; 0: no limit
    std::chrono::seconds keep_alive{300};     ///< between OPTIONS within leg toward Twilio; 0: none
    sip::TimerValues timers = {};
};

}  // namespace callchain::b2bua
