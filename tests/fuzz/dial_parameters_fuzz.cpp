/// Whatever a service logged: reading it ends, and says nothing that cannot be shown. What a written form
/// body holds is read back equal.
#include "base/characters.hpp"
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "twiml/dial_parameters.hpp"
#include "twiml/dial_privacy.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>

namespace callchain::twiml {
namespace {

constexpr std::string_view kNames[] = {"DialCallStatus", "DialCallSid", "DialSipCallId", "CallSid",
                                       "ErrorMessage"};

/// The bytes as values of a form, a new one behind each NUL, under names that are all different.
encoding::FormFields fields_from(std::string_view bytes) {
    encoding::FormFields fields;
    for (const auto value : split(bytes, '\0')) {
        const auto index = fields.size();
        fields.emplace_back(
            index < std::size(kNames) ? std::string(kNames[index]) : "X-" + std::to_string(index),
            std::string(value));
    }
    return fields;
}

std::ptrdiff_t digits_of(std::string_view text) { return std::ranges::count_if(text, is_ascii_digit); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto result = parse_dial_parameters(text)) {
        require(size <= kMostDialBytes);
        const auto& code = result->sip_response_code;
        require(!code || (*code >= 100 && *code <= 699));
        for (const auto& remark : result->remarks) require(visible(remark) == remark);
        const auto reading = read_dial(*result);
        require(!reading.name.empty() && !reading.happened.empty() && !reading.next.empty());
        require(result->bridged != true || reading.severity != DialSeverity::failed);
        require(result->bridged != false || reading.severity != DialSeverity::ok);
    }
    const auto masked = mask_phone_numbers(text);
    require(digits_of(masked) <= digits_of(text));
    // The mask is longer than a number of five digits, behind the country of a user id: BR.12345.
    require(masked.size() <= size + size / 4);
    require(visible(show_text(text, 200)) == show_text(text, 200));

    const auto fields = fields_from(text);
    const auto written = encoding::write_form(fields);
    if (written.size() > kMostDialBytes) return 0;
    const auto again = parse_dial_parameters(written);
    // What is as good as not sent (None, nothing) is dropped from either.
    require(again && *again == dial_result_of(fields));
    return 0;
}

}  // namespace callchain::twiml
