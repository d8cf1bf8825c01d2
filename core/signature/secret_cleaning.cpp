#include "signature/secret_cleaning.hpp"

#include "base/text.hpp"
#include "encoding/charset.hpp"
#include "encoding/text_codings.hpp"
#include "signature/secret.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace callchain::signature {
namespace {

using Cleaned = std::optional<std::string>;

constexpr std::string_view kQuotes[] = {"\"", "'", "`", "“", "”", "‘", "’"};

struct Invisible {
    std::string_view utf8;
    std::string_view name;
};
constexpr Invisible kInvisible[] = {
    {"\u00A0", "U+00A0 NO-BREAK SPACE"},     {"\u00AD", "U+00AD SOFT HYPHEN"},
    {"\u200B", "U+200B ZERO WIDTH SPACE"},   {"\u200C", "U+200C ZERO WIDTH NON-JOINER"},
    {"\u200D", "U+200D ZERO WIDTH JOINER"},  {"\u200E", "U+200E LEFT-TO-RIGHT MARK"},
    {"\u200F", "U+200F RIGHT-TO-LEFT MARK"}, {"\u202F", "U+202F NARROW NO-BREAK SPACE"},
    {"\u2060", "U+2060 WORD JOINER"},        {"\uFEFF", "U+FEFF ZERO WIDTH NO-BREAK SPACE"},
};

Cleaned if_changed(std::string_view before, std::string after) {
    if (after.empty() || after == before) return std::nullopt;
    return after;
}

bool is_line_end(char c) { return c == '\n' || c == '\r'; }

Cleaned take_bom(std::string_view text) {
    if (!text.starts_with(encoding::kUtf8Bom)) return std::nullopt;
    return if_changed(text, std::string(text.substr(encoding::kUtf8Bom.size())));
}

Cleaned take_leading_blanks(std::string_view text) { return if_changed(text, std::string(trim_left(text))); }

Cleaned take_trailing_newline(std::string_view text) {
    const auto kept = trim_right(text);
    const auto tail = text.substr(kept.size());
    if (std::none_of(tail.begin(), tail.end(), is_line_end)) return std::nullopt;
    return if_changed(text, std::string(kept));
}

Cleaned take_trailing_blanks(std::string_view text) {
    if (take_trailing_newline(text)) return std::nullopt;
    return if_changed(text, std::string(trim_right(text)));
}

// The two characters backslash and n, where a configuration file was expected to turn them into a line end.
Cleaned take_escaped_newline(std::string_view text) {
    std::string_view kept = text;
    while (kept.ends_with("\\n") || kept.ends_with("\\r")) kept.remove_suffix(2);
    return if_changed(text, std::string(kept));
}

bool is_name(std::string_view text) {
    const auto is_word = [](char c) {
        return c == '_' || is_ascii_digit(c) ||
               (ascii_lower({&c, 1})[0] >= 'a' && ascii_lower({&c, 1})[0] <= 'z');
    };
    return !text.empty() && !is_ascii_digit(text.front()) && std::all_of(text.begin(), text.end(), is_word);
}

// Base64 padding looks like an assignment too, so something as long as a secret must stand behind the '='.
Cleaned take_assignment(std::string_view text) {
    constexpr std::size_t kShortestValue = 16;
    std::string_view rest = trim_left(text);
    if (rest.starts_with("export ")) rest = trim_left(rest.substr(7));
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos || !is_name(trim_right(rest.substr(0, equals)))) return std::nullopt;
    const auto value = trim_left(rest.substr(equals + 1));
    if (value.size() < kShortestValue) return std::nullopt;
    return std::string(value);
}

std::string_view without_quotes(std::string_view text) {
    for (bool again = true; again;) {
        again = false;
        for (const auto quote : kQuotes) {
            if (text.starts_with(quote)) text.remove_prefix(quote.size()), again = true;
            if (text.ends_with(quote)) text.remove_suffix(quote.size()), again = true;
        }
    }
    return text;
}

Cleaned take_quotes(std::string_view text) {
    if (text.starts_with("\\\"") || text.ends_with("\\\"")) return std::nullopt;  // take_json_quotes' case
    return if_changed(text, std::string(without_quotes(text)));
}

// A JSON string copied with its escapes: \" around it, \/ or \u002b inside.
Cleaned take_json_quotes(std::string_view text) {
    if (text.find('\\') == std::string_view::npos || take_escaped_newline(text)) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        const char next = text[++i];
        if (next != 'u') {
            out += next;
            continue;
        }
        const auto unit = encoding::parse_hex(text.substr(i + 1, 4));
        if (!unit || unit->size() != 2) return std::nullopt;
        const auto high = static_cast<unsigned char>((*unit)[0]);
        const auto low = static_cast<unsigned char>((*unit)[1]);
        encoding::append_utf8(out, (char32_t{high} << 8U) | low);
        i += 4;
    }
    return if_changed(text, std::string(without_quotes(out)));
}

Cleaned take_bearer(std::string_view text) {
    if (!starts_with_ignoring_case(text, "bearer ")) return std::nullopt;
    return if_changed(text, std::string(trim_left(text.substr(7))));
}

Cleaned take_version(std::string_view text) {
    if (!text.starts_with("v1,") && !text.starts_with("v1=")) return std::nullopt;
    return if_changed(text, std::string(text.substr(3)));
}

Cleaned mend_prefix_case(std::string_view text) {
    if (!starts_with_ignoring_case(text, kSecretPrefix) || text.starts_with(kSecretPrefix))
        return std::nullopt;
    return std::string(kSecretPrefix) + std::string(text.substr(kSecretPrefix.size()));
}

Cleaned take_second_prefix(std::string_view text) {
    const auto doubled = std::string(kSecretPrefix) + std::string(kSecretPrefix);
    if (!text.starts_with(doubled)) return std::nullopt;
    return std::string(text.substr(kSecretPrefix.size()));
}

Cleaned take_invisible(std::string_view text) {
    std::string out(text);
    for (const auto& character : kInvisible) out = replace_all(out, character.utf8, "");
    return if_changed(text, std::move(out));
}

Cleaned take_comment(std::string_view text) {
    const auto hash = text.find('#');
    if (hash == std::string_view::npos || hash == 0 || !is_ascii_blank(text[hash - 1])) return std::nullopt;
    return if_changed(text, std::string(trim_right(text.substr(0, hash))));
}

Cleaned take_punctuation(std::string_view text) {
    std::string_view kept = text;
    constexpr std::string_view kMarks = ",;\\.";
    while (!kept.empty() && kMarks.find(kept.back()) != std::string_view::npos) kept.remove_suffix(1);
    return if_changed(text, std::string(kept));
}

Cleaned undo_percent(std::string_view text) {
    return if_changed(text, encoding::percent_decode(text, encoding::PlusSign::literal));
}

bool has_inner_blank(std::string_view text) {
    const auto core = trim(text);
    return std::any_of(core.begin(), core.end(), is_ascii_blank);
}

// A form decoder turned '+' into a blank.
Cleaned restore_plus(std::string_view text) {
    if (!has_inner_blank(text)) return std::nullopt;
    return if_changed(text, replace_all(text, " ", "+"));
}

Cleaned take_inner_blanks(std::string_view text) {
    if (!has_inner_blank(text)) return std::nullopt;
    std::string out;
    std::copy_if(text.begin(), text.end(), std::back_inserter(out),
                 [](char c) { return !is_ascii_blank(c); });
    return if_changed(text, std::move(out));
}

constexpr std::array kCleanings{
    SecretCleaning{"secret_bom", take_bom},
    SecretCleaning{"secret_trailing_newline", take_trailing_newline},
    SecretCleaning{"secret_trailing_whitespace", take_trailing_blanks},
    SecretCleaning{"secret_leading_whitespace", take_leading_blanks},
    SecretCleaning{"secret_escaped_newline", take_escaped_newline},
    SecretCleaning{"secret_env_assignment", take_assignment},
    SecretCleaning{"secret_comment_tail", take_comment},
    SecretCleaning{"secret_trailing_punctuation", take_punctuation},
    SecretCleaning{"secret_json_quoted", take_json_quotes},
    SecretCleaning{"secret_quoted", take_quotes},
    SecretCleaning{"secret_bearer_prefix", take_bearer},
    SecretCleaning{"secret_version_prefix", take_version},
    SecretCleaning{"secret_invisible_character", take_invisible},
    SecretCleaning{"secret_prefix_case", mend_prefix_case},
    SecretCleaning{"secret_prefix_doubled", take_second_prefix},
    SecretCleaning{"secret_percent_encoded", undo_percent},
    SecretCleaning{"secret_inner_whitespace", take_inner_blanks},
    SecretCleaning{"secret_plus_lost", restore_plus},
};

}  // namespace

std::span<const SecretCleaning> secret_cleanings() { return kCleanings; }

std::string describe_invisible(std::string_view text) {
    std::vector<std::string> found;
    std::size_t position = 1;
    while (!text.empty()) {
        for (const auto& character : kInvisible) {
            if (text.starts_with(character.utf8)) {
                found.push_back(std::string(character.name) + " at character " + std::to_string(position));
            }
        }
        text.remove_prefix(std::max<std::size_t>(utf8_sequence_length(text), 1));
        ++position;
    }
    return join(found, ", ");
}

std::string_view without_wrapping(std::string_view text) {
    for (;;) {
        std::string_view kept = trim(text);
        if (kept.starts_with(encoding::kUtf8Bom)) kept.remove_prefix(encoding::kUtf8Bom.size());
        kept = without_quotes(kept);
        if (kept.size() == text.size()) return kept;
        text = kept;
    }
}

}  // namespace callchain::signature
