// One INVITE of Meta's form read, written, and cut out of a stream, with the bytes that its parsed form
// holds.

#include "sip/framing.hpp"
#include "sip/message.hpp"
#include "sip/raw_reader.hpp"

#include <benchmark/benchmark.h>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <malloc.h>
#include <string>

// What our own code holds. sofia-sip's form is gone when parse_message returns, and malloc's own count would
// have what it keeps for later.
static std::size_t bytes_in_use = 0;

void* operator new(std::size_t size) {
    void* memory = std::malloc(size);
    if (memory == nullptr) std::abort();
    bytes_in_use += malloc_usable_size(memory);
    return memory;
}
void operator delete(void* memory) noexcept {
    bytes_in_use -= malloc_usable_size(memory);
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace callchain::sip {
namespace {

std::string meta_invite() {
    std::ifstream file(SIP_SAMPLES "/meta-invite.sip", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void parse(benchmark::State& state) {
    const auto bytes = meta_invite();
    for (auto _ : state) {
        auto message = parse_message(bytes, Carrier::stream);
        if (!message) state.SkipWithError("the sample cannot be read");
        benchmark::DoNotOptimize(message);
    }
    const auto before = bytes_in_use;
    const auto held = parse_message(bytes, Carrier::stream);
    state.counters["bytes_held"] = static_cast<double>(bytes_in_use - before + sizeof(Received));
    state.counters["bytes_of_message"] = static_cast<double>(bytes.size());
    state.SetItemsProcessed(state.iterations());
}

void write(benchmark::State& state) {
    const auto message = parse_message(meta_invite(), Carrier::stream);
    for (auto _ : state) {
        auto text = write_message(message->message);
        if (!text) state.SkipWithError("the message cannot be written");
        benchmark::DoNotOptimize(text);
    }
    state.SetItemsProcessed(state.iterations());
}

void raw(benchmark::State& state) {
    const auto bytes = meta_invite();
    for (auto _ : state) {
        auto message = read_raw(bytes);
        benchmark::DoNotOptimize(message);
    }
    state.SetItemsProcessed(state.iterations());
}

void frame(benchmark::State& state) {
    const auto bytes = meta_invite();
    Framer framer;
    for (auto _ : state) {
        framer.feed(bytes);
        auto message = framer.next();
        if (!message || message->bytes.size() != bytes.size())
            state.SkipWithError("the sample cannot be cut");
        benchmark::DoNotOptimize(message);
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(parse);
BENCHMARK(write);
BENCHMARK(raw);
BENCHMARK(frame);

}  // namespace
}  // namespace callchain::sip
