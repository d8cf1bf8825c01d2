#include "diagnosis/search.hpp"

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/body_forms.hpp"
#include "diagnosis/content_forms.hpp"
#include "diagnosis/key_forms.hpp"
#include "diagnosis/signature_forms.hpp"
#include "encoding/base64.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <unordered_map>

namespace callchain::diagnosis {
namespace {

using crypto::Digest;
using crypto::HashAlgorithm;
using crypto::HmacKey;

// A key form with its key schedule, made when the key is first used.
struct Key {
    KeyForm form;
    std::optional<std::size_t> secret;
    std::optional<HmacKey> hmac = {};
    [[nodiscard]] const HmacKey& schedule() {
        if (!hmac) hmac.emplace(HashAlgorithm::sha256, form.bytes);
        return *hmac;
    }
};

struct Candidate {
    Key* key;
    const ContentForm* content;
    const BodyForm* body;
    Faults algorithm = {};
    bool keyless = false;  // a hash without a key, which anybody can make
};

struct Hit {
    int cost;
    Candidate candidate;
    const TargetForm* target;
};

bool matches(const TargetForm& target, const Digest& mac) {
    switch (target.match) {
        case TargetForm::Match::bytes:
            return crypto::equal_in_constant_time(target.value, mac.view());
        case TargetForm::Match::prefix:
            return crypto::equal_in_constant_time(
                std::string_view(encoding::to_base64(mac.view())).substr(0, target.value.size()),
                target.value);
        case TargetForm::Match::folded_text:
            break;
    }
    return crypto::equal_in_constant_time(ascii_lower(encoding::to_base64(mac.view())), target.value);
}

// Secrets that came from one configured list, with the index of the first.
std::vector<std::pair<std::size_t, std::vector<std::string>>> lists_of(
    std::span<const signature::LabelledSecret> secrets) {
    std::vector<std::pair<std::size_t, std::vector<std::string>>> lists;
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        if (i == 0 || secrets[i].source != secrets[i - 1].source) lists.push_back({i, {}});
        lists.back().second.push_back(secrets[i].text);
    }
    std::erase_if(lists, [](const auto& list) { return list.second.size() < 2; });
    return lists;
}

class Search {
  public:
    Search(const SearchMaterial& material, Direction direction, const SearchLimits& limits)
        : material_(material),
          limits_(limits),
          bodies_(material.body, direction, limits.most_variant_bytes),
          contents_(content_forms({material.id, material.timestamp, material.body, material.others})),
          targets_(target_forms(material.signature)) {
        std::set<std::string_view> seen;
        const auto add = [&](KeyForm form, std::optional<std::size_t> secret) {
            if (seen.contains(significant_key(form.bytes))) return;
            keys_.push_back({std::move(form), secret});
            seen.insert(significant_key(keys_.back().form.bytes));
        };
        // Cheap forms of every secret go in before dear ones of any, so that equal keys are told by the
        // simplest.
        std::vector<std::vector<KeyForm>> forms;
        for (const auto& secret : material.secrets) forms.push_back(key_forms(secret.text));
        for (int cost = 0; cost <= 2; ++cost) {
            for (std::size_t i = 0; i < forms.size(); ++i) {
                for (auto& form : forms[i]) {
                    if (form.cost == cost) add(std::move(form), i);
                }
            }
            if (cost == 1) {
                for (auto& [first, list] : lists_of(material.secrets)) {
                    for (auto& form : unsplit_key_forms(list)) add(std::move(form), first);
                }
                for (auto& form : unset_key_forms()) add(std::move(form), std::nullopt);
            }
        }
    }

    SearchResult run() {
        for (int cost = 0; cost <= limits_.most_faults && !is_settled(cost - 1); ++cost) try_cost(cost);
        SearchResult result;
        result.tried = tried_;
        result.complete = complete_ && !bodies_.incomplete();
        result.space = {keys_.size() + typos_, contents_.size(),
                        bodies_.singles().size() + (paired_ ? bodies_.pairs().size() : 0), targets_.size()};
        int fewest = 3;
        for (const auto& hit : hits_) fewest = std::min(fewest, hit.cost);
        std::set<std::string> told;
        for (const auto& hit : hits_) {
            if (hit.cost != fewest) continue;
            const bool needs_key = !hit.candidate.keyless;
            Match match{needs_key ? hit.candidate.key->secret : std::nullopt, faults_of(hit),
                        hit.candidate.key->form.bytes};
            std::string codes = match.secret ? std::to_string(*match.secret) : std::string("-");
            for (const auto& fault : match.faults) codes += " " + std::string(fault.code);
            if (told.insert(codes).second) result.matches.push_back(std::move(match));
        }
        return result;
    }

  private:
    bool is_settled(int cost) const {
        return std::any_of(hits_.begin(), hits_.end(), [&](const Hit& hit) { return hit.cost <= cost; });
    }

    Faults faults_of(const Hit& hit) const {
        const auto& candidate = hit.candidate;
        return candidate.key->form.faults + candidate.content->faults + bodies_.explain(*candidate.body) +
               candidate.algorithm + hit.target->faults;
    }

    // Every combination of key, content and body whose costs add up to `cost`.
    void try_cost(int cost) {
        if (targets_.empty() || !complete_) return;
        for (auto& key : keys_) {
            if (key.form.cost > cost) break;
            for (const auto& content : contents_) {
                const int rest = cost - key.form.cost - content.cost;
                if (rest < 0) break;
                if (key.form.reach == Reach::alone && (content.cost > 0 || rest > 0)) break;
                try_bodies(key, content, rest);
            }
        }
        try_algorithms(cost);
        if (cost == 2) try_typos();
    }

    // The keys of one-character typos, thousands of them: each is tried with everything else as it should be,
    // and kept only where it matches.
    void try_typos() {
        for (std::size_t i = 0; i < material_.secrets.size(); ++i) {
            visit_typo_forms(material_.secrets[i].text, [&](KeyForm form) {
                ++typos_;
                Key key{std::move(form), i};
                const auto before = hits_.size();
                try_one({&key, &contents_.front(), &bodies_.singles().front()});
                if (hits_.size() == before) return;
                keys_.push_back(std::move(key));
                for (auto hit = hits_.begin() + static_cast<std::ptrdiff_t>(before); hit != hits_.end();
                     ++hit) {
                    hit->candidate.key = &keys_.back();
                }
            });
        }
    }

    void try_bodies(Key& key, const ContentForm& content, int body_cost) {
        const bool others_at_fault = key.form.cost + content.cost > 0;
        if (body_cost == 0) return try_one({&key, &content, &bodies_.singles().front()});
        if (body_cost == 2) {
            paired_ = true;
            for (const auto& body : bodies_.pairs()) try_one({&key, &content, &body});
            return;
        }
        const auto& singles = bodies_.singles();
        for (std::size_t i = 1; i < singles.size(); ++i) {
            if (!others_at_fault || singles[i].reach == Reach::combines)
                try_one({&key, &content, &singles[i]});
        }
    }

    // False when the work allowed is used up.
    bool charge(const Candidate& candidate) {
        const std::uint64_t bytes = candidate.body->bytes.size() + candidate.content->before.size() + 128;
        if (hashed_bytes_ + bytes > limits_.most_hashed_bytes) {
            complete_ = false;
            return false;
        }
        hashed_bytes_ += bytes;
        ++tried_;
        return true;
    }

    void try_one(const Candidate& candidate) {
        if (!charge(candidate)) return;
        compare(candidate, candidate.key->schedule().sign(
                               {candidate.content->before, candidate.body->bytes, candidate.content->after}));
    }

    void compare(const Candidate& candidate, const Digest& mac) {
        for (const auto& target : targets_) {
            if (!matches(target, mac)) continue;
            const int cost = candidate.key->form.cost + candidate.content->cost + candidate.body->cost +
                             static_cast<int>(candidate.algorithm.size()) + target.cost;
            hits_.push_back({cost, candidate, &target});
        }
    }

    // Another algorithm is a fault too: alone, then with one fault of key, content or body.
    void try_algorithms(int cost) {
        if (cost == 0) return;
        const auto wanted = [&](std::size_t size) {
            return std::any_of(targets_.begin(), targets_.end(), [&](const TargetForm& t) {
                return t.match == TargetForm::Match::bytes && t.value.size() == size;
            });
        };
        const bool sha1 = wanted(20);
        const bool sha512 = wanted(64);
        const bool sha256 = wanted(32);
        for (auto& key : keys_) {
            if (key.form.cost > cost - 1 || key.form.reach == Reach::alone) continue;
            for (const auto& content : contents_) {
                const int rest = cost - 1 - key.form.cost - content.cost;
                if (rest < 0) break;
                for (const auto& body : bodies_.singles()) {
                    if (body.cost != rest || (rest > 0 && body.reach == Reach::alone)) continue;
                    const std::array<std::string_view, 3> message{content.before, body.bytes, content.after};
                    if (sha1)
                        try_hmac({&key, &content, &body, {{"algorithm_sha1"}}}, HashAlgorithm::sha1, message);
                    if (sha512)
                        try_hmac({&key, &content, &body, {{"algorithm_sha512"}}}, HashAlgorithm::sha512,
                                 message);
                    if (sha256) try_unkeyed({&key, &content, &body, {}}, message);
                }
            }
        }
    }

    void try_hmac(const Candidate& candidate, HashAlgorithm algorithm,
                  std::span<const std::string_view> message) {
        if (charge(candidate))
            compare(candidate, HmacKey(algorithm, candidate.key->form.bytes).sign(message));
    }

    void try_unkeyed(Candidate candidate, std::span<const std::string_view> message) {
        struct Order {
            const char* name;
            bool key_first;
            bool key_last;
        };
        for (const auto& order : {Order{"key then message", true, false},
                                  {"message then key", false, true},
                                  {"message alone", false, false}}) {
            if (!charge(candidate)) return;
            const std::string_view key = candidate.key->form.bytes;
            const auto mac = crypto::hash(
                HashAlgorithm::sha256,
                {order.key_first ? key : "", message[0], message[1], message[2], order.key_last ? key : ""});
            candidate.keyless = !order.key_first && !order.key_last;
            candidate.algorithm = {{"algorithm_unkeyed_sha256", {{"hashed", std::string(order.name)}}}};
            compare(candidate, mac);
        }
    }

    const SearchMaterial& material_;
    SearchLimits limits_;
    BodyForms bodies_;
    std::vector<ContentForm> contents_;
    std::vector<TargetForm> targets_;
    std::deque<Key> keys_;  // a deque: candidates point into it
    std::vector<Hit> hits_;
    std::size_t typos_ = 0;
    std::uint64_t tried_ = 0;
    std::uint64_t hashed_bytes_ = 0;
    bool complete_ = true;
    bool paired_ = false;
};

}  // namespace

SearchResult search(const SearchMaterial& material, Direction direction, const SearchLimits& limits) {
    return Search(material, direction, limits).run();
}

}  // namespace callchain::diagnosis
