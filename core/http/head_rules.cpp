#include "http/head_rules.hpp"

#include "base/text.hpp"
#include "http/request_rules.hpp"

#include <charconv>
#include <system_error>

namespace callchain::http {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// "HTTP/2.0", which is how a client opens HTTP/2 without asking first.
bool is_other_version(std::string_view text) {
    return text.size() == 8 && text.starts_with("HTTP/") && is_ascii_digit(text[5]) && text[6] == '.' &&
           is_ascii_digit(text[7]);
}

}  // namespace

HeadRules::State HeadRules::check(std::string_view head) {
    while (state_ == State::incomplete) {
        const auto end = head.find('\n', scanned_);
        if (end == std::string_view::npos) {
            scanned_ = head.size();
            if (scanned_ >= most_bytes_) refuse(431, "the request's headers are too large");
            break;
        }
        scanned_ = end + 1;
        if (scanned_ > most_bytes_) {
            refuse(431, "the request's headers are too large");
        } else if (end == checked_ || head[end - 1] != '\r') {
            refuse(400, "a line ends in LF without CR");
        } else {
            const bool is_first = checked_ == 0;
            const auto line = head.substr(checked_, end - 1 - checked_);
            checked_ = scanned_;
            check_line(line, is_first ? Line::first : Line::further);
        }
    }
    return state_;
}

void HeadRules::check_line(std::string_view line, Line which) {
    if (!is_field_value(line)) return refuse(400, "a header line has a control character");
    if (which == Line::first) return check_request_line(line);
    if (line.empty()) return end();
    check_field(line);
}

void HeadRules::check_request_line(std::string_view line) {
    const auto last = line.rfind(' ');
    if (last == std::string_view::npos || line.find(' ') == last) {
        return refuse(400, "the request line is malformed");
    }
    const auto version = line.substr(last + 1);
    facts_.http_1_1 = version == "HTTP/1.1";
    if (facts_.http_1_1 || version == "HTTP/1.0") return;
    if (is_other_version(version)) return refuse(505, "this server speaks HTTP/1.1 and HTTP/1.0");
    refuse(400, "the request line is malformed");
}

void HeadRules::check_field(std::string_view line) {
    // Two readers that unfold differently, or not at all, see different headers.
    if (is_blank(line[0])) return refuse(400, "a header is folded over several lines");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return refuse(400, "a header line has no colon");
    check_framing(line.substr(0, colon), trim(line.substr(colon + 1)));
}

void HeadRules::check_framing(std::string_view name, std::string_view value) {
    switch (name.size()) {  // first by length: few headers are of interest here
        case 4:
            facts_.hosts += equal_ignoring_case(name, "host") ? 1U : 0U;
            break;
        case 6:
            if (!equal_ignoring_case(name, "expect") || !facts_.http_1_1) break;
            facts_.expectation =
                equal_ignoring_case(value, "100-continue") && facts_.expectation != Expectation::unknown
                    ? Expectation::continue_100
                    : Expectation::unknown;
            break;
        case 10:
            if (equal_ignoring_case(name, "connection")) read_connection(value);
            break;
        case 14:
            if (equal_ignoring_case(name, "content-length")) check_content_length(value);
            break;
        case 17:
            if (!equal_ignoring_case(name, "transfer-encoding")) break;
            if (!facts_.http_1_1 || facts_.chunked || !equal_ignoring_case(value, "chunked")) {
                return refuse(400, "the only Transfer-Encoding understood is one \"chunked\"");
            }
            facts_.chunked = true;
            break;
        default:
            break;
    }
}

void HeadRules::check_content_length(std::string_view value) {
    if (facts_.content_length) return refuse(400, "Content-Length is given twice");
    std::uint64_t length = 0;
    const char* end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, length);
    if (value.empty() || read.ptr != end) return refuse(400, "Content-Length is not a number");
    if (read.ec == std::errc::result_out_of_range) return refuse(413, "the request's body is too large");
    facts_.content_length = length;
}

void HeadRules::read_connection(std::string_view value) {
    for (const auto option : split(value, ',')) {
        const auto word = trim(option);
        facts_.says_close = facts_.says_close || equal_ignoring_case(word, "close");
        facts_.says_keep_alive = facts_.says_keep_alive || equal_ignoring_case(word, "keep-alive");
    }
}

void HeadRules::end() {
    if (facts_.hosts > 1) return refuse(400, "there is more than one Host");
    if (facts_.http_1_1 && facts_.hosts == 0) return refuse(400, "HTTP/1.1 requires a Host");
    if (facts_.chunked && facts_.content_length) {
        return refuse(400, "both Content-Length and Transfer-Encoding are given");
    }
    if (facts_.expectation == Expectation::unknown) {
        return refuse(417, "the only expectation met is 100-continue");
    }
    state_ = State::complete;
}

void HeadRules::refuse(int status, std::string_view why) {
    state_ = State::refused;
    refusal_ = {status, why};
}

}  // namespace callchain::http
