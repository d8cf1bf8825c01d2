/// Whatever a webhook or a configured body holds: an event that is read as a call can be acted on, remarks
/// are safe to show, and what we write ourselves is never found wrong.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "openai/call.hpp"
#include "openai/call_outcome.hpp"
#include "openai/session_body.hpp"

#include <algorithm>
#include <cstdint>

namespace callchain::openai {
namespace {

bool is_safe(std::string_view text) {
    return visible(text) == text && find_clear_secret(text) == std::string_view::npos;
}

void require_usable(const CallEvent& event) {
    require(event.sip_headers.size() <= 256);
    if (event.kind != CallEvent::Kind::incoming_call) {
        require(event.call_id.empty() && event.sip_headers.empty());
        return;
    }
    require(check_call_id(event.call_id).has_value());
    for (const auto& header : event.sip_headers) require(event.header(ascii_upper(header.name)).has_value());
    const auto url = call_url(kDefaultBaseUrl, event.dialect, event.call_id, CallAction::accept);
    require(url.has_value() && url->ends_with("/accept"));
    require(url->find_first_of("?#\\ ") == std::string::npos);
    // Scheme, host, v1, two names, id and verb: the id adds no step to the path.
    require(std::count(url->begin(), url->end(), '/') == 7);
    require(sideband_url(kDefaultBaseUrl, event.dialect, event.call_id).has_value());
}

bool has_error(const std::vector<BodyRemark>& remarks) {
    return std::any_of(remarks.begin(), remarks.end(),
                       [](const BodyRemark& remark) { return remark.severity == BodySeverity::error; });
}

void require_remarks(Dialect dialect, std::string_view body) {
    const auto remarks = check_accept_body(dialect, body);
    const auto again = check_accept_body(dialect, body);
    require(remarks.size() <= 64 && remarks.size() == again.size());
    for (std::size_t i = 0; i < remarks.size(); ++i) {
        require(remarks[i].code.starts_with("call_accept_body_") && !remarks[i].detail.empty());
        require(remarks[i].path == again[i].path && remarks[i].detail == again[i].detail);
        require(is_safe(remarks[i].path) && is_safe(remarks[i].detail));
    }
}

/// Model, voice and instructions are the pieces between the first NUL bytes.
SessionSettings settings_of(std::string_view bytes, Dialect dialect) {
    const auto pieces = split(bytes, '\0');
    const auto piece = [&](std::size_t i) {
        return i < pieces.size() ? std::string(pieces[i]) : std::string();
    };
    return {dialect, piece(0), piece(1), piece(2), bytes.size() % 2 == 0};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto event = read_call_event(bytes);
    if (event) require_usable(*event);
    require(event.has_value() || is_safe(event.error().message));

    const auto answer = read_api_answer(429, bytes, bytes, bytes, {});
    require(is_safe(answer.error_code) && is_safe(answer.error_type) && is_safe(answer.error_message));
    require(!answer.retry_after || answer.retry_after->count() >= 0);

    for (const auto dialect : {Dialect::realtime, Dialect::live}) {
        require_remarks(dialect, bytes);
        require(!has_error(check_accept_body(dialect, write_accept_body(settings_of(bytes, dialect)))));
    }
    if (const auto refer = write_refer_body(bytes)) require(is_utf8(*refer) && refer->ends_with("\"}"));
    return 0;
}

}  // namespace callchain::openai
