/// Any answer of the API about webhook endpoints is read or refused; a list comes to an end, no error quotes
/// the body, and a hint shows no secret, whatever it is held against.
#include "base/text.hpp"
#include "fuzz/require.hpp"
#include "openai/webhook_endpoints.hpp"

#include <cstdint>
#include <set>

namespace callchain::openai {
namespace {

constexpr std::string_view kSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr std::string_view kMiddle = "CQoLDA0ODxAREhMU";
constexpr std::string_view kMarked = "Planted-Password-7531";

void check_error(const Error& error) {
    require(!error.message.empty() && visible(error.message) == error.message);
    require(error.message.find(kMarked) == std::string::npos &&
            error.hint.find(kMarked) == std::string::npos);
}

void check_listing(std::string_view body) {
    EndpointListing listing;
    std::string next;
    // The same page for ever: the second time it is refused, unless it promises no more.
    for (std::size_t asked = 0; asked < 3; ++asked) {
        const auto more = listing.add(body);
        if (!more) break;
        next = *more;
        if (next.empty()) break;
        require(asked == 0);
    }
    std::set<std::string> ids;
    for (const auto& endpoint : listing.endpoints) {
        require(!endpoint.id.empty() && (ids.insert(endpoint.id).second || listing.pages <= 1));
        const auto url = endpoint_url("https://api.openai.com/v1", endpoint.id, EndpointRequest::test);
        require(url.has_value() == check_endpoint_id(endpoint.id).has_value());
        require(!url || url->find_first_of("?#\\ ") == std::string::npos);
    }
}

void check_hint(std::string_view hint) {
    const auto fit = compare_hint(hint, kSecret);
    require(fit.compared.find(kMiddle) == std::string::npos && visible(fit.compared) == fit.compared);
    require((fit.fit == HintFit::no_hint) == fit.compared.empty());
    const auto shown = show_hint(hint);
    require(visible(shown) == shown);
    require(show_hint(kSecret).find(kMiddle) == std::string::npos);
    // What is made of the secret itself fits it.
    require(
        compare_hint(std::string(kSecret.substr(0, 10)) + "..." + std::string(kSecret.substr(46)), kSecret)
            .fit == HintFit::fits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    check_listing(body);
    if (const auto test = read_endpoint_test(body))
        require(!advice_on_test(test->status).empty() || test->delivered());
    else
        check_error(test.error());
    if (const auto secret = read_rotated_secret(body)) require(!secret->empty() && secret->size() <= size);

    const auto marked = std::string(body) + std::string(kMarked);
    if (const auto page = read_endpoint_page(marked); !page) check_error(page.error());
    if (const auto secret = read_rotated_secret(marked); !secret) check_error(secret.error());
    check_hint(body.substr(0, 200));
    return 0;
}

}  // namespace callchain::openai
