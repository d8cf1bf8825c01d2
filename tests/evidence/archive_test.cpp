#include "evidence/archive.hpp"

#include <gtest/gtest.h>

namespace callchain::evidence {
namespace {

// Whether it opens elsewhere is for tests/e2e/test_bundle.py to say, with Python's zipfile.
TEST(WriteArchive, MakesTheSameBytesOfTheSameFiles) {
    const auto one = write_archive({{"b/x.txt", std::string(10'000, 'x')}, {"a.txt", ""}});
    const auto two = write_archive({{"a.txt", ""}, {"b/x.txt", std::string(10'000, 'x')}});
    ASSERT_TRUE(one.has_value()) << one.error().message;
    ASSERT_TRUE(two.has_value());
    EXPECT_EQ(*one, *two);
    EXPECT_TRUE(one->starts_with("PK\x03\x04"));
    EXPECT_LT(one->size(), 1'000U) << "it is compressed";
}

TEST(WriteArchive, RefusesTwoFilesOfOneName) {
    EXPECT_FALSE(write_archive({{"a", "1"}, {"a", "2"}}).has_value());
}

}  // namespace
}  // namespace callchain::evidence
