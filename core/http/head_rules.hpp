/// What is refused of a request's head before the parser reads it: whatever two readers might read
/// differently. Internal to core/http.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace callchain::http {

/// Why a request is not served: the status to answer, and one line for a person.
struct Refusal {
    int status = 400;
    std::string_view why;  ///< a literal
};

enum class Expectation { none, continue_100, unknown };

/// What a head says about the rest of its request and about the connection.
struct HeadFacts {
    bool http_1_1 = false;
    bool says_close = false;
    bool says_keep_alive = false;
    bool chunked = false;
    unsigned hosts = 0;
    std::optional<std::uint64_t> content_length = {};
    Expectation expectation = Expectation::none;  ///< none for HTTP/1.0
};

/// Judges one head, line by line as it comes, so that garbage without any end is refused at once. Refused
/// are: bare LF and other control characters, folded headers, versions other than 1.0 and 1.1, a
/// Content-Length that is no number or stands twice or beside Transfer-Encoding, a Transfer-Encoding other
/// than exactly "chunked", no or two Host, an expectation other than 100-continue. The grammar beyond that is
/// the parser's. Source: RFC 9112 sections 2.2, 2.3, 3.2, 5.2 and 6; RFC 9110 section 10.1.1; RFC 6585
/// section 5.
class HeadRules {
  public:
    enum class State { incomplete, complete, refused };

    explicit HeadRules(std::size_t most_bytes) : most_bytes_(most_bytes) {}

    /// `head` begins with the request line and goes as far as bytes have come, each time a little further.
    State check(std::string_view head);

    [[nodiscard]] std::size_t size() const { return checked_; }  ///< of the complete head
    [[nodiscard]] const HeadFacts& facts() const { return facts_; }
    [[nodiscard]] Refusal refusal() const { return refusal_; }

  private:
    enum class Line { first, further };

    void check_line(std::string_view line, Line which);
    void check_request_line(std::string_view line);
    void check_field(std::string_view line);
    void check_framing(std::string_view name, std::string_view value);
    void check_content_length(std::string_view value);
    void read_connection(std::string_view value);
    void end();
    void refuse(int status, std::string_view why);

    std::size_t most_bytes_;
    std::size_t checked_ = 0;  ///< bytes of whole lines
    std::size_t scanned_ = 0;  ///< no line end between checked_ and here
    State state_ = State::incomplete;
    HeadFacts facts_;
    Refusal refusal_;
};

}  // namespace callchain::http
