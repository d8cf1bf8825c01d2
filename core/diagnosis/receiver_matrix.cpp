#include "diagnosis/receiver_matrix.hpp"

#include "base/text.hpp"
#include "diagnosis/catalogue.hpp"
#include "diagnosis/receiver_bodies.hpp"
#include "signature/standard_webhooks.hpp"

#include <map>
#include <span>
#include <utility>

namespace callchain::diagnosis {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;
using webhook::Delivery;

constexpr std::string_view kId = "webhook-id";
constexpr std::string_view kTimestamp = "webhook-timestamp";
constexpr std::string_view kSignature = "webhook-signature";

// What OpenAI's SDKs and most frameworks take without being told to; the first byte beyond is another
// question.
constexpr std::size_t kLargeBodyBytes = 1'048'576;

// One case as it will be sent; `title` replaces that of its row.
struct Sent {
    Delivery delivery;
    std::string title = {};
};

// Makes the deliveries of the rows below.
class Maker {
  public:
    Maker(const MatrixMaterial& material, webhook::MadeUpIds& ids) : material_(material), ids_(ids) {}

    [[nodiscard]] const std::string& base_body() const { return material_.base.body; }
    [[nodiscard]] const crypto::HmacKey& key() const { return material_.key; }
    [[nodiscard]] seconds age_refused() const { return material_.age_refused; }
    [[nodiscard]] webhook::MadeUpIds& ids() { return ids_; }

    [[nodiscard]] std::string time_text(seconds shift = 0s) const {
        return std::to_string((material_.now + shift).time_since_epoch().count());
    }
    [[nodiscard]] crypto::HmacKey made_up_key() { return {crypto::HashAlgorithm::sha256, ids_.bytes(32)}; }

    // A delivery of its own, signed with that key over that body.
    [[nodiscard]] Delivery signed_by(const crypto::HmacKey& key, std::string body, std::string timestamp) {
        Delivery delivery = material_.base;
        delivery.body = std::move(body);
        webhook::sign_delivery(delivery, std::span(&key, 1), {ids_.webhook_id(), std::move(timestamp)});
        return delivery;
    }
    [[nodiscard]] Delivery signed_now(std::string body) {
        return signed_by(key(), std::move(body), time_text());
    }
    [[nodiscard]] Delivery base_signed_now() { return signed_now(base_body()); }

    // A body of our own, which is neither compressed nor what the base delivery says of it.
    [[nodiscard]] Delivery signed_plain(std::string body) {
        auto delivery = signed_now(std::move(body));
        webhook::remove_header(delivery.headers, "content-encoding");
        return delivery;
    }

    // The base body changed by `change`; where that is not possible, since it is no JSON object, an event
    // that is made up.
    template <class Change>
    [[nodiscard]] Delivery signed_with(const Change& change) {
        if (auto body = change(base_body())) return signed_now(*std::move(body));
        const auto event =
            webhook::made_up_event(webhook::MadeUpEvent::realtime_call_incoming, ids_, material_.now);
        auto delivery = signed_plain(change(event).value_or(event));
        webhook::set_header(delivery.headers, "content-type", "application/json");
        return delivery;
    }

  private:
    const MatrixMaterial& material_;
    webhook::MadeUpIds& ids_;
};

std::string header_of(const Delivery& delivery, std::string_view name) {
    return std::string(delivery.headers.find(name).value_or(""));
}

Delivery with_header(Delivery delivery, std::string_view name, std::string value) {
    webhook::set_header(delivery.headers, name, std::move(value));
    return delivery;
}

Delivery without_headers(Delivery delivery, std::initializer_list<std::string_view> names) {
    for (const auto name : names) webhook::remove_header(delivery.headers, name);
    return delivery;
}

// What stands behind "v1," in the header that sign_delivery wrote.
std::string bare_mac(const Delivery& delivery) {
    return header_of(delivery, kSignature).substr(std::string_view("v1,").size());
}

// A rotation: the right signature, and one by a key that nobody has.
enum class RightOne { first, last };
Sent two_signatures(Maker& maker, RightOne place) {
    auto delivery = maker.base_signed_now();
    const auto right = header_of(delivery, kSignature);
    const auto other = signature::sign_webhook(maker.made_up_key(), header_of(delivery, kId),
                                               header_of(delivery, kTimestamp), delivery.body);
    return {with_header(std::move(delivery), kSignature,
                        place == RightOne::first ? right + " " + other : other + " " + right)};
}

// Base bodies may hold nothing that is not ASCII: a name such as callers have is added.
std::optional<std::string> with_utf8_member(std::string_view body) {
    return with_member(body, "note", "\"Jos\u00e9 \u65e5\u672c \U0001F4DE\"");
}
std::optional<std::string> with_unknown_type(std::string_view body) {
    return with_member(body, "type", R"("callchain.made_up.type")");
}
std::optional<std::string> with_padding(std::string_view body) { return padded_body(body, kLargeBodyBytes); }

Sent upper_case_names(Maker& maker) {
    auto delivery = maker.base_signed_now();
    for (auto& header : delivery.headers.fields) {
        if (starts_with_ignoring_case(header.name, "webhook-")) header.name = ascii_upper(header.name);
    }
    return {std::move(delivery)};
}

// Signed over the base body, which then is another.
Sent changed_after_signing(Maker& maker, ChangedBody changed) {
    auto delivery = maker.base_signed_now();
    delivery.body = std::move(changed.bytes);
    return {std::move(delivery), std::move(changed.what) + " after signing"};
}

struct Row {
    std::string_view name;
    std::string_view title;
    RightAnswer right;
    std::string_view code;
    Sent (*make)(Maker&);  // nullptr: the delivery of the row above once more
    std::string_view tolerated = {};
    std::string_view why_tolerated = {};
};

constexpr Row kGood[] = {
    {"valid", "a delivery that is rightly signed", RightAnswer::accepted, "receiver_refuses_valid",
     [](Maker& m) -> Sent { return {m.base_signed_now()}; }},
    {"duplicate", "the same delivery once more", RightAnswer::accepted, "receiver_refuses_duplicate",
     nullptr},
    {"two_signatures_right_first", "two signatures as during a rotation, the right one first",
     RightAnswer::accepted, "receiver_refuses_rotation",
     [](Maker& m) { return two_signatures(m, RightOne::first); }},
    {"two_signatures_right_last", "two signatures as during a rotation, the right one last",
     RightAnswer::accepted, "receiver_refuses_rotation",
     [](Maker& m) { return two_signatures(m, RightOne::last); }},
    {"bare_signature", "the right signature without v1, in front", RightAnswer::accepted, "",
     [](Maker& m) -> Sent {
         auto delivery = m.base_signed_now();
         auto mac = bare_mac(delivery);
         return {with_header(std::move(delivery), kSignature, std::move(mac))};
     },
     "4",
     "OpenAI's SDKs take a bare signature, the Standard Webhooks libraries refuse it, and no sender writes "
     "it"},
    {"header_letter_case", "the names of the webhook headers in capitals", RightAnswer::accepted,
     "receiver_refuses_header_case", upper_case_names},
    {"unknown_event_type", "an event of a type that nobody knows", RightAnswer::accepted,
     "receiver_refuses_unknown_type", [](Maker& m) -> Sent { return {m.signed_with(with_unknown_type)}; }},
    {"utf8_body", "a body with characters beyond ASCII, as UTF-8", RightAnswer::accepted,
     "receiver_refuses_utf8_body", [](Maker& m) -> Sent { return {m.signed_with(with_utf8_member)}; }},
    {"compact_body", "the body without blanks, as JSON.stringify writes it, rightly signed",
     RightAnswer::accepted, "receiver_refuses_compact_body",
     [](Maker& m) -> Sent { return {m.signed_with(compact_body)}; }},
    {"large_body", "a body of 1,048,576 bytes", RightAnswer::accepted, "receiver_refuses_large_body",
     [](Maker& m) -> Sent { return {m.signed_with(with_padding)}; }, "413",
     "OpenAI's events are below 20 kB, so a limit of less than 1 MiB does no harm"},
};

constexpr Row kBad[] = {
    {"stale", "rightly signed, with a timestamp that is too old", RightAnswer::refused,
     "receiver_accepts_stale",
     [](Maker& m) -> Sent {
         return {m.signed_by(m.key(), m.base_body(), m.time_text(-m.age_refused())),
                 "rightly signed " + duration_of(m.age_refused()) + " ago"};
     }},
    {"from_the_future", "rightly signed, with a timestamp that is yet to come", RightAnswer::refused,
     "receiver_accepts_future",
     [](Maker& m) -> Sent {
         return {m.signed_by(m.key(), m.base_body(), m.time_text(m.age_refused())),
                 "rightly signed, with a timestamp " + duration_of(m.age_refused()) + " ahead"};
     }},
    {"tampered_body", "one character of the body changed after signing", RightAnswer::refused,
     "receiver_accepts_tampered_body",
     [](Maker& m) { return changed_after_signing(m, tamper_with_body(m.base_body())); }},
    {"reserialized_body", "the body parsed and written again after signing", RightAnswer::refused,
     "receiver_accepts_reserialized_body",
     [](Maker& m) { return changed_after_signing(m, reserialize_body(m.base_body())); }},
    {"wrong_id", "another webhook-id put in after signing", RightAnswer::refused, "receiver_accepts_wrong_id",
     [](Maker& m) -> Sent { return {with_header(m.base_signed_now(), kId, m.ids().webhook_id())}; }},
    {"wrong_timestamp", "webhook-timestamp moved by one second after signing", RightAnswer::refused,
     "receiver_accepts_wrong_timestamp",
     [](Maker& m) -> Sent { return {with_header(m.base_signed_now(), kTimestamp, m.time_text(-1s))}; }},
    {"timestamp_not_a_number", "rightly signed, with a timestamp that is no number", RightAnswer::refused,
     "receiver_accepts_bad_timestamp",
     [](Maker& m) -> Sent { return {m.signed_by(m.key(), m.base_body(), "now")}; }},
    {"no_webhook_id", "no webhook-id", RightAnswer::refused, "receiver_accepts_missing_header",
     [](Maker& m) -> Sent { return {without_headers(m.base_signed_now(), {kId})}; }},
    {"no_webhook_timestamp", "no webhook-timestamp", RightAnswer::refused, "receiver_accepts_missing_header",
     [](Maker& m) -> Sent { return {without_headers(m.base_signed_now(), {kTimestamp})}; }},
    {"no_webhook_signature", "no webhook-signature", RightAnswer::refused, "receiver_accepts_missing_header",
     [](Maker& m) -> Sent { return {without_headers(m.base_signed_now(), {kSignature})}; }},
    {"unsigned", "none of the three webhook headers", RightAnswer::refused, "receiver_accepts_missing_header",
     [](Maker& m) -> Sent {
         return {without_headers(m.base_signed_now(), {kId, kTimestamp, kSignature})};
     }},
    {"wrong_secret", "signed with a secret that nobody has", RightAnswer::refused,
     "receiver_accepts_wrong_secret",
     [](Maker& m) -> Sent { return {m.signed_by(m.made_up_key(), m.base_body(), m.time_text())}; }},
    {"other_version_only", "the right signature as one of another version, v1a", RightAnswer::refused,
     "receiver_accepts_other_version",
     [](Maker& m) -> Sent {
         auto delivery = m.base_signed_now();
         auto mac = "v1a," + bare_mac(delivery);
         return {with_header(std::move(delivery), kSignature, std::move(mac))};
     }},
    {"cut_signature", "the first 20 characters of the right signature", RightAnswer::refused,
     "receiver_accepts_cut_signature",
     [](Maker& m) -> Sent {
         auto delivery = m.base_signed_now();
         auto start = "v1," + bare_mac(delivery).substr(0, 20);
         return {with_header(std::move(delivery), kSignature, std::move(start))};
     }},
    {"empty_signature", "an empty webhook-signature", RightAnswer::refused, "receiver_accepts_missing_header",
     [](Maker& m) -> Sent { return {with_header(m.base_signed_now(), kSignature, "")}; }},
    {"empty_body", "no body, rightly signed", RightAnswer::refused, "",
     [](Maker& m) -> Sent { return {m.signed_plain("")}; }, "2",
     "the signature is right, so the sender is genuine and nothing was let in"},
    {"not_json", "a text that is no JSON, rightly signed", RightAnswer::refused, "",
     [](Maker& m) -> Sent { return {m.signed_plain("This text is signed, and it is no JSON.")}; }, "2",
     "the signature is right, so the sender is genuine and nothing was let in"},
};

void add_case(const Row& row, Maker& maker, std::vector<MatrixCase>& cases) {
    MatrixCase one;
    one.name = row.name;
    one.title = row.title;
    one.right = row.right;
    one.tolerated = row.tolerated;
    one.why_tolerated = row.why_tolerated;
    one.code = row.code;
    if (row.make == nullptr) {
        one.delivery = cases.back().delivery;
    } else {
        auto sent = row.make(maker);
        one.delivery = std::move(sent.delivery);
        if (!sent.title.empty()) one.title = std::move(sent.title);
    }
    cases.push_back(std::move(one));
}

std::string title_of(const Fault& fault) {
    const auto* entry = find_entry(fault.code);
    std::string title = "altered after signing: ";
    title += entry != nullptr ? entry->title : fault.code;
    for (const auto& evidence : fault.evidence) {
        const auto* text = std::get_if<std::string>(&evidence.value);
        const auto* number = std::get_if<std::int64_t>(&evidence.value);
        if (text != nullptr) title += ", " + evidence.name + " " + visible_excerpt(*text, 60);
        if (number != nullptr) title += ", " + evidence.name + " " + std::to_string(*number);
    }
    return title;
}

void add_altered(Maker& maker, std::vector<MatrixCase>& cases) {
    std::map<std::string_view, std::size_t> outcomes;
    for (auto& altered : altered_bodies(maker.base_body(), kMostAlteredBodies)) {
        MatrixCase one;
        const auto number = ++outcomes[altered.fault.code];
        one.name = altered.fault.code;
        if (number > 1) one.name += "-" + std::to_string(number);
        one.title = title_of(altered.fault);
        one.code = "receiver_accepts_altered_body";
        one.optional_case = true;
        one.delivery = maker.base_signed_now();
        one.delivery.body = std::move(altered.bytes);
        cases.push_back(std::move(one));
    }
}

}  // namespace

std::vector<MatrixCase> receiver_matrix(const MatrixMaterial& material, webhook::MadeUpIds& ids) {
    Maker maker(material, ids);
    std::vector<MatrixCase> cases;
    for (const auto& row : kGood) add_case(row, maker, cases);
    for (const auto& row : kBad) add_case(row, maker, cases);
    if (material.full) add_altered(maker, cases);
    return cases;
}

}  // namespace callchain::diagnosis
