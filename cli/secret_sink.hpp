/// Where a secret goes that is shown once: a new file that only its owner reads, or an open descriptor.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace callchain::cli {

/// Opened before the secret is asked for, so that it is not lost for want of a place.
class SecretSink {
  public:
    /// A new file of mode 0600 with room for a secret. Errors: io where it is there already, the folder
    /// cannot be written, or the disk is full; nothing is left behind then.
    [[nodiscard]] static Result<SecretSink> new_file(const std::string& path);
    enum class Terminal { refused, allowed };
    /// Errors: usage where it is not open for writing, or is a terminal and that is refused; io where it is
    /// known already that nothing can be written: a pipe whose reader has gone, a full device.
    [[nodiscard]] static Result<SecretSink> descriptor(int number, Terminal terminal);

    SecretSink(SecretSink&& other) noexcept;
    SecretSink& operator=(SecretSink&&) = delete;
    /// Removes the file where no secret was written to it.
    ~SecretSink();

    /// Writes the secret and a line end, down to the disk. Errors: io; the file is removed then.
    [[nodiscard]] Result<void> write(std::string_view secret);
    /// "new.secret (mode 0600)", "descriptor 3".
    [[nodiscard]] const std::string& where() const { return where_; }

  private:
    SecretSink(int number, std::string path, std::string where)
        : number_(number), path_(std::move(path)), where_(std::move(where)) {}
    void remove();

    int number_ = -1;
    std::string path_;  ///< empty: a descriptor that is not ours to close
    std::string where_;
};

}  // namespace callchain::cli
