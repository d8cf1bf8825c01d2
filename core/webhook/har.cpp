/// HTTP archives. Most of one is responses, so it is read as a run of tokens: nothing that is passed over is
/// ever decoded or copied.
#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "encoding/charset.hpp"
#include "webhook/json_tokens.hpp"
#include "webhook/log_json.hpp"
#include "webhook/recorded_request.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace callchain::webhook {
namespace {

using Kind = JsonToken::Kind;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::size_t kMostTimeBytes = 64;
constexpr std::size_t kMostHeaders = 1'000;
constexpr std::size_t kMostFirstBytes = 4096;
constexpr std::string_view kExportHint =
    "in the browser's network panel: Save all as HAR (with content); mitmproxy: save.har; others: export as "
    "HAR 1.2";

/// What is kept of an entry until it ends. Texts are literals with their quotes and borrow from the archive.
struct RawRequest {
    std::string_view method;
    std::string_view url;
    std::string_view version;
    std::vector<std::pair<std::string_view, std::string_view>> headers;
    std::string_view text;      ///< of postData
    std::string_view encoding;  ///< of postData
    bool has_params = false;
    std::optional<std::uint64_t> body_size;
};

struct Text {
    std::string bytes;
    bool whole = true;  ///< no escape in it stood for nothing
};

Text decode(std::string_view literal) {
    if (literal.empty()) return {};
    if (auto decoded = decode_json_string(literal)) return {*std::move(decoded)};
    return {remove_backslash_layer(literal.substr(1, literal.size() - 2)), false};
}

struct Body {
    std::string bytes;
    std::string remark;
};

/// The sentence that says that a body is not as long as it was, or nothing.
std::string length_remark(const Body& body, const RawRequest& request, const Headers& headers) {
    const auto from_header = content_length(headers);
    const auto declared = from_header ? from_header : request.body_size;
    if (!declared || *declared == body.bytes.size()) return {};
    const std::string source = from_header ? "Content-Length" : "bodySize";
    if (body.bytes.empty()) {
        return "the archive holds no body, and " + source + " says " + count_of(*declared, "byte");
    }
    return "the body has " + count_of(body.bytes.size(), "byte") + " in the archive and " + source +
           " says " + with_thousands(*declared);
}

Body read_body(const RawRequest& request, const Headers& headers) {
    if (request.text.empty() && request.has_params) {
        return {"", "the archive holds the fields of the form and not its text, so there is no body"};
    }
    auto text = decode(request.text);
    Body body{std::move(text.bytes), ""};
    if (equal_ignoring_case(decode(request.encoding).bytes, "base64")) {
        if (auto bytes = encoding::parse_base64(body.bytes)) {
            body.bytes = *std::move(bytes);
        } else {
            body.remark = "the archive says that the body is base64, and it is not: it is taken as it stands";
        }
    } else if (!text.whole || body.bytes.find(kReplacement) != std::string::npos) {
        body.remark =
            "the body holds U+FFFD or half a character: it was not UTF-8, and the archive lost bytes of it";
    }
    if (body.remark.empty()) body.remark = length_remark(body, request, headers);
    return body;
}

Headers read_headers(const RawRequest& request) {
    Headers headers;
    for (const auto& [name_literal, value_literal] : request.headers) {
        auto name = decode(name_literal);
        // Those of HTTP/2 that stand for the request line.
        if (name.bytes.empty() || name.bytes.starts_with(':')) continue;
        headers.fields.push_back({std::move(name.bytes), std::string(trim(decode(value_literal).bytes))});
    }
    return headers;
}

/// Where in the archive a container is. `other` is passed over with all that is in it.
enum class Place { top, log, entries, entry, request, headers, header, post_data, params, other };

struct Way {
    Place from;
    Kind kind;
    std::string_view name;  ///< of the member; empty in an array
    Place to;
};
constexpr std::array<Way, 8> kWays{{
    {Place::top, Kind::begin_object, "log", Place::log},
    {Place::log, Kind::begin_array, "entries", Place::entries},
    {Place::entries, Kind::begin_object, "", Place::entry},
    {Place::entry, Kind::begin_object, "request", Place::request},
    {Place::request, Kind::begin_array, "headers", Place::headers},
    {Place::headers, Kind::begin_object, "", Place::header},
    {Place::request, Kind::begin_object, "postData", Place::post_data},
    {Place::post_data, Kind::begin_array, "params", Place::params},
}};

class HarReader {
  public:
    explicit HarReader(std::string_view text) : tokens_(text) {}

    /// nullopt: it is no JSON (see fault()), or no archive (see the others).
    std::optional<Recordings> read() {
        while (const auto token = tokens_.next()) take(*token);
        if (tokens_.fault() || !saw_entries_) return std::nullopt;
        return std::move(shelf_).take(requests_);
    }
    [[nodiscard]] std::optional<std::size_t> fault() const { return tokens_.fault(); }
    [[nodiscard]] bool saw(std::string_view top_member) const {
        return std::find(top_members_.begin(), top_members_.end(), top_member) != top_members_.end();
    }

  private:
    void take(const JsonToken& token) {
        if (passed_over_ > 0) {
            if (token.begins()) ++passed_over_;
            if (token.ends()) --passed_over_;
        } else if (token.begins()) {
            enter(token.kind);
        } else if (token.ends()) {
            leave();
        } else if (token.kind == Kind::name) {
            take_name(token);
        } else {
            take_value(token);
        }
    }

    void take_name(const JsonToken& token) {
        constexpr std::size_t kMostTopMembers = 16;
        const auto literal = tokens_.raw(token);
        name_ = literal.substr(1, literal.size() - 2);
        if (places_.back() == Place::top && top_members_.size() < kMostTopMembers)
            top_members_.push_back(name_);
    }

    void enter(Kind kind) {
        auto place = places_.empty() && kind == Kind::begin_object ? Place::top : Place::other;
        const bool in_array =
            !places_.empty() && (places_.back() == Place::entries || places_.back() == Place::headers);
        for (const auto& way : kWays) {
            const bool is_it = !places_.empty() && way.from == places_.back() && way.kind == kind &&
                               way.name == (in_array ? std::string_view{} : name_);
            if (is_it) place = way.to;
        }
        if (!places_.empty() && places_.back() == Place::params) request_.has_params = true;
        if (place == Place::header && request_.headers.size() == kMostHeaders) place = Place::other;
        if (place == Place::other) {
            passed_over_ = 1;
            return;
        }
        if (place == Place::entries) saw_entries_ = true;
        if (place == Place::entry) begin_entry();
        if (place == Place::request) saw_request_ = true;
        if (place == Place::header) request_.headers.emplace_back();
        places_.push_back(place);
    }

    void leave() {
        if (places_.back() == Place::entry) end_entry();
        places_.pop_back();
    }

    void take_value(const JsonToken& token) {
        if (places_.empty()) return;
        const auto raw = tokens_.raw(token);
        if (places_.back() == Place::request && name_ == "bodySize") {
            const auto size = parse_decimal(raw);
            request_.body_size = size ? std::optional(static_cast<std::uint64_t>(*size)) : std::nullopt;
        }
        if (token.kind != Kind::text) return;
        if (auto* slot = slot_of_text(); slot != nullptr) *slot = raw;
    }

    std::string_view* slot_of_text() {
        switch (places_.back()) {
            case Place::entry:
                return name_ == "startedDateTime" ? &time_ : nullptr;
            case Place::request:
                if (name_ == "method") return &request_.method;
                if (name_ == "url") return &request_.url;
                return name_ == "httpVersion" ? &request_.version : nullptr;
            case Place::header:
                if (name_ == "name") return &request_.headers.back().first;
                return name_ == "value" ? &request_.headers.back().second : nullptr;
            case Place::post_data:
                if (name_ == "text") return &request_.text;
                return name_ == "encoding" || name_ == "_encoding" ? &request_.encoding : nullptr;
            default:
                return nullptr;
        }
    }

    void begin_entry() {
        request_ = {};
        time_ = {};
        saw_request_ = false;
    }

    void end_entry() {
        if (!saw_request_) return;
        ++requests_;
        Recording recording;
        recording.capture.headers = read_headers(request_);
        if (!looks_signed(recording.capture.headers)) return;
        auto body = read_body(request_, recording.capture.headers);
        recording.number = requests_;
        recording.time = decode(time_).bytes.substr(0, kMostTimeBytes);
        recording.remark = std::move(body.remark);
        auto& capture = recording.capture;
        capture.body = std::move(body.bytes);
        capture.method = decode(request_.method).bytes;
        capture.version = request_version(decode(request_.version).bytes);
        auto [authority, target] = split_request_url(decode(request_.url).bytes);
        capture.target = std::move(target);
        if (!authority.empty() && !capture.headers.find("host")) {
            capture.headers.fields.insert(capture.headers.fields.begin(), {"Host", std::move(authority)});
        }
        shelf_.add(std::move(recording));
    }

    JsonTokens tokens_;
    RecordingShelf shelf_;
    std::vector<Place> places_;
    std::size_t passed_over_ = 0;  ///< containers that are open and passed over
    std::string_view name_;        ///< of the member whose value comes next, as it is written
    std::vector<std::string_view> top_members_;
    std::size_t requests_ = 0;
    bool saw_entries_ = false;
    // Of the entry that is being read.
    RawRequest request_;
    std::string_view time_;
    bool saw_request_ = false;
};

std::string_view without_bom(std::string_view bytes) {
    if (bytes.starts_with(encoding::kUtf8Bom)) bytes.remove_prefix(encoding::kUtf8Bom.size());
    return bytes;
}

/// What people hand in for an archive, by its first bytes.
struct Mistake {
    std::string_view begins;
    std::string_view message;
    std::string_view hint;
};
constexpr std::array<Mistake, 6> kMistakes{{
    {"PK", "this is a ZIP file and not an HTTP archive",
     "Fiddler's .saz is one: export the sessions as HTTPArchive 1.2; else unpack it first"},
    {"\x1F\x8B", "this is a compressed file", "unpack it first (gunzip)"},
    {"<", "this is XML or a web page and not an HTTP archive", kExportHint},
    {"[", "this is a JSON array and not an HTTP archive, which is an object with the member log",
     kExportHint},
    {"\xFF\xFE", "this is UTF-16 text and not an HTTP archive, which is UTF-8",
     "PowerShell's '>' writes UTF-16: let the recorder write the file itself"},
    {"\xFE\xFF", "this is UTF-16 text and not an HTTP archive, which is UTF-8",
     "PowerShell's '>' writes UTF-16: let the recorder write the file itself"},
}};

tl::unexpected<Error> not_json(std::string_view bytes, std::size_t offset) {
    if (trim(bytes).empty()) {
        return fail_at(0, ErrorCode::bad_input, "the HTTP archive is empty", std::string(kExportHint));
    }
    if (may_be_har(bytes) && offset >= bytes.size()) {
        return fail_at(bytes.size(), ErrorCode::bad_input,
                       "the HTTP archive ends early, behind " + count_of(bytes.size(), "byte"),
                       "the export or the download was cut: export it again");
    }
    if (may_be_har(bytes)) {
        return fail_at(offset, ErrorCode::bad_input, "the HTTP archive is no JSON from here on",
                       "the file was edited or damaged: export it again");
    }
    return fail_at(0, ErrorCode::bad_input, "this is no HTTP archive: it does not begin as JSON",
                   "a raw request (request line, headers, empty line, body) is a capture of its own");
}

tl::unexpected<Error> no_archive(const HarReader& reader) {
    const std::string message = "this is JSON and no HTTP archive: it has no log.entries";
    if (reader.saw("requests")) {
        return fail_at(0, ErrorCode::bad_input, message,
                       "it may be what ngrok's agent lists at /api/requests/http: --from-ngrok reads that "
                       "from the agent");
    }
    if (reader.saw("type") && reader.saw("data")) {
        return fail_at(
            0, ErrorCode::bad_input, message,
            "it may be the body of a webhook alone: callchain sign-webhook FILE makes a delivery of it");
    }
    return fail_at(0, ErrorCode::bad_input, message, std::string(kExportHint));
}

}  // namespace

Result<Recordings> read_har(std::string_view bytes) {
    for (const auto& mistake : kMistakes) {
        if (without_bom(bytes).starts_with(mistake.begins)) {
            return fail_at(0, ErrorCode::bad_input, std::string(mistake.message), std::string(mistake.hint));
        }
    }
    const auto text = without_bom(bytes);
    HarReader reader(text);
    if (auto recordings = reader.read()) return *std::move(recordings);
    if (const auto fault = reader.fault()) return not_json(bytes, *fault + bytes.size() - text.size());
    return no_archive(reader);
}

bool may_be_har(std::string_view bytes) {
    const auto text = trim_left(without_bom(bytes).substr(0, kMostFirstBytes));
    if (!text.starts_with('{')) return false;
    const auto inside = trim_left(text.substr(1));
    return inside.empty() || inside.front() == '"' || inside.front() == '}';
}

}  // namespace callchain::webhook
