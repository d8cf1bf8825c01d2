/// What stands behind an XML fault: the most likely cause, where it can be seen.
#include "base/redact.hpp"
#include "base/text.hpp"
#include "twiml/lint_rules.hpp"

#include <algorithm>
#include <array>

namespace callchain::twiml {
namespace {

constexpr auto kNpos = std::string_view::npos;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_name_character(char c) {
    return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
           c == '.' || c == '#';
}

/// The text in front of which nothing but a mark and blanks stands.
std::string_view start_of(std::string_view text) {
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    return trim_left(text);
}

/// The '&' that the parser stumbled over a few characters later.
std::size_t ampersand_before(std::string_view text, std::size_t offset) {
    std::size_t at = std::min(offset, text.size());
    if (at < text.size() && text[at] == '&') return at;
    while (at > 0 && is_name_character(text[at - 1])) --at;
    return at > 0 && text[at - 1] == '&' ? at - 1 : kNpos;
}

std::string excerpt_at(std::string_view text, std::size_t offset) {
    return "\"" + safe_excerpt(text.substr(std::min(offset, text.size())), 24) + "\"";
}

std::string about_ampersand(std::string_view text, std::size_t at) {
    const auto rest = text.substr(at + 1);
    const auto end = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_name_character) -
                                              rest.begin());
    if (end > 0 && end < rest.size() && rest[end] == ';')
        return "There is no entity &" + safe_excerpt(rest.substr(0, end), 20) +
               "; in XML: it knows &amp; &lt; &gt; &quot; &apos; and numbers as &#160;. The others are "
               "HTML's.";
    return "A bare & stands here: in XML it is written &amp;. In a URL or SIP URI that is the & between two "
           "parameters or headers.";
}

/// What the whole text is, if it is no XML at all.
std::string about_other_formats(std::string_view text) {
    const auto start = start_of(text);
    if (starts_with_ignoring_case(start, "<!doctype html") || starts_with_ignoring_case(start, "<html"))
        return "This is an HTML page, as a framework or proxy sends it for an error: look at the route and "
               "the status of the answer.";
    if (start.starts_with('{') || start.starts_with('['))
        return "This is JSON. Twilio's voice webhooks take XML with the Content-Type text/xml.";
    if (start.starts_with('"'))
        return "This begins with a quotation mark, as when the document was sent as a JSON string: send the "
               "text itself.";
    if (!start.empty() && start.front() != '<')
        return "This does not begin with <: it is plain text and no XML.";
    return {};
}

std::string about_quotes(std::string_view text, std::size_t offset) {
    if (offset == 0 || offset >= text.size()) return {};
    const auto before = trim_right(text.substr(0, offset));
    const auto rest = text.substr(offset);
    if (!before.ends_with('=')) return {};
    for (const std::string_view curly : {"\xE2\x80\x9C", "\xE2\x80\x9D", "\xE2\x80\x98", "\xE2\x80\x99"})
        if (rest.starts_with(curly))
            return "The value stands in typographic quotes, as a word processor sets them: XML takes \" or "
                   "'.";
    return "The value stands without quotes: XML takes \" or ' around each.";
}

std::string about_bytes(std::string_view text, std::size_t offset) {
    if (offset >= text.size()) return {};
    const auto byte = static_cast<unsigned char>(text[offset]);
    if (utf8_sequence_length(text.substr(offset)) == 0)
        return "The byte " + visible(text.substr(offset, 1)) +
               " is not UTF-8; it may be Latin-1 or windows-1252. Write the document as UTF-8.";
    if (byte < 0x20 && !is_ascii_blank(text[offset]))
        return "The control character " + visible(text.substr(offset, 1)) +
               " cannot stand in XML, not even escaped.";
    return {};
}

std::string about_less_than(std::string_view text, std::size_t offset) {
    const bool here = offset < text.size() && text[offset] == '<';
    const bool before = offset > 0 && text[offset - 1] == '<';
    if (here || before) return "A bare < stands here: in text and in values it is written &lt;.";
    return {};
}

std::string about_token(std::string_view text, std::size_t offset) {
    if (auto other = about_other_formats(text); !other.empty()) return other;
    if (auto bytes = about_bytes(text, offset); !bytes.empty()) return bytes;
    if (const auto at = ampersand_before(text, offset); at != kNpos) return about_ampersand(text, at);
    if (auto quotes = about_quotes(text, offset); !quotes.empty()) return quotes;
    if (auto less = about_less_than(text, offset); !less.empty()) return less;
    return excerpt_at(text, offset) + " cannot stand here.";
}

std::string open_tag_of(const XmlFault& fault) {
    return "<" + safe_excerpt(fault.open_element, 40) + "> of line " + std::to_string(fault.open_place.line);
}

std::string about_mismatch(std::string_view text, const XmlFault& fault) {
    auto name = text.substr(std::min(fault.place.offset, text.size()));
    name.remove_prefix(name.starts_with("</") ? 2 : 0);
    name = name.substr(0, name.find_first_of("> \t\r\n"));
    const std::string closing = "</" + safe_excerpt(name, 40) + ">";
    if (name != fault.open_element && equal_ignoring_case(name, fault.open_element))
        return closing + " closes " + open_tag_of(fault) + " in another letter case; XML tells them apart.";
    return closing + " stands where " + open_tag_of(fault) + " is still open: close that one first.";
}

std::string about_late_prolog(std::string_view text, std::size_t offset) {
    const auto front = text.substr(0, offset);
    const std::string seen = trim(front).empty()
                                 ? count_of(front.size(), "blank or line end", "blanks or line ends")
                                 : "\"" + safe_excerpt(front, 24) + "\"";
    return "<?xml must be the very first thing, and " + seen + " stands in front of it.";
}

std::string detail_of(std::string_view text, const XmlFault& fault) {
    using Kind = XmlFault::Kind;
    const auto offset = fault.place.offset;
    switch (fault.kind) {
        case Kind::doctype: {
            const auto other = about_other_formats(text);
            return "The reading stops here: TwiML has no document type, and Twilio reads none." +
                   (other.empty() ? "" : " " + other);
        }
        case Kind::too_deep:
            return "More than " + std::to_string(kMostDepth) +
                   " elements stand within each other; what is further in was not read.";
        case Kind::second_root:
            return "A second document begins here. Twilio takes one <Response> and nothing behind it.";
        case Kind::junk_behind:
            return excerpt_at(text, offset) + " stands behind the end of the document.";
        case Kind::prolog_late:
            return about_late_prolog(text, offset);
        case Kind::tag_mismatch:
            return about_mismatch(text, fault);
        case Kind::unclosed:
            if (fault.open_element.empty()) return "The text ends within a tag.";
            return "The text ends while " + open_tag_of(fault) + " is still open: it was cut, or </" +
                   safe_excerpt(fault.open_element, 40) + "> is missing.";
        case Kind::no_element: {
            const auto other = about_other_formats(text);
            return other.empty() ? "There is no element in it; the least is <Response/>." : other;
        }
        case Kind::attribute_twice:
            return "An attribute stands twice in this tag.";
        case Kind::entity_unknown:
            if (const auto at = ampersand_before(text, offset); at != kNpos) return about_ampersand(text, at);
            return "XML knows &amp; &lt; &gt; &quot; &apos; and no other entity.";
        case Kind::encoding:
            return "The encoding that <?xml declares is not the text's, or is not known: write the document "
                   "as "
                   "UTF-8 and declare that or nothing.";
        case Kind::token:
            break;
    }
    return about_token(text, offset);
}

/// Junk in front of <?xml makes the parser stumble at the junk, before it sees the prolog.
bool has_late_prolog(std::string_view text, std::size_t offset) {
    const auto prolog = text.find("<?xml ");
    if (prolog == kNpos || prolog == 0 || offset > prolog) return false;
    return prolog != kByteOrderMark.size() || !text.starts_with(kByteOrderMark);
}

}  // namespace

void check_fault(std::string_view text, const XmlFault& fault, Findings& findings) {
    using Kind = XmlFault::Kind;
    if (fault.kind == Kind::too_deep)
        return findings.add("twiml_too_deep", fault.place, detail_of(text, fault));
    if (fault.kind == Kind::doctype)
        return findings.add("twiml_doctype", fault.place, detail_of(text, fault));
    if (fault.kind == Kind::second_root)
        return findings.add("twiml_second_response", fault.place, detail_of(text, fault));
    const auto offset = fault.place.offset;
    if (fault.kind == Kind::token && has_late_prolog(text, offset))
        return findings.add("twiml_not_well_formed", fault.place,
                            about_late_prolog(text, text.find("<?xml ")));
    const bool reference = fault.kind == Kind::token || fault.kind == Kind::entity_unknown;
    const auto ampersand = reference ? ampersand_before(text, offset) : kNpos;
    auto place = fault.place;
    if (ampersand != kNpos) place = PlaceFinder(text).at(ampersand);
    findings.add("twiml_not_well_formed", place, detail_of(text, fault));
}

}  // namespace callchain::twiml
