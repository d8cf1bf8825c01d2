#include "twiml/fallback.hpp"

#include "base/characters.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/lint.hpp"
#include "twiml/xml_writer.hpp"

#include <algorithm>

namespace callchain::twiml {
namespace {

constexpr std::size_t kMostSaidCharacters = 4096;  // Source: Twilio, "TwiML Voice: <Say>"

bool is_absolute_http_url(std::string_view url) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!starts_with_ignoring_case(url, scheme)) continue;
        const auto rest = url.substr(scheme.size());
        return !rest.empty() && std::string_view("/?#: ").find(rest.front()) == std::string_view::npos;
    }
    return false;
}

Result<XmlElement> say(const Fallback& fallback) {
    if (trim(fallback.text).empty())
        return fail(ErrorCode::usage, "the text to say is empty", "say a short sentence, or just hang up");
    if (const auto count = characters_in(fallback.text); count > kMostSaidCharacters) {
        return fail(ErrorCode::usage,
                    "the text to say has " + with_thousands(count) + " characters; Twilio takes at most " +
                        with_thousands(kMostSaidCharacters),
                    "shorten it");
    }
    XmlElement element{"Say", {}, fallback.text};
    if (!fallback.voice.empty()) element.attributes.push_back({"voice", fallback.voice});
    if (!fallback.language.empty()) element.attributes.push_back({"language", fallback.language});
    return element;
}

Result<XmlElement> redirect(const Fallback& fallback) {
    if (!is_absolute_http_url(fallback.url)) {
        return fail(ErrorCode::usage,
                    fallback.url.empty()
                        ? std::string("the URL to redirect to is missing")
                        : std::string("the URL to redirect to is not an absolute http or https URL: \"")
                              .append(shown_value(fallback.url, 80))
                              .append("\""),
                    "write it whole, for example https://example.com/twilio/voice");
    }
    if (has_control_character(fallback.url)) {
        return fail(ErrorCode::usage,
                    std::string("the URL to redirect to holds a control character: \"")
                        .append(shown_value(fallback.url, 80))
                        .append("\""),
                    "take it out");
    }
    if (!fallback.method.empty() && fallback.method != "GET" && fallback.method != "POST") {
        return fail(ErrorCode::usage,
                    "the method of the redirect is neither GET nor POST: \"" +
                        safe_excerpt(fallback.method, 20) + "\"",
                    "Twilio takes these two, in capitals; with none it sends POST");
    }
    XmlElement element{"Redirect", {}, fallback.url};
    if (!fallback.method.empty()) element.attributes.push_back({"method", fallback.method});
    return element;
}

}  // namespace

Result<std::string> write_fallback(const Fallback& fallback) {
    XmlElement response{"Response"};
    switch (fallback.verb) {
        case Fallback::Verb::hang_up:
            response.children = {{"Hangup"}};
            break;
        case Fallback::Verb::say:
            response.children = { CALLCHAIN_TRY(say(fallback)), {"Hangup"} };
            break;
        case Fallback::Verb::reject:
            response.children = {
                {"Reject", {{"reason", fallback.reason == Fallback::Reason::busy ? "busy" : "rejected"}}}};
            break;
        case Fallback::Verb::redirect:
            response.children = { CALLCHAIN_TRY(redirect(fallback)) };
            break;
    }
    return write_xml_document(response);
}

}  // namespace callchain::twiml
