/// A file descriptor with one owner.
#pragma once

#include <string_view>
#include <unistd.h>
#include <utility>

namespace callchain::system {

/// Closes what it holds. Move-only; -1 is "none".
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            close();
            number_ = other.release();
        }
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }

    [[nodiscard]] int number() const { return number_; }
    /// The caller closes it from now on.
    int release() { return std::exchange(number_, -1); }
    explicit operator bool() const { return number_ >= 0; }
    void close() {
        if (number_ >= 0) ::close(release());
    }

  private:
    int number_ = -1;
};

/// Writes all of it, however many calls that takes; blocks where the descriptor does. 0, or the errno of what
/// went wrong. What a disk could not keep may show in fsync() or close() alone.
[[nodiscard]] int write_all(int number, std::string_view bytes);

}  // namespace callchain::system
