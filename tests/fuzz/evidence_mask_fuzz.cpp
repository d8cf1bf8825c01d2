/// Whatever stands around them, a configured secret and a telephone number behind a sign are not in what is
/// left, and masking it again changes nothing that a reader could still need: it stays free of both.
#include "evidence/mask.hpp"
#include "fuzz/require.hpp"

#include <cstdint>

using namespace callchain::evidence;
using callchain::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string input(reinterpret_cast<const char*>(data), size);
    const std::vector<callchain::signature::LabelledSecret> secrets{
        {"token", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}};
    // Within a longer run of digits it is none.
    if (input.find("5561999994321") != std::string::npos) return 0;
    const auto half = size / 2;
    // A line of its own: what stands in front of a number may make it part of something else.
    const auto text =
        input.substr(0, half) + "\n" + secrets[0].text + "\n<sip:+5561999994321@x>\n" + input.substr(half);
    Masker masker(secrets, {});
    masker.learn(text);
    Tally tally;
    const auto once = masker.mask(text, tally);
    require(once.find(secrets[0].text) == std::string::npos);
    require(once.find("5561999994321") == std::string::npos);
    require(tally[Kind::secrets] > 0);
    const auto twice = masker.mask(once, tally);
    require(twice.find(secrets[0].text) == std::string::npos);
    return 0;
}
