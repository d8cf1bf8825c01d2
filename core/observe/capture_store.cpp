#include "observe/capture_store.hpp"

#include "base/internet_time.hpp"
#include "base/text.hpp"
#include "observe/capture_directory.hpp"
#include "observe/token_bucket.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <utility>

namespace callchain::observe {
namespace {

using Time = TokenBucket::Time;

}  // namespace

struct CaptureStore::State {
    State(CaptureDirectory opened, CaptureStoreLimits given)
        : directory(std::move(opened)), limits(given), bucket(given.burst, std::max(given.per_second, 0.0)) {}

    // The directory is read again and again, since other hands, or another process of ours during a restart,
    // add and remove files as well; but of a large one not for every capture.
    Result<void> look() {
        constexpr std::size_t kFilesPerWrite = 256;  // that are looked at, on the average
        if (writes_until_look > 0) {
            --writes_until_look;
            return {};
        }
        const auto files = CALLCHAIN_TRY(directory.list());
        known.assign(files.begin(), files.end());
        known_bytes = 0;
        for (const auto& file : known) known_bytes += file.bytes;
        writes_until_look = limits.most_files / kFilesPerWrite;
        return {};
    }

    // Removes the oldest captures until `bytes` more fit.
    Result<void> make_room(std::uint64_t bytes) {
        CALLCHAIN_TRY(look());
        while (!known.empty() &&
               (known.size() >= limits.most_files || known_bytes + bytes > limits.most_bytes)) {
            CALLCHAIN_TRY(directory.remove(known.front().name));
            known_bytes -= known.front().bytes;
            known.pop_front();
        }
        return {};
    }

    Result<std::string> write(std::string_view bytes, Time now) {
        if (limits.most_files == 0 || bytes.size() > limits.most_bytes)
            return fail(ErrorCode::limit, "a capture of " + count_of(bytes.size(), "byte") +
                                              " is more than the capture directory may hold");
        CALLCHAIN_TRY(make_room(bytes.size()));
        // A name can be taken by a file that is not ours, or by another process.
        constexpr int kMostNames = 100;
        for (int i = 0; i < kMostNames; ++i) {
            const auto number = next_number++;
            auto name = capture_name(write_rfc3339(now), number);
            if (CALLCHAIN_TRY(directory.create(name, bytes)) == CaptureDirectory::Made::name_is_taken)
                continue;
            known.push_back({name, number, bytes.size()});
            known_bytes += bytes.size();
            return name;
        }
        return fail(ErrorCode::io, "cannot make a capture: all names that were tried are taken");
    }

    CaptureDirectory directory;
    CaptureStoreLimits limits;
    std::mutex mutex;  ///< of what is below, and of the ring
    TokenBucket bucket;
    std::uint64_t next_number = 0;
    std::deque<CaptureDirectory::File> known;  ///< oldest first: as of the last look, and what we wrote since
    std::uint64_t known_bytes = 0;
    std::size_t writes_until_look = 0;
    std::atomic<std::uint64_t> rate_limited = 0;
};

Result<std::unique_ptr<CaptureStore>> CaptureStore::open(const std::string& path, CaptureStoreLimits limits) {
    auto directory = CALLCHAIN_TRY(CaptureDirectory::open(path));
    const auto files = CALLCHAIN_TRY(directory.list());
    auto state = std::make_unique<State>(std::move(directory), limits);
    if (!files.empty()) state->next_number = files.back().number + 1;
    return std::unique_ptr<CaptureStore>(new CaptureStore(std::move(state)));
}

CaptureStore::CaptureStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
CaptureStore::~CaptureStore() = default;

CaptureStore::Written CaptureStore::write(std::string_view bytes, Time now) {
    const std::lock_guard lock(state_->mutex);
    if (!state_->bucket.take(now)) {
        ++state_->rate_limited;
        return {CaptureOutcome::rate_limited, {}, {}};
    }
    auto name = state_->write(bytes, now);
    if (!name) return {CaptureOutcome::failed, {}, std::move(name).error().message};
    return {CaptureOutcome::written, *std::move(name), {}};
}

std::uint64_t CaptureStore::rate_limited() const { return state_->rate_limited; }

}  // namespace callchain::observe
