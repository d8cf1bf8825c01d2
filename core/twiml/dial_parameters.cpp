#include "twiml/dial_parameters.hpp"

#include "base/text.hpp"
#include "encoding/json_text.hpp"
#include "twiml/dial_privacy.hpp"
#include "twiml/dial_text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

namespace callchain::twiml {
namespace {

using encoding::FormFields;
using encoding::JsonValue;

constexpr int kMostLayers = 6;
constexpr std::int64_t kLongestCall = 7LL * 24 * 3600;

bool holds_dial_name(const FormFields& fields) {
    return std::ranges::any_of(fields, [](const auto& field) { return is_dial_name(field.first); });
}

/// A document that is one form body and nothing else, perhaps with a line end behind it.
std::optional<FormFields> read_whole_form(std::string_view text) {
    const auto body = without_form_label(trim(text));
    if (body.find_first_of(" \t\r\n\"'{}[]<>\\") != std::string_view::npos) return std::nullopt;
    if (body.find('=') == std::string_view::npos) return std::nullopt;
    auto fields = encoding::parse_form(body);
    return holds_dial_name(fields) ? std::optional(std::move(fields)) : std::nullopt;
}

std::optional<JsonValue> json_in(std::string_view text) {
    const auto brace = text.find_first_of("{[\"");
    if (brace == std::string_view::npos) return std::nullopt;
    auto value = encoding::parse_json_text(trim(text.substr(brace)));
    return value && value->kind != JsonValue::Kind::number ? std::optional(*std::move(value)) : std::nullopt;
}

void add_member(const std::string& name, const JsonValue& value, FormFields& fields) {
    using Kind = JsonValue::Kind;
    switch (value.kind) {
        case Kind::string:
        case Kind::number:
            fields.emplace_back(name, value.text);
            break;
        case Kind::boolean:
            fields.emplace_back(name, value.truth ? "true" : "false");
            break;
        case Kind::array:
            for (const auto& item : value.items)
                if (item.kind != Kind::array && item.kind != Kind::object) add_member(name, item, fields);
            break;
        case Kind::null:
            // Kept, so that a set in which every value is null is found to be one.
            if (is_dial_name(name)) fields.emplace_back(name, "");
            break;
        case Kind::object:
            break;
    }
}

/// What JSON may hold: the parameters themselves, or a string with them, and under which name.
struct JsonFound {
    FormFields fields;
    std::string inner;
    std::string inner_name;
    std::size_t dictionaries = 0;
};

JsonFound search_json(const JsonValue& root) {
    JsonFound found;
    std::vector<std::pair<const JsonValue*, const std::string*>> open{{&root, nullptr}};
    while (!open.empty()) {
        const auto [value, name] = open.back();
        open.pop_back();
        if (value->kind == JsonValue::Kind::string && find_dial_name(value->text) != std::string::npos) {
            found.inner = value->text;
            found.inner_name = name == nullptr ? std::string() : *name;
        }
        const bool named = value->kind == JsonValue::Kind::object;
        FormFields fields;
        if (named && std::ranges::any_of(value->names, is_dial_name)) {
            for (std::size_t i = 0; i < value->items.size(); ++i)
                add_member(value->names[i], value->items[i], fields);
            ++found.dictionaries;
            found.fields = std::move(fields);
        }
        // In reverse, so that what stands last in the text is visited, and kept, last.
        for (std::size_t i = value->items.size(); i-- > 0;)
            open.emplace_back(&value->items[i], named ? &value->names[i] : nullptr);
    }
    return found;
}

/// A log of JSON lines in which the parameters stand on several of them, under one name: those texts as
/// lines.
std::string joined_json_lines(std::string_view text) {
    std::vector<JsonValue> lines;
    std::string name;
    for (const auto line : split(text, '\n')) {
        auto value = json_in(line);
        if (!value || value->kind != JsonValue::Kind::object) continue;
        if (name.empty()) name = search_json(*value).inner_name;
        lines.push_back(*std::move(value));
    }
    if (lines.size() < 2 || name.empty()) return {};
    std::string joined;
    for (const auto& line : lines) {
        const auto* const member = line.find(name);
        if (member != nullptr && member->kind == JsonValue::Kind::string) joined += member->text + "\n";
    }
    return joined;
}

/// The last line that is JSON and holds a Dial… name, as JSON of the whole text where that is one.
std::optional<JsonFound> find_json(std::string_view text) {
    std::optional<JsonFound> found;
    const auto take = [&found](const std::optional<JsonValue>& value) {
        if (!value) return;
        auto here = search_json(*value);
        if (here.fields.empty() && here.inner.empty()) return;
        here.dictionaries += found ? found->dictionaries : 0;
        found = std::move(here);
    };
    take(json_in(text));
    if (found) return found;
    for (const auto line : split(text, '\n'))
        if (find_dial_name(line) != std::string_view::npos) take(json_in(line));
    return found;
}

struct Read {
    FormFields fields;
    std::size_t dictionaries = 1;
};

/// Takes off one layer after the other until names and values are found.
std::optional<Read> read_layers(std::string_view given) {
    if (auto form = read_whole_form(given)) return Read{*std::move(form), 1};
    std::string text = without_log_layout(given);
    for (int layer = 0; layer < kMostLayers; ++layer) {
        if (auto form = read_whole_form(text)) return Read{*std::move(form), 1};
        if (auto json = find_json(text)) {
            if (!json->fields.empty()) return Read{std::move(json->fields), json->dictionaries};
            const auto joined = joined_json_lines(text);
            text = without_log_layout(joined.empty() ? json->inner : joined);
            continue;
        }
        if (auto printed = read_printed_parameters(text); printed && holds_dial_name(printed->fields))
            return Read{std::move(printed->fields), printed->dictionaries};
        if (holds_encoded_form(text)) {
            text = encoding::percent_decode(text, encoding::PlusSign::literal);
            continue;
        }
        if (text.find('\\') == std::string::npos) break;
        text = without_log_layout(without_escapes(text));
    }
    return std::nullopt;
}

bool is_absent_value(std::string_view value) {
    static constexpr std::array<std::string_view, 9> kAbsent{"",  "none",  "null",   "undefined", "nil",
                                                             "-", "<nil>", "(null)", "<null>"};
    const auto plain = trim(value);
    return plain.size() <= 9 && std::ranges::find(kAbsent, ascii_lower(plain)) != kAbsent.end();
}

std::string odd_value(std::string_view name, std::string_view value, std::string_view want) {
    return std::string(name)
        .append(" is \"")
        .append(show_text(value, 40))
        .append("\", not ")
        .append(want)
        .append(".");
}

/// The number in `value` if it is in the range.
std::optional<std::int64_t> number_in(std::string_view value, std::int64_t least, std::int64_t most) {
    const auto number = parse_decimal(trim(value));
    return number && *number >= least && *number <= most ? number : std::nullopt;
}

void take_field(const std::string& name, const std::string& value, DialResult& result) {
    const auto unread = [&](std::string_view want) {
        result.others.emplace_back(name, value);
        result.remarks.push_back(odd_value(name, value, want));
    };
    if (name == "DialCallStatus") {
        result.status = value;
    } else if (name == "DialCallSid") {
        result.dial_call_sid = value;
    } else if (name == "DialSipCallId") {
        result.dial_sip_call_id = value;
    } else if (name == "CallSid") {
        result.call_sid = value;
    } else if (name == "ErrorMessage") {
        result.error_message = value;
    } else if (name == "DialBridged") {
        const auto word = ascii_lower(trim(value));
        if (word == "true" || word == "false") {
            result.bridged = word == "true";
        } else {
            unread("true or false");
        }
    } else if (name == "DialSipResponseCode") {
        if (const auto number = number_in(value, 100, 699)) {
            result.sip_response_code = static_cast<int>(*number);
        } else {
            unread("a SIP status from 100 to 699");
        }
    } else if (name == "ErrorCode") {
        if (const auto number = number_in(value, 10000, 99999)) {
            result.error_code = static_cast<int>(*number);
        } else {
            unread("a Twilio code of 5 digits");
        }
    } else if (name == "DialCallDuration") {
        if (const auto number = number_in(value, 0, kLongestCall)) {
            result.call_duration = std::chrono::seconds(*number);
        } else {
            unread("a number of seconds");
        }
    } else {
        result.others.emplace_back(name, value);
    }
}

}  // namespace

DialResult dial_result_of(const FormFields& given) {
    FormFields fields;
    std::ranges::copy_if(given, std::back_inserter(fields), [](const auto& field) {
        return !(is_known_name(field.first) && is_absent_value(field.second));
    });
    std::map<std::string_view, std::size_t> left;
    for (const auto& field : fields) ++left[field.first];
    DialResult result;
    std::set<std::string_view> told;
    for (const auto& [name, value] : fields) {
        if (--left[name] == 0) {
            take_field(name, value, result);
        } else if (told.insert(name).second) {
            result.remarks.push_back(
                show_text(name, 60).append(" is there more than once; the last value counts."));
        }
    }
    return result;
}

Result<DialResult> parse_dial_parameters(std::string_view text) {
    if (text.size() > kMostDialBytes)
        return fail(ErrorCode::limit, "longer than " + count_of(kMostDialBytes, "byte"),
                    "cut out the line of the one call: it begins like dial action: {'DialCallStatus': ...");
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const auto read = read_layers(text);
    if (!read || !holds_dial_name(read->fields))
        return fail(
            ErrorCode::bad_input, "no parameter of a dial action is in it",
            "such a line looks like: dial action: {'DialCallStatus': 'failed', 'DialBridged': 'false', "
            "'DialSipResponseCode': '400'}, or the form body DialCallStatus=failed&DialBridged=false");
    auto result = dial_result_of(read->fields);
    if (read->dictionaries > 1)
        result.remarks.push_back("There is more than one set of parameters; the last one was read.");
    return result;
}

}  // namespace callchain::twiml
