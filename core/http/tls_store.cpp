#include "http/tls_store.hpp"

#include "base/text.hpp"
#include "http/curl_library.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

namespace callchain::http {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

// Where libcurl was built to look, which on Debian is where OpenSSL looks as well.
std::string system_file() {
    const auto* version = curl_library() ? curl().version_info(CURLVERSION_NOW) : nullptr;
    if (version != nullptr && version->age >= CURLVERSION_SEVENTH && version->cainfo != nullptr)
        return version->cainfo;
    return X509_get_default_cert_file();
}

}  // namespace

Result<CaStore> inspect_ca_store(const std::string& ca_file, std::chrono::sys_seconds now) {
    CaStore store;
    store.path = ca_file.empty() ? system_file() : ca_file;
    const auto shown = visible_excerpt(store.path, 200);
    struct stat status {};
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(store.path.c_str(), "re"));
    if (!file || ::fstat(::fileno(file.get()), &status) != 0)
        return fail(ErrorCode::io, "cannot read the authorities in " + shown + ": " + std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return fail(ErrorCode::io, shown + " is no regular file");
    auto seconds = static_cast<std::time_t>(now.time_since_epoch().count());
    while (true) {
        const std::unique_ptr<X509, FreeCertificate> certificate(
            PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
        if (!certificate) break;
        ++store.certificates;
        const bool has_begun = X509_cmp_time(X509_get0_notBefore(certificate.get()), &seconds) < 0;
        const bool has_ended = X509_cmp_time(X509_get0_notAfter(certificate.get()), &seconds) < 0;
        if (has_begun && !has_ended) ++store.in_date;
    }
    ERR_clear_error();
    if (store.certificates == 0)
        return fail(ErrorCode::io, "there is no certificate in PEM form in " + shown);
    return store;
}

}  // namespace callchain::http
