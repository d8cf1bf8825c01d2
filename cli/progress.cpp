#include "progress.hpp"

#include "base/text.hpp"

#include <ostream>

namespace callchain::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWidth = 79;

}  // namespace

ProgressLine::ProgressLine(Context& context)
    : context_(context),
      enabled_(context.err_is_terminal && !context.output.quiet &&
               context.variable("TERM").value_or("dumb") != "dumb"),
      next_(Clock::now() + 500ms) {}

void ProgressLine::show(const std::string& line) {
    if (!enabled_ || Clock::now() < next_) return;
    next_ = Clock::now() + 100ms;
    context_.err << "\r\x1b[K" << visible_excerpt(line, kWidth) << std::flush;
    shown_ = true;
}

void ProgressLine::clear() {
    if (!shown_) return;
    context_.err << "\r\x1b[K" << std::flush;
    shown_ = false;
}

}  // namespace callchain::cli
