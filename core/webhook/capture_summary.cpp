#include "webhook/capture_summary.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"

#include <algorithm>
#include <array>

namespace callchain::webhook {
namespace {

constexpr std::array<std::string_view, 5> kSignatureHeaders{
    "webhook-timestamp", "webhook-signature", "x-twilio-signature", "svix-timestamp", "svix-signature"};
constexpr std::array<std::string_view, 6> kCredentialHeaders{
    "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"};
// In front of a number, in lower case.
constexpr std::array<std::string_view, 8> kNumberSigns{
    "+", "%2b", "tel:", "sip:", "sips:", "whatsapp:", "tel%3a", "whatsapp%3a"};
constexpr std::size_t kShortestNumber = 7;
constexpr std::size_t kShownDigits = 4;

std::size_t digits_from(std::string_view text, std::size_t at) {
    const auto start = at;
    while (at < text.size() && is_ascii_digit(text[at])) ++at;
    return at - start;
}

bool is_behind_sign(std::string_view lower, std::size_t at) {
    const auto before = lower.substr(0, at);
    return std::any_of(kNumberSigns.begin(), kNumberSigns.end(),
                       [&](std::string_view sign) { return before.ends_with(sign); });
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view one) { return equal_ignoring_case(one, name); });
}

std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t length) {
    const auto number = parse_decimal(text.substr(at, length));
    return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

}  // namespace

CaptureSummary summarize_capture(const Capture& capture) {
    CaptureSummary summary;
    summary.method = capture.method;
    summary.target = capture.target;
    for (const std::string_view name : {"webhook-id", "svix-id"}) {
        if (const auto id = capture.headers.find(name); id && !summary.webhook_id) summary.webhook_id = *id;
    }
    for (const auto& header : capture.headers.fields) {
        if (is_one_of(kSignatureHeaders, header.name)) summary.signatures.push_back(header);
    }
    summary.body_length = capture.body.size();
    summary.body_sha256 = crypto::sha256_hex(capture.body);
    summary.event = read_event_identity(capture.body);
    return summary;
}

std::optional<std::chrono::sys_time<std::chrono::milliseconds>> time_of_capture_name(std::string_view name) {
    using namespace std::chrono;
    constexpr std::string_view kForm = "ddddddddTdddddd.dddZ-";
    if (name.size() <= kForm.size()) return std::nullopt;
    for (std::size_t at = 0; at < kForm.size(); ++at) {
        if (kForm[at] == 'd' ? !is_ascii_digit(name[at]) : name[at] != kForm[at]) return std::nullopt;
    }
    const auto part = [&](std::size_t at, std::size_t length) {
        return number_at(name, at, length).value_or(0);
    };
    const year_month_day date{year{part(0, 4)}, month{static_cast<unsigned>(part(4, 2))},
                              day{static_cast<unsigned>(part(6, 2))}};
    if (!date.ok() || part(9, 2) > 23 || part(11, 2) > 59 || part(13, 2) > 59) return std::nullopt;
    return sys_days{date} + hours{part(9, 2)} + minutes{part(11, 2)} + seconds{part(13, 2)} +
           milliseconds{part(16, 3)};
}

std::string mask_telephone_numbers(std::string_view text) {
    const auto lower = ascii_lower(text);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto length = digits_from(text, at);
        if (length >= kShortestNumber && is_behind_sign(lower, at)) {
            out += "…";
            out += text.substr(at + length - kShownDigits, kShownDigits);
            at += length;
            continue;
        }
        // The digits of a run that is no number go over together, so that no part of it is taken for one.
        const auto step = std::max<std::size_t>(length, 1);
        out += text.substr(at, step);
        at += step;
    }
    return out;
}

std::string shown_header_value(const Header& header) {
    if (is_one_of(kCredentialHeaders, header.name))
        return "[withheld, " + count_of(header.value.size(), "character") + "]";
    return mask_telephone_numbers(withhold_secrets(header.value));
}

}  // namespace callchain::webhook
