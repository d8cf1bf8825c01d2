#include "openai/call.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/text_codings.hpp"

#include <algorithm>

namespace callchain::openai {
namespace {

constexpr std::size_t kMostQuoted = 60;

std::string quoted(std::string_view text) { return "\"" + safe_excerpt(text, kMostQuoted) + "\""; }

/// Printable ASCII, without the blank.
bool is_visible_ascii(char c) { return c > ' ' && c <= '~'; }
bool is_all_visible(std::string_view text) { return std::all_of(text.begin(), text.end(), is_visible_ascii); }

/// A base URL cut at its scheme, without the '/' at its end. Borrows.
struct Base {
    bool encrypted = true;
    std::string_view rest;  ///< host, port and path
};

/// A name, or an address in brackets, with a port or without.
bool is_host_and_port(std::string_view authority) {
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos || end < 3) return false;
        port = authority.substr(end + 1);
    } else {
        const auto colon = std::min(authority.find(':'), authority.size());
        if (colon == 0) return false;
        port = authority.substr(colon);
    }
    if (port.empty()) return true;
    const auto number = parse_decimal(port.substr(1));
    return port.front() == ':' && number && *number >= 1 && *number <= 65'535;
}

Result<Base> parse_base(std::string_view base) {
    constexpr std::string_view kHint = "write it as https://api.openai.com/v1";
    const auto refuse = [&](std::string_view why) {
        return fail(ErrorCode::usage, "the base URL of the API " + std::string(why), std::string(kHint));
    };
    Base parsed;
    if (starts_with_ignoring_case(base, "https://")) {
        parsed.rest = base.substr(8);
    } else if (starts_with_ignoring_case(base, "http://")) {
        parsed = {false, base.substr(7)};
    } else {
        return refuse("is neither http:// nor https://: " + quoted(base));
    }
    const auto authority = parsed.rest.substr(0, parsed.rest.find('/'));
    // What stands in front of an '@' may be a password, so the URL is not quoted.
    if (authority.find('@') != std::string_view::npos) return refuse("has a user name or password in it");
    if (!is_all_visible(base)) return refuse("has a blank or a character that is not ASCII: " + quoted(base));
    if (base.find('\\') != std::string_view::npos) return refuse("has a backslash: " + quoted(base));
    if (base.find_first_of("?#") != std::string_view::npos)
        return refuse("has a query or a fragment: " + quoted(base));
    if (!is_host_and_port(authority)) return refuse("has no usable host and port: " + quoted(base));
    while (parsed.rest.ends_with('/')) parsed.rest.remove_suffix(1);
    return parsed;
}

std::string_view collection_of(Dialect dialect) {
    return dialect == Dialect::realtime ? "/realtime/calls/" : "/live/sessions/";
}

}  // namespace

std::string_view name_of(Dialect dialect) { return dialect == Dialect::realtime ? "realtime" : "live"; }

std::string_view name_of(CallAction action) {
    switch (action) {
        case CallAction::accept:
            return "accept";
        case CallAction::reject:
            return "reject";
        case CallAction::refer:
            return "refer";
        case CallAction::hangup:
            break;
    }
    return "hangup";
}

Result<void> check_call_id(std::string_view id) {
    return check_id(id, "the call id", "pass the id on as it stands in data.call_id or data.session_id");
}

Result<void> check_id(std::string_view id, std::string_view what, std::string_view hint) {
    // The id becomes part of a path: whatever could lead to another path is refused, not encoded.
    constexpr std::string_view kForbidden = "/\\%?#";
    const auto refuse = [&](const std::string& why) {
        return fail(ErrorCode::bad_input, std::string(what) + " " + why, std::string(hint));
    };
    if (id.empty()) return refuse("is empty");
    if (id.size() > kMostIdBytes)
        return refuse("has " + count_of(id.size(), "byte") + ", more than the " +
                      std::to_string(kMostIdBytes) + " that are taken: " + quoted(id));
    if (!is_all_visible(id)) return refuse("has a blank or a character that is not ASCII: " + quoted(id));
    if (const auto at = id.find_first_of(kForbidden); at != std::string_view::npos)
        return refuse("has the character '" + std::string(1, id[at]) + "': " + quoted(id));
    if (id == "." || id == "..") return refuse("is a step in a path: " + quoted(id));
    return {};
}

Result<std::string> api_root(std::string_view base) {
    const auto parsed = CALLCHAIN_TRY(parse_base(base));
    return (parsed.encrypted ? "https://" : "http://") + std::string(parsed.rest);
}

Result<std::string> call_url(std::string_view base, Dialect dialect, std::string_view id, CallAction action) {
    auto url = CALLCHAIN_TRY(api_root(base));
    CALLCHAIN_TRY(check_call_id(id));
    url += collection_of(dialect);
    url += encoding::percent_encode(id);
    url += '/';
    url += name_of(action);
    return url;
}

Result<std::string> sideband_url(std::string_view base, Dialect dialect, std::string_view id) {
    const auto parsed = CALLCHAIN_TRY(parse_base(base));
    CALLCHAIN_TRY(check_call_id(id));
    std::string url = parsed.encrypted ? "wss://" : "ws://";
    url += parsed.rest;
    const auto encoded_id = encoding::percent_encode(id);
    url += dialect == Dialect::realtime ? "/realtime?call_id=" + encoded_id
                                        : "/live/sessions/" + encoded_id + "/attach";
    return url;
}

std::optional<std::string_view> CallEvent::header(std::string_view name) const {
    const auto found = std::find_if(sip_headers.begin(), sip_headers.end(), [&](const SipHeader& header) {
        return equal_ignoring_case(header.name, name);
    });
    if (found == sip_headers.end()) return std::nullopt;
    return found->value;
}

}  // namespace callchain::openai
