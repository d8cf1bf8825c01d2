#include "encoding/content_coding.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <brotli/decode.h>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <utility>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace callchain::encoding {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} << 10U;
constexpr int kZstdWindowLog = 23;  // 8 MiB, what RFC 8878 section 3.1.1.1.2 tells decoders to support

std::string_view name_of(ContentCoding coding) {
    constexpr std::string_view kNames[] = {"gzip", "zlib", "raw deflate", "brotli", "zstd"};
    return kNames[static_cast<std::size_t>(coding)];
}

// Takes what decoders yield, piece by piece, so that a bomb ends at the limit and not at the end of memory.
class BoundedOutput {
  public:
    BoundedOutput(ContentCoding coding, std::size_t most_bytes)
        : coding_(coding), most_bytes_(most_bytes), piece_(kPieceBytes) {}

    [[nodiscard]] std::uint8_t* piece() { return piece_.data(); }

    // Keeps the first `count` bytes of the piece.
    [[nodiscard]] Result<void> take(std::size_t count) {
        if (count > most_bytes_ - bytes_.size()) {
            return fail(
                ErrorCode::limit,
                std::string(name_of(coding_)) + " data decodes to more than " + count_of(most_bytes_, "byte"),
                "a webhook body is never that large: check that this is the body");
        }
        bytes_.append(reinterpret_cast<const char*>(piece_.data()), count);
        return {};
    }

    [[nodiscard]] std::string finish() { return std::move(bytes_); }

  private:
    ContentCoding coding_;
    std::size_t most_bytes_;
    std::vector<std::uint8_t> piece_;
    std::string bytes_;
};

tl::unexpected<Error> damaged(std::size_t at, ContentCoding coding) {
    return fail_at(at, ErrorCode::bad_input, "not valid " + std::string(name_of(coding)) + " data");
}

tl::unexpected<Error> cut_off(std::size_t at, ContentCoding coding) {
    return fail_at(at, ErrorCode::bad_input, std::string(name_of(coding)) + " data is cut off",
                   "the capture may have a size limit: compare its length with Content-Length");
}

tl::unexpected<Error> followed(std::size_t at, ContentCoding coding) {
    return fail_at(at, ErrorCode::bad_input,
                   "bytes behind the end of the " + std::string(name_of(coding)) + " data");
}

// For steps of a library that fail only when memory is gone.
void require(bool ok) {
    if (!ok) std::abort();
}

// zlib counts in unsigned int: long input is handed over in slices.
uInt slice_of(std::size_t size) {
    return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

Bytef* input_of(std::string_view bytes) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib reads it only
}

struct InflateDeleter {
    void operator()(z_stream* stream) const { inflateEnd(stream); }
};

Result<std::string> decode_zlib(std::string_view bytes, ContentCoding coding, BoundedOutput& output) {
    const int window_bits = coding == ContentCoding::gzip   ? MAX_WBITS + 16
                            : coding == ContentCoding::zlib ? MAX_WBITS
                                                            : -MAX_WBITS;
    z_stream stream{};
    require(inflateInit2(&stream, window_bits) == Z_OK);
    const std::unique_ptr<z_stream, InflateDeleter> end_of_stream(&stream);
    std::size_t at = 0;
    for (;;) {
        const uInt given = slice_of(bytes.size() - at);
        stream.next_in = input_of(bytes.substr(at));
        stream.avail_in = given;
        stream.next_out = output.piece();
        stream.avail_out = kPieceBytes;
        const int status = inflate(&stream, Z_NO_FLUSH);
        at += given - stream.avail_in;
        const std::size_t yielded = kPieceBytes - stream.avail_out;
        CALLCHAIN_TRY(output.take(yielded));
        if (status == Z_STREAM_END) {
            if (at == bytes.size()) return output.finish();
            if (coding != ContentCoding::gzip) return followed(at, coding);
            if (!may_be_coded(bytes.substr(at), coding)) return followed(at, coding);
            require(inflateReset(&stream) == Z_OK);
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            return damaged(at, coding);
        } else if (at == bytes.size() && yielded < kPieceBytes) {
            return cut_off(at, coding);
        }
    }
}

struct BrotliDeleter {
    void operator()(BrotliDecoderState* state) const { BrotliDecoderDestroyInstance(state); }
};

Result<std::string> decode_brotli(std::string_view bytes, BoundedOutput& output) {
    const std::unique_ptr<BrotliDecoderState, BrotliDeleter> state(
        BrotliDecoderCreateInstance(nullptr, nullptr, nullptr));
    require(state != nullptr);
    std::size_t left = bytes.size();
    const auto* next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    for (;;) {
        std::size_t room = kPieceBytes;
        std::uint8_t* next_out = output.piece();
        const auto status =
            BrotliDecoderDecompressStream(state.get(), &left, &next_in, &room, &next_out, nullptr);
        const std::size_t at = bytes.size() - left;
        CALLCHAIN_TRY(output.take(kPieceBytes - room));
        if (status == BROTLI_DECODER_RESULT_ERROR) return damaged(at, ContentCoding::brotli);
        if (status == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) return cut_off(at, ContentCoding::brotli);
        if (status != BROTLI_DECODER_RESULT_SUCCESS) continue;
        if (left != 0) return followed(at, ContentCoding::brotli);
        return output.finish();
    }
}

// A frame, or a skippable frame before it. Source: RFC 8878 sections 3.1.1 and 3.1.2.
bool may_be_zstd(std::string_view bytes) {
    const bool is_skippable = bytes.size() >= 4 && (static_cast<unsigned char>(bytes[0]) & 0xF0U) == 0x50 &&
                              bytes.substr(1, 3) == "\x2A\x4D\x18";
    return bytes.substr(0, 4) == "\x28\xB5\x2F\xFD" || is_skippable;
}

struct ZstdDeleter {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

Result<std::string> decode_zstd(std::string_view bytes, BoundedOutput& output) {
    const std::unique_ptr<ZSTD_DCtx, ZstdDeleter> context(ZSTD_createDCtx());
    require(context != nullptr);
    require(ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLog)) == 0);
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
        ZSTD_outBuffer out{output.piece(), kPieceBytes, 0};
        const std::size_t status = ZSTD_decompressStream(context.get(), &out, &in);
        if (ZSTD_isError(status) != 0) {
            if (ZSTD_getErrorCode(status) != ZSTD_error_frameParameter_windowTooLarge)
                return damaged(in.pos, ContentCoding::zstd);
            return fail_at(in.pos, ErrorCode::limit, "zstd data needs a window of more than 8 MiB");
        }
        CALLCHAIN_TRY(output.take(out.pos));
        if (status == 0 && in.pos == in.size) return output.finish();
        if (status == 0 && !may_be_zstd(bytes.substr(in.pos))) return followed(in.pos, ContentCoding::zstd);
        if (in.pos == in.size && out.pos < out.size) return cut_off(in.pos, ContentCoding::zstd);
    }
}

bool begins_like_json(std::string_view bytes) {
    bytes = trim_left(bytes);
    return !bytes.empty() && (bytes.front() == '{' || bytes.front() == '[' || bytes.front() == '"');
}

bool may_be_zlib(std::string_view bytes) {
    if (bytes.size() < 2) return false;
    const unsigned cmf = static_cast<unsigned char>(bytes[0]);
    const unsigned flg = static_cast<unsigned char>(bytes[1]);
    const bool needs_dictionary = (flg & 0x20U) != 0;
    return (cmf & 0x0FU) == Z_DEFLATED && cmf >> 4U <= 7 && (cmf * 256 + flg) % 31 == 0 && !needs_dictionary;
}

std::string raw_deflate(std::string_view bytes, int level) {
    z_stream stream{};
    require(deflateInit2(&stream, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out;
    std::vector<Bytef> piece(kPieceBytes);
    int status = Z_OK;
    while (status != Z_STREAM_END) {
        if (stream.avail_in == 0) {
            stream.next_in = input_of(bytes);
            stream.avail_in = slice_of(bytes.size());
            bytes.remove_prefix(stream.avail_in);
        }
        stream.next_out = piece.data();
        stream.avail_out = kPieceBytes;
        status = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
        require(status == Z_OK || status == Z_STREAM_END);
        out.append(reinterpret_cast<const char*>(piece.data()), kPieceBytes - stream.avail_out);
    }
    deflateEnd(&stream);
    return out;
}

void append_little_endian(std::string& out, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>((value >> shift) & 0xFFU);
}

// CRC-32 and length modulo 2^32. Source: RFC 1952 section 2.3.1.
std::string gzip_trailer(std::string_view bytes) {
    std::string out;
    append_little_endian(out, static_cast<std::uint32_t>(crc32_z(0, input_of(bytes), bytes.size())));
    append_little_endian(out, static_cast<std::uint32_t>(bytes.size()));
    return out;
}

struct GzipLevel {
    int level;
    char extra_flags;  // 2: slowest, 4: fastest. zlib has 0 at level 6; some writers have 2 at every level
};
constexpr GzipLevel kGzipLevels[] = {{1, 4}, {6, 2}, {9, 2}};
constexpr char kUnix = 3;
constexpr char kUnknownSystem = '\xFF';

}  // namespace

Result<std::string> decode_content(std::string_view bytes, ContentCoding coding, std::size_t most_bytes) {
    BoundedOutput output(coding, most_bytes);
    switch (coding) {
        case ContentCoding::gzip:
        case ContentCoding::zlib:
        case ContentCoding::raw_deflate:
            return decode_zlib(bytes, coding, output);
        case ContentCoding::brotli:
            return decode_brotli(bytes, output);
        case ContentCoding::zstd:
            return decode_zstd(bytes, output);
    }
    std::abort();
}

bool may_be_coded(std::string_view bytes, ContentCoding coding) {
    switch (coding) {
        case ContentCoding::gzip:
            return bytes.substr(0, 3) == "\x1F\x8B\x08";
        case ContentCoding::zlib:
            return may_be_zlib(bytes);
        case ContentCoding::zstd:
            return may_be_zstd(bytes);
        case ContentCoding::brotli:
        case ContentCoding::raw_deflate:
            return !bytes.empty() && !begins_like_json(bytes);
    }
    std::abort();
}

std::vector<std::string> gzip_variants(std::string_view bytes) {
    std::vector<std::string> variants;
    const std::string trailer = gzip_trailer(bytes);
    for (const auto& [level, extra_flags] : kGzipLevels) {
        const std::string compressed = raw_deflate(bytes, level);
        for (const char flags : {'\0', extra_flags}) {
            for (const char system : {kUnix, kUnknownSystem}) {
                std::string variant("\x1F\x8B\x08\0\0\0\0\0", 8);
                variant.append({flags, system}).append(compressed).append(trailer);
                if (std::find(variants.begin(), variants.end(), variant) == variants.end())
                    variants.push_back(std::move(variant));
            }
        }
    }
    return variants;
}

}  // namespace callchain::encoding
