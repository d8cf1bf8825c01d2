/// Whatever comes as a challenge or as credentials: what parses is written and parses again to an equal
/// value, no credentials are accepted or called stale without the right password, and an answer to a
/// challenge reads back and shows no password.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "sip/digest_client.hpp"
#include "sip/digest_server.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace callchain::sip {
namespace {

constexpr std::string_view kPassword = "correct horse battery staple";
constexpr std::string_view kUri = "sip:bob@gateway.example.com;transport=tls";

void check_challenges(std::string_view text) {
    const auto challenges = parse_challenges(text);
    if (!challenges) {
        require(challenges.error().offset.has_value() && *challenges.error().offset <= text.size());
        return;
    }
    std::string written;
    for (const auto& challenge : *challenges) written += write_challenge(challenge) + ",";
    // A field of other schemes only has nothing to be written.
    if (challenges->empty()) return;
    const auto again = parse_challenges(written);
    require(again.has_value() && *again == *challenges);
}

void check_credentials(std::string_view text) {
    const auto credentials = parse_credentials(text);
    if (!credentials) return;
    require(is_digest_scheme(text));
    const auto again = parse_credentials(write_credentials(*credentials));
    require(again.has_value() && *again == *credentials);
}

Received request_with(std::string_view name, std::string value) {
    Received request;
    request.message.method = "INVITE";
    request.message.uri = *parse_uri(kUri);
    request.message.add(name, std::move(value));
    return request;
}

// A text that says NONCE gets one that is good, so that all is judged.
void check_server(std::string_view text) {
    const SteadyTime now{std::chrono::seconds(1'000)};
    DigestServer server(
        {"r", Challenger::proxy, {DigestAlgorithm::sha256, DigestAlgorithm::md5_sess, DigestAlgorithm::md5}},
        crypto::HmacKey(crypto::HashAlgorithm::sha256, "key"));
    const auto nonce = parse_challenges(server.challenge(now, 1, Stale::no).front().value)->front().nonce;
    const auto request = request_with("Proxy-Authorization", replace_all(text, "NONCE", nonce));
    const auto known = [](std::string_view) { return std::optional(std::string(kPassword)); };
    const auto unknown = [](std::string_view) { return std::optional<std::string>(); };
    using enum DigestVerdict::Kind;
    for (const auto& verdict : {server.judge(request, known, now), server.judge(request, unknown, now)}) {
        require(verdict.kind != accepted && verdict.kind != stale && !verdict.why.empty());
        require(verdict.why.find(kPassword) == std::string::npos);
    }
    require(server.remembered() == 0);
}

void check_client(std::string_view text) {
    DigestClient client({"bob \"the\\ builder\"", std::string(kPassword)});
    DigestAttempt attempt;
    auto response = request_with("Proxy-Authenticate", std::string(text)).message;
    response.status = 407;
    const auto verdict = client.on_challenge(attempt, response, 1);
    require(!verdict.why.empty() && verdict.why.find(kPassword) == std::string::npos);
    const auto fields = client.credentials(attempt, "INVITE", kUri);
    require(fields.size() == (verdict.kind == ChallengeVerdict::Kind::retry ? 1 : 0));
    for (const auto& field : fields) {
        require(field.value.find(kPassword) == std::string::npos);
        require(std::none_of(field.value.begin(), field.value.end(), [](char c) {
            return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7F';
        }));
        const auto credentials = parse_credentials(field.value);
        require(credentials.has_value() && credentials->uri == kUri);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // The fuzzer reads it off the comparisons below, and what the peer wrote itself may well be shown.
    if (text.find(kPassword) != std::string_view::npos) return 0;
    check_challenges(text);
    check_credentials(text);
    check_server(text);
    check_client(text);
    return 0;
}

}  // namespace callchain::sip
