#include "simulator/scenario.hpp"

#include "base/nearest_words.hpp"
#include "base/text.hpp"
#include "encoding/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>

namespace callchain::simulator {
namespace {

using encoding::JsonValue;
using std::chrono::milliseconds;

constexpr double kMostSeconds = 86'400;  // a day: longer is a slip of the unit
constexpr std::int64_t kMostTimes = 1'000;
constexpr std::string_view kCalls = "calls";

auto wrong(std::string what) { return fail(ErrorCode::bad_input, std::move(what)); }

// ---- values ----

Result<milliseconds> read_seconds(std::string_view text, double least) {
    double seconds = 0;
    const auto* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, seconds);
    if (error != std::errc() || at != end || text.empty() || !(seconds >= least) || seconds > kMostSeconds)
        return wrong("is no number of seconds from " + std::to_string(std::lround(least)) + " to " +
                     std::to_string(std::lround(kMostSeconds)));
    return milliseconds(std::llround(seconds * 1000));
}

Result<int> read_times(std::string_view text) {
    const auto number = parse_decimal(text);
    if (!number || *number < 0 || *number > kMostTimes)
        return wrong("is no number from 0 to " + std::to_string(kMostTimes));
    return static_cast<int>(*number);
}

Result<bool> read_truth(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return wrong("is neither true nor false");
}

// It becomes part of a URI.
Result<std::string> read_user(std::string_view text) {
    const bool fits = !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
               c == '.' || c == '-' || c == '_' || c == ':';
    });
    if (!fits) return wrong("is no number such as +12195550714, and no id such as US.1349");
    return std::string(text);
}

Result<Offer> read_offer(std::string_view text) {
    if (const auto offer = find_offer(text)) return *offer;
    return wrong("is none of sdes-g711, sdes-opus, dtls-opus and plain-g711");
}

Result<std::vector<milliseconds>> read_list(std::string_view text) {
    std::vector<milliseconds> list;
    if (trim(text).empty()) return list;
    for (const auto item : split(text, ',')) list.push_back(CALLCHAIN_TRY(read_seconds(trim(item), 0)));
    return list;
}

// ---- members ----
// Each sets one value; the text is read by the type of that value.

template <auto Member>
struct MemberOf;
template <class Conduct, class Value, Value Conduct::*Member>
struct MemberOf<Member> {
    using Owner = Conduct;
};

template <auto Member, auto Read>
Result<void> set(typename MemberOf<Member>::Owner& conduct, std::string_view value) {
    conduct.*Member = CALLCHAIN_TRY(Read(value));
    return {};
}

Result<milliseconds> read_time(std::string_view text) { return read_seconds(text, 0); }
Result<milliseconds> read_skew(std::string_view text) { return read_seconds(text, -kMostSeconds); }
Result<bool> read_denial(std::string_view text) { return !CALLCHAIN_TRY(read_truth(text)); }

Result<TwilioConduct::SecureMedia> read_secure_media(std::string_view text) {
    if (text == "on") return TwilioConduct::SecureMedia::on;
    if (text == "off") return TwilioConduct::SecureMedia::off;
    return wrong("is neither on nor off");
}

using M = MetaConduct;
constexpr ScenarioMember<M> kMetaMembers[] = {
    {"caller", "USER", "Who calls: a number, or a business-scoped id", &set<&M::caller, read_user>},
    {"called", "NUMBER", "The business number", &set<&M::called, read_user>},
    {"offer", "OFFER", "What is offered: sdes-g711, sdes-opus, dtls-opus or plain-g711",
     &set<&M::offer, read_offer>},
    {"ring", "SECONDS", "Ring so long, then CANCEL", &set<&M::ring, read_time>},
    {"talk", "SECONDS", "From the answer to the caller's BYE", &set<&M::talk, read_time>},
    {"waits", "", "Do not hang up: wait for the other side", &set<&M::hangs_up, read_denial>},
    {"patience", "SECONDS", "With --waits: hang up all the same behind so much time",
     &set<&M::patience, read_time>},
    {"deaf", "", "No sound comes: hang up behind --silence", &set<&M::hears, read_denial>},
    {"silence", "SECONDS", "With --deaf: how long no sound is borne", &set<&M::silence, read_time>},
    {"drops_connection", "SECONDS", "Break the connection so long behind the answer",
     &set<&M::drops_connection, read_time>},
};

using T = TwilioConduct;
constexpr ScenarioMember<T> kTwilioMembers[] = {
    {"secure_media", "WHEN", "Secure Media of the SIP Domain: on or off",
     &set<&T::secure_media, read_secure_media>},
    {"webhook_time", "SECONDS", "A webhook has so long to answer", &set<&T::webhook_time, read_time>},
    {"dial_timeout", "SECONDS", "A dialled leg rings no longer", &set<&T::dial_timeout, read_time>},
    {"bye_on_new_connection", "", "A BYE to the gateway goes by a connection of its own",
     &set<&T::bye_on_new_connection, read_truth>},
    {"from", "ADDRESS", "Who calls, of calls that begin here", &set<&T::from, read_user>},
    {"to", "ADDRESS", "Who is called, of calls that begin here", &set<&T::to, read_user>},
};

using O = OpenAiConduct;
constexpr ScenarioMember<O> kOpenAiMembers[] = {
    {"dispatch_delay", "SECONDS", "From the INVITE to the webhook", &set<&O::dispatch_delay, read_time>},
    {"webhook_time", "SECONDS", "A webhook has so long to answer", &set<&O::webhook_time, read_time>},
    {"retries", "LIST", "Waits before each repetition of a webhook, in seconds",
     &set<&O::retries, read_list>},
    {"redeliveries", "N", "Send the same webhook so many times more", &set<&O::redeliveries, read_times>},
    {"between_endpoints", "SECONDS", "Tell each endpoint so much later than the one before",
     &set<&O::between_endpoints, read_time>},
    {"clock_skew", "SECONDS", "Add this to webhook-timestamp", &set<&O::clock_skew, read_skew>},
    {"body_reserialised", "", "Send the body without blanks, behind the signing",
     &set<&O::body_reserialised, read_truth>},
    {"accept_time", "SECONDS", "Refuse a call with 400 that is not accepted by then",
     &set<&O::accept_time, read_time>},
    {"not_found_first", "N", "Answer so many accepts 404 call_id_not_found",
     &set<&O::not_found_first, read_times>},
    {"dead_accepts", "", "Answer the accept 200, and begin no session", &set<&O::dead_accepts, read_truth>},
    {"dead_after", "SECONDS", "With --dead-accepts: hang up behind so much time",
     &set<&O::dead_after, read_time>},
    {"silent", "", "The model does not speak", &set<&O::greets, read_denial>},
    {"model_hangs_up", "SECONDS", "The model ends the call so long behind its greeting",
     &set<&O::model_hangs_up, read_time>},
};

// ---- the document ----

Result<std::string> read_value(const JsonValue& value, const std::string& where) {
    using Kind = JsonValue::Kind;
    switch (value.kind) {
        case Kind::boolean:
            return std::string(value.truth ? "true" : "false");
        case Kind::number:
        case Kind::string:
            return value.text;
        case Kind::array: {
            std::vector<std::string> items;
            for (const auto& item : value.items) {
                if (item.kind != Kind::number && item.kind != Kind::string)
                    return wrong(where + " is a list of something else than numbers");
                items.push_back(item.text);
            }
            return join(items, ",");
        }
        default:
            return wrong(where + " is neither a number, nor text, nor true or false");
    }
}

Result<Assignments> read_members(const JsonValue& object, const std::string& where, bool is_top) {
    Assignments members;
    for (std::size_t at = 0; at < object.names.size(); ++at) {
        const auto& name = object.names[at];
        if (is_top && name == kCalls) continue;
        const auto shown = where + visible_excerpt(name, 60);
        const bool is_double = std::any_of(members.begin(), members.end(),
                                           [&name](const auto& member) { return member.first == name; });
        if (is_double) return wrong(shown + " is there twice");
        members.emplace_back(name, CALLCHAIN_TRY(read_value(object.items[at], shown)));
    }
    return members;
}

std::string place_of_call(std::size_t at) { return std::string(kCalls) + "[" + std::to_string(at) + "]."; }

// ---- the script ----

template <class Conduct>
Result<void> apply(Conduct& conduct, const Assignments& assignments, const std::string& where,
                   bool by_flags) {
    const auto members = scenario_members<Conduct>();
    for (const auto& [name, value] : assignments) {
        const auto shown = by_flags ? flag_of(name) : where + visible_excerpt(name, 60);
        const auto found = std::find_if(members.begin(), members.end(),
                                        [&name = name](const auto& member) { return member.name == name; });
        if (found == members.end()) {
            std::vector<std::string_view> names;
            for (const auto& member : members) names.push_back(member.name);
            const auto near = nearest_words(name, names);
            return fail(ErrorCode::bad_input, shown + " is no member of a scenario of this stand-in",
                        near.empty() ? "the members are the names of the options, with _ in place of -"
                                     : "did you mean " + std::string(near.front()) + "?");
        }
        if (auto set = found->set(conduct, value); !set)
            return fail(by_flags ? ErrorCode::usage : ErrorCode::bad_input,
                        shown + ": \"" + visible_excerpt(value, 60) + "\" " + set.error().message);
    }
    return {};
}

}  // namespace

template <>
std::span<const ScenarioMember<MetaConduct>> scenario_members() {
    return kMetaMembers;
}
template <>
std::span<const ScenarioMember<TwilioConduct>> scenario_members() {
    return kTwilioMembers;
}
template <>
std::span<const ScenarioMember<OpenAiConduct>> scenario_members() {
    return kOpenAiMembers;
}

Result<Scenario> read_scenario(std::string_view json) {
    const auto value = CALLCHAIN_TRY(encoding::parse_json_text(json));
    if (value.kind != JsonValue::Kind::object) return wrong("the scenario is no JSON object");
    Scenario scenario {
        .all = CALLCHAIN_TRY(read_members(value, "", true))
        , .calls = {}
    };
    if (std::count(value.names.begin(), value.names.end(), kCalls) > 1)
        return wrong(std::string(kCalls) + " is there twice");
    const auto* const calls = value.find(kCalls);
    if (calls == nullptr) return scenario;
    if (calls->kind != JsonValue::Kind::array) return wrong(std::string(kCalls) + " is no list");
    for (std::size_t at = 0; at < calls->items.size(); ++at) {
        const auto& call = calls->items[at];
        if (call.kind != JsonValue::Kind::object)
            return wrong(std::string(kCalls) + "[" + std::to_string(at) + "] is no object");
        scenario.calls.push_back(CALLCHAIN_TRY(read_members(call, place_of_call(at), false)));
    }
    return scenario;
}

template <class Conduct>
Result<Script<Conduct>> make_script(const Scenario& scenario, const Assignments& flags, Conduct base) {
    Script<Conduct> script{.rest = std::move(base), .calls = {}};
    CALLCHAIN_TRY(apply(script.rest, scenario.all, "", false));
    CALLCHAIN_TRY(apply(script.rest, flags, "", true));
    for (std::size_t at = 0; at < scenario.calls.size(); ++at) {
        auto of_call = script.rest;
        CALLCHAIN_TRY(apply(of_call, scenario.calls[at], place_of_call(at), false));
        script.calls.push_back(std::move(of_call));
    }
    return script;
}
template Result<Script<MetaConduct>> make_script(const Scenario&, const Assignments&, MetaConduct);
template Result<Script<TwilioConduct>> make_script(const Scenario&, const Assignments&, TwilioConduct);
template Result<Script<OpenAiConduct>> make_script(const Scenario&, const Assignments&, OpenAiConduct);

std::string flag_of(std::string_view member) { return "--" + replace_all(std::string(member), "_", "-"); }

}  // namespace callchain::simulator
