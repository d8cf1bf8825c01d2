/// Certificates for tests, made by the openssl command when the first test asks for them.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace callchain::gateway {

/// A directory with, for each name, `name.pem` (the chain that its server sends) and `name.key`:
/// good (sip.example.com and 127.0.0.1, by way of an intermediate authority), wildcard (*.example.com),
/// expired, other (other.example.org), self (self-signed), stranger (sip.example.com, of an authority that
/// nobody trusts), client; root.pem is the authority of all but the last two servers.
class Certificates {
  public:
    static const Certificates& shared() {
        static const Certificates certificates;
        return certificates;
    }
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;
    ~Certificates() { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::string path(const std::string& file) const { return directory_ + "/" + file; }
    [[nodiscard]] std::string chain(const std::string& name) const { return path(name + ".pem"); }
    [[nodiscard]] std::string key(const std::string& name) const { return path(name + ".key"); }
    [[nodiscard]] std::string root() const { return path("root.crt"); }
    [[nodiscard]] std::string text(const std::string& file) const {
        std::ostringstream all;
        all << std::ifstream(path(file)).rdbuf();
        return all.str();
    }

  private:
    Certificates() {
        std::string name = std::filesystem::temp_directory_path() / "callchain-sip-tls-XXXXXX";
        directory_ = ::mkdtemp(name.data());
        std::ofstream(path("make.sh")) << kScript;
        const auto command = "cd " + directory_ + " && sh -e make.sh > make.log 2>&1";
        if (std::system(command.c_str()) != 0) std::abort();
    }

    static constexpr const char* kScript = R"(
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
authority() { # NAME SUBJECT [ISSUER]
    key "$1"
    openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
    printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n' > "$1.ext"
    if [ $# = 3 ]; then openssl x509 -req -in "$1.csr" -CA "$3.crt" -CAkey "$3.key" -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.crt"
    else openssl x509 -req -in "$1.csr" -signkey "$1.key" -days 30 -extfile "$1.ext" -out "$1.crt"; fi
}
leaf() { # NAME ISSUER DAYS NAMES
    key "$1"
    openssl req -new -key "$1.key" -subj "/O=callchain test/CN=$1" -out "$1.csr"
    printf 'basicConstraints=CA:FALSE\nsubjectAltName=%s\n' "$4" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days "$3" -extfile "$1.ext" -out "$1.crt"
    cat "$1.crt" "$2.crt" > "$1.pem"
}
authority root 'Test Root'
authority middle 'Test Intermediate' root
authority nobody 'Nobody'
leaf good middle 30 DNS:sip.example.com,IP:127.0.0.1
leaf renewed middle 60 DNS:sip.example.com,IP:127.0.0.1
leaf wildcard middle 30 'DNS:*.example.com,IP:2001:db8::1'
leaf expired middle -1 DNS:sip.example.com
leaf other middle 30 DNS:other.example.org
leaf stranger nobody 30 DNS:sip.example.com
leaf client middle 30 DNS:client.example.com
key self
openssl req -x509 -new -key self.key -days 30 -subj /CN=sip.example.com -addext subjectAltName=DNS:sip.example.com -out self.pem
)";

    std::string directory_;
};

}  // namespace callchain::gateway
