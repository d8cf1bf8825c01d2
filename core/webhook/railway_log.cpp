#include "webhook/railway_log.hpp"

#include "base/redact.hpp"
#include "base/text.hpp"
#include "encoding/charset.hpp"
#include "webhook/log_body.hpp"
#include "webhook/log_delivery.hpp"
#include "webhook/log_facts.hpp"
#include "webhook/log_json.hpp"
#include "webhook/log_line.hpp"
#include "webhook/log_statements.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

namespace callchain::webhook {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
/// Lines without a word on a delivery after which what follows belongs to another one.
constexpr std::size_t kMostGap = 200;
/// What is looked at of one text for headers, hashes and errors.
constexpr std::size_t kMostTextBytes = std::size_t{256} << 10U;

// Every line of a large log goes through here; what has none of these words holds nothing for us.
bool may_matter(std::string_view text) {
    constexpr std::array<std::string_view, 22> kWords{
        "ebhook", "EBHOOK", "ignature", "sig=",    "whsec_", "sk-",      "evt_",   "eyJ",
        "ody",    "ODY",    "ayload",   "eader",   "event",  "imestamp", "adding", "base64",
        "decode", "vix-",   "ser-",     "ontent-", " bytes", "\"sig\""};
    return std::any_of(kWords.begin(), kWords.end(),
                       [&](std::string_view word) { return text.find(word) != kNone; });
}

/// A log's JSON line: a message with a time, a level or attributes beside it.
bool is_envelope(const LogObject& object) {
    const bool says = object.find("message") != nullptr || object.find("msg") != nullptr;
    const bool logs = object.find("timestamp") != nullptr || object.find("level") != nullptr ||
                      object.find("severity") != nullptr || object.find("time") != nullptr ||
                      object.find("attributes") != nullptr;
    return says && logs;
}

/// The members beside message and time; those of `attributes` too. What had to be decoded lives in `texts`.
struct Attributes {
    std::vector<LogMember> members;
    std::deque<std::string> texts;
};

Attributes read_attributes(const LogObject& envelope) {
    constexpr std::array<std::string_view, 6> kOwn{"message", "msg",   "timestamp",
                                                   "time",    "level", "severity"};
    Attributes attributes;
    for (const auto& member : envelope.members) {
        if (std::find(kOwn.begin(), kOwn.end(), member.name) != kOwn.end()) continue;
        if (member.name != "attributes") {
            attributes.members.push_back(member);
            continue;
        }
        if (const auto inner = read_log_object(member.raw)) {
            attributes.members.insert(attributes.members.end(), inner->members.begin(), inner->members.end());
        }
        for (const auto& pair : read_log_objects(member.raw)) {
            const auto* key = pair.find("key");
            const auto* value = pair.find("value");
            if (key == nullptr || value == nullptr) continue;
            auto text = value->text();
            const bool is_json = !text.empty() && std::string_view("\"{[").find(text[0]) != kNone;
            if (is_json) attributes.texts.push_back(std::move(text));
            attributes.members.push_back(
                {key->text(), is_json ? std::string_view(attributes.texts.back()) : value->raw});
        }
    }
    return attributes;
}

bool is_of_a_call(const Attributes& attributes) {
    const auto has = [&](std::string_view name) {
        return std::any_of(attributes.members.begin(), attributes.members.end(),
                           [name](const LogMember& member) { return member.name == name; });
    };
    return has("callchain_id") && has("webhook_id");
}

class LogReader {
  public:
    explicit LogReader(std::string_view bytes) : statements_(bytes, reading_) {}

    LogReading run() && {
        while (const auto statement = statements_.next()) read_statement(*statement);
        close();
        return std::move(reading_);
    }

  private:
    void read_statement(const Statement& statement);
    void read_envelope(const LogObject& envelope, const Statement& statement);
    void read_text(std::string_view text, const Statement& statement);
    void add_masks(std::string_view text, const Statement& statement);
    void add_mask(LoggedMask mask, const Statement& statement);
    void add_record(WebhookRecord&& record, const Statement& statement);
    void add(LineFacts&& facts, const Statement& statement);
    void close();
    void keep(LoggedDelivery&& delivery);
    void lose(LogLoss::Kind kind, std::size_t line, std::string detail);

    LogReading reading_;
    StatementReader statements_;
    std::optional<OpenDelivery> open_;
    std::size_t body_bytes_ = 0;
};

void LogReader::read_statement(const Statement& statement) {
    const std::string_view text = statement.text;
    const bool json = text.starts_with('{');
    if (!may_matter(text)) {
        if (json && text.find("\"message\"") != kNone) ++reading_.shape.json_lines;
        return;
    }
    if (find_clear_secret(text) != kNone && reading_.clear_secret_lines.size() < kMostLogRemarks) {
        reading_.clear_secret_lines.push_back(statement.first);
    }
    const auto object = json ? read_log_object(text) : std::nullopt;
    const bool envelope = object && is_envelope(*object);
    if (envelope) ++reading_.shape.json_lines;
    if (auto record = parse_webhook_record(text)) {
        add_record(*std::move(record), statement);
    } else if (envelope) {
        read_envelope(*object, statement);
    } else {
        read_text(text, statement);
    }
}

void LogReader::read_envelope(const LogObject& envelope, const Statement& statement) {
    Statement inner = statement;
    for (const auto* name : {"timestamp", "time"}) {
        const auto* time = envelope.find(name);
        if (time != nullptr && inner.time.empty()) inner.time = time->text().substr(0, 64);
    }
    for (const auto* name : {"message", "msg"}) {
        const auto* message = envelope.find(name);
        if (message == nullptr || !message->is_string()) continue;
        const auto text = without_colours(message->text());
        reading_.shape.colours += text.removed;
        for (const auto line : split(text.text, '\n')) {
            if (may_matter(line)) read_text(split_prefix(line).rest, inner);
        }
    }
    const auto attributes = read_attributes(envelope);
    if (is_of_a_call(attributes)) {
        // Its webhook-id is a name of the call, and the delivery is none that was refused.
        ++reading_.call_lines;
        return close();
    }
    const bool has_signature = std::any_of(
        attributes.members.begin(), attributes.members.end(),
        [](const LogMember& member) { return ascii_lower(member.name).find("sig") != std::string::npos; });
    LineFacts facts;
    for (const auto& member : attributes.members) {
        if (member.is_nested()) {
            complete(facts, read_line_facts(member.raw.substr(0, kMostTextBytes)));
        } else if (const auto value = member.text(); has_signature && member.name == "id") {
            add_attribute(facts, "webhook_id", trim(value));
        } else if (has_signature || member.name != "ts") {
            add_attribute(facts, member.name, value);
            add_masks(value, inner);
            if (may_matter(value)) complete(facts, read_line_facts(value.substr(0, kMostTextBytes)));
        }
        if (!facts.body) facts.body = body_of_attribute(member.name, member);
    }
    if (!facts.body) facts.body = body_of_members(attributes.members);
    facts.begins_delivery = facts.begins_delivery || facts.body.has_value();
    add(std::move(facts), inner);
}

void LogReader::read_text(std::string_view text, const Statement& statement) {
    // The delivery that this line is about was accepted: what comes next is of another one.
    if (text.starts_with("openai incoming call")) close();
    add_masks(text, statement);
    auto facts = read_line_facts(text.substr(0, kMostTextBytes));
    facts.body = find_logged_body(text);
    if (facts.body && !statement.with_blanks.empty()) {
        auto other = find_logged_body(statement.with_blanks);
        facts.body->candidates[0].change = statement.join;
        if (other) {
            facts.body->candidates.push_back({other->candidates[0].bytes, BodyChange::joined_with_blanks});
        }
    } else if (facts.body && statement.join != BodyChange::none) {
        facts.body->candidates[0].change = statement.join;
    }
    facts.begins_delivery = facts.begins_delivery || facts.body.has_value();
    add(std::move(facts), statement);
}

void LogReader::add_masks(std::string_view text, const Statement& statement) {
    if (text.find("whsec_") == kNone) return;
    for (auto& mask : find_masks(text)) add_mask(std::move(mask), statement);
}

void LogReader::add_mask(LoggedMask mask, const Statement& statement) {
    const auto same =
        std::find_if(reading_.masks.begin(), reading_.masks.end(), [&](const LoggedMask& other) {
            return other.text == mask.text && other.label == mask.label &&
                   other.fingerprint == mask.fingerprint;
        });
    if (same != reading_.masks.end()) {
        same->last_line = statement.last;
        ++same->times;
    } else if (reading_.masks.size() < kMostLogMasks) {
        mask.first_line = mask.last_line = statement.first;
        mask.times = 1;
        reading_.masks.push_back(std::move(mask));
    }
}

LoggedField field_of(const std::optional<std::string>& value) {
    return value ? LoggedField{LoggedField::State::whole, *value} : LoggedField{};
}

void LogReader::add_record(WebhookRecord&& record, const Statement& statement) {
    LoggedDelivery delivery;
    // A service that logs the SDK's error and then the record speaks of one delivery.
    if (open_ && open_->delivery.error && open_->header_form == FactForm::none && !open_->delivery.body &&
        statement.first - open_->delivery.last_line <= 5) {
        delivery.error = std::move(open_->delivery.error);
        delivery.first_line = open_->delivery.first_line;
        open_.reset();
    }
    close();
    delivery.id = field_of(record.webhook_id);
    delivery.timestamp = field_of(record.webhook_timestamp);
    delivery.signature = field_of(record.webhook_signature);
    delivery.body_sha256 = field_of(record.body_sha256);
    delivery.body_length = record.body_length;
    delivery.user_agent = record.user_agent;
    delivery.content_type = record.content_type;
    delivery.verdict = record.verdict;
    if (record.body) {
        LoggedBody body;
        body.source = LoggedBody::Source::record;
        body.line = statement.first;
        body.candidates.push_back({*std::exchange(record.body, std::nullopt), BodyChange::decoded});
        delivery.body = std::move(body);
    }
    if (!statement.time.empty()) delivery.logged_at = statement.time;
    if (delivery.first_line == 0) delivery.first_line = statement.first;
    delivery.last_line = statement.last;
    if (record.cut) lose(LogLoss::Kind::line_cut, statement.first, "the record's line ends early");
    for (const auto& secret : record.secrets) {
        const auto dots = secret.mask.find("…");
        if (dots == std::string::npos) continue;
        LoggedMask mask;
        mask.text = secret.mask;
        mask.head = secret.mask.substr(0, dots);
        mask.tail = secret.mask.substr(dots + std::string_view("…").size());
        mask.label = secret.label;
        mask.fingerprint = secret.fingerprint;
        add_mask(std::move(mask), statement);
    }
    delivery.record = std::move(record);
    keep(std::move(delivery));
}

void LogReader::add(LineFacts&& facts, const Statement& statement) {
    if (!facts.any()) return;
    if (facts.error) facts.error->line = statement.first;
    if (facts.body) facts.body->line = statement.first;
    if (open_ && (statement.first - open_->delivery.last_line > kMostGap || conflicts(*open_, facts))) {
        const bool weak = !facts.begins_delivery;
        close();
        if (weak) return;
    }
    if (!open_) {
        if (!facts.begins_delivery) return;
        open_.emplace();
        open_->delivery.first_line = statement.first;
        if (!statement.time.empty()) open_->delivery.logged_at = statement.time;
    }
    open_->delivery.last_line = statement.last;
    attach(*open_, std::move(facts));
}

void LogReader::close() {
    if (!open_) return;
    auto delivery = std::move(open_->delivery);
    open_.reset();
    keep(std::move(delivery));
}

void LogReader::keep(LoggedDelivery&& delivery) {
    if (reading_.deliveries.size() == kMostLoggedDeliveries) {
        if (reading_.deliveries_dropped++ == 0) {
            lose(LogLoss::Kind::deliveries_dropped, delivery.first_line,
                 "only the first 10,000 deliveries of the log are looked at");
        }
        return;
    }
    confirm_body(delivery);
    if (delivery.body) {
        std::size_t bytes = 0;
        for (const auto& candidate : delivery.body->candidates) bytes += candidate.bytes.size();
        if (body_bytes_ + bytes > kMostLoggedBodyBytes) {
            if (reading_.bodies_dropped++ == 0) {
                lose(LogLoss::Kind::bodies_dropped, delivery.first_line,
                     "only the first 64 MiB of bodies in the log are kept");
            }
            delivery.body.reset();
        } else {
            body_bytes_ += bytes;
            if (delivery.body->reordered) {
                lose(LogLoss::Kind::body_reordered, delivery.body->line,
                     "the body came as a JSON object, whose members may have been put in another order");
            }
            if (delivery.body->truncated) {
                lose(LogLoss::Kind::body_truncated, delivery.body->line, "the end of the body is missing");
            }
        }
    }
    constexpr std::array<std::string_view, 3> kNames{"webhook-id", "webhook-timestamp", "webhook-signature"};
    for (std::size_t i = 0; i < kDeliveryHeaders.size(); ++i) {
        if ((delivery.*kDeliveryHeaders[i]).state == LoggedField::State::cut) {
            lose(LogLoss::Kind::field_cut, delivery.first_line, std::string(kNames[i]) + " is elided");
        }
    }
    reading_.deliveries.push_back(std::move(delivery));
}

void LogReader::lose(LogLoss::Kind kind, std::size_t line, std::string detail) {
    if (reading_.losses.size() < kMostLogRemarks) reading_.losses.push_back({kind, line, std::move(detail)});
}

}  // namespace

LogReading read_railway_log(std::string_view bytes) {
    // Windows PowerShell's '>' writes UTF-16 with a byte-order mark.
    const bool little = bytes.starts_with("\xFF\xFE");
    if (little || bytes.starts_with("\xFE\xFF")) {
        const auto order = little ? encoding::Utf16::little_endian : encoding::Utf16::big_endian;
        if (const auto text = encoding::utf16_to_utf8(bytes.substr(2), order)) {
            auto reading = LogReader(*text).run();
            reading.shape.utf16 = true;
            return reading;
        }
    }
    if (bytes.starts_with(encoding::kUtf8Bom)) bytes.remove_prefix(encoding::kUtf8Bom.size());
    return LogReader(bytes).run();
}

}  // namespace callchain::webhook
