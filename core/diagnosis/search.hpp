/// The search: HMAC as an oracle over keys × contents × bodies × signature forms. A match is a proof.
#pragma once

#include "diagnosis/forms.hpp"
#include "signature/secret.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callchain::diagnosis {

/// What a diagnosis works on. Everything borrows from the caller.
struct SearchMaterial {
    std::span<const signature::LabelledSecret> secrets;
    std::string_view id;
    std::string_view timestamp;
    std::string_view signature;  ///< the header's text, or the value that somebody's code printed
    std::string_view body;
    std::vector<std::pair<std::string, std::string>> others =
        {};  ///< (id, timestamp) of other deliveries at hand
};

struct SearchLimits {
    int most_faults = 2;                                      ///< 0 (no search), 1 or 2
    std::size_t most_variant_bytes = std::size_t{64} << 20U;  ///< memory for altered bodies
    std::uint64_t most_hashed_bytes = std::uint64_t{512}
                                      << 20U;  ///< work: bytes put through HMAC, about one second
};

/// One explanation that reproduces the signature.
struct Match {
    std::optional<std::size_t> secret;  ///< index; none for a key that needs no secret
    Faults faults;                      ///< empty: the exact recipe
    std::string key;                    ///< the key bytes that matched; never printed
};

struct SearchResult {
    std::vector<Match> matches;  ///< all of the fewest faults
    std::uint64_t tried = 0;     ///< signatures that were computed
    bool complete = true;        ///< false: a limit was reached, some candidates were not tried
    struct Space {               ///< how many forms of each kind there were
        std::size_t keys = 0;
        std::size_t contents = 0;
        std::size_t bodies = 0;
        std::size_t signatures = 0;
    } space;
};

/// Tries the exact recipe under every secret, then every single fault, then every pair; stops behind the
/// first of these that matches. Deterministic.
[[nodiscard]] SearchResult search(const SearchMaterial& material, Direction direction,
                                  const SearchLimits& limits = {});

}  // namespace callchain::diagnosis
