#include "http/curl_library.hpp"

#include "http/client.hpp"

#include <gtest/gtest.h>

namespace callchain::http {
namespace {

TEST(LoadCurlLibrary, SaysWhatIsMissing) {
    for (const auto& [name, words] :
         {std::pair{"libcurl.so.0", "libcurl cannot be loaded: libcurl.so.0: "},
          // The C library is there on every system that runs this, and is no libcurl.
          std::pair{"libc.so.6", "libc.so.6 has no function curl_global_init"}}) {
        SCOPED_TRACE(name);
        const auto library = load_curl_library(name);
        ASSERT_FALSE(library.has_value());
        EXPECT_EQ(library.error().code, ErrorCode::io);
        EXPECT_TRUE(library.error().message.starts_with(words)) << library.error().message;
        EXPECT_NE(library.error().hint.find("libcurl4"), std::string::npos) << library.error().hint;
    }
}

TEST(CurlLibrary, IsLoadedOnce) {
    ASSERT_TRUE(curl_library().has_value()) << curl_library().error().message;
    EXPECT_EQ(&curl(), &*curl_library());
    EXPECT_TRUE(load_client_library().has_value());
    EXPECT_STREQ(curl().easy_strerror(CURLE_OK), "No error");
}

TEST(CurlLibrary, TakesAnArgumentOfAnyKindWhereCurlDoes) {
    const auto& library = curl();
    auto* const easy = library.easy_init();
    ASSERT_NE(easy, nullptr);
    EXPECT_EQ(library.easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1/"), CURLE_OK);
    EXPECT_EQ(library.easy_setopt(easy, CURLOPT_NOBODY, 1L), CURLE_OK);
    EXPECT_EQ(library.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{1} << 40U), CURLE_OK);
    int told = 0;
    EXPECT_EQ(library.easy_setopt(easy, CURLOPT_PRIVATE, &told), CURLE_OK);
    int* back = nullptr;
    EXPECT_EQ(library.easy_getinfo(easy, CURLINFO_PRIVATE, &back), CURLE_OK);
    EXPECT_EQ(back, &told);
    const char* url = nullptr;
    EXPECT_EQ(library.easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url), CURLE_OK);
    EXPECT_STREQ(url, "http://127.0.0.1/");
    library.easy_cleanup(easy);
}

}  // namespace
}  // namespace callchain::http
