#include "sip/digest_client.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace callchain::sip {
namespace {

constexpr std::size_t kMostRealms = 4;
constexpr std::size_t kMostShown = 80;
constexpr std::size_t kMostFields = 16;

std::string hex_of(std::uint64_t number, std::size_t digits) {
    std::array<char, 16> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, 16).ptr;
    const std::string text(buffer.data(), end);
    return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
}

std::optional<std::string> usable_qop(const Challenge& challenge) {
    for (const auto& qop : challenge.qop) {
        if (equal_ignoring_case(qop, "auth")) return "auth";
    }
    return std::nullopt;
}

// The algorithm by which this challenge can be answered.
std::optional<DigestAlgorithm> usable_algorithm(const Challenge& challenge) {
    const auto algorithm = find_digest_algorithm(challenge.algorithm);
    if (!algorithm) return std::nullopt;
    const bool has_qop = usable_qop(challenge).has_value();
    if (!challenge.qop.empty() && !has_qop) return std::nullopt;
    // Without qop there is no cnonce, which "-sess" is made with.
    if (is_session_algorithm(*algorithm) && !has_qop) return std::nullopt;
    return algorithm;
}

// All that a response asks for, as far as it can be read.
struct Read {
    std::vector<Challenge> challenges;
    bool damaged = false;
    bool other_schemes = false;
};

Read read_challenges(const Message& response, Challenger challenger) {
    Read read;
    auto fields = response.values(challenge_header(challenger));
    if (fields.size() > kMostFields) fields.resize(kMostFields);
    for (const auto field : fields) {
        auto challenges = parse_challenges(field);
        if (!challenges) {
            read.damaged = true;
            continue;
        }
        if (challenges->empty()) read.other_schemes = true;
        std::move(challenges->begin(), challenges->end(), std::back_inserter(read.challenges));
    }
    return read;
}

// The strongest, of equally strong ones that with qop, and of those the first.
const Challenge* strongest(const std::vector<Challenge>& challenges) {
    const auto rank = [](const Challenge& challenge) {
        const auto algorithm = usable_algorithm(challenge);
        return algorithm ? 2 * static_cast<int>(*algorithm) + (challenge.qop.empty() ? 0 : 1) : -1;
    };
    const auto best =
        std::max_element(challenges.begin(), challenges.end(),
                         [&rank](const Challenge& a, const Challenge& b) { return rank(a) < rank(b); });
    return best == challenges.end() || rank(*best) < 0 ? nullptr : &*best;
}

std::string describe(const std::vector<Challenge>& challenges) {
    std::string text;
    for (const auto& challenge : challenges) {
        if (!text.empty()) text += "; ";
        text += challenge.algorithm.empty() ? "MD5" : challenge.algorithm;
        if (!challenge.qop.empty()) text += " with qop " + join(challenge.qop, ",");
    }
    return safe_excerpt(text, kMostShown);
}

ChallengeVerdict verdict_without(const Read& read) {
    using enum ChallengeVerdict::Kind;
    if (!read.challenges.empty())
        return {unsupported, "the challenge asks for what is not supported: " + describe(read.challenges)};
    if (read.damaged) return {malformed, "the challenge cannot be read"};
    if (read.other_schemes) return {unsupported, "the challenge is of another scheme than Digest"};
    return {malformed, "there is no challenge in the response"};
}

}  // namespace

DigestClient::DigestClient(DigestAccount account) : account_(std::move(account)) {}

Credentials DigestClient::make_credentials(Remembered& entry, std::string_view method,
                                           std::string_view uri) const {
    const auto& challenge = entry.challenge;
    Credentials credentials;
    credentials.username = account_.username;
    credentials.realm = challenge.realm;
    credentials.nonce = challenge.nonce;
    credentials.uri = uri;
    credentials.algorithm = challenge.algorithm;
    credentials.opaque = challenge.opaque;
    credentials.qop = usable_qop(challenge);
    ++entry.uses;
    if (credentials.qop) {
        credentials.cnonce = entry.cnonce;
        credentials.nc = hex_of(entry.uses, 8);
    }
    credentials.response = digest_response({
        .algorithm = entry.algorithm,
        .username = account_.username,
        .realm = challenge.realm,
        .password = account_.password,
        .method = method,
        .uri = uri,
        .nonce = challenge.nonce,
        .qop = credentials.qop ? std::string_view(*credentials.qop) : std::string_view(),
        .nc = credentials.nc ? std::string_view(*credentials.nc) : std::string_view(),
        .cnonce = entry.cnonce,
    });
    return credentials;
}

std::vector<HeaderField> DigestClient::credentials(DigestAttempt& attempt, std::string_view method,
                                                   std::string_view uri) {
    std::vector<HeaderField> fields;
    for (auto& entry : remembered_) {
        if (entry.uses == std::numeric_limits<std::uint32_t>::max()) continue;
        fields.push_back({std::string(credentials_header(entry.challenger)),
                          write_credentials(make_credentials(entry, method, uri))});
        for (auto& realm : attempt.challenged_) {
            if (realm.challenger == entry.challenger && realm.realm == entry.challenge.realm)
                realm.answered = true;
        }
    }
    return fields;
}

ChallengeVerdict DigestClient::on_challenge(DigestAttempt& attempt, const Message& response,
                                            std::uint64_t random) {
    using enum ChallengeVerdict::Kind;
    if (response.status != 401 && response.status != 407)
        return {malformed, "a response " + std::to_string(response.status) + " is no challenge"};
    const auto challenger = response.status == 407 ? Challenger::proxy : Challenger::server;
    const auto read = read_challenges(response, challenger);
    const auto* const chosen = strongest(read.challenges);
    if (chosen == nullptr) return verdict_without(read);

    auto& challenged = attempt.challenged_;
    auto realm = std::find_if(challenged.begin(), challenged.end(), [&](const DigestAttempt::Realm& entry) {
        return entry.challenger == challenger && entry.realm == chosen->realm;
    });
    if (realm != challenged.end() && realm->answered && !chosen->stale) {
        forget(challenger, chosen->realm);
        return {wrong_password, "the credentials for the realm " + safe_excerpt(chosen->realm, kMostShown) +
                                    " were refused: the user name or the password is wrong"};
    }
    if (++attempt.challenges_ > kMostChallenges)
        return {too_many, "challenged " + std::to_string(attempt.challenges_) + " times in a row"};
    if (realm == challenged.end()) challenged.push_back({challenger, chosen->realm, false});
    remember({challenger, *chosen, *usable_algorithm(*chosen), hex_of(random, 16), 0});
    return {retry, chosen->stale ? "the nonce is stale" : "credentials are asked for"};
}

void DigestClient::remember(Remembered entry) {
    const auto known =
        std::find_if(remembered_.begin(), remembered_.end(), [&entry](const Remembered& other) {
            return other.challenger == entry.challenger && other.challenge.realm == entry.challenge.realm;
        });
    if (known == remembered_.end()) {
        if (remembered_.size() == kMostRealms) remembered_.erase(remembered_.begin());
        remembered_.push_back(std::move(entry));
        return;
    }
    // The same nonce again goes on counting: a count that begins anew would be taken for a replay.
    if (known->challenge.nonce == entry.challenge.nonce) {
        entry.uses = known->uses;
        entry.cnonce = known->cnonce;
    }
    *known = std::move(entry);
}

void DigestClient::forget(Challenger challenger, std::string_view realm) {
    std::erase_if(remembered_, [&](const Remembered& entry) {
        return entry.challenger == challenger && entry.challenge.realm == realm;
    });
}

}  // namespace callchain::sip
