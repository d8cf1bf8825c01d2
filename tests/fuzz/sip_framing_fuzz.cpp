/// However a stream is cut into reads, the same frames come out; they are the bytes that went in, in order,
/// and no byte is looked at over and over.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "sip/framing.hpp"
#include "sip/header_lines.hpp"
#include "sip/raw_reader.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace callchain::sip {
namespace {

// Small, so that the limits are met by inputs of a fuzzer's size.
constexpr FramingLimits kLimits{1'000, 600};

struct Outcome {
    std::vector<Frame> frames;
    std::size_t left = 0;
    std::uint64_t examined = 0;
};

Outcome frames_of(std::string_view bytes, std::size_t read, Side side) {
    Framer framer(kLimits, side);
    Outcome outcome;
    for (std::size_t i = 0; i < bytes.size(); i += read) {
        framer.feed(bytes.substr(i, read));
        while (auto frame = framer.next()) outcome.frames.push_back(*std::move(frame));
        require(framer.buffered() <= kLimits.message_bytes);
    }
    outcome.left = framer.buffered();
    outcome.examined = framer.examined();
    return outcome;
}

void check_bytes(const Outcome& outcome, std::string_view bytes) {
    for (const auto& frame : outcome.frames) {
        if (frame.kind == Frame::Kind::lost) {
            require(&frame == &outcome.frames.back() && !frame.why.empty() && outcome.left == 0);
            return;
        }
        const auto piece = frame.kind == Frame::Kind::message ? std::string_view(frame.bytes)
                           : frame.kind == Frame::Kind::ping  ? "\r\n\r\n"
                                                              : "\r\n";
        require(!piece.empty() && piece.size() <= kLimits.message_bytes && bytes.starts_with(piece));
        bytes.remove_prefix(piece.size());
        if (frame.kind != Frame::Kind::message) continue;
        // What the raw reader understands of a message has the length that the framer gave it.
        require(find_head(frame.bytes).has_value());
        const auto raw = read_raw(frame.bytes);
        if (!raw) continue;
        require(raw->content_length.has_value());
        const auto body = parse_decimal(*raw->content_length).value_or(-1);
        require(raw->head_bytes + static_cast<std::uint64_t>(body) == frame.bytes.size());
    }
    require(bytes.size() == outcome.left);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    for (const auto side : {Side::accepted, Side::opened}) {
        const auto whole = frames_of(bytes, 1'000'000, side);
        check_bytes(whole, bytes);
        for (const std::size_t read : {std::size_t{1}, std::size_t{1} + data[0]}) {
            const auto pieces = frames_of(bytes, read, side);
            require(pieces.frames.size() == whole.frames.size() && pieces.left == whole.left);
            for (std::size_t i = 0; i < pieces.frames.size(); ++i) {
                require(pieces.frames[i].kind == whole.frames[i].kind);
                require(pieces.frames[i].bytes == whole.frames[i].bytes);
                require(pieces.frames[i].why == whole.frames[i].why);
            }
            require(pieces.examined <= 4 * bytes.size());
        }
    }
    return 0;
}

}  // namespace callchain::sip
