#include "gateway/tls_pem.hpp"

#include "base/text.hpp"
#include "gateway/tls_context.hpp"
#include "system/descriptor.hpp"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <system_error>
#include <utility>

namespace callchain::gateway {
namespace {

using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;

constexpr std::size_t kMostPemBytes = std::size_t{1} << 20U;

// Without it OpenSSL asks for the passphrase on the terminal, which a service does not have.
int no_passphrase(char*, int, int, void*) { return 0; }

Result<std::string> read_file(const std::string& path) {
    const auto cannot_read = [&path](const std::string& why) {
        return fail(ErrorCode::usage, "cannot read " + path + ": " + why,
                    "it must be there, and readable by the user that this program runs as");
    };
    const system::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return cannot_read(std::generic_category().message(errno));
    std::string bytes(kMostPemBytes + 1, '\0');
    std::size_t size = 0;
    while (size < bytes.size()) {
        const auto more = ::read(file.number(), bytes.data() + size, bytes.size() - size);
        if (more < 0 && errno != EINTR) return cannot_read(std::generic_category().message(errno));
        if (more == 0) break;
        if (more > 0) size += static_cast<std::size_t>(more);
    }
    if (size > kMostPemBytes) return cannot_read("it is larger than 1 MiB");
    bytes.resize(size);
    return bytes;
}

/// Forms of deployment that take one line write the line ends of a PEM as "\n".
Result<std::string> read_pem(const PemSource& source) {
    if (!source.path.empty()) return read_file(source.path);
    const bool is_one_line = source.text.find('\n') == std::string::npos;
    return is_one_line ? replace_all(source.text, "\\n", "\n") : source.text;
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace

std::string name_of_source(const PemSource& source) {
    return source.path.empty() ? "the PEM text" : source.path;
}

tl::unexpected<Error> cannot_use(std::string_view what, const PemSource& source, const std::string& why,
                                 std::string hint) {
    return fail(ErrorCode::usage,
                "cannot use the TLS " + std::string(what) + " of " + name_of_source(source) + ": " + why,
                std::move(hint));
}

Result<std::vector<CertificateHandle>> read_chain(const PemSource& source) {
    const auto pem = CALLCHAIN_TRY(read_pem(source));
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::vector<CertificateHandle> chain;
    while (auto* one = PEM_read_bio_X509(bio.get(), nullptr, &no_passphrase, nullptr))
        chain.emplace_back(one);
    const auto reason = ERR_GET_REASON(ERR_peek_last_error());
    if (!chain.empty() && reason == PEM_R_NO_START_LINE) {  // the end of it
        ERR_clear_error();
        return chain;
    }
    return cannot_use("certificate", source, take_tls_reason(),
                      "it is a PEM: the server's own certificate first, then the intermediate ones");
}

Result<KeyHandle> read_key(const PemSource& source) {
    const auto pem = CALLCHAIN_TRY(read_pem(source));
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr));
    if (key) return key;
    return cannot_use("key", source, take_tls_reason(),
                      "it is a PEM without a passphrase, of the same pair as the certificate");
}

std::chrono::sys_seconds begin_of(const X509* certificate) {
    return time_of(X509_get0_notBefore(certificate));
}
std::chrono::sys_seconds end_of(const X509* certificate) { return time_of(X509_get0_notAfter(certificate)); }

}  // namespace callchain::gateway
