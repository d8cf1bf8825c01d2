/// The negative matrix: deliveries that a receiver of webhooks must take, and those that it must refuse.
#pragma once

#include "crypto/hash.hpp"
#include "diagnosis/finding.hpp"
#include "webhook/made_up.hpp"
#include "webhook/replay.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::diagnosis {

/// What a receiver should answer. Any 2xx accepts a delivery and any 4xx refuses it; whatever else makes the
/// sender try again. Source: Standard Webhooks, "Delivery success".
enum class RightAnswer { accepted, refused };

/// One delivery of the matrix.
struct MatrixCase {
    std::string name;   ///< stable, snake_case: "tampered_body"; of an altered body "body_…", its catalogue
                        ///< code with "-2", "-3" where one cause has several outcomes
    std::string title;  ///< what is sent, one line: "one character of the body changed after signing"
    RightAnswer right = RightAnswer::refused;
    /// A status of the other class that is no fault either, as the first digit ("2") or whole ("413"), and
    /// why.
    std::string tolerated = {};
    std::string why_tolerated = {};
    std::string code;  ///< of the finding where the answer is of the other class; empty where that class is
                       ///< tolerated as a whole
    webhook::Delivery delivery;
    bool optional_case = false;  ///< of --matrix=full only
};

struct MatrixMaterial {
    webhook::Delivery base;  ///< a delivery that the receiver should accept once it is signed
    crypto::HmacKey key;     ///< the receiver's
    std::chrono::sys_seconds now;
    std::chrono::seconds age_refused{600};  ///< how far from `now` the stale and the future one are
    bool full = false;                      ///< with every body alteration of the catalogue
};
/// Most cases for the alterations of one body; of a large one fewer, so that all of them stay below 64 MiB.
inline constexpr std::size_t kMostAlteredBodies = 400;

/// The cases, `valid` first and `duplicate` (the very same delivery) directly behind it; each of the others
/// has a webhook-id of its own. Bodies of JSON stay as they are but for what the case is about. The body may
/// be any bytes: where a case needs a JSON object and there is none, or a body that fits into 1 MiB, it is
/// about an event that is made up.
[[nodiscard]] std::vector<MatrixCase> receiver_matrix(const MatrixMaterial& material,
                                                      webhook::MadeUpIds& ids);

/// How a receiver answered one delivery.
struct ReceiverAnswer {
    std::optional<int> status;  ///< nullopt: no answer
    std::string failure = {};   ///< why there is none: "timeout", "connect", … and one sentence
    std::string failure_kind = {};
    std::string location = {};  ///< of a 3xx
};

enum class CaseOutcome {
    right,
    tolerated,  ///< not of the right class, and no fault either
    wrong,
    unanswered,  ///< no answer, where one was due, or 429: the question of the case stays open
};
[[nodiscard]] std::string_view name_of(CaseOutcome outcome);  ///< "right", "tolerated", "wrong", "unanswered"

struct CaseVerdict {
    CaseOutcome outcome = CaseOutcome::right;
    std::string remark;              ///< one sentence for a person; empty for `right`
    std::optional<Finding> finding;  ///< for `wrong` and `unanswered`
};

/// Total over statuses: 2xx accepts; 4xx refuses, but 429, which says nothing of the delivery; 3xx is
/// receiver_redirects, 5xx receiver_fails, no answer receiver_silent, 1xx and above 599 receiver_garbled.
[[nodiscard]] CaseVerdict judge_case(const MatrixCase& one, const ReceiverAnswer& answer);

/// What the answers say taken together, in the order in which a person wants to know: the receiver accepts
/// everything (receiver_accepts_everything), refuses everything (receiver_refuses_everything: then what it
/// refused proves nothing), or checks a body that it wrote anew itself (receiver_reserializes_body). Empty
/// where neither holds. Units: `cases` and `answers` have the same length.
[[nodiscard]] std::vector<Finding> judge_matrix(const std::vector<MatrixCase>& cases,
                                                const std::vector<ReceiverAnswer>& answers);

}  // namespace callchain::diagnosis
