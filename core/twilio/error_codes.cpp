#include "twilio/error_codes.hpp"

#include "twilio/error_tables.hpp"

#include <algorithm>
#include <cstdlib>

namespace callchain::twilio {
namespace {

std::vector<ErrorPage> joined_tables() {
    std::vector<ErrorPage> all;
    for (const auto table :
         {webhook_errors(), twiml_errors(), rest_errors(), sip_errors(), whatsapp_errors()})
        all.insert(all.end(), table.begin(), table.end());
    std::ranges::sort(all, {}, &ErrorPage::code);
    return all;
}

}  // namespace

std::span<const ErrorPage> error_pages() {
    static const std::vector<ErrorPage> all = joined_tables();
    return all;
}

const ErrorPage* find_error(int code) {
    const auto all = error_pages();
    const auto behind = std::ranges::upper_bound(all, code, {}, &ErrorPage::code);
    if (behind == all.begin()) return nullptr;
    const auto& page = *std::prev(behind);
    return code <= std::max(page.code, page.last) ? &page : nullptr;
}

std::vector<int> nearest_errors(int code, std::size_t most) {
    std::vector<int> near;
    for (const auto& page : error_pages())
        if (page.code / 100 == code / 100) near.push_back(page.code);
    std::ranges::stable_sort(near, {}, [code](int each) { return std::abs(each - code); });
    if (near.size() > most) near.resize(most);
    return near;
}

std::string_view level_name(Level level) {
    switch (level) {
        case Level::error:
            return "error";
        case Level::warning:
            return "warning";
        case Level::unknown:
            break;
    }
    return "unknown";
}

std::string error_url(int code) { return "https://www.twilio.com/docs/api/errors/" + std::to_string(code); }

}  // namespace callchain::twilio
