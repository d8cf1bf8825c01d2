#include "child.hpp"
#include "http/client.hpp"

#include <gtest/gtest.h>

namespace callchain::http {
namespace {

using Arguments = std::vector<std::string>;

// What curl would be called with: a shell function in its place prints its arguments, a NUL behind each, and
// then its standard input where that is asked for.
std::string run_by_bash(const std::string& line) {
    const std::string script =
        "OPENAI_API_KEY='sk-value of \"the\" key'\n"
        "curl() { printf '%s\\0' \"$@\"; case \"$*\" in *@-) cat ;; esac; }\n" +
        line;
    Child bash({"bash", "-c", script});
    auto output = bash.read_all();
    EXPECT_EQ(bash.wait(), 0) << line;
    return output;
}

Arguments arguments_of(const std::string& line) {
    Arguments arguments;
    const auto output = run_by_bash(line);
    for (std::size_t at = 0, end = 0; (end = output.find('\0', at)) != std::string::npos; at = end + 1)
        arguments.push_back(output.substr(at, end - at));
    return arguments;
}

std::string after(const Arguments& arguments, const std::string& option) {
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
        if (arguments[i] == option) return arguments[i + 1];
    return "no " + option;
}

TEST(CurlCommand, NamesTheVariableAndNotTheSecret) {
    const ClientRequest request{
        .url = "https://api.openai.com/v1/realtime/calls/rtc_1/accept",
        .headers = {{"Authorization", "Bearer sk-real"}, {"Content-Type", "application/json"}},
        .body = R"({"type":"realtime"})"};
    const auto line = curl_command(request, "OPENAI_API_KEY");
    EXPECT_EQ(line,
              "curl -X POST 'https://api.openai.com/v1/realtime/calls/rtc_1/accept'"
              " -H \"Authorization: Bearer $OPENAI_API_KEY\" -H 'Content-Type: application/json'"
              " --data-raw '{\"type\":\"realtime\"}'");
    EXPECT_EQ(arguments_of(line),
              (Arguments{"-X", "POST", "https://api.openai.com/v1/realtime/calls/rtc_1/accept", "-H",
                         "Authorization: Bearer sk-value of \"the\" key", "-H",
                         "Content-Type: application/json", "--data-raw", R"({"type":"realtime"})"}));
}

TEST(CurlCommand, NeverPrintsTheValueOfAuthorization) {
    struct Row {
        std::string value, want;
    };
    for (const auto& row :
         {Row{"sk-bare", "Authorization: $KEY"}, Row{"", "Authorization: $KEY"},
          Row{"Basic dXNlcjpwdw==", "Authorization: Basic $KEY"},
          Row{"Bearer  two blanks", "Authorization: Bearer $KEY"}, Row{"$(id) sk-x", "Authorization: $KEY"},
          Row{"`id` sk-x", "Authorization: $KEY"}, Row{" sk-x", "Authorization: $KEY"}}) {
        SCOPED_TRACE(row.value);
        const auto line =
            curl_command({.url = "https://a/", .headers = {{"AUTHORIZATION", row.value}}}, "KEY");
        EXPECT_NE(line.find('"' + row.want + '"'), std::string::npos) << line;
        EXPECT_EQ(line.find("sk-"), std::string::npos) << line;
        EXPECT_EQ(line.find("id"), std::string::npos) << line;
    }
}

// Source: POSIX, 3.230 Name: "underscores, digits, and alphabetics", the first of which is no digit.
TEST(CurlCommand, PutsNoVariableIntoTheLineThatIsNoneToAShell) {
    for (const std::string name : {"KEY", "my_key", "_k2Z", "z"}) {
        SCOPED_TRACE(name);
        const auto line = curl_command({.url = "https://a/", .headers = {{"Authorization", "x"}}}, name);
        EXPECT_NE(line.find("\"Authorization: $" + name + '"'), std::string::npos) << line;
    }
    for (const auto* name : {"A;id", "", "2KEY", "a{b", "a-b", "a`b", "K@Y", "K[0]", "\xc3\xa4"}) {
        SCOPED_TRACE(name);
        const auto line = curl_command({.url = "https://a/", .headers = {{"Authorization", "x"}}}, name);
        EXPECT_NE(line.find("\"Authorization: $SECRET\""), std::string::npos) << line;
    }
}

TEST(CurlCommand, HandsEveryBodyOverUnchanged) {
    std::string all_bytes;
    for (int byte = 1; byte < 256; ++byte) all_bytes += static_cast<char>(byte);
    for (const std::string& body :
         {std::string("it's $HOME `id` \"x\" \\ !!"), std::string("@/etc/passwd"), std::string("a\nb\r\n\tc"),
          std::string("line end at the end\n"), std::string("gr\xc3\xbc\xc3\x9f"),
          std::string("\x01"
                      "17"),
          all_bytes, std::string("rtl \xe2\x80\xae x"),
          std::string("\xc2\x9b"
                      "31m")}) {
        SCOPED_TRACE(body);
        const auto line = curl_command({.url = "https://a/", .body = body}, "KEY");
        EXPECT_EQ(after(arguments_of(line), "--data-raw"), body) << line;
    }
}

TEST(CurlCommand, PipesABodyWithNul) {
    std::string body("a\0b%c\\n'\x80", 9);
    for (int byte = 0; byte < 256; ++byte) body += static_cast<char>(byte);
    const auto output = run_by_bash(curl_command({.url = "https://a/", .body = body}, "KEY"));
    const std::string last_argument("--data-binary\0@-\0", 17);
    const auto at = output.find(last_argument);
    ASSERT_NE(at, std::string::npos);
    EXPECT_EQ(output.substr(at + last_argument.size()), body);
}

TEST(CurlCommand, PrintsNothingThatATerminalWouldObey) {
    const auto line = curl_command({.url = "https://a/\x1b]0;x\x07",
                                    .headers = {{"X",
                                                 "\xc2\x9b"
                                                 "31m"},
                                                {"Y",
                                                 "\xe2\x80\xae"
                                                 "abc"}},
                                    .body = "\x1b[2J\x7f"},
                                   "KEY");
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << static_cast<int>(c);
}

TEST(CurlCommand, SaysWhatCurlWouldDoOtherwise) {
    struct Row {
        ClientRequest request;
        Arguments want;
    };
    for (const auto& row : std::vector<Row>{
             {{.method = "GET", .url = "https://a/x"}, {"https://a/x"}},
             {{.method = "HEAD", .url = "https://a/x", .body = "not sent"}, {"--head", "https://a/x"}},
             {{.method = "DELETE", .url = "https://a/x"}, {"-X", "DELETE", "https://a/x"}},
             {{.url = "https://a/x"}, {"-X", "POST", "https://a/x", "-H", "Content-Type:", "--data-raw", ""}},
             {{.method = "GET", .url = "https://a/{1,2}[3]"}, {"--globoff", "https://a/{1,2}[3]"}},
             {{.method = "GET", .url = "https://a/../x"}, {"--path-as-is", "https://a/../x"}},
             {{.method = "GET", .url = "--output"}, {"--url", "--output"}},
             {{.method = "a'b", .url = "https://a/"}, {"-X", "a'b", "https://a/"}},
             {{.method = "GET", .url = "https://a/", .headers = {{"X-Empty", ""}, {"Y", "it's"}, {"Y", "2"}}},
              {"https://a/", "-H", "X-Empty;", "-H", "Y: it's", "-H", "Y: 2"}},
             // Not sent by the client either: what frames the body, and what is no header.
             {{.method = "GET",
             .url = "https://a/",
             .headers = {{"content-length", "9"},
                         {"Transfer-Encoding", "chunked"},
                         {"@file", "x"},
                         {"X", "a\nb"}}},
              {"https://a/"}}}) {
        const auto line = curl_command(row.request, "KEY");
        EXPECT_EQ(arguments_of(line), row.want) << line;
    }
}

}  // namespace
}  // namespace callchain::http
