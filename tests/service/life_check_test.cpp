#include "service/life_check.hpp"

#include "service/scripted_sideband.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <optional>

using namespace callchain;
using namespace callchain::service;
using Life = openai::LifeVerdict::Life;
using Kind = http::WebSocketEnd::Kind;
using namespace std::chrono_literals;

namespace {

struct Scene {
    explicit Scene(std::string greeting = {}, std::chrono::milliseconds most_time = 20s) {
        openai::SidebandSettings settings;
        settings.greeting = std::move(greeting);
        settings.most_attempts = 1;
        check = std::make_unique<LifeCheck>(
            loop, settings, peer.opener(), most_time,
            [this](const openai::Milestone& milestone) { seen.push_back(milestone.name); },
            [this](LifeReport got) {
                report = std::move(got);
                check.reset();
                loop.stop();
            });
    }
    LifeReport to_the_end() {
        auto guard = loop.after(30s, [this] { loop.stop(); });
        check->start();
        loop.run();
        EXPECT_TRUE(report.has_value()) << "no report";
        return report.value_or(LifeReport{});
    }
    http::Loop loop;
    ScriptedSideband peer{loop};
    std::vector<std::string> seen;
    std::optional<LifeReport> report;
    std::unique_ptr<LifeCheck> check;
};

}  // namespace

TEST(LifeCheck, EndsWithTheFirstEventAndLeavesTheCallAlone) {
    Scene scene;
    scene.peer.on_connect = [&] {
        scene.peer.open();
        scene.peer.text(kSessionCreated);
    };
    const auto report = scene.to_the_end();
    EXPECT_EQ(report.verdict.life, Life::alive);
    EXPECT_TRUE(scene.peer.closed);
    EXPECT_EQ(scene.seen, (std::vector<std::string>{"attached", "first_event"}));
    ASSERT_EQ(report.milestones.size(), 2U);
    EXPECT_EQ(report.milestones[1].detail, "session.created");
}

TEST(LifeCheck, WaitsForTheAudioOfAGreeting) {
    Scene scene("Bom dia");
    scene.peer.on_connect = [&] {
        scene.peer.open();
        scene.peer.text(kSessionCreated);
        scene.loop.post([&] { scene.peer.text(kAudioStarted); });
    };
    EXPECT_EQ(scene.to_the_end().verdict.life, Life::alive);
    EXPECT_EQ(scene.peer.sent.size(), 1U);
    EXPECT_EQ(scene.seen.back(), "first_audio");
}

TEST(LifeCheck, SaysAtWhichStageASessionDied) {
    struct Row {
        const char* name;
        std::function<void(ScriptedSideband&)> happens;
        const char* stage;
        const char* reason;
    };
    for (const auto& row : {Row{"never there", [](ScriptedSideband& peer) { peer.end(refused_upgrade(404)); },
                                "attached", "dead_session"},
                            Row{"an error, then the end",
                                [](ScriptedSideband& peer) {
                                    peer.open();
                                    peer.text(kErrorEvent);
                                    peer.end(connection_end(Kind::closed_by_peer, 1000));
                                },
                                "first_event", "dead_session"}}) {
        SCOPED_TRACE(row.name);
        Scene scene;
        scene.peer.on_connect = [&] { row.happens(scene.peer); };
        const auto report = scene.to_the_end();
        EXPECT_EQ(report.verdict.life, Life::dead);
        EXPECT_EQ(report.verdict.stage, row.stage);
        EXPECT_EQ(report.verdict.reason, row.reason);
    }
}

TEST(LifeCheck, TakesSilenceForLifeWhenTimeIsUp) {
    Scene scene({}, 50ms);
    scene.peer.on_connect = [&] { scene.peer.open(); };
    EXPECT_EQ(scene.to_the_end().verdict.life, Life::quiet);
    EXPECT_TRUE(scene.peer.closed);
}

TEST(LifeCheck, GivesUpOnAConnectionThatNeverOpens) {
    Scene scene("Bom dia", 50ms);
    const auto report = scene.to_the_end();
    EXPECT_EQ(report.verdict.life, Life::dead);
    EXPECT_EQ(report.verdict.stage, "attached");
    EXPECT_EQ(report.verdict.reason, "no_proof_in_time");
}
