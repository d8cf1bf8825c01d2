/// A file that is made new, for its owner alone, or not at all.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace callchain::cli {

/// Made empty before the work whose result goes into it, so that a place that cannot be written is told at
/// once. Until write() has succeeded the file is removed again when this goes.
class NewFile {
  public:
    /// Mode 0600. Errors: io where it is there already, or cannot be made.
    [[nodiscard]] static Result<NewFile> make(const std::string& path);
    NewFile(NewFile&& other) noexcept;
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile();

    /// All of it, down to the disk. Errors: io, a full disk above all; the file is removed then.
    [[nodiscard]] Result<void> write(std::string_view bytes);

  private:
    NewFile(int number, std::string path) : number_(number), path_(std::move(path)) {}
    void remove();

    int number_ = -1;
    std::string path_;
};

}  // namespace callchain::cli
