#include "twiml/document.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cassert>
#include <expat.h>
#include <memory>

namespace callchain::twiml {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    while (at < text.size() && is_ascii_blank(text[at])) ++at;
    return at;
}

/// Where each attribute's name begins within a well-formed start tag, in order.
std::vector<std::size_t> attribute_offsets(std::string_view tag) {
    std::vector<std::size_t> offsets;
    std::size_t at = tag.find_first_of(" \t\r\n/>");
    while (at < tag.size()) {
        at = skip_blanks(tag, at);
        const auto equals = tag.find('=', at);
        if (at >= tag.size() || tag[at] == '/' || tag[at] == '>' || equals == std::string_view::npos) break;
        offsets.push_back(at);
        const auto quote = skip_blanks(tag, equals + 1);
        const auto closing = quote < tag.size() ? tag.find(tag[quote], quote + 1) : std::string_view::npos;
        at = closing == std::string_view::npos ? tag.size() : closing + 1;
    }
    return offsets;
}

struct FreeParser {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser>;

/// What the callbacks of one reading share.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text), places_(text) {}

    Reading read() {
        const Parser parser(XML_ParserCreate(nullptr));
        parser_ = parser.get();
        XML_SetUserData(parser_, this);
        XML_SetElementHandler(parser_, &Reader::on_start, &Reader::on_end);
        XML_SetCharacterDataHandler(parser_, &Reader::on_text);
        XML_SetXmlDeclHandler(parser_, &Reader::on_declaration);
        XML_SetStartDoctypeDeclHandler(parser_, &Reader::on_doctype);
        assert(text_.size() <= kMostTextBytes);
        const auto status = XML_Parse(parser_, text_.data(), static_cast<int>(text_.size()), XML_TRUE);
        if (status != XML_STATUS_OK && !reading_.fault) note_fault(kind_of_error());
        return std::move(reading_);
    }

  private:
    static Reader& self(void* data) { return *static_cast<Reader*>(data); }

    static void on_start(void* data, const XML_Char* name, const XML_Char** attributes) {
        self(data).start(name, attributes);
    }
    static void on_end(void* data, const XML_Char*) { self(data).end(); }
    static void on_text(void* data, const XML_Char* text, int length) {
        self(data).add_text({text, static_cast<std::size_t>(length)});
    }
    static void on_declaration(void* data, const XML_Char* version, const XML_Char*, int) {
        if (version != nullptr && std::string_view(version) != "1.0")
            self(data).stop(XmlFault::Kind::version);
    }
    static void on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
        auto& reader = self(data);
        reader.stop(XmlFault::Kind::doctype);
        // The parser tells of it when it has read the name behind it.
        const auto start = reader.text_.rfind("<!DOCTYPE", reader.offset());
        if (start != std::string_view::npos) reader.reading_.fault->place = reader.places_.at(start);
    }

    [[nodiscard]] std::size_t offset() const {
        const auto index = XML_GetCurrentByteIndex(parser_);
        return index < 0 ? text_.size() : std::min(static_cast<std::size_t>(index), text_.size());
    }
    [[nodiscard]] std::string_view event_text() const {
        return text_.substr(offset(),
                            static_cast<std::size_t>(std::max(XML_GetCurrentByteCount(parser_), 0)));
    }

    void start(const XML_Char* name, const XML_Char** attributes) {
        if (reading_.fault) return;
        if (open_.size() >= kMostDepth) return stop(XmlFault::Kind::too_deep);
        auto& elements = reading_.document.elements;
        Element element;
        element.name = name;
        element.place = places_.at(offset());
        element.text_place = element.place;
        element.depth = open_.size();
        const auto offsets = attribute_offsets(event_text());
        for (std::size_t i = 0; attributes[2 * i] != nullptr; ++i) {
            const auto at = i < offsets.size() ? element.place.offset + offsets[i] : element.place.offset;
            element.attributes.push_back({attributes[2 * i], attributes[2 * i + 1], places_.at(at)});
        }
        if (!open_.empty()) {
            element.parent = open_.back();
            elements[open_.back()].children.push_back(elements.size());
        }
        open_.push_back(elements.size());
        elements.push_back(std::move(element));
    }

    void end() {
        if (reading_.fault) return;
        // An empty-element tag ends where it starts, without bytes of its own.
        auto& element = reading_.document.elements[open_.back()];
        element.end = std::max(offset() + event_text().size(), element.place.offset + 1);
        open_.pop_back();
    }

    void add_text(std::string_view piece) {
        if (reading_.fault || open_.empty()) return;
        auto& element = reading_.document.elements[open_.back()];
        const auto blanks = piece.size() - trim_left(piece).size();
        if (blanks < piece.size() && element.text_place == element.place)
            element.text_place = places_.at(offset() + blanks);
        element.text += piece;
    }

    void note_fault(XmlFault::Kind kind) {
        XmlFault fault{kind, places_.at(offset())};
        if (!open_.empty()) {
            fault.open_element = reading_.document.elements[open_.back()].name;
            fault.open_place = reading_.document.elements[open_.back()].place;
        }
        reading_.fault = std::move(fault);
    }
    void stop(XmlFault::Kind kind) {
        note_fault(kind);
        XML_StopParser(parser_, XML_FALSE);
    }

    [[nodiscard]] XmlFault::Kind kind_of_error() const {
        using Kind = XmlFault::Kind;
        const bool root_is_closed = open_.empty() && !reading_.document.elements.empty();
        switch (XML_GetErrorCode(parser_)) {
            case XML_ERROR_TAG_MISMATCH:
                return Kind::tag_mismatch;
            case XML_ERROR_DUPLICATE_ATTRIBUTE:
                return Kind::attribute_twice;
            case XML_ERROR_UNDEFINED_ENTITY:
                return Kind::entity_unknown;
            case XML_ERROR_UNKNOWN_ENCODING:
            case XML_ERROR_INCORRECT_ENCODING:
                return Kind::encoding;
            case XML_ERROR_MISPLACED_XML_PI:
                return root_is_closed ? Kind::junk_behind : Kind::prolog_late;
            case XML_ERROR_JUNK_AFTER_DOC_ELEMENT: {
                const auto rest = text_.substr(offset());
                return rest.size() > 1 && rest[0] == '<' && rest[1] != '/' && rest[1] != '!' && rest[1] != '?'
                           ? Kind::second_root
                           : Kind::junk_behind;
            }
            case XML_ERROR_NO_ELEMENTS:
                return open_.empty() ? Kind::no_element : Kind::unclosed;
            case XML_ERROR_UNCLOSED_TOKEN:
            case XML_ERROR_UNCLOSED_CDATA_SECTION:
                return root_is_closed ? Kind::junk_behind : Kind::unclosed;
            default:
                return root_is_closed ? Kind::junk_behind : Kind::token;
        }
    }

    std::string_view text_;
    PlaceFinder places_;
    XML_Parser parser_ = nullptr;
    Reading reading_;
    std::vector<std::size_t> open_;
};

}  // namespace

Place PlaceFinder::at(std::size_t offset) {
    offset = std::min(offset, text_.size());
    if (offset < place_.offset) place_ = {};
    if (place_.offset == 0 && offset >= kByteOrderMark.size() && text_.starts_with(kByteOrderMark))
        place_.offset = kByteOrderMark.size();
    while (place_.offset < offset) {
        const auto rest = text_.substr(place_.offset);
        if (rest.front() == '\n') {
            ++place_.line;
            place_.column = 1;
        } else {
            ++place_.column;
        }
        place_.offset += std::max<std::size_t>(utf8_sequence_length(rest), 1);
    }
    return place_;
}

const Attribute* Element::find(std::string_view attribute) const {
    const auto found = std::find_if(attributes.begin(), attributes.end(),
                                    [&](const Attribute& each) { return each.name == attribute; });
    return found == attributes.end() ? nullptr : &*found;
}

Reading read_document(std::string_view text) { return Reader(text).read(); }

}  // namespace callchain::twiml
