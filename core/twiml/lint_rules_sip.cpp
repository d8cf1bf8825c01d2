/// The URI within <Sip>: its form, its parameters and headers, and what OpenAI wants of it.
#include "base/endpoint.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/caller_id.hpp"
#include "twiml/lint_rules.hpp"
#include "twiml/sip_uri.hpp"

#include <algorithm>
#include <set>
#include <span>

namespace callchain::twiml {
namespace {

constexpr auto kNpos = std::string_view::npos;

/// A host that takes SIP calls for OpenAI's models.
bool takes_openai_calls(std::string_view host) {
    const auto kind = kind_of_host(host);
    return kind == SipHost::openai || kind == SipHost::azure;
}

/// How many bytes of XML stand for the first `count` bytes of what they mean, or npos where that cannot be
/// told, as with CDATA.
std::size_t length_in_source(std::string_view source, std::string_view text, std::size_t count) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < count;) {
        if (at >= source.size()) return kNpos;
        if (source[at] == '&') {
            const auto end = source.find(';', at);
            if (end == kNpos) return kNpos;
            at = end + 1;
            i += std::max<std::size_t>(utf8_sequence_length(text.substr(i)), 1);
        } else if (source[at++] != text[i++]) {
            return kNpos;
        }
    }
    return at;
}

bool is_project_id(std::string_view user) {
    constexpr std::string_view kPrefix = "proj_";
    if (!user.starts_with(kPrefix) || user.size() == kPrefix.size()) return false;
    const auto rest = user.substr(kPrefix.size());
    if (is_unset_word(rest)) return false;
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

/// Reports about one URI, at its text or at a place in it.
class UriCheck {
  public:
    UriCheck(const Judged& judged, std::size_t i, Findings& findings)
        : judged_(judged), element_(judged.element(i)), text_(trim(element_.text)), findings_(findings) {}

    SipTarget run() {
        const auto text = text_;
        if (text.empty()) return report("twiml_sip_uri_malformed", "This <Sip> has no URI."), SipTarget{};
        if (text.size() != element_.text.size())
            report(
                "twiml_sip_uri_blanks",
                "Blanks or line ends stand around the URI; Twilio's own samples have them, and nothing says "
                "that every SIP stack on the way forgives them.");
        check_lengths(text);
        const auto at = text.find('@');
        const auto question = text.find('?', at == kNpos ? 0 : at);
        // A fault of a header costs the header, not the call.
        const auto uri = parse_sip_uri(text.substr(0, question));
        if (!uri) {
            report_malformed(uri.error());
            return {openai_by_sight(text)};
        }
        check_scheme_and_user(*uri);
        check_host(*uri);
        check_transport(*uri);
        check_other_parameters(*uri);
        if (question != kNpos) check_headers(question + 1);
        return {takes_openai_calls(uri->host)};
    }

  private:
    void report(std::string_view code, std::string detail) {
        findings_.add_at_text(code, element_, std::move(detail));
    }

    /// At that byte of the URI, where the document shows it byte by byte.
    void report_at(std::string_view code, std::size_t offset, std::string detail, int twilio_code) {
        auto place = element_.text_place;
        if (!findings_.wants_more()) offset = 0;
        const auto source = judged_.source.substr(std::min(place.offset, judged_.source.size()));
        const auto length = length_in_source(source, text_, std::min(offset, text_.size()));
        const auto front = source.substr(0, length == kNpos ? 0 : length);
        if (front.find('\n') == kNpos) {
            place.offset += front.size();
            place.column += count_characters(front);
        }
        findings_.add(code, place, std::move(detail), element_.name, {}, twilio_code);
    }

    void report_malformed(const Error& error) {
        auto detail = safe_excerpt(error.message, 200) + (error.hint.empty() ? "" : "; " + error.hint) + ".";
        report_at("twiml_sip_uri_malformed", error.offset.value_or(0), std::move(detail), 0);
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
        const auto header_length = question == kNpos ? 0 : count_characters(text.substr(question));
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
        if (kind_of_host(uri.host) == SipHost::openai) {
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
        const auto lower = ascii_lower(host);
        const auto kind = kind_of_host(host);
        if (is_private_host(host))
            report("twiml_sip_host_private", "The host " + quoted(host) + " is none of the public network.");
        // A trunk towards the telephone network; Source: Twilio, "Elastic SIP Trunking", termination URI.
        const bool trunk = lower.ends_with(".twilio.com") && lower.find(".pstn.") != kNpos;
        if (trunk && judged_.chain == Chain::whatsapp)
            report(
                "twiml_pstn_on_whatsapp",
                "The host " + quoted(host) +
                    " is a trunk of Twilio to the telephone network. On a WhatsApp call Meta's terms forbid "
                    "that on any leg.");
        else if (lower.ends_with(".twilio.com") && lower.find(".sip.") != kNpos)
            report("twiml_sip_host_twilio",
                   "The host " + quoted(host) +
                       " is a SIP domain of Twilio itself: only users registered there, "
                       "in your own account, can be called.");
        else if (kind == SipHost::other && judged_.chain == Chain::whatsapp)
            check_for_phone(uri);
        if (kind == SipHost::openai_unknown)
            report("twiml_sip_host_openai",
                   "The host " + quoted(host) + " takes no SIP calls: OpenAI's is sip.api.openai.com.");
        if (kind == SipHost::openai_misspelt)
            report("twiml_sip_host_misspelt", "The host " + quoted(host) + " is not OpenAI's. Did you mean " +
                                                  meant_openai_host(lower) + "?");
        if (kind == SipHost::openai && uri.port && *uri.port != 5061)
            report("twiml_sip_port_openai",
                   "The port is " + std::to_string(*uri.port) +
                       ", and OpenAI takes calls at port 5061, which TLS has by itself.");
    }

    void check_for_phone(const SipUri& uri) {
        const auto users = values_of(uri, "user");
        const bool phone = !users.empty() && equal_ignoring_case(users.front(), "phone");
        if (phone || is_e164(uri.user))
            report("twiml_sip_uri_phone",
                   "The user part " + quoted(uri.user) +
                       " is a phone number: no leg of a WhatsApp call may go on to the "
                       "telephone network from " +
                       quoted(uri.host) + ".");
    }

    void check_transport(const SipUri& uri) {
        const auto values = values_of(uri, "transport");
        const bool openai = takes_openai_calls(uri.host);
        const std::string taker = kind_of_host(uri.host) == SipHost::azure ? "Azure" : "OpenAI";
        if (values.size() > 1)
            return report("twiml_sip_transport_repeated",
                          "transport stands " + std::to_string(values.size()) + " times in the URI" +
                              (openai ? "; OpenAI answers that with 403." : "."));
        if (values.empty() && uri.scheme == "sip" && openai)
            return report("twiml_sip_transport_not_tls",
                          "There is no transport=tls, so Twilio sends UDP, and " + taker +
                              " takes calls over TLS only.");
        if (values.empty()) return;
        const auto value = ascii_lower(values.front());
        if (value != "tls" && value != "tcp" && value != "udp")
            return report("twiml_sip_transport_unknown",
                          "transport is " + quoted(values.front()) + "; Twilio knows udp, tcp and tls.");
        if (openai && value != "tls")
            report("twiml_sip_transport_not_tls",
                   "transport is " + quoted(value) + ", and " + taker + " takes calls over TLS only.");
    }

    void check_place(const SipUri& uri, std::string_view name, std::span<const std::string_view> known,
                     std::string_view code) {
        for (const auto& value : values_of(uri, name)) {
            if (std::find(known.begin(), known.end(), ascii_lower(value)) != known.end()) continue;
            report(code, std::string(name) + " is " + quoted(value) + "; Twilio has " +
                             join({known.begin(), known.end()}, ", ") + ".");
        }
    }

    /// transport has a rule of its own.
    void check_parameter_names(const SipUri& uri) {
        // RFC 3261 section 19.1.1, and Twilio's own.
        constexpr std::string_view kKnown = "transport user method ttl maddr lr region edge secure";
        std::set<std::string> seen;
        std::set<std::string> told;
        for (const auto& parameter : uri.parameters) {
            const auto name = ascii_lower(parameter.name);
            if (!has_word(kKnown, name)) {
                if (!told.insert(name).second) continue;
                const auto near = nearest_word(name, kKnown);
                report("twiml_sip_parameter_unknown",
                       "The parameter " + quoted(name) + " is none that Twilio or SIP knows." +
                           (near.empty() ? "" : " Did you mean " + std::string(near) + "?"));
            } else if (name != "transport" && !seen.insert(name).second && told.insert(name).second) {
                report("twiml_sip_parameter_repeated", name + " stands more than once in the URI.");
            }
        }
    }

    void check_other_parameters(const SipUri& uri) {
        check_parameter_names(uri);
        check_place(uri, "region", twilio_regions(), "twiml_sip_region_unknown");
        check_place(uri, "edge", twilio_edges(), "twiml_sip_edge_unknown");
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

    void check_headers(std::size_t begin) {
        for (const auto part : split(text_.substr(begin), '&')) {
            check_header(part, begin);
            begin += part.size() + 1;
        }
    }

    /// Source: Twilio, errors 32110 to 32113 and 13252.
    void check_header(std::string_view part, std::size_t begin) {
        constexpr std::string_view kFront = "sip:u@h?";
        const auto equals = part.find('=');
        const auto name = part.substr(0, equals);
        const auto code = std::string_view("twiml_sip_header_malformed");
        if (part.empty())
            return report_at(code, begin, "There is no header where one should stand, behind ? or &.", 0);
        if (equals == kNpos)
            return report_at(code, begin, "The header " + quoted(name) + " has no = and no value.", 0);
        const auto parsed = parse_sip_uri(std::string(kFront).append(part));
        if (!parsed) {
            const auto at = parsed.error().offset.value_or(kFront.size()) - kFront.size();
            const bool of_name = at <= equals && at < part.size() && (at < equals || name.empty());
            return report_at(
                code, begin + at,
                (of_name ? "The name of the header " : "The value of the header ") + quoted(name) +
                    " cannot be read: " + safe_excerpt(reason_of(parsed.error()), 200) + ". Twilio drops it.",
                of_name ? 32111 : 32112);
        }
        const auto& header = parsed->headers.front();
        if (is_header_passed_on(header.name)) return;
        const bool reserved = is_header_of_twilio(header.name);
        report_at("twiml_sip_header_not_allowed", begin,
                  "Twilio does not send the header " + quoted(header.name) +
                      (reserved ? ": names that begin with X-Twilio are its own." : ": yours begin with X-."),
                  reserved ? 32113 : 0);
    }

    /// Without the place, which is that of another text.
    static std::string reason_of(const Error& error) {
        auto reason = error.message.substr(0, error.message.rfind(" at byte "));
        if (reason.starts_with("not a SIP URI: ")) reason.erase(0, 15);
        return error.hint.empty() ? reason : reason + "; " + error.hint;
    }

    const Judged& judged_;
    const Element& element_;
    std::string_view text_;
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
        target.openai |= UriCheck(judged, child, findings).run().openai;
    }
    if (nested && trim(element.text).empty()) return target;
    target.openai |= UriCheck(judged, i, findings).run().openai;
    return target;
}

}  // namespace callchain::twiml
