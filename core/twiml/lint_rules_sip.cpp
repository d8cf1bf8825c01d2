/// The URI within <Sip>: its form, its parameters and headers, and what OpenAI wants of it.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/lint_rules.hpp"
#include "twiml/sip_uri.hpp"

#include <algorithm>

namespace callchain::twiml {
namespace {

constexpr auto kNpos = std::string_view::npos;

bool ends_with_ignoring_case(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && equal_ignoring_case(text.substr(text.size() - end.size()), end);
}

/// Source: OpenAI, "Realtime API with SIP": sip.api.openai.com, sip-eu.api.openai.com, sip-in.api.openai.com.
bool is_openai_sip_host(std::string_view host) { return ends_with_ignoring_case(host, ".api.openai.com"); }

bool is_project_id(std::string_view user) {
    constexpr std::string_view kPrefix = "proj_";
    if (!user.starts_with(kPrefix) || user.size() == kPrefix.size()) return false;
    const auto rest = user.substr(kPrefix.size());
    return std::all_of(rest.begin(), rest.end(), [](char c) {
        return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    });
}

/// All values of a parameter, in order; a parameter without '=' counts as empty.
std::vector<std::string> values_of(const SipUri& uri, std::string_view name) {
    std::vector<std::string> values;
    for (const auto& parameter : uri.parameters)
        if (equal_ignoring_case(parameter.name, name)) values.push_back(parameter.value.value_or(""));
    return values;
}

/// Reports about one URI, all at its text.
class UriCheck {
  public:
    UriCheck(const Element& element, Findings& findings) : element_(element), findings_(findings) {}

    SipTarget run() {
        const std::string_view raw = element_.text;
        const auto text = trim(raw);
        if (text.empty()) return report("twiml_sip_uri_malformed", "This <Sip> has no URI."), SipTarget{};
        if (text != raw)
            report(
                "twiml_sip_uri_blanks",
                "Blanks or line ends stand around the URI; Twilio's own samples have them, and nothing says "
                "that every SIP stack on the way forgives them.");
        check_lengths(text);
        const auto uri = parse_sip_uri(text);
        if (!uri) {
            const auto& error = uri.error();
            report("twiml_sip_uri_malformed",
                   safe_excerpt(error.message, 200) + (error.hint.empty() ? "" : "; " + error.hint) + ".");
            return {openai_by_sight(text)};
        }
        check_scheme_and_user(*uri);
        check_host(*uri);
        check_transport(*uri);
        check_other_parameters(*uri);
        check_headers(*uri);
        return {is_openai_sip_host(uri->host)};
    }

  private:
    void report(std::string_view code, std::string detail) {
        findings_.add_at_text(code, element_, std::move(detail));
    }

    static bool openai_by_sight(std::string_view text) {
        return ascii_lower(text).find(".api.openai.com") != kNpos;
    }

    void check_lengths(std::string_view text) {
        // Twilio, "TwiML Voice: <Sip>": fewer than 255 characters, and fewer than 1,024 of headers.
        constexpr std::size_t kUriLimit = 255;
        constexpr std::size_t kHeaderLimit = 1'024;
        const auto question = text.find('?');
        const auto uri_length = count_characters(text.substr(0, question));
        const auto header_length = question == kNpos ? 0 : count_characters(text.substr(question + 1));
        if (uri_length >= kUriLimit)
            report("twiml_sip_uri_too_long",
                   "The URI has " + with_thousands(uri_length) +
                       " characters in front of its headers; Twilio takes fewer than 255.");
        if (header_length >= kHeaderLimit)
            report("twiml_sip_headers_too_long", "The headers of the URI have " +
                                                     with_thousands(header_length) +
                                                     " characters; Twilio takes fewer than 1,024.");
    }

    void check_scheme_and_user(const SipUri& uri) {
        if (uri.scheme == "sips")
            report("twiml_sip_uri_sips", "Twilio does not speak sips: it makes it sip: with transport=tls.");
        if (is_openai_sip_host(uri.host)) {
            if (!is_project_id(uri.user))
                report("twiml_sip_project_missing",
                       (uri.user.empty()
                            ? std::string("There is no user part")
                            : "The user part is " + quoted(uri.user.substr(0, uri.user.find(':')))) +
                           ", and OpenAI finds the project by it: proj_ and what follows in the console.");
        } else if (uri.user.empty()) {
            report("twiml_sip_user_missing", "The URI names the host " + quoted(uri.host) +
                                                 " and nobody there: there is no user part.");
        }
    }

    void check_host(const SipUri& uri) {
        const auto& host = uri.host;
        if (is_private_host(host))
            report("twiml_sip_host_private", "The host " + quoted(host) + " is none of the public network.");
        if (ends_with_ignoring_case(host, ".twilio.com") && ascii_lower(host).find(".sip.") != kNpos)
            report("twiml_sip_host_twilio",
                   "The host " + quoted(host) +
                       " is a SIP domain of Twilio itself: only users registered there, "
                       "in your own account, can be called.");
        if (ends_with_ignoring_case(host, "openai.com") && !is_openai_sip_host(host))
            report("twiml_sip_host_openai",
                   "The host " + quoted(host) + " takes no SIP calls: OpenAI's is sip.api.openai.com.");
    }

    void check_transport(const SipUri& uri) {
        const auto values = values_of(uri, "transport");
        const bool openai = is_openai_sip_host(uri.host);
        if (values.size() > 1)
            return report("twiml_sip_transport_repeated",
                          "transport stands " + std::to_string(values.size()) + " times in the URI" +
                              (openai ? "; OpenAI answers that with 403." : "."));
        if (values.empty() && uri.scheme == "sip" && openai)
            return report(
                "twiml_sip_transport_not_tls",
                "There is no transport=tls, so Twilio sends UDP, and OpenAI takes calls over TLS only.");
        if (values.empty()) return;
        const auto value = ascii_lower(values.front());
        if (value != "tls" && value != "tcp" && value != "udp")
            return report("twiml_sip_transport_unknown",
                          "transport is " + quoted(values.front()) + "; Twilio knows udp, tcp and tls.");
        if (openai && value != "tls")
            report("twiml_sip_transport_not_tls",
                   "transport is " + quoted(value) + ", and OpenAI takes calls over TLS only.");
    }

    void check_place(const SipUri& uri, std::string_view name, std::string_view known,
                     std::string_view code) {
        for (const auto& value : values_of(uri, name)) {
            if (has_word(known, ascii_lower(value))) continue;
            report(code, std::string(name) + " is " + quoted(value) + "; Twilio has " +
                             replace_all(known, " ", ", ") + ".");
        }
    }

    void check_other_parameters(const SipUri& uri) {
        check_place(uri, "region", "us1 us2 ie1 de1 sg1 jp1 br1 au1", "twiml_sip_region_unknown");
        check_place(uri, "edge",
                    "ashburn umatilla san-jose dublin frankfurt singapore tokyo sao-paulo sydney",
                    "twiml_sip_edge_unknown");
        if (!values_of(uri, "region").empty() && !values_of(uri, "edge").empty())
            report("twiml_sip_region_and_edge",
                   "The URI has region and edge; both choose where Twilio sends the call from.");
        for (const auto& value : values_of(uri, "secure")) {
            const auto lower = ascii_lower(value);
            if (lower != "true" && lower != "false")
                report(
                    "twiml_sip_secure_invalid",
                    "secure is " + quoted(value) + "; Twilio knows true and false, and takes this as false.");
        }
    }

    void check_headers(const SipUri& uri) {
        for (const auto& header : uri.headers) {
            const bool reserved = starts_with_ignoring_case(header.name, "X-Twilio");
            const bool own = starts_with_ignoring_case(header.name, "X-") && header.name.size() > 2;
            const auto known = [&](std::string_view name) { return equal_ignoring_case(header.name, name); };
            if (own && !reserved) continue;
            if (known("User-to-User") || known("Remote-Party-ID") || known("P-Preferred-Identity") ||
                known("P-Called-Party-ID"))
                continue;
            report(
                "twiml_sip_header_not_allowed",
                "Twilio does not send the header " + quoted(header.name) +
                    (reserved ? ": names that begin with X-Twilio are its own." : ": yours begin with X-."));
        }
    }

    const Element& element_;
    Findings& findings_;
};

void check_credentials(const Element& element, Findings& findings) {
    const auto* user = element.find("username");
    const auto* password = element.find("password");
    if ((user == nullptr) == (password == nullptr)) return;
    const auto* there = user == nullptr ? password : user;
    findings.add("twiml_sip_credentials_partial", element, *there,
                 there->name + " stands without " + (user == nullptr ? "username" : "password") +
                     ": Twilio cannot answer a challenge with one of them.");
}

}  // namespace

SipTarget check_sip_uri(const Judged& judged, std::size_t i, Findings& findings) {
    const auto& element = judged.element(i);
    check_credentials(element, findings);
    SipTarget target;
    bool nested = false;
    for (const auto child : judged.known_children(i)) {
        if (!judged.is(child, "Uri")) continue;
        nested = true;
        check_credentials(judged.element(child), findings);
        target.openai |= UriCheck(judged.element(child), findings).run().openai;
    }
    if (nested && trim(element.text).empty()) return target;
    target.openai |= UriCheck(element, findings).run().openai;
    return target;
}

}  // namespace callchain::twiml
