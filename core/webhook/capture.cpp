#include "webhook/capture.hpp"

#include "base/text.hpp"
#include "encoding/text_codings.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace callchain::webhook {
namespace {

constexpr std::string_view kWholeRequestHint =
    "a capture is the request as it came over the wire: request line, headers, an empty line, then the body";
constexpr std::string_view kFinalBlanks = " \t";

bool is_token_char(char c) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
}

/// One line without its line end, and where the next one begins.
struct Line {
    std::string_view text;
    std::size_t next = 0;
};

Line line_at(std::string_view bytes, std::size_t at) {
    const auto end = bytes.find('\n', at);
    if (end == std::string_view::npos) return {bytes.substr(at), bytes.size()};
    auto text = bytes.substr(at, end - at);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return {text, end + 1};
}

// A line that cannot be read is quoted in a message, and a line can be anything, a credential included.
std::string quote_line(std::string_view line) {
    constexpr std::array<std::string_view, 6> kCredentials{"whsec_",        "sk-",    "bearer ",
                                                           "authorization", "cookie", "secret"};
    const std::string lower = ascii_lower(line);
    auto shown = line.size();
    for (const auto word : kCredentials) {
        const auto at = lower.find(word);
        if (at != std::string::npos) shown = std::min(shown, at + word.size());
    }
    return "\"" + visible_excerpt(line.substr(0, shown), 60) + (shown < line.size() ? "…\"" : "\"");
}

std::string line_name(std::size_t number) { return "line " + with_thousands(number) + ": "; }

struct RequestLine {
    std::string_view method;
    std::string_view target;
    std::string_view version;
};

// "HTTP/1.1", also "HTTP/2" as recorders write it for requests that came in frames.
bool is_http_version(std::string_view text) {
    if (!text.starts_with("HTTP/")) return false;
    text.remove_prefix(5);
    const bool minor = text.size() == 3 && text[1] == '.' && is_ascii_digit(text[2]);
    return (text.size() == 1 || minor) && is_ascii_digit(text[0]);
}

std::optional<RequestLine> read_request_line(std::string_view line) {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || last <= first + 1) return std::nullopt;
    const RequestLine parts{line.substr(0, first), line.substr(first + 1, last - first - 1),
                            line.substr(last + 1)};
    const bool plain_target = std::none_of(parts.target.begin(), parts.target.end(),
                                           [](char c) { return is_ascii_blank(c) || c == '\0'; });
    if (!is_token(parts.method) || !plain_target || !is_http_version(parts.version)) return std::nullopt;
    return parts;
}

bool looks_like_header(std::string_view line) {
    const auto colon = line.find(':');
    return colon != std::string_view::npos && is_token(line.substr(0, colon));
}

/// Where in `line` a request line begins that runs to its end. Files put together with `cat` have it directly
/// behind a body without a final line end; then its method is the run of capitals before the target.
std::optional<std::size_t> request_line_in(std::string_view line) {
    if (read_request_line(line)) return 0;
    const auto last = line.rfind(' ');
    if (last == std::string_view::npos || last == 0) return std::nullopt;
    const auto target = line.rfind(' ', last - 1);
    if (target == std::string_view::npos) return std::nullopt;
    auto start = target;
    while (start > 0 && line[start - 1] >= 'A' && line[start - 1] <= 'Z') --start;
    if (target - start < 3 || !read_request_line(line.substr(start))) return std::nullopt;
    return start;
}

/// Where in `bytes` there is a request line with a header line behind it.
std::optional<std::size_t> find_request(std::string_view bytes) {
    for (auto mark = bytes.find(" HTTP/"); mark != std::string_view::npos;
         mark = bytes.find(" HTTP/", mark)) {
        const auto before = bytes.rfind('\n', mark);
        const auto start = before == std::string_view::npos ? 0 : before + 1;
        const auto line = line_at(bytes, start);
        const auto inside = request_line_in(line.text);
        if (inside && looks_like_header(line_at(bytes, line.next).text)) return start + *inside;
        mark = line.next;  // once per line, or a hostile body costs the square of its length
    }
    return std::nullopt;
}

/// What people hand in for a capture, by its first bytes.
struct Mistake {
    bool (*is_it)(std::string_view bytes);
    std::string_view message;
    std::string_view hint;
};

bool starts_with_word(std::string_view bytes, std::string_view word) {
    return bytes.starts_with(word) && bytes.size() > word.size() && is_ascii_blank(bytes[word.size()]);
}

constexpr std::array<Mistake, 11> kMistakes{{
    {[](std::string_view b) { return b.empty(); }, "the capture is empty",
     "the recorder wrote nothing: look at its own log, and at the size of the file on the other host"},
    {[](std::string_view b) { return trim(b).empty(); }, "the capture holds nothing but blanks",
     kWholeRequestHint},
    {[](std::string_view b) { return b.starts_with("\xFF\xFE") || b.starts_with("\xFE\xFF"); },
     "the capture is UTF-16 text; the bytes of the body are not those that were signed",
     "PowerShell's '>' writes UTF-16: let the recorder write the file itself, or pipe it through cmd"},
    {[](std::string_view b) { return b.starts_with("\xEF\xBB\xBF"); },
     "the capture begins with a UTF-8 byte-order mark",
     "an editor put it there; remove the first three bytes (tail -c +4) and keep editors away from captures"},
    {[](std::string_view b) { return b.starts_with("\x1F\x8B") || b.starts_with("\x28\xB5\x2F\xFD"); },
     "the capture is a compressed file", "unpack it first (gunzip, unzstd)"},
    {[](std::string_view b) { return starts_with_ignoring_case(b, "HTTP/"); },
     "this is a response, and a capture is a request",
     "signatures are on what came in: record the request, not what your server answered"},
    {[](std::string_view b) { return b.starts_with('{') || b.starts_with('['); },
     "this is a bare JSON body without a request line and headers",
     "hand it in with --body FILE and the three webhook-* headers with --id, --timestamp and --signature"},
    {[](std::string_view b) { return starts_with_word(b, "curl") || b.starts_with("$ curl"); },
     "this is a curl command line, not what a server received",
     "record the request where it arrives, as raw bytes; shells alter quotes and backslashes"},
    {[](std::string_view b) { return b.starts_with("> ") || b.starts_with("* "); },
     "this is the talk of 'curl -v', each line with a mark in front",
     "keep only the lines that begin with '> ', without that mark, and put the body behind an empty line"},
    {[](std::string_view b) { return b.substr(0, 4096).find('\0') != std::string_view::npos; },
     "the capture is a binary file (it holds NUL bytes where a request line belongs)",
     "a packet trace has to be turned into the raw request first (Wireshark: Follow HTTP Stream, Raw)"},
    {[](std::string_view b) { return looks_like_header(line_at(b, 0).text); },
     "the request line is missing: the first line is a header",
     "put the request line on top, e.g. 'POST /openai/webhook HTTP/1.1'"},
}};

tl::unexpected<Error> no_request_line(std::string_view bytes, std::size_t at, std::size_t line_number) {
    const auto rest = bytes.substr(at);
    for (const auto& mistake : kMistakes) {
        if (mistake.is_it(rest)) {
            return fail_at(at, ErrorCode::bad_input, std::string(mistake.message), std::string(mistake.hint));
        }
    }
    return fail_at(at, ErrorCode::bad_input,
                   line_name(line_number) + "no request line: " + quote_line(line_at(rest, 0).text),
                   std::string(kWholeRequestHint));
}

/// Errors: bad_input for what RFC 9112 section 5 does not allow in a field line.
Result<Header> read_header(std::string_view line, std::size_t at, std::size_t number) {
    const auto bad = [&](std::size_t offset, std::string_view what, std::string_view hint) {
        return fail_at(at + offset, ErrorCode::bad_input,
                       line_name(number) + std::string(what) + ": " + quote_line(line), std::string(hint));
    };
    if (line.front() == ' ' || line.front() == '\t') {
        return bad(0, "a folded header (the line begins with a blank)",
                   "join it to the line above; nobody sends folded headers any more, so a viewer wrapped it");
    }
    if (line.front() == '{' || line.front() == '[') {
        return bad(0, "the body begins where a header is expected",
                   "put the empty line back that divides the headers from the body");
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
        return bad(0, "header line without a colon",
                   "a header is 'name: value'; if this is a piece of the line above, join the two");
    }
    const auto name = line.substr(0, colon);
    if (name.empty()) {
        return bad(0, "header line without a name",
                   "HTTP/2 pseudo-headers (':method', ':path') belong in the request line");
    }
    if (!is_token(name)) {
        return bad(0, "header name with a character that names may not have",
                   "remove what stands between the start of the line and the name, or before the colon");
    }
    auto value = line.substr(colon + 1);
    if (const auto nul = value.find('\0'); nul != std::string_view::npos) {
        return bad(colon + 1 + nul, "header value with a NUL byte", "the file was damaged: record it again");
    }
    value.remove_prefix(std::min(value.find_first_not_of(kFinalBlanks), value.size()));
    value = value.substr(0, value.find_last_not_of(kFinalBlanks) + 1);
    return Header{std::string(name), std::string(value)};
}

struct Head {
    Capture capture;             ///< without its body
    std::size_t body_start = 0;  ///< offset of the first byte behind the empty line
};

Result<Head> read_head(std::string_view bytes) {
    std::size_t at = 0;
    std::size_t number = 1;
    // RFC 9112 section 2.2: empty lines in front of the request line are to be ignored.
    while (at < std::min(bytes.size(), kMostHeadBytes) && line_at(bytes, at).text.empty()) {
        at = line_at(bytes, at).next;
        ++number;
    }
    auto line = line_at(bytes, at);
    const auto request = read_request_line(line.text);
    if (!request) return no_request_line(bytes, at == bytes.size() ? 0 : at, number);
    Head head;
    head.capture.method = request->method;
    head.capture.target = request->target;
    head.capture.version = request->version;
    for (at = line.next; at < bytes.size(); at = line.next) {
        line = line_at(bytes, at);
        ++number;
        if (line.next > kMostHeadBytes) {
            return fail_at(at, ErrorCode::limit,
                           line_name(number) + "the headers are larger than " +
                               count_of(kMostHeadBytes, "byte") + " and there is no empty line",
                           "put an empty line between the headers and the body");
        }
        if (line.text.empty()) {
            head.body_start = line.next;
            return head;
        }
        head.capture.headers.fields.push_back(CALLCHAIN_TRY(read_header(line.text, at, number)));
    }
    head.body_start = bytes.size();
    return head;
}

/// What Content-Length says, or nullopt where there is none. Repeated equal values are one, as RFC 9112
/// section 6.3 allows.
Result<std::optional<std::uint64_t>> declared_length(const Headers& headers) {
    std::optional<std::uint64_t> length;
    for (const auto value : headers.values("content-length")) {
        for (const auto part : split(value, ',')) {
            const auto number = parse_decimal(trim(part));
            if (!number) {
                return fail(ErrorCode::bad_input,
                            "Content-Length is not a decimal number: " + quote_line(value),
                            "delete that line to take all bytes behind the empty line as the body");
            }
            const auto given = static_cast<std::uint64_t>(*number);
            if (length && *length != given) {
                return fail(ErrorCode::bad_input,
                            "Content-Length is given twice, as " + with_thousands(*length) + " and as " +
                                with_thousands(given),
                            "keep the one that the sender set; a relay between may have added the other");
            }
            length = given;
        }
    }
    return length;
}

bool declares_chunked(const Headers& headers) {
    const auto values = headers.values("transfer-encoding");
    return !values.empty() && ascii_lower(trim(values.back())).ends_with("chunked");
}

std::string_view without_final_line_end(std::string_view bytes) {
    if (bytes.ends_with('\n')) bytes.remove_suffix(1);
    if (bytes.ends_with('\r')) bytes.remove_suffix(1);
    return bytes;
}

CaptureRemark line_end_remark() {
    return {CaptureRemark::Kind::one_line_end_more,
            "one line end behind the body was left off: an editor adds it, and the headers do not count it"};
}

/// The size that a chunk's first line gives, or nullopt: it is none.
std::optional<std::uint64_t> chunk_size(std::string_view line) {
    const auto digits = line.substr(0, line.find(';'));
    constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
    if (digits.empty() || digits.size() > 8 || digits.find_first_not_of(kHexDigits) != std::string_view::npos)
        return std::nullopt;
    const auto size = encoding::parse_hex(std::string(digits.size() % 2, '0') + std::string(digits));
    std::uint64_t count = 0;
    for (const char c : size.value_or(std::string{})) count = count << 8U | static_cast<unsigned char>(c);
    return count;
}

/// True where `body` is chunk-framed from its first byte on and ends before its framing does.
bool breaks_off_in_chunks(std::string_view body) {
    std::size_t at = 0;
    while (at < body.size()) {
        const auto size = chunk_size(line_at(body, at).text);
        const auto data = line_at(body, at).next;
        // Behind the first chunk this is no framing at all, or it was damaged in the middle.
        if (!size) return false;
        if (*size == 0) return at > 0;  // the end of the trailer is missing
        if (data >= body.size() || *size > body.size() - data) return data < body.size() || at > 0;
        at = data + static_cast<std::size_t>(*size);
        const auto end = line_at(body, at);
        if (at < body.size() && !end.text.empty()) return false;
        at = at < body.size() ? end.next : at;
    }
    return !body.empty();  // whole chunks, and no last one
}

/// True where the body was chunk-framed and is now in `capture`. Recorders that store what the framework
/// handed them keep the header although the framing is gone, so its absence is no fault.
bool take_chunked_body(Capture& capture, std::string_view rest) {
    for (const auto framed : {rest, without_final_line_end(rest)}) {
        auto body = encoding::parse_chunked(framed);
        if (!body) continue;
        capture.body = *std::move(body);
        if (framed.size() < rest.size()) capture.remarks.push_back(line_end_remark());
        return true;
    }
    if (breaks_off_in_chunks(rest)) {
        capture.remarks.push_back({CaptureRemark::Kind::shorter_than_declared,
                                   "the headers declare chunked framing and it breaks off in a chunk: the "
                                   "framing was left in the body"});
    }
    return false;
}

tl::unexpected<Error> second_request(std::string_view bytes, std::size_t at) {
    const auto number = static_cast<std::size_t>(std::count(
                            bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at), '\n')) +
                        1;
    return fail_at(
        at, ErrorCode::bad_input,
        line_name(number) + "a second request begins here: " + quote_line(line_at(bytes, at).text),
        "one capture per file: split this one before that line (head -n " + std::to_string(number - 1) + ")");
}

Result<void> take_plain_body(Capture& capture, std::string_view bytes, std::size_t start) {
    const auto rest = bytes.substr(start);
    const auto declared = CALLCHAIN_TRY(declared_length(capture.headers));
    if (declared && rest.size() > *declared) {
        const auto length = static_cast<std::size_t>(*declared);
        const auto extra = rest.substr(length);
        if (extra == "\n" || extra == "\r\n") {
            capture.body = rest.substr(0, length);
            capture.remarks.push_back(line_end_remark());
            return {};
        }
    }
    if (!declared || rest.size() != *declared) {
        if (const auto again = find_request(rest)) return second_request(bytes, start + *again);
    }
    if (declared && rest.size() > *declared) {
        return fail_at(start + static_cast<std::size_t>(*declared), ErrorCode::bad_input,
                       "the body has " + count_of(rest.size(), "byte") + " and Content-Length says " +
                           with_thousands(*declared),
                       "the recorder stored a decoded or rewritten body, or something was appended; delete "
                       "the Content-Length line to take all of it as the body");
    }
    if (declared && rest.size() < *declared) {
        capture.remarks.push_back({CaptureRemark::Kind::shorter_than_declared,
                                   "the body has " + count_of(rest.size(), "byte") +
                                       " and Content-Length says " + with_thousands(*declared)});
    }
    capture.body = rest;
    return {};
}

}  // namespace

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_field_value(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
    });
}

std::vector<std::string_view> Headers::values(std::string_view name) const {
    std::vector<std::string_view> found;
    for (const auto& field : fields) {
        if (equal_ignoring_case(field.name, name)) found.push_back(field.value);
    }
    return found;
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
    for (const auto& field : fields) {
        if (equal_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

Result<Capture> parse_capture(std::string_view bytes) {
    auto [capture, start] = CALLCHAIN_TRY(read_head(bytes));
    if (declares_chunked(capture.headers) && take_chunked_body(capture, bytes.substr(start))) return capture;
    CALLCHAIN_TRY(take_plain_body(capture, bytes, start));
    return std::move(capture);
}

std::string write_capture(const Capture& capture) {
    std::string out = capture.method + " " + capture.target + " " + capture.version + "\r\n";
    for (const auto& field : capture.headers.fields) out += field.name + ": " + field.value + "\r\n";
    return out + "\r\n" + capture.body;
}

}  // namespace callchain::webhook
