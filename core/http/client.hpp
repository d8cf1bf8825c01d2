/// The HTTP client: libcurl's multi interface on a thread of its own, with one pool of connections.
#pragma once

#include "base/result.hpp"
#include "http/message.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace callchain::http {

struct ClientRequest {
    std::string method = "POST";  ///< of HEAD, no body is sent
    std::string url;              ///< https, or http; see is_url_for_secrets() for what may carry a key
    /// "Authorization" among them is never logged or put into an error. Content-Length, Transfer-Encoding and
    /// Expect are passed over: they follow from the body. No Content-Type is added.
    std::vector<Header> headers = {};
    std::string body = {};  ///< sent with Content-Length, also when empty, for POST
    /// Sent as the request target, byte for byte, in place of the URL's path and query; empty: those.
    std::string target = {};
    /// `as_given`, for a request that is passed on: no Accept and User-Agent of our own; HTTP/1.1, so that
    /// names stay as written; and a connection of its own, which the peer cannot have closed meanwhile.
    enum class Form { usual, as_given } form = Form::usual;
    std::chrono::milliseconds connect_time{3'000};
    /// From the call of send() to the last byte, so the time in the queue counts.
    std::chrono::milliseconds total_time{10'000};
};

struct ClientResponse {
    int status = 0;
    Headers headers;        ///< of the final response, without trailers
    std::string body;       ///< at most ClientOptions::body_bytes
    bool body_cut = false;  ///< there was more; the rest was not waited for
    std::string version;    ///< "HTTP/2", "HTTP/1.1", "HTTP/1.0"
    std::string peer;       ///< numeric address of whoever answered, a proxy's where there is one
    std::chrono::microseconds duration{};  ///< from the call of send()
};

/// Why a certificate or handshake was refused.
enum class TlsCause {
    none,  ///< the failure is of another kind
    expired,
    not_yet_valid,
    self_signed,     ///< the certificate itself, or the last one of its chain
    unknown_issuer,  ///< also where the server leaves out the certificates in between
    host_name,       ///< the certificate is for other names
    not_tls,         ///< the other side does not speak TLS: plain HTTP on this port
    other,
};
[[nodiscard]] std::string_view name_of(TlsCause cause);  ///< "expired", "host_name", …
/// What to do about it, one sentence; empty for `none`.
[[nodiscard]] std::string_view advice_on(TlsCause cause);

/// Why there is no answer. `message` is for a person: what failed, against which host, and libcurl's words;
/// never a header or body.
struct ClientFailure {
    enum class Kind {
        url,      ///< not http or https, malformed, also method or headers; or no libcurl: nothing was sent
        resolve,  ///< no such host
        connect,  ///< refused, also by a proxy, unreachable, or not connected in time: nothing was sent
        tls,      ///< handshake or certificate: nothing was sent
        timeout,  ///< connected and no whole answer in time: it may have been carried out
        broken,   ///< the connection ended before a whole answer: it may have been carried out
        closed,   ///< the client was stopped
    };
    Kind kind = Kind::broken;
    std::string message;
    TlsCause tls_cause = TlsCause::none;
    [[nodiscard]] bool nothing_was_sent() const {
        return kind == Kind::url || kind == Kind::resolve || kind == Kind::connect || kind == Kind::tls;
    }
};
[[nodiscard]] std::string_view name_of(ClientFailure::Kind kind);  ///< "resolve", "timeout", …

using ClientResult = std::variant<ClientResponse, ClientFailure>;

struct ClientOptions {
    std::string ca_file = {};     ///< PEM; empty: the system's
    std::string user_agent = {};  ///< e.g. "callchain/0.1.0"
    std::size_t body_bytes = std::size_t{1} << 20U;
    std::size_t most_connections_per_host = 64;
    /// Whether the proxy variables of the environment count.
    enum class Proxies { of_environment, none } proxies = Proxies::of_environment;
};

/// One pool of connections: kept alive, HTTP/2 by ALPN over TLS, names resolved once in 60 s. Redirects are
/// not followed; .netrc is not read; no other protocol than http and https; certificates and host names are
/// always verified. The proxy variables of the environment (https_proxy, no_proxy …) count, as with curl,
/// except for loopback addresses and where ClientOptions says otherwise. Functions may be called from any
/// thread.
///
/// The peer may close a kept connection at the moment when a request goes out on it. libcurl then sends the
/// request again by itself; here only if its method is idempotent (RFC 9110 section 9.2.2), or if not a byte
/// of the first attempt had left. A POST is never sent twice: it ends as ClientFailure::broken.
class Client {
  public:
    explicit Client(ClientOptions options = {});
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    /// As stop().
    ~Client();

    /// `done` is called once, on the client's thread, and must not block; what it throws is lost. After
    /// stop() it is called at once, on the caller's thread.
    void send(ClientRequest request, std::function<void(ClientResult)> done);
    /// The same, waiting for the answer. Not from `done`.
    [[nodiscard]] ClientResult perform(ClientRequest request);
    /// How long the request has waited for which it is the next turn; zero where none waits: more are under
    /// way than go out at once. Any thread.
    [[nodiscard]] std::chrono::milliseconds delay() const;
    /// Ends what is under way as ClientFailure::closed and joins the thread. Not from `done`.
    void stop();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Whether a URL may carry an API key: https, or http to a loopback address (127.0.0.0/8, [::1], localhost).
/// ws and wss likewise. False for whatever two readers of URLs could understand in two ways: userinfo, a
/// fragment, a backslash, blanks and controls, a final dot, 127.1, 0177.0.0.1, a percent sign in the host.
[[nodiscard]] bool is_url_for_secrets(std::string_view url);

/// The request as a curl command line that a person can paste: `$NAME` in double quotes stands for the value
/// of Authorization, whose `scheme` ("Bearer") is kept; everything else is quoted for a POSIX shell. Control
/// characters are written as $'\n' does; a body with a NUL comes through a pipe from printf.
[[nodiscard]] std::string curl_command(const ClientRequest& request, std::string_view secret_variable);

/// Loads libcurl, which else the first client does. Errors: io where the system has none that is usable; the
/// hint says how to get one. Without it each request ends as ClientFailure::url, with these words.
[[nodiscard]] Result<void> load_client_library();

/// "7.88.1 …": the version of libcurl that is loaded; "none" where it cannot be.
[[nodiscard]] std::string curl_version_text();

}  // namespace callchain::http
