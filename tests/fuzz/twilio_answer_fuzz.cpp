/// Whatever answers in place of Twilio's API: the outcome is one of those that have a meaning, a call counts
/// as made only with an id of its own, and what is said can be shown.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "twilio/call_resources.hpp"
#include "twilio/create_call.hpp"

#include <cstdint>

namespace callchain::twilio {
namespace {

bool is_safe(std::string_view text) {
    return visible(text) == text && find_clear_secret(text) == std::string_view::npos;
}

void check_call(std::string_view body) {
    for (const int status : {0, 200, 201, 400, 401, 429, 500, 999}) {
        const auto answer = read_call_answer(status, body);
        require(!name_of(answer.outcome).empty() && !meaning_of(answer.outcome).empty());
        require(answer.sid.empty() || is_call_sid_text(answer.sid));
        require(answer.outcome != CallOutcome::queued || (status / 100 == 2 && !answer.sid.empty()));
        require(is_safe(answer.message) && is_safe(answer.call_status));
    }
}

void check_fetch(std::string_view body) {
    const auto error = read_fetch_error(body);
    require(is_safe(error.message));
    for (const int status : {0, 200, 401, 403, 404, 429, 503}) {
        const auto outcome = outcome_of(status, error.code);
        require((outcome == FetchOutcome::done) == code_of(outcome).empty() && !name_of(outcome).empty());
    }
}

/// A number as a person writes it, of which no more than its end may be in an error.
void check_address(std::string_view number) {
    const auto address = whatsapp_address(number);
    if (address) {
        require(address->starts_with("whatsapp:+") && is_safe(*address));
        require(whatsapp_address(*address) == *address);
    } else {
        require(is_safe(address.error().message));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    check_call(body);
    check_fetch(body);
    check_address(body.substr(0, 64));
    return 0;
}

}  // namespace callchain::twilio
