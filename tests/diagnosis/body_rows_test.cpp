/// Rows of the tables whose way back has more than one case.
#include "diagnosis/body_rows.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace callchain::diagnosis {
namespace {

using Texts = std::vector<std::string>;

Texts undone(std::span<const BodyRow> table, std::string_view code, const std::string& body) {
    const auto row =
        std::find_if(table.begin(), table.end(), [code](const BodyRow& each) { return each.code == code; });
    Texts texts;
    for (auto& variant : row->undo(BodyText(body))) texts.push_back(std::move(variant.bytes));
    return texts;
}

std::string in_parts(const std::string& boundary, const std::string& line_end) {
    const std::string delimiter = "--" + boundary;
    std::string text;
    for (const char* body : {"{}", "[1]"})
        text +=
            delimiter + line_end + "Content-Type: application/json" + line_end + line_end + body + line_end;
    return text + delimiter + "--" + line_end;
}

// RFC 2046 section 5.1.1: a boundary has 1 to 70 characters; the line end in front of it belongs to it.
TEST(BodyRows, TakePartsOutOfAMultipartBody) {
    struct Row {
        const char* name;
        std::string body;
        Texts parts;
    };
    for (const auto& row :
         {Row{"as it is sent", in_parts("b", "\r\n"), {"{}", "[1]"}},
          Row{"bare line feeds", in_parts("b", "\n"), {"{}", "[1]"}},
          Row{"the longest boundary", in_parts(std::string(70, 'b'), "\r\n"), {"{}", "[1]"}},
          Row{"a boundary that is too long", in_parts(std::string(71, 'b'), "\r\n"), {}},
          Row{"no boundary", in_parts("", "\r\n"), {}},
          Row{"the last delimiter is lost", "--b\r\n\r\n{}", {}}, Row{"no multipart body", "{}", {}}}) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(undone(coding_body_rows(), "body_multipart", row.body), row.parts);
    }
}

// By Python: text.encode().decode("cp1252"), once and twice.
TEST(BodyRows, MendTextThatWasTakenForAnotherCharsetOnceOrTwice) {
    const auto mended = [](const std::string& body) {
        return undone(text_body_rows(), "body_mojibake", body);
    };
    EXPECT_EQ(mended("José").size(), 0U);
    const auto once = mended("JosÃ©");
    EXPECT_NE(std::find(once.begin(), once.end(), "José"), once.end());
    const auto twice = mended("JosÃƒÂ©");
    EXPECT_EQ(twice, (Texts{"JosÃ©", "José"}));
}

}  // namespace
}  // namespace callchain::diagnosis
