#include "base/text.hpp"
#include "sip/digest.hpp"
#include "sip/grammar.hpp"

#include <algorithm>
#include <utility>

namespace callchain::sip {
namespace {

constexpr std::size_t kMostParameters = 64;
constexpr std::size_t kMostChallenges = 16;
constexpr std::size_t kNonceCountDigits = 8;

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7F'; }
bool is_hex_digit(char c) { return is_ascii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// One parameter in both its forms: what it says, and how it was written.
struct Item {
    std::string name;
    std::string value;
    std::string written;
};
// A scheme with its parameters.
struct Scheme {
    std::string name;
    std::size_t offset = 0;
    std::vector<Item> items;
};

tl::unexpected<Error> bad(std::size_t offset, const std::string& what) {
    return fail_at(offset, ErrorCode::bad_input, "not a Digest header field: " + what);
}

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}
    Result<std::vector<Scheme>> read();

  private:
    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
    [[nodiscard]] bool at(char c) const { return !at_end() && text_[at_] == c; }
    void skip_blanks() {
        while (!at_end() && is_blank(text_[at_])) ++at_;
    }
    std::string_view token();
    Result<void> element();
    Result<void> parameter(std::string_view name);
    Result<Item> value_of(std::string_view name);
    Result<Item> quoted(std::string_view name);
    // What follows another scheme need not be parameters: it may be one blob (RFC 9110 section 11.3).
    [[nodiscard]] bool within_another_scheme() const {
        return !schemes_.empty() && !equal_ignoring_case(schemes_.back().name, "Digest");
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<Scheme> schemes_;
};

std::string_view Reader::token() {
    const auto begin = at_;
    while (!at_end() && is_token_character(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
}

// quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
Result<Item> Reader::quoted(std::string_view name) {
    const auto begin = at_++;
    Item item{std::string(name), {}, {}};
    while (!at_end() && text_[at_] != '"') {
        if (text_[at_] == '\\' && ++at_ == text_.size()) break;
        item.value += text_[at_++];
    }
    if (at_end()) return bad(begin, "a quote without its end");
    ++at_;
    item.written = text_.substr(begin, at_ - begin);
    return item;
}

Result<Item> Reader::value_of(std::string_view name) {
    if (at('"')) return quoted(name);
    const auto begin = at_;
    // Wider than a token: some write a nonce in base64, or the uri, without quotes.
    while (!at_end() && text_[at_] != ',' && !is_blank(text_[at_])) ++at_;
    const std::string value(text_.substr(begin, at_ - begin));
    return Item{std::string(name), value, value};
}

Result<void> Reader::parameter(std::string_view name) {
    const auto begin = at_;
    ++at_;  // '='
    skip_blanks();
    auto item = CALLCHAIN_TRY(value_of(name));
    if (schemes_.empty()) return bad(begin, "a parameter in front of any scheme");
    auto& items = schemes_.back().items;
    const auto same = [&item](const Item& other) { return equal_ignoring_case(other.name, item.name); };
    if (std::any_of(items.begin(), items.end(), same) && !within_another_scheme())
        return bad(begin, "a parameter that comes twice");
    if (items.size() == kMostParameters)
        return fail_at(begin, ErrorCode::limit, "a Digest header field with too many parameters");
    items.push_back(std::move(item));
    return {};
}

// The text up to the next comma: `name=value`, `scheme name=value`, or a scheme alone.
Result<void> Reader::element() {
    const auto begin = at_;
    const auto name = token();
    if (name.empty()) return bad(begin, "a byte that begins neither a scheme nor a parameter");
    const bool spaced = !at_end() && is_blank(text_[at_]);
    skip_blanks();
    if (at('=')) {
        CALLCHAIN_TRY(parameter(name));
    } else {
        if (!spaced && !at_end() && !at(',')) return bad(at_, "a byte that is no part of a name");
        if (schemes_.size() == kMostChallenges)
            return fail_at(begin, ErrorCode::limit, "a Digest header field with too many challenges");
        schemes_.push_back({std::string(name), begin, {}});
        if (!at_end() && !at(',')) return element();
    }
    skip_blanks();
    if (!at_end() && !at(',')) return bad(at_, "no comma behind a parameter");
    return {};
}

Result<std::vector<Scheme>> Reader::read() {
    const auto control = std::find_if(text_.begin(), text_.end(), is_control);
    if (control != text_.end())
        return bad(static_cast<std::size_t>(control - text_.begin()), "a control character");
    for (;;) {
        while (!at_end() && (is_blank(text_[at_]) || text_[at_] == ',')) ++at_;
        if (at_end()) return std::move(schemes_);
        const auto read = element();
        if (read) continue;
        if (!within_another_scheme()) return tl::unexpected(read.error());
        at_ = std::min(text_.find(',', at_), text_.size());
    }
}

// Takes the parameters that have a member of their own; what is left stays as written.
class Taker {
  public:
    explicit Taker(Scheme scheme) : scheme_(std::move(scheme)) {}
    std::optional<std::string> take(std::string_view name) {
        auto& items = scheme_.items;
        const auto found = std::find_if(items.begin(), items.end(), [name](const Item& item) {
            return equal_ignoring_case(item.name, name);
        });
        if (found == items.end()) return std::nullopt;
        auto value = std::move(found->value);
        items.erase(found);
        return value;
    }
    Result<std::string> need(std::string_view name) {
        auto value = take(name);
        if (!value) return bad(scheme_.offset, "no " + std::string(name));
        return *std::move(value);
    }
    std::vector<Parameter> rest() {
        std::vector<Parameter> parameters;
        for (auto& item : scheme_.items)
            parameters.push_back({std::move(item.name), std::move(item.written)});
        return parameters;
    }

  private:
    Scheme scheme_;
};

std::vector<std::string> qop_list(std::string_view text) {
    std::vector<std::string> list;
    for (const auto entry : split(text, ',')) {
        if (const auto qop = trim(entry); !qop.empty()) list.emplace_back(qop);
    }
    return list;
}

Result<Challenge> challenge_of(Scheme scheme) {
    Taker taker(std::move(scheme));
    Challenge challenge;
    challenge.realm = CALLCHAIN_TRY(taker.need("realm"));
    challenge.nonce = CALLCHAIN_TRY(taker.need("nonce"));
    challenge.opaque = taker.take("opaque");
    challenge.algorithm = taker.take("algorithm").value_or("");
    challenge.qop = qop_list(taker.take("qop").value_or(""));
    challenge.stale = equal_ignoring_case(taker.take("stale").value_or(""), "true");
    challenge.other = taker.rest();
    return challenge;
}

Result<void> check_count(const Credentials& credentials, std::size_t offset) {
    if (credentials.qop && (!credentials.cnonce || !credentials.nc))
        return bad(offset, "qop without cnonce and nc");
    if (credentials.nc && (credentials.nc->size() != kNonceCountDigits ||
                           !std::all_of(credentials.nc->begin(), credentials.nc->end(), is_hex_digit)))
        return bad(offset, "an nc that is not eight hex digits");
    return {};
}

// token / quoted-string, for values that may be either.
std::string quote(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
    return out;
}
std::string quote_unless_token(std::string_view text) {
    return is_token(text) ? std::string(text) : quote(text);
}

class Writer {
  public:
    void add(std::string_view name, std::string_view written) {
        out_ += first_ ? " " : ", ";
        first_ = false;
        out_.append(name).append("=").append(written);
    }
    void add(const std::vector<Parameter>& parameters) {
        for (const auto& parameter : parameters) add(parameter.name, parameter.value.value_or(""));
    }
    std::string take() { return std::move(out_); }

  private:
    std::string out_ = "Digest";
    bool first_ = true;
};

}  // namespace

bool is_digest_scheme(std::string_view value) {
    const auto text = trim(value);
    const auto end = std::find_if_not(text.begin(), text.end(), is_token_character);
    return equal_ignoring_case(text.substr(0, static_cast<std::size_t>(end - text.begin())), "Digest");
}

Result<std::vector<Challenge>> parse_challenges(std::string_view value) {
    auto schemes = CALLCHAIN_TRY(Reader(value).read());
    if (schemes.empty()) return bad(0, "no scheme");
    std::vector<Challenge> challenges;
    for (auto& scheme : schemes) {
        if (!equal_ignoring_case(scheme.name, "Digest")) continue;
        challenges.push_back(CALLCHAIN_TRY(challenge_of(std::move(scheme))));
    }
    return challenges;
}

Result<Credentials> parse_credentials(std::string_view value) {
    // No list, unlike challenges: nothing may stand in front of the scheme (RFC 3261 section 20.7).
    if (!is_digest_scheme(value)) return bad(0, "another scheme");
    auto schemes = CALLCHAIN_TRY(Reader(value).read());
    if (schemes.size() > 1) return bad(schemes[1].offset, "more than one scheme");
    const auto offset = schemes.front().offset;
    Taker taker(std::move(schemes.front()));
    Credentials credentials;
    credentials.username = CALLCHAIN_TRY(taker.need("username"));
    credentials.realm = CALLCHAIN_TRY(taker.need("realm"));
    credentials.nonce = CALLCHAIN_TRY(taker.need("nonce"));
    credentials.uri = CALLCHAIN_TRY(taker.need("uri"));
    credentials.response = CALLCHAIN_TRY(taker.need("response"));
    credentials.algorithm = taker.take("algorithm").value_or("");
    credentials.cnonce = taker.take("cnonce");
    credentials.opaque = taker.take("opaque");
    credentials.qop = taker.take("qop");
    credentials.nc = taker.take("nc");
    credentials.other = taker.rest();
    CALLCHAIN_TRY(check_count(credentials, offset));
    return credentials;
}

std::string write_challenge(const Challenge& challenge) {
    Writer writer;
    writer.add("realm", quote(challenge.realm));
    writer.add("nonce", quote(challenge.nonce));
    if (challenge.opaque) writer.add("opaque", quote(*challenge.opaque));
    if (!challenge.algorithm.empty()) writer.add("algorithm", quote_unless_token(challenge.algorithm));
    if (!challenge.qop.empty()) writer.add("qop", quote(join(challenge.qop, ",")));
    if (challenge.stale) writer.add("stale", "true");
    writer.add(challenge.other);
    return writer.take();
}

std::string write_credentials(const Credentials& credentials) {
    Writer writer;
    writer.add("username", quote(credentials.username));
    writer.add("realm", quote(credentials.realm));
    writer.add("nonce", quote(credentials.nonce));
    writer.add("uri", quote(credentials.uri));
    writer.add("response", quote(credentials.response));
    if (!credentials.algorithm.empty()) writer.add("algorithm", quote_unless_token(credentials.algorithm));
    if (credentials.cnonce) writer.add("cnonce", quote(*credentials.cnonce));
    if (credentials.opaque) writer.add("opaque", quote(*credentials.opaque));
    if (credentials.qop) writer.add("qop", quote_unless_token(*credentials.qop));
    if (credentials.nc) writer.add("nc", *credentials.nc);
    writer.add(credentials.other);
    return writer.take();
}

}  // namespace callchain::sip
