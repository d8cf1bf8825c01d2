/// What the readers of other tools' recordings share.
#pragma once

#include "webhook/recordings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::webhook {

/// True where a request has one of the headers by which a signed delivery is known.
[[nodiscard]] bool looks_signed(const Headers& headers);

/// Where a request went to.
struct RequestTarget {
    std::string authority;  ///< host and port, without what stands before '@'; empty where there was none
    std::string target;     ///< path and query as a request line has them, always with a '/' in front
};
/// Takes an absolute URL apart, or a path. The fragment, which is never sent, is left off; blanks and control
/// characters, which would end the request line, become %XX. "*" stays.
[[nodiscard]] RequestTarget split_request_url(std::string_view url);

/// A recorder's word for the version ("h2", "http/2.0", "HTTP/1.1") as a request line has it; "HTTP/1.1"
/// where it is no version.
[[nodiscard]] std::string request_version(std::string_view text);

/// The one Content-Length, or nullopt: none, several, or no number.
[[nodiscard]] std::optional<std::uint64_t> content_length(const Headers& headers);

/// Takes recordings up to the bounds of Recordings.
class RecordingShelf {
  public:
    void add(Recording recording);
    [[nodiscard]] Recordings take(std::size_t requests) &&;

  private:
    Recordings kept_;
    std::size_t body_bytes_ = 0;
};

}  // namespace callchain::webhook
