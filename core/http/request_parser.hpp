/// Reads one HTTP/1.x request from bytes as they come; strict, since a proxy in front of us reads them too.
#pragma once

#include "http/head_rules.hpp"
#include "http/message.hpp"

#include <cstddef>
#include <memory>
#include <string_view>

namespace callchain::http {

/// One request: HeadRules look at the head, Boost.Beast parses it and the body. Beast stays within the .cpp.
///
/// It holds no bytes that it has not used: the caller offers the rest again, with what came since behind it.
/// Source: RFC 9112 sections 2.2, 3, 5, 6 and 7.1.
class RequestParser {
  public:
    enum class State { head, body, complete, refused };

    RequestParser(std::size_t most_header_bytes, std::size_t most_body_bytes);
    RequestParser(RequestParser&&) noexcept;
    ~RequestParser();

    /// Uses bytes from the front and says how many. Stops at the end of the head, so that the caller can look
    /// at expectation() before it goes on, and at the end of the request: what follows is the next one's.
    [[nodiscard]] std::size_t feed(std::string_view bytes);

    [[nodiscard]] State state() const { return state_; }
    /// Whether a byte of the request line has been seen; empty lines in front of it do not count.
    [[nodiscard]] bool has_begun() const { return begun_; }
    [[nodiscard]] Refusal refusal() const { return refusal_; }
    /// From State::body on: what the client expects before it sends a body; none for HTTP/1.0.
    [[nodiscard]] Expectation expectation() const { return rules_.facts().expectation; }
    /// From State::body on: whether the client will send another request behind this one.
    [[nodiscard]] bool keep_alive() const;
    [[nodiscard]] bool is_http_1_1() const { return rules_.facts().http_1_1; }
    /// Its method, target, version, headers and body are filled in.
    [[nodiscard]] Request& request();

  private:
    class Reader;

    std::size_t skip_empty_lines(std::string_view bytes);
    std::size_t feed_head(std::string_view head);
    std::size_t feed_body(std::string_view bytes);
    std::size_t next_of_chunks(std::string_view bytes);
    std::size_t framing_size(std::string_view bytes);
    std::size_t line_size(std::string_view bytes, std::size_t most, Refusal too_long);
    void refuse(Refusal refusal);

    std::size_t most_header_bytes_;
    std::size_t most_body_bytes_;
    std::size_t empty_bytes_ = 0;  ///< of lines in front of the request line
    State state_ = State::head;
    bool begun_ = false;
    Refusal refusal_;
    HeadRules rules_;
    std::unique_ptr<Reader> reader_;
};

}  // namespace callchain::http
