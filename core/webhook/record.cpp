#include "webhook/record.hpp"

#include "base/characters.hpp"
#include "base/internet_time.hpp"
#include "base/text.hpp"
#include "encoding/base64.hpp"
#include "encoding/text_codings.hpp"
#include "webhook/log_json.hpp"
#include "webhook/log_line.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace callchain::webhook {
namespace {

using Milliseconds = std::chrono::sys_time<std::chrono::milliseconds>;

constexpr std::string_view kTextMark = "text:";
constexpr std::string_view kBase64Mark = "b64:";
constexpr std::string_view kEllipsis = "…";
constexpr std::string_view kEncodedEllipsis = "%E2%80%A6";
/// A header value above this says more about its sender than about the signature, and fills the log.
constexpr std::size_t kMostValueBytes = 4096;
constexpr std::size_t kMostIdBytes = 256;
constexpr int kMostLayers = 3;

bool is_printable(char c) { return c > ' ' && c < 0x7F; }

// What some serialiser on the way escapes: JSON's own two, HTML's three (Go), and brackets, by which a reader
// of damaged lines finds the object.
bool needs_no_escape(char c) {
    constexpr std::string_view kEscaped = "\"\\<>&{}";
    return (is_printable(c) || c == ' ') && kEscaped.find(c) == std::string_view::npos;
}

// Pipelines read such strings as numbers, booleans or nothing.
bool would_change_type(std::string_view text) {
    return text.find_first_not_of("0123456789+-.eE_xX") == std::string_view::npos || text == "true" ||
           text == "false" || text == "null";
}

std::string write_value(std::string_view text) {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), needs_no_escape) &&
                       text.front() != ' ' && text.back() != ' ';
    if (!plain) return std::string(kBase64Mark) + encoding::to_base64(text);
    const bool ambiguous =
        would_change_type(text) || text.starts_with(kTextMark) || text.starts_with(kBase64Mark);
    return (ambiguous ? std::string(kTextMark) : std::string{}) + std::string(text);
}

std::optional<std::string> read_base64(std::string_view text) {
    auto bytes = encoding::parse_base64(
        text, {encoding::Base64Rules::Alphabet::either, encoding::Base64Rules::Padding::optional});
    if (!bytes) return std::nullopt;
    return *std::move(bytes);
}

// `railway logs` hands strings on with their quotes, with or without a backslash before each.
std::string_view without_quotes(std::string_view text) {
    for (const std::string_view quote : {"\\\"", "\""}) {
        while (text.size() >= 2 * quote.size() && text.starts_with(quote) && text.ends_with(quote)) {
            text.remove_prefix(quote.size());
            text.remove_suffix(quote.size());
        }
    }
    return text;
}

std::optional<std::string> read_value(std::string_view text) {
    text = without_quotes(text);
    if (text.starts_with(kBase64Mark)) return read_base64(text.substr(kBase64Mark.size()));
    if (text.starts_with(kTextMark)) text.remove_prefix(kTextMark.size());
    return std::string(text);
}

// RFC 3339, and Unix time in seconds or milliseconds.
std::optional<Milliseconds> read_time(std::string_view text) {
    using namespace std::chrono;
    constexpr std::int64_t kFirstMilliseconds = 100'000'000'000;  // as seconds: the year 5138
    constexpr std::int64_t kLast = 253'402'300'800'000;           // the year 10000
    if (const auto number = parse_decimal(text)) {
        if (*number >= kLast) return std::nullopt;
        return Milliseconds{milliseconds{*number < kFirstMilliseconds ? *number * 1000 : *number}};
    }
    const auto time = parse_rfc3339(text);
    return time ? std::optional(floor<milliseconds>(*time)) : std::nullopt;
}

// One secret is `label:length:fingerprint:mask`, with `-` for what there is not; secrets are divided by
// blanks.
std::string write_secret_part(std::string_view text, std::string_view also_plain) {
    std::string out;
    for (const char c : text) {
        const bool plain = is_ascii_letter_or_digit(c) || also_plain.find(c) != std::string_view::npos;
        out += plain ? std::string(1, c) : "%" + encoding::to_upper_hex({&c, 1});
    }
    if (out.empty()) return "-";
    return out == "-" ? "%2D" : out;
}

std::string read_secret_part(std::string_view text) {
    if (text == "-") return {};
    return encoding::percent_decode(text, encoding::PlusSign::literal);
}

std::string write_secret(const RecordedSecret& secret) {
    // In a mask only the ellipsis writes dots: its own are encoded.
    const auto mask = replace_all(write_secret_part(secret.mask, "_+/=-"), kEncodedEllipsis, "...");
    return write_secret_part(secret.label, "_.-") + ":" +
           (secret.length ? std::to_string(*secret.length) : "-") + ":" +
           write_secret_part(secret.fingerprint, "") + ":" + mask;
}

std::vector<RecordedSecret> read_secrets(std::string_view text) {
    std::vector<RecordedSecret> secrets;
    for (const auto item : split(text, ' ')) {
        const auto parts = split(item, ':');
        if (parts.size() != 4) continue;
        RecordedSecret secret{read_secret_part(parts[0]), std::nullopt, read_secret_part(parts[2]),
                              read_secret_part(replace_all(parts[3], "...", kEllipsis))};
        if (const auto length = parse_decimal(parts[1])) secret.length = static_cast<std::uint64_t>(*length);
        secrets.push_back(std::move(secret));
    }
    return secrets;
}

/// Text members, in the order in which they are written.
struct TextMember {
    std::string_view name;
    std::optional<std::string> WebhookRecord::*field;
};
constexpr std::array<TextMember, 8> kTextMembers{{
    {"verdict", &WebhookRecord::verdict},
    {"reason", &WebhookRecord::reason},
    {"webhook_id", &WebhookRecord::webhook_id},
    {"webhook_timestamp", &WebhookRecord::webhook_timestamp},
    {"webhook_signature", &WebhookRecord::webhook_signature},
    {"user_agent", &WebhookRecord::user_agent},
    {"content_type", &WebhookRecord::content_type},
    {"body_left_out", &WebhookRecord::body_left_out},
}};

bool is_sha256(std::string_view text) { return text.size() == 64 && encoding::parse_hex(text).has_value(); }

/// Puts one member into the record; names that are not ours belong to the log.
void take_member(WebhookRecord& record, std::string_view name, std::string_view text) {
    for (const auto& member : kTextMembers) {
        if (member.name == name) record.*member.field = read_value(text);
    }
    const auto value = read_value(text).value_or(std::string{});
    if (name == "received_at") record.received_at = read_time(value);
    if (name == "secrets") record.secrets = read_secrets(value);
    if (name == "body_base64") record.body = read_base64(value);
    if (name == "body_sha256" && is_sha256(value)) record.body_sha256 = ascii_lower(value);
    if (name == "body_length") {
        if (const auto length = parse_decimal(value))
            record.body_length = static_cast<std::uint64_t>(*length);
    }
}

using Members = std::vector<std::pair<std::string, std::string>>;

/// Name and text of every member that may be ours: those of the object, and those that the exporter put into
/// `attributes`, as an array of key and value or as an object.
Members flat_members(const LogObject& object) {
    Members members;
    for (const auto& member : object.members) {
        if (member.name != "attributes") {
            if (!member.is_nested() && member.raw != "null") members.emplace_back(member.name, member.text());
            continue;
        }
        if (const auto inner = read_log_object(member.raw)) {
            for (const auto& attribute : inner->members)
                members.emplace_back(attribute.name, attribute.text());
        }
        for (const auto& attribute : read_log_objects(member.raw)) {
            const auto* key = attribute.find("key");
            const auto* value = attribute.find("value");
            if (key != nullptr && value != nullptr) members.emplace_back(key->text(), value->text());
        }
    }
    return members;
}

struct AssignedMembers {
    Members members;
    bool cut = false;  ///< the line ended inside of a quoted value
};

/// The members of `railway logs` in its form for people: `message name="value" name=7`.
AssignedMembers assigned_members(std::string_view line) {
    AssignedMembers found;
    for (auto equals = line.find('='); equals != std::string_view::npos; equals = line.find('=', equals)) {
        auto start = equals;
        while (start > 0 && (is_ascii_letter_or_digit(line[start - 1]) || line[start - 1] == '_')) --start;
        const auto name = line.substr(start, equals - start);
        const bool quoted = line.substr(equals + 1).starts_with('"');
        const auto value = equals + (quoted ? 2U : 1U);
        const auto end = line.find(quoted ? '"' : ' ', value);
        if (quoted && end == std::string_view::npos) {
            found.cut = true;
            return found;
        }
        if (!name.empty()) found.members.emplace_back(name, line.substr(value, end - value));
        if (end == std::string_view::npos) return found;
        equals = end;
    }
    return found;
}

std::optional<WebhookRecord> from_members(const Members& members, bool cut) {
    const bool ours = std::any_of(members.begin(), members.end(), [](const auto& member) {
        return member.first == "schema" && without_quotes(member.second) == kRecordSchema;
    });
    if (!ours) return std::nullopt;
    WebhookRecord record;
    for (const auto& [name, text] : members) take_member(record, name, text);
    record.cut = cut;
    return record;
}

/// Tries the places where the object may begin: at our own first member, at the bracket nearest before the
/// schema (our members hold no brackets), and at the first bracket of all (an exporter's envelope).
std::optional<WebhookRecord> find_record(std::string_view line) {
    const auto schema = line.find(kRecordSchema);
    if (schema == std::string_view::npos) return std::nullopt;
    const std::string opening = "{\"message\":\"" + std::string(kRecordMessage) + "\"";
    const std::array places{line.rfind(opening, schema), line.rfind('{', schema), line.find('{')};
    for (const auto place : places) {
        if (place == std::string_view::npos) continue;
        const auto object = read_log_object(line.substr(place));
        if (!object) continue;
        if (auto record = from_members(flat_members(*object), !object->complete)) return record;
    }
    const auto assigned = assigned_members(line);
    return from_members(assigned.members, assigned.cut);
}

void append_member(std::string& out, std::string_view name, std::string_view json) {
    out += out.empty() ? "{\"" : ",\"";
    out += name;
    out += "\":";
    out += json;
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
    append_member(out, name, "\"" + std::string(text) + "\"");
}

}  // namespace

std::optional<std::string_view> why_body_stays_out(const WebhookRecord& record) {
    if (record.body && record.body->size() > kMostRecordedBodyBytes) return "larger than 16384 bytes";
    if (!record.webhook_id || !record.webhook_timestamp || !record.webhook_signature) {
        return "a webhook header is missing";
    }
    const auto plain = [](const std::string& value, std::size_t most) {
        return !value.empty() && value.size() <= most &&
               std::all_of(value.begin(), value.end(), [](char c) { return is_printable(c) || c == ' '; });
    };
    const auto timestamp = parse_decimal(*record.webhook_timestamp);
    if (!plain(*record.webhook_id, kMostIdBytes) || !plain(*record.webhook_signature, kMostValueBytes) ||
        !timestamp) {
        return "a webhook header is malformed";
    }
    if (!record.received_at) return "the time of arrival is not known";
    const auto arrival =
        std::chrono::floor<std::chrono::seconds>(*record.received_at).time_since_epoch().count();
    const auto most = std::chrono::seconds{kMostRecordedAge}.count();
    if (*timestamp < arrival - most || *timestamp > arrival + most) {
        return "the timestamp is more than an hour from the arrival";
    }
    return std::nullopt;
}

std::string write_webhook_record(const WebhookRecord& record) {
    std::string out;
    append_text(out, "message", kRecordMessage);
    append_text(out, "schema", kRecordSchema);
    std::vector<std::string> too_long;
    const auto left_out = record.body ? why_body_stays_out(record) : std::nullopt;
    for (const auto& member : kTextMembers) {
        auto text = record.*member.field;
        if (left_out && member.field == &WebhookRecord::body_left_out) text = std::string(*left_out);
        if (!text) continue;
        if (text->size() > kMostValueBytes) {
            too_long.emplace_back(member.name);
        } else {
            append_text(out, member.name, write_value(*text));
        }
    }
    if (!too_long.empty()) append_text(out, "too_long", join(too_long, " "));
    if (record.received_at) {
        append_text(out, "received_at", write_rfc3339(*record.received_at));
    }
    std::vector<std::string> secrets;
    std::transform(record.secrets.begin(), record.secrets.end(), std::back_inserter(secrets), write_secret);
    if (!secrets.empty()) append_text(out, "secrets", join(secrets, " "));
    if (record.body_length) append_member(out, "body_length", std::to_string(*record.body_length));
    if (record.body_sha256) append_text(out, "body_sha256", write_value(*record.body_sha256));
    // Last, so that a line that is cut for its length loses nothing else.
    if (record.body && !left_out) {
        append_text(out, "body_base64", write_value(encoding::to_base64(*record.body)));
    }
    return out + "}";
}

std::optional<WebhookRecord> parse_webhook_record(std::string_view line) {
    // Cheap for the many lines that are none; '/' may have got a backslash, so it is no part of the search.
    if (line.find(kRecordSchema.substr(0, kRecordSchema.find('/'))) == std::string_view::npos)
        return std::nullopt;
    std::string text = without_colours(line).text;
    for (int layer = 0; layer <= kMostLayers; ++layer) {
        if (auto record = find_record(text)) return record;
        if (text.find('\\') == std::string::npos) return std::nullopt;
        text = remove_backslash_layer(text);
    }
    return std::nullopt;
}

}  // namespace callchain::webhook
