/// Random JSON values for property tests.
#pragma once

#include "encoding/charset.hpp"
#include "encoding/json_text.hpp"

#include <rapidcheck.h>
#include <string>
#include <utility>

namespace callchain::encoding {

/// UTF-8 with what serialisers disagree about: controls, DEL, '/', HTML, U+2028, surrogate pairs.
inline std::string arbitrary_text() {
    const auto code_points = *rc::gen::container<std::u32string>(
        rc::gen::oneOf(rc::gen::inRange<char32_t>(0, 0x180), rc::gen::inRange<char32_t>(0x2020, 0x2030),
                       rc::gen::inRange<char32_t>(0xE000, 0x10FFFF + 1),
                       rc::gen::element(U'/', U'<', U'"', U'\\', U'\x7F')));
    std::string text;
    for (const char32_t c : code_points) append_utf8(text, c);
    return text;
}

/// Members have random names; with few letters, so that some are equal.
inline JsonValue arbitrary_json(int depth = 0) {
    using Kind = JsonValue::Kind;
    JsonValue value;
    value.kind =
        *rc::gen::element(Kind::null, Kind::boolean, Kind::number, Kind::string, Kind::array, Kind::object);
    const bool is_container = value.kind == Kind::array || value.kind == Kind::object;
    if (is_container && depth == 4) value.kind = Kind::null;
    if (value.kind == Kind::boolean) value.truth = *rc::gen::arbitrary<bool>();
    if (value.kind == Kind::string) value.text = arbitrary_text();
    if (value.kind == Kind::number) {
        value.text =
            *rc::gen::element<std::string>("0", "-0", "1750287018", "1.0", "-2.50", "1e3", "1E+2",
                                           "9007199254740993", "0.1", "123456789012345678901234567890");
    }
    if (value.kind != Kind::array && value.kind != Kind::object) return value;
    const int count = *rc::gen::inRange(0, 5);
    for (int i = 0; i < count; ++i) {
        if (value.kind == Kind::object) {
            value.names.push_back(*rc::gen::oneOf(
                rc::gen::element<std::string>("id", "data", "type", "a", ""), rc::gen::exec(arbitrary_text)));
        }
        value.items.push_back(arbitrary_json(depth + 1));
    }
    return value;
}

}  // namespace callchain::encoding
