#include "gateway/hosts_reader.hpp"

#include "system/descriptor.hpp"

#include <array>
#include <chrono>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace callchain::gateway {
namespace {

constexpr std::chrono::seconds kBetweenLooks{1};
constexpr std::size_t kMostBytes = std::size_t{4} << 20U;

// Up to the end or to the last line that fits. nullopt: it cannot be read.
std::optional<std::string> read_file(const std::string& path) {
    const system::Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return std::nullopt;
    std::string text;
    std::array<char, 16'384> part{};
    while (text.size() < kMostBytes) {
        const auto count = read(file.number(), part.data(), part.size());
        if (count < 0) return std::nullopt;
        if (count == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(count));
    }
    text.resize(text.rfind('\n') + 1);  // 0 where there is none
    return text;
}

}  // namespace

std::optional<HostsReader::Mark> HostsReader::mark() const {
    struct stat status {};
    if (stat(path_.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return Mark{status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size, status.st_ino};
}

const HostsFile& HostsReader::current(sip::SteadyTime now) {
    if (looked_ && now - *looked_ < kBetweenLooks) return hosts_;
    looked_ = now;
    // Before the file is read: what is written meanwhile shows as a change at the next look.
    const auto seen = mark();
    if (seen == mark_) return hosts_;
    if (!seen) {
        hosts_ = {};
        mark_ = std::nullopt;
    } else if (const auto text = read_file(path_)) {
        hosts_ = HostsFile(*text);
        mark_ = seen;
    }
    return hosts_;
}

}  // namespace callchain::gateway
