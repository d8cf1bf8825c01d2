/// Builds session descriptions for tests, and reads those of tests/data/sdp.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::sdp {

inline constexpr std::string_view kSession =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

/// The session part and these lines, each ended by CRLF.
inline std::string sdp_of(const std::vector<std::string>& lines) {
    std::string text(kSession);
    for (const auto& line : lines) text += line + "\r\n";
    return text;
}

inline std::string read_sample(const std::string& name) {
    std::ifstream file(std::string(TEST_DATA_DIR) + "/sdp/" + name + ".sdp", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The names of all samples, without ".sdp", sorted.
inline std::vector<std::string> sample_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(TEST_DATA_DIR) + "/sdp")) {
        if (entry.path().extension() == ".sdp") names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace callchain::sdp
