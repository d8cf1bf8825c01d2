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

/// What was seen, and what to do about it where the page of the code is too general.
struct Cause {
    std::string detail;
    std::string fix = {};
    [[nodiscard]] bool empty() const { return detail.empty(); }
};

std::string excerpt_at(std::string_view text, std::size_t offset) {
    constexpr std::size_t kMost = 24;
    return excerpt_of(text, offset, offset + 4 * kMost, kMost);
}

Cause about_ampersand(std::string_view text, std::size_t at) {
    const auto rest = text.substr(at + 1);
    const auto end = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_name_character) -
                                              rest.begin());
    const bool whole = end > 0 && end < rest.size() && rest[end] == ';';
    const auto name = safe_excerpt(rest.substr(0, end), 20);
    if (whole && rest.front() == '#')
        return {"The reference &" + name + "; names a character that cannot stand in XML, not even escaped.",
                "Take the character out of the text before the XML is built."};
    if (whole)
        return {"There is no entity &" + name +
                    "; in XML: it knows &amp; &lt; &gt; &quot; &apos; and numbers as &#160;. The others are "
                    "HTML's.",
                "Write the character itself in UTF-8, or its number, e.g. &#160; for a blank that does not "
                "break."};
    return {
        "A bare & stands here: in XML it is written &amp;. In a URL or SIP URI that is the & between two "
        "parameters or headers.",
        "Write &amp; for &."};
}

/// What the whole text is, if it is no XML at all.
Cause about_other_formats(std::string_view text) {
    const auto start = start_of(text);
    if (starts_with_ignoring_case(start, "<!doctype html") || starts_with_ignoring_case(start, "<html"))
        return {
            "This is an HTML page, as a framework or proxy sends it for an error: look at the route and "
            "the status of the answer.",
            "Look at the route that answered, and at the status and the log of the service."};
    if (start.starts_with("```"))
        return {"This begins with a Markdown fence, as when it was copied from a chat or a README.",
                "Remove the fences: the document begins with <?xml or <Response>."};
    if (start.starts_with("HTTP/"))
        return {
            "This is a whole HTTP response, with its status and headers in front of the document.",
            "Give the body alone, which begins behind the first empty line; curl prints no headers without "
            "-i."};
    if (start.starts_with('{') || start.starts_with('['))
        return {"This is JSON. Twilio's voice webhooks take XML with the Content-Type text/xml.",
                "Answer with the XML text, and with the Content-Type text/xml."};
    if (start.starts_with('"'))
        return {
            "This begins with a quotation mark, as when the document was sent as a JSON string: send the "
            "text itself.",
            "Send the text itself, not a JSON string of it."};
    if (!start.empty() && start.front() != '<')
        return {"This does not begin with <: it is plain text and no XML.",
                "Look at the route that answered, and remove what is printed in front of the document."};
    return {};
}

Cause about_quotes(std::string_view text, std::size_t offset) {
    if (offset == 0 || offset >= text.size()) return {};
    const auto before = trim_right(text.substr(0, offset));
    const auto rest = text.substr(offset);
    if (!before.ends_with('=')) return {};
    for (const std::string_view curly : {"\xE2\x80\x9C", "\xE2\x80\x9D", "\xE2\x80\x98", "\xE2\x80\x99"})
        if (rest.starts_with(curly))
            return {
                "The value stands in typographic quotes, as a word processor sets them: XML takes \" or '.",
                "Write \" around the value."};
    return {"The value stands without quotes: XML takes \" or ' around each.", "Write \" around the value."};
}

Cause about_bytes(std::string_view text, std::size_t offset) {
    if (offset >= text.size()) return {};
    const auto byte = static_cast<unsigned char>(text[offset]);
    if (utf8_sequence_length(text.substr(offset)) == 0)
        return {
            "The byte " + visible(text.substr(offset, 1)) +
                " is not UTF-8; it may be Latin-1 or windows-1252. Write the document as UTF-8.",
            "Save or send the document as UTF-8: iconv -f windows-1252 -t UTF-8 FILE shows whether that was "
            "it."};
    if (byte < 0x20 && !is_ascii_blank(text[offset]))
        return {"The control character " + visible(text.substr(offset, 1)) +
                    " cannot stand in XML, not even escaped.",
                "Take the character out of the text before the XML is built."};
    return {};
}

Cause about_less_than(std::string_view text, std::size_t offset) {
    const bool here = offset < text.size() && text[offset] == '<';
    const bool before = offset > 0 && text[offset - 1] == '<';
    if (here || before)
        return {"A bare < stands here: in text and in values it is written &lt;.", "Write &lt; for <."};
    return {};
}

Cause about_token(std::string_view text, std::size_t offset) {
    if (auto other = about_other_formats(text); !other.empty()) return other;
    if (auto bytes = about_bytes(text, offset); !bytes.empty()) return bytes;
    if (const auto at = ampersand_before(text, offset); at != kNpos) return about_ampersand(text, at);
    if (auto quotes = about_quotes(text, offset); !quotes.empty()) return quotes;
    if (auto less = about_less_than(text, offset); !less.empty()) return less;
    return {excerpt_at(text, offset) + " cannot stand here."};
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

Cause about_late_prolog(std::string_view text, std::size_t offset) {
    const auto front = text.substr(0, offset);
    const auto start = start_of(front);
    if (start.starts_with("HTTP/") || start.starts_with("```")) return about_other_formats(text);
    const std::string seen = trim(front).empty()
                                 ? count_of(front.size(), "blank or line end", "blanks or line ends")
                                 : excerpt_of(text, 0, offset, 24);
    return {"<?xml must be the very first thing, and " + seen + " stands in front of it.",
            "Remove what stands in front of <?xml."};
}

Cause about_unclosed(const XmlFault& fault) {
    if (fault.open_element.empty())
        return {"The text ends within a tag.", "Look where the text was cut, or write the missing >."};
    const auto end_tag = "</" + safe_excerpt(fault.open_element, 40) + ">";
    return {"The text ends while " + open_tag_of(fault) + " is still open: it was cut, or " + end_tag +
                " is missing.",
            "Write " + end_tag + " where the element ends, or look where the text was cut."};
}

Cause cause_of(std::string_view text, const XmlFault& fault) {
    using Kind = XmlFault::Kind;
    const auto offset = fault.place.offset;
    switch (fault.kind) {
        case Kind::doctype: {
            const auto other = about_other_formats(text).detail;
            return {std::string("The reading stops here: TwiML has no document type, and Twilio reads none.")
                        .append(other.empty() ? "" : " ")
                        .append(other)};
        }
        case Kind::too_deep:
            return {"More than " + std::to_string(kMostDepth) +
                    " elements stand within each other; what is further in was not read."};
        case Kind::second_root:
            return {"A second document begins here. Twilio takes one <Response> and nothing behind it."};
        case Kind::version:
            return {"<?xml declares a version of XML that is not 1.0; Twilio reads no other."};
        case Kind::junk_behind:
            return {excerpt_at(text, offset) + " stands behind the end of the document.",
                    "Remove what stands behind </Response>."};
        case Kind::prolog_late:
            return about_late_prolog(text, offset);
        case Kind::tag_mismatch:
            return {about_mismatch(text, fault), "Write </" + safe_excerpt(fault.open_element, 40) +
                                                     "> where " + open_tag_of(fault) +
                                                     " ends, or correct the name of the end tag."};
        case Kind::unclosed:
            return about_unclosed(fault);
        case Kind::no_element: {
            auto other = about_other_formats(text);
            return other.empty() ? Cause{"There is no element in it; the least is <Response/>.",
                                         "Answer with a <Response>; with nothing to do it is <Response/>."}
                                 : other;
        }
        case Kind::attribute_twice:
            return {"An attribute stands twice in this tag.", "Remove one of the two."};
        case Kind::entity_unknown:
            if (const auto at = ampersand_before(text, offset); at != kNpos) return about_ampersand(text, at);
            return {"XML knows &amp; &lt; &gt; &quot; &apos; and no other entity."};
        case Kind::encoding:
            return {
                "The encoding that <?xml declares is not the text's, or is not known: write the document "
                "as UTF-8 and declare that or nothing.",
                "Write the document as UTF-8, and encoding=\"UTF-8\" or nothing."};
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
    auto cause = cause_of(text, fault);
    if (fault.kind == Kind::too_deep) return findings.add("twiml_too_deep", fault.place, cause.detail);
    if (fault.kind == Kind::doctype) return findings.add("twiml_doctype", fault.place, cause.detail);
    if (fault.kind == Kind::version) return findings.add("twiml_xml_version", fault.place, cause.detail);
    if (fault.kind == Kind::second_root)
        return findings.add("twiml_second_response", fault.place, cause.detail);
    const auto offset = fault.place.offset;
    if (fault.kind == Kind::token && has_late_prolog(text, offset))
        cause = about_late_prolog(text, text.find("<?xml "));
    const bool reference = fault.kind == Kind::token || fault.kind == Kind::entity_unknown;
    const auto ampersand = reference ? ampersand_before(text, offset) : kNpos;
    auto place = fault.place;
    if (ampersand != kNpos) place = PlaceFinder(text).at(ampersand);
    findings.add("twiml_not_well_formed", place, std::move(cause.detail));
    findings.set_fix(std::move(cause.fix));
}

}  // namespace callchain::twiml
