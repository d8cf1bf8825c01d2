#include "twiml/xml_writer.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

namespace callchain::twiml {
namespace {

const std::string kProlog = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

// Bytes of npm twilio 6.2.0 for the same calls, run on its own.
TEST(WriteXmlDocument, WritesTheBytesOfTwiliosOwnLibrary) {
    struct Row {
        const char* name;
        XmlElement root;
        const char* want;
    };
    const std::vector<Row> rows{
        {"empty", {"Response"}, "<Response/>"},
        {"child without content", {"Response", {}, {}, {{"Hangup"}}}, "<Response><Hangup/></Response>"},
        {"empty text is no content",
         {"Response", {}, {}, {{"Say", {{"voice", "alice"}}, ""}}},
         "<Response><Say voice=\"alice\"/></Response>"},
        {"attributes in their order",
         {"Response",
          {},
          {},
          {{"Say", {{"voice", "Polly.Camila"}, {"language", "pt-BR"}}, "Olá & \"tchau\" <b>"}, {"Hangup"}}},
         "<Response><Say voice=\"Polly.Camila\" language=\"pt-BR\">Olá &amp; \"tchau\" "
         "&lt;b&gt;</Say><Hangup/>"
         "</Response>"},
        {"nested",
         {"Response", {}, {}, {{"Dial", {}, {}, {{"WhatsApp", {{"url", "https://x"}}, "+5511999999999"}}}}},
         "<Response><Dial><WhatsApp url=\"https://x\">+5511999999999</WhatsApp></Dial></Response>"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto got = write_xml_document(row.root);
        ASSERT_TRUE(got.has_value()) << got.error().message;
        EXPECT_EQ(*got, kProlog + row.want);
    }
}

TEST(WriteXmlDocument, EscapesTextAndAttributesEachInItsOwnWay) {
    struct Row {
        const char* name;
        const char* value;
        const char* text;
        const char* attribute;
    };
    for (const auto& row : {
             Row{"ampersand", "&", "&amp;", "&amp;"},
             Row{"less than", "<", "&lt;", "&lt;"},
             Row{"greater than", ">", "&gt;", ">"},
             Row{"double quote", "\"", "\"", "&quot;"},
             Row{"apostrophe", "'", "'", "'"},
             Row{"tab", "\t", "\t", "&#x9;"},
             Row{"line feed", "\n", "\n", "&#xA;"},
             Row{"carriage return", "\r", "&#xD;", "&#xD;"},
             Row{"an entity is none", "&amp;", "&amp;amp;", "&amp;amp;"},
             Row{"what ends CDATA", "]]>", "]]&gt;", "]]>"},
             Row{"non-ASCII", "é💬", "é💬", "é💬"},
             Row{"delete", "\x7F", "\x7F", "\x7F"},
         }) {
        SCOPED_TRACE(row.name);
        const auto text = write_xml_document({"Say", {}, row.value});
        ASSERT_TRUE(text.has_value()) << text.error().message;
        EXPECT_EQ(*text, kProlog + "<Say>" + row.text + "</Say>");
        const auto attribute = write_xml_document({"Say", {{"voice", row.value}}});
        ASSERT_TRUE(attribute.has_value()) << attribute.error().message;
        EXPECT_EQ(*attribute, kProlog + "<Say voice=\"" + row.attribute + "\"/>");
    }
}

TEST(WriteXmlDocument, RefusesWhatXmlCannotCarryAndNamesThePlace) {
    struct Row {
        const char* name;
        std::string value;
        std::size_t offset;
    };
    for (const auto& row : {
             Row{"NUL", std::string("a\0b", 3), 1},
             Row{"last before TAB", "\x08", 0},
             Row{"vertical tab", "ab\x0B", 2},
             Row{"form feed", "\x0C", 0},
             Row{"first after CR", "\x0E", 0},
             Row{"last before blank", "\x1F", 0},
             Row{"U+FFFE", "é\xEF\xBF\xBE", 2},
             Row{"U+FFFF", "\xEF\xBF\xBF", 0},
             Row{"a surrogate", "\xED\xA0\x80", 0},
             Row{"a byte that begins nothing", "\xFF", 0},
             Row{"a sequence cut short", "a\xC3", 1},
             Row{"an overlong slash", "\xC0\xAF", 0},
             Row{"above U+10FFFF", "\xF4\x90\x80\x80", 0},
         }) {
        SCOPED_TRACE(row.name);
        const auto text = write_xml_document({"Response", {}, {}, {{"Say", {}, row.value}}});
        ASSERT_FALSE(text.has_value());
        EXPECT_EQ(text.error().code, ErrorCode::usage);
        EXPECT_EQ(text.error().offset, row.offset);
        EXPECT_NE(text.error().message.find("the text of <Say>"), std::string::npos);
        const auto attribute = write_xml_document({"Response", {}, {}, {{"Dial", {{"action", row.value}}}}});
        ASSERT_FALSE(attribute.has_value());
        EXPECT_NE(attribute.error().message.find("attribute action of <Dial>"), std::string::npos);
        for (const char c : attribute.error().message)
            EXPECT_GE(static_cast<unsigned char>(c), 0x20) << "a control character is shown as it is";
        EXPECT_TRUE(is_utf8(attribute.error().message));
    }
}

TEST(WriteXmlDocument, CarriesTheEdgesOfWhatXmlAllows) {
    for (const std::string value : {"\x20", "\x7F", "\xC2\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                                    "\xEF\xBF\xBD", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
        EXPECT_EQ(find_no_xml_character(value), std::string_view::npos);
    }
}

TEST(HasControlCharacter, KnowsTheEdgesOfTheThreeRanges) {
    for (const std::string& text : {std::string(1, '\0'), std::string("a\x1F"), std::string("\x7F"),
                                    std::string("\xC2\x80"), std::string("a\xC2\x9F")})
        EXPECT_TRUE(has_control_character(text));
    for (const char* text : {"", " ", "~", "\xC2\xA0", "\xC3\x80", "\xC2", "\xE2\x80\x80"})
        EXPECT_FALSE(has_control_character(text)) << text;
}

}  // namespace
}  // namespace callchain::twiml
