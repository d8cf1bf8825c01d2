#include "observe/capture_directory.hpp"

#include "base/text.hpp"
#include "observe/capture_store.hpp"
#include "system/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <tuple>
#include <unistd.h>
#include <utility>

namespace callchain::observe {
namespace {

// A digit wherever a 0 is.
constexpr std::string_view kTimeShape = "00000000T000000.000Z-";
constexpr std::size_t kFewestDigits = 6;
constexpr std::size_t kMostDigits = 18;
constexpr std::uint64_t kNumbers = 1'000'000'000'000'000'000;
constexpr std::string_view kEnding = ".http";

// The digits of the counter, of a name that is long enough to have them.
std::string_view counter_of(std::string_view name) {
    return name.substr(kTimeShape.size(), name.size() - kTimeShape.size() - kEnding.size());
}

std::string reason(int error) { return std::generic_category().message(error); }

tl::unexpected<Error> failed(std::string_view what, std::string_view name, int error) {
    return fail(ErrorCode::io, "cannot " + std::string(what) + " " + visible(name) + ": " + reason(error));
}

// 0, or the errno of what went wrong. A network file system tells of a full disk only in close().
int write_and_close(system::Descriptor& file, std::string_view bytes) {
    if (const int error = system::write_all(file.number(), bytes); error != 0) return error;
    return ::close(file.release()) == 0 || errno == EINTR ? 0 : errno;
}

// Behind a slash at its end the kernel would follow a link.
std::string without_slashes(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

// Why the path that open() refused is no directory of captures.
tl::unexpected<Error> refused(const std::string& path, int error) {
    struct stat status {};
    const bool is_there = ::fstatat(AT_FDCWD, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there && S_ISLNK(status.st_mode))
        return fail(ErrorCode::usage, "capture directory " + visible(path) + " is a symbolic link",
                    "name the directory that it points to");
    if (is_there && !S_ISDIR(status.st_mode))
        return fail(ErrorCode::usage, "capture directory " + visible(path) + " is not a directory",
                    "name a directory, or a path where nothing is yet");
    return failed("open capture directory", path, error);
}

// Judges what was opened, not what the path may name by now.
Result<void> check_ours(int directory, const std::string& path) {
    struct stat status {};
    if (::fstat(directory, &status) != 0) return failed("look at capture directory", path, errno);
    if (status.st_uid != ::geteuid())
        return fail(ErrorCode::usage,
                    "capture directory " + visible(path) + " belongs to user " +
                        std::to_string(status.st_uid) + ", and we are user " + std::to_string(::geteuid()),
                    "name a directory of our own, or a path where nothing is yet");
    const unsigned mode = status.st_mode & 0777U;
    if (mode == 0700U) return {};
    const std::array<char, 4> octal{static_cast<char>('0' + (mode >> 6U)),
                                    static_cast<char>('0' + (mode >> 3U & 7U)),
                                    static_cast<char>('0' + (mode & 7U)), '\0'};
    return fail(ErrorCode::usage,
                "capture directory " + visible(path) + " has mode 0" + octal.data() +
                    ": captures hold personal data and must be ours alone, mode 0700",
                "chmod 700 " + visible(path));
}

}  // namespace

Result<CaptureDirectory> CaptureDirectory::open(std::string path) {
    path = without_slashes(std::move(path));
    if (path.empty() || path.find('\0') != std::string::npos)
        return fail(ErrorCode::usage, "the name of the capture directory is empty or has a NUL",
                    "name a directory, or a path where nothing is yet");
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return failed("make capture directory", path, errno);
    CaptureDirectory directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (directory.descriptor_ < 0) return refused(path, errno);
    CALLCHAIN_TRY(check_ours(directory.descriptor_, path));
    return directory;
}

CaptureDirectory::CaptureDirectory(CaptureDirectory&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

CaptureDirectory::~CaptureDirectory() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::vector<CaptureDirectory::File>> CaptureDirectory::list() const {
    // A handle of its own: the place of a listing belongs to what was opened.
    system::Descriptor handle(::openat(descriptor_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(handle ? ::fdopendir(handle.number()) : nullptr,
                                                      &::closedir);
    if (!listing) return failed("list", "the capture directory", errno);
    handle.release();

    std::vector<File> files;
    errno = 0;
    while (const dirent* entry = ::readdir(listing.get())) {
        const std::string_view name = entry->d_name;
        struct stat status {};
        if (is_capture_name(name) &&
            ::fstatat(descriptor_, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) && status.st_uid == ::geteuid()) {
            const auto digits = counter_of(name);
            files.push_back({std::string(name), static_cast<std::uint64_t>(parse_decimal(digits).value_or(0)),
                             static_cast<std::uint64_t>(status.st_size)});
        }
        errno = 0;
    }
    if (errno != 0) return failed("list", "the capture directory", errno);
    // By the counter: the wall clock may have been set back between two of them.
    std::sort(files.begin(), files.end(), [](const File& a, const File& b) {
        return std::tie(a.number, a.name) < std::tie(b.number, b.name);
    });
    return files;
}

Result<void> CaptureDirectory::remove(const std::string& name) const {
    if (::unlinkat(descriptor_, name.c_str(), 0) != 0 && errno != ENOENT)
        return failed("remove", name, errno);
    return {};
}

Result<CaptureDirectory::Made> CaptureDirectory::create(const std::string& name,
                                                        std::string_view bytes) const {
    constexpr int kNewFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    system::Descriptor file(::openat(descriptor_, name.c_str(), kNewFile, 0600));
    if (!file && errno == EEXIST) return Made::name_is_taken;
    if (!file) return failed("make", name, errno);
    const int error = write_and_close(file, bytes);
    if (error == 0) return Made::yes;
    // Where the removal fails as well there is nothing left to try; the first fault is the one to tell.
    static_cast<void>(remove(name));
    return failed("write", name, error);
}

std::string capture_name(std::string_view time, std::uint64_t number) {
    std::string name = replace_all(replace_all(time, "-", ""), ":", "");
    const std::string digits = std::to_string(number % kNumbers);
    name += '-';
    if (digits.size() < kFewestDigits) name.append(kFewestDigits - digits.size(), '0');
    return name.append(digits).append(kEnding);
}

bool is_capture_name(std::string_view name) {
    if (name.size() < kTimeShape.size() + kFewestDigits + kEnding.size() || !name.ends_with(kEnding))
        return false;
    const auto fits = [](char c, char shape) { return shape == '0' ? is_ascii_digit(c) : c == shape; };
    if (!std::equal(kTimeShape.begin(), kTimeShape.end(), name.begin(),
                    [&](char shape, char c) { return fits(c, shape); }))
        return false;
    const auto digits = counter_of(name);
    return digits.size() <= kMostDigits && std::all_of(digits.begin(), digits.end(), is_ascii_digit);
}

}  // namespace callchain::observe
