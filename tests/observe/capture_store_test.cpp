#include "observe/capture_store.hpp"

#include "observe/descriptors.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>

namespace callchain::observe {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// 2026-11-27T22:56:00Z by `date -u -d @1795820160`.
constexpr std::chrono::sys_time<std::chrono::milliseconds> kTime{1795820160s + 123ms};

// A directory whose captures/ does not exist yet.
class CaptureStoreTest : public testing::Test {
  protected:
    [[nodiscard]] fs::path at(const std::string& name) const { return path_ / name; }
    [[nodiscard]] const fs::path& path() const { return path_; }

    std::unique_ptr<CaptureStore> open(CaptureStoreLimits limits = {}) {
        auto store = CaptureStore::open(path_.string(), limits);
        EXPECT_TRUE(store.has_value()) << store.error().message;
        return store ? *std::move(store) : nullptr;
    }

    // The numbers in the names of what is there, sorted; other names as they are.
    [[nodiscard]] std::vector<std::string> numbers() const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(path_)) {
            const auto name = entry.path().filename().string();
            found.push_back(is_capture_name(name) ? name.substr(21, name.size() - 21 - 5) : name);
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    static std::string read(const fs::path& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static void write_file(const fs::path& file, const std::string& text) {
        std::ofstream(file, std::ios::binary) << text;
    }
    static unsigned mode_of(const fs::path& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0);
        return status.st_mode & 07777U;
    }

    TemporaryDirectory directory_;
    fs::path path_ = directory_.path() / "captures";
};

using Names = std::vector<std::string>;

TEST_F(CaptureStoreTest, MakesItsDirectoryAndFilesForItselfAlone) {
    const auto store = open();
    EXPECT_EQ(mode_of(path()), 0700U);
    const std::string bytes("POST /openai/webhook HTTP/1.1\r\n\r\n\0\xff", 35);
    const auto written = store->write(bytes, kTime);
    ASSERT_EQ(written.outcome, CaptureOutcome::written) << written.why;
    EXPECT_EQ(written.name, "20261127T225600.123Z-000000.http");
    EXPECT_EQ(read(at(written.name)), bytes);
    EXPECT_EQ(mode_of(at(written.name)), 0600U);
}

TEST_F(CaptureStoreTest, NamesTwoCapturesOfOneMillisecondApart) {
    const auto store = open();
    EXPECT_EQ(store->write("a", kTime).name, "20261127T225600.123Z-000000.http");
    EXPECT_EQ(store->write("b", kTime).name, "20261127T225600.123Z-000001.http");
    EXPECT_EQ(numbers(), (Names{"000000", "000001"}));
}

TEST_F(CaptureStoreTest, KeepsALargeRingAndSeesWhatOtherHandsDo) {
    CaptureStoreLimits limits;
    limits.most_files = 600;  // looks at the folder for every third capture only
    limits.burst = 10'000;
    const auto store = open(limits);
    for (int i = 0; i < 610; ++i) ASSERT_EQ(store->write("x", kTime).outcome, CaptureOutcome::written);
    auto left = numbers();
    EXPECT_EQ(left.size(), 600U);
    EXPECT_EQ(left.front(), "000010");
    EXPECT_EQ(left.back(), "000609");
    for (int i = 10; i < 310; ++i)
        fs::remove(
            at("20261127T225600.123Z-000" + std::string(i < 100 ? "0" : "") + std::to_string(i) + ".http"));
    for (int i = 0; i < 10; ++i) ASSERT_EQ(store->write("x", kTime).outcome, CaptureOutcome::written);
    left = numbers();
    EXPECT_EQ(left.size(), 310U) << "what is gone makes room";
    EXPECT_EQ(left.front(), "000310");
    EXPECT_EQ(left.back(), "000619");
}

TEST_F(CaptureStoreTest, TakesADirectoryWithASlashBehindIt) {
    fs::create_directory(path());
    fs::permissions(path(), fs::perms::owner_all);
    EXPECT_TRUE(CaptureStore::open(path().string() + "/").has_value());
}

TEST_F(CaptureStoreTest, RefusesADirectoryThatIsOpenToOthers) {
    fs::create_directory(path());
    for (const unsigned mode : {0755U, 0701U, 0710U, 0770U, 0500U}) {
        SCOPED_TRACE(mode);
        fs::permissions(path(), static_cast<fs::perms>(mode));
        const auto store = CaptureStore::open(path().string());
        ASSERT_FALSE(store.has_value());
        EXPECT_EQ(store.error().code, ErrorCode::usage);
        EXPECT_NE(store.error().message.find("mode 0700"), std::string::npos) << store.error().message;
        EXPECT_EQ(store.error().hint, "chmod 700 " + path().string());
    }
}

TEST_F(CaptureStoreTest, RefusesALinkAndAFile) {
    const auto base = directory_.path();
    fs::create_directory(base / "real");
    fs::permissions(base / "real", fs::perms::owner_all);
    fs::create_directory_symlink(base / "real", base / "link");
    fs::create_directory_symlink(base / "nowhere", base / "dangling");
    write_file(base / "file", "x");
    for (const auto& [name, why] : {std::pair{"link", "is a symbolic link"},
                                    {"link/", "is a symbolic link"},
                                    {"dangling", "is a symbolic link"},
                                    {"file", "is not a directory"}}) {
        SCOPED_TRACE(name);
        const auto store = CaptureStore::open((base / name).string());
        ASSERT_FALSE(store.has_value());
        EXPECT_EQ(store.error().code, ErrorCode::usage);
        EXPECT_NE(store.error().message.find(why), std::string::npos) << store.error().message;
        EXPECT_NE(store.error().hint, "");
    }
    EXPECT_FALSE(fs::exists(base / "nowhere"));
}

TEST_F(CaptureStoreTest, RefusesADirectoryOfSomebodyElse) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
    fs::create_directory(path());
    fs::permissions(path(), fs::perms::owner_all);
    ASSERT_EQ(::chown(path().c_str(), 65534, 65534), 0);
    const auto store = CaptureStore::open(path().string());
    ASSERT_FALSE(store.has_value());
    EXPECT_EQ(store.error().code, ErrorCode::usage);
    EXPECT_NE(store.error().message.find("belongs to user 65534"), std::string::npos)
        << store.error().message;
}

TEST_F(CaptureStoreTest, TellsWhyADirectoryCannotBeMade) {
    const auto store = CaptureStore::open((directory_.path() / "no" / "where").string());
    ASSERT_FALSE(store.has_value());
    EXPECT_EQ(store.error().code, ErrorCode::io);
    EXPECT_NE(store.error().message.find("No such file or directory"), std::string::npos);
    EXPECT_EQ(CaptureStore::open("").error().code, ErrorCode::usage);
    EXPECT_EQ(CaptureStore::open(std::string("a\0b", 3)).error().code, ErrorCode::usage);
}

TEST_F(CaptureStoreTest, RemovesTheOldestBeyondTheNumberOfFiles) {
    const auto store = open({.most_files = 3});
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(store->write("x", kTime).outcome, CaptureOutcome::written);
        EXPECT_LE(numbers().size(), 3U);
    }
    EXPECT_EQ(numbers(), (Names{"000002", "000003", "000004"}));
}

TEST_F(CaptureStoreTest, RemovesTheOldestBeyondTheNumberOfBytes) {
    const auto store = open({.most_bytes = 100});
    for (int i = 0; i < 2; ++i)
        ASSERT_EQ(store->write(std::string(50, 'x'), kTime).outcome, CaptureOutcome::written);
    EXPECT_EQ(numbers(), (Names{"000000", "000001"}));
    ASSERT_EQ(store->write("x", kTime).outcome, CaptureOutcome::written);
    EXPECT_EQ(numbers(), (Names{"000001", "000002"}));
    ASSERT_EQ(store->write(std::string(100, 'x'), kTime).outcome, CaptureOutcome::written);
    EXPECT_EQ(numbers(), (Names{"000003"}));
}

TEST_F(CaptureStoreTest, RefusesWhatTheRingCannotHold) {
    const auto store = open({.most_bytes = 100});
    ASSERT_EQ(store->write("x", kTime).outcome, CaptureOutcome::written);
    const auto written = store->write(std::string(101, 'x'), kTime);
    EXPECT_EQ(written.outcome, CaptureOutcome::failed);
    EXPECT_NE(written.why.find("101 bytes"), std::string::npos) << written.why;
    EXPECT_EQ(numbers(), (Names{"000000"}));
    EXPECT_EQ(open({.most_files = 0})->write("x", kTime).outcome, CaptureOutcome::failed);
}

TEST_F(CaptureStoreTest, HoldsTheRingOverRestarts) {
    for (int i = 0; i < 3; ++i) ASSERT_EQ(open()->write("x", kTime).outcome, CaptureOutcome::written);
    EXPECT_EQ(numbers(), (Names{"000000", "000001", "000002"}));
    const auto store = open({.most_files = 3});
    ASSERT_EQ(store->write("x", kTime).outcome, CaptureOutcome::written);
    EXPECT_EQ(numbers(), (Names{"000001", "000002", "000003"}));
}

TEST_F(CaptureStoreTest, KnowsTheOldestByItsNumberWhenTheClockWasSetBack) {
    const auto store = open({.most_files = 2});
    for (const auto back : {0h, 1h, 2h})
        ASSERT_EQ(store->write("x", kTime - back).outcome, CaptureOutcome::written);
    EXPECT_EQ(numbers(), (Names{"000001", "000002"}));
}

TEST_F(CaptureStoreTest, CountsBeyondSixDigits) {
    ASSERT_NE(open(), nullptr);
    write_file(at("20261127T225600.123Z-999999.http"), "x");
    write_file(at("20261127T225600.123Z-999998.http"), "x");
    EXPECT_EQ(open({.most_files = 2})->write("x", kTime).name, "20261127T225600.123Z-1000000.http");
    EXPECT_EQ(numbers(), (Names{"1000000", "999999"}));
}

TEST_F(CaptureStoreTest, LeavesOtherFilesAlone) {
    ASSERT_NE(open(), nullptr);
    const auto outside = directory_.path() / "outside";
    write_file(outside, "precious");
    write_file(at("notes.txt"), std::string(1000, 'x'));
    write_file(at("20261127T225600.123Z-000000.http.bak"), "x");
    fs::create_symlink(outside, at("20261127T225600.123Z-000000.http"));
    fs::create_symlink(outside, at("20261127T225600.123Z-000001.http"));
    fs::create_directory(at("20261127T225600.123Z-000002.http"));
    const auto before = numbers();

    const auto store = open({.most_files = 1, .most_bytes = 100});
    for (int i = 0; i < 4; ++i) {
        // The first numbers are taken, by links that would lead outside.
        const auto written = store->write("new", kTime);
        ASSERT_EQ(written.outcome, CaptureOutcome::written) << written.why;
    }
    auto wanted = before;
    wanted.emplace_back("000006");
    std::sort(wanted.begin(), wanted.end());
    EXPECT_EQ(numbers(), wanted);
    EXPECT_EQ(read(outside), "precious");
}

TEST_F(CaptureStoreTest, SeesWhatOtherHandsRemoved) {
    const auto store = open({.most_files = 3});
    for (int i = 0; i < 3; ++i) ASSERT_EQ(store->write("x", kTime).outcome, CaptureOutcome::written);
    fs::remove(at("20261127T225600.123Z-000002.http"));
    ASSERT_EQ(store->write("x", kTime).outcome, CaptureOutcome::written);
    EXPECT_EQ(numbers(), (Names{"000000", "000001", "000003"}));
}

TEST_F(CaptureStoreTest, LimitsTheRate) {
    const auto store = open({.burst = 3, .per_second = 2});
    const auto outcome_at = [&](std::chrono::milliseconds after) {
        return store->write("x", kTime + after).outcome;
    };
    for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome_at(0ms), CaptureOutcome::written);
    EXPECT_EQ(outcome_at(0ms), CaptureOutcome::rate_limited);
    EXPECT_EQ(outcome_at(499ms), CaptureOutcome::rate_limited);
    EXPECT_EQ(outcome_at(500ms), CaptureOutcome::written);
    EXPECT_EQ(outcome_at(500ms), CaptureOutcome::rate_limited);
    EXPECT_EQ(store->rate_limited(), 3U);
    EXPECT_EQ(numbers().size(), 4U);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome_at(1h), CaptureOutcome::written);
    EXPECT_EQ(outcome_at(1h), CaptureOutcome::rate_limited) << "an hour saves up no more than the burst";
}

TEST_F(CaptureStoreTest, WritesOnAfterTheClockWasSetBack) {
    const auto store = open({.burst = 1, .per_second = 1});
    EXPECT_EQ(store->write("x", kTime).outcome, CaptureOutcome::written);
    EXPECT_EQ(store->write("x", kTime - 1h).outcome, CaptureOutcome::rate_limited);
    EXPECT_EQ(store->write("x", kTime - 1h + 1s).outcome, CaptureOutcome::written);
}

TEST_F(CaptureStoreTest, WritesFromManyThreads) {
    const auto store = open({.most_files = 10, .burst = 100});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&store] {
            for (int i = 0; i < 25; ++i) {
                const auto written = store->write("x", kTime);
                EXPECT_EQ(written.outcome, CaptureOutcome::written) << written.why;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(numbers().size(), 10U);
    EXPECT_EQ(numbers().front(), "000090");
}

TEST_F(CaptureStoreTest, FailsInWordsWhereTheDirectoryHasGone) {
    const auto store = open();
    fs::remove(path());
    const auto written = store->write("x", kTime);
    EXPECT_EQ(written.outcome, CaptureOutcome::failed);
    EXPECT_NE(written.why.find("No such file or directory"), std::string::npos) << written.why;
}

// Children's exit codes.
constexpr int kDone = 0;
constexpr int kCannotTry = 77;

int report(const CaptureStore::Written& written) {
    std::fprintf(stderr, "outcome %d: %s\n", static_cast<int>(written.outcome), written.why.c_str());
    return kDone;
}

// In a child: a capture of which only a part may be written.
int write_beyond_a_limit(CaptureStore& store) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return report(store.write(std::string(5000, 'x'), kTime));
}

TEST_F(CaptureStoreTest, RemovesWhatALimitOnTheSizeOfFilesCut) {
    const auto store = open();
    EXPECT_EXIT(std::_Exit(write_beyond_a_limit(*store)), testing::ExitedWithCode(kDone),
                "outcome 2: cannot write .*000000.http: File too large");
    EXPECT_EQ(numbers(), Names{});
    EXPECT_EQ(store->write(std::string(5000, 'x'), kTime).outcome, CaptureOutcome::written);
}

// Mounts a file system of 64 KiB over `path`, for this process alone.
bool mount_small_disk(const fs::path& path) {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=64k,mode=0700") == 0;
}

// In a child: a capture that does not fit, then one that does.
int fill_small_disk(const fs::path& path) {
    if (!mount_small_disk(path)) return kCannotTry;
    const auto store = CaptureStore::open(path.string());
    if (!store) return 1;
    report((*store)->write(std::string(100'000, 'x'), kTime));
    if (!fs::is_empty(path)) return 2;
    const auto small = (*store)->write(std::string(10'000, 'x'), kTime);
    return small.outcome == CaptureOutcome::written && fs::file_size(path / small.name) == 10'000 ? kDone : 3;
}

TEST_F(CaptureStoreTest, RemovesWhatAFullDiskCut) {
    fs::create_directory(path());
    const pid_t probe = ::fork();
    if (probe == 0) std::_Exit(mount_small_disk(path()) ? kDone : kCannotTry);
    int status = 0;
    ASSERT_EQ(::waitpid(probe, &status, 0), probe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != kDone)
        GTEST_SKIP() << "a small file system cannot be mounted here: the case of a full disk is not tested";
    EXPECT_EXIT(std::_Exit(fill_small_disk(path())), testing::ExitedWithCode(kDone),
                "outcome 2: cannot write .*000000.http: No space left on device");
}

TEST(IsCaptureName, KnowsNamesOfOursOnly) {
    for (const std::string_view name :
         {"20261127T225600.123Z-000017.http", "20261127T225600.123Z-1000000.http",
          "20261127T225600.123Z-999999999999999999.http"}) {
        SCOPED_TRACE(name);
        EXPECT_TRUE(is_capture_name(name));
    }
    for (const std::string_view name :
         {"", ".", "..", ".http", "notes.txt", "20261127T225600.123Z-00017.http",
          "20261127T225600.123Z-0000000000000000000.http", "20261127T225600.123Z-000017.http~",
          "20261127T225600.123Z-000017.htt", "x20261127T225600.123Z-000017.http",
          "20261127t225600.123Z-000017.http", "20261127T225600.123Z-0000-7.http",
          "20261127T225600.123Z-00001/.http", "20261127T225600.123Z_000017.http",
          "2026-11-27T22:56:00.123Z-000017.http"}) {
        SCOPED_TRACE(name);
        EXPECT_FALSE(is_capture_name(name));
    }
}

}  // namespace
}  // namespace callchain::observe
