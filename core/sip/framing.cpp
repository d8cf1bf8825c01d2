#include "sip/framing.hpp"

#include "base/text.hpp"
#include "sip/grammar.hpp"
#include "sip/header_lines.hpp"

#include <cstdint>
#include <limits>
#include <utility>

namespace callchain::sip {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

struct Length {
    std::optional<std::uint64_t> bytes = std::nullopt;
    std::string_view fault = {};
};

Length content_length_of(std::string_view head) {
    const auto text = find_head(head);
    if (!text) return {std::nullopt, "the head cannot be read"};
    Length length;
    auto fields = text->fields;
    while (const auto field = take_field(fields)) {
        if (!equal_ignoring_case(long_header_name(field->name), "Content-Length")) continue;
        const auto bytes = parse_number(field->unfolded(), std::numeric_limits<std::uint32_t>::max());
        if (!bytes) return {std::nullopt, "Content-Length is no number that a message can have"};
        if (length.bytes && length.bytes != bytes)
            return {std::nullopt, "there are two different Content-Length"};
        length.bytes = bytes;
    }
    if (!length.bytes) length.fault = "there is no Content-Length, which a stream cannot do without";
    return length;
}

}  // namespace

void Framer::feed(std::string_view bytes) {
    if (lost_) return;
    drop_taken();
    buffer_.append(bytes);
}

void Framer::drop_taken() {
    if (begin_ == 0) return;
    // What a burst made large is given back: thousands of idle connections would keep it.
    constexpr std::size_t kWorthKeeping = std::size_t{16} << 10U;
    if (begin_ == buffer_.size() && buffer_.capacity() > kWorthKeeping)
        std::string().swap(buffer_);
    else
        buffer_.erase(0, begin_);
    examined_ += buffer_.size();
    line_ -= begin_;
    searched_ -= begin_;
    begin_ = 0;
}

std::optional<Frame> Framer::next() {
    if (lost_) return std::nullopt;
    if (message_bytes_ == 0) {
        if (auto frame = take_keep_alive()) return frame;
        if (auto frame = search_head()) return frame;
    }
    if (message_bytes_ == 0 || buffered() < message_bytes_) return std::nullopt;
    Frame frame{Frame::Kind::message, buffer_.substr(begin_, message_bytes_)};
    take(message_bytes_);
    return frame;
}

bool Framer::within_message() const { return !lost_ && buffered() > 0 && buffer_[begin_] != '\r'; }

std::optional<Frame> Framer::take_keep_alive() {
    const auto rest = std::string_view(buffer_).substr(begin_);
    if (!rest.starts_with('\r')) return std::nullopt;
    if (rest.size() < kLineEnd.size()) return std::nullopt;
    if (!rest.starts_with(kLineEnd)) return lose("a CR without LF stands between two messages");
    if (side_ == Side::opened) {
        take(kLineEnd.size());
        return Frame{Frame::Kind::pong};
    }
    // Half a ping looks like a whole answer: what comes next decides.
    const auto behind = rest.substr(kLineEnd.size());
    if (behind.empty() || behind == "\r") return std::nullopt;
    const bool is_ping = behind.starts_with(kLineEnd);
    take(is_ping ? 2 * kLineEnd.size() : kLineEnd.size());
    return Frame{is_ping ? Frame::Kind::ping : Frame::Kind::pong};
}

/// Goes on where it stopped. A frame comes out only where the boundary is lost; where the head has ended
/// `message_bytes_` says how long the message is.
std::optional<Frame> Framer::search_head() {
    if (buffered() == 0 || buffer_[begin_] == '\r') return std::nullopt;
    if (!is_token_character(buffer_[begin_])) return lose("what comes is no SIP message");
    while (true) {
        const auto end = buffer_.find('\n', searched_);
        examined_ += (end == std::string::npos ? buffer_.size() : end) - searched_;
        if (end == std::string::npos) {
            searched_ = buffer_.size();
            if (buffered() > limits_.head_bytes) return lose(kHeadTooLarge);
            return std::nullopt;
        }
        searched_ = end + 1;
        if (searched_ - begin_ > limits_.head_bytes) return lose(kHeadTooLarge);
        const auto line = std::string_view(buffer_).substr(line_, end - line_);
        if (!is_ended_by_cr(line)) return lose("a line of the head does not end in CR and LF");
        line_ = searched_;
        if (line.size() == 1) return read_length();
    }
}

std::optional<Frame> Framer::read_length() {
    const auto head = std::string_view(buffer_).substr(begin_, searched_ - begin_);
    examined_ += head.size();
    const auto length = content_length_of(head);
    if (!length.fault.empty()) return lose(length.fault);
    if (head.size() + *length.bytes > limits_.message_bytes)
        return lose("the message is larger than " + count_of(limits_.message_bytes, "byte"));
    message_bytes_ = head.size() + static_cast<std::size_t>(*length.bytes);
    return std::nullopt;
}

void Framer::take(std::size_t bytes) {
    begin_ += bytes;
    searched_ = begin_;
    line_ = begin_;
    message_bytes_ = 0;
    if (buffered() == 0) drop_taken();  // at once: nothing may come for an hour
}

Frame Framer::lose(std::string_view why) {
    lost_ = true;
    std::string().swap(buffer_);
    begin_ = 0;
    return Frame{Frame::Kind::lost, {}, std::string(why)};
}

}  // namespace callchain::sip
