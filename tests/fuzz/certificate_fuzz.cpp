/// Any certificate and any key are read or refused, as PEM or as the DER within it; what is told of them can
/// be shown, and what is told of a key that is refused shows nothing of it.
#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "fuzz/require.hpp"
#include "gateway/tls_certificate.hpp"
#include "gateway/tls_pem.hpp"

#include <algorithm>
#include <cstdint>

using namespace callchain;
using namespace callchain::gateway;

namespace {

// No such file: the verification itself is OpenSSL's.
const std::string kNoAuthorities = "/nonexistent/ca.pem";
constexpr std::chrono::sys_seconds kNow{std::chrono::seconds{1750287078}};

std::string pem_of(std::string_view bytes, const std::string& what) {
    if (bytes.starts_with("-----")) return std::string(bytes);
    std::string pem = "-----BEGIN " + what + "-----\n";
    const auto text = encoding::to_base64(bytes);
    for (std::size_t at = 0; at < text.size(); at += 64) pem += text.substr(at, 64) + "\n";
    return pem + "-----END " + what + "-----\n";
}

void check_said(const std::string& said) { require(visible(said) == said); }

void check_facts(const CertificateFacts& facts) {
    require(facts.chain >= 1);
    check_said(facts.subject + facts.issuer + facts.key_kind + facts.verification);
    for (const auto& name : facts.names) {
        check_said(name);
        require(name.find('\0') == std::string::npos);
        // A name without a wildcard covers itself.
        if (name.find('*') == std::string::npos && !name.empty()) require(name_covers(name, name));
        require(!name_covers(name, ""));
        if (!name.ends_with("example.net") && name != "*.net") require(!name_covers(name, "a.example.net"));
    }
    for (const auto& address : facts.addresses) {
        check_said(address);
        require(certificate_covers(facts, address));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const PemSource certificate{.text = pem_of(bytes, "CERTIFICATE")};
    const PemSource key{.text = pem_of(bytes, "PRIVATE KEY")};
    const auto chain = read_chain(certificate);
    if (chain) {
        require(!chain->empty());
        (void)begin_of(chain->front().get());
        (void)end_of(chain->front().get());
    } else {
        check_said(chain.error().message);
    }
    if (const auto read = read_key(key); !read) {
        check_said(read.error().message);
        constexpr std::size_t kTelling = 24;
        const auto line = key.text.find('\n') + 1;
        const auto telling = key.text.substr(std::min(line, key.text.size()), kTelling);
        // Base64 has no blank; words of our own messages, which the fuzzer finds as well, have some.
        if (telling.size() == kTelling && telling.front() != '-' && telling.find(' ') == std::string::npos)
            require(read.error().message.find(telling) == std::string::npos);
    }
    if (const auto facts = inspect_certificate(certificate, key, kNoAuthorities, kNow)) check_facts(*facts);
    // With a key that can be read, also what is wrong with the certificate alone comes to light.
    static const PemSource kGoodKey{
        .text =
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
            "-----END PRIVATE KEY-----\n"};
    if (const auto facts = inspect_certificate(certificate, kGoodKey, kNoAuthorities, kNow))
        check_facts(*facts);
    require(!name_covers(bytes, ""));
    return 0;
}
