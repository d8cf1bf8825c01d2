/// The directory that captures lie in, held by its handle: every file is named relative to it.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::observe {

/// No lock inside: whoever owns it lets one thread at a time in.
class CaptureDirectory {
  public:
    /// As CaptureStore::open().
    [[nodiscard]] static Result<CaptureDirectory> open(std::string path);
    CaptureDirectory(CaptureDirectory&& other) noexcept;
    CaptureDirectory& operator=(CaptureDirectory&&) = delete;
    CaptureDirectory(const CaptureDirectory&) = delete;
    ~CaptureDirectory();

    struct File {
        std::string name;
        std::uint64_t number = 0;  ///< the counter in its name
        std::uint64_t bytes = 0;
    };
    /// The captures: regular files of ours with a name of ours, oldest first. Errors: io.
    [[nodiscard]] Result<std::vector<File>> list() const;
    /// Errors: io, but not where the file is gone already.
    [[nodiscard]] Result<void> remove(const std::string& name) const;
    enum class Made { yes, name_is_taken };
    /// Writes a new file, all of it or none. Errors: io.
    [[nodiscard]] Result<Made> create(const std::string& name, std::string_view bytes) const;

  private:
    explicit CaptureDirectory(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

/// "20261127T225600.123Z-000017.http". Units: `time` as write_rfc3339() writes it; `number` counts on from 0
/// behind 18 digits.
[[nodiscard]] std::string capture_name(std::string_view time, std::uint64_t number);

}  // namespace callchain::observe
