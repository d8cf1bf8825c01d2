/// Cuts a stream of bytes into SIP messages. Pure: bytes in, frames out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::sip {

struct FramingLimits {
    std::size_t message_bytes = std::size_t{64} << 10U;  ///< head and body of one message
    std::size_t head_bytes = std::size_t{32} << 10U;
};

/// What came next.
struct Frame {
    enum class Kind {
        message,  ///< `bytes` is exactly one message
        ping,     ///< CRLF CRLF: to be answered with CRLF (RFC 5626 section 3.5.1)
        pong,     ///< CRLF: the answer to a ping of ours
        lost,     ///< the boundary is lost: the connection must be closed; `why` says it
    };
    Kind kind = Kind::message;
    std::string bytes = {};
    std::string why = {};
};

/// Who opened the connection: only that side pings (RFC 5626 section 3.5.1), so that the other side's CRLF
/// CRLF is a ping, while on a connection of ours each CRLF is an answer and is reported at once.
enum class Side { accepted, opened };

/// One for each connection, used by the thread that reads it. Holds at most one message's bytes plus what the
/// caller has not taken yet; the caller reads from the socket only when next() has nothing more, so the
/// backlog is bounded by one read. The frames do not depend on how the bytes were split into reads.
/// Content-Length is required on a stream (RFC 3261 section 18.3); none, two different ones, no number, one
/// beyond the limit, a head beyond its limit, a line that does not end in CRLF, or bytes that begin no
/// message: lost. Each byte is looked at a bounded number of times.
class Framer {
  public:
    explicit Framer(FramingLimits limits = {}, Side side = Side::accepted) : limits_(limits), side_(side) {}
    void feed(std::string_view bytes);
    /// nullopt: more bytes are needed. Behind `lost` nothing more comes.
    [[nodiscard]] std::optional<Frame> next();
    [[nodiscard]] std::size_t buffered() const { return buffer_.size() - begin_; }
    /// True within a message: a peer that stops here for long is slow or hostile.
    [[nodiscard]] bool within_message() const;
    /// Bytes looked at or moved so far, each time counted: what the promise of linear work is held against.
    [[nodiscard]] std::uint64_t examined() const { return examined_; }

  private:
    std::optional<Frame> take_keep_alive();
    std::optional<Frame> search_head();
    std::optional<Frame> read_length();
    void drop_taken();
    void take(std::size_t bytes);
    Frame lose(std::string_view why);

    static constexpr std::string_view kHeadTooLarge = "the head of a message is too large";

    FramingLimits limits_;
    Side side_;
    std::string buffer_;
    std::size_t begin_ = 0;          // of what is not framed yet
    std::size_t searched_ = 0;       // from here on no line end was looked for
    std::size_t line_ = 0;           // where the line begins that is searched
    std::size_t message_bytes_ = 0;  // 0: its head is not complete
    std::uint64_t examined_ = 0;
    bool lost_ = false;
};

}  // namespace callchain::sip
