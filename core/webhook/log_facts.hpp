/// What one line of a log says about a webhook delivery. Lines come here without prefix, colours and line
/// end, and put together again where they had been wrapped.
#pragma once

#include "webhook/railway_log.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

/// How a fact was written. The same fact in the same form twice means two deliveries.
enum class FactForm { none, assignment, dump, label, attribute, application, exception, plain, record };

struct LineFacts {
    LoggedField id, timestamp, signature;  ///< in `header_form`
    FactForm header_form = FactForm::none;
    LoggedField body_sha256;
    FactForm sha256_form = FactForm::none;
    std::optional<std::uint64_t> body_length;
    FactForm length_form = FactForm::none;
    std::optional<std::string> user_agent, content_type;
    std::optional<LoggedError> error;
    FactForm error_form = FactForm::none;
    std::optional<LoggedBody> body;
    /// False where the facts are too common to begin a delivery: they only complete one that is open.
    bool begins_delivery = false;
    [[nodiscard]] bool any() const;
};

/// The state of a value as logged: ellipses make it cut, "None" and the like absent.
[[nodiscard]] LoggedField make_field(std::string_view text);
/// As make_field(); also cut where no `v1` value has the length of a MAC.
[[nodiscard]] LoggedField make_signature_field(std::string_view text);

/// Headers, hash, length and error of a line of text; its body is found by find_logged_body().
[[nodiscard]] LineFacts read_line_facts(std::string_view text);

/// Puts `name` and `value` of a log's JSON attribute into `facts` where the name is one of ours.
void add_attribute(LineFacts& facts, std::string_view name, std::string_view value);

/// The masked secrets in `text`, in order; `text`, `head` and `tail` are set.
[[nodiscard]] std::vector<LoggedMask> find_masks(std::string_view text);

/// Whether `text` is the beginning of something that goes on in the next line, because a copy was wrapped.
enum class Unfinished { no, headers, masks, error };
[[nodiscard]] Unfinished unfinished(std::string_view text);
/// Whether `text` begins with a name that we know and `=`.
[[nodiscard]] bool begins_with_key(std::string_view text);
/// Whether `text` begins something of its own, so that it continues no line.
[[nodiscard]] bool begins_fact(std::string_view text);

}  // namespace callchain::webhook
