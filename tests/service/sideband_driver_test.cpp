#include "service/sideband_driver.hpp"

#include "service/scripted_sideband.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

using namespace callchain;
using namespace callchain::service;
using Json = nlohmann::json;
using Kind = http::WebSocketEnd::Kind;
using namespace std::chrono_literals;

namespace {

constexpr const char* kEndCall =
    R"({"type":"response.function_call_arguments.done","event_id":"event_4","name":"end_call","call_id":"call_1","arguments":"{}"})";

// One driver on a loop, with everything that it reports.
class Scene {
  public:
    explicit Scene(openai::SidebandSettings settings)
        : driver(std::make_unique<SidebandDriver>(
              loop, std::move(settings), peer.opener(),
              SidebandCallbacks{[this](const SidebandNote& note) { notes.push_back(note.name); },
                                [this](SidebandFinish finish) {
                                    end = std::move(finish);
                                    loop.stop();
                                },
                                [this](auto done) {
                                    ++hang_ups;
                                    std::thread([done] { done({true, "done"}); }).join();
                                }})) {}
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    ~Scene() { driver.reset(); }

    void to_the_end() {
        auto guard = loop.after(30s, [this] { loop.stop(); });
        driver->start();
        loop.run();
        EXPECT_TRUE(end.has_value()) << "not finished";
    }
    [[nodiscard]] bool noted(const std::string& name) const {
        return std::find(notes.begin(), notes.end(), name) != notes.end();
    }
    [[nodiscard]] std::string reason() const { return end ? end->name : ""; }

    http::Loop loop;
    ScriptedSideband peer{loop};
    int hang_ups = 0;
    std::vector<std::string> notes;
    std::optional<SidebandFinish> end;
    std::unique_ptr<SidebandDriver> driver;
};

}  // namespace

TEST(SidebandDriver, GreetsOnceAndNotesTheMilestones) {
    openai::SidebandSettings settings;
    settings.greeting = "Ol\u00e1";
    Scene scene(settings);
    scene.peer.on_connect = [&] {
        scene.peer.open();
        scene.peer.text(kSessionCreated);
        scene.peer.text(kAudioStarted);
        EXPECT_TRUE(scene.driver->is_attached());
        scene.peer.end(connection_end(Kind::lost));
    };
    scene.to_the_end();
    EXPECT_EQ(scene.reason(), "caller_hung_up");
    for (const char* name : {"attached", "greeted", "first_event", "first_audio"})
        EXPECT_TRUE(scene.noted(name)) << name;
    ASSERT_EQ(scene.peer.sent.size(), 1U);
    EXPECT_EQ(Json::parse(scene.peer.sent[0])["type"], "response.create");
    EXPECT_TRUE(scene.driver->is_finished());
}

TEST(SidebandDriver, ConnectsAgainWhileTheSessionIsNotThere) {
    Scene scene({});
    scene.peer.on_connect = [&] {
        if (scene.peer.opened == 1) return scene.peer.end(refused_upgrade(404));
        scene.peer.open();
        scene.peer.text(kSessionCreated);
        scene.peer.end(connection_end(Kind::closed_by_peer, 1000));
    };
    scene.to_the_end();
    EXPECT_EQ(scene.peer.opened, 2);
    EXPECT_TRUE(scene.noted("attached"));
    EXPECT_EQ(scene.reason(), "caller_hung_up");
}

TEST(SidebandDriver, CallsASessionDeadThatIsNeverThere) {
    openai::SidebandSettings settings;
    settings.most_attempts = 2;
    Scene scene(settings);
    scene.peer.on_connect = [&] { scene.peer.end(refused_upgrade(404)); };
    scene.to_the_end();
    EXPECT_EQ(scene.peer.opened, 2);
    EXPECT_EQ(scene.peer.dropped, 2);
    EXPECT_EQ(scene.reason(), "dead_session");
    EXPECT_FALSE(scene.noted("attached"));
}

TEST(SidebandDriver, TellsTheCodeInTheBodyOfARefusal) {
    openai::SidebandSettings settings;
    settings.most_attempts = 1;
    Scene scene(settings);
    scene.peer.on_connect = [&] {
        auto end = refused_upgrade(404);
        end.http_body =
            R"({"error":{"message":"x","type":"invalid_request_error","code":"call_id_not_found"}})";
        scene.peer.end(std::move(end));
    };
    scene.to_the_end();
    ASSERT_TRUE(scene.end.has_value());
    EXPECT_NE(scene.end->detail.find("call_id_not_found"), std::string::npos) << scene.end->detail;
}

TEST(SidebandDriver, TellsTheReasonInACloseFrame) {
    Scene scene({});
    scene.peer.on_connect = [&] {
        scene.peer.open();
        scene.peer.text(kSessionCreated);
        auto end = connection_end(Kind::closed_by_peer, 1001);
        end.close_reason = "Your session hit the maximum duration of 60 minutes.";
        scene.peer.end(std::move(end));
    };
    scene.to_the_end();
    EXPECT_EQ(scene.reason(), "session_expired");
    ASSERT_TRUE(scene.end.has_value());
    EXPECT_NE(scene.end->detail.find("maximum duration"), std::string::npos) << scene.end->detail;
}

TEST(SidebandDriver, DrainsByClosingTheConnectionAndLeavesTheCallAlone) {
    Scene scene({});
    scene.peer.on_connect = [&] {
        scene.peer.open();
        scene.peer.text(kSessionCreated);
        scene.driver->drain();
        EXPECT_TRUE(scene.peer.closed);
        EXPECT_FALSE(scene.end.has_value());
    };
    scene.to_the_end();
    EXPECT_EQ(scene.reason(), "drained");
    EXPECT_EQ(scene.hang_ups, 0);
}

// Where the peer does not answer the close frame, a second drain waits no longer.
TEST(SidebandDriver, WaitsForNothingWhenItIsDrainedAgain) {
    Scene scene({});
    scene.peer.answers_close = false;
    scene.peer.on_connect = [&] {
        scene.peer.open();
        scene.driver->drain();
        scene.driver->drain();
    };
    scene.to_the_end();
    EXPECT_EQ(scene.reason(), "drained");
}

TEST(SidebandDriver, HangsUpWhenTheModelEndsTheCall) {
    Scene scene({});
    scene.peer.on_connect = [&] {
        scene.peer.open();
        scene.peer.text(kSessionCreated);
        scene.peer.text(kEndCall);
    };
    scene.to_the_end();
    EXPECT_EQ(scene.hang_ups, 1);
    EXPECT_EQ(scene.reason(), "end_call");
    ASSERT_FALSE(scene.peer.sent.empty());
    EXPECT_EQ(Json::parse(scene.peer.sent[0])["type"], "conversation.item.create");
}

TEST(SidebandDriver, HangsUpWhenTheLongestTimeIsOver) {
    openai::SidebandSettings settings;
    settings.max_call = 1s;
    Scene scene(settings);
    scene.peer.on_connect = [&] {
        scene.peer.open();
        scene.peer.text(kSessionCreated);
    };
    scene.to_the_end();
    EXPECT_EQ(scene.hang_ups, 1);
    EXPECT_EQ(scene.reason(), "max_call_seconds");
}

TEST(SidebandDriver, CountsAMissingWayToHangUpAsFailed) {
    http::Loop loop;
    ScriptedSideband peer(loop);
    std::vector<std::string> notes;
    std::string reason;
    SidebandDriver driver(loop, {}, peer.opener(),
                          SidebandCallbacks{[&](const SidebandNote& note) { notes.push_back(note.name); },
                                            [&](const SidebandFinish& finish) {
                                                reason = finish.name;
                                                loop.stop();
                                            },
                                            {}});
    peer.on_connect = [&] {
        peer.open();
        peer.text(kEndCall);
    };
    driver.start();
    loop.run();
    EXPECT_EQ(reason, "end_call");
    EXPECT_EQ(std::count(notes.begin(), notes.end(), "hangup_failed"), 1);
}

TEST(SidebandDriver, DropsTheConnectionWhenItIsDestroyed) {
    Scene scene({});
    scene.peer.on_connect = [&] {
        scene.peer.open();
        scene.driver.reset();
        EXPECT_EQ(scene.peer.dropped, 1);
        scene.loop.stop();
    };
    scene.driver->start();
    scene.loop.run();
    EXPECT_FALSE(scene.end.has_value());
}

TEST(SidebandDriver, MayBeDestroyedByItsLastCallback) {
    http::Loop loop;
    ScriptedSideband peer(loop);
    peer.on_connect = [&] { peer.end(refused_upgrade(401)); };
    std::unique_ptr<SidebandDriver> driver;
    driver = std::make_unique<SidebandDriver>(loop, openai::SidebandSettings{}, peer.opener(),
                                              SidebandCallbacks{{},
                                                                [&](const SidebandFinish&) {
                                                                    driver.reset();
                                                                    loop.stop();
                                                                },
                                                                {}});
    driver->start();
    loop.run();
    EXPECT_EQ(driver, nullptr);
}
