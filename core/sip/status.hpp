/// The SIP statuses of this chain: what the RFC says, and what each means by who sent it.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace callchain::sip {

/// One status. All text is English, plain ASCII and our own; pages are wrapped by whoever prints them. A leg
/// of which nothing is known is empty.
struct StatusPage {
    int code = 0;
    std::string_view reason;   ///< the reason phrase, as the RFC writes it
    std::string_view source;   ///< "RFC 3261, section 21.4.1"
    std::string_view meaning;  ///< what the RFC says of it
    std::string_view meta;     ///< Meta answers so to a call from the business, or to a request within a call
    std::string_view twilio;   ///< Twilio's SIP Domain answers so to the gateway
    std::string_view openai;   ///< OpenAI answers so to Twilio: DialSipResponseCode
    std::string_view gateway;  ///< what the gateway makes of it, or when it answers so itself
    std::string_view fix;      ///< what to do, in the imperative; empty where nothing is wrong
};

/// What is known of any status by its first digit.
struct StatusClass {
    int first = 0;             ///< 100, 200, … 600
    std::string_view name;     ///< "provisional"
    std::string_view meaning;  ///< how an endpoint treats a status of this class that it does not know
};

/// All statuses that we have pages of, ascending.
[[nodiscard]] std::span<const StatusPage> status_pages();
/// nullptr where there is no page of it.
[[nodiscard]] const StatusPage* find_status(int code);
/// nullopt outside of 100 to 699. Source: RFC 3261, sections 7.2 and 8.1.3.2.
[[nodiscard]] std::optional<StatusClass> status_class(int code);

}  // namespace callchain::sip
