#include "sip/digest_server.hpp"

#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "sip/response.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace callchain::sip {
namespace {

constexpr std::size_t kTimeDigits = 8;
constexpr std::size_t kRandomDigits = 16;
constexpr std::size_t kPrefixDigits = kTimeDigits + kRandomDigits;
constexpr std::size_t kMacDigits = 32;
constexpr std::size_t kTagDigits = 16;
constexpr std::size_t kMostFields = 8;

template <class Number>
std::string hex_of(Number number, std::size_t digits) {
    std::string text(digits, '0');
    for (std::size_t i = digits; i > 0 && number != 0; --i) {
        text[i - 1] = "0123456789abcdef"[number & 0xFU];
        number >>= 4U;
    }
    return text;
}

std::optional<std::uint32_t> parse_hex_number(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::uint32_t seconds_of(SteadyTime now) {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

// The number: what follows ';' are parameters of the user part (RFC 4904), which not every stack carries
// along.
std::string user_of(const Uri& uri) {
    return encoding::percent_decode(uri.user.substr(0, uri.user.find(';')), encoding::PlusSign::literal);
}

bool names_the_same(const Uri& a, const Uri& b) {
    return user_of(a) == user_of(b) && equal_ignoring_case(a.host, b.host);
}

bool same_text(std::string_view a, std::string_view b) { return crypto::equal_in_constant_time(a, b); }

// What of the Authorization fields is for us.
struct Found {
    std::optional<Credentials> credentials;
    bool damaged = false;
};

Found find_credentials(const Message& request, const DigestServerSettings& settings) {
    Found found;
    auto fields = request.values(credentials_header(settings.challenger));
    if (fields.size() > kMostFields) fields.resize(kMostFields);
    for (const auto field : fields) {
        if (!is_digest_scheme(field)) continue;
        auto credentials = parse_credentials(field);
        if (!credentials) {
            found.damaged = true;
        } else if (credentials->realm == settings.realm) {
            found.credentials = *std::move(credentials);
            break;
        }
    }
    return found;
}

}  // namespace

DigestServer::DigestServer(DigestServerSettings settings, crypto::HmacKey key)
    : settings_(std::move(settings)), key_(std::move(key)) {}

std::string DigestServer::nonce_mac(std::string_view time_and_random) const {
    return encoding::to_hex(key_.sign({"nonce:", time_and_random, ":", settings_.realm}).view())
        .substr(0, kMacDigits);
}

std::string DigestServer::make_nonce(SteadyTime now, std::uint64_t random) const {
    const auto prefix = hex_of(seconds_of(now), kTimeDigits) + hex_of(random, kRandomDigits);
    return prefix + nonce_mac(prefix);
}

bool DigestServer::is_young(std::string_view nonce, SteadyTime now) const {
    const auto made = parse_hex_number(nonce.substr(0, kTimeDigits));
    // Unsigned: a nonce of the future, which only a clock that went back could have made, is as old as can
    // be.
    return made && seconds_of(now) - *made <= static_cast<std::uint64_t>(settings_.nonce_life.count());
}

bool DigestServer::is_ours(std::string_view nonce) const {
    return nonce.size() == kPrefixDigits + kMacDigits &&
           same_text(nonce.substr(kPrefixDigits), nonce_mac(nonce.substr(0, kPrefixDigits)));
}

std::vector<HeaderField> DigestServer::challenge(SteadyTime now, std::uint64_t random, Stale stale) const {
    std::vector<HeaderField> fields;
    const auto nonce = make_nonce(now, random);
    for (const auto algorithm : settings_.algorithms) {
        Challenge challenge{settings_.realm, nonce};
        // MD5 alone goes without its name: so the challenge is that Meta is known to answer.
        if (algorithm != DigestAlgorithm::md5 || settings_.algorithms.size() > 1)
            challenge.algorithm = name_of(algorithm);
        challenge.qop = {"auth"};
        challenge.stale = stale == Stale::yes;
        fields.push_back({std::string(challenge_header(settings_.challenger)), write_challenge(challenge)});
    }
    return fields;
}

// Why the credentials are wrong, whatever their nonce; nullopt: they are right.
std::optional<std::string> DigestServer::fault_of(const Credentials& credentials, const Received& request,
                                                  const PasswordOf& password_of) const {
    const auto algorithm = find_digest_algorithm(credentials.algorithm);
    const auto& offered = settings_.algorithms;
    if (!algorithm || std::find(offered.begin(), offered.end(), *algorithm) == offered.end())
        return "the credentials use an algorithm that was not offered";
    if (credentials.qop && !equal_ignoring_case(*credentials.qop, "auth"))
        return "the credentials use a qop that was not offered";
    if (is_session_algorithm(*algorithm) && !credentials.cnonce)
        return "the credentials use an algorithm that needs a cnonce and have none";
    const auto uri = parse_uri(credentials.uri);
    if (!uri || !names_the_same(*uri, request.message.uri))
        return "the uri of the credentials names another user or host than the request";

    // The work is the same for a user who is not known: the time taken tells nobody which users there are.
    const auto password = password_of(credentials.username);
    const auto none = std::string_view();
    const auto expected = digest_response({
        .algorithm = *algorithm,
        .username = credentials.username,
        .realm = settings_.realm,
        .password = password ? std::string_view(*password) : none,
        .method = request.message.method,
        .uri = credentials.uri,
        .nonce = credentials.nonce,
        .qop = credentials.qop ? std::string_view(*credentials.qop) : none,
        .nc = credentials.nc ? std::string_view(*credentials.nc) : none,
        .cnonce = credentials.cnonce ? std::string_view(*credentials.cnonce) : none,
    });
    const bool same = same_text(expected, ascii_lower(credentials.response));
    if (!password) return "the user of the credentials is not known";
    if (!same) return "the password is wrong";
    return std::nullopt;
}

bool DigestServer::count(const std::string& nonce, std::uint32_t nc, SteadyTime now) {
    // What is too old is refused by its age alone.
    while (!highest_.empty() && !is_young(highest_.begin()->first, now)) highest_.erase(highest_.begin());
    if (const auto known = highest_.find(nonce); known != highest_.end()) {
        if (nc <= known->second) return false;
        known->second = nc;
        return true;
    }
    if (nonce <= forgotten_up_to_) return false;
    highest_.emplace(nonce, nc);
    while (highest_.size() > settings_.most_nonces) {
        forgotten_up_to_ = highest_.begin()->first;
        highest_.erase(highest_.begin());
    }
    return true;
}

DigestVerdict DigestServer::judge(const Received& request, const PasswordOf& password_of, SteadyTime now) {
    using enum DigestVerdict::Kind;
    const auto found = find_credentials(request.message, settings_);
    if (!found.credentials) {
        if (found.damaged) return {malformed, {}, "the credentials cannot be read"};
        return {no_credentials, {}, "there are no credentials for this realm"};
    }
    const auto& credentials = *found.credentials;
    if (auto fault = fault_of(credentials, request, password_of)) return {refused, {}, *std::move(fault)};
    if (!is_ours(credentials.nonce)) return {stale, {}, "the nonce is not of this process"};
    if (!is_young(credentials.nonce, now)) return {stale, {}, "the nonce is too old"};
    const auto nc = credentials.qop ? parse_hex_number(*credentials.nc) : std::uint32_t{1};
    if (!nc || *nc == 0 || !count(credentials.nonce, *nc, now))
        return {stale, {}, "the nonce was used before"};
    return {accepted, credentials.username, {}};
}

std::string DigestServer::tag_for(const Received& request) const {
    const auto branch = request.via.front().branch();
    // None of these can hold a line end.
    const auto mac = key_.sign({"tag:", request.call_id, "\n", request.from.tag().value_or(""), "\n",
                                std::to_string(request.cseq.number), "\n", branch});
    return encoding::to_hex(mac.view()).substr(0, kTagDigits);
}

Message DigestServer::refusal(const Received& request, SteadyTime now, std::uint64_t random,
                              Stale stale) const {
    const int status = settings_.challenger == Challenger::proxy ? 407 : 401;
    auto response = make_response(request, status, {}, tag_for(request));
    for (auto& field : challenge(now, random, stale)) response.add(field.name, std::move(field.value));
    return response;
}

bool DigestServer::acknowledges_refusal(const Received& ack) const {
    return ack.message.method == "ACK" && same_text(ack.to.tag().value_or(""), tag_for(ack));
}

}  // namespace callchain::sip
