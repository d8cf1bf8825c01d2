/// The characters and small forms of RFC 3261 section 25.1 that the readers of this folder share. Internal to
/// core/sip.
#pragma once

#include "sip/message.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callchain::sip {

using Characters = std::array<bool, 256>;
[[nodiscard]] constexpr Characters letters_digits_and(std::string_view others) {
    Characters set{};
    for (unsigned c = 0; c < set.size(); ++c)
        set[c] = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    for (const char c : others) set[static_cast<unsigned char>(c)] = true;
    return set;
}

/// Letters, digits and - . ! % * _ + ` ' ~
[[nodiscard]] bool is_token_character(char c);
/// At least one of them and nothing else.
[[nodiscard]] bool is_token(std::string_view text);
/// Free of CR, LF and NUL: it can stand in a line that we send.
[[nodiscard]] bool is_line_safe(std::string_view text);
/// "#" of RFC 3261: space and tab. CR and LF never come here, lines are unfolded first.
[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
[[nodiscard]] std::string_view trim_blanks(std::string_view text);

/// The length of the quoted string that starts `text`, quotes included; 0 where none starts or it never ends.
[[nodiscard]] std::size_t quoted_length(std::string_view text);
/// The first of `character` outside quoted strings and angle brackets, or npos.
[[nodiscard]] std::size_t find_outside(std::string_view text, char character);
/// The values of a comma-separated list one by one, without blanks around them; an empty one counts, so that
/// there is always one. Borrows.
class ListValues {
  public:
    explicit ListValues(std::string_view list) : rest_(list) {}
    [[nodiscard]] std::optional<std::string_view> next();

  private:
    std::optional<std::string_view> rest_;
};

struct HostPort {
    std::string_view host;  ///< borrows
    std::optional<std::uint16_t> port = std::nullopt;
};
enum class Blanks { none, around_colon };
/// nullopt: no host, no IPv6 address between brackets, or no port behind the colon. An underscore in a name
/// is taken: containers and laboratories have them.
[[nodiscard]] std::optional<HostPort> parse_host_port(std::string_view text, Blanks blanks);

/// Decimal digits only, leading zeros allowed. nullopt: none, another byte, or more than `most`.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most);

// These fill in what is empty, where a Received has it already: a message has some thirty values, and moving
// each from hand to hand takes longer than reading it.

/// What stands behind the value of a header: nothing, or `;name=value` once or more, blanks around ';' and
/// '=' left out. False: anything else. A value is a quoted string, or a token or an address.
[[nodiscard]] bool read_parameters(Parameters& to, std::string_view text);

// write_uri() and its like write into a text that has room: a request that is sent has some twenty such
// pieces.

void append_parameters(std::string& out, const Parameters& parameters);
void append_uri(std::string& out, const Uri& uri);
/// At most this many octets are appended.
[[nodiscard]] std::size_t room_for(const Parameters& parameters);
[[nodiscard]] std::size_t room_for(const Uri& uri);
/// Of ":65535".
constexpr std::size_t kRoomForPort = 6;

/// One value of Via. False: none by RFC 3261 section 20.42. The protocol's name and version are not looked
/// at: an answer copies them as text.
[[nodiscard]] bool read_via(Via& to, std::string_view text);
/// parse_uri() and parse_name_address(). Errors: theirs.
[[nodiscard]] Result<void> read_uri(Uri& to, std::string_view text);
[[nodiscard]] Result<void> read_name_address(NameAddress& to, std::string_view text);
/// nullopt: no number up to 2^32 - 1, or no method.
[[nodiscard]] std::optional<CSeq> parse_cseq(std::string_view text);

}  // namespace callchain::sip
