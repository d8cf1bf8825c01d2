#include "encoding/content_coding.hpp"

#include "encoding/text_codings.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::encoding {
namespace {

using enum ContentCoding;

std::string hex(std::string_view text) { return parse_hex(text).value(); }

constexpr std::string_view kBody = R"({"id": "evt_1"})";
// Computed with Python 3.11: gzip.compress(kBody, level, mtime=0) and gzip.GzipFile(…, mtime=0).
constexpr std::string_view kGzip1 = "1f8b0800000000000403ab56ca4c51b252504a2d2b893754aa05000d97a62e0f000000";
constexpr std::string_view kGzip6 = "1f8b0800000000000003ab56ca4c51b252504a2d2b893754aa05000d97a62e0f000000";
constexpr std::string_view kGzip9 = "1f8b0800000000000203ab56ca4c51b252504a2d2b893754aa05000d97a62e0f000000";
constexpr std::string_view kGzipFile =
    "1f8b08000000000002ffab56ca4c51b252504a2d2b893754aa05000d97a62e0f000000";
// Computed with Python 3.11: zlib.compress(kBody, level), zlib.compressobj(6, zlib.DEFLATED, -15).
constexpr std::string_view kZlib1 = "7801ab56ca4c51b252504a2d2b893754aa050023aa0487";
constexpr std::string_view kZlib6 = "789cab56ca4c51b252504a2d2b893754aa050023aa0487";
constexpr std::string_view kRawDeflate = "ab56ca4c51b252504a2d2b893754aa0500";
// Computed with Node 20: zlib.brotliCompressSync(kBody).
constexpr std::string_view kBrotli = "0b07807b226964223a20226576745f31227d03";
// Computed with zstd 1.5.4: zstd -c, zstd -c --no-check.
constexpr std::string_view kZstd = "28b52ffd04587900007b226964223a20226576745f31227d6931c805";
constexpr std::string_view kZstdUnchecked = "28b52ffd00587900007b226964223a20226576745f31227d";

struct StreamRow {
    const char* name;
    ContentCoding coding;
    std::string_view stream;
};
constexpr StreamRow kStreams[] = {
    {"gzip of Python", gzip, kGzip6},
    {"gzip of Python's GzipFile", gzip, kGzipFile},
    {"zlib, level 1", zlib, kZlib1},
    {"zlib, level 6", zlib, kZlib6},
    {"raw deflate", raw_deflate, kRawDeflate},
    {"brotli", brotli, kBrotli},
    {"zstd", zstd, kZstd},
    {"zstd without a checksum", zstd, kZstdUnchecked},
};

TEST(DecodeContent, ReadsWhatOthersWrote) {
    for (const auto& row : kStreams) {
        SCOPED_TRACE(row.name);
        EXPECT_TRUE(may_be_coded(hex(row.stream), row.coding));
        EXPECT_EQ(decode_content(hex(row.stream), row.coding), std::string(kBody));
    }
}

TEST(DecodeContent, RefusesEveryTruncation) {
    for (const auto& row : kStreams) {
        SCOPED_TRACE(row.name);
        const std::string stream = hex(row.stream);
        for (std::size_t length = 0; length < stream.size(); ++length) {
            const auto got = decode_content(stream.substr(0, length), row.coding);
            ASSERT_FALSE(got.has_value()) << length;
            EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        }
    }
}

TEST(DecodeContent, RefusesBytesBehindTheEnd) {
    for (const auto& row : kStreams) {
        SCOPED_TRACE(row.name);
        const std::string stream = hex(row.stream);
        const auto got = decode_content(stream + "\n", row.coding);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::bad_input);
        EXPECT_EQ(got.error().offset, stream.size());
    }
}

TEST(DecodeContent, RefusesDamage) {
    std::string stream = hex(kGzip6);
    stream[stream.size() - 6] ^= 1;  // the checksum
    EXPECT_EQ(decode_content(stream, gzip).error().code, ErrorCode::bad_input);
    EXPECT_EQ(decode_content(kBody, brotli).error().code, ErrorCode::bad_input);
    EXPECT_EQ(decode_content(kBody, zstd).error().code, ErrorCode::bad_input);
    EXPECT_EQ(decode_content(hex(kZlib6), gzip).error().code, ErrorCode::bad_input);
}

TEST(DecodeContent, JoinsGzipMembersAndZstdFrames) {
    const std::string twice = std::string(kBody) + std::string(kBody);
    EXPECT_EQ(decode_content(hex(kGzip1) + hex(kGzip9), gzip), twice);
    EXPECT_EQ(decode_content(hex(kZstd) + hex(kZstdUnchecked), zstd), twice);
    EXPECT_EQ(decode_content(hex(kZlib6) + hex(kZlib6), zlib).error().code, ErrorCode::bad_input);
}

// A frame of 128 KiB blocks, each one byte repeated, in an 8 MiB window or as told. Source: RFC 8878
// section 3.1.1.
std::string zstd_blocks(int count, unsigned char window_descriptor = 0x68) {
    std::string frame = "\x28\xB5\x2F\xFD";
    frame += '\0';
    frame += static_cast<char>(window_descriptor);
    for (int i = 1; i <= count; ++i) {
        const unsigned header = (128U << 10U << 3U) | 1U << 1U | (i == count ? 1U : 0U);
        for (unsigned shift = 0; shift < 24; shift += 8)
            frame += static_cast<char>((header >> shift) & 0xFFU);
        frame += 'x';
    }
    return frame;
}

struct BombRow {
    const char* name;
    ContentCoding coding;
    std::string stream;
};

// Each decodes to 16 MiB.
std::vector<BombRow> bombs() {
    const std::string gzip_bomb = gzip_variants(std::string(std::size_t{16} << 20U, '\0')).front();
    return {{"gzip", gzip, gzip_bomb},
            {"raw deflate", raw_deflate, gzip_bomb.substr(10, gzip_bomb.size() - 18)},
            // Computed with Node 20: zlib.brotliCompressSync(Buffer.alloc(16 << 20)).
            {"brotli", brotli, hex("cbffff3ff82700e2b14020f7fe2ffffffff04f00c4611180eefd1f")},
            {"zstd", zstd, zstd_blocks(128)}};
}

TEST(DecodeContent, StopsABombAtTheLimit) {
    for (const auto& row : bombs()) {
        SCOPED_TRACE(row.name);
        const auto got = decode_content(row.stream, row.coding);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::limit);
        EXPECT_EQ(got.error().message, std::string(row.name) + " data decodes to more than 8,388,608 bytes");
        EXPECT_EQ(decode_content(row.stream, row.coding, std::size_t{16} << 20U)->size(),
                  std::size_t{16} << 20U);
    }
}

TEST(DecodeContent, CountsTheLimitInclusively) {
    for (const auto& row : kStreams) {
        SCOPED_TRACE(row.name);
        EXPECT_TRUE(decode_content(hex(row.stream), row.coding, kBody.size()).has_value());
        const auto got = decode_content(hex(row.stream), row.coding, kBody.size() - 1);
        ASSERT_FALSE(got.has_value());
        EXPECT_EQ(got.error().code, ErrorCode::limit);
    }
}

TEST(DecodeContent, CountsTheLimitOverAllGzipMembers) {
    const std::string twice = hex(kGzip6) + hex(kGzip6);
    EXPECT_EQ(decode_content(twice, gzip, 2 * kBody.size() - 1).error().code, ErrorCode::limit);
}

TEST(DecodeContent, RefusesAZstdWindowBeyond8MiB) {
    EXPECT_TRUE(decode_content(zstd_blocks(1), zstd).has_value());
    const auto got = decode_content(zstd_blocks(1, 0x70), zstd);
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().code, ErrorCode::limit);
}

// Output that ends exactly with a piece of the decoder's buffer.
TEST(DecodeContent, EndsWhereABufferEnds) {
    const std::string body(std::size_t{128} << 10U, 'x');
    EXPECT_EQ(decode_content(zstd_blocks(1), zstd), body);
    EXPECT_EQ(decode_content(gzip_variants(body).front(), gzip), body);
}

TEST(MayBeCoded, ExcludesWhatCannotBe) {
    for (const auto coding : {gzip, zlib, raw_deflate, brotli, zstd}) {
        SCOPED_TRACE(static_cast<int>(coding));
        for (const std::string_view text : {"", "{\"id\": 1}", "\n [1]", "\"text\""})
            EXPECT_FALSE(may_be_coded(text, coding)) << text;
    }
    EXPECT_FALSE(may_be_coded(hex("78bb"), zlib));  // wants a preset dictionary
    EXPECT_FALSE(may_be_coded(hex("789d"), zlib));  // header check fails
    EXPECT_TRUE(may_be_coded(hex("502a4d1800000000"), zstd));
}

TEST(GzipVariants, HoldsWhatPythonWrites) {
    const auto variants = gzip_variants(kBody);
    for (const auto& stream : {kGzip1, kGzip6, kGzip9, kGzipFile}) {
        SCOPED_TRACE(stream);
        EXPECT_NE(std::find(variants.begin(), variants.end(), hex(stream)), variants.end());
    }
}

// Three levels, each with the operating system and the extra flags in two ways. Source: RFC 1952 section 2.3.
TEST(GzipVariants, CombinesLevelsAndHeaders) {
    std::string body;
    for (int i = 0; i < 4000; ++i) body += std::to_string(i * 7919 % 4001 / 16) + ' ';  // each level differs
    std::vector<std::string> headers;
    for (const auto& variant : gzip_variants(body)) headers.push_back(to_hex(variant.substr(0, 10)));
    const std::vector<std::string> want{
        "1f8b0800000000000003", "1f8b08000000000000ff", "1f8b0800000000000403", "1f8b08000000000004ff",
        "1f8b0800000000000003", "1f8b08000000000000ff", "1f8b0800000000000203", "1f8b08000000000002ff",
        "1f8b0800000000000003", "1f8b08000000000000ff", "1f8b0800000000000203", "1f8b08000000000002ff"};
    EXPECT_EQ(headers, want);
}

TEST(GzipVariants, DifferAndDecodeToTheInput) {
    EXPECT_TRUE(rc::check([](const std::string& bytes) {
        auto variants = gzip_variants(bytes);
        RC_ASSERT(variants.size() >= 4U);
        for (const auto& variant : variants) RC_ASSERT(decode_content(variant, gzip) == bytes);
        std::sort(variants.begin(), variants.end());
        RC_ASSERT(std::adjacent_find(variants.begin(), variants.end()) == variants.end());
    }));
}

}  // namespace
}  // namespace callchain::encoding
