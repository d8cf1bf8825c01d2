/// Keeps secrets that we know out of text from outside, in whatever way a peer may have written them.
#pragma once

#include "signature/secret.hpp"

#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace callchain::signature {

/// Finds the configured text, the base64 behind `whsec_`, and the key in hex: whole, or twelve characters and
/// more of it in a row; also where characters of it are escaped for JSON (\/, \u002f), a URL (%2F) or HTML
/// (&#x2f;, &#47;), or are those of the URL-safe alphabet. Secrets of fewer than eight characters are left
/// alone: they would be found everywhere.
class KnownSecrets {
  public:
    KnownSecrets() = default;
    explicit KnownSecrets(std::span<const LabelledSecret> secrets);

    /// `text` with each such run as `[withheld]`. Linear in the text, but for runs that repeat.
    [[nodiscard]] std::string withhold(std::string_view text) const;

  private:
    void add(std::string_view needle);
    [[nodiscard]] std::size_t longest_run(std::string_view text, std::size_t at) const;

    std::vector<std::string> needles_;        // in the form of plain_view()
    std::unordered_set<std::string> starts_;  // every run of kShortestRun in them, or a whole shorter one
    std::size_t shortest_ = 0;                // of `starts_`
};

}  // namespace callchain::signature
