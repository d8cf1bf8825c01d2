#include "twiml/caller_id.hpp"

#include "base/characters.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/text_codings.hpp"

#include <algorithm>

namespace callchain::twiml {
namespace {

constexpr auto kNpos = std::string_view::npos;
constexpr std::string_view kWhatsApp = "whatsapp:";
constexpr std::string_view kBetweenDigits = " -.()";

std::string_view without_whatsapp(std::string_view text) {
    return starts_with_ignoring_case(text, kWhatsApp) ? text.substr(kWhatsApp.size()) : text;
}

bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_ascii_digit);
}

// As a person may have typed it, down to what has to be E.164.
std::string without_separators(std::string_view text) {
    std::string out;
    for (const char c : without_whatsapp(trim(text))) {
        if (kBetweenDigits.find(c) == kNpos) out += c;
    }
    return out;
}

struct Refusal {
    std::string what;
    std::string hint;
};

Refusal refusal_of_configured(std::string_view text, std::string_view number) {
    if (text.find("(0)") != kNpos)
        return {"has a (0) within", "leave that 0 out: it is only dialled within the country"};
    if (number.starts_with("00") && all_digits(number))
        return {"begins with 00", "write + in place of the 00: +5561… and so on"};
    if (all_digits(number))
        return {"has no + in front",
                "write + and the country code in front of it, for example +5561…; no "
                "country is guessed"};
    if (starts_with_ignoring_case(text, "sip:") || starts_with_ignoring_case(text, "sips:"))
        return {"is a SIP URI", "set the number alone, for example +5561…"};
    return {"is not a phone number in E.164 form",
            "set it to the number of your WhatsApp sender: + and 7 to 15 digits, for example +5561…"};
}

Result<std::string> read_configured(std::string_view text) {
    auto number = without_separators(text);
    if (is_e164(number) && text.find("(0)") == kNpos) return number;
    const auto refusal = refusal_of_configured(trim(text), number);
    return fail(ErrorCode::usage,
                "the caller id (--caller-id, TWILIO_SIP_CALLER_ID) " + refusal.what + ": \"" +
                    show_number(trim(text)) + "\"",
                refusal.hint);
}

// Lenient around the number, since only what is E.164 afterwards goes on: a host that is no host does not
// matter here.
std::string user_of_sip_uri(std::string_view uri) {
    const auto rest = uri.substr(uri.find(':') + 1);
    const auto at = rest.find('@');
    if (at == kNpos) return {};
    auto user = rest.substr(0, at);
    user = user.substr(0, user.find(':'));
    const auto plain = encoding::percent_decode(user, encoding::PlusSign::literal);
    return plain.substr(0, plain.find(';'));
}

// What of `To` or `Called` has to be E.164.
std::string number_in_request(std::string_view text) {
    if (starts_with_ignoring_case(text, "sip:") || starts_with_ignoring_case(text, "sips:"))
        return user_of_sip_uri(text);
    return std::string(without_whatsapp(text));
}

bool is_given(std::string_view text) { return !trim(text).empty(); }

// A form says '+' as %2B; whoever writes or decodes it wrongly makes a blank of it.
bool has_lost_plus(std::string_view number) {
    return number.starts_with(' ') && is_e164("+" + std::string(number.substr(1)));
}

Error refusal_of_request(const CallerIdSources& sources) {
    const bool has_to = is_given(sources.to);
    const std::string& seen = has_to ? sources.to : sources.called;
    const std::string name = has_to ? "To" : "Called";
    if (!is_given(seen))
        return {ErrorCode::usage,
                "there is no caller id: TWILIO_SIP_CALLER_ID is not set, and no To or Called of a request is "
                "given",
                std::nullopt,
                "give --caller-id, or set TWILIO_SIP_CALLER_ID, to the number of your WhatsApp sender: + and "
                "7 to "
                "15 digits"};
    const std::string unset = "there is no caller id: TWILIO_SIP_CALLER_ID is not set, and " + name + " ";
    if (has_lost_plus(number_in_request(seen)))
        return {ErrorCode::usage, unset + "has a blank where the + belongs: \"" + show_number(seen) + "\"",
                std::nullopt,
                "the + was lost: in a form body and a query it is written %2B; decode the request once only"};
    return {
        ErrorCode::usage, unset + "holds no phone number in E.164 form: \"" + show_number(seen) + "\"",
        std::nullopt,
        "give --caller-id, or set TWILIO_SIP_CALLER_ID, to the number of your WhatsApp sender, for example "
        "+5561…"};
}

}  // namespace

Result<CallerId> business_number(const CallerIdSources& sources) {
    if (is_given(sources.configured)) return CallerId {
            CALLCHAIN_TRY(read_configured(sources.configured))
            , CallerId::Origin::configured
        };
    for (const auto& [text, origin] :
         {std::pair{&sources.to, CallerId::Origin::to}, {&sources.called, CallerId::Origin::called}}) {
        if (auto number = number_in_request(*text); is_e164(number))
            return CallerId{std::move(number), origin};
    }
    return tl::unexpected(refusal_of_request(sources));
}

}  // namespace callchain::twiml
