#include "diagnosis/receiver_status.hpp"

#include "base/redact.hpp"

#include <array>

namespace callchain::diagnosis {
namespace {

constexpr std::size_t kMostShown = 200;

Trouble silence(const ReceiverAnswer& answer) {
    std::string what = "gave no answer";
    if (!answer.failure_kind.empty()) what += " (" + safe_excerpt(answer.failure_kind, 40) + ")";
    if (!answer.failure.empty()) what += ": " + safe_excerpt(answer.failure, kMostShown);
    return {"receiver_silent", std::move(what), "The sender takes that as a failure and tries again."};
}

Trouble redirection(const ReceiverAnswer& answer, const std::string& status) {
    std::string what = "answers " + status + " and redirects";
    std::string then = "OpenAI does not follow redirects, so no delivery arrives.";
    if (!answer.location.empty()) {
        const auto place = safe_excerpt(answer.location, kMostShown);
        what += " to " + place;
        then += " Register the address that it points to, if that is yours.";
    }
    return {"receiver_redirects", std::move(what), std::move(then)};
}

Trouble failure(int status) {
    const auto text = std::to_string(status);
    const bool by_proxy = status >= 502 && status <= 504;
    if (by_proxy) {
        return {
            "receiver_fails", "answers " + text,
            "As a rule that comes from the proxy in front: the receiver behind it does not run, or took too "
            "long. The sender tries again, for up to 72 hours."};
    }
    return {"receiver_fails", "answers " + text,
            "It broke instead of deciding; its log says where. The sender tries again, for up to 72 hours."};
}

struct Hint {
    int status;
    std::string_view text;
};
constexpr std::array kHints{
    Hint{400,
         "400 means that it could not read the request, or that its check of the signature failed; its log "
         "tells which."},
    Hint{401,
         "401 means as a rule that its check of the signature failed: it holds another secret, its clock is "
         "off, or something in front of it alters the body. A login in front of it answers 401, too."},
    Hint{403,
         "403 means as a rule that its check of the signature failed, or that something in front of it, a "
         "firewall or a protection against forged requests (CSRF), lets no such request through."},
    Hint{404, "404 means that nothing is at this path: the path of the URL is probably wrong."},
    Hint{405, "405 means that this path takes no POST: the path of the URL is probably wrong."},
    Hint{408, "408 means that the request did not reach it whole in time."},
    Hint{410, "410 means that what was at this path is gone: the path of the URL is probably wrong."},
    Hint{411,
         "411 means that it wants a Content-Length, which the delivery has: look at what stands in front."},
    Hint{413, "413 means that its limit for bodies, or that of a proxy in front, is too small."},
    Hint{415, "415 means that it takes no body of this Content-Type."},
    Hint{422,
         "422 means that it read the body and does not like its form; a check of the signature should come "
         "first."},
    Hint{431, "431 means that it takes fewer bytes of headers than this delivery has."},
};

}  // namespace

Answer read_answer(const ReceiverAnswer& answer) {
    if (!answer.status) return Answer::silent;
    const int status = *answer.status;
    if (status < 200 || status > 599) return Answer::garbles;
    if (status == 429) return Answer::limits;
    switch (status / 100) {
        case 2:
            return Answer::accepts;
        case 3:
            return Answer::redirects;
        case 4:
            return Answer::refuses;
        default:
            return Answer::fails;
    }
}

Trouble trouble_of(const ReceiverAnswer& answer) {
    const auto status = status_text(answer);
    switch (read_answer(answer)) {
        case Answer::redirects:
            return redirection(answer, status);
        case Answer::fails:
            return failure(*answer.status);
        case Answer::limits:
            return {"receiver_rate_limited", "answers 429, which says nothing about the delivery",
                    "Send more slowly and try again."};
        case Answer::garbles:
            return {"receiver_garbled", "answers " + status + ", which is no final status of HTTP's",
                    "The sender takes that as a failure."};
        case Answer::accepts:
        case Answer::refuses:
        case Answer::silent:
            break;
    }
    return silence(answer);
}

std::string refusal_hint(int status) {
    for (const auto& hint : kHints) {
        if (hint.status == status) return std::string(hint.text);
    }
    return {};
}

std::vector<Evidence> answer_evidence(const ReceiverAnswer& answer) {
    std::vector<Evidence> evidence;
    if (answer.status) evidence.push_back({"status", std::int64_t{*answer.status}});
    if (!answer.failure_kind.empty())
        evidence.push_back({"failure", safe_excerpt(answer.failure_kind, kMostShown)});
    if (!answer.location.empty()) evidence.push_back({"location", safe_excerpt(answer.location, kMostShown)});
    return evidence;
}

std::string status_text(const ReceiverAnswer& answer) {
    return answer.status ? std::to_string(*answer.status) : "no answer";
}

}  // namespace callchain::diagnosis
