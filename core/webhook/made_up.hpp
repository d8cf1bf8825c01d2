/// Events and ids that look like OpenAI's and belong to nobody, for tests of receivers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace callchain::webhook {

/// Ids in the forms that were seen, derived from a seed: equal seeds yield equal ids, in the order asked for.
/// Source: facts of the SDKs' test vectors and of captured deliveries: a prefix and 32 hex digits.
class MadeUpIds {
  public:
    /// Units: `seed` is any bytes; sixteen random ones make ids that nobody else has.
    explicit MadeUpIds(std::string seed) : seed_(std::move(seed)) {}
    [[nodiscard]] std::string webhook_id();              ///< "wh_…"
    [[nodiscard]] std::string event_id();                ///< "evt_…"
    [[nodiscard]] std::string call_id();                 ///< "rtc_…"
    [[nodiscard]] std::string session_id();              ///< "live_…"
    [[nodiscard]] std::string hex(std::size_t digits);   ///< at most 64
    [[nodiscard]] std::string bytes(std::size_t count);  ///< at most 32; as unguessable as the seed

  private:
    [[nodiscard]] std::string next();

    std::string seed_;
    std::uint64_t count_ = 0;
};

/// The events that `sign-webhook --event` and `replay-webhook --event` make up.
enum class MadeUpEvent { realtime_call_incoming, live_transport_incoming };
/// "realtime.call.incoming" and "live.transport.incoming"; nullopt for any other text.
[[nodiscard]] std::optional<MadeUpEvent> parse_made_up_event(std::string_view type);

/// The body of such an event, written as OpenAI's are: blanks behind ':' and ',', members in their order, no
/// line end, 1,000 to 2,500 bytes, ASCII. The SIP headers are those that an INVITE of Twilio's has,
/// duplicates included; numbers, addresses and domains are reserved for documentation. Units: `now` becomes
/// created_at.
[[nodiscard]] std::string made_up_event(MadeUpEvent event, MadeUpIds& ids, std::chrono::sys_seconds now);

}  // namespace callchain::webhook
