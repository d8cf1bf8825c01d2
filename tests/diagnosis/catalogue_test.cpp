#include "diagnosis/catalogue.hpp"

#include "base/text.hpp"
#include "diagnosis/catalogue_tables.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {
namespace {

constexpr std::string_view kSubjects[] = {"secret",    "content",  "id",        "timestamp", "body",
                                          "signature", "header",   "algorithm", "url",       "parameter",
                                          "token",     "log",      "capture",   "sdp",       "twiml",
                                          "call",      "receiver", "endpoint",  "twilio"};

// The published codes: scripts are written against them, so none may go or change its spelling.
std::vector<std::string> published_codes() {
    std::ifstream file(TEST_DATA_DIR "/finding-codes.txt", std::ios::binary);
    std::vector<std::string> codes;
    for (std::string line; std::getline(file, line);) codes.push_back(line);
    return codes;
}

bool is_snake_case(std::string_view text) {
    const auto is_allowed = [](char c) { return (c >= 'a' && c <= 'z') || is_ascii_digit(c) || c == '_'; };
    return std::all_of(text.begin(), text.end(), is_allowed) && !text.ends_with('_') &&
           text.find("__") == std::string_view::npos;
}

// Plain ASCII, and the ellipsis, which stands where texts are shown shortened.
bool is_plain(std::string_view text) {
    const std::string rest = replace_all(text, "…", "");
    return std::all_of(rest.begin(), rest.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

struct Text {
    const char* name;
    std::string_view text;
};
std::array<Text, 3> texts_of(const CatalogueEntry& entry) {
    return {Text{"title", entry.title}, Text{"fix", entry.fix}, Text{"page", entry.page}};
}

TEST(Catalogue, HasEveryPublishedCode) {
    const auto codes = published_codes();
    ASSERT_GT(codes.size(), 170U);
    for (const auto& code : codes) {
        SCOPED_TRACE(code);
        const auto* entry = find_entry(code);
        ASSERT_NE(entry, nullptr);
        EXPECT_EQ(entry->code, code);
    }
}

TEST(Catalogue, HasEachCodeOnce) {
    std::set<std::string_view> seen;
    for (const auto& entry : catalogue()) EXPECT_TRUE(seen.insert(entry.code).second) << entry.code;
}

TEST(Catalogue, JoinsItsSectionsInOrder) {
    std::vector<std::string_view> expected;
    for (const auto section :
         {secret_entries(), content_entries(), body_entries(), signature_entries(), twilio_entries(),
          log_entries(), sdp_entries(), twiml_entries(), call_entries(), receiver_entries(),
          endpoint_entries(), twilio_api_entries()}) {
        ASSERT_FALSE(section.empty());
        for (const auto& entry : section) expected.push_back(entry.code);
        EXPECT_TRUE(std::is_sorted(section.begin(), section.end(),
                                   [](const auto& a, const auto& b) { return a.code < b.code; }))
            << "the section that begins with " << section.front().code;
    }
    std::vector<std::string_view> got;
    for (const auto& entry : catalogue()) got.push_back(entry.code);
    EXPECT_EQ(got, expected);
}

TEST(Catalogue, NamesCodesInSnakeCaseWithAKnownSubjectFirst) {
    for (const auto& entry : catalogue()) {
        SCOPED_TRACE(entry.code);
        EXPECT_TRUE(is_snake_case(entry.code));
        EXPECT_LE(entry.code.size(), 40U);
        const auto subject = entry.code.substr(0, entry.code.find('_'));
        EXPECT_NE(std::find(std::begin(kSubjects), std::end(kSubjects), subject), std::end(kSubjects));
        EXPECT_GT(entry.code.size(), subject.size() + 1);
    }
}

TEST(Catalogue, GivesEachCodeATitleThatFitsOneLine) {
    std::set<std::string_view> seen;
    for (const auto& entry : catalogue()) {
        SCOPED_TRACE(entry.code);
        EXPECT_GE(entry.title.size(), 12U);
        EXPECT_LE(entry.title.size(), 80U);
        EXPECT_FALSE(entry.title.ends_with('.'));
        EXPECT_TRUE(seen.insert(entry.title).second) << "another code has the same title";
    }
}

TEST(Catalogue, GivesEachCodeAFixAndAPage) {
    for (const auto& entry : catalogue()) {
        SCOPED_TRACE(entry.code);
        EXPECT_TRUE(entry.fix.ends_with('.')) << entry.fix;
        EXPECT_GE(entry.fix.size(), 20U);
        EXPECT_LE(entry.fix.size(), 330U);
        EXPECT_GE(entry.page.size(), 120U);
        EXPECT_LE(entry.page.size(), 1200U);
        EXPECT_TRUE(entry.page.ends_with('.'));
    }
}

TEST(Catalogue, IsWrittenInPlainText) {
    for (const auto& entry : catalogue()) {
        for (const auto& [name, text] : texts_of(entry)) {
            SCOPED_TRACE(std::string(entry.code) + ", " + name);
            EXPECT_TRUE(is_plain(text));
            EXPECT_EQ(text.find("  "), std::string_view::npos);
            EXPECT_EQ(text.find('`'), std::string_view::npos);
            EXPECT_EQ(text, trim(text));
        }
    }
}

TEST(Catalogue, SaysOfEveryCauseHowItIsProvedOrThatItIsNot) {
    // What only states a fact about the input, where proof is no question.
    const std::set<std::string_view> facts{"body_empty",
                                           "body_length_differs",
                                           "body_sha256_differs",
                                           "capture_final_newline",
                                           "header_duplicated",
                                           "header_missing",
                                           "header_renamed",
                                           "header_svix",
                                           "log_headers_missing",
                                           "signature_malformed",
                                           "signature_mismatch",
                                           "signature_too_many_parts",
                                           "signature_version_missing",
                                           "timestamp_malformed",
                                           "timestamp_too_new",
                                           "timestamp_too_old",
                                           "secret_unreadable",
                                           "signature_ed25519_only",
                                           "body_sha256_wrong",
                                           "log_lossy_truncated"};
    for (const auto& entry : catalogue()) {
        if (facts.contains(entry.code)) continue;
        // What is read off a document is there; no signature can prove it.
        if (entry.code.starts_with("sdp_") || entry.code.starts_with("twiml_")) continue;
        // As little what an API or a receiver answers.
        if (entry.code.starts_with("call_") || entry.code.starts_with("receiver_") ||
            entry.code.starts_with("endpoint_") || entry.code.starts_with("twilio_"))
            continue;
        SCOPED_TRACE(entry.code);
        const bool told = entry.page.find("roved") != std::string_view::npos ||
                          entry.page.find("hint") != std::string_view::npos;
        EXPECT_TRUE(told);
    }
}

// Words that begin like a code; the flags of the program have hyphens and end such a word.
std::vector<std::string> words_like_codes(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : std::string(text) + " ") {
        if (c == '_' || is_snake_case({&c, 1})) {
            word += c;
            continue;
        }
        const auto subject = std::string_view(word).substr(0, word.find('_'));
        const bool is_subject =
            std::find(std::begin(kSubjects), std::end(kSubjects), subject) != std::end(kSubjects);
        if (is_subject && subject.size() < word.size()) words.push_back(word);
        word.clear();
    }
    return words;
}

TEST(Catalogue, RefersOnlyToCodesThatExist) {
    const std::set<std::string_view> names_of_openai{"call_id", "call_id_not_found"};
    std::size_t references = 0;
    for (const auto& entry : catalogue()) {
        for (const auto& [name, text] : texts_of(entry)) {
            for (const auto& word : words_like_codes(text)) {
                if (names_of_openai.contains(word)) continue;
                EXPECT_NE(find_entry(word), nullptr) << word << " in the " << name << " of " << entry.code;
                ++references;
            }
        }
    }
    EXPECT_GT(references, 5U);
}

// What stands in quotes and is a word of a code's form: "body_empty", not "the body_empty".
std::vector<std::string> quoted_codes(std::string_view source) {
    std::vector<std::string> codes;
    for (auto quote = source.find('"'); quote != std::string_view::npos;
         quote = source.find('"', quote + 1)) {
        const auto literal = source.substr(quote + 1, source.find('"', quote + 1) - quote - 1);
        if (!is_snake_case(literal)) continue;
        for (auto& code : words_like_codes(literal)) codes.push_back(std::move(code));
    }
    return codes;
}

// A code that was forgotten in the catalogue would be printed in place of a title, without a fix.
TEST(Catalogue, HasEveryCodeThatTheSourcesName) {
    // Members of JSON documents, and cases of the matrix of receivers.
    const std::set<std::string_view> no_codes{"body_in_log", "body_length", "body_sha256",
                                              "header_letter_case", "timestamp_not_a_number"};
    // Readers of secrets and of captures have codes of their own.
    std::vector<std::filesystem::path> files{TEST_DATA_DIR "/../../core/webhook/capture.cpp"};
    for (const auto* folder : {TEST_DATA_DIR "/../../core/diagnosis", TEST_DATA_DIR "/../../core/signature"})
        for (const auto& file : std::filesystem::directory_iterator(folder))
            if (!file.path().filename().string().starts_with("catalogue")) files.push_back(file.path());
    std::set<std::string> seen;
    for (const auto& file : files) {
        SCOPED_TRACE(file.filename());
        std::ifstream stream(file, std::ios::binary);
        ASSERT_TRUE(stream.is_open());
        const std::string source((std::istreambuf_iterator<char>(stream)), {});
        for (const auto& code : quoted_codes(source)) {
            if (no_codes.contains(code)) continue;
            EXPECT_NE(find_entry(code), nullptr) << code;
            seen.insert(code);
        }
    }
    EXPECT_GT(seen.size(), 200U);
}

TEST(Catalogue, NeverAdvisesToDoWithoutTheCheck) {
    for (const auto& entry : catalogue()) {
        for (const auto& [name, text] : texts_of(entry)) {
            SCOPED_TRACE(std::string(entry.code) + ", " + name);
            const auto lower = ascii_lower(text);
            for (const std::string_view word :
                 {"skip_", "skip the check", "skip verification", "bypass", "disable the check",
                  "disable verification", "turn off verification", "without verification",
                  "raise the tolerance", "larger tolerance"}) {
                EXPECT_EQ(lower.find(word), std::string::npos) << word;
            }
        }
    }
}

TEST(FindEntry, KnowsOnlyWholeCodesInTheirOwnSpelling) {
    ASSERT_NE(find_entry("secret_bom"), nullptr);
    EXPECT_EQ(find_entry("secret_bom"), find_entry(std::string("secret_bom")));
    for (const std::string_view unknown :
         {"", "secret", "secret_", "secret_bo", "secret_boms", "SECRET_BOM", " secret_bom"}) {
        SCOPED_TRACE(unknown);
        EXPECT_EQ(find_entry(unknown), nullptr);
    }
}

TEST(NearestCodes, FindsWhatWasMeant) {
    struct Row {
        const char* name;
        std::string_view typed;
        std::string_view meant;
    };
    for (const auto& row : {Row{"exchanged neighbours", "secret_qoted", "secret_quoted"},
                            Row{"exchanged at the start", "escret_bom", "secret_bom"},
                            Row{"exchanged at the end", "body_form_fiedl", "body_form_field"},
                            Row{"letter too many", "url_schemme", "url_scheme"},
                            Row{"letter missing", "log_body_mising", "log_body_missing"},
                            Row{"another letter", "id_is_event_ib", "id_is_event_id"},
                            // Were it two slips, body_nfc would be as near and come first.
                            Row{"an exchange is one slip", "body_ndf", "body_nfd"},
                            Row{"hyphens", "body-form-field", "body_form_field"},
                            Row{"the code itself", "token_secondary", "token_secondary"}}) {
        SCOPED_TRACE(row.name);
        const auto got = nearest_codes(row.typed);
        ASSERT_FALSE(got.empty());
        EXPECT_EQ(got.front(), row.meant);
        EXPECT_LE(got.size(), 3U);
    }
}

TEST(NearestCodes, FindsEveryCodeBehindAnExchangeOfNeighbours) {
    for (const auto& entry : catalogue()) {
        SCOPED_TRACE(entry.code);
        for (const std::size_t i : {std::size_t{0}, entry.code.size() / 2, entry.code.size() - 2}) {
            std::string typed(entry.code);
            std::swap(typed[i], typed[i + 1]);
            if (find_entry(typed) != nullptr) continue;
            const auto got = nearest_codes(typed);
            ASSERT_FALSE(got.empty()) << typed;
            EXPECT_NE(std::find(got.begin(), got.end(), entry.code), got.end()) << typed;
            EXPECT_LE(got.size(), 3U);
        }
    }
}

TEST(NearestCodes, IsSilentAboutWhatIsNothingLikeACode) {
    for (const std::string& typed : {std::string(), std::string("13224"), std::string("please help"),
                                     std::string(64, 's'), std::string(1U << 20U, 'a')}) {
        SCOPED_TRACE(typed.substr(0, 20));
        EXPECT_TRUE(nearest_codes(typed).empty());
    }
}

}  // namespace
}  // namespace callchain::diagnosis
