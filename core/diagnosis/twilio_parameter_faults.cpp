#include "base/text.hpp"
#include "diagnosis/twilio_faults.hpp"
#include "encoding/charset.hpp"
#include "encoding/json_text.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace callchain::diagnosis {
namespace {

using encoding::FormFields;
using encoding::PlusSign;
using Changes = std::vector<FieldsChange>;

std::string quoted(std::string_view text) { return "\"" + visible_excerpt(text, 60) + "\""; }

const std::string* find_value(const FormFields& fields, std::string_view name) {
    const auto at =
        std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
    return at == fields.end() ? nullptr : &at->second;
}

void add(Changes& changes, const FormFields& before, FormFields after, std::string detail) {
    if (after != before) changes.push_back({std::move(after), std::move(detail)});
}

template <class Map>
FormFields map_values(const FormFields& fields, Map map) {
    FormFields out = fields;
    for (auto& [name, value] : out) value = map(value);
    return out;
}

// One change per field whose value `map` alters.
template <class Map>
void add_one_by_one(Changes& changes, const FormFields& fields, std::string_view what, Map map) {
    if (!fits_one_by_one(fields)) return;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        FormFields after = fields;
        after[i].second = map(fields[i].second);
        add(changes, fields, std::move(after),
            "The value of " + quoted(fields[i].first) + " " + std::string(what));
    }
}

FormFields without_names(const FormFields& fields, const std::set<std::string, std::less<>>& names) {
    FormFields out;
    std::copy_if(fields.begin(), fields.end(), std::back_inserter(out),
                 [&](const auto& field) { return names.count(field.first) == 0; });
    return out;
}

Changes undo_addition(const FormFields& fields, const TwilioScene& scene) {
    Changes changes;
    for (const auto& url : scene.urls) {
        std::set<std::string, std::less<>> in_query;
        if (url.query.size() < 2) continue;
        for (auto& [name, value] : encoding::parse_form(std::string_view(url.query).substr(1)))
            in_query.insert(name);
        add(changes, fields, without_names(fields, in_query),
            "The parameters of the query stand in the body as well; Twilio signed them in the URL alone.");
    }
    if (!fits_one_by_one(fields)) return changes;
    std::set<std::string, std::less<>> seen;
    for (const auto& [name, value] : fields) {
        if (seen.insert(name).second)
            add(changes, fields, without_names(fields, {name}),
                "Twilio did not send the parameter " + quoted(name) + ".");
    }
    return changes;
}

// Names that Twilio sends with an empty value where it knows nothing, and which frameworks then drop.
// Source: Twilio, "TwiML voice request parameters", "Dial: action", "Webhook parameters of messaging".
constexpr std::string_view kMayBeEmpty[] = {"CallerName",
                                            "ForwardedFrom",
                                            "ParentCallSid",
                                            "CallToken",
                                            "ApplicationSid",
                                            "Digits",
                                            "FinishedOnKey",
                                            "SpeechResult",
                                            "UnstableSpeechResult",
                                            "Confidence",
                                            "RecordingUrl",
                                            "RecordingSid",
                                            "DialCallSid",
                                            "DialCallDuration",
                                            "DialBridged",
                                            "DialSipCallId",
                                            "DialSipResponseCode",
                                            "ErrorCode",
                                            "ErrorMessage",
                                            "ErrorUrl",
                                            "SipDomain",
                                            "SipDomainSid",
                                            "SipCallId",
                                            "SipSourceIp",
                                            "SipUsername",
                                            "SipResponseCode",
                                            "CallDuration",
                                            "Duration",
                                            "Timestamp",
                                            "CallbackSource",
                                            "SequenceNumber",
                                            "AnsweredBy",
                                            "StirVerstat",
                                            "StirPassportToken",
                                            "Body",
                                            "NumMedia",
                                            "NumSegments",
                                            "MessagingServiceSid",
                                            "ProfileName",
                                            "WaId",
                                            "ButtonText",
                                            "ButtonPayload",
                                            "Latitude",
                                            "Longitude",
                                            "Address",
                                            "Label",
                                            "ReferralBody",
                                            "CalledVia",
                                            "Direction",
                                            "ApiVersion",
                                            "msg",
                                            "ExternalUserId"};
constexpr std::array<std::string_view, 4> kParties{"From", "To", "Caller", "Called"};
constexpr std::array<std::string_view, 4> kPlaceKeys{"City", "State", "Zip", "Country"};

using Names = std::vector<std::string>;

FormFields with_empty(const FormFields& fields, const Names& names) {
    FormFields out = fields;
    for (const auto& name : names) {
        if (find_value(fields, name) == nullptr) out.emplace_back(name, "");
    }
    return out;
}

// The places that Twilio leaves empty together: all of one party, one key of every party, all of it.
std::vector<Names> usual_empty_sets() {
    std::vector<Names> sets;
    const auto places_of = [](std::initializer_list<std::string_view> parties, std::size_t keys) {
        Names names;
        for (const auto party : parties) {
            for (std::size_t k = 0; k < keys; ++k)
                names.push_back(std::string(party) + std::string(kPlaceKeys[k]));
        }
        return names;
    };
    // With the country known Twilio sends it, and leaves the other three empty.
    for (const std::size_t keys : {std::size_t{4}, std::size_t{3}, std::size_t{2}}) {
        sets.push_back(places_of({"To", "Called"}, keys));
        sets.push_back(places_of({"From", "Caller"}, keys));
        sets.push_back(places_of({"From", "To", "Caller", "Called"}, keys));
    }
    for (const auto party : kParties) sets.push_back(places_of({party}, 3));
    for (const auto key : kPlaceKeys) {
        Names names;
        for (const auto party : kParties) names.push_back(std::string(party) + std::string(key));
        sets.push_back({names[1], names[3]});
        sets.push_back({names[0], names[2]});
        sets.push_back(names);
    }
    return sets;
}

// Parameters whose value follows from another one, or is always the same. Source: Twilio, "TwiML voice
// request".
void add_derived(Changes& changes, const FormFields& fields) {
    constexpr std::pair<std::string_view, std::string_view> kTwins[] = {
        {"Called", "To"}, {"To", "Called"}, {"Caller", "From"}, {"From", "Caller"}};
    constexpr std::pair<std::string_view, std::string_view> kConstants[] = {
        {"ApiVersion", "2010-04-01"},  {"Direction", "inbound"},
        {"Direction", "outbound-api"}, {"Direction", "outbound-dial"},
        {"CallStatus", "ringing"},     {"CallStatus", "in-progress"},
        {"CallStatus", "completed"},   {"NumMedia", "0"},
        {"NumSegments", "1"},          {"DialBridged", "false"},
        {"DialBridged", "true"},       {"CallbackSource", "call-progress-events"}};
    const auto add_field = [&](std::string_view name, std::string_view value, const std::string& detail) {
        if (find_value(fields, name) != nullptr) return;
        FormFields after = fields;
        after.emplace_back(name, value);
        add(changes, fields, std::move(after), "Twilio sent the parameter " + quoted(name) + detail);
    };
    for (const auto& [name, twin] : kTwins) {
        if (const auto* value = find_value(fields, twin))
            add_field(name, *value, ", equal to " + quoted(twin) + ".");
    }
    for (const auto& [name, value] : kConstants)
        add_field(name, value, " with the value " + quoted(value) + ".");
}

Changes undo_loss(const FormFields& fields, const TwilioScene&) {
    Changes changes;
    if (!fits_one_by_one(fields)) return changes;
    for (const auto name : kMayBeEmpty) {
        add(changes, fields, with_empty(fields, {std::string(name)}),
            "Twilio sent the parameter " + quoted(name) + " with an empty value.");
    }
    for (const auto party : kParties) {
        for (const auto key : kPlaceKeys) {
            const auto name = std::string(party) + std::string(key);
            add(changes, fields, with_empty(fields, {name}),
                "Twilio sent the parameter " + quoted(name) + " with an empty value.");
        }
    }
    for (const auto& names : usual_empty_sets()) {
        add(changes, fields, with_empty(fields, names),
            "Twilio sent these parameters with empty values: " + join(names, ", ") + ".");
    }
    add_derived(changes, fields);
    return changes;
}

Changes undo_trimming(const FormFields& fields, const TwilioScene&) {
    Changes changes;
    add_one_by_one(changes, fields, "ended in a blank.",
                   [](const std::string& value) { return value + " "; });
    add_one_by_one(changes, fields, "began with a blank.",
                   [](const std::string& value) { return " " + value; });
    add_one_by_one(changes, fields, "ended in a line end.",
                   [](const std::string& value) { return value + "\n"; });
    return changes;
}

FormFields split_undecoded(std::string_view body) {
    FormFields fields;
    for (const auto pair : split(body, '&')) {
        const auto equals = std::min(pair.find('='), pair.size());
        if (!pair.empty())
            fields.emplace_back(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())));
    }
    return fields;
}

Changes undo_second_decoding(const FormFields& fields, const TwilioScene& scene) {
    Changes changes;
    const auto restore_plus = [](const std::string& value) { return replace_all(value, " ", "+"); };
    const auto encode = [](const std::string& value) { return encoding::percent_encode(value); };
    add(changes, fields, split_undecoded(scene.body),
        "The body had been decoded before; what stands in it are the values.");
    FormFields literal = split_undecoded(scene.body);
    for (auto& [name, value] : literal) {
        name = encoding::percent_decode(name, PlusSign::literal);
        value = encoding::percent_decode(value, PlusSign::literal);
    }
    add(changes, fields, std::move(literal), "Values that hold '+' were read as if it stood for a blank.");
    add(changes, fields, map_values(fields, restore_plus), "Every '+' of the values became a blank.");
    add_one_by_one(changes, fields, "has blanks here where it had '+'.", restore_plus);
    add(changes, fields, map_values(fields, encode), "Twilio signed the values in percent-encoding.");
    add_one_by_one(changes, fields, "was percent-encoded where Twilio signed it.", encode);
    return changes;
}

Changes undo_second_encoding(const FormFields& fields, const TwilioScene&) {
    Changes changes;
    const auto decode = [](const std::string& value) {
        return encoding::percent_decode(value, PlusSign::literal);
    };
    const auto decode_form = [](const std::string& value) {
        return encoding::percent_decode(value, PlusSign::space);
    };
    add(changes, fields, map_values(fields, decode), "The values were percent-encoded once more.");
    add(changes, fields, map_values(fields, decode_form),
        "The values were encoded once more, with '+' for a blank.");
    add_one_by_one(changes, fields, "was percent-encoded once more.", decode);
    return changes;
}

template <class Convert>
void add_converted(Changes& changes, const FormFields& fields, std::string detail, Convert convert) {
    FormFields after = fields;
    for (auto& [name, value] : after) {
        auto converted = convert(value);
        if (!converted) return;
        value = *std::move(converted);
    }
    add(changes, fields, std::move(after), std::move(detail));
}

Changes undo_mojibake(const FormFields& fields, const TwilioScene&) {
    Changes changes;
    for (const auto charset : {encoding::SingleByteCharset::latin1, encoding::SingleByteCharset::cp1252}) {
        add_converted(
            changes, fields,
            "Letters outside ASCII were read in a single-byte character set and written as UTF-8.",
            [&](const std::string& value) { return encoding::utf8_to_single_byte(value, charset); });
    }
    return changes;
}

Changes undo_latin1(const FormFields& fields, const TwilioScene&) {
    Changes changes;
    for (const auto charset : {encoding::SingleByteCharset::latin1, encoding::SingleByteCharset::cp1252}) {
        add_converted(changes, fields,
                      "Twilio signed UTF-8; the letters outside ASCII are single bytes here.",
                      [&](const std::string& value) -> Result<std::string> {
                          return encoding::single_byte_to_utf8(value, charset);
                      });
    }
    return changes;
}

Changes undo_json_rendering(const FormFields& fields, const TwilioScene& scene) {
    Changes changes;
    const auto document = encoding::parse_json_text(scene.body);
    if (!document || document->kind != encoding::JsonValue::Kind::object) return changes;
    FormFields after;
    for (std::size_t i = 0; i < document->items.size(); ++i) {
        const auto& item = document->items[i];
        const bool list = item.kind == encoding::JsonValue::Kind::array;
        for (const auto& value : list ? item.items : std::vector<encoding::JsonValue>{item}) {
            after.emplace_back(document->names[i], value.text);
        }
    }
    add(changes, fields, std::move(after),
        "Twilio sent a form; what stands here is a JSON rendering of its parameters.");
    return changes;
}

constexpr std::array kFieldsFaults{
    FieldsFault{"body_form_as_json", Twice::no, undo_json_rendering},
    FieldsFault{"body_mojibake", Twice::no, undo_mojibake},
    FieldsFault{"body_latin1", Twice::no, undo_latin1},
    FieldsFault{"parameter_decoded_twice", Twice::yes, undo_second_decoding},
    FieldsFault{"parameter_encoded_twice", Twice::yes, undo_second_encoding},
    FieldsFault{"parameter_added", Twice::yes, undo_addition},
    FieldsFault{"parameter_trimmed", Twice::yes, undo_trimming},
    FieldsFault{"parameter_missing", Twice::no, undo_loss},
};

}  // namespace

bool fits_one_by_one(const FormFields& fields) {
    constexpr std::size_t kMostFields = 100;
    constexpr std::size_t kMostBytes = std::size_t{32} << 10U;
    std::size_t bytes = 0;
    for (const auto& [name, value] : fields) bytes += name.size() + value.size();
    return fields.size() <= kMostFields && bytes <= kMostBytes;
}

std::span<const FieldsFault> fields_faults() { return kFieldsFaults; }

}  // namespace callchain::diagnosis
