#include "observe/log.hpp"

#include "base/text.hpp"
#include "observe/descriptors.hpp"

#include <climits>
#include <csignal>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sys/resource.h>
#include <thread>

namespace callchain::observe {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr std::string_view kNotice = "lines of this log were dropped: its reader is too slow, or failed";

std::chrono::sys_time<std::chrono::milliseconds> fixed_time() {
    // 2026-11-27T22:56:00Z by `date -u -d @1795820160`.
    return std::chrono::sys_time<std::chrono::milliseconds>{1795820160s + 123ms};
}

Log::Options to(int descriptor) { return {.descriptor = descriptor, .now = fixed_time}; }

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (const auto line : split(text, '\n')) lines.emplace_back(line);
    EXPECT_EQ(lines.back(), "") << "the last line has no end";
    lines.pop_back();
    return lines;
}

// Of a log whose every line of ours has the message "m".
struct Tally {
    std::uint64_t written = 0;
    std::uint64_t told = 0;  ///< as dropped
};

Tally tally(const std::string& text) {
    Tally tally;
    for (const auto& line : lines_of(text)) {
        const auto json = Json::parse(line);
        if (json.at("message") == kNotice) {
            EXPECT_EQ(json.at("level"), "warn");
            tally.told += json.at("dropped").get<std::uint64_t>();
        } else {
            EXPECT_EQ(json.at("message"), "m");
            ++tally.written;
        }
    }
    return tally;
}

std::set<std::string> threads() {
    std::set<std::string> ids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
        ids.insert(entry.path().filename().string());
    return ids;
}

TEST(Log, WritesLinesInOrder) {
    const Pipe pipe;
    Log log(to(pipe.writer()));
    log.info("first", {{"status", std::int64_t{200}}});
    log.error("second");
    log.write_verbatim(R"({"message":"callchain webhook record"})");
    log.flush();
    EXPECT_EQ(pipe.read_now(),
              R"({"time":"2026-11-27T22:56:00.123Z","level":"info","message":"first","status":200})"
              "\n"
              R"({"time":"2026-11-27T22:56:00.123Z","level":"error","message":"second"})"
              "\n"
              R"({"message":"callchain webhook record"})"
              "\n");
    EXPECT_EQ(log.dropped(), 0U);
}

TEST(Log, WritesTextWithTheSystemsTime) {
    const Pipe pipe;
    const auto before = std::chrono::system_clock::now();
    Log log({.form = LogForm::text, .descriptor = pipe.writer()});
    log.warn("hello", {{"a", "b c"}});
    log.flush();
    const auto text = pipe.read_now();
    EXPECT_TRUE(text.ends_with("Z warn hello a=\"b c\"\n")) << text;
    const auto year = std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(before)).year();
    EXPECT_GE(std::stoi(text), static_cast<int>(year));
}

TEST(Log, LeavesOutWhatIsBelowTheThreshold) {
    const Pipe pipe;
    auto options = to(pipe.writer());
    options.threshold = Level::warn;
    Log log(options);
    EXPECT_FALSE(log.enabled(Level::debug));
    EXPECT_FALSE(log.enabled(Level::info));
    EXPECT_TRUE(log.enabled(Level::warn));
    EXPECT_TRUE(log.enabled(Level::error));
    log.debug("no");
    log.info("no");
    log.warn("yes");
    log.error("yes");
    log.write_verbatim("always");
    log.flush();
    EXPECT_EQ(lines_of(pipe.read_now()).size(), 3U);
}

// Without the flush at the end of others: what gathers is written all the same.
TEST(Log, WritesALineThatNobodyWaitsFor) {
    const Pipe pipe;
    Log log(to(pipe.writer()));
    log.info("m", {{"last", true}});
    EXPECT_EQ(tally(pipe.read_until("\"last\":true}\n")).written, 1U);
}

TEST(Log, WritesAnErrorWithWhatStandsInFrontOfIt) {
    const Pipe pipe;
    Log log(to(pipe.writer()));
    log.info("first");
    log.error("second");
    const auto lines = lines_of(pipe.read_until("second\"}\n"));
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(Json::parse(lines[0]).at("message"), "first");
}

// Of a write that a pipe takes in one piece nothing comes between, whoever else writes to it.
TEST(Log, WritesWholeLinesWhereSeveralGoAtOnce) {
    constexpr std::size_t kLines = 100;
    Pipe pipe;
    pipe.keep_writes_apart();
    {
        Log log(to(pipe.writer()));
        for (std::size_t i = 0; i < kLines; ++i) log.info("m");
    }
    pipe.close_writer();
    std::size_t writes = 0;
    std::size_t lines = 0;
    for (auto text = pipe.read_once(); !text.empty(); text = pipe.read_once()) {
        ++writes;
        lines += lines_of(text).size();
        EXPECT_LE(text.size(), std::size_t{PIPE_BUF});
    }
    EXPECT_EQ(lines, kLines);
    EXPECT_LT(writes, kLines / 10);
}

TEST(Log, WithholdsSecrets) {
    const Pipe pipe;
    auto options = to(pipe.writer());
    options.secrets = {"hunter2hunter2"};
    Log log(options);
    log.info("the token hunter2hunter2", {{"key", "sk-proj-0123456789abcdefghijklmnop"}});
    log.flush();
    const auto json = Json::parse(pipe.read_now());
    EXPECT_EQ(json.at("message"), "the token [withheld]");
    EXPECT_EQ(json.at("key"), "sk-[withheld]");
}

TEST(Log, StartsItsThreadAtTheFirstLineAndEndsIt) {
    const Pipe pipe;
    const auto before = threads();
    {
        Log log(to(pipe.writer()));
        log.flush();
        EXPECT_EQ(log.dropped(), 0U);
        EXPECT_EQ(threads(), before);
        log.info("m");
        log.flush();
        EXPECT_EQ(threads().size(), before.size() + 1);
    }
    EXPECT_EQ(threads(), before);
}

TEST(Log, GivesItsThreadNoSignalOfTheProcess) {
    const Pipe pipe;
    const auto before = threads();
    sigset_t mask_before;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_before);
    Log log(to(pipe.writer()));
    log.info("m");
    log.flush();
    for (const auto& id : threads()) {
        if (before.contains(id)) continue;
        std::ifstream status("/proc/self/task/" + id + "/status");
        std::map<std::string, std::string> facts;
        for (std::string line; std::getline(status, line);) facts[line.substr(0, line.find(':'))] = line;
        const auto blocked = std::stoull(facts.at("SigBlk").substr(8), nullptr, 16);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE})
            EXPECT_NE(blocked >> static_cast<unsigned>(signal - 1) & 1U, 0U) << signal;
    }
    sigset_t mask_after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_after);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE})
        EXPECT_EQ(::sigismember(&mask_after, signal), ::sigismember(&mask_before, signal)) << signal;
}

TEST(Log, WritesWhatIsQueuedWhenItEnds) {
    Pipe pipe;
    auto reader = std::async(std::launch::async, [&] { return pipe.read_to_end(); });
    {
        Log log(to(pipe.writer()));
        for (int i = 0; i < 3000; ++i) log.info("m");
    }
    pipe.close_writer();
    EXPECT_EQ(tally(reader.get()).written, 3000U);
}

TEST(Log, KeepsLinesOfManyThreadsWhole) {
    constexpr std::int64_t kThreads = 4;
    constexpr std::int64_t kLines = 500;
    Pipe pipe;
    auto reader = std::async(std::launch::async, [&] { return pipe.read_to_end(); });
    {
        Log log(to(pipe.writer()));
        std::vector<std::thread> writers;
        for (std::int64_t t = 0; t < kThreads; ++t) {
            writers.emplace_back([&log, t] {
                const std::string padding(static_cast<std::size_t>(100 * t), static_cast<char>('a' + t));
                for (std::int64_t i = 0; i < kLines; ++i)
                    log.info("m", {{"thread", t}, {"line", i}, {"padding", padding}});
            });
        }
        for (auto& writer : writers) writer.join();
    }
    pipe.close_writer();
    std::map<std::int64_t, std::int64_t> next;
    for (const auto& line : lines_of(reader.get())) {
        const auto json = Json::parse(line);
        EXPECT_EQ(json.at("line").get<std::int64_t>(), next[json.at("thread")]++) << "out of order";
    }
    for (std::int64_t t = 0; t < kThreads; ++t) EXPECT_EQ(next[t], kLines);
}

TEST(Log, KeepsLinesOfSeveralLogsApart) {
    const Pipe first;
    const Pipe second;
    Log one(to(first.writer()));
    Log other(to(second.writer()));
    one.info("to the first");
    other.info("to the second");
    one.flush();
    other.flush();
    EXPECT_EQ(Json::parse(first.read_now()).at("message"), "to the first");
    EXPECT_EQ(Json::parse(second.read_now()).at("message"), "to the second");
}

TEST(Log, WritesALineThatIsLongerThanThePipe) {
    for (const bool non_blocking : {false, true}) {
        SCOPED_TRACE(non_blocking);
        Pipe pipe;
        pipe.make_small();
        if (non_blocking) pipe.make_non_blocking();
        auto reader = std::async(std::launch::async, [&] { return pipe.read_to_end(1000); });
        const std::string line(100'000, 'x');
        {
            Log log(to(pipe.writer()));
            log.write_verbatim(line);
            log.write_verbatim("end");
        }
        pipe.close_writer();
        EXPECT_EQ(reader.get(), line + "\nend\n");
    }
}

// The bounds on time are for a machine under load; a log that waits for its reader would never end.
TEST(Log, IsNotStoppedByAReaderThatDoesNotRead) {
    constexpr std::uint64_t kLines = 20'000;
    for (const bool non_blocking : {false, true}) {
        SCOPED_TRACE(non_blocking);
        const Pipe pipe;
        pipe.make_small();
        if (non_blocking) pipe.make_non_blocking();
        auto log = std::make_unique<Log>(to(pipe.writer()));
        for (std::uint64_t i = 0; i < kLines; ++i) log->info("m");
        // 8,192 in the queue, fewer than 100 at the writer, and as many in the pipe's one page.
        EXPECT_GE(log->dropped(), kLines - 8192 - 100 - 100);
        EXPECT_LE(log->dropped(), kLines - 8192);
        const auto start = std::chrono::steady_clock::now();
        if (!non_blocking) log->flush();
        log.reset();
        EXPECT_LT(std::chrono::steady_clock::now() - start, 20s);
    }
}

TEST(Log, TellsHowManyLinesWereDropped) {
    constexpr std::uint64_t kLines = 20'000;
    const Pipe pipe;
    pipe.make_small();
    Log log(to(pipe.writer()));
    for (std::uint64_t i = 0; i < kLines - 1; ++i) log.info("m");
    log.info("m", {{"last", true}});
    const auto found = tally(pipe.read_until("\"last\":true}\n"));
    EXPECT_GE(log.dropped(), kLines - 8192 - 100 - 100);
    EXPECT_EQ(found.told, log.dropped());
    EXPECT_EQ(found.written + found.told, kLines);
}

TEST(Log, TakesNoLongLinesWhileManyLinesWait) {
    Pipe pipe;
    pipe.make_small();
    Log log(to(pipe.writer()));
    for (int i = 0; i < 3000; ++i) log.info("m");
    EXPECT_EQ(log.dropped(), 0U);
    log.write_verbatim(std::string(5000, 'x'));
    EXPECT_EQ(log.dropped(), 1U);
    log.write_verbatim(std::string(4000, 'x'));
    EXPECT_EQ(log.dropped(), 1U);
    pipe.close_reader();  // else the end waits its second
}

TEST(Log, SurvivesAReaderThatHasGone) {
    // A SIGPIPE would end the test.
    std::signal(SIGPIPE, SIG_DFL);
    Pipe pipe;
    Log log(to(pipe.writer()));
    log.info("m");
    log.flush();
    pipe.close_reader();
    for (int i = 0; i < 10; ++i) log.info("m");
    log.flush();
    EXPECT_EQ(log.dropped(), 10U);
}

TEST(Log, CountsLinesThatHaveNoDescriptor) {
    Log log(to(-1));
    log.info("m");
    log.flush();
    EXPECT_EQ(log.dropped(), 1U);
}

// Runs in a child: the limit on the size of files stands for a disk that is full and then is not.
void write_beyond_a_limit(const std::string& path) {
    std::signal(SIGXFSZ, SIG_IGN);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 1000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Log log(to(file));
    for (int i = 0; i < 20; ++i) log.info("m", {{"number", std::int64_t{i}}});
    log.flush();
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    log.info("room again");
    log.flush();
    std::fprintf(stderr, "dropped %d\n", static_cast<int>(log.dropped()));
}

TEST(Log, StartsANewLineBehindOneThatAFullDiskCut) {
    const TemporaryDirectory directory;
    const auto path = (directory.path() / "log").string();
    // 76 bytes a line, from number 10 on 77: 13 fit into the 1,000 that are allowed, and 9 bytes of the next.
    EXPECT_EXIT(
        {
            write_beyond_a_limit(path);
            std::_Exit(0);
        },
        testing::ExitedWithCode(0), "dropped 7");
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto lines = lines_of(text);
    ASSERT_EQ(lines.size(), 16U) << text;
    EXPECT_EQ(text.find('\0'), std::string::npos);
    EXPECT_EQ(lines[13].size(), 9U) << "the cut line";
    EXPECT_EQ(Json::parse(lines[14]).at("message"), kNotice);
    EXPECT_EQ(Json::parse(lines[14]).at("dropped"), 7);
    EXPECT_EQ(Json::parse(lines[15]).at("message"), "room again");
}

}  // namespace
}  // namespace callchain::observe
