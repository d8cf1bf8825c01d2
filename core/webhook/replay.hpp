/// From a capture to a request that may be sent again: what goes along, under which identity.
#pragma once

#include "base/result.hpp"
#include "crypto/hash.hpp"
#include "webhook/capture.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace callchain::webhook {

/// A request that is ready to be sent to some URL. No Host, no framing header: they follow from URL and body.
struct Delivery {
    std::string method = "POST";
    std::string target;  ///< of the capture, for where the URL has no path of its own
    Headers headers;
    std::string body;
    friend bool operator==(const Delivery& a, const Delivery& b) {
        const auto same = [](const Header& x, const Header& y) {
            return x.name == y.name && x.value == y.value;
        };
        return a.method == b.method && a.target == b.target && a.body == b.body &&
               std::equal(a.headers.fields.begin(), a.headers.fields.end(), b.headers.fields.begin(),
                          b.headers.fields.end(), same);
    }
};

struct ReplayPlan {
    Delivery delivery;
    std::vector<std::string> left_out;  ///< names of headers that do not go along, each once, as written
};

/// What of a capture is sent again: method, body, and all headers but those
/// - that are credentials (Authorization, Cookie, API keys … and what is named like one: X-Vault-Token),
/// - of the connection (hop-by-hop, those that Connection names, Host, Content-Length, Expect),
/// - that proxies and platforms added (Forwarded, X-Forwarded-*, CF-* …): the receiver's own add theirs,
/// - Accept-Encoding: the answer is to be read by a person.
/// Errors: bad_input for a body that is shorter than declared, none at all (but with GET and HEAD), a method
/// that is no token or is CONNECT, a header that HTTP does not allow; each says what to do.
/// Source: RFC 9110 section 7.6.1 (hop-by-hop).
[[nodiscard]] Result<ReplayPlan> plan_replay(const Capture& capture);

/// What signs a delivery.
struct Identity {
    std::string id;
    std::string timestamp;  ///< Unix seconds as text
};

/// Puts webhook-id, webhook-timestamp and webhook-signature in place of those that are there, whatever their
/// case, and of svix-* ones; one signature for each key, separated by blanks, as during a rotation.
/// Source: Standard Webhooks, "Webhook headers".
void sign_delivery(Delivery& delivery, std::span<const crypto::HmacKey> keys, const Identity& identity);

/// Sets a header in place of all of that name, at the place of the first, else at the end.
void set_header(Headers& headers, std::string_view name, std::string value);
void remove_header(Headers& headers, std::string_view name);

/// How a capture that is sent as it is stands to its receiver.
struct Staleness {
    enum class Scheme { standard, twilio, none };
    Scheme scheme = Scheme::none;
    std::vector<std::string> missing;  ///< of Standard Webhooks' three headers, where one is there
    std::optional<std::chrono::seconds>
        age;  ///< now - timestamp; negative: ahead; nullopt: none, or no number
};
[[nodiscard]] Staleness staleness_of(const Headers& headers, std::chrono::sys_seconds now);

/// The capture file of a delivery: its request line (with `target`), Host, headers, Content-Length and body.
[[nodiscard]] std::string write_delivery(const Delivery& delivery, std::string_view target,
                                         std::string_view host);

}  // namespace callchain::webhook
