#include "http/request_parser.hpp"

#include "http/request_rules.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cctype>
#include <cstdint>
#include <string>

namespace callchain::http {
namespace {

namespace beast = boost::beast::http;
using boost::asio::const_buffer;
using boost::beast::string_view;
using boost::system::error_code;

// A body's framing may not cost more than this beyond its data: extensions mean nothing to us.
constexpr std::size_t kMostChunkLineBytes = std::size_t{4} << 10U;
constexpr std::size_t kMostExtensionBytes = std::size_t{16} << 10U;
// The declared length is only a claim: no more memory than this is taken on its word.
constexpr std::uint64_t kMostReservedBytes = std::uint64_t{64} << 10U;
constexpr std::size_t kUsualHeaders = 16;

constexpr std::size_t kEmptyLineBytes = 2;

constexpr Refusal kBodyTooLarge{413, "the request's body is too large"};

Refusal refusal_for(const error_code& error) {
    if (error == beast::error::body_limit) return kBodyTooLarge;
    if (error == beast::error::bad_method) return {400, "the method is malformed"};
    if (error == beast::error::bad_target) return {400, "the request target is malformed"};
    if (error == beast::error::bad_version) return {400, "the request line is malformed"};
    if (error == beast::error::bad_field) return {400, "a header name is malformed"};
    if (error == beast::error::bad_value) return {400, "a header value is malformed"};
    if (error == beast::error::bad_chunk) return {400, "a chunk is malformed"};
    if (error == beast::error::bad_chunk_extension) return {400, "a chunk extension is malformed"};
    return {400, "the request is malformed"};
}

bool is_last_chunk(std::string_view size_line) {
    const auto end = size_line.find_first_not_of('0');
    return end != 0 && end != std::string_view::npos &&
           std::isxdigit(static_cast<unsigned char>(size_line[end])) == 0;
}

std::string to_string(string_view text) { return {text.data(), text.size()}; }

}  // namespace

/// Beast's parser, writing straight into a Request: http::parser would copy each header once more.
class RequestParser::Reader final : public beast::basic_parser<true> {
  public:
    explicit Reader(std::size_t most_body_bytes) {
        eager(true);
        header_limit(UINT32_MAX);  // HeadRules have counted
        body_limit(most_body_bytes);
    }
    [[nodiscard]] std::uint64_t left_of_chunk() const { return left_of_chunk_; }
    [[nodiscard]] bool has_chunks() const { return has_chunks_; }
    Request request;

  private:
    void on_request_impl(beast::verb, string_view method, string_view target, int version,
                         error_code&) override {
        request.method = to_string(method);
        request.target = to_string(target);
        request.version = version == 11 ? "HTTP/1.1" : "HTTP/1.0";
        request.headers.fields.reserve(kUsualHeaders);
    }
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_field_impl(beast::field, string_view name, string_view value, error_code&) override {
        if (head_is_over_) return;  // a trailer
        request.headers.fields.push_back({to_string(name), to_string(value)});
    }
    void on_header_impl(error_code&) override { head_is_over_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
        request.body.reserve(static_cast<std::size_t>(std::min(length.value_or(0), kMostReservedBytes)));
    }
    std::size_t on_body_impl(string_view piece, error_code&) override {
        request.body.append(piece.data(), piece.size());
        return piece.size();
    }
    void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& error) override {
        left_of_chunk_ = size;
        has_chunks_ = true;
        extension_bytes_ += extensions.size();
        // Beast lets anything stand within quotes, a line end included.
        const bool is_plain = is_field_value({extensions.data(), extensions.size()});
        if (!is_plain || extension_bytes_ > kMostExtensionBytes) error = beast::error::bad_chunk_extension;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code& error) override {
        left_of_chunk_ -= piece.size();
        return on_body_impl(piece, error);
    }
    void on_finish_impl(error_code&) override {}

    std::uint64_t left_of_chunk_ = 0;
    bool has_chunks_ = false;
    std::size_t extension_bytes_ = 0;  ///< of all chunks
    bool head_is_over_ = false;
};

RequestParser::RequestParser(std::size_t most_header_bytes, std::size_t most_body_bytes)
    : most_header_bytes_(most_header_bytes),
      most_body_bytes_(most_body_bytes),
      rules_(most_header_bytes),
      reader_(std::make_unique<Reader>(most_body_bytes)) {}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

bool RequestParser::keep_alive() const {
    const auto& facts = rules_.facts();
    return !facts.says_close && (facts.http_1_1 || facts.says_keep_alive);
}

Request& RequestParser::request() { return reader_->request; }

std::size_t RequestParser::feed(std::string_view bytes) {
    if (state_ == State::body) return feed_body(bytes);
    if (state_ != State::head) return 0;
    const auto skipped = skip_empty_lines(bytes);
    return skipped + feed_head(bytes.substr(skipped));
}

/// A client may send an empty line behind the body before this request. Source: RFC 9112 section 2.2.
std::size_t RequestParser::skip_empty_lines(std::string_view bytes) {
    if (begun_) return 0;
    std::size_t skipped = 0;
    while (bytes.substr(skipped).starts_with("\r\n")) skipped += 2;
    empty_bytes_ += skipped;
    if (empty_bytes_ > most_header_bytes_) refuse({431, "the request's headers are too large"});
    return skipped;
}

std::size_t RequestParser::feed_head(std::string_view head) {
    if (state_ != State::head || head.empty() || head == "\r") return 0;
    begun_ = true;
    const auto verdict = rules_.check(head);
    if (verdict == HeadRules::State::refused) refuse(rules_.refusal());
    if (verdict != HeadRules::State::complete) return 0;
    if (rules_.facts().content_length.value_or(0) > most_body_bytes_) {
        refuse(kBodyTooLarge);
        return 0;
    }
    error_code error;
    const auto used = reader_->put(const_buffer(head.data(), rules_.size()), error);
    if (error || used != rules_.size()) {
        refuse(refusal_for(error));
    } else {
        state_ = reader_->is_done() ? State::complete : State::body;
    }
    return used;
}

std::size_t RequestParser::feed_body(std::string_view bytes) {
    std::size_t used = 0;
    while (state_ == State::body && used < bytes.size()) {
        const auto rest = bytes.substr(used);
        const auto size = rules_.facts().chunked ? next_of_chunks(rest) : rest.size();
        if (size == 0) break;
        error_code error;
        const auto taken = reader_->put(const_buffer(rest.data(), size), error);
        used += taken;
        if (error || taken == 0) {  // that Beast wants more of what is whole is an error as well
            refuse(refusal_for(error));
        } else if (reader_->is_done()) {
            state_ = State::complete;
        }
    }
    return used;
}

/// How many bytes in front are data of the present chunk or, between two chunks, whole framing.
std::size_t RequestParser::next_of_chunks(std::string_view bytes) {
    const auto left = reader_->left_of_chunk();
    if (left == 0) return framing_size(bytes);
    return static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size()));
}

/// The end of a chunk with the next one's size line and, where that is the last, all trailers; 0 while a part
/// is missing. Beast would wait for its CR LF however much comes before it, and asserts that the whole last
/// chunk comes at once.
std::size_t RequestParser::framing_size(std::string_view bytes) {
    std::size_t end = reader_->has_chunks() && bytes.starts_with("\r\n") ? 2 : 0;
    const bool is_last = is_last_chunk(bytes.substr(end));
    auto line = line_size(bytes.substr(end), kMostChunkLineBytes, {400, "a chunk's size line is too long"});
    while (line > 0) {
        end += line;
        if (!is_last || line == kEmptyLineBytes) break;
        line = line_size(bytes.substr(end), most_header_bytes_ - std::min(end, most_header_bytes_),
                         {431, "the request's trailers are too large"});
    }
    return line == 0 ? 0 : end;
}

/// With its line end; 0 while that is missing.
std::size_t RequestParser::line_size(std::string_view bytes, std::size_t most, Refusal too_long) {
    const auto end = bytes.find('\n');
    if (std::min(end, bytes.size()) >= most) {
        refuse(too_long);
    } else if (end != std::string_view::npos && (end == 0 || bytes[end - 1] != '\r')) {
        refuse({400, "a line ends in LF without CR"});
    } else if (end != std::string_view::npos) {
        return end + 1;
    }
    return 0;
}

void RequestParser::refuse(Refusal refusal) {
    state_ = State::refused;
    refusal_ = refusal;
}

}  // namespace callchain::http
