#include "simulator/child_process.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <mutex>

namespace callchain::simulator {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 60'000ms;  // never waited out by a test that passes

ChildSettings shell(const std::string& script) {
    return {.program = "/bin/sh", .arguments = {"-c", script}, .folder = "/", .output_file = {}};
}

// Of a process that is gone or only a zombie, whoever has to reap it.
bool is_gone(int pid) {
    for (int attempt = 0; attempt < 1'000; ++attempt) {
        const auto state = run_to_end(shell("grep -q '^State:.[^Z]' /proc/" + std::to_string(pid) +
                                            "/status"
                                            " 2>/dev/null"),
                                      kLong);
        if (state && state->code != 0) return true;
    }
    return false;
}

TEST(ChildProcess, GivesTheLinesOfBothOutputs) {
    std::mutex mutex;
    std::vector<std::string> lines;
    const auto child = ChildProcess::start(shell("echo one; echo two >&2; printf three; exit 7"),
                                           [&](const std::string& line) {
                                               const std::lock_guard lock(mutex);
                                               lines.push_back(line);
                                           });
    ASSERT_TRUE(child.has_value()) << child.error().message;
    for (const char* text : {"one", "two", "three"}) EXPECT_EQ((*child)->wait_for_line(text, kLong), text);
    EXPECT_EQ((*child)->wait_for_line("four", kLong), std::nullopt);  // it has ended: at once
    EXPECT_EQ((*child)->wait(kLong), 7);
    const std::lock_guard lock(mutex);
    EXPECT_EQ(lines.size(), 3U);
}

TEST(ChildProcess, EndsBySignalAndSaysWhich) {
    auto child = ChildProcess::start(shell("echo ready; exec sleep 1000"), {});
    ASSERT_TRUE(child.has_value());
    ASSERT_TRUE((*child)->wait_for_line("ready", kLong));
    EXPECT_EQ((*child)->wait(0ms), std::nullopt);
    EXPECT_EQ((*child)->stop(kLong), 128 + SIGTERM);
    (*child)->signal(SIGTERM);  // harmless by now
    EXPECT_EQ((*child)->stop(kLong), 128 + SIGTERM);
}

TEST(ChildProcess, IsKilledWhereItDoesNotStop) {
    auto child = ChildProcess::start(shell("trap '' TERM; echo ready; while :; do sleep 1; done"), {});
    ASSERT_TRUE(child.has_value());
    ASSERT_TRUE((*child)->wait_for_line("ready", kLong));
    EXPECT_EQ((*child)->stop(20ms), 128 + SIGKILL);
}

TEST(ChildProcess, LeavesNoGrandchildBehind) {
    auto child = ChildProcess::start(shell("sleep 1000 & echo $!; wait"), {});
    ASSERT_TRUE(child.has_value());
    const auto line = (*child)->wait_for_line("", kLong);
    ASSERT_TRUE(line.has_value());
    const int pid = (*child)->pid();
    child->reset();
    EXPECT_TRUE(is_gone(pid));
    EXPECT_TRUE(is_gone(std::stoi(*line)));
}

// One that left the group keeps the pipes open.
TEST(ChildProcess, DoesNotWaitForAGrandchildThatLeft) {
    auto child = ChildProcess::start(shell("setsid sh -c 'echo $$; exec sleep 1000' & wait"), {});
    ASSERT_TRUE(child.has_value());
    const auto line = (*child)->wait_for_line("", kLong);
    ASSERT_TRUE(line.has_value());
    child->reset();
    ::kill(std::stoi(*line), SIGKILL);
}

TEST(ChildProcess, InheritsNothing) {
    auto settings = shell("env; ls /proc/$$/fd; cat; pwd");
    settings.environment = {{"PATH", "/usr/bin:/bin"}, {"ONE", "1"}};
    const auto finished = run_to_end(settings, kLong);
    ASSERT_TRUE(finished.has_value()) << finished.error().message;
    EXPECT_NE(finished->output.find("ONE=1\n"), std::string::npos);
    EXPECT_EQ(finished->output.find("HOME="), std::string::npos);
    EXPECT_TRUE(finished->output.ends_with("0\n1\n2\n/\n")) << finished->output;
}

TEST(ChildProcess, NamesAProgramThatIsNotThere) {
    auto settings = shell("");
    settings.program = "/nonexistent/callchain";
    const auto child = ChildProcess::start(settings, {});
    ASSERT_FALSE(child.has_value());
    EXPECT_EQ(child.error().code, ErrorCode::io);
    EXPECT_NE(child.error().message.find("/nonexistent/callchain"), std::string::npos);
    EXPECT_FALSE(run_to_end(settings, kLong).has_value());
}

TEST(RunToEnd, KeepsTheOutputsApartHoweverLong) {
    const auto finished = run_to_end(
        shell("head -c 1048576 /dev/zero; head -c 1048576 /dev/zero >&2; echo end; exit 3"), kLong);
    ASSERT_TRUE(finished.has_value()) << finished.error().message;
    EXPECT_EQ(finished->code, 3);
    EXPECT_EQ(finished->output.size(), 1'048'576U + 4);
    EXPECT_EQ(finished->errors, std::string(1'048'576, '\0'));
}

TEST(RunToEnd, GivesUpWithAllThatItStarted) {
    const auto finished = run_to_end(shell("sleep 1000 & sleep 1000"), 50ms);
    ASSERT_FALSE(finished.has_value());
    EXPECT_EQ(finished.error().code, ErrorCode::limit);
    // One that closed its output is waited for all the same.
    EXPECT_FALSE(run_to_end(shell("exec >&- 2>&-; exec sleep 1000"), 50ms).has_value());
}

}  // namespace
}  // namespace callchain::simulator
