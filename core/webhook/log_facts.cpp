#include "webhook/log_facts.hpp"

#include "base/characters.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "webhook/log_line.hpp"

#include <algorithm>
#include <array>

namespace callchain::webhook {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMostFactBytes = std::size_t{64} << 10U;  // of one value; a header is no longer
constexpr std::size_t kMostErrorBytes = 400;
constexpr std::size_t kSha256Digits = 64;
constexpr std::size_t kShortestMac = 43;  // 32 bytes in base64 without padding

enum class Key { id, timestamp, signature, user_agent, content_type, body_length, body_sha256 };

/// `loose`: a name that means this only beside others.
struct KeyName {
    std::string_view name;
    Key key;
    bool loose;
};
constexpr std::array<KeyName, 30> kKeyNames{{
    {"id", Key::id, true},
    {"webhook_id", Key::id, false},
    {"http_webhook_id", Key::id, false},
    {"svix_id", Key::id, false},
    {"msg_id", Key::id, true},
    {"ts", Key::timestamp, true},
    {"timestamp", Key::timestamp, true},
    {"webhook_ts", Key::timestamp, false},
    {"webhook_timestamp", Key::timestamp, false},
    {"http_webhook_timestamp", Key::timestamp, false},
    {"svix_timestamp", Key::timestamp, false},
    {"sig", Key::signature, true},
    {"signature", Key::signature, true},
    {"webhook_sig", Key::signature, false},
    {"webhook_signature", Key::signature, false},
    {"http_webhook_signature", Key::signature, false},
    {"svix_signature", Key::signature, false},
    {"ua", Key::user_agent, true},
    {"user_agent", Key::user_agent, true},
    {"http_user_agent", Key::user_agent, true},
    {"content_type", Key::content_type, true},
    {"ct", Key::content_type, true},
    {"body_len", Key::body_length, true},
    {"body_length", Key::body_length, true},
    {"body_size", Key::body_length, true},
    {"body_bytes", Key::body_length, true},
    {"content_length", Key::body_length, true},
    {"body_sha256", Key::body_sha256, false},
    {"body_hash", Key::body_sha256, true},
    {"sha256", Key::body_sha256, true},
}};

bool is_key_char(char c) { return is_ascii_letter_or_digit(c) || c == '_' || c == '-'; }
bool is_base64(char c) {
    return is_ascii_letter_or_digit(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_';
}

/// `written` in lower case with '_' for '-' is `name`.
bool is_key(std::string_view written, std::string_view name) {
    return written.size() == name.size() &&
           std::equal(written.begin(), written.end(), name.begin(), [](char c, char want) {
               const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
               return lower == want || (c == '-' && want == '_');
           });
}

const KeyName* find_key(std::string_view written) {
    const auto* at = std::find_if(kKeyNames.begin(), kKeyNames.end(),
                                  [&](const KeyName& row) { return is_key(written, row.name); });
    return at == kKeyNames.end() ? nullptr : at;
}

std::optional<std::uint64_t> read_length(std::string_view text) {
    std::string digits;
    for (const char c : text.substr(0, 20)) {
        if (is_ascii_digit(c)) digits += c;
        if (!is_ascii_digit(c) && c != ',') break;
    }
    const auto number = parse_decimal(digits);
    if (!number) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
}

LoggedField make_sha256_field(std::string_view text) {
    for (const std::string_view prefix : {"text:", "sha256:", "sha256="}) {
        if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
    }
    std::size_t digits = 0;
    while (digits < text.size() && is_ascii_hex_digit(text[digits])) ++digits;
    if (digits == kSha256Digits) {
        return {LoggedField::State::whole, ascii_lower(text.substr(0, digits))};
    }
    if (digits >= 6 && digits < kSha256Digits)
        return {LoggedField::State::cut, std::string(text.substr(0, 80))};
    return {};
}

void put(LineFacts& facts, Key key, std::string_view value, FactForm form) {
    value = trim(value).substr(0, kMostFactBytes);
    switch (key) {
        case Key::id:
            facts.id = make_field(value);
            facts.header_form = form;
            return;
        case Key::timestamp:
            facts.timestamp = make_field(value);
            facts.header_form = form;
            return;
        case Key::signature:
            facts.signature = make_signature_field(value);
            facts.header_form = form;
            return;
        case Key::user_agent:
            facts.user_agent = withhold_secrets(value.substr(0, kMostErrorBytes));
            return;
        case Key::content_type:
            facts.content_type = withhold_secrets(value.substr(0, kMostErrorBytes));
            return;
        case Key::body_length:
            if (const auto length = read_length(value)) {
                facts.body_length = length;
                facts.length_form = form;
            }
            return;
        case Key::body_sha256:
            if (const auto field = make_sha256_field(value); field.state != LoggedField::State::absent) {
                facts.body_sha256 = field;
                facts.sha256_form = form;
            }
            return;
    }
}

/// `key=` in a line: which, where it begins and where its value does.
struct Assignment {
    const KeyName* key;
    std::size_t start;
    std::size_t value;
};

std::vector<Assignment> find_assignments(std::string_view text) {
    constexpr std::size_t kMost = 64;
    std::vector<Assignment> found;
    for (auto equals = text.find('='); equals != kNone && found.size() < kMost;
         equals = text.find('=', equals + 1)) {
        auto start = equals;
        while (start > 0 && equals - start <= 32 && is_key_char(text[start - 1])) --start;
        const bool apart = start == 0 || std::string_view(" \t,;({[|").find(text[start - 1]) != kNone;
        const auto* key = apart ? find_key(text.substr(start, equals - start)) : nullptr;
        if (key != nullptr) found.push_back({key, start, equals + 1});
    }
    return found;
}

/// The value of one assignment: what is quoted, or up to a blank; values that may hold blanks reach to the
/// next key that we know.
std::string_view assigned_value(std::string_view text, const Assignment& at, std::size_t next) {
    auto value = text.substr(at.value, next - at.value);
    if (!value.empty() && (value.front() == '"' || value.front() == '\'')) {
        const auto end = value.find(value.front(), 1);
        return value.substr(1, end == kNone ? kNone : end - 1);
    }
    const bool holds_blanks =
        at.key->key == Key::signature || at.key->key == Key::user_agent || at.key->key == Key::content_type;
    if (!holds_blanks) return value.substr(0, value.find_first_of(" \t,;)}|"));
    value = trim(value);
    while (value.ends_with(',') || value.ends_with(';')) value.remove_suffix(1);
    return value;
}

/// A signature's value may be followed by text of the log: `v1,…` parts and what stands for one are kept.
std::string_view signature_parts(std::string_view value) {
    std::size_t end = value.find_first_of(" \t");
    while (end != kNone) {
        const auto rest = trim_left(value.substr(end));
        if (!rest.starts_with("v1")) return value.substr(0, end);
        end = value.find_first_of(" \t", value.size() - rest.size());
    }
    return value;
}

void read_assignments(LineFacts& facts, std::string_view text, std::string_view lower) {
    const auto found = find_assignments(text);
    const auto has = [&](Key key) {
        return std::any_of(found.begin(), found.end(),
                           [&](const Assignment& at) { return at.key->key == key; });
    };
    const bool together = has(Key::signature) && (has(Key::id) || has(Key::timestamp));
    const bool announced = has(Key::id) && lower.find("headers:") != kNone;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (found[i].key->loose && !together && !announced) continue;
        const auto next = i + 1 < found.size() ? found[i + 1].start : text.size();
        auto value = assigned_value(text, found[i], next);
        if (found[i].key->key == Key::signature) value = signature_parts(value);
        put(facts, found[i].key->key, value, FactForm::assignment);
        facts.begins_delivery = true;
    }
}

constexpr std::string_view kValueMarks = " \t\"'\\[(";

/// The value behind a header's name in a dump: `name: value`, `'name': 'value'`, `["name", "value"]`. Empty
/// optional where what follows the name is no value.
std::optional<std::string_view> dumped_value(std::string_view text, std::size_t name_end, bool starts_line) {
    auto at = text.find_first_not_of("\"'\\ \t)", name_end);
    if (at == kNone) return std::nullopt;
    const bool was_quoted = at > name_end && text[name_end] != ' ';
    const bool arrow = text.substr(at, 2) == "=>";
    if (!arrow && text[at] != ':' && !(text[at] == ',' && was_quoted)) return std::nullopt;
    at += arrow ? 2 : 1;
    const auto value = text.find_first_not_of(kValueMarks, at);
    if (value == kNone) return std::string_view{};
    // Two quotes with nothing between them: the header was there, and empty.
    const std::string marks = replace_all(text.substr(at, value - at), "\\", "");
    if (marks.find("\"\"") != kNone || marks.find("''") != kNone) return std::string_view{};
    const auto quote = text.substr(at, value - at).find_last_of("\"'");
    if (quote != kNone) {
        const auto rest = text.substr(value);
        const auto end = rest.find(text[at + quote]);
        auto inside = rest.substr(0, end);
        while (inside.ends_with('\\')) inside.remove_suffix(1);
        return inside;
    }
    if (starts_line) return trim(text.substr(value));
    return text.substr(value, text.find_first_of(",;)}] \t", value) - value);
}

/// A header's name in a dump. Only the three are sure enough to begin a delivery.
struct DumpName {
    std::string_view name;  ///< lower case; '-' also stands for '_'
    Key key;
    bool begins_delivery;
};
constexpr std::array<DumpName, 8> kDumpNames{{
    {"webhook-id", Key::id, true},
    {"webhook-timestamp", Key::timestamp, true},
    {"webhook-signature", Key::signature, true},
    {"svix-id", Key::id, true},
    {"svix-timestamp", Key::timestamp, true},
    {"svix-signature", Key::signature, true},
    {"user-agent", Key::user_agent, false},
    {"content-type", Key::content_type, false},
}};

void read_dump(LineFacts& facts, std::string_view text, const std::string& lower) {
    if (lower.find("webhook") == kNone && lower.find("svix") == kNone && lower.find("user-agent") != 0 &&
        lower.find("content-type") != 0) {
        return;
    }
    const auto dashed = replace_all(lower, "_", "-");
    for (const auto& row : kDumpNames) {
        const auto at = dashed.find(row.name);
        if (at == kNone) continue;
        auto value = dumped_value(text, at + row.name.size(), at == 0);
        if (!value) continue;
        // A signature holds a comma, and without quotes the value ends at the first one.
        if (row.key == Key::signature && *value == "v1" && value->data() + 2 < text.data() + text.size()) {
            const auto start = static_cast<std::size_t>(value->data() - text.data());
            value = text.substr(start, text.find_first_of(" \t;)}]'\"", start) - start);
        }
        put(facts, row.key, *value, FactForm::dump);
        facts.begins_delivery = facts.begins_delivery || row.begins_delivery;
    }
}

/// `Body SHA256: …`, `Body length: 1680 bytes`.
struct Label {
    std::string_view words;  ///< lower case
    Key key;
    bool begins_delivery;
};
constexpr std::array<Label, 9> kLabels{{
    {"body sha256", Key::body_sha256, true},
    {"body sha-256", Key::body_sha256, true},
    {"body hash", Key::body_sha256, true},
    {"payload sha256", Key::body_sha256, true},
    {"body length", Key::body_length, true},
    {"body len", Key::body_length, true},
    {"body size", Key::body_length, true},
    {"payload length", Key::body_length, true},
    {"content-length", Key::body_length, false},
}};

void read_labels(LineFacts& facts, std::string_view text, std::string_view lower) {
    if (lower.find("body") == kNone && lower.find("payload") == kNone &&
        !lower.starts_with("content-length")) {
        return;
    }
    for (const auto& label : kLabels) {
        const auto at = lower.find(label.words);
        if (at == kNone) continue;
        const auto mark = text.find_first_not_of("\"' \t", at + label.words.size());
        if (mark == kNone || (text[mark] != ':' && text[mark] != '=')) continue;
        const auto value = text.find_first_not_of("\"' \t", mark + 1);
        if (value == kNone) continue;
        const bool had = label.key == Key::body_length ? facts.body_length.has_value()
                                                       : facts.sha256_form != FactForm::none;
        if (had) continue;
        put(facts, label.key, text.substr(value), FactForm::label);
        facts.begins_delivery = facts.begins_delivery || label.begins_delivery;
    }
}

/// What the SDKs say, in lower case. Source: OpenAI SDKs (Python, Node, Go) and Standard Webhooks libraries,
/// webhook signature helpers; for secrets and bodies what Python's base64 and codecs raise beneath them.
struct Complaint {
    std::string_view words;
    SdkComplaint complaint;
    bool begins_delivery;  ///< false: other libraries say the same of other things
};
constexpr std::array<Complaint, 13> kComplaints{{
    {"does not match the expected signature", SdkComplaint::mismatch, true},
    {"webhook signature verification failed", SdkComplaint::mismatch, true},
    {"no matching signature found", SdkComplaint::mismatch, true},
    {"timestamp is too old", SdkComplaint::too_old, true},
    {"timestamp is too new", SdkComplaint::too_new, true},
    {"invalid webhook timestamp format", SdkComplaint::timestamp_format, true},
    {"could not find webhook-", SdkComplaint::header_missing, true},
    {"missing required header: webhook", SdkComplaint::header_missing, true},
    {"webhook secret must either be set", SdkComplaint::secret_missing, true},
    {"incorrect padding", SdkComplaint::secret_not_base64, false},
    {"invalid base64-encoded string", SdkComplaint::secret_not_base64, false},
    {"unicodedecodeerror", SdkComplaint::body_not_utf8, false},
    {"codec can't decode byte", SdkComplaint::body_not_utf8, false},
}};

void read_error(LineFacts& facts, std::string_view text, std::string_view lower) {
    const bool application = lower.find("signature validation failed") != kNone ||
                             lower.find("signature verification failed:") != kNone;
    const auto* row = std::find_if(kComplaints.begin(), kComplaints.end(), [&](const Complaint& complaint) {
        return lower.find(complaint.words) != kNone;
    });
    if (row == kComplaints.end() && !application) return;
    LoggedError error;
    error.complaint = row == kComplaints.end() ? SdkComplaint::other : row->complaint;
    error.text = withhold_secrets(text.substr(0, 2 * kMostErrorBytes)).substr(0, kMostErrorBytes);
    facts.error = error;
    facts.error_form = application ? FactForm::application
                       : lower.find("error:") != kNone || lower.find("exception") != kNone
                           ? FactForm::exception
                           : FactForm::plain;
    facts.begins_delivery = facts.begins_delivery || application || row->begins_delivery;
}

/// Length of the ellipsis that `text` begins with, or 0.
std::size_t ellipsis_length(std::string_view text) {
    constexpr std::string_view kEllipsis = "…";
    constexpr std::string_view kBullet = "•";
    std::size_t at = 0;
    for (;;) {
        if (text.substr(at).starts_with(kEllipsis)) {
            at += kEllipsis.size();
        } else if (text.substr(at).starts_with(kBullet)) {
            at += kBullet.size();
        } else if (text.substr(at).starts_with("..") || text.substr(at).starts_with("**")) {
            at += 2;
        } else if (at > 0 && at < text.size() && (text[at] == '.' || text[at] == '*')) {
            ++at;
        } else {
            return at;
        }
    }
}

}  // namespace

bool LineFacts::any() const {
    return header_form != FactForm::none || sha256_form != FactForm::none || length_form != FactForm::none ||
           error_form != FactForm::none || body || user_agent || content_type;
}

LoggedField make_field(std::string_view text) {
    constexpr std::array<std::string_view, 6> kNothing{"", "none", "null", "undefined", "nil", "-"};
    text = trim(text);
    const auto lower = ascii_lower(text.substr(0, 16));
    if (std::find(kNothing.begin(), kNothing.end(), lower) != kNothing.end()) {
        return {LoggedField::State::absent, std::string(text)};
    }
    return {has_ellipsis(text) ? LoggedField::State::cut : LoggedField::State::whole, std::string(text)};
}

LoggedField make_signature_field(std::string_view text) {
    auto field = make_field(text);
    if (!field.whole()) return field;
    const auto parts = split(field.text, ' ');
    const bool any_whole = std::any_of(parts.begin(), parts.end(), [](std::string_view part) {
        return part.substr(part.find(',') + 1).size() >= kShortestMac;
    });
    if (!any_whole) field.state = LoggedField::State::cut;
    return field;
}

LineFacts read_line_facts(std::string_view text) {
    LineFacts facts;
    const auto lower = ascii_lower(text);
    read_assignments(facts, text, lower);
    if (facts.header_form == FactForm::none) read_dump(facts, text, lower);
    read_labels(facts, text, lower);
    read_error(facts, text, lower);
    return facts;
}

void add_attribute(LineFacts& facts, std::string_view name, std::string_view value) {
    const auto* key = find_key(name);
    // An envelope has an id and a time of its own.
    if (key == nullptr || key->name == "id" || key->name == "timestamp") return;
    put(facts, key->key, value, FactForm::attribute);
    facts.begins_delivery = facts.begins_delivery || !key->loose;
}

std::vector<LoggedMask> find_masks(std::string_view text) {
    constexpr std::string_view kPrefix = "whsec_";
    constexpr std::size_t kMost = 32;
    constexpr std::size_t kLongestPart = 64;
    std::vector<LoggedMask> masks;
    for (auto at = text.find(kPrefix); at != kNone && masks.size() < kMost; at = text.find(kPrefix, at + 1)) {
        auto middle = at + kPrefix.size();
        while (middle < text.size() && middle - at <= kLongestPart && is_base64(text[middle])) ++middle;
        const auto dots = ellipsis_length(text.substr(middle, kLongestPart));
        if (dots == 0) continue;
        auto end = middle + dots;
        while (end < text.size() && end - middle - dots < kLongestPart && is_base64(text[end])) ++end;
        LoggedMask mask;
        mask.head = text.substr(at, middle - at);
        mask.tail = text.substr(middle + dots, end - middle - dots);
        mask.text = mask.head + "…" + mask.tail;
        masks.push_back(std::move(mask));
    }
    return masks;
}

Unfinished unfinished(std::string_view text) {
    if (text.find('=') == kNone && text.find("whsec_") == kNone && text.find("ignature") == kNone) {
        return Unfinished::no;
    }
    const auto lower = ascii_lower(text);
    LineFacts error;
    read_error(error, text, lower);
    if (error.error && error.error->complaint == SdkComplaint::other && !lower.ends_with("failed:")) {
        return Unfinished::error;
    }
    if (const auto loaded = lower.find("secrets loaded ("); loaded != kNone) {
        const auto count = read_length(text.substr(loaded + 16));
        return count && *count > find_masks(text).size() && *count <= 32 ? Unfinished::masks : Unfinished::no;
    }
    if (lower.find("headers:") == kNone || lower.find("id=") == kNone) return Unfinished::no;
    LineFacts facts;
    read_assignments(facts, text, lower);
    if (facts.header_form == FactForm::none) return Unfinished::no;
    const bool elided = has_ellipsis(facts.signature.text);
    const bool has_signature =
        facts.signature.whole() || elided ||
        (lower.find("sig=") != kNone && facts.signature.state == LoggedField::State::absent);
    const bool first_form = lower.find("webhook headers:") != kNone;
    return !has_signature || (first_form && !facts.body_length) ? Unfinished::headers : Unfinished::no;
}

bool begins_with_key(std::string_view text) {
    const auto equals = text.find('=');
    return equals != kNone && find_key(text.substr(0, equals)) != nullptr;
}

bool begins_fact(std::string_view text) {
    constexpr std::array<std::string_view, 14> kBeginnings{
        "webhook headers:", "headers:", "body sha", "body len",       "body size",
        "body preview",     "body:",    "raw body", "first bytes",    "signature val",
        "traceback",        "openai ",  "webhook-", "openai.invalid",
    };
    return std::any_of(kBeginnings.begin(), kBeginnings.end(),
                       [&](std::string_view word) { return starts_with_ignoring_case(text, word); });
}

}  // namespace callchain::webhook
