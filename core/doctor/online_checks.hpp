/// Checks that ask OpenAI and Twilio, each question once. I/O.
#pragma once

#include "doctor/material.hpp"
#include "http/client.hpp"
#include "openai/webhook_endpoints.hpp"
#include "service/check.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace callchain::doctor {

/// What came of asking OpenAI's API for the endpoints of the project.
struct ApiVisit {
    std::string host;          ///< whom it asked
    http::ClientResult last;   ///< the answer to the last page that was asked for
    openai::ApiAnswer answer;  ///< the same, read
    openai::EndpointOutcome outcome = openai::EndpointOutcome::network_failure;
    openai::EndpointListing listing;         ///< where the outcome is done
    std::string trouble = {};                ///< what is wrong with an answer of 200
    bool with_project = false;               ///< OpenAI-Project was sent
    std::chrono::sys_seconds asked_at{};     ///< the last of them, by the clock of this host
    std::chrono::sys_seconds answered_at{};  ///< by the clock of this host
};

/// The key and the project, as the answer judges them. Pure.
[[nodiscard]] service::Check judge_key(const ApiVisit& visit);
/// Pure. `visit` is nullptr where nobody was asked.
[[nodiscard]] service::Check judge_clock(const ApiVisit* visit, std::chrono::sys_seconds now);
/// Pure.
[[nodiscard]] std::vector<service::Check> judge_endpoints(const ApiVisit& visit, const Material& material);
/// What Twilio's answer to a question about the account says. Pure.
[[nodiscard]] service::Check judge_twilio_account(const http::ClientResult& result);

/// Holds what several checks use, so that nobody is asked twice. The material outlives it.
class Online {
  public:
    explicit Online(const Material& material);

    /// Name, connection, TLS, key and project of OpenAI's API.
    [[nodiscard]] std::vector<service::Check> check_api();
    /// The clock of this host: against the Date of the API where it answered.
    [[nodiscard]] std::vector<service::Check> check_clock();
    /// Who is subscribed to call events, and whose secret is ours.
    [[nodiscard]] std::vector<service::Check> check_endpoints();
    /// Account and token at Twilio's REST API.
    [[nodiscard]] std::vector<service::Check> check_twilio_account();
    /// Whether the public URL leads here, lets bodies through as they are, and knows the secrets.
    [[nodiscard]] std::vector<service::Check> check_public_url();

  private:
    const ApiVisit& visit();

    const Material& material_;
    http::Client client_;
    std::optional<ApiVisit> visit_;
};

/// Name, connection and TLS of the SIP endpoint that Twilio dials.
[[nodiscard]] std::vector<service::Check> check_sip(const Material& material);
/// Name, TLS and credentials of Twilio's SIP Domain.
[[nodiscard]] std::vector<service::Check> check_twilio_domain(const Material& material);

}  // namespace callchain::doctor
