/// Small XML documents, in the bytes that Twilio's own library for Node.js writes.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace callchain::twiml {

struct XmlAttribute {
    std::string name;
    std::string value;
};

/// One element: its attributes in order, then its text, then its children. TwiML mixes the last two nowhere.
/// Names are ours and written as they stand.
struct XmlElement {
    std::string name;
    std::vector<XmlAttribute> attributes = {};
    std::string text = {};
    std::vector<XmlElement> children = {};
};

/// The prolog and the element without any blank or line end between them; `<Hangup/>` where there is nothing
/// within. Nothing is taken for an entity: `&amp;` becomes `&amp;amp;`.
/// Errors: usage, naming the attribute or element, for what XML 1.0 cannot carry: control characters but TAB,
/// LF and CR, U+FFFE and U+FFFF, and bytes that are not UTF-8. Offset: within the value.
/// (Twilio's library refuses those in text only; in an attribute it writes them, and the result is no XML.)
/// Source: npm twilio 6.2.0 with xmlbuilder 13.0.2, run; XML 1.0 section 2.2.
[[nodiscard]] Result<std::string> write_xml_document(const XmlElement& root);

/// Offset of the first byte of `text` that XML 1.0 cannot carry, or npos.
[[nodiscard]] std::size_t find_no_xml_character(std::string_view text);

/// C0, DEL, and C1 written in UTF-8: what no URL of a document may hold, though XML could carry most of it.
[[nodiscard]] bool has_control_character(std::string_view text);

}  // namespace callchain::twiml
