#include "http/resolve.hpp"

#include "soft_limit.hpp"

#include <gtest/gtest.h>

namespace callchain::http {
namespace {

TEST(ResolveHost, GivesANumericAddressBack) {
    for (const auto* address : {"127.0.0.1", "::1"}) {
        const auto found = resolve_host(address);
        ASSERT_TRUE(found.has_value()) << found.error().message;
        EXPECT_EQ(*found, std::vector<std::string>{address});
    }
}

// A label of 64 characters is in no DNS (RFC 1035 section 2.3.4), so that nobody is asked for it.
const std::string kInNoDns = std::string(64, 'a') + ".invalid";

TEST(ResolveHost, NamesTheHostThatHasNoAddress) {
    const auto found = resolve_host(kInNoDns);
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().code, ErrorCode::io);
    EXPECT_TRUE(found.error().message.starts_with("no address for aaaa")) << found.error().message;
}

TEST(ResolveHost, SaysWhatTheSystemLacks) {
    if (has_ubsan()) GTEST_SKIP() << "UBSan needs descriptors of its own";
    // The C library reads its configuration with the first name, and keeps it.
    EXPECT_FALSE(resolve_host(kInNoDns).has_value());
    const SoftLimit none(RLIMIT_NOFILE, descriptors_and(0));
    const auto found = resolve_host("a.invalid");
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().message, "no address for a.invalid: Too many open files");
}

}  // namespace
}  // namespace callchain::http
