/// What happened on the way of a call, as one who can see every side of it writes it down.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::timeline {

/// The columns of the diagram, from left to right.
enum class Party { whatsapp, gateway, twilio, serve, openai };
[[nodiscard]] std::string_view name_of(Party party);  ///< "WhatsApp", "gateway", "Twilio", "serve", "OpenAI"
[[nodiscard]] std::string_view word_of(Party party);  ///< "whatsapp", …, for JSON

enum class Medium {
    sip,
    http,
    websocket,
    note,  ///< something that a party did or found out by itself: from and to are the same
};
[[nodiscard]] std::string_view word_of(Medium medium);

/// Since the epoch of Unix.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

/// A name that a party has for the call: {"callchain_id", "cc_…"}, {"call_id_meta", …}, {"call_id_twilio",
/// …},
/// {"call_id_openai_leg", …}, {"call_sid", "CA…"}, {"openai_call_id", "rtc_…"}, {"webhook_id", "wh_…"}.
using Id = std::pair<std::string, std::string>;

struct Event {
    WallTime at{};
    Party from = Party::whatsapp;
    Party to = Party::whatsapp;
    Medium medium = Medium::note;
    std::string label;        ///< "INVITE", "200 OK", "POST /openai/webhook", "response.create"
    std::string detail = {};  ///< one short sentence, safe to print; may be empty
    std::vector<Id> ids = {};
    bool trouble = false;  ///< part of what went wrong
};

}  // namespace callchain::timeline
