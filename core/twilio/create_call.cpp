#include "twilio/create_call.hpp"

#include "base/characters.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/json_text.hpp"

#include <algorithm>

namespace callchain::twilio {
namespace {

using encoding::JsonValue;

constexpr std::string_view kWhatsApp = "whatsapp:";
constexpr std::size_t kMostTwimlCharacters = 4000;  // Source: Twilio, error 32018
constexpr int kLongestRing = 600;
constexpr std::size_t kMostShown = 300;
constexpr int kAuthenticate = 20003;
constexpr int kTooManyRequests = 20429;

bool is_number(std::string_view text) {
    if (text.size() < 8 || text.size() > 16 || text[0] != '+' || text[1] == '0') return false;
    return std::all_of(text.begin() + 1, text.end(), is_ascii_digit);
}

// "…4321": enough to tell numbers apart, too little to call.
std::string masked(std::string_view number) {
    std::string digits;
    for (const char c : number) {
        if (is_ascii_digit(c)) digits += c;
    }
    constexpr std::size_t kShownDigits = 4;
    if (digits.size() <= kShownDigits) return safe_excerpt(number, 40);
    return "…" + digits.substr(digits.size() - kShownDigits);
}

std::string hint_of(std::string_view number) {
    const bool digits_only = !number.empty() && std::all_of(number.begin(), number.end(), is_ascii_digit);
    if (number.starts_with("00") && digits_only) return "write + in place of the 00";
    if (digits_only) return "write + and the country code in front of it; no country is guessed";
    return "write it as + and 7 to 15 digits, for example +5561…";
}

bool is_web_url(std::string_view url) {
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (!starts_with_ignoring_case(url, scheme)) continue;
        const auto rest = url.substr(scheme.size());
        return !rest.empty() && std::string_view("/?#:").find(rest.front()) == std::string_view::npos &&
               is_visible_ascii(rest);
    }
    return false;
}

bool is_sid(std::string_view text, std::string_view prefix) {
    constexpr std::size_t kDigits = 32;
    return text.size() == prefix.size() + kDigits && text.starts_with(prefix) &&
           std::all_of(text.begin() + static_cast<std::ptrdiff_t>(prefix.size()), text.end(),
                       [](char c) { return is_ascii_digit(c) || (c >= 'a' && c <= 'f'); });
}

struct Problems {
    std::vector<std::string> texts;
    std::string hint;
    void add(std::string text, const std::string& its_hint) {
        texts.push_back(std::move(text));
        if (hint.empty()) hint = its_hint;
    }
};

void check_plan(const CreateCall& call, Problems& problems) {
    const int plans =
        (call.url.empty() ? 0 : 1) + (call.twiml.empty() ? 0 : 1) + (call.application_sid.empty() ? 0 : 1);
    if (plans != 1)
        problems.add(plans == 0 ? "nothing says what happens when the call is answered"
                                : "more than one thing says what happens when the call is answered",
                     "give one of a TwiML URL, a message and an application");
    for (const auto& [name, url] :
         {std::pair{"the TwiML URL", call.url}, std::pair{"the status callback", call.status_callback}}) {
        if (!url.empty() && !is_web_url(url))
            problems.add(std::string(name) + " is not an absolute http or https URL: \"" +
                             safe_excerpt(url, 80) + "\"",
                         "write it whole, for example https://bridge.example.com/twilio/voice");
    }
    if (!call.application_sid.empty() && !is_sid(call.application_sid, "AP"))
        problems.add(
            "an application is AP and 32 hex digits, not \"" + safe_excerpt(call.application_sid, 40) + "\"",
            "the console lists them under Voice, TwiML Apps");
    if (!call.application_sid.empty() && !call.status_callback.empty())
        problems.add("with an application Twilio ignores the status callback of the request",
                     "set it in the application itself");
    if (characters_in(call.twiml) > kMostTwimlCharacters)
        problems.add("the TwiML has " + with_thousands(characters_in(call.twiml)) +
                         " characters; Twilio takes at most 4,000 (32018)",
                     "shorten the message, or serve the document from a URL");
    if (call.ring_seconds && (*call.ring_seconds < 1 || *call.ring_seconds > kLongestRing))
        problems.add("a call rings for 1 to 600 seconds", "Twilio's default is 60");
}

std::string text_of(const JsonValue& document, std::string_view name) {
    const auto* value = document.find(name);
    return value != nullptr && value->kind == JsonValue::Kind::string ? value->text : std::string();
}

int number_of(const JsonValue& document, std::string_view name) {
    const auto* value = document.find(name);
    if (value == nullptr || value->kind != JsonValue::Kind::number) return 0;
    const auto number = parse_decimal(value->text);
    constexpr int kMostDigitsOfACode = 999'999;
    return number && *number <= kMostDigitsOfACode ? static_cast<int>(*number) : 0;
}

CallOutcome outcome_of(int status, int code, bool has_sid) {
    if (status >= 200 && status < 300) return has_sid ? CallOutcome::queued : CallOutcome::unexpected_answer;
    if (status == 401 || status == 403 || code == kAuthenticate) return CallOutcome::credential_refused;
    if (status == 429 || code == kTooManyRequests) return CallOutcome::rate_limited;
    if (status >= 400 && status < 500) return CallOutcome::refused;
    return status >= 500 && status < 600 ? CallOutcome::server_error : CallOutcome::unexpected_answer;
}

// A base with a password is not repeated.
std::string shown_base(std::string_view base) {
    const bool has_password = base.find('@') != std::string_view::npos;
    return has_password ? std::string("a URL with a user or password in it")
                        : "\"" + safe_excerpt(base, 80) + "\"";
}

// Token and SID are easily swapped, and have nearly one length.
std::string shown_account(std::string_view sid) {
    constexpr std::size_t kShortestSecret = 20;
    return sid.size() < kShortestSecret ? "\"" + safe_excerpt(sid, 40) + "\""
                                        : "what was given (" + count_of(sid.size(), "character") + ")";
}

// …/2010-04-01/Accounts/AC…
Result<std::string> account_base(std::string_view base, std::string_view account_sid) {
    const auto origin = base.ends_with('/') ? base.substr(0, base.size() - 1) : base;
    const auto host = origin.substr(std::min(origin.find("://"), origin.size()));
    if (!is_web_url(origin) || host.find_first_of("/?#@", 3) != std::string_view::npos)
        return fail(ErrorCode::usage, "not the base of Twilio's API: " + shown_base(base),
                    "write scheme and host alone, for example https://api.twilio.com");
    if (!is_sid(account_sid, "AC"))
        return fail(ErrorCode::usage, "an account is AC and 32 hex digits, not " + shown_account(account_sid),
                    "the console shows it as Account SID; the auth token stands beside it");
    return std::string(origin) + "/2010-04-01/Accounts/" + std::string(account_sid);
}

}  // namespace

Result<std::string> whatsapp_address(std::string_view number) {
    const auto given = trim(number);
    auto rest = starts_with_ignoring_case(given, kWhatsApp) ? given.substr(kWhatsApp.size()) : given;
    std::string plain;
    for (const char c : rest) {
        if (std::string_view(" -.()").find(c) == std::string_view::npos) plain += c;
    }
    if (is_number(plain) && rest.find("(0)") == std::string_view::npos) return std::string(kWhatsApp) + plain;
    return fail(ErrorCode::usage, "not a telephone number in E.164 form: \"" + masked(rest) + "\"",
                rest.find("(0)") != std::string_view::npos
                    ? "leave the (0) out: it is only dialled within the country"
                    : hint_of(plain));
}

Result<std::vector<std::pair<std::string, std::string>>> create_call_form(const CreateCall& call) {
    Problems problems;
    std::vector<std::pair<std::string, std::string>> form;
    for (const auto& [name, number] : {std::pair{"To", call.to}, std::pair{"From", call.from}}) {
        const auto address = whatsapp_address(number);
        if (address)
            form.emplace_back(name, *address);
        else
            problems.add(
                std::string(name) + ": " + (number.empty() ? "no number is given" : address.error().message),
                address.error().hint);
    }
    check_plan(call, problems);
    if (!problems.texts.empty()) return fail(ErrorCode::usage, join(problems.texts, "; "), problems.hint);
    if (!call.url.empty()) form.emplace_back("Url", call.url);
    if (!call.twiml.empty()) form.emplace_back("Twiml", call.twiml);
    if (!call.application_sid.empty()) form.emplace_back("ApplicationSid", call.application_sid);
    if (!call.status_callback.empty()) {
        form.emplace_back("StatusCallback", call.status_callback);
        for (const char* event : {"initiated", "ringing", "answered", "completed"})
            form.emplace_back("StatusCallbackEvent", event);
    }
    if (call.ring_seconds) form.emplace_back("Timeout", std::to_string(*call.ring_seconds));
    return form;
}

Result<std::string> account_url(std::string_view base, std::string_view account_sid) {
    return CALLCHAIN_TRY(account_base(base, account_sid))
    +".json";
}

Result<std::string> calls_url(std::string_view base, std::string_view account_sid) {
    return CALLCHAIN_TRY(account_base(base, account_sid))
    +"/Calls.json";
}

std::string_view name_of(CallOutcome outcome) {
    switch (outcome) {
        case CallOutcome::queued:
            return "queued";
        case CallOutcome::refused:
            return "refused";
        case CallOutcome::credential_refused:
            return "credential_refused";
        case CallOutcome::rate_limited:
            return "rate_limited";
        case CallOutcome::server_error:
            return "server_error";
        case CallOutcome::not_sent:
            return "not_sent";
        case CallOutcome::unknown_fate:
            return "unknown_fate";
        case CallOutcome::unexpected_answer:
            break;
    }
    return "unexpected_answer";
}

std::string_view meaning_of(CallOutcome outcome) {
    switch (outcome) {
        case CallOutcome::queued:
            return "Twilio has taken the call and rings the user.";
        case CallOutcome::refused:
            return "Twilio does not place this call. No telephone rings; the code says why.";
        case CallOutcome::credential_refused:
            return "Twilio does not take this account and token. A token belongs to one account and one "
                   "region; "
                   "a rotated one is dead at once.";
        case CallOutcome::rate_limited:
            return "Twilio takes no more requests from this account for now. Wait, and place the call again.";
        case CallOutcome::server_error:
            return "Twilio failed, and may have placed the call all the same. Look before you place it "
                   "again.";
        case CallOutcome::not_sent:
            return "Twilio could not be reached: the call was not placed.";
        case CallOutcome::unknown_fate:
            return "The request went out and no whole answer came: the telephone may ring. It is never sent "
                   "twice by itself, since each one that arrives is a call.";
        case CallOutcome::unexpected_answer:
            break;
    }
    return "The answer is none of Twilio's. Something else answers at this address, a proxy perhaps.";
}

CallAnswer read_call_answer(int status, std::string_view body) {
    CallAnswer answer;
    const auto document = encoding::parse_json_text(body);
    if (document) {
        answer.sid = text_of(*document, "sid");
        if (!is_sid(answer.sid, "CA")) answer.sid.clear();
        answer.call_status = safe_excerpt(text_of(*document, "status"), 40);
        answer.code = number_of(*document, "code");
        auto message = text_of(*document, "message");
        for (const char* name : {"detail", "title"}) {
            if (message.empty()) message = text_of(*document, name);
        }
        answer.message = safe_excerpt(message, kMostShown);
    }
    answer.outcome = outcome_of(status, answer.code, !answer.sid.empty());
    return answer;
}

}  // namespace callchain::twilio
