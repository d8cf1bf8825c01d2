/// Twilio's REST API as far as it tells of the account and of calls that are over: calls, notifications and
/// events of the API 2010-04-01, and monitor's alerts, at one address. Source: Twilio, "Account resource",
/// "Call resource", "Call Notification resource", "Call Events resource", "Alert resource"; npm twilio.
#pragma once

#include "http/message.hpp"
#include "simulator/twilio_ledger.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace callchain::simulator {

struct TwilioRestSettings {
    std::string account_sid;
    /// What Basic takes: the account with its token, and perhaps an API key (SK…) with its secret.
    std::vector<std::pair<std::string, std::string>> credentials;
    int fails_percent = 0;       ///< of the answers: 500 (spread evenly, not random)
    bool forgets_calls = false;  ///< 404 for every call, as another region answers
};

/// Pure, but that it counts its answers.
class TwilioRest {
  public:
    explicit TwilioRest(TwilioRestSettings settings) : settings_(std::move(settings)) {}

    /// Errors in Twilio's form: 401 with 20003, 404 with 20404, 400 with 20001, 405 with 20004, 500 with
    /// 20500.
    [[nodiscard]] http::Response answer(const TwilioLedger& ledger, const http::Request& request);

  private:
    [[nodiscard]] bool is_authorized(const http::Request& request) const;
    [[nodiscard]] http::Response of_account(const TwilioLedger& ledger, const http::Request& request,
                                            const std::vector<std::string>& path) const;
    [[nodiscard]] http::Response of_monitor(const TwilioLedger& ledger, const http::Request& request,
                                            const std::vector<std::string>& path) const;

    TwilioRestSettings settings_;
    std::uint64_t answers_ = 0;
};

}  // namespace callchain::simulator
