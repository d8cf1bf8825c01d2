#include "b2bua/admission.hpp"

#include "base/text.hpp"
#include "encoding/text_codings.hpp"
#include "sip/digest.hpp"
#include "sip/response.hpp"

#include <algorithm>
#include <utility>

namespace callchain::b2bua {
namespace {

constexpr std::size_t kMostAddresses = 4'096;
constexpr std::string_view kRetryAfterDrain = "10";
constexpr std::string_view kRetryAfterLimit = "5";

std::string digits_of(std::string_view text) {
    std::string digits;
    std::copy_if(text.begin(), text.end(), std::back_inserter(digits), is_ascii_digit);
    return digits;
}

// The number that is called, as digits, without what RFC 4904 may put behind it.
std::string called_number(const sip::Received& request) {
    return digits_of(
        encoding::percent_decode(split(request.message.uri.user, ';').front(), encoding::PlusSign::literal));
}

sip::DigestServerSettings digest_settings(const AdmissionSettings& settings) {
    sip::DigestServerSettings digest;
    digest.realm = settings.realm;
    digest.algorithms = settings.algorithms;
    return digest;
}

// Whether one of the credentials is of that user. Whether they are right is judged elsewhere.
bool names_user(const sip::Received& request, std::string_view user) {
    for (const auto value : request.message.values("Proxy-Authorization")) {
        const auto credentials = sip::parse_credentials(value);
        if (credentials && credentials->username == user) return true;
    }
    return false;
}

Admission silence(std::string_view what, std::string why) {
    Admission admission;
    admission.kind = Admission::Kind::drop;
    admission.what = what;
    admission.why = std::move(why);
    return admission;
}

}  // namespace

AdmissionControl::AdmissionControl(AdmissionSettings settings, crypto::HmacKey key)
    : settings_(std::move(settings)),
      digest_(digest_settings(settings_), std::move(key)),
      calls_(settings_.calls_per_second),
      challenges_(2 * settings_.calls_per_second, kMostAddresses),
      refusals_(settings_.refusals_per_second, kMostAddresses) {}

bool AdmissionControl::knows(std::string_view address) const {
    if (!settings_.addresses_known || settings_.allow.empty() || is_listed(address)) return true;
    return settings_.outward && settings_.allow_outward.empty();
}

bool AdmissionControl::is_listed(std::string_view address) const {
    if (!settings_.addresses_known) return false;
    if (config::contains(settings_.allow, address)) return true;
    return settings_.outward && config::contains(settings_.allow_outward, address);
}

std::optional<std::string> AdmissionControl::password_of(std::string_view username,
                                                         const sip::Received& request) const {
    if (settings_.outward && username == settings_.outward->username) return settings_.outward->password;
    const auto called = called_number(request);
    for (const auto& account : settings_.accounts) {
        if (account.username != username) continue;
        // Of several numbers each has a password of its own, good for that number alone.
        if (settings_.accounts.size() > 1 && digits_of(account.username) != called) return std::nullopt;
        return account.password;
    }
    return std::nullopt;
}

Admission AdmissionControl::refuse(const sip::Received& request, const Presence& presence, int status,
                                   std::string_view what, std::string why, sip::SteadyTime now) {
    // One of Meta's proxies sends many calls, and each is challenged once.
    auto& limit = status == 407 ? challenges_ : refusals_;
    if (status != 503 && settings_.addresses_known && !limit.take(presence.address, now))
        return silence("limited", "more refusals to this address than are answered");
    Admission admission;
    admission.kind = Admission::Kind::answer;
    admission.what = what;
    admission.why = std::move(why);
    // Without a transaction: whoever is refused leaves nothing behind. The tag need not be known again.
    admission.response = sip::make_response(request, status, {}, kStatelessTag);
    if (status == 503)
        admission.response->add("Retry-After",
                                std::string(what == "draining" ? kRetryAfterDrain : kRetryAfterLimit));
    return admission;
}

Admission AdmissionControl::judge(const sip::Received& request, const Presence& presence, sip::SteadyTime now,
                                  std::uint64_t random) {
    const bool addresses = settings_.addresses_known;
    const bool meta_listed =
        addresses && !settings_.allow.empty() && config::contains(settings_.allow, presence.address);
    const bool outward_listed = addresses && settings_.outward && !settings_.allow_outward.empty() &&
                                config::contains(settings_.allow_outward, presence.address);
    if (!knows(presence.address)) return silence("not_allowed", "the address is on no list");

    Admission admitted;
    admitted.kind = Admission::Kind::admitted;
    admitted.what = "admitted";
    if (request.message.method != "INVITE") return admitted;
    if (presence.draining)
        return refuse(request, presence, 503, "draining", "the gateway is about to stop", now);

    // Which way: by the account that is named, else by a list that only one direction has.
    const bool meta_wants_list = addresses && !settings_.allow.empty();
    const bool outward_wants_list = addresses && !settings_.allow_outward.empty();
    const bool outward_possible = settings_.outward && (!outward_wants_list || outward_listed);
    const bool meta_possible = !meta_wants_list || meta_listed;
    const bool outward =
        outward_possible && (names_user(request, settings_.outward->username) || !meta_possible ||
                             (outward_listed && !meta_listed && settings_.accounts.empty()));
    if (!outward && !meta_possible)
        return refuse(request, presence, 403, "refused", "the address may not call in this direction", now);
    admitted.direction = outward ? sdp::Direction::twilio_to_meta : sdp::Direction::meta_to_twilio;

    if (outward || !settings_.accounts.empty()) {
        const auto passwords = [&](std::string_view username) -> std::optional<std::string> {
            const bool is_outward = settings_.outward && username == settings_.outward->username;
            if (is_outward != outward) return std::nullopt;
            return password_of(username, request);
        };
        const auto verdict = digest_.judge(request, passwords, now);
        using Kind = sip::DigestVerdict::Kind;
        switch (verdict.kind) {
            case Kind::accepted:
                admitted.account = verdict.username;
                break;
            case Kind::no_credentials:
            case Kind::stale: {
                const bool stale = verdict.kind == Kind::stale;
                auto refusal = refuse(request, presence, 407, stale ? "stale" : "challenged", {}, now);
                if (refusal.kind == Admission::Kind::answer)
                    refusal.response =
                        digest_.refusal(request, now, random, stale ? sip::Stale::yes : sip::Stale::no);
                return refusal;
            }
            case Kind::refused:
                // Meta asks again for ever where it is challenged again: a clear no instead.
                return refuse(request, presence, 403, "refused", verdict.why, now);
            case Kind::malformed:
                return refuse(request, presence, 400, "refused", verdict.why, now);
        }
    }
    if (presence.calls >= settings_.most_calls)
        return refuse(request, presence, 503, "full", "CALLCHAIN_MAX_CALLS calls are up", now);
    if (!calls_.take(now))
        return refuse(request, presence, 503, "too_fast", "more than CALLCHAIN_CALLS_PER_SECOND", now);
    return admitted;
}

}  // namespace callchain::b2bua
