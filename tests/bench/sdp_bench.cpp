// The codec filter on Meta's offers, with a codec in common and without: what ./dev bench sdp-filter holds
// against the budget.

#include "sdp/filter.hpp"
#include "sdp/verdict.hpp"

#include <benchmark/benchmark.h>
#include <fstream>
#include <iterator>
#include <string>

namespace callchain::sdp {
namespace {

std::string read_sample(const std::string& name) {
    std::ifstream file(SDP_SAMPLES "/" + name + ".sdp", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void filter(benchmark::State& state, const char* name) {
    const auto text = read_sample(name);
    for (auto _ : state) {
        auto filtered = filter_offer(text, default_keep_list());
        if (!filtered) state.SkipWithError("the sample cannot be read");
        benchmark::DoNotOptimize(filtered);
    }
    state.SetItemsProcessed(state.iterations());
}

void verdict(benchmark::State& state, const char* name) {
    const auto text = read_sample(name);
    for (auto _ : state) {
        auto judged = judge_offer(text, default_keep_list(), {});
        benchmark::DoNotOptimize(judged);
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(filter, meta_sdes_g711, "synthetic-meta-sdes-opus-pcma-pcmu");
BENCHMARK_CAPTURE(filter, meta_default, "meta-live-2026-10-02");
BENCHMARK_CAPTURE(filter, chrome_audio_and_video, "chrome-audio-video-bundle");
BENCHMARK_CAPTURE(verdict, meta_sdes_g711_verdict, "synthetic-meta-sdes-opus-pcma-pcmu");

}  // namespace
}  // namespace callchain::sdp
