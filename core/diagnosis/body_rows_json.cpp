/// Rows for what JSON libraries do to a document on its way through them.
#include "base/text.hpp"
#include "diagnosis/body_rows.hpp"
#include "diagnosis/json_change.hpp"
#include "diagnosis/literals.hpp"
#include "encoding/base64.hpp"

#include <algorithm>
#include <array>

namespace callchain::diagnosis {
namespace {

using encoding::JsonStyle;
using encoding::JsonValue;
using encoding::write_json_text;

bool is_in_order(const JsonValue& value, JsonStyle::Members order) {
    JsonStyle as_read;
    JsonStyle ordered;
    ordered.members = order;
    return write_json_text(value, as_read) == write_json_text(value, ordered);
}

// Which habits can make a difference to this document: the rest need not be multiplied.
struct Spellings {
    std::vector<JsonStyle::NonAscii> non_ascii{JsonStyle::NonAscii::escaped};
    std::vector<JsonStyle::Members> orders{JsonStyle::Members::as_read};
    std::vector<JsonStyle::Slash> slashes{JsonStyle::Slash::plain};
    std::vector<JsonStyle::Html> htmls{JsonStyle::Html::plain};

    explicit Spellings(const BodyText& body) {
        const auto text = body.bytes();
        const auto is_wide = [](char c) { return static_cast<unsigned char>(c) >= 0x7F; };
        const bool escapes = text.find("\\u") != std::string_view::npos;
        if (escapes || std::any_of(text.begin(), text.end(), is_wide))
            non_ascii.push_back(JsonStyle::NonAscii::literal);
        for (const auto order : {JsonStyle::Members::sender_order, JsonStyle::Members::sorted}) {
            if (!is_in_order(*body.json(), order)) orders.push_back(order);
        }
        if (text.find('/') != std::string_view::npos) slashes.push_back(JsonStyle::Slash::escaped);
        if (escapes || text.find_first_of("<>&") != std::string_view::npos)
            htmls.push_back(JsonStyle::Html::escaped);
    }
};

// Every combination of habits; the sender's own (Python's json.dumps) first, so that it wins among equals.
BodyVariants all_styles(const BodyText& body) {
    const JsonValue* document = body.json();
    if (document == nullptr) return {};
    if (body.bytes().size() > kMostStyledBytes) return main_json_styles(body);
    struct Layout {
        std::string_view item;
        std::string_view name;
        std::string_view indent;
    };
    constexpr Layout kLayouts[] = {{", ", ": ", ""},  {",", ":", ""},      {",", ": ", ""},  {", ", ":", ""},
                                   {",", ": ", "  "}, {",", ": ", "    "}, {",", ": ", "\t"}};
    const Spellings spellings(body);
    BodyVariants variants;
    for (const auto& layout : kLayouts) {
        for (const auto non_ascii : spellings.non_ascii) {
            for (const auto order : spellings.orders) {
                for (const auto slash : spellings.slashes) {
                    for (const auto html : spellings.htmls) {
                        JsonStyle style;
                        style.item_separator = layout.item;
                        style.name_separator = layout.name;
                        style.indent = layout.indent;
                        style.non_ascii = non_ascii;
                        // Python escapes DEL with the rest; PHP, which escapes slashes, does not.
                        const bool python =
                            non_ascii == JsonStyle::NonAscii::escaped && slash == JsonStyle::Slash::plain;
                        style.del = python ? JsonStyle::Delete::escaped : JsonStyle::Delete::plain;
                        style.members = order;
                        style.slash = slash;
                        style.html = html;
                        variants.push_back({write_json_text(*document, style)});
                    }
                }
            }
        }
    }
    return variants;
}

bool has_duplicates(const JsonValue& value) {
    auto names = value.names;
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end()) return true;
    return std::any_of(value.items.begin(), value.items.end(), has_duplicates);
}

// The rarer habits, each of them only where the document has what it changes.
BodyVariants rarer_styles(const BodyText& body) {
    const JsonValue* document = body.json();
    if (document == nullptr || body.bytes().size() > kMostStyledBytes) return {};
    const Spellings spellings(body);
    const bool escapes = spellings.non_ascii.size() > 1;
    const bool nulls = body.bytes().find("null") != std::string_view::npos;
    const bool duplicates = has_duplicates(*document);
    BodyVariants variants{{write_dotnet_json(*document)}};
    for (const auto& named : named_styles()) {
        const auto add = [&](const auto& change) {
            JsonStyle style = named.style;
            change(style);
            variants.push_back({write_json_text(*document, style)});
        };
        add([](JsonStyle& style) { style.numbers = JsonStyle::Numbers::integral_as_float; });
        add([](JsonStyle& style) {
            style.numbers = JsonStyle::Numbers::javascript;
            style.duplicates = JsonStyle::Duplicates::last_wins;
        });
        if (escapes) add([](JsonStyle& style) { style.hex_case = JsonStyle::HexCase::upper; });
        if (nulls) add([](JsonStyle& style) { style.nulls = JsonStyle::Nulls::dropped; });
        if (duplicates) add([](JsonStyle& style) { style.duplicates = JsonStyle::Duplicates::last_wins; });
        // Encoders that write to a stream end the document with a line end (Go's Encoder, jq, console.log).
        for (const auto order : spellings.orders) {
            JsonStyle style = named.style;
            style.members = order;
            variants.push_back({write_json_text(*document, style) + "\n"});
        }
    }
    return variants;
}

// ---- numbers and nulls: one token at a time, in the text as it stands ----

struct Token {
    std::size_t at;
    std::string_view text;
};

// Number tokens and strings that hold nothing but a number, outside of member names.
std::vector<Token> numeric_tokens(std::string_view text) {
    constexpr std::size_t kMostTokens = 24;
    std::vector<Token> tokens;
    for (std::size_t at = 0; at < text.size() && tokens.size() < kMostTokens;) {
        const char c = text[at];
        if (c == '"') {
            std::size_t end = at + 1;
            while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
            if (end >= text.size()) break;
            const auto inner = text.substr(at + 1, end - at - 1);
            const auto behind = trim_left(text.substr(end + 1));
            if (parse_decimal(inner) && !behind.starts_with(':'))
                tokens.push_back({at, text.substr(at, end + 1 - at)});
            at = end + 1;
        } else if (c == '-' || is_ascii_digit(c)) {
            const auto end = std::min(text.find_first_not_of("+-.eE0123456789", at), text.size());
            tokens.push_back({at, text.substr(at, end - at)});
            at = end;
        } else {
            ++at;
        }
    }
    return tokens;
}

std::string replaced(std::string_view text, const Token& token, std::string_view by) {
    return std::string(text.substr(0, token.at)) + std::string(by) +
           std::string(text.substr(token.at + token.text.size()));
}

BodyVariants respell_numbers(const BodyText& body) {
    if (body.json() == nullptr || body.bytes().size() > kMostStyledBytes) return {};
    const auto text = body.bytes();
    BodyVariants variants;
    for (const auto& token : numeric_tokens(text)) {
        const std::string was(token.text);
        const auto add = [&](const std::string& now) {
            variants.push_back({replaced(text, token, now), {{"number", visible_excerpt(was, 60)}}});
        };
        if (was.front() == '"') {
            add(was.substr(1, was.size() - 2));
        } else {
            add("\"" + was + "\"");
            if (was.find_first_of(".eE") == std::string::npos) add(was + ".0");
            if (was.ends_with(".0")) add(was.substr(0, was.size() - 2));
        }
    }
    return variants;
}

// Members that the schema allows to be absent, at the end of their object, where serialisers put them.
// Source: OpenAI webhook event reference, realtime.call.incoming.
BodyVariants add_nulls(const BodyText& body) {
    const JsonValue* document = body.json();
    if (document == nullptr || body.bytes().size() > kMostStyledBytes) return {};
    BodyVariants variants;
    JsonValue changed = *document;
    const auto add = [&](JsonValue& object, const char* name) {
        if (object.kind != JsonValue::Kind::object || object.find(name) != nullptr) return;
        object.names.emplace_back(name);
        object.items.emplace_back();
        for (const auto& named : named_styles())
            variants.push_back({write_json_text(changed, named.style), {{"member", std::string(name)}}});
        object.names.pop_back();
        object.items.pop_back();
    };
    for (std::size_t i = 0; i < changed.names.size(); ++i) {
        if (changed.names[i] != "data") continue;
        for (const auto* name : {"sip_media_security", "type", "session_id"}) add(changed.items[i], name);
    }
    for (const auto* name : {"object", "livemode"}) add(changed, name);
    return variants;
}

BodyVariants drop_nulls(const BodyText& body) {
    if (body.json() == nullptr || body.bytes().find("null") == std::string_view::npos) return {};
    BodyVariants variants;
    for (const auto& named : named_styles()) {
        JsonStyle style = named.style;
        style.nulls = JsonStyle::Nulls::dropped;
        variants.push_back({write_json_text(*body.json(), style)});
    }
    return variants;
}

// ---- JSON inside JSON ----

BodyVariants unquote(const BodyText& body) {
    BodyVariants variants;
    std::string text(trim(body.bytes()));
    for (int layer = 1; layer <= 2; ++layer) {
        const auto value = encoding::parse_json_text(text);
        if (!value || value->kind != JsonValue::Kind::string) break;
        variants.push_back({value->text, {{"layers", std::int64_t{layer}}}});
        text = value->text;
    }
    return variants;
}

BodyVariants quote(const BodyText& body) {
    const auto once = encoding::quote_json(body.bytes());
    return {{once},
            {encoding::quote_json(body.bytes(), JsonStyle::NonAscii::escaped)},
            {encoding::quote_json(once), {{"layers", std::int64_t{2}}}}};
}

// A string literal's inside without its quotes: \" for ", \\ for \. The other way: a layer that was eaten.
BodyVariants take_backslash_layer(const BodyText& body) {
    const auto text = body.bytes();
    BodyVariants variants;
    if (text.find('\\') == std::string_view::npos) return variants;
    if (const auto value = encoding::parse_json_text("\"" + std::string(text) + "\""))
        variants.push_back({value->text});
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
        out += text[i];
    }
    variants.push_back({std::move(out)});
    variants.push_back(
        {replace_all(text, "\\", "\\\\"), {{"direction", std::string("a layer was taken off")}}});
    return variants;
}

BodyVariants add_backslash_layer(const BodyText& body) {
    const auto quoted = encoding::quote_json(body.bytes());
    return {{quoted.substr(1, quoted.size() - 2)}};
}

// echo and printf of a shell, or a logger, made characters of the escapes in strings: \n became a line end.
BodyVariants escape_again(const BodyText& body) {
    std::string out;
    bool in_string = false;
    for (std::size_t i = 0; i < body.bytes().size(); ++i) {
        const char c = body.bytes()[i];
        if (c == '\\' && i + 1 < body.bytes().size()) {
            out += c;
            out += body.bytes()[++i];
            continue;
        }
        if (c == '"') in_string = !in_string;
        const std::string_view escape = !in_string  ? ""
                                        : c == '\n' ? "\\n"
                                        : c == '\r' ? "\\r"
                                        : c == '\t' ? "\\t"
                                                    : "";
        if (escape.empty())
            out += c;
        else
            out += escape;
    }
    return variant_if_changed(body, std::move(out));
}
BodyVariants interpret_escapes(const BodyText& body) {
    std::string text(body.bytes());
    for (const auto& [escape, character] :
         {std::pair<std::string_view, std::string_view>{"\\n", "\n"}, {"\\r", "\r"}, {"\\t", "\t"}}) {
        text = replace_all(text, escape, character);
    }
    return variant_if_changed(body, std::move(text));
}

void collect_inner(const JsonValue& value, BodyVariants& variants) {
    constexpr std::size_t kMost = 64;
    constexpr std::size_t kShortestBody = 2;
    for (std::size_t i = 0; i < value.items.size() && variants.size() < kMost; ++i) {
        const auto& item = value.items[i];
        const std::string member =
            value.kind == JsonValue::Kind::object ? visible_excerpt(value.names[i], 60) : std::to_string(i);
        if (item.kind == JsonValue::Kind::string && item.text.size() >= kShortestBody) {
            if (trim_left(item.text).starts_with('{')) variants.push_back({item.text, {{"member", member}}});
            if (auto bytes = encoding::parse_base64(item.text); bytes && trim_left(*bytes).starts_with('{')) {
                variants.push_back({*std::move(bytes), {{"member", member}, {"base64", true}}});
            }
        } else if (item.kind == JsonValue::Kind::object) {
            for (const auto& named : named_styles()) {
                if (named.name.starts_with("indent")) break;
                variants.push_back({write_json_text(item, named.style), {{"member", member}}});
            }
        }
        collect_inner(item, variants);
    }
}

BodyVariants open_envelope(const BodyText& body) {
    BodyVariants variants;
    if (body.json() != nullptr) collect_inner(*body.json(), variants);
    return variants;
}

BodyVariants wrap_in_envelope(const BodyText& body) {
    const auto quoted = encoding::quote_json(body.bytes());
    return {{"{\"body\":" + quoted + "}"}, {"{\"body\": " + quoted + "}"}};
}

BodyVariants take_data_only(const BodyText& body) {
    const JsonValue* data = body.json() != nullptr ? body.json()->find("data") : nullptr;
    BodyVariants variants;
    if (data == nullptr) return variants;
    for (const auto& named : named_styles()) variants.push_back({write_json_text(*data, named.style)});
    return variants;
}

BodyVariants take_out_of_array(const BodyText& body) {
    const auto text = trim(body.bytes());
    if (text.size() < 2 || text.front() != '[' || text.back() != ']') return {};
    return {{std::string(trim(text.substr(1, text.size() - 2)))}};
}

BodyVariants put_in_array(const BodyText& body) { return {{"[" + std::string(body.bytes()) + "]"}}; }

// ---- other languages' literals ----

BodyVariants styles_of(const std::optional<std::string>& json) {
    if (!json) return {};
    return main_json_styles(BodyText(*json));
}

BodyVariants undo_python_bytes(const BodyText& body) {
    auto bytes = read_python_bytes(body.bytes());
    return bytes ? BodyVariants{{*std::move(bytes)}} : BodyVariants{};
}
BodyVariants redo_python_bytes(const BodyText& body) { return {{write_python_bytes(body.bytes())}}; }
BodyVariants undo_python_dict(const BodyText& body) {
    // A JSON document without True, None or single quotes reads as a Python literal too.
    return body.json() != nullptr ? BodyVariants{} : styles_of(python_dict_to_json(body.bytes()));
}
BodyVariants redo_python_dict(const BodyText& body) {
    return body.json() != nullptr ? BodyVariants{{write_python_dict(*body.json())}} : BodyVariants{};
}
BodyVariants undo_ruby(const BodyText& body) { return styles_of(ruby_inspect_to_json(body.bytes())); }
BodyVariants redo_ruby(const BodyText& body) {
    if (body.json() == nullptr) return {};
    return {{write_ruby_inspect(*body.json(), RubyArrow::tight)},
            {write_ruby_inspect(*body.json(), RubyArrow::spaced)}};
}

BodyVariants placeholders(const BodyText&) {
    BodyVariants variants;
    for (const auto* text : {"[object Object]", "undefined", "null", "None", "{}", "[object ArrayBuffer]",
                             "[object ReadableStream]"}) {
        variants.push_back({text, {{"text", std::string(text)}}});
    }
    return variants;
}
BodyVariants empty_body(const BodyText&) { return {{""}}; }

constexpr std::array kRows{
    BodyRow{"body_json_reserialized", RowKind::json_styles, all_styles, all_styles},
    BodyRow{"body_json_reserialized", RowKind::json_styles, rarer_styles, rarer_styles},
    BodyRow{"body_json_number_changed", RowKind::structure, respell_numbers, respell_numbers},
    BodyRow{"body_json_null_dropped", RowKind::json_styles, add_nulls, drop_nulls},
    BodyRow{"body_json_null_added", RowKind::json_styles, drop_nulls, nullptr},
    BodyRow{"body_json_string", RowKind::structure, unquote, quote},
    BodyRow{"body_backslash_layer", RowKind::structure, take_backslash_layer, add_backslash_layer},
    BodyRow{"body_escapes_interpreted", RowKind::structure, escape_again, interpret_escapes},
    BodyRow{"body_in_array", RowKind::structure, take_out_of_array, put_in_array},
    BodyRow{"body_envelope", RowKind::structure, open_envelope, wrap_in_envelope},
    BodyRow{"body_data_only", RowKind::structure, nullptr, take_data_only},
    BodyRow{"body_python_bytes", RowKind::structure, undo_python_bytes, redo_python_bytes},
    BodyRow{"body_python_dict", RowKind::structure, undo_python_dict, redo_python_dict},
    BodyRow{"body_ruby_inspect", RowKind::structure, undo_ruby, redo_ruby},
    BodyRow{"body_empty", RowKind::constant, nullptr, empty_body},
    BodyRow{"body_object_placeholder", RowKind::constant, nullptr, placeholders},
};

}  // namespace

const encoding::JsonValue* BodyText::json() const {
    if (!parsed_) {
        parsed_ = true;
        auto value = encoding::parse_json_text(bytes_);
        const bool is_document =
            value && (value->kind == JsonValue::Kind::object || value->kind == JsonValue::Kind::array);
        if (is_document) json_ = std::make_unique<JsonValue>(*std::move(value));
    }
    return json_.get();
}

BodyVariants main_json_styles(const BodyText& body) {
    if (body.json() == nullptr) return {};
    BodyVariants variants;
    for (const auto& named : named_styles()) {
        if (named.name.starts_with("indent")) break;
        for (const auto order : {JsonStyle::Members::as_read, JsonStyle::Members::sender_order}) {
            JsonStyle style = named.style;
            style.members = order;
            variants.push_back({write_json_text(*body.json(), style)});
        }
    }
    return variants;
}

std::span<const BodyRow> json_body_rows() { return kRows; }

}  // namespace callchain::diagnosis
