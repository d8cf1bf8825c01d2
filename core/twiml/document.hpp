/// A TwiML document as a flat tree whose elements and attributes know where they stand in the text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::twiml {

/// A place in a text. Lines end at LF; a column counts characters, not bytes.
struct Place {
    std::size_t offset = 0;  ///< in bytes, from 0
    std::size_t line = 1;    ///< from 1
    std::size_t column = 1;  ///< from 1
    bool operator==(const Place&) const = default;
};

/// Turns offsets into places. Linear over all calls whose offsets do not fall. Borrows the text.
class PlaceFinder {
  public:
    explicit PlaceFinder(std::string_view text) : text_(text) {}
    /// An offset beyond the text is taken as its end; one within a character as the start of the next.
    [[nodiscard]] Place at(std::size_t offset);

  private:
    std::string_view text_;
    Place place_;
};

struct Attribute {
    std::string name;
    std::string value;  ///< references resolved
    Place place;        ///< of the name's first character
};

inline constexpr std::size_t kNoElement = static_cast<std::size_t>(-1);

struct Element {
    std::string name;
    Place place;                        ///< of its '<'
    std::size_t parent = kNoElement;    ///< index into Document::elements
    std::size_t depth = 0;              ///< of the root: 0
    std::size_t end = 0;                ///< offset behind its end tag; 0 where the reading stopped before it
    std::vector<Attribute> attributes;  ///< as written, each name once
    std::vector<std::size_t> children;
    std::string text;  ///< all character data directly within, references resolved
    Place text_place;  ///< of the first character of `text` that is no blank; of the element where there is
                       ///< none

    /// nullptr where there is no attribute of that very name.
    [[nodiscard]] const Attribute* find(std::string_view attribute) const;
};

/// Elements in the order of their start tags: the root first, and behind an element what stands within it.
struct Document {
    std::vector<Element> elements;
};

/// Why a text is no XML document that is read further.
struct XmlFault {
    enum class Kind {
        doctype,       ///< <!DOCTYPE: the reading stops before any entity is declared
        too_deep,      ///< more than kMostDepth elements within each other
        second_root,   ///< another element behind the root
        junk_behind,   ///< anything else behind the root
        prolog_late,   ///< <?xml …?> that is not the first thing of the text
        tag_mismatch,  ///< an end tag that does not fit the element that is open
        unclosed,      ///< the text ends while an element or a tag is open
        no_element,    ///< no element at all
        attribute_twice,
        entity_unknown,
        version,   ///< <?xml declares another version than 1.0
        encoding,  ///< the declared encoding is not known, or is not that of the text
        token,     ///< something that cannot stand there
    };
    Kind kind = Kind::token;
    Place place;
    std::string open_element = {};  ///< the innermost open element, where there is one
    Place open_place = {};
};

struct Reading {
    Document document;  ///< with a fault: what was read until then
    std::optional<XmlFault> fault;
};

/// TwiML needs a handful; the rest is room for nested speech mark-up.
inline constexpr std::size_t kMostDepth = 256;
/// Longer texts are not read: the caller checks.
inline constexpr std::size_t kMostTextBytes = std::size_t{1} << 20U;

/// Reads strict XML 1.0 without namespaces. Nothing outside of the text is looked up, no entity is expanded
/// but the five of XML, and nothing recurs.
/// Source: XML 1.0, fifth edition.
[[nodiscard]] Reading read_document(std::string_view text);

}  // namespace callchain::twiml
