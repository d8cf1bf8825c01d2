#include "gateway/tls_certificate.hpp"

#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "gateway/tls_context.hpp"
#include "gateway/tls_pem.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace callchain::gateway {
namespace {

using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;
using Store = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
struct FreeStack {
    // The certificates in it are borrowed.
    void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;

std::string text_of_name(const X509_NAME* name) {
    const Bio bio(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &data);
    return visible_excerpt(std::string_view(data, static_cast<std::size_t>(size)), 300);
}

std::string text_of_string(const ASN1_STRING* text) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// As inet_ntop writes it, which is how hosts are compared; of any other length than an address has, its bytes
// in hex.
std::string text_of_address(const ASN1_OCTET_STRING* address) {
    const auto bytes = text_of_string(address);
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    if (bytes.size() != 4 && bytes.size() != 16) return encoding::to_hex(bytes);
    return ::inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr ? std::string()
                                                                                  : text.data();
}

void read_names(const X509* certificate, CertificateFacts& facts) {
    const Names names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int at = 0; names && at < sk_GENERAL_NAME_num(names.get()); ++at) {
        const auto* name = sk_GENERAL_NAME_value(names.get(), at);
        if (name->type == GEN_DNS)
            facts.names.push_back(visible_excerpt(text_of_string(name->d.dNSName), 253));
        else if (name->type == GEN_IPADD)
            facts.addresses.push_back(text_of_address(name->d.iPAddress));
    }
    if (names) return;
    const auto* subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0)
        facts.names.push_back(
            visible_excerpt(text_of_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))), 253));
}

std::string kind_of(const EVP_PKEY* key) {
    std::array<char, 64> group{};
    std::size_t size = 0;
    if (EVP_PKEY_is_a(key, "RSA") == 1) return "RSA " + std::to_string(EVP_PKEY_get_bits(key));
    if (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1)
        return "EC " + std::string(group.data(), size);
    const auto* name = EVP_PKEY_get0_type_name(key);
    return name == nullptr ? "unknown" : name;
}

// As a client that knows these authorities judges it; "" for a chain that leads to one.
std::string verify(const std::vector<CertificateHandle>& chain, const std::string& ca_file,
                   std::chrono::sys_seconds now) {
    const Store store(X509_STORE_new());
    const int trusted = ca_file.empty() ? X509_STORE_set_default_paths(store.get())
                                        : X509_STORE_load_file(store.get(), ca_file.c_str());
    if (trusted != 1) return "the authorities cannot be read: " + take_tls_reason();
    const std::unique_ptr<STACK_OF(X509), FreeStack> others(sk_X509_new_null());
    for (std::size_t at = 1; at < chain.size(); ++at) sk_X509_push(others.get(), chain[at].get());
    const StoreContext context(X509_STORE_CTX_new());
    if (X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), others.get()) != 1)
        return "the chain cannot be judged: " + take_tls_reason();
    auto* parameters = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(now.time_since_epoch().count()));
    X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
    if (X509_verify_cert(context.get()) == 1) return {};
    ERR_clear_error();
    return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

}  // namespace

Result<CertificateFacts> inspect_certificate(const PemSource& certificate, const PemSource& key,
                                             const std::string& ca_file, std::chrono::sys_seconds now) {
    const auto chain = CALLCHAIN_TRY(read_chain(certificate));
    auto* const own = chain.front().get();
    CertificateFacts facts;
    facts.subject = text_of_name(X509_get_subject_name(own));
    facts.issuer = text_of_name(X509_get_issuer_name(own));
    read_names(own, facts);
    facts.begins = begin_of(own);
    facts.ends = end_of(own);
    facts.chain = chain.size();
    facts.self_signed = X509_self_signed(own, 0) == 1;
    if (const auto* public_key = X509_get0_pubkey(own)) facts.key_kind = kind_of(public_key);
    const auto private_key = CALLCHAIN_TRY(read_key(key));
    facts.key_fits = X509_check_private_key(own, private_key.get()) == 1;
    ERR_clear_error();
    facts.verification = verify(chain, ca_file, now);
    return facts;
}

bool name_covers(std::string_view name, std::string_view host) {
    if (host.empty()) return false;
    if (equal_ignoring_case(name, host)) return true;
    if (!name.starts_with("*.")) return false;
    const auto dot = host.find('.');
    return dot != std::string_view::npos && dot != 0 && equal_ignoring_case(name.substr(1), host.substr(dot));
}

bool certificate_covers(const CertificateFacts& facts, std::string_view host) {
    if (std::find(facts.addresses.begin(), facts.addresses.end(), host) != facts.addresses.end()) return true;
    return std::any_of(facts.names.begin(), facts.names.end(),
                       [host](const std::string& name) { return name_covers(name, host); });
}

}  // namespace callchain::gateway
