#include "twiml/xml_writer.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"

namespace callchain::twiml {
namespace {

enum class Place { text, attribute };

// A tab or line end in an attribute would be read back as a blank (XML 1.0 section 3.3.3), a CR in text as LF
// (section 2.11); a '>' matters in text only, where "]]>" must not stand.
std::string escaped(std::string_view value, Place place) {
    const bool attribute = place == Place::attribute;
    std::string out;
    out.reserve(value.size());
    for (const char c : value) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>' && !attribute)
            out += "&gt;";
        else if (c == '"' && attribute)
            out += "&quot;";
        else if (c == '\t' && attribute)
            out += "&#x9;";
        else if (c == '\n' && attribute)
            out += "&#xA;";
        else if (c == '\r')
            out += "&#xD;";
        else
            out += c;
    }
    return out;
}

Result<std::string> checked(std::string_view value, const std::string& where, Place place) {
    const auto bad = find_no_xml_character(value);
    if (bad == std::string_view::npos) return escaped(value, place);
    const bool no_utf8 = utf8_sequence_length(value.substr(bad)) == 0;
    return fail_at(
        bad, ErrorCode::usage,
        where + " holds " + (no_utf8 ? "bytes that are not UTF-8" : "a character that XML 1.0 cannot carry") +
            " at byte " + std::to_string(bad) + ": \"" + safe_excerpt(value.substr(bad), 20) + "\"",
        no_utf8 ? "write it in UTF-8" : "take it out; no escape stands for it in XML 1.0");
}

// Depth is that of our own documents, three.
Result<void> append(const XmlElement& element, std::string& out) {
    out += "<" + element.name;
    for (const auto& [name, value] : element.attributes) {
        const auto where = "attribute " + name + " of <" + element.name + ">";
        out += " " + name + "=\"" + CALLCHAIN_TRY(checked(value, where, Place::attribute))
        +"\"";
    }
    if (element.text.empty() && element.children.empty()) {
        out += "/>";
        return {};
    }
    out += ">" + CALLCHAIN_TRY(checked(element.text, "the text of <" + element.name + ">", Place::text));
    for (const auto& child : element.children) CALLCHAIN_TRY(append(child, out));
    out += "</" + element.name + ">";
    return {};
}

bool is_xml_character(std::string_view sequence) {
    if (sequence.size() == 1) {
        const auto c = static_cast<unsigned char>(sequence[0]);
        return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
    }
    return sequence != "\xEF\xBF\xBE" && sequence != "\xEF\xBF\xBF";
}

}  // namespace

Result<std::string> write_xml_document(const XmlElement& root) {
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    CALLCHAIN_TRY(append(root, out));
    return out;
}

std::size_t find_no_xml_character(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto length = utf8_sequence_length(text.substr(at));
        if (length == 0 || !is_xml_character(text.substr(at, length))) return at;
        at += length;
    }
    return std::string_view::npos;
}

bool has_control_character(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7F) return true;
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        if (byte == 0xC2 && next >= 0x80 && next <= 0x9F) return true;
    }
    return false;
}

}  // namespace callchain::twiml
