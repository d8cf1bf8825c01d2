/// A zip archive as bytes: the same files always make the same archive.
#pragma once

#include "base/result.hpp"

#include <string>
#include <vector>

namespace callchain::evidence {

struct ArchiveFile {
    std::string name;  ///< relative, with '/' between folders
    std::string bytes;
};

/// Sorted by name, each dated 1980-01-01, mode 0600, no name of a host or user. Nothing touches a disk.
/// Errors: internal, with libzip's words. Source: PKWARE, "APPNOTE.TXT", .ZIP File Format Specification.
[[nodiscard]] Result<std::string> write_archive(std::vector<ArchiveFile> files);

/// "libzip 1.7.3": the version that is loaded.
[[nodiscard]] std::string archive_library_version();

}  // namespace callchain::evidence
