/// A file of variables is read or refused; what was read is written and read again as the same, and an error
/// names a line of the file and shows no value.
#include "base/text.hpp"
#include "config/env_file.hpp"
#include "fuzz/require.hpp"

#include <algorithm>
#include <cstdint>

namespace callchain::config {
namespace {

constexpr std::string_view kLine = "line ";

void check_error(const Error& error, std::string_view text) {
    require(error.message.starts_with(kLine));
    const auto number =
        parse_decimal(std::string_view(error.message)
                          .substr(kLine.size(), error.message.find(':', kLine.size()) - kLine.size()));
    const auto lines = static_cast<std::int64_t>(split(text, '\n').size());
    require(number.has_value() && *number >= 1 && *number <= lines);
}

/// A secret on a line that is at fault.
void check_nothing_is_shown(std::string_view text) {
    const auto read =
        parse_env_file("A=\"Planted-Password-7531 \" " + std::string(text.substr(0, text.find('\n'))));
    require(read || read.error().message.find("Planted") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_nothing_is_shown(text);
    const auto read = parse_env_file(text);
    if (!read) {
        check_error(read.error(), text);
        return 0;
    }
    std::size_t bytes = 0;
    for (const auto& [name, value] : *read) {
        require(!name.empty() && !is_ascii_digit(name.front()));
        require(name.find_first_of("= \t\"'$") == std::string::npos);
        bytes += name.size() + value.size();
    }
    require(bytes <= size);
    require(parse_env_file(write_env_file(*read)) == *read);
    // The writer is asked for any value, also for those that no file has.
    const Assignments any{{"ANY", std::string(text)}};
    require(parse_env_file(write_env_file(any)) == any);
    return 0;
}

}  // namespace callchain::config
