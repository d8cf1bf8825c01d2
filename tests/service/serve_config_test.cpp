#include "service/serve_config.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>

namespace callchain::service {
namespace {

// The key bytes 0 to 31; made up.
const std::string kSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string kOther = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

using Values = std::map<std::string, std::string>;

struct Given {
    Values values = {{"OPENAI_PROJECT_ID", "proj_test"}};
    std::vector<signature::LabelledSecret> secrets = {{"OPENAI_WEBHOOK_SECRET", kSecret, 0}};
    std::vector<signature::LabelledSecret> keys = {{"OPENAI_API_KEY", "sk-test-0123456789", 0}};
    std::vector<signature::LabelledSecret> tokens = {};
    std::string railway = {};
    std::optional<Result<std::string>> prompt = {};
};

ServeConfigResult read(const Given& given) {
    const config::Settings settings(
        serve_settings(), [](std::string_view) { return std::nullopt; },
        [&](const std::string& name) -> std::optional<config::Variable> {
            const auto found = given.values.find(name);
            return found == given.values.end() ? std::nullopt
                                               : std::optional(config::Variable{found->second, ""});
        });
    return read_serve_config({.settings = settings,
                              .webhook_secrets = given.secrets,
                              .api_keys = given.keys,
                              .twilio_tokens = given.tokens,
                              .prompt = given.prompt,
                              .railway_domain = given.railway});
}

std::string all_of(const std::vector<Error>& problems) {
    std::string text;
    for (const auto& problem : problems) text += problem.message + " | " + problem.hint + "\n";
    return text;
}
std::string all_of(const std::vector<std::string>& warnings) {
    std::string text;
    for (const auto& warning : warnings) text += warning + "\n";
    return text;
}

TEST(ReadServeConfig, TakesTheVariablesOfTheFirstService) {
    Given given;
    given.values = {{"OPENAI_PROJECT_ID", "proj_test"},
                    {"OPENAI_SIP_REGION", "br1"},
                    {"OPENAI_REALTIME_MODEL", "gpt-realtime-2"},
                    {"OPENAI_REALTIME_GREETING", "Diga exatamente: 'Olá, tudo bem?'"},
                    {"OPENAI_REALTIME_INSTRUCTIONS", "Be brief."},
                    {"OPENAI_REALTIME_VOICE", "marin"},
                    {"OPENAI_REALTIME_MAX_CALL_SECONDS", "600"},
                    {"WHATSAPP_CALL_FROM", "whatsapp:+5561999998888"},
                    {"PORT", "0"}};
    const auto result = read(given);
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    const auto& config = *result.config;
    EXPECT_EQ(config.listen, "[::]:0");
    EXPECT_FALSE(config.listen_chosen);
    EXPECT_EQ(config.admin_listen, "127.0.0.1:9464");
    EXPECT_EQ(config.session.model, "gpt-realtime-2");
    EXPECT_EQ(config.session.instructions, "Be brief.");
    EXPECT_EQ(config.greeting, "Olá, tudo bem?");
    EXPECT_EQ(config.caller_id, "+5561999998888");
    EXPECT_EQ(config.max_call, std::chrono::seconds{600});
    EXPECT_EQ(config.voice.region, "br1");
    EXPECT_EQ(config.webhook_secrets.at(0).key.size(), 32U);
    EXPECT_NE(all_of(result.warnings).find("TWILIO_AUTH_TOKEN is not set"), std::string::npos);
}

TEST(ReadServeConfig, NamesEverythingThatIsMissingAtOnce) {
    const auto result = read({.values = {}, .secrets = {}, .keys = {}});
    EXPECT_FALSE(result.config.has_value());
    const auto text = all_of(result.problems);
    for (const char* name : {"OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET", "OPENAI_PROJECT_ID"})
        EXPECT_NE(text.find(name), std::string::npos) << name << "\n" << text;
}

struct BadRow {
    const char* name;
    const char* value;
    const char* said;
};
TEST(ReadServeConfig, RefusesEachMalformedSettingByName) {
    for (const auto& row :
         {BadRow{"PORT", "80000", "PORT (--port)"}, BadRow{"PORT", "eighty", "PORT (--port)"},
          BadRow{"CALLCHAIN_LISTEN", "here:80", "CALLCHAIN_LISTEN"},
          BadRow{"CALLCHAIN_ADMIN_LISTEN", "none", "CALLCHAIN_ADMIN_LISTEN"},
          BadRow{"OPENAI_BASE_URL", "ftp://api.openai.com", "OPENAI_BASE_URL"},
          BadRow{"OPENAI_BASE_URL", "http://api.openai.com/v1", "unencrypted"},
          BadRow{"CALLCHAIN_TRUSTED_PROXIES", "10.0.0.0/99", "CALLCHAIN_TRUSTED_PROXIES"},
          BadRow{"CALLCHAIN_PUBLIC_URL", "bridge.example.com", "CALLCHAIN_PUBLIC_URL"},
          BadRow{"CALLCHAIN_PUBLIC_URL", "https://bridge.example.com/?a=1", "query"},
          BadRow{"CALLCHAIN_LOG", "xml", "CALLCHAIN_LOG"},
          BadRow{"CALLCHAIN_LOG_LEVEL", "loud", "CALLCHAIN_LOG_LEVEL"},
          BadRow{"CALLCHAIN_RECORD", "everything", "CALLCHAIN_RECORD"},
          BadRow{"CALLCHAIN_SIDEBAND", "yes", "CALLCHAIN_SIDEBAND"},
          BadRow{"CALLCHAIN_DRAIN_SECONDS", "-1", "CALLCHAIN_DRAIN_SECONDS"},
          BadRow{"CALLCHAIN_TLS_CERT", "cert.pem", "CALLCHAIN_TLS_KEY"},
          BadRow{"OPENAI_REALTIME_MAX_CALL_SECONDS", "long", "OPENAI_REALTIME_MAX_CALL_SECONDS"},
          BadRow{"TWILIO_SIP_CALLER_ID", "5561999998888", "TWILIO_SIP_CALLER_ID"},
          BadRow{"OPENAI_PROJECT_ID", "sip:proj_x@sip.api.openai.com", "project"}}) {
        SCOPED_TRACE(std::string(row.name) + "=" + row.value);
        Given given;
        given.values[row.name] = row.value;
        const auto result = read(given);
        EXPECT_FALSE(result.config.has_value());
        EXPECT_EQ(result.problems.size(), 1U) << all_of(result.problems);
        EXPECT_NE(all_of(result.problems).find(row.said), std::string::npos) << all_of(result.problems);
    }
}

TEST(ReadServeConfig, ToleratesQuotesAndBlanksAroundSecretsAndKeepsWhatWasConfigured) {
    for (const auto& text : {"\"" + kSecret + "\"", "'" + kSecret + "'", " " + kSecret + "\n", "\"" + kSecret,
                             "\xEF\xBB\xBF" + kSecret, "“" + kSecret + "”", "\" " + kSecret + " \""}) {
        SCOPED_TRACE(text);
        Given given;
        given.secrets = {{"OPENAI_WEBHOOK_SECRET", text, 0}};
        const auto result = read(given);
        ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
        const auto& loaded = result.config->webhook_secrets.at(0);
        EXPECT_EQ(loaded.secret.text, kSecret);
        EXPECT_EQ(loaded.key.size(), 32U);
        EXPECT_EQ(notice_of(loaded).fingerprint, "630dcd29");  // SHA-256 of the bytes 0 to 31 begins so
    }
}

TEST(ReadServeConfig, ReadsAListOfSecrets) {
    for (const auto& text : {kSecret + "," + kOther, kSecret + "\n" + kOther + "\n",
                             "\"" + kSecret + ", " + kOther + "\"", "'" + kSecret + "','" + kOther + "'"}) {
        SCOPED_TRACE(text);
        Given given;
        given.secrets = {{"OPENAI_WEBHOOK_SECRET", text, 0}};
        const auto result = read(given);
        ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
        ASSERT_EQ(result.config->webhook_secrets.size(), 2U);
        EXPECT_EQ(result.config->webhook_secrets[0].secret.text, kSecret);
        EXPECT_EQ(result.config->webhook_secrets[1].secret.text, kOther);
        EXPECT_EQ(result.config->webhook_secrets[1].secret.label, "OPENAI_WEBHOOK_SECRET#2");
    }
}

TEST(ReadServeConfig, RefusesTooManySecretsAndThoseThatAreNone) {
    Given many;
    std::string list;
    for (int i = 0; i < 9; ++i) list += kSecret + ",";
    many.secrets = {{"OPENAI_WEBHOOK_SECRET", list, 0}};
    EXPECT_NE(all_of(read(many).problems).find("at most 8"), std::string::npos);
    for (const char* text : {"whsec_!!!", "sk-test-0123456789", "\"\"", "whsec_"}) {
        SCOPED_TRACE(text);
        Given given;
        given.secrets = {{"OPENAI_WEBHOOK_SECRET", text, 0}};
        const auto result = read(given);
        EXPECT_FALSE(result.config.has_value());
        EXPECT_EQ(all_of(result.problems).find("0123456789"), std::string::npos) << "a secret was shown";
    }
}

TEST(ReadServeConfig, RefusesAnApiKeyThatIsNone) {
    for (const char* text : {"whsec_AAAA", "sk-a b", "sk-a\nsk-b", "\"\"", "sk-ключ"}) {
        SCOPED_TRACE(text);
        Given given;
        given.keys = {{"OPENAI_API_KEY", text, 0}};
        EXPECT_FALSE(read(given).config.has_value());
    }
    Given quoted;
    quoted.keys = {{"OPENAI_API_KEY", "\"sk-test\"\n", 0}};
    const auto result = read(quoted);
    ASSERT_TRUE(result.config.has_value());
    EXPECT_EQ(result.config->api_key, "sk-test");
    EXPECT_NE(all_of(result.warnings).find("OPENAI_API_KEY"), std::string::npos);
}

TEST(ReadServeConfig, AddsTheDomainOfRailway) {
    Given given;
    given.values["CALLCHAIN_PUBLIC_URL"] = "https://bridge.example.com/, https://other.example.com/prefix/";
    given.railway = "bridge.up.railway.app";
    const auto result = read(given);
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    EXPECT_EQ(result.config->public_urls,
              (std::vector<std::string>{"https://bridge.example.com", "https://other.example.com/prefix",
                                        "https://bridge.up.railway.app"}));
}

TEST(ReadServeConfig, TakesTheInstructionsOfTheFileAndRefusesOneThatCannotBeRead) {
    Given given;
    given.values["OPENAI_REALTIME_INSTRUCTIONS"] = "not these";
    given.prompt = Result<std::string>("Seja breve.\n");
    auto result = read(given);
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    EXPECT_EQ(result.config->session.instructions, "Seja breve.");
    given.prompt = Result<std::string>(fail(ErrorCode::io, "cannot open prompt.txt"));
    result = read(given);
    EXPECT_FALSE(result.config.has_value());
    EXPECT_NE(all_of(result.problems).find("OPENAI_PROMPT_PATH"), std::string::npos);
    given.prompt = Result<std::string>("\xFF\xFE");
    EXPECT_FALSE(read(given).config.has_value());
}

TEST(ReadServeConfig, AcceptsWithABodyThatTheCheckHasNothingAgainst) {
    const auto result = read({});
    ASSERT_TRUE(result.config.has_value()) << all_of(result.problems);
    for (const auto dialect : {openai::Dialect::realtime, openai::Dialect::live}) {
        const auto body = openai::write_accept_body(session_for(*result.config, dialect));
        for (const auto& remark : openai::check_accept_body(dialect, body))
            EXPECT_NE(remark.severity, openai::BodySeverity::error) << remark.code << " " << remark.path;
    }
}

TEST(ServeSettings, HaveDistinctNamesAndFlagsAndAMeaning) {
    std::vector<std::string_view> names;
    for (const auto& spec : serve_settings()) {
        EXPECT_FALSE(spec.meaning.empty()) << spec.name;
        EXPECT_EQ(spec.secret, spec.flag.empty())
            << spec.name << ": a secret has no flag, anything else has one";
        names.push_back(spec.name);
        if (!spec.flag.empty()) names.push_back(spec.flag);
    }
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace callchain::service
