#include "simulator/authority.hpp"

#include "base/text.hpp"
#include "system/descriptor.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace callchain::simulator {
namespace {

template <class T, void (*Free)(T*)>
struct Freed {
    void operator()(T* one) const { Free(one); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO, BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION, X509_EXTENSION_free>>;

constexpr std::chrono::seconds kBefore{3'600};  // clocks of one host may still be read apart
constexpr std::chrono::seconds kLifeOfAuthority{7 * 86'400};

auto failure(const std::string& what) { return fail(ErrorCode::io, "cannot make " + what); }

Result<Key> make_key() {
    Key key(EVP_EC_gen("P-256"));
    if (!key) return failure("a key");
    return key;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Numbers that repeat make two certificates of one authority one.
bool set_serial(X509* certificate) {
    std::array<unsigned char, 16> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return false;
    random[0] &= 0x7F;
    BIGNUM* number = BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr);
    const bool set =
        number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
    BN_free(number);
    return set;
}

bool is_address(const std::string& subject) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, subject.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, subject.c_str(), bytes.data()) == 1;
}

std::string names_of(const std::vector<std::string>& subjects) {
    std::vector<std::string> names;
    for (const auto& subject : subjects) names.push_back((is_address(subject) ? "IP:" : "DNS:") + subject);
    return join(names, ",");
}

// Everything but what makes it a server's or an authority's, and the signature.
Certificate begin_certificate(const std::string& name, EVP_PKEY* key, X509* issuer,
                              std::chrono::seconds life) {
    Certificate certificate(X509_new());
    if (!certificate) return nullptr;
    auto* const of = certificate.get();
    auto* const subject = X509_get_subject_name(of);
    const auto* const text = reinterpret_cast<const unsigned char*>(name.c_str());
    const auto begin = life.count() < 0 ? life - kBefore : -kBefore;
    const bool made =
        X509_set_version(of, X509_VERSION_3) == 1 && set_serial(of) &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
        X509_set_issuer_name(of, issuer == nullptr ? subject : X509_get_subject_name(issuer)) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(of), begin.count()) != nullptr &&
        X509_gmtime_adj(X509_getm_notAfter(of), life.count()) != nullptr && X509_set_pubkey(of, key) == 1;
    return made ? std::move(certificate) : nullptr;
}

std::string pem_of(X509* certificate) {
    const Memory memory(BIO_new(BIO_s_mem()));
    if (!memory || PEM_write_bio_X509(memory.get(), certificate) != 1) return {};
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(memory.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

std::string pem_of(EVP_PKEY* key) {
    const Memory memory(BIO_new(BIO_s_mem()));
    if (!memory ||
        PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return {};
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(memory.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

// A file that was not there, readable by us alone from its first moment.
Result<void> write_new(const std::string& path, const std::string& text) {
    constexpr int kOwnerOnly = 0600;
    system::Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
    if (!file) return fail(ErrorCode::io, "cannot make " + path + ": " + std::strerror(errno));
    int error = text.empty() ? EINVAL : system::write_all(file.number(), text);
    if (error == 0 && ::close(file.release()) != 0) error = errno;
    if (error != 0) return fail(ErrorCode::io, "cannot write " + path + ": " + std::strerror(error));
    return {};
}

// Held until it is closed: two stand-ins that start together must not both make the authority.
Result<system::Descriptor> lock_folder(const std::string& folder) {
    constexpr int kOwnerOnly = 0700;
    if (::mkdir(folder.c_str(), kOwnerOnly) != 0 && errno != EEXIST)
        return fail(ErrorCode::io, "cannot make " + folder + ": " + std::strerror(errno));
    system::Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat about {};
    if (!opened || ::fstat(opened.number(), &about) != 0)
        return fail(ErrorCode::io, "cannot open " + folder + ": " + std::strerror(errno));
    constexpr unsigned kWrittenByOthers = S_IWGRP | S_IWOTH;
    if (about.st_uid != ::geteuid() || (about.st_mode & kWrittenByOthers) != 0)
        return fail(ErrorCode::io, folder + " belongs to somebody else, or others may write to it",
                    "the authority's key is kept there: name a folder of your own");
    if (::flock(opened.number(), LOCK_EX) != 0)
        return fail(ErrorCode::io, "cannot lock " + folder + ": " + std::strerror(errno));
    return opened;
}

}  // namespace

struct Authority::State {
    std::string folder;
    Key key;
    Certificate certificate;
    bool shared = false;

    Result<void> make();
    Result<void> load();
    [[nodiscard]] Result<CertificateFiles> issue(const std::string& name,
                                                 const std::vector<std::string>& subjects,
                                                 std::chrono::seconds life) const;
    [[nodiscard]] Result<void> write(const std::string& path, const std::string& text) const;
};

Result<void> Authority::State::make() {
    key = CALLCHAIN_TRY(make_key());
    certificate = begin_certificate("callchain simulator", key.get(), nullptr, kLifeOfAuthority);
    auto* const of = certificate.get();
    if (of == nullptr || !add_extension(of, of, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add_extension(of, of, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(of, of, NID_subject_key_identifier, "hash") ||
        X509_sign(of, key.get(), EVP_sha256()) == 0)
        return failure("a certificate authority");
    return {};
}

Result<void> Authority::State::load() {
    constexpr const char* kHint = "name another folder, which may be missing: an authority is made there";
    const Memory key_file(BIO_new_file((folder + "/ca.key").c_str(), "r"));
    const Memory certificate_file(BIO_new_file((folder + "/ca.pem").c_str(), "r"));
    if (key_file) key.reset(PEM_read_bio_PrivateKey(key_file.get(), nullptr, nullptr, nullptr));
    if (certificate_file)
        certificate.reset(PEM_read_bio_X509(certificate_file.get(), nullptr, nullptr, nullptr));
    if (!key || !certificate || X509_check_private_key(certificate.get(), key.get()) != 1)
        return fail(ErrorCode::io, "ca.pem and ca.key in " + folder + " are no authority of ours", kHint);
    if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) <= 0)
        return fail(ErrorCode::io, "the authority in " + folder + " has ended", kHint);
    return {};
}

// Whoever reads the file sees the old one or the new one.
Result<void> Authority::State::write(const std::string& path, const std::string& text) const {
    if (!shared) return write_new(path, text);
    const auto beside = path + "." + std::to_string(::getpid());
    ::unlink(beside.c_str());
    CALLCHAIN_TRY(write_new(beside, text));
    if (::rename(beside.c_str(), path.c_str()) != 0)
        return fail(ErrorCode::io, "cannot write " + path + ": " + std::strerror(errno));
    return {};
}

Result<CertificateFiles> Authority::State::issue(const std::string& name,
                                                 const std::vector<std::string>& subjects,
                                                 std::chrono::seconds life) const {
    const auto own_key = CALLCHAIN_TRY(make_key());
    auto* const issuer = certificate.get();
    const auto made =
        begin_certificate(subjects.empty() ? name : subjects.front(), own_key.get(), issuer, life);
    auto* const of = made.get();
    if (of == nullptr || !add_extension(of, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(of, issuer, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(of, issuer, NID_ext_key_usage, "serverAuth,clientAuth") ||
        !add_extension(of, issuer, NID_subject_key_identifier, "hash") ||
        !add_extension(of, issuer, NID_authority_key_identifier, "keyid") ||
        (!subjects.empty() && !add_extension(of, issuer, NID_subject_alt_name, names_of(subjects))) ||
        X509_sign(of, key.get(), EVP_sha256()) == 0)
        return failure("a certificate for " + name);
    CertificateFiles files{folder + "/" + name + ".pem", folder + "/" + name + ".key"};
    CALLCHAIN_TRY(write(files.certificate, pem_of(of)));
    CALLCHAIN_TRY(write(files.key, pem_of(own_key.get())));
    return files;
}

Authority::Authority(std::unique_ptr<State> state) : state_(std::move(state)) {}
Authority::~Authority() = default;

Result<std::unique_ptr<Authority>> Authority::create(std::string folder) {
    auto state = std::make_unique<State>();
    state->folder = std::move(folder);
    CALLCHAIN_TRY(state->make());
    CALLCHAIN_TRY(write_new(state->folder + "/ca.pem", pem_of(state->certificate.get())));
    return std::unique_ptr<Authority>(new Authority(std::move(state)));
}

Result<std::unique_ptr<Authority>> Authority::open(const std::string& folder) {
    const auto lock = CALLCHAIN_TRY(lock_folder(folder));
    auto state = std::make_unique<State>();
    state->folder = folder;
    state->shared = true;
    const bool is_there = ::access((folder + "/ca.pem").c_str(), F_OK) == 0;
    if (is_there) {
        CALLCHAIN_TRY(state->load());
        return std::unique_ptr<Authority>(new Authority(std::move(state)));
    }
    CALLCHAIN_TRY(state->make());
    // The certificate last: where it is, everything is.
    CALLCHAIN_TRY(state->write(folder + "/ca.key", pem_of(state->key.get())));
    CALLCHAIN_TRY(state->issue("service", {"127.0.0.1", "::1", "localhost"}, kLifeOfAuthority));
    CALLCHAIN_TRY(state->write(folder + "/ca.pem", pem_of(state->certificate.get())));
    return std::unique_ptr<Authority>(new Authority(std::move(state)));
}

std::string Authority::ca_file() const { return state_->folder + "/ca.pem"; }

Result<CertificateFiles> Authority::issue(const std::string& name, const std::vector<std::string>& subjects,
                                          std::chrono::seconds life) const {
    if (!state_->shared) return state_->issue(name, subjects, life);
    // A certificate of one process and the key of another fit nobody.
    const auto lock = CALLCHAIN_TRY(lock_folder(state_->folder));
    return state_->issue(name, subjects, life);
}

}  // namespace callchain::simulator
