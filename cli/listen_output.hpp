/// What listen prints: the line `ready`, and one for each delivery.
#pragma once

#include "context.hpp"
#include "service/reception.hpp"
#include "signature/known_secrets.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace callchain::cli {

/// Where it listens, records and passes on.
struct ListenPlaces {
    std::string url;
    std::string captures;
    std::string forward_to;  ///< as it may be shown; empty: nowhere
};

/// One thread at a time.
class ListenOutput {
  public:
    /// `known` must not show.
    ListenOutput(Context& context, signature::KnownSecrets known)
        : context_(context), known_(std::move(known)) {}

    void print_ready(const ListenPlaces& places);
    /// False where standard output takes no more: whoever reads it has seen enough, or its disk is full.
    [[nodiscard]] bool print(const service::DeliveryReport& report);
    /// On stderr.
    void print_remark(const std::string& text);

    /// From any thread: lines that standard output does not take at once are left off from now on, so that a
    /// reader that stands still does not keep the program from ending.
    void stop_waiting() { leaving_ = true; }
    [[nodiscard]] bool is_closed() const { return closed_; }
    [[nodiscard]] std::uint64_t told() const { return told_; }
    [[nodiscard]] std::uint64_t valid() const { return valid_; }

  private:
    void put(const std::string& line);
    [[nodiscard]] bool wait_for_reader() const;
    [[nodiscard]] std::string shown(std::string_view text, std::size_t most) const;
    [[nodiscard]] std::string verdict_in_words(const service::DeliveryReport& report) const;
    [[nodiscard]] std::string answer_in_words(const service::DeliveryReport& report) const;
    [[nodiscard]] std::string line_of(const service::DeliveryReport& report) const;
    [[nodiscard]] std::string json_of(const service::DeliveryReport& report) const;

    Context& context_;
    signature::KnownSecrets known_;
    std::atomic<bool> leaving_{false};
    std::atomic<bool> closed_{false};
    bool told_disk_ = false;
    std::uint64_t told_ = 0;
    std::uint64_t valid_ = 0;
};

}  // namespace callchain::cli
