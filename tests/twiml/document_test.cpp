#include "twiml/document.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace callchain::twiml {
namespace {

using Kind = XmlFault::Kind;

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

TEST(ReadDocument, KeepsTheTreeInTheOrderOfStartTags) {
    const auto [document, fault] = read_document("<a><b x='1'>t<c/>u</b><d/></a>");
    ASSERT_FALSE(fault);
    ASSERT_EQ(document.elements.size(), 4U);
    const auto& b = document.elements[1];
    EXPECT_EQ(b.name, "b");
    EXPECT_EQ(b.text, "tu");
    EXPECT_EQ(b.parent, 0U);
    EXPECT_EQ(b.depth, 1U);
    EXPECT_EQ(b.children, (std::vector<std::size_t>{2}));
    EXPECT_EQ(document.elements[2].parent, 1U);
    EXPECT_EQ(document.elements[0].children, (std::vector<std::size_t>{1, 3}));
    ASSERT_NE(b.find("x"), nullptr);
    EXPECT_EQ(b.find("x")->value, "1");
    EXPECT_EQ(b.find("X"), nullptr);
}

TEST(ReadDocument, KnowsWhereElementsAttributesAndTextStand) {
    //                     0         1         2         3
    //                     0123456789012345678901234567890123456789
    const std::string text = "<é>\r\n <S a = 'ç' b=\"&amp;\n>\"\tc='3'>\n  é&lt;</S></é>";
    const auto [document, fault] = read_document(text);
    ASSERT_FALSE(fault);
    const auto& element = document.elements.at(1);
    EXPECT_EQ(element.place, (Place{text.find("<S"), 2, 2}));
    ASSERT_EQ(element.attributes.size(), 3U);
    EXPECT_EQ(element.attributes[0].place, (Place{text.find("a ="), 2, 5}));
    EXPECT_EQ(element.attributes[1].place, (Place{text.find("b="), 2, 13}));
    EXPECT_EQ(element.attributes[1].value, "& >");
    EXPECT_EQ(element.attributes[2].place, (Place{text.find("c="), 3, 4}));
    EXPECT_EQ(element.text_place, (Place{text.find("é&lt;"), 4, 3}));
    EXPECT_EQ(element.text, "\n  é<");
    EXPECT_EQ(element.end, text.find("</é>"));
}

TEST(ReadDocument, TakesAByteOrderMarkForNoCharacter) {
    const auto [document, fault] = read_document("\xEF\xBB\xBF<a/>");
    ASSERT_FALSE(fault);
    EXPECT_EQ(document.elements.at(0).place, (Place{3, 1, 1}));
}

TEST(ReadDocument, ReadsLatinOneWhereItIsDeclared) {
    const auto [document, fault] = read_document("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>");
    ASSERT_FALSE(fault);
    EXPECT_EQ(document.elements.at(0).text, "é");
}

TEST(ReadDocument, SaysWhatIsWrongAndWhere) {
    struct Row {
        const char* name;
        std::string text;
        Kind kind;
        std::size_t line;
        std::size_t column;
    };
    const Row rows[] = {
        {"bare ampersand", "<a>\nx&y=1</a>", Kind::token, 2, 4},
        {"HTML's entity", "<a>&nbsp;</a>", Kind::entity_unknown, 1, 4},
        {"undeclared bytes", "<a>\xE9t</a>", Kind::token, 1, 4},
        {"attribute twice", "<a x='1' x='2'/>", Kind::attribute_twice, 1, 10},
        {"other end tag", "<a>\n<b></a>", Kind::tag_mismatch, 2, 6},
        {"end of text", "<a>\n<b>", Kind::unclosed, 2, 4},
        {"end within a tag", "<a>\n<b x=", Kind::unclosed, 2, 1},
        {"text behind", "<a/>x", Kind::junk_behind, 1, 5},
        {"second root", "<a/>\n<b/>", Kind::second_root, 2, 1},
        {"blank in front of the prolog", " <?xml version='1.0'?><a/>", Kind::prolog_late, 1, 2},
        {"prolog of a second document", "<a/><?xml version='1.0'?><a/>", Kind::junk_behind, 1, 5},
        {"comment only", "<!-- a -->", Kind::no_element, 1, 11},
        {"encoding that nobody knows", "<?xml version='1.0' encoding='x-y'?><a/>", Kind::encoding, 1, 31},
        {"another encoding than declared", "<?xml version='1.0' encoding='UTF-16'?><a/>", Kind::encoding, 1,
         31},
        {"document type", "<!-- c -->\n<!DOCTYPE a><a/>", Kind::doctype, 2, 1},
        {"entities that would grow", "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>",
         Kind::doctype, 1, 1},
        {"too deep", repeated("<a>", kMostDepth + 1) + repeated("</a>", kMostDepth + 1), Kind::too_deep, 1,
         3 * kMostDepth + 1},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto fault = read_document(row.text).fault;
        ASSERT_TRUE(fault);
        EXPECT_EQ(fault->kind, row.kind);
        EXPECT_EQ(fault->place.line, row.line);
        EXPECT_EQ(fault->place.column, row.column);
    }
}

TEST(ReadDocument, ReadsTheDeepestThatIsAllowed) {
    const auto reading = read_document(repeated("<a>", kMostDepth) + repeated("</a>", kMostDepth));
    ASSERT_FALSE(reading.fault);
    EXPECT_EQ(reading.document.elements.back().depth, kMostDepth - 1);
}

TEST(ReadDocument, NamesTheElementThatIsOpen) {
    const auto fault = read_document("<a>\n  <b>\n</a>").fault;
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->open_element, "b");
    EXPECT_EQ(fault->open_place, (Place{6, 2, 3}));
}

TEST(ReadDocument, IsLinearInTheWorstTexts) {
    const std::string attributes = [] {
        std::string out = "<a";
        for (int i = 0; out.size() < kMostTextBytes - 20; ++i) out += " a" + std::to_string(i) + "=''";
        return out + "/>";
    }();
    for (const auto& text :
         {"<a>" + std::string(kMostTextBytes - 7, '\n') + "</a>", "<a>" + repeated("<b/>", 250'000) + "</a>",
          repeated("<a>", 10'000), "<a>" + repeated("&lt;", 250'000) + "</a>", attributes,
          "<a>" + repeated("<!---->", 140'000) + "</a>"}) {
        SCOPED_TRACE(text.substr(0, 12));
        ASSERT_LE(text.size(), kMostTextBytes);
        const auto start = std::chrono::steady_clock::now();
        const auto reading = read_document(text);
        EXPECT_FALSE(reading.document.elements.empty());
        EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    }
}

TEST(PlaceFinder, GoesBackAsWellAndStopsAtTheEnd) {
    PlaceFinder places("a\nbc");
    EXPECT_EQ(places.at(3), (Place{3, 2, 2}));
    EXPECT_EQ(places.at(0), (Place{0, 1, 1}));
    EXPECT_EQ(places.at(99), (Place{4, 2, 3}));
}

// Source: XML 1.0 section 2.4: what is escaped comes back as it was.
TEST(ReadDocument, ResolvesTheFiveEntitiesOfXml) {
    rc::check([](const std::string& raw) {
        std::string value;
        std::string escaped;
        for (const char c : raw) {
            if (c < ' ' || c > '~') continue;
            value += c;
            escaped += c == '&'    ? "&amp;"
                       : c == '<'  ? "&lt;"
                       : c == '>'  ? "&gt;"
                       : c == '"'  ? "&quot;"
                       : c == '\'' ? "&apos;"
                                   : std::string(1, c);
        }
        const auto [document, fault] = read_document("<a b=\"" + escaped + "\">" + escaped + "</a>");
        RC_ASSERT(!fault);
        RC_ASSERT(document.elements.at(0).text == value);
        RC_ASSERT(document.elements.at(0).find("b")->value == value);
    });
}

}  // namespace
}  // namespace callchain::twiml
