/// What a person wants to see of a capture at a glance, and how to show it without giving anything away.
#pragma once

#include "webhook/capture.hpp"
#include "webhook/event.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

/// One capture in short. Text is as received.
struct CaptureSummary {
    std::string method;
    std::string target;
    std::optional<std::string> webhook_id;
    std::vector<Header>
        signatures;  ///< the headers that a signature check needs, but webhook-id, as received
    std::size_t body_length = 0;
    std::string body_sha256;
    EventIdentity event;
};
[[nodiscard]] CaptureSummary summarize_capture(const Capture& capture);

/// The time in a name as observe::CaptureStore makes them: "20261127T225600.123Z-000017.http".
[[nodiscard]] std::optional<std::chrono::sys_time<std::chrono::milliseconds>> time_of_capture_name(
    std::string_view name);

/// `text` with telephone numbers cut to their last four digits: "+…4321". A number is a run of seven digits
/// or more behind '+' (also "%2B") or behind "whatsapp:", "tel:", "sip:" or "sips:"; other digits stay, since
/// they are times and ids.
[[nodiscard]] std::string mask_telephone_numbers(std::string_view text);

/// The value of a header as it may be shown: credentials (Authorization, Cookie and the like) and what looks
/// like a secret withheld, telephone numbers masked. Control characters are the caller's to make visible.
[[nodiscard]] std::string shown_header_value(const Header& header);

}  // namespace callchain::webhook
