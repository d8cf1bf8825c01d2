#include "evidence/bundle.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace callchain::evidence {
namespace {

const std::string kSid = "CA" + std::string(32, '1');
const std::string kOtherSid = "CA" + std::string(32, '2');

std::string line(const std::string& sid, const std::string& id) {
    return R"({"time":"2026-11-28T17:47:08.539Z","level":"info","message":"call from Twilio","callchain_id":")" +
           id + R"(","call_sid":")" + sid + "\"}\n";
}

Input capture(const std::string& body) {
    return {Input::Kind::capture, "a.http",
            "POST /twilio/voice HTTP/1.1\r\nX-Twilio-Signature: x\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body};
}

Request request_of(std::vector<Input> inputs) {
    Request request;
    request.inputs = std::move(inputs);
    request.tool_version = "0.1.0";
    return request;
}

std::string file(const Bundle& bundle, const std::string& name) {
    const auto found = std::find_if(bundle.files.begin(), bundle.files.end(),
                                    [&](const auto& one) { return one.name == name; });
    return found == bundle.files.end() ? "(none)" : found->bytes;
}

TEST(MakeBundle, TakesOfALogTheLinesOfTheCall) {
    const auto ours = line(kSid, "cc_bc293d9283202fc1dd8e35bc");
    auto request =
        request_of({{Input::Kind::log, "serve.log", ours + line(kOtherSid, "cc_e628441e20bcf33b574be410")}});
    request.call = kSid;
    const auto bundle = make_bundle(request);
    ASSERT_TRUE(bundle.has_value());
    EXPECT_EQ(bundle->calls, 1U);
    EXPECT_EQ(file(*bundle, "logs/serve.log"), ours);
    EXPECT_EQ(bundle->ids.at("callchain_id").size(), 1U);
}

TEST(MakeBundle, HasNoInputsWhereNothingBelongsToTheCall) {
    auto request = request_of({{Input::Kind::log, "serve.log", line(kSid, "cc_bc293d9283202fc1dd8e35bc")},
                               {Input::Kind::sip_trace, "sip.txt", "OPTIONS sip:x SIP/2.0\r\n"}});
    request.call = kOtherSid;
    const auto bundle = make_bundle(request);
    ASSERT_TRUE(bundle.has_value());
    EXPECT_EQ(bundle->inputs, 0U);
}

TEST(MakeBundle, WritesTheLengthOfTheMaskedBody) {
    const auto bundle = make_bundle(request_of({capture("From=%2B5561999994321")}));
    ASSERT_TRUE(bundle.has_value());
    const auto shown = file(*bundle, "captures/a.http");
    EXPECT_NE(shown.find("\r\n\r\nFrom=%2B…4321"), std::string::npos) << shown;
    EXPECT_NE(shown.find("Content-Length: 15\r\n"), std::string::npos) << shown;
    const auto manifest = nlohmann::json::parse(bundle->manifest);
    EXPECT_EQ(manifest["sources"][0]["body_length"], 21);
    // `printf 'From=%%2B5561999994321' | sha256sum`
    EXPECT_EQ(manifest["sources"][0]["body_sha256"],
              "1fad3427ec87ab8408c2942f76df50717adcc0d3d8321b29cc762b32d3e4d007");
}

TEST(MakeBundle, TellsAnInputThatIsNoneOfItsKind) {
    for (const auto kind : {Input::Kind::capture, Input::Kind::twilio}) {
        const auto bundle = make_bundle(request_of({{kind, "x.bin", "nonsense"}}));
        ASSERT_FALSE(bundle.has_value());
        EXPECT_EQ(bundle.error().code, ErrorCode::bad_input);
        EXPECT_TRUE(bundle.error().message.starts_with("x.bin: ")) << bundle.error().message;
    }
}

TEST(MakeBundle, GivesInputsOfOneNameNamesOfTheirOwn) {
    const auto bundle = make_bundle(request_of({{Input::Kind::log, "../a b.log", "1\n"},
                                                {Input::Kind::log, "a b.log", "2\n"},
                                                {Input::Kind::log, "..", "3\n"}}));
    ASSERT_TRUE(bundle.has_value());
    EXPECT_EQ(file(*bundle, "logs/a_b.log"), "1\n");
    EXPECT_EQ(file(*bundle, "logs/a_b-2.log"), "2\n");
    EXPECT_EQ(file(*bundle, "logs/_."), "3\n");
}

}  // namespace
}  // namespace callchain::evidence
