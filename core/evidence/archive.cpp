#include "evidence/archive.hpp"

#include <algorithm>
#include <memory>
#include <zip.h>

namespace callchain::evidence {
namespace {

constexpr zip_uint16_t kFirstOfJanuary1980 = (1U << 5U) | 1U;  // MS-DOS: year since 1980, month, day
constexpr zip_uint32_t kOwnerOnly = 0100600U << 16U;  // a regular file, in the upper half as Unix has it

struct SourceDeleter {
    void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using Source = std::unique_ptr<zip_source_t, SourceDeleter>;

struct ArchiveDeleter {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, ArchiveDeleter>;

tl::unexpected<Error> failure(const char* words) {
    return fail(ErrorCode::internal, std::string("the archive could not be made: ") + words);
}

/// `file` outlives the archive, which borrows its bytes.
Result<void> add(zip_t* archive, const ArchiveFile& file) {
    Source source(zip_source_buffer(archive, file.bytes.data(), file.bytes.size(), 0));
    if (!source) return failure(zip_strerror(archive));
    const auto index = zip_file_add(archive, file.name.c_str(), source.get(), ZIP_FL_ENC_UTF_8);
    if (index < 0) return failure(zip_strerror(archive));
    (void)source.release();  // the archive's now
    const auto at = static_cast<zip_uint64_t>(index);
    if (zip_file_set_dostime(archive, at, 0, kFirstOfJanuary1980, 0) != 0 ||
        zip_file_set_external_attributes(archive, at, 0, ZIP_OPSYS_UNIX, kOwnerOnly) != 0)
        return failure(zip_strerror(archive));
    return {};
}

Result<std::string> read_all(zip_source_t* source) {
    constexpr std::size_t kPiece = std::size_t{64} << 10U;
    if (zip_source_open(source) != 0) return failure(zip_error_strerror(zip_source_error(source)));
    std::string bytes;
    while (true) {
        const auto before = bytes.size();
        bytes.resize(before + kPiece);
        const auto count = zip_source_read(source, bytes.data() + before, kPiece);
        bytes.resize(before + static_cast<std::size_t>(std::max<zip_int64_t>(count, 0)));
        if (count < 0) return failure(zip_error_strerror(zip_source_error(source)));
        if (count == 0) break;
    }
    zip_source_close(source);
    return bytes;
}

}  // namespace

Result<std::string> write_archive(std::vector<ArchiveFile> files) {
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    zip_error_t error;
    zip_error_init(&error);
    Source buffer(zip_source_buffer_create(nullptr, 0, 0, &error));
    if (!buffer) return failure(zip_error_strerror(&error));
    Archive archive(zip_open_from_source(buffer.get(), ZIP_TRUNCATE, &error));
    if (!archive) return failure(zip_error_strerror(&error));
    zip_source_keep(buffer.get());  // the archive has a share, and we read it afterwards
    for (const auto& file : files) CALLCHAIN_TRY(add(archive.get(), file));
    if (zip_close(archive.get()) != 0) return failure(zip_strerror(archive.get()));
    (void)archive.release();  // closed
    return read_all(buffer.get());
}

std::string archive_library_version() { return std::string("libzip ") + zip_libzip_version(); }

}  // namespace callchain::evidence
