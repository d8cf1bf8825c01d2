/// The codes of core/sdp and their pages belong together.
#include "diagnosis/catalogue.hpp"
#include "sdp/answer.hpp"
#include "sdp/rules.hpp"
#include "sdp/verdict.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <set>
#include <string>

namespace callchain::diagnosis {
namespace {

/// Every word `sdp_…` in quotes in the sources of core/sdp: what the program may print.
std::set<std::string> codes_in_sources() {
    std::set<std::string> codes;
    const std::string start = "\"sdp_";
    for (const char* folder : {"/../../core/sdp", "/../../core/b2bua"}) {
        for (const auto& entry : std::filesystem::directory_iterator(std::string(TEST_DATA_DIR) + folder)) {
            if (entry.path().extension() != ".cpp") continue;
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
            for (auto at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
                const auto code = text.substr(at + 1, text.find('"', at + 1) - at - 1);
                if (!code.ends_with('_')) codes.insert(code);  // else it is a beginning, to compare with
            }
        }
    }
    return codes;
}

TEST(SdpCatalogue, HasAPageForEachCodeThatIsUsed) {
    const auto codes = codes_in_sources();
    EXPECT_GT(codes.size(), 40U);
    for (const auto& code : codes) EXPECT_NE(find_entry(code), nullptr) << code;
    for (const auto& rule : sdp::all_rules())
        EXPECT_TRUE(codes.contains(std::string(rule.code))) << rule.code;
}

TEST(SdpCatalogue, HasNoPageForACodeThatIsNotUsed) {
    const auto codes = codes_in_sources();
    for (const auto& entry : catalogue()) {
        if (!entry.code.starts_with("sdp_")) continue;
        EXPECT_TRUE(codes.contains(std::string(entry.code))) << entry.code;
    }
}

}  // namespace
}  // namespace callchain::diagnosis
