/// Whatever an application answers: judging it ends, says the same twice, and points into the text; what is
/// read as XML is a tree.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "twiml/document.hpp"
#include "twiml/lint.hpp"

#include <cstdint>

namespace callchain::twiml {
namespace {

void require_place(const Place& place, std::string_view text) {
    require(place.offset <= text.size() && place.line >= 1 && place.column >= 1);
    require(PlaceFinder(text).at(place.offset) == place);
}

void require_tree(const Document& document, std::string_view text, bool whole) {
    const auto& elements = document.elements;
    std::size_t children = 0;
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const auto& element = elements[i];
        require_place(element.place, text);
        require(element.place.offset < text.size() && text[element.place.offset] == '<');
        require((i == 0) == (element.parent == kNoElement) && element.depth < kMostDepth);
        if (i > 0) {
            const auto& parent = elements[element.parent];
            require(element.parent < i && element.depth == parent.depth + 1);
            require(parent.place.offset < element.place.offset && (!whole || element.end <= parent.end));
        }
        require(!whole || (element.end > element.place.offset && text[element.end - 1] == '>'));
        for (const auto& attribute : element.attributes) {
            require_place(attribute.place, text);
            require(attribute.place.offset > element.place.offset);
            require(element.find(attribute.name) == &attribute);
        }
        children += element.children.size();
    }
    require(elements.empty() || children == elements.size() - 1);
    require(!whole || !elements.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (!check_is_text(text)) return 0;
    const auto reading = read_document(text);
    // Another encoding than UTF-8 may be declared; then names are not those of the text, but places are.
    require_tree(reading.document, text, !reading.fault);

    for (const auto chain : {Chain::whatsapp, Chain::phone}) {
        const auto report = lint_twiml(text, chain);
        const auto again = lint_twiml(text, chain);
        require(report.findings.size() == again.findings.size() && report.codes == again.codes);
        require(!reading.fault || !report.ok());
        require(report.errors + report.warnings + report.infos == report.findings.size() + report.left_off);
        std::size_t last = 0;
        const SourceLines lines(text);
        for (std::size_t i = 0; i < report.findings.size(); ++i) {
            const auto& finding = report.findings[i];
            require(finding.detail == again.findings[i].detail && finding.place == again.findings[i].place);
            require(finding.place.offset >= last && !finding.detail.empty());
            require(visible(finding.detail) == finding.detail);
            last = finding.place.offset;
            require_place(finding.place, text);
            const auto line = lines.at(finding.place, 80);
            require(visible(line.text) == line.text && line.caret <= line.text.size());
        }
    }
    return 0;
}

}  // namespace callchain::twiml
