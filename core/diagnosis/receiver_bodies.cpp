#include "diagnosis/receiver_bodies.hpp"

#include "base/characters.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "diagnosis/body_rows.hpp"
#include "diagnosis/json_change.hpp"
#include "encoding/json_text.hpp"
#include "webhook/json_edit.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

namespace callchain::diagnosis {
namespace {

using encoding::JsonStyle;

// The next of its kind, so that a phone number stays a phone number.
char neighbour_of(char c) {
    if (c == '9' || c == 'z' || c == 'Z') return static_cast<char>(c - 1);
    return static_cast<char>(c + 1);
}

struct Places {
    std::optional<std::size_t> in_string;  // the last letter or digit of the last string value that has one
    std::optional<std::size_t> in_number;  // the last digit of the last number
};

// Looks at valid JSON, where a quote can only begin a string.
Places places_in(std::string_view json) {
    Places places;
    for (std::size_t at = 0; at < json.size(); ++at) {
        if (is_ascii_digit(json[at])) places.in_number = at;
        if (json[at] != '"') continue;
        std::optional<std::size_t> found;
        for (++at; json[at] != '"'; ++at) {
            if (json[at] == '\\')
                at += json[at + 1] == 'u' ? 5 : 1;
            else if (is_ascii_letter_or_digit(json[at]))
                found = at;
        }
        const bool is_name = trim_left(json.substr(at + 1)).starts_with(':');
        if (found && !is_name) places.in_string = found;
    }
    return places;
}

bool is_style_code(std::string_view code) {
    return code == "body_json_reserialized" || code == "body_json_null_dropped";
}

// An outcome with its place in the tables, and the how manyth of its cause it is.
struct Outcome {
    BodyVariant variant;
    std::string_view code;
    std::size_t order;
    std::size_t rank;
};

std::vector<Outcome> outcomes_for(std::string_view body) {
    const BodyText text(body);
    // Equal bytes are known by their hash: bodies may be large, and here are hundreds.
    std::set<std::string> seen{crypto::sha256_hex(body)};
    std::size_t bytes_left = kMostAlteredBytes;
    std::vector<Outcome> outcomes;
    for (const auto table : {text_body_rows(), json_body_rows(), coding_body_rows()}) {
        for (const auto& row : table) {
            if (row.redo == nullptr) continue;
            std::size_t rank = 0;
            for (auto& variant : row.redo(text)) {
                if (variant.bytes.size() > bytes_left) continue;
                if (!seen.insert(crypto::sha256_hex(variant.bytes)).second) continue;
                bytes_left -= variant.bytes.size();
                outcomes.push_back({std::move(variant), row.code, outcomes.size(), rank++});
            }
        }
    }
    return outcomes;
}

}  // namespace

ChangedBody tamper_with_body(std::string_view body) {
    std::string bytes(body);
    if (bytes.empty()) return {"x", "a byte put in place of the empty body"};
    const auto places = encoding::parse_json_text(body) ? places_in(body) : Places{};
    if (const auto at = places.in_string ? places.in_string : places.in_number) {
        bytes[*at] = neighbour_of(bytes[*at]);
        return {std::move(bytes), "one character of the body changed"};
    }
    char& middle = bytes[bytes.size() / 2];
    middle = static_cast<char>(static_cast<unsigned char>(middle) ^ 1U);
    return {std::move(bytes), "one bit of the body changed"};
}

std::optional<std::string> compact_body(std::string_view body) {
    const auto document = encoding::parse_json_text(body);
    if (!document) return std::nullopt;
    JsonStyle javascript;
    javascript.numbers = JsonStyle::Numbers::javascript;
    javascript.duplicates = JsonStyle::Duplicates::last_wins;
    return write_json_text(*document, javascript);
}

ChangedBody reserialize_body(std::string_view body) {
    if (const auto document = encoding::parse_json_text(body)) {
        auto compact = *compact_body(body);
        if (compact != body)
            return {std::move(compact), "the body parsed and written again as JSON.stringify does"};
        JsonStyle indented;
        indented.name_separator = ": ";
        indented.indent = "  ";
        auto pretty = write_json_text(*document, indented);
        if (pretty != body) return {std::move(pretty), "the body parsed and written again, indented"};
    }
    return {std::string(body) + "\n", "a line end put behind the body"};
}

std::optional<std::string> with_member(std::string_view body, const std::string& name,
                                       const std::string& json) {
    // Looked at first: a scalar or an array would be an error that says nothing new.
    if (!trim_left(body).starts_with('{')) return std::nullopt;
    auto edited = webhook::edit_json(body, {{name}, webhook::JsonEdit::As::json, json, name});
    if (!edited) return std::nullopt;
    return *std::move(edited);
}

std::optional<std::string> padded_body(std::string_view body, std::size_t size) {
    const std::string name = "padding";
    const auto least = with_member(body, name, R"("")");
    if (!least || least->size() > size) return std::nullopt;
    return with_member(body, name, '"' + std::string(size - least->size(), 'x') + '"');
}

std::vector<AlteredBody> altered_bodies(std::string_view body, std::size_t most) {
    auto outcomes = outcomes_for(body);
    if (outcomes.size() > most) {
        std::stable_sort(outcomes.begin(), outcomes.end(),
                         [](const auto& a, const auto& b) { return a.rank < b.rank; });
        outcomes.erase(outcomes.begin() + static_cast<std::ptrdiff_t>(most), outcomes.end());
        std::sort(outcomes.begin(), outcomes.end(),
                  [](const auto& a, const auto& b) { return a.order < b.order; });
    }
    std::vector<AlteredBody> altered;
    for (auto& outcome : outcomes) {
        // One row writes all the styles of a document; which thing changed is read off the outcome.
        Fault fault = is_style_code(outcome.code) ? describe_json_change(body, outcome.variant.bytes)
                                                  : Fault{outcome.code};
        auto& evidence = outcome.variant.evidence;
        fault.evidence.insert(fault.evidence.end(), evidence.begin(), evidence.end());
        altered.push_back({std::move(outcome.variant.bytes), std::move(fault)});
    }
    return altered;
}

}  // namespace callchain::diagnosis
