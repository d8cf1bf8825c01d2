/// Twilio's requests: the voice document, what became of the dial, and how its leg goes.
#pragma once

#include "crypto/hash.hpp"
#include "encoding/text_codings.hpp"
#include "http/server.hpp"
#include "service/call_journal.hpp"
#include "service/diagnosis_worker.hpp"
#include "service/refusals.hpp"
#include "service/serve_config.hpp"
#include "service/service_metrics.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::service {

/// Everything is borrowed and outlives the handler.
struct TwilioContext {
    const ServeConfig& config;
    CallJournal& journal;
    Refusals& refusals;
    DiagnosisWorker& diagnosis;
    observe::Log& log;
    ServiceMetrics& metrics;
    std::function<std::string()> random;  ///< 12 random bytes
};

/// The URLs that Twilio may have asked for and signed, likeliest first: each of CALLCHAIN_PUBLIC_URL with the
/// target behind it; where the connection comes from a trusted proxy, what its X-Forwarded-Proto, -Host,
/// -Port and -Prefix say; where neither is configured, our own scheme and Host. Nothing else may let a
/// request pass: a header that anybody can write is no evidence. Source: Twilio, "Webhooks security"; RFC
/// 9110 section 7.2 (Host).
[[nodiscard]] std::vector<std::string> accepted_urls(const ServeConfig& config, const http::Request& request);

/// Any thread; nothing blocks.
class TwilioHandler {
  public:
    explicit TwilioHandler(TwilioContext context);

    /// 200 and the document that dials OpenAI, or one that rejects the call where no caller id can be had;
    /// 403 where the signature is wrong.
    void voice(http::Request request, http::Responder responder) const;
    /// Logs the reading of the dial with all ids of the call; 200 and the document for what is left of it.
    void dial_action(http::Request request, http::Responder responder) const;
    /// Logs the progress of the leg to OpenAI; 204.
    void dial_status(http::Request request, http::Responder responder) const;

  private:
    struct Passed {
        encoding::FormFields fields;
        std::string base;  ///< of the URL that was signed: scheme, host and prefix; empty: not known
    };
    /// The parameters of a request that passes; otherwise it was answered.
    [[nodiscard]] std::optional<Passed> admit(http::Request& request, http::Responder& responder) const;
    void refuse(http::Request request, http::Responder& responder,
                const std::vector<std::string>& urls) const;
    [[nodiscard]] observe::LogFields ids_of(const encoding::FormFields& fields,
                                            std::string_view sid_name) const;

    TwilioContext context_;
    std::vector<crypto::HmacKey> keys_;
    std::string fallback_document_;
};

}  // namespace callchain::service
