#include "webhook/recorded_request.hpp"

#include "base/text.hpp"
#include "encoding/text_codings.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace callchain::webhook {
namespace {

constexpr std::array<std::string_view, 5> kSignedHeaders{
    "webhook-id", "webhook-timestamp", "webhook-signature", "svix-signature", "x-twilio-signature"};

std::string one_word(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool ends_word = static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
        out += ends_word ? "%" + encoding::to_upper_hex({&c, 1}) : std::string(1, c);
    }
    return out;
}

}  // namespace

bool looks_signed(const Headers& headers) {
    return std::any_of(kSignedHeaders.begin(), kSignedHeaders.end(),
                       [&](std::string_view name) { return headers.find(name).has_value(); });
}

RequestTarget split_request_url(std::string_view url) {
    url = url.substr(0, url.find('#'));
    if (url == "*") return {"", "*"};
    RequestTarget parts;
    // A query may hold a URL of its own: a scheme ends before any of these.
    const auto scheme = url.find("://");
    if (scheme != std::string_view::npos && scheme < url.find_first_of("/?")) {
        url.remove_prefix(scheme + 3);
        const auto end = std::min(url.find_first_of("/?"), url.size());
        const auto authority = url.substr(0, end);
        const auto user = authority.rfind('@');
        parts.authority = one_word(user == std::string_view::npos ? authority : authority.substr(user + 1));
        url.remove_prefix(end);
    }
    parts.target = (url.starts_with('/') ? "" : "/") + one_word(url);
    return parts;
}

std::string request_version(std::string_view text) {
    auto version = ascii_upper(text);
    if (version.starts_with('H') && version.size() == 2) version = "HTTP/" + version.substr(1);
    const std::string_view number =
        std::string_view(version).substr(std::min<std::size_t>(5, version.size()));
    const bool is_version =
        version.starts_with("HTTP/") &&
        ((number.size() == 1 && is_ascii_digit(number[0])) ||
         (number.size() == 3 && is_ascii_digit(number[0]) && number[1] == '.' && is_ascii_digit(number[2])));
    return is_version ? version : "HTTP/1.1";
}

std::optional<std::uint64_t> content_length(const Headers& headers) {
    const auto values = headers.values("content-length");
    if (values.size() != 1) return std::nullopt;
    const auto length = parse_decimal(trim(values[0]));
    if (!length) return std::nullopt;
    return static_cast<std::uint64_t>(*length);
}

void RecordingShelf::add(Recording recording) {
    const auto bytes = recording.capture.body.size();
    if (kept_.found.size() == kMostRecordings || bytes > kMostRecordingBytes - body_bytes_) {
        ++kept_.left_out;
        return;
    }
    body_bytes_ += bytes;
    kept_.found.push_back(std::move(recording));
}

Recordings RecordingShelf::take(std::size_t requests) && {
    kept_.requests = requests;
    return std::move(kept_);
}

}  // namespace callchain::webhook
