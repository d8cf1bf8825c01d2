#include "observe/crash.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <sys/resource.h>
#include <typeinfo>
#include <unistd.h>

namespace callchain::observe {
namespace {

// Nothing is allocated and no stream is used: whatever went wrong may have taken either along.
void say(std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(STDERR_FILENO, text.data(), text.size());
        if (count <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

[[noreturn]] void end_by_abort() noexcept {
    say("callchain: a fault of callchain itself: an exception that nobody caught");
    if (const auto exception = std::current_exception()) {
        try {
            std::rethrow_exception(exception);
        } catch (const std::exception& error) {
            say(", of type ");
            say(typeid(error).name());
        } catch (...) {
            say(", of a type without a text");
        }
    }
    say("\nhint: please report it with the command line; c++filt -t makes the type readable\n");
    std::abort();
}

}  // namespace

void leave_no_core_dump() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_CORE, &limit) != 0) return;
    limit.rlim_cur = std::min<rlim_t>(1, limit.rlim_max);
    ::setrlimit(RLIMIT_CORE, &limit);
}

void say_only_the_type_of_exceptions() { std::set_terminate(end_by_abort); }

}  // namespace callchain::observe
