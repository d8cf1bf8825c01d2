#include "timeline/timeline.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <expat.h>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <set>

namespace callchain::timeline {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kBegan{std::chrono::sys_days{std::chrono::November / 28 / 2026} + 10h + 123'456us};

Event event(std::chrono::microseconds after, Party from, Party to, Medium medium, std::string label,
            std::vector<Id> ids) {
    return {kBegan + after, from, to, medium, std::move(label), {}, std::move(ids), false};
}

Timeline example() {
    Timeline timeline;
    timeline.events = {
        event(0us, Party::whatsapp, Party::gateway, Medium::sip, "INVITE", {{"call_id_meta", "a@b"}}),
        event(1'500us, Party::gateway, Party::gateway, Medium::note, "call", {{"callchain_id", "cc_1"}}),
        event(20ms, Party::gateway, Party::twilio, Medium::sip, "INVITE", {{"callchain_id", "cc_1"}}),
        event(31ms, Party::twilio, Party::serve, Medium::http, "POST /twilio/voice", {}),
        event(45ms, Party::serve, Party::twilio, Medium::http, "200 OK", {}),
        event(90ms, Party::openai, Party::serve, Medium::http, "POST /openai/webhook", {}),
        event(91ms, Party::serve, Party::openai, Medium::http, "401 Unauthorized", {}),
        event(400ms, Party::serve, Party::openai, Medium::websocket, "response.create", {}),
    };
    timeline.events[6].trouble = true;
    timeline.events[6].detail = "the signature does not match";
    timeline.ids = {{"call_id_meta", "a@b"}, {"callchain_id", "cc_1"}};
    timeline.findings = {
        {"secret_other_label", "signed with another endpoint's secret", "Copy the right one.", 6},
        {"call_gone", "of the whole call", "", std::nullopt}};
    return timeline;
}

std::string kept(const std::string& name) {
    std::ifstream file(std::string(TEST_DATA_DIR) + "/timeline/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// ---- joining ----

TEST(JoinCalls, JoinsByWhateverTwoEventsShare) {
    const auto calls = join_calls({
        event(0us, Party::whatsapp, Party::gateway, Medium::sip, "INVITE", {{"call_id_meta", "m1"}}),
        event(1us, Party::whatsapp, Party::gateway, Medium::sip, "INVITE", {{"call_id_meta", "m2"}}),
        event(3us, Party::gateway, Party::twilio, Medium::sip, "INVITE", {{"callchain_id", "c1"}}),
        event(2us, Party::gateway, Party::twilio, Medium::sip, "INVITE", {{"callchain_id", "c2"}}),
        // Told last, it joins what came before.
        event(9us, Party::gateway, Party::gateway, Medium::note, "call summary",
              {{"call_id_meta", "m1"}, {"callchain_id", "c1"}}),
        event(5us, Party::serve, Party::serve, Medium::note, "started", {}),
    });
    ASSERT_EQ(calls.size(), 4U);
    EXPECT_EQ(calls[0].events.size(), 3U);
    EXPECT_EQ(calls[0].ids,
              (std::map<std::string, std::string>{{"call_id_meta", "m1"}, {"callchain_id", "c1"}}));
    EXPECT_EQ(calls[0].events.back().label, "call summary");
    EXPECT_EQ(calls[1].ids.at("call_id_meta"), "m2");
    EXPECT_EQ(calls[2].ids.at("callchain_id"), "c2");
    EXPECT_TRUE(calls[3].ids.empty());
    EXPECT_EQ(calls[3].events.front().label, "started");
}

TEST(JoinCalls, DoesNotJoinEqualValuesUnderDifferentNames) {
    const auto calls =
        join_calls({event(0us, Party::serve, Party::serve, Medium::note, "a", {{"call_sid", "1"}}),
                    event(1us, Party::serve, Party::serve, Medium::note, "b", {{"webhook_id", "1"}})});
    EXPECT_EQ(calls.size(), 2U);
    EXPECT_TRUE(join_calls({}).empty());
}

RC_GTEST_PROP(JoinCalls, PutsEveryEventIntoOneCallInOrder, ()) {
    const auto count = *rc::gen::inRange<std::size_t>(0, 40);
    std::vector<Event> events;
    for (std::size_t at = 0; at < count; ++at) {
        const auto ids = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12));
        auto one = event(std::chrono::microseconds(*rc::gen::inRange(0, 20)), Party::serve, Party::serve,
                         Medium::note, std::to_string(at), {});
        for (std::size_t i = 0; i < std::min<std::size_t>(ids.size(), 3); ++i)
            one.ids.emplace_back(ids[i] % 2 == 0 ? "even" : "odd", std::to_string(ids[i]));
        events.push_back(std::move(one));
    }
    const auto calls = join_calls(events);
    std::multiset<std::string> labels;
    std::map<Id, std::size_t> owner;
    for (std::size_t which = 0; which < calls.size(); ++which) {
        RC_ASSERT(!calls[which].events.empty());
        RC_ASSERT(std::is_sorted(calls[which].events.begin(), calls[which].events.end(),
                                 [](const Event& a, const Event& b) { return a.at < b.at; }));
        for (const auto& one : calls[which].events) {
            labels.insert(one.label);
            for (const auto& id : one.ids) RC_ASSERT(owner.try_emplace(id, which).first->second == which);
        }
    }
    RC_ASSERT(labels.size() == count);
    RC_ASSERT(std::set<std::string>(labels.begin(), labels.end()).size() == count);
}

// ---- pictures ----

TEST(Pictures, OfTheExampleAreAsKept) {
    EXPECT_EQ(to_text(example(), 80), kept("example.txt"));
    EXPECT_EQ(to_json({example()}, "1.2.3"), kept("example.json"));
    EXPECT_EQ(to_mermaid(example()), kept("example.mmd"));
    EXPECT_EQ(to_svg(example()), kept("example.svg"));
}

TEST(Pictures, OfNothingAreStillDocuments) {
    EXPECT_EQ(to_text({}), "");
    EXPECT_EQ(to_mermaid({}), "sequenceDiagram\n");
    EXPECT_TRUE(to_svg({}).ends_with("</svg>\n"));
    EXPECT_TRUE(nlohmann::json::parse(to_json({}, "1.2.3"))["calls"].empty());
}

// The judge is expat.
bool is_xml(const std::string& text) {
    const auto parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)>(
        XML_ParserCreate(nullptr), XML_ParserFree);
    return XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE) == XML_STATUS_OK;
}

TEST(Pictures, HaveTheDetailOfAnArrowWhereThePointerRests) {
    auto timeline = example();
    for (auto& one : timeline.events) one.detail.clear();
    EXPECT_EQ(to_svg(timeline).find("<g><title>"), std::string::npos);
    timeline.events[0].detail = "a <b> & c";
    EXPECT_NE(to_svg(timeline).find("<g><title>a &lt;b&gt; &amp; c</title><line"), std::string::npos);
}

// Whatever stands in labels, details, ids and findings.
RC_GTEST_PROP(Pictures, AreSafeWhateverStandsInThem, ()) {
    auto timeline = example();
    const auto bytes = rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    const auto nasty = rc::gen::oneOf(
        bytes, rc::gen::element<std::string>("end", "a;b", "#1", "x\ny", "%% c", "</text>", "]]>", "\x1b[2J",
                                             "\xEF\xBF\xBF", "participant x", "a: b", "\xE2\x80\xAE"));
    for (auto& one : timeline.events) {
        one.label = *nasty;
        one.detail = *nasty;
        one.ids = {{*nasty, *nasty}};
        one.trouble = *rc::gen::arbitrary<bool>();
    }
    timeline.ids = {{*nasty, *nasty}};
    timeline.findings[0] = {*nasty, *nasty, *nasty, *rc::gen::inRange<std::size_t>(0, 20)};

    const auto text = to_text(timeline, 80);
    RC_ASSERT(is_utf8(text));
    RC_ASSERT(std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 && c != '\n'; }));

    const auto json = nlohmann::json::parse(to_json({timeline}, "1"));
    RC_ASSERT(json["calls"][0]["events"].size() == timeline.events.size());

    const auto mermaid = to_mermaid(timeline);
    const auto lines = split(mermaid, '\n');
    // The head, five participants, the events, the findings, and what follows the last line end.
    RC_ASSERT(lines.size() == 1 + 5 + timeline.events.size() + timeline.findings.size() + 1);
    for (const auto line : lines) {
        const auto statement = trim(line);
        RC_ASSERT(!equal_ignoring_case(statement, "end") && !statement.starts_with("%%"));
    }

    const auto svg = to_svg(timeline);
    RC_ASSERT(is_utf8(svg));
    RC_ASSERT(svg.find("\xEF\xBF\xBF") == std::string::npos);
    RC_ASSERT(std::none_of(svg.begin(), svg.end(), [](unsigned char c) { return c < 0x20 && c != '\n'; }));
    RC_ASSERT(is_xml(svg));
}

}  // namespace
}  // namespace callchain::timeline
