/// How a status is read, for one receiver and for two. Internal to the judging of receivers.
#pragma once

#include "diagnosis/receiver_matrix.hpp"

#include <string>
#include <string_view>

namespace callchain::diagnosis {

/// What an answer does with the delivery.
enum class Answer {
    accepts,    ///< 2xx
    refuses,    ///< 4xx, but 429
    limits,     ///< 429
    redirects,  ///< 3xx
    fails,      ///< 5xx
    garbles,    ///< no status of HTTP's, or one that is no final answer
    silent,     ///< none
};
[[nodiscard]] Answer read_answer(const ReceiverAnswer& answer);

/// What says nothing about the delivery, with its code, a remark that fits behind a name ("the receiver …")
/// and what follows from it.
struct Trouble {
    std::string_view code;
    std::string what;
    std::string then;
};
/// Units: `answer` is one that neither accepts nor refuses.
[[nodiscard]] Trouble trouble_of(const ReceiverAnswer& answer);

/// What a 4xx points to, as a sentence: "404 means that nothing is at this path: …". Empty where it is
/// nothing in particular.
[[nodiscard]] std::string refusal_hint(int status);

/// The status, the kind of failure and the place of a redirect, as far as there are any.
[[nodiscard]] std::vector<Evidence> answer_evidence(const ReceiverAnswer& answer);

/// "200", or "no answer".
[[nodiscard]] std::string status_text(const ReceiverAnswer& answer);

}  // namespace callchain::diagnosis
