/// A certificate authority that lives as long as one run.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace callchain::simulator {

/// Paths of PEM files; the key has mode 0600.
struct CertificateFiles {
    std::string certificate;  ///< the whole chain
    std::string key;
};

/// Makes keys (P-256) and certificates; nothing leaves the folder but what is asked for.
class Authority {
  public:
    /// `folder` is there and ours. Writes ca.pem. Errors: io.
    [[nodiscard]] static Result<std::unique_ptr<Authority>> create(std::string folder);
    /// One that several processes share: made where the folder has none, which may be missing itself; its key
    /// stays there too, for the others (ca.key, mode 0600). Also writes service.pem and service.key there,
    /// for 127.0.0.1, ::1 and localhost: for whatever is tried against the stand-ins. Errors: io, also for
    /// a folder that others may write to, and for an authority that has ended.
    [[nodiscard]] static Result<std::unique_ptr<Authority>> open(const std::string& folder);
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;
    ~Authority();

    [[nodiscard]] std::string ca_file() const;
    /// A server's certificate for these names and numeric addresses, good from an hour ago for `life`
    /// (negative: it has ended). Writes NAME.pem and NAME.key; of a shared authority, in place of what is
    /// there. Errors: io.
    [[nodiscard]] Result<CertificateFiles> issue(const std::string& name,
                                                 const std::vector<std::string>& subjects,
                                                 std::chrono::seconds life = std::chrono::hours(24)) const;

  private:
    struct State;
    explicit Authority(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace callchain::simulator
