/// Signed webhooks of numbered calls, and how their requests and answers are cut, for the soak of `serve`.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace callchain::bench {

constexpr std::string_view kCallPrefix = "rtc_u1_";
constexpr std::size_t kDigits = 9;

inline std::string padded(std::uint32_t number) {
    auto digits = std::to_string(number);
    return std::string(kDigits - std::min(kDigits, digits.size()), '0') + digits;
}

/// Behind `prefix`, which must be there.
inline std::optional<std::uint32_t> number_behind(std::string_view text, std::string_view prefix) {
    const auto at = text.find(prefix);
    if (at == std::string_view::npos || text.size() < at + prefix.size() + kDigits) return std::nullopt;
    std::uint32_t number = 0;
    const char* begin = text.data() + at + prefix.size();
    const auto [end, error] = std::from_chars(begin, begin + kDigits, number);
    if (error != std::errc{} || end != begin + kDigits) return std::nullopt;
    return number;
}

/// Of one HTTP message in front of the bytes; 0: it is not whole yet.
inline std::size_t message_size(std::string_view bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    const auto head = bytes.substr(0, end + 2);
    std::size_t length = 0;
    for (const std::string_view name : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
        const auto at = head.find(name);
        if (at != std::string_view::npos)
            std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
    }
    const auto whole = end + 4 + length;
    return bytes.size() < whole ? 0 : whole;
}

/// As OpenAI sends them; the size of a call event that was seen in production. Source of the signature:
/// Standard Webhooks, "Signature scheme".
class Writer {
  public:
    explicit Writer(std::string key) : key_(std::move(key)) {
        headers_ =
            R"([{"name": "From", "value": "\"Jos\u00e9 & Co\" <sip:+15550100@sip.example.com>;tag=1"})";
        for (int i = 0; i < 18; ++i)
            headers_ += R"(, {"name": "X-Twilio-)" + std::to_string(i) + R"(", "value": "value )" +
                        std::to_string(i) + R"( of the INVITE"})";
        headers_ += R"(, {"name": "X-Fill", "value": ")" + std::string(200, '0') + "\"}]";
    }

    /// `second`: by another endpoint of the project, under an id of its own.
    std::string request(std::uint32_t number, std::uint32_t created_at, bool second) const {
        const auto digits = padded(number);
        const auto body = R"({"id": "evt_test_)" + digits + R"(", "object": "event", "created_at": )" +
                          std::to_string(created_at) +
                          R"(, "type": "realtime.call.incoming", "data": {"call_id": ")" +
                          std::string(kCallPrefix) + digits + R"(", "sip_headers": )" + headers_ + "}}";
        const auto id = (second ? "wh_second_" : "wh_") + digits;
        const auto now = std::to_string(std::time(nullptr));
        return "POST /openai/webhook HTTP/1.1\r\nhost: bridge.example.com\r\ncontent-type: "
               "application/json\r\nwebhook-id: " +
               id + "\r\nwebhook-timestamp: " + now + "\r\nwebhook-signature: v1," +
               signature(id + "." + now + "." + body) + "\r\ncontent-length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body;
    }

  private:
    [[nodiscard]] std::string signature(const std::string& text) const {
        std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
        unsigned size = 0;
        HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
        std::array<unsigned char, 64> base64{};
        const auto length = EVP_EncodeBlock(base64.data(), mac.data(), static_cast<int>(size));
        return {reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(length)};
    }

    std::string key_;
    std::string headers_;
};

}  // namespace callchain::bench
