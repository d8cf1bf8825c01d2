/// Reads messages for tests from tests/data.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace callchain::sip {

/// The bytes of a file below tests/data: "rfc4475/wsinv.dat", "sip/meta-invite.sip".
inline std::string message_file(const std::string& name) {
    std::ifstream file(std::string(TEST_DATA_DIR) + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace callchain::sip
