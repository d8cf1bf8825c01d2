/// What `doctor --online` asks, as values: what is sent is what --dry-run shows.
#pragma once

#include "base/result.hpp"
#include "doctor/material.hpp"
#include "http/client.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callchain::doctor {

/// A request with the deadlines of this run.
[[nodiscard]] http::ClientRequest question(const Material& material, std::string method, std::string url);
/// One page of the project's webhook endpoints; `after` as openai::endpoints_url() takes it. Errors: those of
/// api_access() and of the address.
[[nodiscard]] Result<http::ClientRequest> api_question(const Material& material, const std::string& after);
/// The account at Twilio's REST API. Errors: usage, naming what is missing or where the token must not go.
[[nodiscard]] Result<http::ClientRequest> account_question(const Material& material);

struct Question {
    std::string_view step;
    http::ClientRequest request;  ///< of SIP: method and URI alone
    std::string secret = {};      ///< variable whose value Authorization holds; empty: it has none
    std::string user = {};        ///< of Basic: then the variable holds the password
    [[nodiscard]] bool is_sip() const { return request.url.starts_with("sip:"); }
};
/// All of them in the order in which they are asked; what cannot be asked for want of a setting is left out.
/// A list of endpoints may take further pages, and a delivery is signed when it is sent.
[[nodiscard]] std::vector<Question> questions(const Material& material);

}  // namespace callchain::doctor
