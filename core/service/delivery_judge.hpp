/// Judges requests that may be deliveries of OpenAI's or of Twilio's, and says why one does not pass.
#pragma once

#include "base/result.hpp"
#include "crypto/hash.hpp"
#include "http/message.hpp"
#include "signature/secret.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::service {

struct Judgement {
    enum class Verdict {
        valid,
        invalid,
        no_signature,  ///< the request has none of the headers of either scheme
        no_secret,     ///< it is signed, and there is no secret to check that with
    };
    enum class Scheme { none, standard, twilio };
    Verdict verdict = Verdict::no_signature;
    Scheme scheme = Scheme::none;
    std::string label;               ///< of the secret that fits, exactly or behind a fault; may be empty
    std::vector<std::string> codes;  ///< finding codes, of `invalid` alone; two where two faults explain it
    bool proved = false;             ///< recomputing under those faults reproduced the signature
    std::string detail;              ///< one or two sentences about it

    [[nodiscard]] bool passes() const { return verdict == Verdict::valid; }
};
/// "valid", "invalid", "no_signature", "no_secret".
[[nodiscard]] std::string_view name_of(Judgement::Verdict verdict);

/// Any thread; nothing blocks.
class DeliveryJudge {
  public:
    struct Secrets {
        std::vector<signature::LabelledSecret> webhook = {};
        std::vector<signature::LabelledSecret> tokens = {};  ///< of Twilio's
        /// What Twilio asks for, as in webhook::join_url(); empty: http and the Host header.
        std::vector<std::string> public_urls = {};
    };
    /// Errors: usage where a webhook secret cannot be read, with its label.
    [[nodiscard]] static Result<DeliveryJudge> make(Secrets secrets);

    [[nodiscard]] bool has_secrets() const { return !keys_.empty() || !twilio_keys_.empty(); }
    /// What check and HMAC say: microseconds.
    [[nodiscard]] Judgement check(const http::Request& request) const;
    /// Looks for the cause of a signature that does not match, for some 50 ms at most, and puts it into
    /// `judgement` where one is proved. Bodies above 64 KiB are left to verify-sig.
    void explain(const http::Request& request, Judgement& judgement) const;

  private:
    explicit DeliveryJudge(Secrets secrets);
    void check_standard(const http::Request& request, Judgement& judgement) const;
    void check_twilio(const http::Request& request, Judgement& judgement) const;
    void explain_standard(const http::Request& request, Judgement& judgement) const;
    void explain_twilio(const http::Request& request, Judgement& judgement) const;
    [[nodiscard]] std::vector<std::string> urls_of(const http::Request& request) const;

    Secrets secrets_;
    std::vector<crypto::HmacKey> keys_;
    std::vector<crypto::HmacKey> twilio_keys_;
};

}  // namespace callchain::service
