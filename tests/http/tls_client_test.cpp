#include "http/tls_client.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <openssl/ssl.h>

namespace callchain::http {
namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeConnection {
    void operator()(SSL* connection) const { SSL_free(connection); }
};

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

TEST(ShareClientContext, NamesAFileThatItCannotUseAndWhy) {
    struct Row {
        std::string file, reason;
    };
    for (const auto& row : {Row{"/nonexistent/ca.pem", "No such file or directory"},
                            Row{"/dev/null", "no certificate or crl found"}}) {
        SCOPED_TRACE(row.file);
        const auto context = share_client_context(row.file);
        ASSERT_FALSE(context.has_value());
        EXPECT_EQ(context.error().code, ErrorCode::io);
        EXPECT_TRUE(contains(context.error().message, row.file)) << context.error().message;
        EXPECT_TRUE(contains(context.error().message, row.reason)) << context.error().message;
        EXPECT_TRUE(contains(context.error().hint, "PEM"));
    }
}

// A name in a ClientHello has 255 bytes at most for OpenSSL, as one in the DNS: RFC 1035 section 2.3.4.
TEST(ExpectHost, RefusesANameThatNoHandshakeCanAskFor) {
    const std::unique_ptr<SSL_CTX, FreeContext> context(SSL_CTX_new(TLS_client_method()));
    for (const auto& [size, taken] : {std::pair{255, true}, {256, false}}) {
        const std::unique_ptr<SSL, FreeConnection> connection(SSL_new(context.get()));
        const auto expected = expect_host(connection.get(), std::string(static_cast<std::size_t>(size), 'a'));
        EXPECT_EQ(expected.has_value(), taken) << size;
        if (!expected) {
            EXPECT_TRUE(contains(expected.error().message, "host name")) << expected.error().message;
        }
    }
}

}  // namespace
}  // namespace callchain::http
