/// What the answers of two receivers to the same deliveries say about the secrets that they hold.
#pragma once

#include "diagnosis/finding.hpp"
#include "diagnosis/receiver_matrix.hpp"

#include <string>
#include <vector>

namespace callchain::diagnosis {

/// The same bytes, sent to both.
struct ComparedDelivery {
    std::string label;  ///< of the secret that signed it; empty: signed by a key that nobody has (the
                        ///< control), or sent as it was recorded
    enum class Kind { signed_by_secret, control, as_recorded } kind = Kind::signed_by_secret;
    ReceiverAnswer a;
    ReceiverAnswer b;
};

/// What the two answers to one delivery say beside each other.
enum class Agreement {
    same,       ///< both accept it, or both refuse it
    differs,    ///< one accepts it and the other refuses it
    undecided,  ///< one of them at least neither accepts nor refuses: no answer, a redirect, 429, 5xx
};
[[nodiscard]] Agreement agreement_of(const ComparedDelivery& delivery);

struct Comparison {
    bool same = true;                    ///< both accept the same and refuse the same, and all was decided
    std::vector<std::string> sentences;  ///< what it says, for a person, most telling first; never empty
    std::vector<Finding> findings;       ///< receiver_secrets_differ, receiver_accepts_wrong_secret …
};

/// `name_a` and `name_b` stand for the receivers in the sentences ("A (http://127.0.0.1:8080/…)").
/// A receiver that accepts the control accepts anything: its other answers say nothing about its secret.
[[nodiscard]] Comparison compare_receivers(const std::vector<ComparedDelivery>& deliveries,
                                           const std::string& name_a, const std::string& name_b);

}  // namespace callchain::diagnosis
