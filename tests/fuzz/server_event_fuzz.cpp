// What is read of any text may be shown and sent back; a sideband that hears nothing but such texts, one a
// line, greets once and hangs up once.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "openai/sideband.hpp"

#include <cstdint>

namespace callchain::openai {
namespace {

constexpr std::size_t kMostBytes =
    2048;  // 300 characters, each at most six bytes made visible, and an ellipsis

void require_fit_to_be_shown(const std::string& text) {
    require(text.size() <= kMostBytes && is_utf8(text) && visible(text) == text);
    require(find_clear_secret(text) == std::string::npos);
}

void check_event(std::string_view text) {
    const auto event = read_server_event(text);
    for (const auto* shown : {&event.type, &event.error_code, &event.error_message, &event.response_status,
                              &event.close_reason, &event.dtmf})
        require_fit_to_be_shown(*shown);
    for (const auto* id : {&event.event_id, &event.error_about, &event.function_name, &event.function_call_id,
                           &event.response_id})
        require(id->size() <= kMostIdBytes && is_utf8(*id));
    if (!event.type.empty()) return;
    require(event.event_id.empty() && event.error_code.empty() && event.function_name.empty());
}

void check_sideband(std::string_view texts, Dialect dialect) {
    Sideband machine({.dialect = dialect, .greeting = "a", .farewell = "b"});
    (void)machine.start();
    (void)machine.step(SidebandOpened{});
    int hang_ups = 0;
    for (const auto line : split(texts, '\n')) {
        for (const auto& action : machine.step(SidebandText{std::string(line)})) {
            require(action.what != SidebandAction::What::finished);
            require(action.what == SidebandAction::What::send || action.text != "greeted");
            if (action.what == SidebandAction::What::hang_up) ++hang_ups;
            require_fit_to_be_shown(action.detail);
        }
    }
    require(hang_ups <= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_event(text);
    check_sideband(text, Dialect::realtime);
    check_sideband(text, Dialect::live);
    return 0;
}

}  // namespace callchain::openai
