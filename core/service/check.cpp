#include "service/check.hpp"

#include <algorithm>

namespace callchain::service {

using Outcome = Check::Outcome;

std::string_view name_of(Check::Outcome result) {
    switch (result) {
        case Outcome::pass:
            return "pass";
        case Outcome::warn:
            return "warn";
        case Outcome::fail:
            return "fail";
        case Outcome::skipped:
            break;
    }
    return "skipped";
}

std::size_t how_many(const std::vector<Check>& checks, Check::Outcome result) {
    return static_cast<std::size_t>(std::count_if(
        checks.begin(), checks.end(), [result](const Check& check) { return check.result == result; }));
}

Check::Outcome worst_of(const std::vector<Check>& checks) {
    for (const auto result : {Outcome::fail, Outcome::warn})
        if (how_many(checks, result) != 0) return result;
    return Outcome::pass;
}

}  // namespace callchain::service
