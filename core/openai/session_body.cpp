#include "openai/session_body.hpp"

#include "base/characters.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/json_text.hpp"

#include <algorithm>

namespace callchain::openai {
namespace {

using encoding::quote_json;

constexpr std::size_t kMostQuoted = 60;

// The description is part of what the model reads, in the language that the API's own material has.
constexpr std::string_view kEndCallTool =
    R"([{"type":"function","name":"end_call","description":"Ends the phone call. Call it when the caller has )"
    R"(said goodbye or asks to hang up.","parameters":{"type":"object","properties":{},"required":[]}}])";

std::string audio_of(std::string_view voice) {
    // A custom voice is named by an object; as a plain text it would be an unknown name.
    const bool is_custom = voice.starts_with("voice_");
    const auto name = quote_json(voice);
    return R"({"output":{"voice":)" + (is_custom ? "{\"id\":" + name + "}" : name) + "}}";
}

Error unusable_target(std::string why) {
    return {ErrorCode::usage, "the target " + std::move(why), std::nullopt,
            "write it as tel:+5561999998888 or sip:user@host"};
}

/// A name or an IPv4 address, or an IPv6 address in brackets; a port may follow.
bool is_sip_host(std::string_view text) {
    const bool is_ipv6 = text.starts_with('[');
    const auto host_end = is_ipv6 ? text.find(']') + 1 : std::min(text.find(':'), text.size());
    const auto host = is_ipv6 ? text.substr(1, host_end < 2 ? 0 : host_end - 2) : text.substr(0, host_end);
    const auto is_part = [&](char c) {
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        return is_letter || is_ascii_digit(c) || c == '.' || (is_ipv6 ? c == ':' : c == '-');
    };
    if (host.empty() || !std::all_of(host.begin(), host.end(), is_part)) return false;
    const auto port = text.substr(host_end);
    if (port.empty()) return true;
    const auto number = parse_decimal(port.substr(1));
    return port.front() == ':' && number && *number >= 1 && *number <= 65'535;
}

/// What follows "sip:" or "sips:". Source: RFC 3261 section 25.1, SIP-URI.
bool has_sip_host(std::string_view rest) {
    // A '@' in parameters or headers must be escaped, so the first one ends the user part.
    if (const auto at = rest.find('@'); at != std::string_view::npos) {
        if (at == 0) return false;
        rest.remove_prefix(at + 1);
    }
    return is_sip_host(rest.substr(0, rest.find_first_of(";?")));
}

}  // namespace

std::string write_accept_body(const SessionSettings& settings) {
    const bool is_live = settings.dialect == Dialect::live;
    const auto default_model = is_live ? kDefaultLiveModel : kDefaultRealtimeModel;
    std::string session = R"({"type":)" + quote_json(name_of(settings.dialect));
    session += R"(,"model":)" +
               quote_json(settings.model.empty() ? default_model : std::string_view(settings.model));
    if (!settings.instructions.empty()) session += R"(,"instructions":)" + quote_json(settings.instructions);
    if (!settings.voice.empty()) session += R"(,"audio":)" + audio_of(settings.voice);
    if (settings.end_call_tool && !is_live) session += R"(,"tools":)" + std::string(kEndCallTool);
    session += "}";
    return is_live ? R"({"session":)" + session + "}" : session;
}

Result<std::string> write_reject_body(Dialect dialect, int status) {
    if (status == 0 && dialect == Dialect::realtime) return "{}";
    if (status == 0)
        return fail(ErrorCode::usage, "rejecting a Live call needs a SIP status",
                    "486 says busy, 603 says declined");
    if (status < 300 || status > 699)
        return fail(ErrorCode::usage, "a call is rejected with a SIP status from 300 to 699, not with " +
                                          std::to_string(status));
    return R"({"status_code":)" + std::to_string(status) + "}";
}

Result<std::string> write_refer_body(std::string_view target_uri) {
    const auto shown = "\"" + safe_excerpt(target_uri, kMostQuoted) + "\"";
    const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
    if (!std::all_of(target_uri.begin(), target_uri.end(), is_visible))
        return tl::unexpected(
            unusable_target("has a blank, a control character or one that is not ASCII: " + shown));
    const auto scheme_end = std::min(target_uri.find(':') + 1, target_uri.size());
    const auto rest = target_uri.substr(scheme_end);
    if (starts_with_ignoring_case(target_uri, "tel:")) {
        if (!is_e164(rest))
            return tl::unexpected(
                unusable_target("has no number in E.164, + and 7 to 15 digits, behind tel: " + shown));
    } else if (starts_with_ignoring_case(target_uri, "sip:") ||
               starts_with_ignoring_case(target_uri, "sips:")) {
        if (!has_sip_host(rest)) return tl::unexpected(unusable_target("has no usable host: " + shown));
    } else {
        return tl::unexpected(unusable_target("is neither tel: nor sip: nor sips: " + shown));
    }
    return R"({"target_uri":)" + quote_json(target_uri) + "}";
}

const std::vector<std::string_view>& known_voices(Dialect dialect) {
    static const std::vector<std::string_view> realtime{"alloy", "ash",   "ballad", "cedar",   "coral",
                                                        "echo",  "marin", "sage",   "shimmer", "verse"};
    static const std::vector<std::string_view> live{
        "alloy",   "ash",      "aube",    "ballad", "beacon", "bossa",  "brise",  "cedar",
        "cinder",  "coral",    "delta",   "echo",   "flitz",  "gleam",  "harema", "juni",
        "marin",   "meridian", "nira",    "noeul",  "nuri",   "quartz", "ripple", "sage",
        "shimmer", "shitan",   "sillage", "stone",  "tempo",  "verse",  "vesper", "willow"};
    return dialect == Dialect::live ? live : realtime;
}

}  // namespace callchain::openai
