/// A delivery of fuzzed parts: the verdict is that of the plain check, a proof needs the right key, and what
/// is printed holds neither the key nor control characters.
#include "base/text.hpp"
#include "diagnosis/webhook_diagnosis.hpp"
#include "fuzz/require.hpp"
#include "signature/standard_webhooks.hpp"

#include <algorithm>
#include <cstdint>

namespace callchain::diagnosis {
namespace {

using namespace std::chrono_literals;

// Bytes 00 to 1f.
constexpr std::string_view kSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr std::string_view kMiddle = "DA0ODxAREhMU";

bool is_printable(const std::string& text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == 0x7F; });
}

}  // namespace

/// The input: id, timestamp and signature on a line each, then the body. A signature "=" stands for the right
/// one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto lines = split(text, '\n');
    if (lines.size() < 4) return 0;
    WebhookMaterial material;
    material.secrets = {{"fuzz", std::string(kSecret), 0}};
    material.id = lines[0];
    material.timestamp = lines[1];
    material.signature = lines[2];
    material.body = text.substr(lines[0].size() + lines[1].size() + lines[2].size() + 3);
    std::vector<crypto::HmacKey> keys;
    keys.emplace_back(crypto::HashAlgorithm::sha256, signature::read_secret(kSecret)->bytes);
    if (material.signature == "=") {
        material.signature =
            signature::sign_webhook(keys.front(), material.id, material.timestamp, material.body);
    }

    const std::chrono::sys_seconds now{1750287078s};
    SearchLimits limits;
    limits.most_faults = 1;
    limits.most_hashed_bytes = std::uint64_t{4} << 20U;
    const auto report = diagnose_webhook(material, now, 300s, limits);
    const auto check = signature::check_webhook(keys, {material.id, material.timestamp, material.signature},
                                                material.body, now, 300s);
    if (!report) return 0;
    require((report->verdict == Verdict::valid) == (check && check->valid()));
    const auto printed = render_text(*report, Colour::off) + render_json(*report, "0");
    require(printed.find(kMiddle) == std::string::npos || text.find(kMiddle) != std::string_view::npos);
    require(is_printable(printed));
    return 0;
}

}  // namespace callchain::diagnosis
